"""Monte Carlo with error bars: draw accumulated errors, and say how far mean and std of the draws can be trusted.

    se(mean) = sigma / sqrt(N)
    se(std)  = sqrt((E(S - mu)^4 - sigma^4) / N) / (2 sigma)         first order in 1/N

with sigma and the fourth moment exact, from `sum_moments`: no estimate of an estimate.
"""
import numpy as np

from refapprox.error_stats.alias import AliasSampler
from refapprox.error_stats.operands import check_layer
from refapprox.error_stats.result import ErrorEstimate
from refapprox.error_stats.sum_moments import (
    fixed_weights_by_tap_moments,
    fixed_weights_moments,
    single_distribution_moments,
)
from refapprox.validation import check_integer, check_rng

BLOCK_DRAWS = 1 << 22      # errors held at once: 32 MiB


def draw_sums(emap, operands, num_samples, *, rng):
    """Accumulated errors with all operands drawn anew: samples of the law of rung 1.

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
    operands : Operands
    num_samples : int
    rng : numpy.random.Generator

    Returns
    -------
    array, shape (num_samples,), int64 for an integer error map, else float64
    """
    emap, num_samples = sampled_map(emap, operands, num_samples, rng)
    joint = np.outer(operands.x.pooled, operands.w.pooled)
    sampler = AliasSampler(emap, joint / joint.sum())
    n = operands.fan_in
    sums = np.empty(num_samples, emap.dtype)
    block = max(1, BLOCK_DRAWS // n)
    for start in range(0, num_samples, block):
        size = min(block, num_samples - start)
        sums[start:start + size] = sampler.draw(size * n, rng=rng).reshape(size, n).sum(axis=1)
    return sums


def draw_fixed_weight_sums(emap, operands, num_samples, *, rng, by_tap=False):
    """Accumulated errors of random neurons with their own weights, activations drawn: samples of rung 4.

    Parameters
    ----------
    emap, operands, num_samples, rng
        As in `draw_sums`; operands with the codes of the weights.
    by_tap : bool, optional
        Draw activation i from the distribution of tap i rather than from the layer's.
    """
    emap, num_samples = sampled_map(emap, operands, num_samples, rng)
    weights = operands.w.index
    laws = operands.x.taps if by_tap else [operands.x.pooled]
    samplers = [AliasSampler(np.arange(operands.x.size), law) for law in laws] * (1 if by_tap else operands.fan_in)
    neuron = rng.integers(len(weights), size=num_samples)
    sums = np.zeros(num_samples, emap.dtype)
    for i, sampler in enumerate(samplers):
        sums += emap[sampler.draw(num_samples, rng=rng), weights[neuron, i]]
    return sums


def single_distribution_mc(emap, operands, num_samples=100_000, *, rng):
    """Rung 1 by Monte Carlo, with standard errors.

    Returns
    -------
    ErrorEstimate
        `accumulated_mean_error` and `accumulated_std_error` from the exact moments, which are in `moments`.
    """
    return with_error_bars(draw_sums(emap, operands, num_samples, rng=rng),
                           single_distribution_moments(emap, operands), operands)


def fixed_weights_mc(emap, operands, num_samples=100_000, *, rng, by_tap=False):
    """Rung 4 by Monte Carlo, with standard errors; see `draw_fixed_weight_sums`."""
    moments = (fixed_weights_by_tap_moments if by_tap else fixed_weights_moments)(emap, operands)
    return with_error_bars(draw_fixed_weight_sums(emap, operands, num_samples, rng=rng, by_tap=by_tap),
                           moments, operands)


def with_error_bars(samples, moments, operands):
    return ErrorEstimate(operands.fan_in, float(samples.mean()), float(samples.std(ddof=0)),
                         moments.mean_error(samples.size), moments.std_error(samples.size), moments)


def sampled_map(emap, operands, num_samples, rng):
    """The error map as int64 where it holds integers; the other arguments validated."""
    (emap,), _ = check_layer(emap, operands)
    check_rng(rng)
    whole = np.array_equal(emap, np.rint(emap))
    return emap.astype(np.int64) if whole else emap, check_integer("num_samples", num_samples, minimum=1)
