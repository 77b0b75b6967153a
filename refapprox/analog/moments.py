"""Closed forms for the random variables that a conductance goes through, and one quadrature.

With phi, Phi the standard normal density and distribution function and Z ~ N(0, 1):

* clipped Gaussian  Y = max(0, mean + std Z), a = mean / std:
      E Y   = mean Phi(a) + std phi(a)                                                          (1)
      E Y^2 = (mean^2 + std^2) Phi(a) + mean std phi(a)                                         (2)
      E Y^3 = (mean^3 + 3 mean std^2) Phi(a) + (mean^2 + 2 std^2) std phi(a)                    (2')
* folded normal  |mean + std Z|:
      E |.|            = mean (2 Phi(a) - 1) + 2 std phi(a)                                     (3)
      E exp(-s |.|)    = exp(s^2 std^2 / 2) [exp(-s mean) Phi(a - s std) + exp(s mean) Phi(-a - s std)]   (4)

* difference of two independent lognormals X, Y with means m, m' and squared coefficients of variation c, c'
  (Margrabe's formula), s^2 = log(1 + c) + log(1 + c'), a = log(m / m') / s:
      E |X - Y| = 2 [m Phi(a + s / 2) - m' Phi(a - s / 2)] - (m - m')                           (5)

* Gaussian clipped at both ends  Y = min(max(X, a), b), X = mean + std Z, with P = max(0, X - a), Q = max(0, X - b):
      E Y = a + E P - E Q,  E (Y - a)^2 = E P^2 - E Q^2 - 2 (b - a) E Q                         (6)
      E (Y - a)^3 = E P^3 - E Q^3 - 3 (b - a) E Q^2 - 3 (b - a)^2 E Q                           (6')

(6) and (6') follow from Y - a = P - Q and P Q = Q^2 + (b - a) Q.

(4) is the drift factor: ((t + t_0) / t_0)^(-nu) = exp(-nu log((t + t_0) / t_0)).  It follows by completing
the square on either side of zero.  (5) is the value of the option to exchange one asset for another (W. Margrabe,
Journal of Finance 33, 177, 1978, doi:10.1111/j.1540-6261.1978.tb03397.x), twice, less the difference of the means.
docs/derivations/analog.md derives all of them.
"""
import numpy as np
from scipy.special import log_ndtr, ndtr

SPAN = 8.5                    # half-width of the Gaussian integrals in standard deviations: the rest is 2e-17
TINY = 1e-300                 # in place of 0 in a logarithm
PANELS, ORDER = 6, 10         # Gauss-Legendre panels between kinks, nodes in each; tested against 10 times finer


def density(z):
    """Standard normal density."""
    return np.exp(-0.5 * np.square(z)) / np.sqrt(2 * np.pi)


def standardized(mean, std):
    """mean / std, where std = 0 gives the infinity of the sign of mean (0 for 0)."""
    mean, std = np.broadcast_arrays(np.asarray(mean, dtype=np.float64), np.asarray(std, dtype=np.float64))
    with np.errstate(over="ignore"):           # a quotient beyond 1e308 is as good as infinite
        return np.divide(mean, std, out=np.where(mean == 0, 0.0, np.copysign(np.inf, mean)), where=std > 0)


def clipped_gaussian(mean, std):
    """(E Y, E Y^2) of Y = max(0, mean + std Z), equations (1) and (2). Broadcasts."""
    a = standardized(mean, std)
    below, bell = ndtr(a), density(a)
    return mean * below + std * bell, (np.square(mean) + np.square(std)) * below + mean * std * bell


def clipped_gaussian_cube(mean, std):
    """E Y^3 of Y = max(0, mean + std Z), equation (2'). Broadcasts."""
    a = standardized(mean, std)
    square, variance = np.square(mean), np.square(std)
    return mean * (square + 3 * variance) * ndtr(a) + (square + 2 * variance) * std * density(a)


