"""CIFAR's binary files and folders of images: records, splits, moves of training images, and what is refused."""
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from refapprox.datasets import CIFAR10, CIFAR100, CropAndFlip, DataModule, ImageFolder, NormalizedImages, cifar
from refapprox.datasets.by_name import dataset_names, load_dataset

RNG = np.random.default_rng


# ---- images as bytes

def test_bytes_are_normalized_as_floats_would_be():
    pixels = RNG(0).integers(0, 256, (5, 3, 4, 6))
    mean, std = np.array([0.1, 0.2, 0.3]), np.array([0.4, 0.5, 0.6])
    images = NormalizedImages(pixels, mean, std)
    expected = (pixels / 255 - mean[:, None, None]) / std[:, None, None]
    assert images.shape == pixels.shape and len(images) == 5 and images.dtype == np.float32
    for rows in (slice(1, 3), [4, 0], np.array([2]), 3):
        assert np.allclose(images[rows], expected[rows], rtol=1e-6, atol=1e-6)
    assert np.array_equal(np.asarray(images), images[:]) and images.pixels.nbytes == pixels.size


@pytest.mark.parametrize("arguments, error, message", [
    ((np.zeros((1, 1, 2, 2)), [0.5], [0.5]), TypeError, "pixels must be an array of integers"),
    ((np.full((1, 1, 2, 2), 256), [0.5], [0.5]), ValueError, r"pixels must lie in \[0, 255\]"),
    ((np.zeros((1, 3, 2, 2), int), [0.5], [0.5]), ValueError, "one number per channel"),
    ((np.zeros((1, 1, 2, 2), int), [0.5], [0.0]), ValueError, "std positive"),
])
def test_what_are_no_bytes_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        NormalizedImages(*arguments)


# ---- moved images

def moved_by_loops(image, top, left, mirrored, padding):
    """One image (c, h, w), pixel by pixel: crop out of the black border, then mirror."""
    c, h, w = image.shape
    out = np.zeros_like(image)
    for channel, y, x in np.ndindex(out.shape):
        row, column = y + top - padding, (w - 1 - x if mirrored else x) + left - padding
        if 0 <= row < h and 0 <= column < w:
            out[channel, y, x] = image[channel, row, column]
    return out


def test_moves_equal_their_definition():
    pixels, moves = RNG(1).integers(0, 256, (12, 2, 5, 4)).astype(np.uint8), CropAndFlip(padding=2).draw(12, RNG(2))
    expected = [moved_by_loops(image, *move, 2) for image, move in zip(pixels, moves, strict=True)]
    assert np.array_equal(CropAndFlip(padding=2).apply(pixels, moves), expected)
    assert moves[:, :2].min() == 0 and moves[:, :2].max() == 4 and set(moves[:, 2]) == {0, 1}
    assert not CropAndFlip(flip=False).draw(50, RNG(3))[:, 2].any()


def bytes_data(augmentation=None, n=20):
    part = NormalizedImages(RNG(4).integers(1, 256, (n, 1, 6, 6)), [0.5], [0.25]), np.arange(n) % 3
    return DataModule(part, part, part, num_classes=3, batch_size=8, augmentation=augmentation)


def test_an_epoch_of_moved_images_depends_on_its_generator_alone():
    data = bytes_data(CropAndFlip(2))
    epochs = [list(data.train_batches(RNG(seed))) for seed in (5, 5, 6)]
    for first, again in zip(epochs[0], epochs[1], strict=True):
        assert np.array_equal(first.images, again.images) and np.array_equal(first.labels, again.labels)
    assert any(not np.array_equal(a.images, b.images) for a, b in zip(epochs[0], epochs[2], strict=True))
    plain = list(bytes_data().train_batches(RNG(5)))
    assert all(np.array_equal(a.labels, b.labels) for a, b in zip(plain, epochs[0], strict=True))      # order first
    assert not np.array_equal(plain[0].images, epochs[0][0].images)
    for unmoved, whole in ((data.val_batches(), data.val), (data.test_batches(), data.test)):
        assert np.array_equal(np.concatenate([batch.images for batch in unmoved]), whole.images[:])


def test_a_batch_holds_the_moved_images_of_its_rows():
    data, rng = bytes_data(CropAndFlip(1)), RNG(7)
    order, moves = rng.permutation(20), CropAndFlip(1).draw(20, rng)
    expected = [moved_by_loops(data.train.images.pixels[row], *move, 1)
                for row, move in zip(order, moves, strict=True)]
    found = np.concatenate([batch.images for batch in data.train_batches(RNG(7))])
    assert np.array_equal(found, data.train.images.normalized(np.array(expected)))


def test_floats_are_not_moved():
    part = np.zeros((2, 1, 3, 3)), np.zeros(2, int)
    with pytest.raises(TypeError, match="train images of a DataModule with augmentation must be of type"):
        DataModule(part, part, part, num_classes=1, augmentation=CropAndFlip())


# ---- CIFAR

