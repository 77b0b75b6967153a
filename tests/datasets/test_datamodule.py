"""Batches: every image once an epoch, in a new order, nothing lost; and what is refused."""
import numpy as np
import pytest

from refapprox.datasets import DataModule

N = 10


def part(n=N, start=0):
    """Images that carry their number, so that a batch tells which they are."""
    numbers = np.arange(start, start + n)
    return np.broadcast_to(numbers[:, None, None, None], (n, 1, 2, 2)).astype(float), numbers % 3


def data(batch_size=4):
    return DataModule(part(), part(3, 100), part(5, 200), num_classes=3, batch_size=batch_size)


def numbers(batches):
    return [batch.images[:, 0, 0, 0].astype(int).tolist() for batch in batches]


def test_an_epoch_holds_every_image_once_with_its_label_and_keeps_the_last_partial_batch():
    batches = list(data().train_batches(np.random.default_rng(0)))
    assert [len(batch.labels) for batch in batches] == [4, 4, 2]
    assert sorted(sum(numbers(batches), [])) == list(range(N))
    for images, labels in batches:
        assert np.array_equal(images[:, 0, 0, 0] % 3, labels)


def test_epochs_are_reshuffled_and_the_generator_decides_how():
    rng = np.random.default_rng(0)
    first, second = numbers(data().train_batches(rng)), numbers(data().train_batches(rng))
    assert first != second
    assert first == numbers(data().train_batches(np.random.default_rng(0)))


def test_validation_and_test_come_in_order():
    assert numbers(data().val_batches()) == [[100, 101, 102]]
    assert numbers(data().test_batches()) == [[200, 201, 202, 203], [204]]


def test_a_sample_is_of_different_training_images():
    sample = data().sample(N, np.random.default_rng(1))
    assert sample.shape == (N, 1, 2, 2)
    assert sorted(sample[:, 0, 0, 0].tolist()) == list(range(N))


def test_dtypes_and_shapes():
    dm = data()
    assert dm.train.images.dtype == np.float32 and dm.train.labels.dtype == np.int64
    assert (dm.image_shape, dm.num_classes, dm.batch_size) == ((1, 2, 2), 3, 4)


@pytest.mark.parametrize("wrong, message", [
    ((np.zeros((0, 1, 2, 2)), np.zeros(0, int)), "val needs images"),
    ((np.zeros((2, 2, 2)), np.zeros(2, int)), r"got \(2, 2, 2\) and \(2,\)"),
    ((np.zeros((2, 1, 2, 2)), np.zeros(3, int)), "val needs images"),
    ((np.zeros((1, 1, 2, 2)), np.array([3])), r"labels of val must lie in \[0, 2\], got 3"),
    ((np.zeros((1, 1, 2, 2)), np.array([0.5])), "labels of val must hold integer codes"),
    ((np.full((1, 1, 2, 2), np.nan), np.array([0])), "images of val must be finite"),
    ((np.zeros((1, 1, 3, 3)), np.array([0])), r"val images must have the shape of the training images \(1, 2, 2\)"),
])
def test_bad_parts_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        DataModule(part(), wrong, part(), num_classes=3)


@pytest.mark.parametrize("call, error, message", [
    (lambda dm: dm.sample(0, np.random.default_rng(0)), ValueError, "n of sample must be at least 1"),
    (lambda dm: dm.sample(N + 1, np.random.default_rng(0)), ValueError, "n of sample must be at most 10"),
    (lambda dm: dm.train_batches(0), TypeError, "Generator"),
])
def test_bad_calls_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(data())
