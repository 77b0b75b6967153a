"""The committed golden numbers: plain loops with `math` in make_analog_golden.py, regenerated and compared."""
import json
from pathlib import Path

import make_analog_golden as plain
import numpy as np
import pytest

from refapprox.analog import CustomPairConductanceConverter, Hypercube, PCMLikeNoiseModel, downsample, program_weights

STORED = json.loads(Path(plain.__file__).with_name("analog_golden.json").read_text(encoding="utf-8"))
RTOL = 1e-10          # 12 digits are stored


def test_the_generator_writes_the_same_numbers():
    assert json.loads(json.dumps(plain.golden())) == STORED


@pytest.mark.parametrize("name", plain.STRATEGIES)
@pytest.mark.parametrize("aging", ["device", "reconvert"])
@pytest.mark.parametrize("t", plain.TIMES)
def test_chain(name, aging, t):
    f_lst, breakpoints, curves = plain.STRATEGIES[name]
    converter = CustomPairConductanceConverter(f_lst, curves, w_lst=breakpoints, invertibility_test=False)
    weights, z = np.array(plain.WEIGHTS), np.array(STORED["draws"])[:, :2 * len(f_lst)]
    chip = program_weights(converter, weights, PCMLikeNoiseModel(), normals=z[:2], aging=aging)
    aged = chip.read(t, normals=z[2])
    programmed, drifted, alpha, loss = STORED["chains"][name][str(t)][aging]
    assert np.allclose(chip.programmed.ravel(), programmed, rtol=RTOL, atol=RTOL)
    assert np.allclose(aged.drifted.ravel(), drifted, rtol=RTOL, atol=RTOL)
    assert np.isclose(aged.alpha, alpha, rtol=RTOL)
    assert np.isclose(np.mean(((aged.effective - weights) / np.abs(weights).max()) ** 2), loss, rtol=1e-9)


def test_the_two_ways_of_aging_differ():
    for name, chains in STORED["chains"].items():
        for ways in chains.values():
            assert abs(ways["device"][3] / ways["reconvert"][3] - 1) > 1e-3, name


@pytest.mark.parametrize("number", range(len(plain.SPACES)))
def test_search_space(number):
    space = dict(plain.SPACES[number])
    options = {key: plain.RANGE[key] for key in ("f_min", "f_max")}
    cube = Hypercube(space.pop("f_lst"), plain.RANGE["g_max"], plain.RANGE["g_min"], layout="equispaced", **space,
                     **options)
    x = np.array(plain.points(plain.SPACES[number]))
    assert cube.n_dims == plain.dimensions(plain.SPACES[number]) == x.shape[1]
    found, (_, top, x_g) = cube.denormalize(x), cube.partition(x)
    for row, (factors, full_scale, rows, g) in enumerate(STORED["denormalized"][number]):
        assert np.allclose(found.factors[row], factors, rtol=RTOL) and np.isclose(top[row], full_scale, rtol=RTOL)
        assert np.array_equal(cube.reformat(x_g)[row], rows)
        assert np.allclose(found.conductances[row], g, rtol=RTOL, atol=1e-10)


def test_quantiles():
    for shape, stored in zip(plain.SHAPES, STORED["quantiles"], strict=True):
        assert np.allclose(downsample(plain.SOURCE, tuple(shape)).ravel(), stored, rtol=RTOL)
