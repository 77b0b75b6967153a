"""agnapprox's later networks, data sets and the steps of its QoS experiment, on a few drawn digits."""
import numpy as np
import pytest
from PIL import Image

from refapprox.compat.agnapprox.datamodules import CIFAR10, ApproxDataModule, TinyImageNet
from refapprox.compat.agnapprox.experiments import (
    GradientSearchParams,
    LayerResult,
    QoSExperiment,
    n_multiplier_search,
)
from refapprox.compat.agnapprox.nets import VGG, AlexNet, LeNet5, MobileNetV2
from refapprox.datasets import SyntheticDigits


class Digits(ApproxDataModule):
    """A few drawn digits."""

    def load(self):
        return SyntheticDigits(n_train=160, n_test=20, batch_size=self.args["batch_size"])


def qos(folder, **options):
    return QoSExperiment(LeNet5(rng=np.random.default_rng(1)), Digits(batch_size=30), "mul8s", model_dir=folder,
                         **options)


@pytest.mark.parametrize("make", [VGG, AlexNet, MobileNetV2])
def test_a_network_has_the_published_classes_topk_and_no_weights_of_others(make):
    net = make(width=2, rng=np.random.default_rng(0))
    assert net.topk == (1, 5) and net.forward(np.zeros((1, 3, 32, 32), np.float32)).shape == (1, 200)
    with pytest.raises(ValueError, match=r"pretrained of \w+ must be False.*no ImageNet weights"):
        make(pretrained=True)


def test_the_steps_share_a_few_multipliers_among_all_searches(tmp_path):
    experiment = qos(tmp_path)
    for mode in experiment.model_fp32.epochs:
        experiment.model_fp32.epochs[mode] = 1
    rows, points = n_multiplier_search(experiment, GradientSearchParams([0.5, 0.005], 1.0, 0.1), 2,
                                       rng=np.random.default_rng(2))
    space = experiment.search_space()
    assert [row.lmbd for row in rows] == [0.5] * 5 + [0.005] * 5 and list(points) == [0.5, 0.005]
    assert len({row.assignment for row in rows}) <= 2 and all(isinstance(row, LayerResult) for row in rows)
    strongest = max(multiplier.performance_metric for multiplier in space.values())
    for lmbd, (power, accuracy) in points.items():
        of_search = [row for row in rows if row.lmbd == lmbd]
        costs = [space[row.assignment].performance_metric / strongest for row in of_search]
        ops = np.array([row.ops for row in of_search])
        assert power == pytest.approx(costs @ ops / ops.sum(), rel=1e-12) and 0 <= accuracy <= 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lenet5_8sx8s_t.npz", "lenet5_baseline.npz"]


def test_what_is_trained_is_loaded_the_next_time(tmp_path):
    first = qos(tmp_path)
    for mode in first.model_fp32.epochs:
        first.model_fp32.epochs[mode] = 1
    state = first.baseline_model.net.state()
    second = QoSExperiment(LeNet5(rng=np.random.default_rng(9)), Digits(batch_size=30), "mul8s", model_dir=tmp_path)
    again = second.baseline_model.net.state()
    assert all(np.array_equal(state[name], again[name], equal_nan=True) for name in state)


@pytest.mark.parametrize("call, message", [
    (lambda folder: QoSExperiment(None, None, "mul8u"), "mul_filter_str must be part of the name of a signed"),
    (lambda folder: qos(folder, qconfig="8ux8u"), "qconfig must be None"),
    (lambda folder: qos(folder).quantized_model("8ux8u"), "qconfig must be None"),
    (lambda folder: n_multiplier_search(qos(folder), GradientSearchParams(0.5, 1.0, 0.1), 2, prune=True),
     "prune of n_multiplier_search must be False"),
])
def test_what_is_not_there_is_refused(call, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        call(tmp_path)


def test_cifar10_is_normalized_by_imagenet_s_constants(tmp_path, monkeypatch):
    monkeypatch.setenv("AGNAPPROX_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("refapprox.datasets.cifar.CIFAR10_FILES", {"train": {"data_batch_1.bin": 4},
                                                                   "test": {"test_batch.bin": 2}})
    monkeypatch.setattr("refapprox.datasets.cifar.N_VAL", 1)
    for name, count in (("data_batch_1.bin", 4), ("test_batch.bin", 2)):
        (tmp_path / name).write_bytes(b"".join(bytes([7]) + bytes([51] * 3072) for _ in range(count)))
    data = CIFAR10(batch_size=2)
    data.prepare_data()
    data.setup()
    expected = (51 / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(data.df_test.images[0][:, 0, 0], expected, rtol=1e-6)
    assert data.native.augmentation is not None and len(data.df_train.labels) == 3


def test_tiny_imagenet_splits_every_class_and_says_when_it_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("AGNAPPROX_DATA_DIR", str(tmp_path))
    data = TinyImageNet(split=0.75, batch_size=2)
    with pytest.raises(FileNotFoundError, match="tiny-imagenet-200 is not there"):
        data.prepare_data()
    for part, name, count in (("train", "n01/images", 20), ("train", "n02/images", 12), ("val", "n01", 1),
                              ("val", "n02", 1)):
        folder = tmp_path / "tiny-imagenet-200" / part / name
        folder.mkdir(parents=True)
        for i in range(count):
            Image.fromarray(np.full((4, 4, 3), i, np.uint8)).save(folder / f"{i}.png")
    data.prepare_data()
    data.setup()
    assert np.bincount(data.df_train.labels).tolist() == [15, 9] and np.bincount(data.df_val.labels).tolist() == [5, 3]
    shown = np.concatenate([split.images.pixels[:, 0, 0, 0] for split in (data.df_train, data.df_val)])
    assert sorted(shown.tolist()) == sorted([*range(20), *range(12)])
    with pytest.raises(ValueError, match="split of TinyImageNet must be between 0 and 1, got 1.5"):
        TinyImageNet(split=1.5)
