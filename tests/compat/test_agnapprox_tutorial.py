"""The published Tutorial 1, call for call, with nothing but its imports changed, on a few drawn digits."""
import logging
import re
import struct

import numpy as np
import pytest

from refapprox.compat.agnapprox.libs.evoapprox import EvoApprox
from refapprox.compat.agnapprox.utils import select_multipliers
from refapprox.compat.lightning import Trainer
from refapprox.datasets.synthetic import MEAN, STD, draw_digits

LAYERS = ["model.conv1.0", "model.conv2.0", "model.linear1", "model.linear2", "model.linear3"]
FAN_IN = [25, 150, 400, 120, 84]
OPCOUNT = [25 * 6 * 28 * 28, 150 * 16 * 10 * 10, 400 * 120, 120 * 84, 84 * 10]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A folder with 240 + 60 drawn digits in MNIST's files and torchvision's layout."""
    folder = tmp_path_factory.mktemp("data")
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, n in (("train", 240), ("t10k", 60)):
        images, labels = draw_digits(n, np.random.default_rng(n))
        pixels = np.rint(255 * (images[:, 0] * STD + MEAN)).astype(np.uint8)
        header = struct.pack(">I", 0x803) + struct.pack(">3I", *pixels.shape)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, n) + labels.astype("u1").tobytes())
    return folder


@pytest.fixture(scope="module")
def tutorial(data_dir):
    """What is left after the tutorial: model, dm, res, evo, log lines, candidates' names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGNAPPROX_DATA_DIR", str(data_dir))
        with captured_log() as lines:
            yield run_tutorial() | {"log": lines}


class captured_log:
    """Messages logged below refapprox.compat at INFO."""

    def __enter__(self):
        self.lines = []
        self.handler = logging.Handler()
        self.handler.emit = lambda record: self.lines.append(record.getMessage())
        self.logger = logging.getLogger("refapprox.compat")
        self.level = self.logger.level
        self.logger.addHandler(self.handler)
        self.logger.setLevel(logging.INFO)
        return self.lines

    def __exit__(self, *_):
        self.logger.removeHandler(self.handler)
        self.logger.setLevel(self.level)


def run_tutorial():
    """The code cells; the imports are the changed ones."""
    from refapprox.compat.agnapprox.datamodules import MNIST
    from refapprox.compat.agnapprox.nets import LeNet5

    dm = MNIST(batch_size=128, num_workers=4)
    dm.prepare_data()
    dm.setup()

    model = LeNet5()

    model.train_baseline(dm, epochs=8, test=True)

    model.train_quant(dm)

    model.train_gradient(dm, lmbd=0.2, initial_noise=0.025)

    from refapprox.compat import lightning as pl
    from refapprox.compat.agnapprox.libs.evoapprox import EvoApproxLib
    from refapprox.compat.agnapprox.utils import deploy_multipliers, select_multipliers

    trainer = pl.Trainer()
    evo = EvoApproxLib()
    target_multipliers = evo.prepare(signed=True)

    names = ", ".join([tm.name for tm in target_multipliers])

    res = select_multipliers(
        model, dm, target_multipliers, trainer
    )
    deploy_multipliers(model, res, evo)

    multiplier_performance = np.array([l.relative_energy_consumption(res.metric_max) for l in res.layers])
    opcounts = np.array([l.relative_opcount(res.opcount) for l in res.layers])
    labels = [l.name for l in res.layers]

    model.train_approx(dm, test=True)

    for n, m in model.noisy_modules:      # noqa: B007
        m.approx_op.lut = evo.load_lut('mul8s_1L2D')

    model.train_approx(dm, test=True)

    return {"model": model, "dm": dm, "res": res, "evo": evo, "names": names,
            "performance": multiplier_performance, "opcounts": opcounts, "labels": labels}


def lines(log, pattern):
    return [match.groups() for line in log if (match := re.fullmatch(pattern, line))]


def test_it_runs_to_the_end_and_learns(tutorial):
    # chance is 0.1: of 60 images 27 correct by luck have a probability below 1e-11
    (metrics,) = Trainer().test(tutorial["model"], tutorial["dm"], verbose=False)
    assert metrics["test_acc_top1"] >= 0.45 and metrics["test_loss"] < np.log(10)


