"""The example that puts LeNet-5 into devices: runs, leaves the network as it was, and orders the strategies."""
import runpy
from pathlib import Path

import numpy as np

EXAMPLE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "analog_lenet5.py"))


def test_small_example(tmp_path, capsys):
    float_accuracy, table, result = EXAMPLE["main"](small=True, out=tmp_path)
    assert (tmp_path / "analog_lenet5.png").exists() and "accuracy after" in capsys.readouterr().out
    assert list(table) == ["single pair", "two pairs [1, 1]", "optimized"]
    assert result.best <= result.baseline and 0.1 < float_accuracy <= 1
    assert all(found.shape == (2, 5) and np.all((found >= 0) & (found <= 1)) for found in table.values())


def test_the_network_keeps_its_weights():
    """Programmed without noise the accuracy is that of the network; and afterwards its own weights are there."""
    from refapprox.analog import PCMLikeNoiseModel, SinglePairConductanceConverter
    from refapprox.datasets import SyntheticDigits
    from refapprox.nets import LeNet5

    data, net = SyntheticDigits(n_train=120, n_test=50), LeNet5(rng=np.random.default_rng(0))
    net.train_baseline(data, epochs=1)
    before = [layer.parameters["weight"].value.copy() for _, layer in net.noisy_modules]
    quiet = PCMLikeNoiseModel(prog_noise_scale=0, drift_scale=0, read_noise_scale=0)
    tiles = EXAMPLE["program"](net, SinglePairConductanceConverter(), quiet, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    assert EXAMPLE["accuracy"](net, data, [tile.read(1.0, rng=rng).effective for tile in tiles]) == net.test(data)[1]
    for (_, layer), own in zip(net.noisy_modules, before, strict=True):
        assert np.array_equal(layer.parameters["weight"].value, own)
