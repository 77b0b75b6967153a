"""What a correct sampler stays within, at each check's share of alpha; equations are those of `assertions`."""
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refapprox.error_stats.acceptance import Thresholds, thresholds
from refapprox.error_stats.bounds import EPS, OUTWARD, SUM_ROUNDING
from refapprox.error_stats.exact_law import Law
from refapprox.testing.known_laws import moments_of_sums
from refapprox.validation import WrongKindError

TAILS = (0.5, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6, 1e-9, 1e-12)      # probabilities at which tails are counted


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
