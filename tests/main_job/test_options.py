"""Any network on any data set: options of a run, what they change, and resuming to the same bits with all of them."""
import argparse

import numpy as np
import pytest

from refapprox.commands.run import stage_epochs
from refapprox.datasets import DataModule, NormalizedImages
from refapprox.datasets.pixels import CropAndFlip
from refapprox.main_job import MainJob, RunConfig, config, job
from refapprox.main_job.error_report import read_run
from refapprox.main_job.run_folder import RunFolder
from refapprox.matching import MatchingInfo
from refapprox.nets import net_names
from refapprox.nets.resnet import NOISE_SEARCH
from refapprox.optimizer import StageSettings

STAGE = StageSettings(epochs=1, lr=1e-2, sigma_lr=0.1)
TINY = {"stages": dict.fromkeys(("baseline", "quant", "gradient", "approx"), STAGE),
        "digits": {"n_train": 200, "n_test": 40}}


class Quiet:
    """A console that keeps what was said, and interrupts at a batch."""

    def __init__(self, interrupt_at=None):
        self.batches, self.interrupt_at, self.said = 0, interrupt_at, []

    def line(self, text=""):
        self.said.append(text)

    def epoch(self, *progress):
        pass

    def batch(self, *progress):
        self.batches += 1
        if self.batches == self.interrupt_at:
            raise KeyboardInterrupt


@pytest.fixture
def colored(monkeypatch):
    """Small colored images with moves in training, in the place of CIFAR-10, and a network small enough for them."""
    rng = np.random.default_rng(0)

    def part(n):
        return NormalizedImages(rng.integers(0, 256, (n, 3, 12, 12)), [0.5] * 3, [0.25] * 3), np.arange(n) % 10

    parts = part(160), part(30), part(40)
    monkeypatch.setitem(config.PRESETS, "tiny", TINY)
    monkeypatch.setattr(job, "load_dataset", lambda name, data_dir: DataModule(
        *parts, num_classes=10, batch_size=64, augmentation=CropAndFlip(1),
        digests={"a.bin": {"md5": "0", "known": True}, "b.bin": {"md5": "1", "known": False}}))


def start(path, options, console):
    folder = RunFolder(path)
    folder.create(options)
    return MainJob(options, folder, console)


@pytest.mark.parametrize("options", [
    {"ranges": "static", "fold": True, "retrain": "biases"},
    {"ranges": "batch", "recalibrate": 100, "retrain": "batch_norm"},
])
def test_a_run_with_every_option_resumes_to_the_same_bits(options, colored, tmp_path):
    chosen = RunConfig("cifar10", preset="tiny", epochs={"baseline": 2, "gradient": 1}, images=128, **options)
    console = Quiet()
    expected = start(tmp_path / "whole", chosen, console).run()
    assert console.said[0].startswith("about ") and " in all, measured on a batch" in console.said[0]
    conditions = MainJob(chosen, RunFolder(tmp_path / "none"), Quiet()).conditions
    assert ("calibrated on 128 training images" in conditions) is (chosen.ranges == "static")
    assert chosen.retrain[:4] in conditions and "128 images for training, 30 for validation, 40 for" in conditions
    assert conditions.endswith("not known by their md5 sums: b.bin")
    assert ("recalibrated" in expected) is ("uniform_recalibrated" in expected) is bool(chosen.recalibrate)
    recorded, info = read_run(tmp_path / "whole"), MatchingInfo.load(tmp_path / "whole" / "matching.json")
    assert [layer.allowed_std for layer in info.layers] == [
        abs(layer.sigma) * recorded.layers[layer.name].output_std() for layer in info.layers]
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path / "parts", chosen, Quiet(1)).run()
    for interrupt_at in (3, 2, 3, 2):
        folder, again = RunFolder.open(tmp_path / "parts")
        assert again == chosen
        with pytest.raises(KeyboardInterrupt):
            MainJob(again, folder, Quiet(interrupt_at)).run()
    folder, again = RunFolder.open(tmp_path / "parts")
    assert MainJob(again, folder, Quiet()).run() == expected
    one, other = (RunFolder.open(tmp_path / name)[0].load().network for name in ("whole", "parts"))
    assert one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)
    assert any("bn" in key for key in one) is not chosen.fold


