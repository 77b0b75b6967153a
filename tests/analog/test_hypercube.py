"""The search space: aihwkit's denormalized strategies, round trips, every point a valid strategy."""
import numpy as np
import pytest
from golden_cases import arrays_of
from hypothesis import given
from hypothesis import strategies as st

from refapprox.analog.converters import (
    DualPairConductanceConverter,
    NPairConductanceConverter,
    SinglePairConductanceConverter,
)
from refapprox.analog.custom_converter import CustomPairConductanceConverter
from refapprox.analog.hypercube import Hypercube


def test_golden_denormalize(golden):
    """README: g 1e-4 uS, factors 1e-9, k_w 1e-6 relative."""
    arrays, meta = golden("denormalize")
    for case in meta["cases"]:
        data = arrays_of(arrays, case["index"])
        cube = Hypercube(case["f_lst"], case["g_max"], case["g_min"], nbins=case["nbins"], layout="equispaced",
                         symmetric=case["symmetric"], use_max_kw=case["use_max_kw"], g_err=case["g_err_fraction"],
                         f_min=case["f_min"], f_max=case["f_max"])
        assert cube.n_dims == case["n_bounds"] and np.isclose(cube.g_err, case["g_err_microsiemens"])
        factors, top, x_g = cube.partition(data["x"])
        assert np.allclose(factors, data["f_lst"], rtol=0, atol=1e-9)
        assert np.allclose(top / data["max_abs_weight"], data["k_w"], rtol=1e-6)
        assert np.array_equal(cube.reformat(x_g), data["x_g_rows"])
        found = cube.denormalize(data["x"])
        assert np.allclose(found.conductances, data["g_lst"], rtol=0, atol=1e-4)
        assert found.conductances.shape[-1] == case["g_len"]
        assert np.allclose(found.breakpoints * data["max_abs_weight"], data["weights_discretized"], atol=1e-6)


@pytest.mark.parametrize("f_lst, options, dims", [
    ([1], {}, 7), ([1, 1], {}, 19), ([1, None], {}, 20), ([1, None], {"symmetric": False}, 35),
    ([1, None], {"use_max_kw": True}, 19), ([1, 1, 1], {"nbins": 4}, 21)])
def test_dimensions_by_hand(f_lst, options, dims):
    """nd (2P - 1) + free factors + 1 unless use_max_kw, as in the specification's examples."""
    assert Hypercube(f_lst, 25, 0, layout="equispaced", **options).n_dims == dims


CUBES = [Hypercube(f_lst, 25, g_min, nbins=nbins, symmetric=symmetric, use_max_kw=use_max_kw, layout=layout)
         for f_lst, g_min, nbins in (([1], 0, 6), ([1, None], 0.5, 4), ([2, 1, None], 0, 3))
         for symmetric in (True, False) for use_max_kw in (True, False) for layout in ("kinks", "equispaced")]


@given(which=st.integers(0, len(CUBES) - 1), seed=st.integers(0, 2**32 - 1))
def test_every_point_is_an_invertible_strategy(which, seed):
    cube = CUBES[which]
    x = np.random.default_rng(seed).choice([0, 0.25, 0.7, 1], (3, cube.n_dims))
    found = cube.denormalize(x)
    assert found.conductances.min() >= cube.g_min and found.conductances.max() <= cube.g_max
    for index in range(3):
        converter = found.converter(index, cube.g_max, cube.g_min)      # raises if not invertible
        u = np.linspace(-1, 1, 57)
        assert np.allclose(converter.conductances_at(u), found.conductances_at(u)[index], atol=1e-6)
        weights = 0.3 * u
        assert np.allclose(converter.convert_back_to_weights(*converter.convert_to_conductances(weights)), weights,
                           atol=1e-9)


@given(which=st.integers(0, len(CUBES) - 1), seed=st.integers(0, 2**32 - 1))
def test_a_strategy_finds_its_point(which, seed):
    """denormalize(normalize(s)) = s, bit for bit but for rounding; where the layout with kinks merges both sides at
    u = 0 and where a share of nothing is free, x itself need not return."""
    cube = CUBES[which]
    found = cube.denormalize(np.random.default_rng(seed).uniform(0, 1, (1, cube.n_dims)))
    again = cube.denormalize(cube.normalize(found.converter(0, cube.g_max, cube.g_min))[None])
    inside = np.abs(found.breakpoints[0]) > 1e-9 if cube.layout == "equispaced" and cube.symmetric else slice(None)
    assert np.allclose(again.conductances[0][:, inside], found.conductances[0][:, inside], atol=1e-6)
    assert np.allclose(again.factors, found.factors) and np.allclose(again.full_scale, found.full_scale)


