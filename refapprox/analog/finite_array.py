"""The loss of an array of any size, in which the compensation factor scatters with the weights that it is made from.

One factor alpha = B / A serves n weights (all of an array, or a column), B = mean |y_0| and A = mean |y_t| being the
magnitudes of their readouts.  The loss of one of them,

    E (alpha x_i - u_i)^2 = E B^2 x_i^2 / A^2 - 2 u_i E B x_i / A + u_i^2,                             (1)

depends on all the others through A.  With

    1 / A^2 = integral s exp(-s A) ds,   1 / A = integral exp(-s A) ds,   s from 0 to infinity         (2)

the expectations become products over the weights, as devices err independently: exact for every n.  With angle
brackets for the mean of one weight's law that is tilted by exp(-s |y_i| / n), and phi_i the mean of that factor,

    E B^2 x_i^2 exp(-s A) = prod_j phi_j [<b^2 x^2>_i + 2 <b x^2>_i R_i + <x^2>_i (R_i^2 + V_i)] / n^2  (3)
    E B x_i exp(-s A)     = prod_j phi_j [<b x>_i + <x>_i R_i] / n                                     (4)

b = |y_0|, R_i = sum_{j != i} <b>_j and V_i = sum_{j != i} (<b^2>_j - <b>_j^2).  The trapezoidal rule in log s, to which
(2) is an entire function that falls off at both ends, does the integral over s with an error below 1e-9.

The law of one weight: y_t has its exact mean, variance and third moment and is a shifted lognormal (the normal, where
it is not skewed); y_0 is normal, given y_t too, with the exact covariance.  This is the only approximation.
Where Var A / (E A)^2 + Var B / (E B)^2 is below MOST_SCATTER it costs at most 2.5 % of the loss, and less than 1 % for
phase-change memory; beyond that a warning says so.  `docs/derivations/analog.md` has the figures.
"""
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from refapprox.analog import moments

STEP, LOWEST, HIGHEST = 0.4, -16.0, 16.0     # of log s, around the inverse of the expected A
CUTS = np.array([-moments.SPAN, -5.0, -3.0, -1.5, 0.0, 1.5, 3.0, 5.0, moments.SPAN])      # panels over y_t,
NEAR_KINK = np.array([-0.1, -0.01, -0.001, 0.0, 0.001, 0.01, 0.1])                        # and around y_t = 0
ORDER = 6
MOST_SCATTER = 0.03                          # of A and B up to which the law of one weight is good enough
FAINTEST = 1e-100                            # magnitude whose inverse still has a square
LEAST_SKEWNESS = 1e-3                        # below it a law counts as normal
BLOCK = 4096                                 # weights at a time


class ApproximationWarning(UserWarning):
    """A closed form was asked for beyond the range in which it is known to be accurate; simulation has no such range.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("error", ApproximationWarning)      # whoever wants a certain number
    >>> warnings.resetwarnings()
    """


class Readings(NamedTuple):
    """Moments of weights and their readouts at one time, each (n, factors), in units of max |W|."""

    mean: np.ndarray            # of x_t
    variance: np.ndarray
    third: np.ndarray           # third central moment
    noise: np.ndarray           # variance of y_t - x_t
    start_mean: np.ndarray      # of y_0
    start_variance: np.ndarray
    covariance: np.ndarray      # of x_0 and x_t