@pytest.fixture
def small(monkeypatch):
    """Files of few records."""
    monkeypatch.setattr(cifar, "N_VAL", 3)
    monkeypatch.setattr(cifar, "CIFAR10_FILES", {"train": {f"data_batch_{i}.bin": 4 for i in range(1, 6)},
                                                 "test": {"test_batch.bin": 5}})
    monkeypatch.setattr(cifar, "CIFAR100_FILES", {"train": {"train.bin": 20}, "test": {"test.bin": 5}})


def write_cifar(folder, files, classes):
    """file -> records (labels, pixels) of random CIFAR files."""
    folder.mkdir(parents=True, exist_ok=True)
    content, rng = {}, RNG(8)
    for file, count in (files["train"] | files["test"]).items():
        labels = np.column_stack([rng.integers(0, most, count) for most in classes])
        pixels = rng.integers(0, 256, (count, 3072))
        (folder / file).write_bytes(np.hstack([labels, pixels]).astype(np.uint8).tobytes())
        content[file] = labels, pixels.reshape(count, 3, 32, 32)
    return content


def test_cifar10_takes_its_records_in_order(tmp_path, small):
    content = write_cifar(tmp_path / "cifar-10-batches-bin", cifar.CIFAR10_FILES, (10,))
    data = CIFAR10(data_dir=tmp_path)
    pixels = np.concatenate([data.train.images.pixels, data.val.images.pixels])
    expected = np.concatenate([content[f"data_batch_{i}.bin"][1] for i in range(1, 6)])
    assert np.array_equal(pixels, expected) and len(data.val.labels) == 3
    labels = np.concatenate([content[f"data_batch_{i}.bin"][0][:, 0] for i in range(1, 6)])
    assert data.val.labels.tolist() == labels[-3:].tolist() and data.train.labels.tolist() == labels[:-3].tolist()
    assert np.array_equal(data.test.images.pixels, content["test_batch.bin"][1])
    assert data.augmentation == CropAndFlip() and not any(d["known"] for d in data.digests.values())
    assert CIFAR10(data_dir=tmp_path / "cifar-10-batches-bin", augment=False).augmentation is None
    assert load_dataset("cifar10", tmp_path, batch_size=7).batch_size == 7


def test_cifar100_has_fine_and_coarse_labels(tmp_path, small):
    content = write_cifar(tmp_path, cifar.CIFAR100_FILES, (20, 100))
    fine, coarse = CIFAR100(data_dir=tmp_path), CIFAR100(data_dir=tmp_path, labels="coarse")
    assert (fine.num_classes, coarse.num_classes) == (100, 20)
    assert fine.test.labels.tolist() == content["test.bin"][0][:, 1].tolist()
    assert coarse.test.labels.tolist() == content["test.bin"][0][:, 0].tolist()
    assert np.array_equal(fine.test.images.pixels, content["test.bin"][1])


def test_wrong_files_are_named_with_their_place(tmp_path, small):
    folder = tmp_path / "cifar-10-batches-bin"
    write_cifar(folder, cifar.CIFAR10_FILES, (10,))
    path = folder / "data_batch_2.bin"
    content = bytearray(path.read_bytes())
    content[2 * 3073] = 10
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"data_batch_2.bin must hold labels from 0 to 9, got 10 at byte 0 of rec.* 2"):
        CIFAR10(data_dir=tmp_path)
    for wrong in (content[:-1], content + b"0"):
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match=rf"data_batch_2.bin must hold 4 records of 3073 bytes.* got {len(wrong)}"):
            CIFAR10(data_dir=tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="data_batch_2.bin is not in"):
        CIFAR10(data_dir=tmp_path)
    with pytest.raises(TypeError, match="augment of CIFAR10 must be True or False"):
        CIFAR10(data_dir=tmp_path, augment="no")
    with pytest.raises(KeyError, match="labels of CIFAR100 must be one of fine, coarse"):
        CIFAR100(data_dir=tmp_path, labels="medium")


def test_the_real_cifar10(data_dir):
    if not (Path(data_dir) / "cifar-10-batches-bin").is_dir():
        pytest.skip("no CIFAR-10 in REFAPPROX_DATA_DIR")
    data = CIFAR10(data_dir=data_dir)
    assert [len(part.labels) for part in (data.train, data.val, data.test)] == [45_000, 5_000, 10_000]
    assert data.test.labels[:7].tolist() == [3, 8, 8, 0, 6, 6, 1]
    assert np.bincount(data.test.labels).tolist() == [1000] * 10
    # normalized by the moments of all 50,000, so to a few thousandths standardized here
    images = data.train.images[:]
    assert np.abs(images.mean(axis=(0, 2, 3))).max() < 0.01 and np.abs(images.std(axis=(0, 2, 3)) - 1).max() < 0.01
    assert all(digest["known"] for digest in data.digests.values())


# ---- folders of images

