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
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refapprox.error_stats.acceptance import Thresholds, check_alpha, check_samples, thresholds
from refapprox.error_stats.bounds import EPS, OUTWARD, SUM_ROUNDING
from refapprox.error_stats.exact_law import Law, law_of_sums
from refapprox.error_stats.result import ErrorMoments
from refapprox.error_stats.sum_moments import Cumulants, error_cumulants, mixture_of_sums
from refapprox.validation import (
    WrongKindError,
    check_array,
    check_distribution,
    check_flag,
    check_instance,
    check_integer,
    check_real,
)

TAILS = (0.5, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6, 1e-9, 1e-12)      # probabilities at which tails are counted
MOST_SAMPLES = 1 << 53


def moments(mean: float, std: float, *, fourth: float | None = None, lower: float | None = None,
            upper: float | None = None) -> ErrorMoments:
    """What is known of a law whose pmf is not: for `assert_agrees`.

    Parameters
    ----------
    mean, std : float
        Of one sample, in its units; not negative the std.
    fourth : float, optional
        Fourth central moment E (S - mean)^4, or an upper bound.
    lower, upper : float, optional
        What a sample cannot leave.

    Returns
    -------
    ErrorMoments
        nan and infinities stand for what is not known.

    Raises
    ------
    ValueError
        If the mean lies outside the support, or the fourth moment is below std^4, which no law allows.

    Examples
    --------
    >>> float(moments(0.5, 12 ** -0.5, lower=0.0, upper=1.0).reach)
    0.5
    """
    mean, std = check_real("mean", mean), check_real("std", std, minimum=0.0)
    low = -math.inf if lower is None else check_real("lower", lower, maximum=mean)
    high = math.inf if upper is None else check_real("upper", upper, minimum=mean)
    reach = max(high - mean, mean - low)
    if fourth is None:
        fourth = reach ** 2 * std ** 2 if std and math.isfinite(reach) else math.nan if std else 0.0
    else:
        fourth = check_real("fourth", fourth, minimum=std ** 4 * (1 - 1e-12))
    return ErrorMoments(mean, std ** 2, math.nan, fourth, low, high)


def law_of(values: ArrayLike, probabilities: ArrayLike, num_summands: int = 1) -> Law:
    """The whole law of a sum of independent integers, of one by default.

    Parameters
    ----------
    values : integer array, shape (outcomes,)
    probabilities : float array, shape (outcomes,)
        Summing to 1.
    num_summands : int, optional

    Returns
    -------
    Law

    Raises
    ------
    ValueError
        If the probabilities are none.

    Examples
    --------
    Two dice:

    >>> law = law_of([1, 2, 3, 4, 5, 6], np.full(6, 1 / 6), num_summands=2)
    >>> law.start, round(float(law.pmf[5]), 12) == round(6 / 36, 12)
    (2, True)
    """
    values = check_array("values", values, kinds="iu", ndim=1, dtype=np.int64)
    probabilities = check_distribution("probabilities", probabilities, values.size)
    start = int(values[probabilities > 0].min())
    pmf = np.bincount(values[probabilities > 0] - start, weights=probabilities[probabilities > 0] / probabilities.sum())
    summands, counts = [(start, pmf)], np.array([[check_integer("num_summands", num_summands, minimum=1)]])
    return law_of_sums(summands, counts, moments_of_sums(summands, counts))


def moments_of_sums(summands, counts):
    """ErrorMoments of a Law's summands and counts: exact cumulants, not those of its rounded pmf."""
    laws = [error_cumulants(start + np.arange(len(pmf))[np.newaxis].astype(np.float64), pmf) for start, pmf in summands]
    joined = Cumulants(np.concatenate([law.kappa for law in laws], axis=1),
                       np.concatenate([law.lower for law in laws]), np.concatenate([law.upper for law in laws]))
    return mixture_of_sums(joined, counts)


