"""One helper for closed form against Monte Carlo: it states its false-alarm rate and asserts its power.

An estimate with a normal law is accepted within LIMIT standard errors: a correct closed form is refused with
probability 5.7e-7 an assertion.  A wrong one whose error is at least (LIMIT + 3) standard errors is refused with
probability above 99.8 %; `detectable` is that error, and the helper refuses to run when the sample is too small for it.
"""
import numpy as np

LIMIT = 5.0


def standard_errors(samples, axis=0):
    """Standard errors of the sample mean and of the sample variance (ddof 0) along `axis`."""
    n = samples.shape[axis]
    centered = samples - samples.mean(axis=axis, keepdims=True)
    square = centered**2
    return np.sqrt(square.mean(axis=axis) / n), np.sqrt(square.var(axis=axis, ddof=0) / n)


def deviations(samples, mean, variance, detectable=None):
    """Largest distance of sample mean and variance from the closed form, in standard errors.

    `detectable` is relative: the error of the mean and of the variance (as a share of each) that must not escape.
    """
    mean_error, variance_error = standard_errors(samples)
    if detectable is not None:
        assert np.all((LIMIT + 3) * mean_error <= detectable * np.abs(mean)), "too few samples for this mean"
        assert np.all((LIMIT + 3) * variance_error <= detectable * variance), "too few samples for this variance"
    tiny = 1e-12 * (np.abs(mean) + 1)
    return max(np.max(np.abs(samples.mean(axis=0) - mean) / (mean_error + tiny)),
               np.max(np.abs(samples.var(axis=0, ddof=0) - variance) / (variance_error + tiny)))
