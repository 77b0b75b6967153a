"""Hypothesis strategies: operand distributions and codes, layers, laws, shapes, quantization parameters.

`multiplier_strategies` has those of multipliers, which are here, too.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refapprox.error_stats.exact_law import Law
from refapprox.error_stats.operands import LayerOperands
from refapprox.multipliers.multiplier import code_range
from refapprox.quantization import QuantizationParameters
from refapprox.testing.known_laws import law_of
from refapprox.testing.multiplier_strategies import (  # noqa: F401
    SEEDS,
    asymmetric_multipliers,
    error_maps,
    multiplier_families,
    multiplier_tables,
    multipliers,
    st,
)


@st.composite
def distributions(draw: st.DrawFn, size: int) -> NDArray[np.float64]:
    """Probabilities of codes, summing to 1: single points, sparse and dense ones.

    Parameters
    ----------
    size : int
        Number of codes.

    Returns
    -------
    Hypothesis strategy of float64 arrays, shape (size,)

    Examples
    --------
    >>> from hypothesis import find
    >>> find(distributions(3), lambda p: p[2] == 1).tolist()
    [0.0, 0.0, 1.0]
    """
    counts = np.zeros(size)
    for code in draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=3)):
        counts[code] += draw(st.integers(1, 100))
    if draw(st.booleans()):
        counts += np.random.default_rng(draw(SEEDS)).gamma(draw(st.sampled_from([0.1, 1.0, 10.0])), size=size)
    return counts / counts.sum()


@st.composite
def operand_codes(draw: st.DrawFn, shape: tuple[int, ...], qmin: int, qmax: int) -> NDArray[np.int64]:
    """Codes within [qmin, qmax], the ends included: uniform, sparse as behind a ReLU, or constant.

    Parameters
    ----------
    shape : tuple of int
    qmin, qmax : int

    Returns
    -------
    Hypothesis strategy of int64 arrays of this shape

    Examples
    --------
    >>> from hypothesis import find
    >>> find(operand_codes((2,), -8, 7), lambda codes: codes[0] == codes[1] == 7).tolist()
    [7, 7]
    """
    rng = np.random.default_rng(draw(SEEDS))
    values = rng.integers(qmin, qmax + 1, shape)
    kind = draw(st.sampled_from(["constant", "sparse", "uniform", "ends"]))
    if kind == "constant":
        return np.full(shape, draw(st.integers(qmin, qmax)))
    if kind == "sparse":
        return values * (rng.random(shape) < 0.4) if qmin <= 0 <= qmax else values
    return np.where(rng.random(shape) < 0.5, qmin, qmax) if kind == "ends" else values


@st.composite
def correlated_codes(draw: st.DrawFn, shape: tuple[int, int], qmin: int, qmax: int) -> tuple[NDArray[np.int64], float]:
    """Codes whose taps have a known correlation, in law.

    With probability rho a field holds one drawn code everywhere, else a fresh one at every tap: any function of the
    code then has the correlation rho between any two taps.

    Parameters
    ----------
    shape : (int, int)
        Fields and fan-in.
    qmin, qmax : int

    Returns
    -------
    Hypothesis strategy of (int64 array of this shape, rho)

    Examples
    --------
    >>> from hypothesis import find
    >>> codes, rho = find(correlated_codes((5, 2), -8, 7), lambda drawn: drawn[1] == 1)
    >>> bool((codes[:, 0] == codes[:, 1]).all())
    True
    """
    rng = np.random.default_rng(draw(SEEDS))
    rho = draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
    common = rng.random((shape[0], 1)) < rho
    return np.where(common, rng.integers(qmin, qmax + 1, (shape[0], 1)), rng.integers(qmin, qmax + 1, shape)), rho


@st.composite
def layers(draw: st.DrawFn, max_fields: int = 12, max_fan_in: int = 5, max_neurons: int = 4,
           code_range: tuple[int, int] = (-8, 7)) -> LayerOperands:
    """Small layers: fields that differ, correlated taps, constant and sparse ones; one of each too.

    Parameters
    ----------
    max_fields, max_fan_in, max_neurons : int, optional
    code_range : (int, int), optional
        Of both sides.

    Returns
    -------
    Hypothesis strategy of LayerOperands

    Examples
    --------
    >>> from hypothesis import find
    >>> find(layers(), lambda layer: layer.fan_in == 3).fan_in
    3
    """
    fields, fan_in, neurons = (draw(st.integers(1, most)) for most in (max_fields, max_fan_in, max_neurons))
    x = draw(st.one_of(operand_codes((fields, fan_in), *code_range),
                       correlated_codes((fields, fan_in), *code_range).map(lambda drawn: drawn[0])))
    return LayerOperands.from_codes(x, draw(operand_codes((fan_in, neurons), *code_range)), range_x=code_range,
                                    range_w=code_range)


@st.composite
def laws(draw: st.DrawFn, max_values: int = 12, max_summands: int = 30) -> Law:
    """Laws of sums of integers: constant, rare, skewed and lattice ones among them.

    Parameters
    ----------
    max_values, max_summands : int, optional

    Returns
    -------
    Hypothesis strategy of Law

    Examples
    --------
    >>> from hypothesis import find
    >>> find(laws(), lambda law: law.std == 0).pmf.size
    1
    """
    values = draw(st.lists(st.integers(-50, 50), min_size=1, max_size=max_values, unique=True))
    weights = np.array([draw(st.sampled_from([1e-6, 0.01, 1.0, 5.0])) for _ in values])
    step = draw(st.sampled_from([1, 1, 4]))
    return law_of(step * np.array(values), weights / weights.sum(), draw(st.integers(1, max_summands)))


@st.composite
def linear_shapes(draw: st.DrawFn, largest: int = 8) -> dict[str, int]:
    """{"n", "k", "m"}: batch, fan-in and outputs of a linear layer.

    Parameters
    ----------
    largest : int, optional

    Returns
    -------
    Hypothesis strategy of dict of str to int

    Examples
    --------
    >>> from hypothesis import find
    >>> find(linear_shapes(), lambda shape: shape["k"] > 1)
    {'n': 1, 'k': 2, 'm': 1}
    """
    return {name: draw(st.integers(1, largest)) for name in ("n", "k", "m")}


@st.composite
def conv_shapes(draw: st.DrawFn, largest: int = 7) -> dict[str, Any]:
    """Keyword arguments of a convolution that has at least one output.

    {"n", "c_in", "h", "w", "c_out", "kernel", "stride", "padding", "dilation", "groups"}, kernel, stride, padding
    and dilation as pairs (vertical, horizontal).

    Parameters
    ----------
    largest : int, optional
        Size of the maps, where kernels fit in.

    Returns
    -------
    Hypothesis strategy of dict

    Examples
    --------
    >>> from hypothesis import find
    >>> find(conv_shapes(), lambda shape: shape["groups"] == 2)["c_in"] % 2
    0
    """
    groups = draw(st.integers(1, 3))
    kernel, stride, padding, dilation, size = [], [], [], [], []
    for _ in range(2):
        kernel.append(draw(st.integers(1, 3)))
        dilation.append(draw(st.integers(1, 2)))
        stride.append(draw(st.integers(1, 3)))
        padding.append(draw(st.integers(0, 2)))
        reach = dilation[-1] * (kernel[-1] - 1) + 1
        size.append(draw(st.integers(max(1, reach - 2 * padding[-1]), max(largest, reach))))
    return {"n": draw(st.integers(1, 3)), "c_in": groups * draw(st.integers(1, 2)), "h": size[0], "w": size[1],
            "c_out": groups * draw(st.integers(1, 2)), "kernel": tuple(kernel), "stride": tuple(stride),
            "padding": tuple(padding), "dilation": tuple(dilation), "groups": groups}


@st.composite
def quantization_parameters(draw: st.DrawFn, bits: int = 8, signed: bool | None = None) -> QuantizationParameters:
    """Symmetric and affine ones, scales over ten decades, powers of two (ties!) among them.

    Parameters
    ----------
    bits : int, optional
    signed : bool, optional
        Both kinds by default.

    Returns
    -------
    Hypothesis strategy of QuantizationParameters

    Examples
    --------
    >>> from hypothesis import find
    >>> find(quantization_parameters(signed=True), lambda q: q.zero_point != 0).qmin
    -128
    """
    signed = draw(st.booleans()) if signed is None else signed
    qmin, qmax = code_range(bits, signed)
    scale = draw(st.one_of(st.integers(-10, 10).map(lambda k: 2.0 ** k), st.floats(1e-5, 1e5)))
    return QuantizationParameters(scale, draw(st.one_of(st.just(0), st.integers(qmin, qmax))), qmin, qmax)
