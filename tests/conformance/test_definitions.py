"""refapprox's own code against the definitions of the specification, on drawn inputs rather than the suite's cases.

The definitions import nothing that they judge; what the two have in common is the docs. They are compared as the cases
are: integers equal, real numbers within the roundings that the operation's check allows.
"""
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refapprox.conformance.adapters.native import Refapprox
from refapprox.conformance.calling import call
from refapprox.conformance.comparing import find_fault, is_refusal
from refapprox.conformance.mutants import Mutant
from refapprox.conformance.spec import OPERATIONS
from refapprox.conformance.spec.tables import TABLES, tabulated
from refapprox.ops.lut_matmul import METHODS

SEEDS = st.integers(0, 2 ** 32 - 1)


def agree(name, inputs, method="auto", adapter=None):
    """The fast code and the definition give the same outputs for the inputs."""
    operation = OPERATIONS[name]
    right, _ = operation.evaluate(inputs)
    outcome = call(adapter or Refapprox(method), name, {key: np.array(v) if isinstance(v, np.ndarray) else v
                                             for key, v in inputs.items()})
    if is_refusal(right):
        assert outcome["status"] == "refused"
        return
    assert outcome["status"] == "ok", outcome
    case = SimpleNamespace(check=operation.check(inputs, right), inputs=inputs)
    fault = find_fault(case, operation.stored(right), outcome["outputs"])
    assert fault is None, fault


def codes(rng, table, *shape):
    low = -128 if TABLES[table][0] else 0
    return rng.integers(low, low + 256, shape)


def operands(table):
    return {"lut": tabulated(table), "signed": TABLES[table][0]}