def interval_gaussian(mean, std, low, high):
    """(E Y, E Y^2, E Y^3) of Y = min(max(mean + std Z, low), high), equations (6) and (6'). Broadcasts."""
    above_low, square_low = clipped_gaussian(np.subtract(mean, low), std)
    above_high, square_high = clipped_gaussian(np.subtract(mean, high), std)
    width = high - low
    over = above_low - above_high                                                      # E Y - low
    square = square_low - square_high - 2 * width * above_high
    cube = (clipped_gaussian_cube(np.subtract(mean, low), std) - clipped_gaussian_cube(np.subtract(mean, high), std)
            - 3 * width * square_high - 3 * width**2 * above_high)
    return low + over, square + low * (low + 2 * over), cube + 3 * low * square + low**2 * (low + 3 * over)


def folded_mean(mean, std):
    """E |mean + std Z|, equation (3). Broadcasts."""
    a = standardized(mean, std)
    return mean * (2 * ndtr(a) - 1) + 2 * std * density(a)


def sign_and_bell(mean, std):
    """E sign(mean + std Z) and its density at 0 (0 where std is 0: nothing smooths the kink there). Broadcasts."""
    a = standardized(mean, std)
    spread = np.broadcast_to(std, a.shape)
    return 2 * ndtr(a) - 1, np.divide(density(a), spread, out=np.zeros(a.shape), where=spread > 0)


def folded_laplace(mean, std, s):
    """E exp(-s |mean + std Z|) for s >= 0, equation (4), summed from logarithms so that nothing overflows."""
    a, spread = standardized(mean, std), np.multiply(s, std)
    half = 0.5 * np.square(spread)
    shift = np.multiply(s, mean)
    return np.exp(half - shift + log_ndtr(a - spread)) + np.exp(half + shift + log_ndtr(-a - spread))


def difference_magnitude(mean, variance, other_mean, other_variance):
    """E |X - Y| of two independent non-negative variables, taken as lognormal, equation (5). Broadcasts."""
    spread = np.sqrt(np.log1p(squared_variation(mean, variance))
                     + np.log1p(squared_variation(other_mean, other_variance)))
    a = standardized(np.log(np.maximum(mean, TINY)) - np.log(np.maximum(other_mean, TINY)), spread)
    half = spread / 2
    return 2 * (mean * ndtr(a + half) - other_mean * ndtr(a - half)) - (mean - other_mean)


def squared_variation(mean, variance):
    """variance / mean^2; 0 where the mean is 0, as a non-negative variable then is 0."""
    square = np.square(mean)
    return np.divide(variance, square, out=np.zeros(np.shape(square)), where=square > TINY)


def clipped_gaussian_expectation(function, mean, std, kinks=(), *, panels=PANELS, order=ORDER):
    """E f(max(0, mean + std Z)), shape (m, ...), for m functions at once, by Gauss-Legendre panels.

    `function` takes values y >= 0, shape (..., nodes), and returns (m, ..., nodes); it must be smooth between the
    `kinks`, where panels end (and at 0, where the atom of the clipping sits). [mean - SPAN std, mean + SPAN std] is cut
    into `panels`, each with `order` nodes.
    """
    mean, std = np.broadcast_arrays(np.asarray(mean, dtype=np.float64), np.asarray(std, dtype=np.float64))
    low, high = np.maximum(mean - SPAN * std, 0), np.maximum(mean + SPAN * std, 0)
    even = low[..., None] + (high - low)[..., None] * np.linspace(0, 1, panels + 1)
    cuts = np.clip(np.broadcast_to(np.asarray(kinks, dtype=np.float64), (*mean.shape, len(kinks))),
                   low[..., None], high[..., None])
    edges = np.sort(np.concatenate([even, cuts], axis=-1), axis=-1)
    nodes, weights = np.polynomial.legendre.leggauss(order)
    centers, halves = (edges[..., 1:] + edges[..., :-1]) / 2, np.diff(edges, axis=-1) / 2
    count = halves.shape[-1] * order                 # not -1: there may be no devices
    y = (centers[..., None] + halves[..., None] * nodes).reshape(*mean.shape, count)
    spread = np.where(std > 0, std, 1.0)[..., None]
    mass = (halves[..., None] * weights).reshape(y.shape) * density((y - mean[..., None]) / spread) / spread
    inside = np.sum(function(y) * mass, axis=-1)
    at_zero = function(np.zeros((*mean.shape, 1)))[..., 0]
    certain = function(np.maximum(mean, 0)[..., None])[..., 0]
    return np.where(std > 0, inside + ndtr(-standardized(mean, std)) * at_zero, certain)