@dataclass(frozen=True)
class Detectable:
    """The smallest deviations that an assertion finds with the power it was asked for; units of the samples.

    Attributes
    ----------
    mean, std : float
        A shift of the mean, an excess of the std of a law that is otherwise no wider.
    distance : float
        A sup-distance between the distribution functions; nan where the law is known by its moments only.

    Examples
    --------
    >>> Detectable(mean=0.5, std=0.25, distance=float("nan")).mean
    0.5
    """

    mean: float
    std: float
    distance: float


@dataclass(frozen=True)
class Acceptance:
    """What N samples of a law may look like; made by `acceptance`, asked by `failures` for many repetitions at once."""

    num_samples: int
    alpha: float
    asymptotic: bool
    moments: Thresholds
    distance: float | None = None              # allowed by (2)
    cumulative: Any = None                     # F at start - 1, start, ..., for a whole law
    start: int = 0
    tails: tuple = ()                          # ((threshold, fewest, most), ...): counts of samples >= threshold

    def failures(self, samples):
        """name of a check -> whether `samples` (..., N) fail it, arrays of shape (...)."""
        deviations = samples - self.moments.mean
        failed = {
            "support": ((samples < self.moments.lower) | (samples > self.moments.upper)).any(axis=-1),
            "mean": ~(np.abs(deviations.mean(axis=-1)) <= self.moments.mean_allowed),
            "std": ~(np.abs(np.square(deviations).mean(axis=-1) - self.moments.variance)
                     <= self.moments.variance_allowed)}
        if self.distance is not None:
            failed["whole law"] = self.distances(samples) > self.distance
            counts = [(threshold, (samples >= threshold).sum(axis=-1)) for threshold, *_ in self.tails]
            failed["tails"] = np.any([(count < fewest) | (count > most) for (_, count), (_, fewest, most)
                                      in zip(counts, self.tails, strict=True)], axis=0)
        return failed

    def distances(self, samples):
        """sup_s |F_N(s) - F(s)|, shape (...): at every sample from the right, and from the left just before it."""
        ordered = np.sort(samples, axis=-1)
        place = np.floor(ordered - self.start).clip(-1, len(self.cumulative) - 2).astype(np.int64)
        before = np.ceil(ordered - self.start - 1).clip(-1, len(self.cumulative) - 2).astype(np.int64)
        ranks = np.arange(1, self.num_samples + 1) / self.num_samples
        return np.maximum((ranks - self.cumulative[place + 1]).max(axis=-1),
                          (self.cumulative[before + 1] - ranks + 1 / self.num_samples).max(axis=-1))


def acceptance(law, num_samples, alpha, asymptotic=False, count_tails=True):
    """Acceptance of `num_samples` draws of `law` at a false-alarm rate of at most `alpha`."""
    if isinstance(law, Law):
        known = moments_of_sums(law.summands, law.counts)
        slack = math.sqrt(len(law.pmf)) * law.rounding + len(law.pmf) * EPS
        cumulative = np.concatenate([[0.0], np.cumsum(law.pmf)])
        return Acceptance(num_samples, alpha, False, thresholds(known, num_samples, alpha / 2),
                          math.sqrt(math.log(8 / alpha) / (2 * num_samples)) * OUTWARD + slack, cumulative, law.start,
                          tuple(tail_limits(law, num_samples, alpha / 4)) if count_tails else ())
    return Acceptance(num_samples, alpha, asymptotic, moment_limits(law, num_samples, alpha, asymptotic))