@st.composite
def convolutions(draw, zero_points=True):
    """Shapes of x and w, and a geometry in which the kernel fits."""
    groups = draw(st.integers(1, 3))
    kernel, stride, padding, dilation = ([draw(st.integers(low, high)) for _ in "vh"]
                                         for low, high in ((1, 3), (1, 3), (0, 2), (1, 2)))
    size = [max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 3))
            for d, k, p in zip(dilation, kernel, padding, strict=True)]
    x_shape = (draw(st.integers(1, 2)), groups * draw(st.integers(1, 2)), *size)
    w_shape = (groups * draw(st.integers(1, 2)), x_shape[1] // groups, *kernel)
    return x_shape, w_shape, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def zero_points(rng, outputs, per_output):
    return {"x_zero_point": int(rng.integers(-128, 128)),
            "w_zero_point": rng.integers(-9, 9, outputs) if per_output else int(rng.integers(-9, 9))}


@pytest.mark.parametrize("method", METHODS)
@given(table=st.sampled_from(sorted(TABLES)), n=st.integers(1, 3), k=st.integers(1, 20), m=st.integers(1, 4),
       seed=SEEDS)
@settings(max_examples=10)
def test_products(method, table, n, k, m, seed):
    rng = np.random.default_rng(seed)
    x, w = codes(rng, table, n, k), codes(rng, table, k, m)
    agree("multiply", {"x": x, "w": codes(rng, table, n, k), **operands(table)})
    agree("matmul", {"x": x, "w": w, **operands(table)}, method)
    agree("linear", {"x": x, "w": w.T, **operands(table), **zero_points(rng, m, k % 2)}, method)


@pytest.mark.parametrize("method", METHODS)
@given(case=convolutions(), table=st.sampled_from(["broken_s8", "offset_s8", "probe_s8"]), per_output=st.booleans(),
       seed=SEEDS)
@settings(max_examples=10)
def test_convolutions_through_a_table(method, case, table, per_output, seed):
    (x_shape, w_shape, geometry), rng = case, np.random.default_rng(seed)
    agree("conv2d", {"x": codes(rng, table, *x_shape), "w": codes(rng, table, *w_shape), **operands(table), **geometry,
                     **zero_points(rng, w_shape[0], per_output)}, method)
    agree("conv2d_counts", {"x_shape": list(x_shape), "w_shape": list(w_shape), **geometry})


def multiples(rng, shape, size=2.0):
    """Multiples of 2**-6, so that sums of products are exact and ties come up."""
    return rng.integers(-64 * size, 64 * size + 1, shape) / 64


@given(case=convolutions(), seed=SEEDS)
@settings(max_examples=40)
def test_float_convolutions(case, seed):
    (x_shape, w_shape, geometry), rng = case, np.random.default_rng(seed)
    inputs = {"x": multiples(rng, x_shape), "w": multiples(rng, w_shape, 1.0), **geometry}
    agree("float_conv2d", inputs)
    shape = OPERATIONS["float_conv2d"](**inputs).shape
    agree("float_conv2d_gradient", {"dy": multiples(rng, shape), **inputs})


@given(case=convolutions(), table=st.sampled_from(["broken_s8", "offset_s8", "broken_u8"]), per_output=st.booleans(),
       seed=SEEDS)
@settings(max_examples=30)
def test_layers_and_their_gradients(case, table, per_output, seed):
    (x_shape, w_shape, geometry), rng = case, np.random.default_rng(seed)
    shift = 0 if TABLES[table][0] else 128
    m = w_shape[0]
    q = {"x_scale": 2.0 ** -rng.integers(4, 7), "x_zero_point": int(rng.integers(-20, 20)) + shift,
         "w_scale": 2.0 ** -rng.integers(5, 8, m) if per_output else 2.0 ** -6,
         "w_zero_point": rng.integers(-5, 5, m) + shift if per_output else shift}
    convolution = {"x": multiples(rng, x_shape, 3.0), "w": multiples(rng, w_shape, 1.25), **operands(table), **q,
                   **geometry}
    agree("conv2d_layer", convolution)
    shape = OPERATIONS["conv2d_layer"](**convolution).shape
    agree("conv2d_layer_gradient", {"dy": multiples(rng, shape), **convolution})
    x, w = multiples(rng, (x_shape[0], 5), 3.0), multiples(rng, (m, 5), 1.25)
    agree("linear_layer", {"x": x, "w": w, **operands(table), **q})
    agree("linear_layer_gradient", {"dy": multiples(rng, (len(x), m)), "x": x, "w": w, **operands(table), **q})


@given(bits=st.integers(2, 8), signed=st.booleans(), exponent=st.integers(-7, 1), seed=SEEDS)
def test_codes(bits, signed, exponent, seed):
    rng = np.random.default_rng(seed)
    qmin, qmax = (-2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)
    inputs = {"x": multiples(rng, (3, 4), 4.0), "scale": 2.0 ** exponent,
              "zero_point": int(rng.integers(qmin, qmax + 1)), "qmin": qmin, "qmax": qmax}
    for name in ("quantize", "fake_quantize"):
        agree(name, inputs)
    agree("fake_quantize_gradient", {"dy": multiples(rng, (3, 4)), **inputs})
    low, high = np.sort(multiples(rng, 2, 4.0)).tolist()
    if low < high:
        for scheme in ("symmetric", "affine") if signed else ("affine",):      # others have no negative codes
            agree("quantization_parameters", {"low": low, "high": high, "scheme": scheme, "qmin": qmin, "qmax": qmax})


@given(size=st.integers(2, 12), layers=st.integers(1, 5), seed=SEEDS)
def test_noise_and_batch_normalization(size, layers, seed):
    rng = np.random.default_rng(seed)
    x, eps, dy = (multiples(rng, size) for _ in range(3))
    sigma = float(multiples(rng, ()))
    agree("noise_layer", {"x": x, "sigma": sigma, "eps": eps})
    agree("noise_layer_gradient", {"dy": dy, "x": x, "sigma": sigma, "eps": eps})
    reward = {"sigmas": multiples(rng, layers, 1.0), "opcounts": rng.integers(1, 1000, layers), "lmbd": 0.25,
              "sigma_max": 0.5}
    agree("noise_loss", reward)
    agree("noise_loss_gradient", reward)
    rows = multiples(rng, (size, layers))
    gamma, beta, mean = (multiples(rng, layers) for _ in range(3))
    agree("batch_norm", {"x": rows, "gamma": gamma, "beta": beta, "running_mean": mean,
                         "running_var": 0.5 + rng.random(layers), "training": bool(seed % 2), "momentum": 0.125,
                         "eps": 2.0 ** -6})
    agree("batch_norm_gradient", {"dy": multiples(rng, rows.shape), "x": rows, "gamma": gamma, "eps": 2.0 ** -6})
    agree("cross_entropy", {"logits": rows @ np.eye(layers), "labels": rng.integers(0, layers, size)})


@given(shape=st.tuples(st.integers(1, 5), st.integers(1, 5)), fields=st.integers(1, 4), n=st.integers(1, 30),
       seed=SEEDS)
def test_statistics(shape, fields, n, seed):
    rng = np.random.default_rng(seed)
    error_map = rng.integers(-300, 301, shape)
    p, q = (rng.multinomial(256, np.full(size, 1 / size)) / 256 for size in shape)
    agree("error_prediction", {"error_map": error_map, "x_dist": p, "w_dist": q, "fan_in": n})
    many = rng.multinomial(256, np.full(shape[0], 1 / shape[0]), fields) / 256
    agree("population_prediction", {"error_map": error_map, "x_multidist": many, "w_dist": q, "fan_in": n})
    dtype = rng.choice(["uint8", "int32", "float64"])
    accurate, approximate = (rng.integers(0, 256, 9).astype(dtype) for _ in range(2))
    agree("error_calculation", {"accurate": accurate, "approximate": approximate, "fan_in": n})
    low = int(rng.integers(-9, 9))
    drawn = {"codes": rng.integers(low, low + 5, 8), "min_val": low + int(rng.integers(0, 2)), "max_val": low + 6}
    agree("to_distribution", drawn)


@given(count=st.integers(0, 6), seed=SEEDS)
def test_matching(count, seed):
    rng = np.random.default_rng(seed)
    costs, stds, allowed = rng.integers(1, 4, count) / 2, rng.integers(0, 8, count) / 4, float(rng.integers(0, 8)) / 4
    agree("cheapest_within", {"costs": costs, "stds": stds, "allowed": allowed})
    agree("cluster_features", {"stds": stds, "allowed": allowed + 0.25})
    if count:
        agree("relative_energy", {"opcounts": rng.integers(1, 99, count), "costs": costs, "cost_max": 2.0})
    logits = np.argsort(rng.random((4, 6)), axis=1).astype(np.float64)      # distinct in every row
    agree("topk_accuracy", {"logits": logits, "labels": rng.integers(0, 6, 4), "topk": [1, 3]})


MODELS = ("pcm_like", "state_independent", "hermes_1", "hermes_2")
RANGES = {"pcm_like": 25.0, "state_independent": 25.0, "hermes_1": 10.35, "hermes_2": 20.7}


@given(model=st.sampled_from(MODELS), pairs=st.integers(1, 3), t=st.sampled_from([0.0, 1.0, 3600.0, 3e7]), seed=SEEDS)
def test_weights_in_devices(model, pairs, t, seed):
    rng = np.random.default_rng(seed)
    g_max = RANGES[model]
    f_lst, g_min = rng.integers(1, 5, pairs).astype(float).tolist(), float(rng.choice([0.0, g_max / 8]))
    weights = multiples(rng, (3, 2), 1.0)
    if not weights.any():
        weights[0, 0] = 1.0
    given_ = {"weights": weights, "converter": "n_pair", "f_lst": f_lst, "g_max": g_max, "g_min": g_min, "g_lst": None}
    agree("to_conductances", given_)
    g, scale = OPERATIONS["to_conductances"](**given_)
    agree("from_conductances", {"conductances": g, "f_lst": f_lst, "scale_ratio": scale})
    z = rng.standard_normal(g.shape)
    agree("program", {"model": model, "g_target": g, "z": z})
    agree("drift_exponent", {"model": model, "g_target": g, "z": z})
    agree("read", {"model": model, "g_prog": g, "nu": np.full(g.shape, 0.06), "t": t, "z": z})
    later = weights * 0.75 + multiples(rng, weights.shape, 0.125)
    agree("drift_compensation", {"baseline": weights, "readout": later})
    agree("column_compensation", {"baseline": weights, "readout": later})
    agree("analog_loss", {"weights": weights, "effective": np.stack([weights, later])})
    agree("readout", {"weights": weights, "out_res": float(rng.choice([0.0, 0.0625, 32.0])), "out_bound": 0.5})


def test_the_comparison_sees_a_difference():
    """The definition of one operation against the code of another."""
    inputs = {"opcounts": np.array([100, 300]), "costs": np.array([0.25, 0.5]), "cost_max": 1.0}
    agree("relative_energy", inputs)
    with pytest.raises(AssertionError, match="energy is 43.75, expected 0.4375"):
        agree("relative_energy", inputs, adapter=Mutant("percent instead of parts"))