def test_settings_follow_the_network():
    assert (RunConfig().lmbd, RunConfig().initial_noise) == (0.2, 0.025)
    for depth in (8, 20):
        chosen = RunConfig("cifar10", net=f"resnet{depth}")
        assert (chosen.lmbd, chosen.initial_noise) == (NOISE_SEARCH[depth].lmbd, NOISE_SEARCH[depth].initial_noise)
    assert RunConfig(net="resnet8", lmbd=0.0).lmbd == 0.0
    assert RunConfig(net="vgg16", preset="full").stages["baseline"].epochs == 30
    short = RunConfig(net="vgg16", preset="smoke", epochs={"quant": 4}, retrain="batch_norm").stages
    assert [settings.epochs for settings in short.values()] == [1, 4, 1, 1]
    assert short["baseline"].lr == 5e-2 and short["baseline"].step is None
    stretched = RunConfig(net="resnet8", epochs={"baseline": 14, "gradient": 2}).stages      # 180 and 30
    assert [stretched["baseline"].decay(epoch) for epoch in (6, 7, 10, 11)] == pytest.approx([1, 0.1, 0.1, 0.01])
    assert [stretched["gradient"].decay(epoch) for epoch in (0, 1)] == pytest.approx([1, 0.1])
    assert stretched["gradient"].sigma_lr == short["gradient"].sigma_lr / 10 == 5e-3
    assert {name: settings.trained for name, settings in short.items()} == {
        "baseline": "all", "quant": "all", "gradient": "all", "approx": "batch_norm"}
    for name in net_names():
        assert RunConfig(net=name).stages.keys() == STAGE_NAMES


@pytest.mark.parametrize("net, given, expected", [
    ("lenet5", None, (160, 30, 30)),           # as many as there are, and as the preset tests on
    ("resnet8", None, (96, 30, 30)),           # 1.7e6 multiplications: 3 batches of 32 take less than 2e8
    ("vgg11", None, (32, 30, 30)),             # one batch, whatever it takes
    ("vgg11", 130, (130, 30, 30)),             # what is asked for
])
def test_smoke_takes_fewer_images_of_wide_networks(net, given, expected, monkeypatch):
    images = NormalizedImages(np.zeros((160, 3, 12, 12), np.uint8), [0.5] * 3, [0.25] * 3)
    parts = [(images.first(n), np.zeros(n, int)) for n in (160, 30, 40)]
    monkeypatch.setattr(job, "load_dataset", lambda name, data_dir: DataModule(*parts, num_classes=10, batch_size=32))
    smoke = config.PRESETS["smoke"] | {"multiplications": 2e8, "digits": {"n_train": 1500, "n_test": 30}}
    monkeypatch.setitem(config.PRESETS, "smoke", smoke)
    for preset, sizes in (("smoke", expected), ("quick", (given or 160, 30, 40))):
        data = job.make_datamodule(RunConfig("cifar10", preset=preset, net=net, images=given))
        assert tuple(len(part.labels) for part in (data.train, data.val, data.test)) == sizes


STAGE_NAMES = {"baseline", "quant", "gradient", "approx"}


@pytest.mark.parametrize("options, message", [
    ({"net": "resnet9"}, "net must be one of .* Did you mean resnet8"),
    ({"dataset": "cifar"}, "dataset must be one of"),
    ({"epochs": {"base": 1}}, "a stage of epochs must be one of baseline"),
    ({"epochs": {"quant": -1}}, "epochs of quant must be at least 0"),
    ({"images": 100}, "images must be at least 128"),
    ({"ranges": "dynamic"}, "ranges must be one of moving, batch, static"),
    ({"fold": "no"}, "fold must be True or False"),
    ({"retrain": "weights"}, "retrain must be one of all, batch_norm, biases"),
    ({"fold": True, "recalibrate": 10}, "fold leaves no batch norm to recalibrate"),
    ({"fold": True, "retrain": "batch_norm"}, "fold leaves no batch norm to retrain"),
])
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        RunConfig(**options)


@pytest.mark.parametrize("options, message", [
    ({"recalibrate": 10}, "recalibrate needs batch norm, which AlexNet does not have"),
    ({"retrain": "batch_norm"}, "trained must name something that AlexNet has, got 'batch_norm'"),
])
def test_a_network_without_batch_norm_refuses_before_it_trains(options, message, colored, tmp_path):
    with pytest.raises(ValueError, match=message):
        MainJob(RunConfig("cifar10", preset="tiny", net="alexnet", **options), RunFolder(tmp_path), Quiet())


def test_epochs_by_stage_are_read():
    assert stage_epochs("baseline=20, approx=0") == {"baseline": 20, "approx": 0}
    for wrong in ("20", "base=1", "quant=x", "quant=1,quant=2", "quant=-1", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="must read STAGE=N"):
            stage_epochs(wrong)
