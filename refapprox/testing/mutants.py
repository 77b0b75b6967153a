"""Wrong variants that a test suite of an approximate network must reject; each has been shipped by somebody.

A mutant takes what is right and returns what is wrong, of the same kind; `kind` says what that is:

    table            lut, value order                                         -> lut
    estimator        f(emap, x_dist, w_dist, fan_in) -> (mean, std)           -> the same
    spread           f(array) -> std                                          -> the same
    quantizer        f(x, scale, zero_point, qmin, qmax) -> codes             -> the same
    convolution      f(x, w) -> y, w of shape (..., kh, kw)                   -> the same
    matrix product   f(x, w) -> sums of table products, (n, k) x (k, m)       -> the same
    gradient         f(*args) -> array or tuple of arrays                     -> the same
    sampler          f(num_samples, rng) -> draws of an accumulated error     -> the same

A suite that accepts one has a hole:

    for mutant in MUTANTS:
        if mutant.kind == "table":
            assert not my_check(mutant.apply(lut))
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from refapprox.multipliers.formats.orders import negative_quadrant_from_magnitudes, swap_order


@dataclass(frozen=True)
class Mutant:
    """A wrong variant.

    Attributes
    ----------
    name, kind : str
    apply : callable
        Turns a right thing of this kind into a wrong one.

    Examples
    --------
    >>> wrong = next(mutant for mutant in MUTANTS if mutant.name == "axes of the table swapped")
    >>> wrong.kind, wrong.apply(np.array([[1, 2], [3, 4]])).tolist()
    ('table', [[1, 3], [2, 4]])
    """

    name: str
    kind: str
    apply: Callable[..., Any]


def swapped_axes(lut):
    return np.ascontiguousarray(np.transpose(lut))


def flipped_sign(estimator):
    def wrong(emap, x_dist, w_dist, fan_in):
        return estimator(-np.asarray(emap), x_dist, w_dist, fan_in)
    return wrong


def forgotten_root(estimator):
    """std of one error in place of std / sqrt(fan_in)."""
    def wrong(emap, x_dist, w_dist, fan_in):
        mean, std = estimator(emap, x_dist, w_dist, fan_in)
        return mean, std * np.sqrt(fan_in)
    return wrong


def accumulated_units(estimator):
    """Of the sum, where figures per operation are wanted."""
    def wrong(emap, x_dist, w_dist, fan_in):
        mean, std = estimator(emap, x_dist, w_dist, fan_in)
        return mean * fan_in, std * fan_in
    return wrong


def exchanged_operands(estimator):
    def wrong(emap, x_dist, w_dist, fan_in):
        return estimator(np.transpose(emap), x_dist, w_dist, fan_in)
    return wrong


def other_ddof(spread):
    """ddof 1 for 0, or 0 for 1 up to second order."""
    def wrong(array):
        return spread(array) * np.sqrt(np.size(array) / (np.size(array) - 1))
    return wrong


def zero_point_before_rounding(quantizer):
    """round(x / scale + zero_point): another code where x / scale is a tie and the zero point odd."""
    def wrong(x, scale, zero_point, qmin, qmax):
        return np.clip(np.rint(np.asarray(x) / scale + zero_point), qmin, qmax).astype(np.int64)
    return wrong


def half_away_from_zero(quantizer):
    def wrong(x, scale, zero_point, qmin, qmax):
        ratio = np.asarray(x) / scale
        return np.clip(np.trunc(ratio + np.copysign(0.5, ratio)) + zero_point, qmin, qmax).astype(np.int64)
    return wrong


def wrapped_codes(quantizer):
    """The cast to a narrow integer in place of the clip."""
    def wrong(x, scale, zero_point, qmin, qmax):
        free = quantizer(x, scale, zero_point, -2 ** 40, 2 ** 40)
        return (free - qmin) % (qmax - qmin + 1) + qmin
    return wrong


def flipped_kernel(convolution):
    """Convolution as mathematicians define it."""
    def wrong(x, w):
        return convolution(x, np.asarray(w)[..., ::-1, ::-1])
    return wrong


def padded_tile(product):
    """Rows of codes padded to a multiple of 16 with zeros on both sides, and the pairs of zeros looked up."""
    def wrong(x, w):
        x, w = np.asarray(x), np.asarray(w)
        extra = -x.shape[1] % 16
        return product(np.pad(x, ((0, 0), (0, extra))), np.pad(w, ((0, extra), (0, 0))))
    return wrong


def narrow_accumulator(product):
    """Sums kept in 16 bits."""
    def wrong(x, w):
        return np.asarray(product(x, w)).astype(np.int16).astype(np.int64)
    return wrong


def slightly_scaled(gradient):
    """Off by a thousandth."""
    def wrong(*args):
        result = gradient(*args)
        return tuple(part * 1.001 for part in result) if isinstance(result, tuple) else result * 1.001
    return wrong


def repeated_draws(sampler):
    """Every draw returned four times: each is right, together they are not independent."""
    def wrong(num_samples, rng):
        return np.repeat(sampler(-(-num_samples // 4), rng), 4)[:num_samples]
    return wrong


def some_lost(sampler):
    """One draw in a hundred is replaced by 0, as where a rare branch forgets its result."""
    def wrong(num_samples, rng):
        draws = np.array(sampler(num_samples, rng))
        draws[rng.random(num_samples) < 0.01] = 0
        return draws
    return wrong


def normal_draws(sampler):
    """Rounded Gaussian draws of the same mean and std: right in both, wrong in law."""
    def wrong(num_samples, rng):
        draws = sampler(num_samples, rng)
        return np.rint(rng.normal(np.mean(draws), np.std(draws, ddof=0), num_samples)).astype(np.int64)
    return wrong


def opposite_sign(sampler):
    """approximate - exact."""
    def wrong(num_samples, rng):
        return -np.asarray(sampler(num_samples, rng))
    return wrong


MUTANTS = (
    Mutant("axes of the table swapped", "table", swapped_axes),
    Mutant("two's complement order for value order", "table", swap_order),
    Mutant("negative times negative by magnitude", "table", negative_quadrant_from_magnitudes),
    Mutant("error sign flipped", "estimator", flipped_sign),
    Mutant("missing root of fan_in", "estimator", forgotten_root),
    Mutant("accumulated in place of per operation", "estimator", accumulated_units),
    Mutant("operands exchanged", "estimator", exchanged_operands),
    Mutant("other ddof", "spread", other_ddof),
    Mutant("zero point before rounding", "quantizer", zero_point_before_rounding),
    Mutant("half away from zero", "quantizer", half_away_from_zero),
    Mutant("wrapped in place of clipped", "quantizer", wrapped_codes),
    Mutant("kernel flipped", "convolution", flipped_kernel),
    Mutant("padded tile of zero pairs", "matrix product", padded_tile),
    Mutant("16-bit accumulator", "matrix product", narrow_accumulator),
    Mutant("gradient times 1.001", "gradient", slightly_scaled),
    Mutant("draws repeated", "sampler", repeated_draws),
    Mutant("some draws lost", "sampler", some_lost),
    Mutant("Gaussian of the same moments", "sampler", normal_draws),
    Mutant("approximate minus exact", "sampler", opposite_sign),
)
