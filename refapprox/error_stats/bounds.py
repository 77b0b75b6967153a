"""How far a mean of independent bounded draws can stray: Bernstein's inequality, solved for the deviation.

    P(|mean of N draws - mu| >= t) <= 2 exp(-N t^2 / (2 s2 + 2 r t / 3)),     |draw - mu| <= r, variance s2        (1)
    <= alpha  at  t = r l / (3 N) + sqrt((r l / (3 N))^2 + 2 s2 l / N),       l = log(2 / alpha)                   (2)

It holds for every N, rare errors included, where the normal approximation fails: with two expected events a nominal
1e-6 of the normal law is really 2e-4.

Bounds are rounded outward. (2) adds, multiplies and divides non-negative numbers only, at most a dozen times, so that
`OUTWARD` covers its own rounding; what goes in must be an upper bound itself.

References
----------
S. Boucheron, G. Lugosi, P. Massart, "Concentration Inequalities", Oxford 2013, corollary 2.11.
"""
from dataclasses import dataclass

import numpy as np

EPS = np.finfo(np.float64).eps
OUTWARD = 1 + 16 * EPS      # at least (1 + eps / 2) to the power of the roundings of one bound
SUM_ROUNDING = 1e-11        # relative: a float64 sum of up to 2**16 terms in any order, gamma_65536 = 7.3e-12


def bernstein_deviation(variance, reach, num_draws, alpha):
    """t of (2), rounded up: the deviation of a mean of draws that is exceeded with probability at most alpha.

    With ``num_draws=1``, `variance` that of a sum and `reach` that of one summand, it bounds the sum itself.
    """
    log_term = np.log(2 / alpha) * OUTWARD
    linear = reach * log_term / (3 * num_draws)
    return (linear + np.sqrt(linear ** 2 + 2 * variance * log_term / num_draws)) * OUTWARD


@dataclass(frozen=True)
class TailBound:
    """What bounds |S - E S| for a sum of independent errors, or a mixture of such sums.

    Attributes
    ----------
    shift : float
        Largest |mean of a component - mean of the mixture|; 0 for a plain sum.
    variance : float
        Largest variance of a component.
    summand : float
        Largest |error - its mean| of a single summand.
    """

    shift: float
    variance: float
    summand: float

    def window(self, delta):
        """b with P(|S - E S| >= b) <= delta, rounded up."""
        return (self.shift + bernstein_deviation(self.variance, self.summand, 1, delta)) * OUTWARD