def moment_limits(known, num_samples, alpha, asymptotic):
    """Thresholds from moments alone: Bernstein for a bounded support, (4) for a fourth moment, else a TypeError."""
    bounded, fourth = math.isfinite(known.reach), float(known.fourth)
    if asymptotic:
        return asymptotic_limits(known, num_samples, alpha)
    if not bounded and not math.isfinite(fourth):
        raise WrongKindError("law must have a bounded support (lower, upper) or a fourth moment: from mean and std "
                             "alone nothing follows for a finite number of samples. asymptotic=True takes the normal "
                             "approximation, whose false-alarm rate is nominal only.")
    variance, share = float(known.variance), 3 / 8 * alpha      # Bernstein's are 5/8 and 1/4: any two make at most 1
    power_of_mean = (3 * (num_samples - 1) * variance ** 2 + fourth) / num_samples ** 3              # (4)
    mean_allowed = OUTWARD * (power_of_mean / share) ** 0.25
    variance_allowed = math.sqrt(max(fourth - variance ** 2, 0.0) / (num_samples * share)) * OUTWARD      # Chebyshev
    if not bounded:
        return Thresholds(float(known.mean), variance, mean_allowed, variance_allowed, float(known.lower),
                          float(known.upper))
    found = thresholds(known, num_samples, alpha)
    return replace(found, mean_allowed=min(found.mean_allowed, mean_allowed + SUM_ROUNDING * float(known.reach)),
                   variance_allowed=min(found.variance_allowed,
                                        variance_allowed + SUM_ROUNDING * float(known.reach) ** 2))


def asymptotic_limits(known, num_samples, alpha):
    """Thresholds of the normal approximation; without a fourth moment the std is not checked."""
    from scipy.special import ndtri
    quantile, fourth, variance = -ndtri(alpha / 4), float(known.fourth), float(known.variance)
    spread = math.sqrt(max(fourth - variance ** 2, 0.0) / num_samples) if math.isfinite(fourth) else math.inf
    return Thresholds(float(known.mean), variance, float(quantile * math.sqrt(variance / num_samples)),
                      float(quantile * spread), float(known.lower), float(known.upper))


def tail_limits(law, num_samples, alpha):
    """(threshold, fewest, most) for tails of the probabilities `TAILS` on both sides; (3), each at its share of alpha.

    A lower tail is counted by what lies above it. The last threshold of either side is where one sample is too many.
    """
    from scipy.stats import binom

    above = np.concatenate([np.cumsum(law.pmf[::-1])[::-1], [0.0]])      # P(S >= start + i)
    wanted = [p for p in TAILS if p * num_samples >= 1e-3] + [1e-3 * alpha / num_samples]
    places = {int(np.searchsorted(-above, -p)) for p in wanted} | {int(np.searchsorted(-above, p - 1)) for p in wanted}
    places = sorted(p for p in places if 0 < p <= len(law.pmf))
    share = alpha / (2 * max(len(places), 1)) * (1 - 1e-9)      # SciPy's binomial tails are good to ten digits
    for place in places:
        lower, upper = law.tail(law.start + place)
        fewest = int(binom.ppf(share, num_samples, lower))      # the smallest k with P(count <= k) >= share
        most = int(binom.isf(share, num_samples, upper))        # the smallest k with P(count > k) <= share
        yield law.start + place, fewest, most


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


def min_detectable(law: Law | ErrorMoments, num_samples: int, alpha: float = 1e-6, power: float | None = None, *,
                   asymptotic: bool = False) -> Detectable:
    """What `assert_agrees` finds with `num_samples` samples, asked before anything is drawn.

    Parameters
    ----------
    law : Law or ErrorMoments
    num_samples : int
    alpha : float, optional
        False-alarm rate of the assertion.
    power : float, optional
        Probability with which the deviation is found; 1 - alpha by default.
    asymptotic : bool, optional

    Returns
    -------
    Detectable

    Raises
    ------
    ValueError
        If alpha or power is not between 0 and 1, or there are fewer than 2 samples.
    TypeError
        If the moments of `law` allow no bound.

    Examples
    --------
    >>> dice = law_of([1, 2, 3, 4, 5, 6], np.full(6, 1 / 6), num_summands=2)
    >>> few, many = (min_detectable(dice, n) for n in (1_000, 100_000))
    >>> bool(few.mean > 10 * many.mean > 0)
    True
    """
    law, alpha = check_law(law), check_alpha(alpha)
    num_samples = check_integer("num_samples", num_samples, minimum=2, maximum=MOST_SAMPLES)
    power = 1 - alpha if power is None else check_real("power", power)
    if not 0 < power < 1:
        raise ValueError(f"power must lie strictly between 0 and 1, got {power}.")
    accepted = acceptance(law, num_samples, alpha, check_flag("asymptotic", asymptotic), count_tails=False)
    return detectable_by(law, accepted, power)


