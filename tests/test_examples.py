"""What the documentation shows runs as it stands: examples, and the examples inside docstrings."""
import doctest
import importlib
import pkgutil
import runpy
from pathlib import Path

import numpy as np
import pytest

import refapprox

EXAMPLES = Path(__file__).parent.parent / "examples"
# modules that need hypothesis are tested where they are used
ELSEWHERE = ("refapprox.testing",)


def example(name):
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]


def test_one_neuron(capsys):
    example("one_neuron")()
    assert "{0: 3375, 2: 675, 4: 45, 6: 1}" in capsys.readouterr().out


def test_minimal_cnn_is_short_and_works():
    assert len((EXAMPLES / "minimal_cnn.py").read_text().splitlines()) <= 150
    accuracy, energy = example("minimal_cnn")(n_train=1200, epochs=2)
    assert accuracy > 0.5 and 0.1 < energy < 1      # ten classes: chance is 0.1


def test_tutorial(tmp_path):
    result, accuracies = example("tutorial")(small=True, out=tmp_path)
    assert [layer.name for layer in result.layers] == ["conv1", "conv2", "linear1", "linear2", "linear3"]
    assert {p.name for p in tmp_path.iterdir()} == {"gs_results.json", "energy.png"}
    assert all(0 <= accuracy <= 1 for accuracy in accuracies.values())


def test_own_network():
    info, _, retrained = example("own_network")(small=True)
    assert [layer.name for layer in info.layers] == ["conv1", "block.main.conv", "block.main.conv2", "conv2", "linear"]
    assert retrained > 0.5 and info.relative_energy_consumption < 1      # ten classes: chance is 0.1


def test_correct_a_layer(capsys):
    """What is fitted to the data cannot do worse on them; nothing that only adds constants changes much."""
    spreads = example("correct_a_layer")()
    assert spreads["affine, fitted"] <= spreads["mean compensation"] <= spreads["none"]
    assert spreads["control variate, fitted"] <= spreads["control variate, independent taps"] < spreads["none"]
    assert "flips predicted" in capsys.readouterr().out


def module_names():
    return [name for _, name, _ in pkgutil.walk_packages(refapprox.__path__, "refapprox.")
            if name != "refapprox.__main__" and not name.startswith(ELSEWHERE)]


@pytest.mark.parametrize("name", module_names())
def test_docstring_examples(name):
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, extraglobs={"np": np}, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0