def test_the_data_are_those_of_the_folder(tutorial):
    dm = tutorial["dm"]
    assert [len(part.labels) for part in (dm.df_train, dm.df_val, dm.df_test)] == [220, 20, 60]
    images, labels = draw_digits(240, np.random.default_rng(240))
    # 8-bit pixels: half a gray level, in units of MNIST's standard deviation, and float32
    drawn = np.clip(images * STD + MEAN, 0, 1)
    loaded = np.concatenate([dm.df_train.images, dm.df_val.images])
    assert np.allclose(loaded * 0.3081 + 0.1307, drawn, rtol=0, atol=0.5001 / 255)
    assert np.array_equal(np.concatenate([dm.df_train.labels, dm.df_val.labels]), labels)


def test_the_layers_have_their_published_names_and_sizes(tutorial):
    model = tutorial["model"]
    assert [name for name, _ in model.noisy_modules] == tutorial["labels"] == LAYERS
    assert [module.fan_in for _, module in model.noisy_modules] == FAN_IN
    assert [module.opcount.item() for _, module in model.noisy_modules] == OPCOUNT
    assert model.total_ops.item() == tutorial["res"].opcount == sum(OPCOUNT)
    assert np.allclose(tutorial["opcounts"], np.array(OPCOUNT) / sum(OPCOUNT), rtol=1e-12)


def test_the_candidates_are_the_published_ones(tutorial):
    assert tutorial["names"] == ("mul8s_1KR3, mul8s_1KR6, mul8s_1KR8, mul8s_1KRC, mul8s_1KTY, mul8s_1KV8, mul8s_1KVA, "
                                 "mul8s_1KVB, mul8s_1KVL, mul8s_1KX2, mul8s_1L1G, mul8s_1L2D, mul8s_1L2H")


def test_the_noise_search_logs_every_layer_after_every_epoch(tutorial):
    log, model = tutorial["log"], tutorial["model"]
    assert lines(log, r"Epoch: (\d+)") == [("0",), ("1",), ("2",)]
    sigmas = lines(log, r"Layer: (\S+) \| sigma_l: ([+-]\d\.\d{3})")
    assert [name for name, _ in sigmas] == 3 * LAYERS
    learned = [module.stdev.item() for _, module in model.noisy_modules]
    assert [sigma for _, sigma in sigmas[-5:]] == [f"{value:+.3f}" for value in learned]


def test_matching_logs_every_choice(tutorial):
    chosen = lines(tutorial["log"], r"Layer: (\S+), Best Match: (\w+), Performance: (\d\.\d{6}), "
                                    r"Relative Performance: (\d\.\d{6})")
    metrics = [layer.multiplier_performance_metric for layer in tutorial["res"].layers]
    assert chosen == [(name, layer.multiplier_name, f"{metric:.6f}", f"{metric / 0.425:.6f}") for name, layer, metric
                      in zip(LAYERS, tutorial["res"].layers, metrics, strict=True)]


def test_the_energy_is_the_one_that_the_bar_chart_shows(tutorial):
    weighted = tutorial["opcounts"] @ tutorial["performance"]
    assert np.isclose(tutorial["res"].relative_energy_consumption, weighted, rtol=1e-12)
    assert 0.05 < weighted < 1


def test_the_last_table_is_the_uniform_one(tutorial):
    model = tutorial["model"]
    assert model.mode == "approx"
    for _, module in model.noisy_modules:
        assert module.approx_op.lut[251, 249] == 64          # -5 and -7, two bits truncated: (-8) * (-8)
        assert module.layer.multiplier(-5, -7) == module.approx_op.lut[251, 249]


def test_the_present_tutorial_asks_the_library_for_its_search_space(tutorial):
    evo = EvoApprox()
    res = select_multipliers(tutorial["model"], tutorial["dm"], evo.search_space(), Trainer())
    names = {layer.multiplier_name for layer in res.layers}
    assert names <= set(evo.names) and res.metric_max == 0.425
    assert evo.load_lut(res.layers[0].multiplier_name).shape == (256, 256)