def detectable_by(law, accepted, power):
    """Detectable: what is allowed, and what a deviating sampler, no wider than the law, strays at the power wanted."""
    n, whole = accepted.num_samples, isinstance(law, Law)
    known = moments_of_sums(law.summands, law.counts) if whole else law
    miss = max(1 - power, 1e-300)
    strays = moment_limits(known, n, miss, accepted.asymptotic)
    variance = accepted.moments.variance
    wider = variance + accepted.moments.variance_allowed + strays.variance_allowed
    distance = float(accepted.distance) + math.sqrt(math.log(2 / miss) / (2 * n)) if whole else math.nan
    return Detectable(float(accepted.moments.mean_allowed + strays.mean_allowed),
                      math.sqrt(wider) - math.sqrt(variance), distance)


def samples_needed(law: Law | ErrorMoments, *, detectable_mean: float | None = None,
                   detectable_std: float | None = None, detectable_distance: float | None = None, alpha: float = 1e-6,
                   power: float | None = None, asymptotic: bool = False) -> int:
    """How many samples `assert_agrees` needs to find deviations of this size.

    Parameters
    ----------
    law : Law or ErrorMoments
    detectable_mean, detectable_std, detectable_distance : float, optional
        A shift of the mean, an excess of the std, in units of the samples, a sup-distance of distribution functions
        (whole laws only); at least one of them.
    alpha, power, asymptotic
        As in `min_detectable`.

    Returns
    -------
    int
        `min_detectable` of this number is no larger than what was asked for.

    Raises
    ------
    ValueError
        If no deviation is given, one is not positive, or 2^53 samples are too few.

    Examples
    --------
    >>> dice = law_of([1, 2, 3, 4, 5, 6], np.full(6, 1 / 6), num_summands=2)
    >>> n = samples_needed(dice, detectable_mean=0.1)
    >>> min_detectable(dice, n).mean <= 0.1 < min_detectable(dice, n // 2).mean
    True
    """
    law, wanted = check_law(law), {"mean": detectable_mean, "std": detectable_std, "distance": detectable_distance}
    wanted = {name: check_real(f"detectable_{name}", value) for name, value in wanted.items() if value is not None}
    if not wanted or min(wanted.values()) <= 0:
        raise ValueError(f"detectable_mean or detectable_std must be given, above 0, got {wanted or 'neither'}.")
    if "distance" in wanted and not isinstance(law, Law):
        raise WrongKindError("law must be a whole law where a distance is to be found, got moments.")

    def found(number):
        detectable = min_detectable(law, number, alpha, power, asymptotic=asymptotic)
        return all(getattr(detectable, name) <= value for name, value in wanted.items())

    enough = 2
    while not found(enough):
        enough *= 2
        if enough > MOST_SAMPLES:
            raise ValueError(f"{wanted} cannot be found with 2**53 samples.")
    too_few = enough // 2
    while enough - too_few > max(1, too_few // 1000):      # within a thousandth
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if found(middle) else (middle, enough)
    return enough


def check_law(law):
    """`law`, a Law or the ErrorMoments of one."""
    check_instance("law", law, (Law, ErrorMoments))
    if isinstance(law, ErrorMoments) and np.ndim(law.mean):
        raise WrongKindError("law must hold the moments of one law, got those of several multipliers at once.")
    return law
