"""How far a mean of independent bounded draws can stray: Bernstein's inequality, solved for the deviation.

    P(|mean of N draws - mu| >= t) <= 2 exp(-N t^2 / (2 s2 + 2 r t / 3)),     |draw - mu| <= r, variance s2        (1)
    <= alpha  at  t = r l / (3 N) + sqrt((r l / (3 N))^2 + 2 s2 l / N),       l = log(2 / alpha)                   (2)

It holds for every N, rare errors included, where the normal approximation fails: with two expected events a nominal
1e-6 of the normal law is really 2e-4.

References
----------
S. Boucheron, G. Lugosi, P. Massart, "Concentration Inequalities", Oxford 2013, corollary 2.11.
"""
from dataclasses import dataclass

import numpy as np


def bernstein_deviation(variance, reach, num_draws, alpha):
    """t of (2): the deviation of a mean of `num_draws` draws that is exceeded with probability at most alpha.

    With ``num_draws=1``, `variance` that of a sum and `reach` that of one summand, it bounds the sum itself.
    """
    log_term = np.log(2 / alpha)
    linear = reach * log_term / (3 * num_draws)
    return linear + np.sqrt(linear ** 2 + 2 * variance * log_term / num_draws)


@dataclass(frozen=True)
class Tail:
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
        """b with P(|S - E S| >= b) <= delta."""
        return self.shift + bernstein_deviation(self.variance, self.summand, 1, delta)
