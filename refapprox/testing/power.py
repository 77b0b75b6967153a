"""What an assertion would find: the smallest detectable deviation, the samples that a deviation takes."""
from __future__ import annotations

import math
from dataclasses import dataclass

from refapprox.error_stats.acceptance import check_alpha
from refapprox.error_stats.exact_law import Law
from refapprox.error_stats.result import ErrorMoments
from refapprox.testing.known_laws import check_law, moments_of_sums
from refapprox.testing.limits import acceptance, moment_limits
from refapprox.validation import WrongKindError, check_flag, check_integer, check_real

MOST_SAMPLES = 1 << 53


@dataclass(frozen=True)
class Detectable:
    """The smallest deviations that an assertion finds with the power it was asked for; units of the samples.

    Attributes
    ----------
    mean, std : float
        A shift of the mean; an excess of the std of a law that is stretched about its mean, infinite where so few
        samples hardly show what makes its std.
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
    >>> from refapprox.testing import law_of
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
    """Detectable: what is allowed, and what a deviating sampler strays at the power wanted.

    A shifted sampler strays as the law does. A stretched one has f^2 times the mean square of the law's, which is at
    least sigma^2 - s at that power, and is found where it exceeds sigma^2 + a, which is allowed: f^2 is their ratio.
    """
    n, whole = accepted.num_samples, isinstance(law, Law)
    known = moments_of_sums(law.summands, law.counts) if whole else law
    miss = max(1 - power, 1e-300)
    strays = moment_limits(known, n, miss, accepted.asymptotic)
    variance = accepted.moments.variance
    seen, most = variance - strays.variance_allowed, variance + accepted.moments.variance_allowed
    stretched = most / seen * variance if seen > 0 else most if variance == 0 else math.inf
    distance = float(accepted.distance) + math.sqrt(math.log(2 / miss) / (2 * n)) if whole else math.nan
    return Detectable(float(accepted.moments.mean_allowed + strays.mean_allowed),
                      math.sqrt(stretched) - math.sqrt(variance), distance)


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
    >>> from refapprox.testing import law_of
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
