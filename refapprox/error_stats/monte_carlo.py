"""Monte Carlo with error bars: draw accumulated errors, and say how far mean and std of the draws can be trusted.

    se(mean) = sigma / sqrt(N)
    se(std)  = sqrt((E(S - mu)^4 - sigma^4) / N) / (2 sigma)         first order in 1/N

with sigma and the fourth moment exact, from `error_moments`: no estimate of an estimate.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refapprox.error_stats.alias import AliasSampler
from refapprox.error_stats.error_maps import ErrorMapLike, fitting_map
from refapprox.error_stats.operands import LayerOperands
from refapprox.error_stats.result import ErrorEstimate
from refapprox.error_stats.sum_moments import error_moments
from refapprox.validation import check_choice, check_integer, check_rng

BLOCK_DRAWS = 1 << 22      # errors held at once: 32 MiB


def draw_single_distribution(emap, operands, num_samples, rng):
    joint = np.outer(operands.x.pooled, operands.w.pooled)
    sampler = AliasSampler(emap, joint / joint.sum())
    n = operands.fan_in
    sums = np.empty(num_samples, emap.dtype)
    block = max(1, BLOCK_DRAWS // n)
    for start in range(0, num_samples, block):
        size = min(block, num_samples - start)
        sums[start:start + size] = sampler.draw(size * n, rng=rng).reshape(size, n).sum(axis=1)
    return sums


def draw_population(emap, operands, num_samples, rng):
    """Each field's activations are drawn from its own contents, weights from the layer's distribution."""
    x, weights = operands.x.index, AliasSampler(np.arange(operands.w.size), operands.w.pooled)
    field = rng.integers(len(x), size=num_samples)
    sums = np.zeros(num_samples, emap.dtype)
    for _ in range(operands.fan_in):
        drawn = x[field, rng.integers(operands.fan_in, size=num_samples)]
        sums += emap[drawn, weights.draw(num_samples, rng=rng)]
    return sums


def draw_receptive_field(emap, operands, num_samples, rng):
    return draw_fixed_weights(emap.T, LayerOperands(operands.w, operands.x), num_samples, rng)


def draw_fixed_weights(emap, operands, num_samples, rng):
    sampler = AliasSampler(np.arange(operands.x.size), operands.x.pooled)
    return draw_with_weights(emap, operands, num_samples, rng, [sampler] * operands.fan_in)


def draw_fixed_weights_by_tap(emap, operands, num_samples, rng):
    samplers = [AliasSampler(np.arange(operands.x.size), law) for law in operands.x.taps]
    return draw_with_weights(emap, operands, num_samples, rng, samplers)


def draw_with_weights(emap, operands, num_samples, rng, samplers):
    """Sums over random neurons with their own weights; activation i is drawn by samplers[i]."""
    weights = operands.w.index
    neuron = rng.integers(len(weights), size=num_samples)
    sums = np.zeros(num_samples, emap.dtype)
    for i, sampler in enumerate(samplers):
        sums += emap[sampler.draw(num_samples, rng=rng), weights[neuron, i]]
    return sums


DRAWS = {
    "single_distribution": draw_single_distribution,
    "population": draw_population,
    "receptive_field": draw_receptive_field,
    "fixed_weights": draw_fixed_weights,
    "fixed_weights_by_tap": draw_fixed_weights_by_tap,
}


def draw_errors(emap: ErrorMapLike, operands: LayerOperands, estimator: str, num_samples: int, *,
                rng: np.random.Generator) -> NDArray[Any]:
    """Independent accumulated errors, drawn as a rung assumes that they come about.

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
        exact - approximate.
    operands : LayerOperands
        With the codes of what the rung holds fixed.
    estimator : {"single_distribution", "population", "receptive_field", "fixed_weights", "fixed_weights_by_tap"}
        The rung whose assumption holds: see `RUNGS[estimator].assumption`.
    num_samples : int
    rng : numpy.random.Generator

    Returns
    -------
    array, shape (num_samples,), int64 for an integer error map, else float64
        Accumulator units.

    Raises
    ------
    ValueError
        If `estimator` is not one of these, or the operands do not hold what it needs.
    TypeError
        If `rng` is not a Generator.

    Examples
    --------
    >>> from refapprox.error_stats import LayerOperands
    >>> layer = LayerOperands.from_distributions([0.5, 0.5], [0.5, 0.5], fan_in=3)
    >>> sums = draw_errors([[0, 0], [0, 2]], layer, "single_distribution", 1000, rng=np.random.default_rng(0))
    >>> sorted(set(sums.tolist()))
    [0, 2, 4, 6]
    """
    check_choice("estimator", estimator, DRAWS)
    rng, num_samples = check_rng(rng), check_integer("num_samples", num_samples, minimum=1)
    emap = fitting_map(emap, operands).astype(np.float64)
    whole = np.array_equal(emap, np.rint(emap)) and np.abs(emap).max() * operands.fan_in < 2.0 ** 63
    return DRAWS[estimator](emap.astype(np.int64) if whole else emap, operands, num_samples, rng)


def monte_carlo_estimate(emap: ErrorMapLike, operands: LayerOperands, estimator: str, num_samples: int = 100_000, *,
                         rng: np.random.Generator) -> ErrorEstimate:
    """Mean and std of `draw_errors`, with their standard errors.

    Parameters
    ----------
    emap, operands, estimator, num_samples, rng
        As in `draw_errors`.

    Returns
    -------
    ErrorEstimate
        `accumulated_mean_error` and `accumulated_std_error` from the exact moments, which are in `moments`.

    Examples
    --------
    >>> from refapprox.error_stats import LayerOperands
    >>> layer = LayerOperands.from_distributions([0.5, 0.5], [0.5, 0.5], fan_in=3)
    >>> found = monte_carlo_estimate([[0, 0], [0, 2]], layer, "single_distribution", rng=np.random.default_rng(0))
    >>> bool(abs(found.accumulated_mean - 1.5) < 6 * found.accumulated_mean_error)
    True
    """
    samples = draw_errors(emap, operands, estimator, num_samples, rng=rng)
    moments = error_moments(emap, operands, estimator)
    return ErrorEstimate(operands.fan_in, float(samples.mean()), float(samples.std(ddof=0)),
                         moments.mean_error(samples.size), moments.std_error(samples.size), moments)