@pytest.mark.parametrize("which", range(len(CUBES)))
def test_the_corners_of_the_cube_are_strategies_that_find_their_point(which):
    """The smallest and the largest free factor and full scale lie within the limits, not beyond them."""
    cube = CUBES[which]
    for corner in (0.0, 1.0):
        x = np.full((1, cube.n_dims), 0.4)
        x[:, :cube.n_dims - cube.n_columns * (2 * cube.n_pairs - 1)] = corner
        found = cube.denormalize(x)
        again = cube.denormalize(cube.normalize(found.converter(0, cube.g_max, cube.g_min))[None])
        assert np.allclose(again.factors, found.factors) and np.allclose(again.full_scale, found.full_scale)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("converter", [
    SinglePairConductanceConverter(), DualPairConductanceConverter([1, 1]), DualPairConductanceConverter([1, 2.3]),
    DualPairConductanceConverter([1, 0.5], 20, 0.5), NPairConductanceConverter([1, 2, 0.7])], ids=repr)
def test_plain_strategies_are_in_the_native_space(converter, symmetric):
    """Their kinks lie off the equispaced grid: aihwkit's space holds none of the pairs, this one holds all."""
    free = [1] + [None] * (converter.n_pairs - 1)
    cube = Hypercube(free, converter.g_max, converter.g_min, symmetric=symmetric)
    u = np.linspace(-1, 1, 201)
    found = cube.denormalize(cube.normalize(converter)[None]).conductances_at(u)[0]
    assert np.allclose(found, converter.conductances_at(u), atol=1e-9)
    if converter.n_pairs > 1:
        other = Hypercube(free, converter.g_max, converter.g_min, symmetric=symmetric, layout="equispaced")
        found = other.denormalize(other.normalize(converter)[None]).conductances_at(u)[0]
        assert np.abs(found - converter.conductances_at(u)).max() > 0.5


def test_single_pair_point_by_hand():
    """The specification: x_kw = 1, x_g = 0 is the single pair."""
    cube = Hypercube([1], 25, 0, layout="equispaced")
    assert np.array_equal(cube.normalize(SinglePairConductanceConverter()), [1, 0, 0, 0, 0, 0, 0])


def test_symmetric_means_symmetric_only_natively():
    rng = np.random.default_rng(0)
    for layout in ("kinks", "equispaced"):
        cube = Hypercube([1, 1], 25, 0, layout=layout)
        found = cube.denormalize(rng.uniform(0, 1, (50, cube.n_dims)))
        u = np.linspace(0, 1, 51)
        plus, minus = found.conductances_at(u)[:, ::2], found.conductances_at(-u)[:, 1::2]
        assert np.allclose(plus, minus) == (layout == "kinks")


@pytest.mark.parametrize("build, message", [
    (lambda: Hypercube([1, -1], 25, 0), "positive factors"),
    (lambda: Hypercube([1, "a"], 25, 0), "real number"),
    (lambda: Hypercube([], 25, 0), "non-empty"),
    (lambda: Hypercube([1], 5, 5), "above g_min"),
    (lambda: Hypercube([1], 25, 0, nbins=1), "nbins must be at least 2"),
    (lambda: Hypercube([1], 25, 0, f_min=0), "0 < f_min < f_max"),
    (lambda: Hypercube([1], 25, 0, layout="dense"), "layout"),
    (lambda: Hypercube([1], 25, 0).denormalize(np.zeros((1, 3))), r"\(candidates, 7\)"),
    (lambda: Hypercube([1, 2], 25, 0).normalize(DualPairConductanceConverter([1, 3])), "factors"),
    (lambda: Hypercube([1, None], 25, 0).normalize(DualPairConductanceConverter([1, 6])), "f_max=5"),
    (lambda: Hypercube([1], 25, 0, use_max_kw=True).normalize(
        CustomPairConductanceConverter([1], [[0, 10], [10, 0]])), "full scale 10"),
])
def test_bad_input_is_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