def write_images(folder, count, size=(6, 5), suffix=".png", start=0):
    """`count` images of one color each, PNG without loss; returns the colors."""
    folder.mkdir(parents=True, exist_ok=True)
    colors = [(10 * (start + i) % 256, 7 * i % 256, 200) for i in range(count)]
    for i, color in enumerate(colors):
        Image.new("RGB", size, color).save(folder / f"{i:03d}{suffix}")
    return colors


def test_folders_by_class_with_a_test_part(tmp_path):
    for part in ("train", "val", "test"):
        for number, name in enumerate(("cat", "ant")):
            write_images(tmp_path / part / name, 3 + number, start=number)
    data = ImageFolder(data_dir=tmp_path)
    assert data.classes == ["ant", "cat"] and data.image_shape == (3, 5, 6)
    assert [part.labels.tolist() for part in (data.train, data.val, data.test)] == [[0, 0, 0, 0, 1, 1, 1]] * 3
    assert data.train.images.pixels[5, :, 0, 0].tolist() == [10, 7, 200]      # the second cat
    images = data.train.images[:]
    assert np.allclose(images.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    assert np.allclose(images.std(axis=(0, 2, 3))[:2], 1, atol=1e-5) and np.abs(images[:, 2]).max() < 1e-12


def test_without_a_validation_part_every_tenth_image_of_a_class_is_set_aside(tmp_path):
    write_images(tmp_path / "train" / "a", 25)
    write_images(tmp_path / "test" / "a", 2)
    data = ImageFolder(data_dir=tmp_path)
    assert data.val.images.pixels[:, 1, 0, 0].tolist() == [7 * 9, 7 * 19] and len(data.train.labels) == 23


def test_tinyimagenets_layout(tmp_path):
    for name in ("n01", "n02"):
        write_images(tmp_path / "train" / name / "images", 10, suffix=".JPEG")
    write_images(tmp_path / "val" / "images", 3, suffix=".JPEG")
    write_images(tmp_path / "test" / "images", 2, suffix=".JPEG")                  # without labels
    lines = ["000.JPEG\tn02\t0\t0\t1\t1", "001.JPEG\tn01\t0\t0\t1\t1", "002.JPEG\tn02\t0\t0\t1\t1"]
    annotations = tmp_path / "val" / "val_annotations.txt"
    annotations.write_text("\n".join(lines) + "\n")
    data = ImageFolder(data_dir=tmp_path)
    assert data.test.labels.tolist() == [0, 1, 1] and data.val.labels.tolist() == [0, 1]
    assert np.abs(data.test.images.pixels[:, 1, 0, 0].astype(int) - [7, 0, 14]).max() <= 3      # JPEG loses a little
    annotations.write_text("000.JPEG\tn03\n")
    with pytest.raises(ValueError, match=r"val_annotations.txt, line 1, must name a file and a class of .*, got '000"):
        ImageFolder(data_dir=tmp_path)
    annotations.write_text("../../secret.png\tn01\n")
    with pytest.raises(ValueError, match="line 1"):
        ImageFolder(data_dir=tmp_path)


def test_images_are_resized_where_asked_for_and_else_must_have_one_size(tmp_path):
    write_images(tmp_path / "train" / "a", 12)
    write_images(tmp_path / "test" / "a", 1, size=(9, 9))
    with pytest.raises(ValueError, match=r"000.png must have 5 x 6 pixels as the images before it, got 9 x 9; size="):
        ImageFolder(data_dir=tmp_path)
    assert ImageFolder(data_dir=tmp_path, size=4).image_shape == (3, 4, 4)
    assert load_dataset("folder", tmp_path, size=4, augment=True).augmentation == CropAndFlip()


def test_what_is_no_image_is_named(tmp_path):
    write_images(tmp_path / "train" / "a", 12)
    write_images(tmp_path / "test" / "a", 1)
    path = tmp_path / "train" / "a" / "003.png"
    whole = path.read_bytes()
    for content in (b"nothing", whole[:40], b""):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="003.png is not a readable PNG or JPEG image"):
            ImageFolder(data_dir=tmp_path)
    Image.new("1", (5000, 5000)).save(path)
    with pytest.raises(ValueError, match="003.png .* claims 5000 x 5000 pixels"):
        ImageFolder(data_dir=tmp_path)


def test_missing_folders_are_named(tmp_path, monkeypatch):
    monkeypatch.delenv("REFAPPROX_DATA_DIR", raising=False)
    with pytest.raises(FileNotFoundError, match="ImageFolder needs the folder with its files"):
        ImageFolder()
    with pytest.raises(FileNotFoundError, match="must hold a folder train"):
        ImageFolder(data_dir=tmp_path)
    write_images(tmp_path / "train" / "a", 12)
    with pytest.raises(FileNotFoundError, match="must hold test or val"):
        ImageFolder(data_dir=tmp_path)
    (tmp_path / "train" / "b").mkdir()
    with pytest.raises(ValueError, match="b must hold images"):
        ImageFolder(data_dir=tmp_path)
    with pytest.raises(KeyError, match="Did you mean cifar10"):
        load_dataset("cifar-10")
    assert "folder" in dataset_names()