def expected_loss(u, read, counts, exact_reference):
    """(loss, loss as if each weight stood for very many, Var A / (E A)^2 + Var B / (E B)^2) by (1), for each factor.

    `u` (k, factors) are normalized target weights, `counts` (k, factors) how many weights each of them stands for; with
    `exact_reference` B is the mean of |u|.
    """
    step = max(1, BLOCK // len(u))
    blocks = [slice(start, start + step) for start in range(0, u.shape[1], step)]
    return np.concatenate([_loss(u[:, block], Readings(*(values[:, block] for values in read)), counts[:, block],
                                 exact_reference) for block in blocks], axis=1)


def _loss(u, read, counts, exact_reference):
    y, mass, b, x = _laws(u, read, exact_reference)
    n = counts.sum(axis=0)
    terms = np.stack([np.ones_like(y), b.one, b.two, x.one, x.with_b, x.two, x.two_with_b, x.two_with_two_b])
    terms *= mass
    magnitude = np.abs(y)
    y1, yy = (np.sum(magnitude**power * mass, axis=-1) for power in (1, 2))
    center = -np.log(np.maximum(np.sum(counts * y1, axis=0) / n, FAINTEST))                   # (factors,)
    total, largest = 0.0, 0.0
    for offset in np.arange(LOWEST, HIGHEST, STEP):
        s = np.exp(center + offset)
        found = np.einsum("akfq,kfq->akf", terms, np.exp(-(s / n)[:, None] * magnitude))
        phi = np.maximum(found[0], moments.TINY)
        product = np.exp(np.sum(counts * np.log(phi), axis=0))
        b1, b2, x1, bx, xx, bxx, bbxx = found[1:] / phi
        rest = np.sum(counts * b1, axis=0) - b1
        spread = b2 - b1**2
        other = np.sum(counts * spread, axis=0) - spread
        square = bbxx + 2 * bxx * rest + xx * (rest**2 + other)                                        # (3)
        cross = (bx + x1 * rest) * u                                                                   # (4)
        part = product * np.sum(counts * (s**2 * square / n**2 - 2 * s * cross / n), axis=0)           # (2)
        # below LOWEST the integrand falls like s: a geometric series
        total = total + STEP * part if offset > LOWEST else STEP * part * (1 + 1 / np.expm1(STEP))
        largest = max(largest, np.abs(part).max())
        if offset > 0 and np.abs(part).max() < 1e-12 * largest:
            break
    _, b1, bb, x1, _, xx, *_ = np.sum(terms, axis=-1)
    alpha, scatter = np.sum(counts * b1, axis=0) / np.maximum(np.sum(counts * y1, axis=0), FAINTEST), 0.0
    limit = np.sum(counts * (alpha**2 * xx - 2 * alpha * x1 * u), axis=0)
    for one, two in ((y1, yy), (b1, bb)):
        scatter = scatter + np.sum(counts * (two - one**2), axis=0) / np.maximum(np.sum(counts * one, axis=0),
                                                                                 FAINTEST) ** 2
    return np.stack([*((np.stack([total, limit]) + np.sum(counts * u**2, axis=0)) / n), scatter])


def readout_excess(mean, variance, noise, step):
    """What the readout adds to E |x| of each weight if x is normal: its noise, and its rounding to multiples of `step`.

    With levels d apart E |y| = d sum_k P(|y| >= (k - 1/2) d), k = 1, 2, ...
    """
    std, without = np.sqrt(variance + noise), moments.folded_mean(mean, np.sqrt(variance))
    if step == 0:
        return moments.folded_mean(mean, std) - without
    total = np.zeros_like(mean)
    for level in np.arange(0.5 * step, np.max(np.abs(mean) + moments.SPAN * std), step):
        total += ndtr(moments.standardized(mean - level, std)) + ndtr(moments.standardized(-mean - level, std))
    return step * total - without


class _Magnitudes(NamedTuple):
    """E b and E b^2 given y_t."""

    one: np.ndarray
    two: np.ndarray


class _Products(NamedTuple):
    """E x, E b x, E x^2, E b x^2 and E b^2 x^2 given y_t."""

    one: np.ndarray
    with_b: np.ndarray
    two: np.ndarray
    two_with_b: np.ndarray
    two_with_two_b: np.ndarray


def _laws(u, read, exact_reference):
    """Nodes y (k, factors, nodes) of every readout, their mass, and what b and x are expected to be there."""
    variance = read.variance + read.noise
    std, start_std = np.sqrt(variance), np.sqrt(read.start_variance)
    skewness = np.divide(read.third, variance * std, out=np.zeros_like(std), where=variance > 0)
    shape = SkewedLaw(skewness)
    z, mass = _nodes(shape.crossing(-np.divide(read.mean, std, out=np.full_like(std, np.inf), where=std > 0)))
    y = read.mean[..., None] + std[..., None] * shape(z)
    # y_0 given y_t: normal, of correlation rho with z; x_t given y_t: normal, from the share of noise in y_t
    bound = start_std * std * shape.slope
    rho = np.divide(read.covariance, bound, out=np.zeros_like(bound), where=bound > 0).clip(-1, 1)[..., None]
    b_mean = read.start_mean[..., None] + start_std[..., None] * rho * z
    b_variance = read.start_variance[..., None] * (1 - rho**2) + np.zeros_like(z)
    share = np.divide(read.noise, variance, out=np.zeros_like(variance), where=variance > 0)[..., None]
    x_mean = y - share * (y - read.mean[..., None])
    x_square = x_mean**2 + share * read.variance[..., None]
    joint = share * read.covariance[..., None]                               # Cov(y_0, x_t) given y_t
    if exact_reference:
        size = np.abs(u)[..., None] + np.zeros_like(z)
        return y, mass, _Magnitudes(size, size**2), _Products(x_mean, size * x_mean, x_square, size * x_square,
                                                              size**2 * x_square)
    b_std = np.sqrt(b_variance)
    size, square = moments.folded_mean(b_mean, b_std), b_mean**2 + b_variance
    sign, bell = moments.sign_and_bell(b_mean, b_std)
    # Stein's identity for the jointly normal (y_0, x_t)
    return y, mass, _Magnitudes(size, square), _Products(
        x_mean, size * x_mean + joint * sign, x_square, size * x_square + 2 * joint * (x_mean * sign + joint * bell),
        square * x_square + 4 * b_mean * x_mean * joint + 2 * joint**2)


def _nodes(crossing):
    """Gauss-Legendre nodes (..., nodes) of standard normals and their mass, in panels that end at `crossing`."""
    nodes, weights = np.polynomial.legendre.leggauss(ORDER)
    crossing = crossing[..., None]
    edges = np.concatenate([np.broadcast_to(CUTS, (*crossing.shape[:-1], len(CUTS))), crossing + NEAR_KINK], axis=-1)
    edges = np.sort(np.clip(edges, -moments.SPAN, moments.SPAN), axis=-1)
    centers, halves = (edges[..., 1:] + edges[..., :-1]) / 2, np.diff(edges, axis=-1) / 2
    z = (centers[..., None] + halves[..., None] * nodes).reshape(*crossing.shape[:-1], -1)
    mass = (halves[..., None] * weights).reshape(z.shape) * moments.density(z)
    return z, mass / mass.sum(axis=-1, keepdims=True)           # n of these are multiplied: exactly 1 each


class SkewedLaw:
    """A variable of mean 0, variance 1 and given skewness as a function of a standard normal: a shifted lognormal.

    With w = exp(sigma^2), skewness^2 = (w + 2)^2 (w - 1), which is solved for w in closed form,

        h(z) = +-(exp(+-sigma z) - sqrt(w)) / sqrt(w (w - 1))                                          (5)
    """

    def __init__(self, skewness):
        size = np.maximum(np.abs(skewness), LEAST_SKEWNESS)
        self.sign = np.where(skewness < 0, -1.0, 1.0)
        half = 1 + size**2 / 2
        root = np.cbrt(half + size * np.sqrt(1 + size**2 / 4))
        self.excess = root + 1 / root - 2                                    # w - 1
        self.sigma = np.sqrt(np.log1p(self.excess))
        self.slope = self.sigma / np.sqrt(self.excess)                       # E z h(z)

    def __call__(self, z):
        sign, sigma, excess = self.sign[..., None], self.sigma[..., None], self.excess[..., None]
        return sign * (np.expm1(sign * sigma * z - sigma**2 / 2)) / np.sqrt(excess)                    # (5)

    def crossing(self, value):
        """z with h(z) = value, infinite where h does not reach it."""
        inside = 1 + self.sign * value * np.sqrt(self.excess)
        log = np.log(np.maximum(inside, moments.TINY))
        return self.sign * (log + self.sigma**2 / 2) / self.sigma
