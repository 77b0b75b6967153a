"""Assertions about random samples that state how often they lie, and what they would have found.

A check compares samples with what a law says of them and fails a correct sampler with probability at most its share
of alpha, for every number of samples: no normal approximation, unless it is asked for.

    moments      mean and mean square about the true mean, impossible values      Bernstein, or fourth moments   (1)
    whole law    sup_s |F_N(s) - F(s)| <= sqrt(log(2 / alpha) / (2 N))            Dvoretzky-Kiefer-Wolfowitz     (2)
    tails        counts beyond thresholds are binomial                            exact                          (3)

(2) with Massart's constant holds for any law, discrete ones included. A whole law takes all three, with shares of a
half, a quarter and a quarter; moments alone take (1) with all of alpha. Moments need a bounded support (Bernstein) or
a fourth moment: the fourth power of a mean of N independent draws has the expectation

    E (mean - mu)^4 = (3 (N - 1) sigma^4 + mu_4) / N^3                                                            (4)

and Markov's inequality does the rest. Without either, nothing can be said of any finite number of samples.

References
----------
P. Massart, "The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality", Annals of Probability 18 (1990),
doi:10.1214/aop/1176990746. Bernstein: see `refapprox.error_stats.bounds`.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from refapprox.error_stats.acceptance import check_alpha, check_samples
from refapprox.error_stats.bounds import SUM_ROUNDING
from refapprox.error_stats.exact_law import Law
from refapprox.error_stats.result import ErrorMoments
from refapprox.testing.known_laws import check_law
from refapprox.testing.limits import acceptance
from refapprox.testing.power import Detectable, detectable_by
from refapprox.validation import check_flag


def assert_agrees(law: Law | ErrorMoments, samples: ArrayLike, alpha: float = 1e-6, *,
                  asymptotic: bool = False) -> Detectable:
    """Fail where samples contradict a law; a correct sampler fails with probability at most `alpha`.

    Parameters
    ----------
    law : Law or ErrorMoments
        A whole law (`error_law`, `law_of`), or its moments (`error_moments`, `moments`).
    samples : array, any shape, at least 2 elements
        Independent draws.
    alpha : float, optional
        The false-alarm rate; see also the fixture of `refapprox.testing.pytest_plugin`, which splits one over a suite.
    asymptotic : bool, optional
        Take the normal approximation where moments do not allow a bound. The rate is then nominal, and the message
        says so.

    Returns
    -------
    Detectable
        What this assertion would have found, with a power of 1 - alpha: assert it too.

    Raises
    ------
    AssertionError
        Where they disagree: what was expected, what came, how often that is a false alarm, what could be found.
    TypeError
        If `law` is neither, or its moments have neither a bounded support nor a fourth one.
    ValueError
        If there are fewer than 2 samples, one is not finite, or alpha is not between 0 and 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> from refapprox.testing import law_of
    >>> dice = law_of([1, 2, 3, 4, 5, 6], np.full(6, 1 / 6), num_summands=2)
    >>> found = assert_agrees(dice, rng.integers(1, 7, (20_000, 2)).sum(axis=1))
    >>> found.mean < 0.2
    True
    >>> assert_agrees(dice, rng.integers(0, 6, (20_000, 2)).sum(axis=1))      # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    AssertionError: samples disagree with the law in support, mean, std, whole law, tails...
    """
    law, alpha, asymptotic = check_law(law), check_alpha(alpha), check_flag("asymptotic", asymptotic)
    samples = check_samples(samples)
    accepted = acceptance(law, samples.size, alpha, asymptotic)
    failed = [name for name, fails in accepted.failures(samples).items() if fails]
    detectable = detectable_by(law, accepted, 1 - alpha)
    if failed:
        raise AssertionError(message(accepted, samples, failed, detectable))
    return detectable


def message(accepted, samples, failed, detectable):
    """Expected, came, false-alarm rate, power; a line each."""
    allowed, std = accepted.moments, math.sqrt(accepted.moments.variance)
    root = math.sqrt(np.square(samples - allowed.mean).mean())
    rate = (f"a correct sampler fails with probability at most {accepted.alpha:g}" if not accepted.asymptotic else
            f"a correct sampler fails about {accepted.alpha:g} of the time, by the normal approximation only")
    ends = allowed.lower, allowed.upper      # widened by what float64 rounds
    least = 2 * SUM_ROUNDING * max(map(abs, ends))
    lines = [f"samples disagree with the law in {', '.join(failed)} ({samples.size} samples; {rate})",
             f"  mean: expected {allowed.mean:.6g} +- {allowed.mean_allowed:.3g}, came {samples.mean():.6g}",
             f"  std about that mean: expected {std:.6g}, came {root:.6g}; "
             f"variance off by {root ** 2 - allowed.variance:.3g}, allowed {allowed.variance_allowed:.3g}",
             f"  support: expected [{', '.join(f'{0.0 if abs(end) < least else end:.6g}' for end in ends)}], "
             f"came [{samples.min():.6g}, {samples.max():.6g}]"]
    if accepted.distance is not None:
        lines.append(f"  distance of distribution functions: allowed {accepted.distance:.3g}, "
                     f"came {float(accepted.distances(samples)):.3g}")
        lines += [f"  samples >= {threshold}: expected {fewest} to {most}, came {count}"
                  for threshold, fewest, most in accepted.tails
                  if not fewest <= (count := int(np.count_nonzero(samples >= threshold))) <= most]
    lines.append(f"  would have found, with the same confidence: {detectable.mean:.3g} in the mean, "
                 f"{detectable.std:.3g} in the std of {std:.3g}")
    return "\n".join(lines)
