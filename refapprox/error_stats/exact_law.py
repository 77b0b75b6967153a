"""The whole law of an accumulated error: probability mass functions of sums of independent integer errors.

With the characteristic function phi(t) = sum_e P(e) exp(-2 pi i t e / L) of one error at L frequencies,

    all operands drawn anew             phi_S = phi^n
    weights of a neuron fixed           phi_S = prod_i phi_{w_i},  phi_w that of e(X, w)
    random neuron, its weights fixed    the mean of these over neurons

and one inverse FFT gives the pmf of S. L is a power of two, for which the rounding of the FFT is a theorem. It need not
cover every possible value: by Bernstein's inequality all but a mass of `WRAPPED` lies within a window that grows with
sqrt(n), and what lies outside wraps around into it. `rounding` bounds what the FFT and this wrapping make of each
probability. Far out, where probabilities are smaller than that, `tail` falls back on Chernoff's inequality
P(S >= s) <= exp(-theta s) E exp(theta S). Every bound is rounded outward.

References
----------
N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM 2002, theorem 24.2 (rounding of the FFT).
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from refapprox.error_stats.bounds import EPS
from refapprox.error_stats.error_maps import ErrorMapLike, fitting_map
from refapprox.error_stats.operands import LayerOperands
from refapprox.error_stats.sum_moments import error_moments
from refapprox.validation import check_choice, check_instance, check_integer

WRAPPED = 1e-18           # mass outside the window
MAX_VALUES = 1 << 24      # values of the sum within the window: 256 MiB of complex numbers
BLOCK_NUMBERS = 1 << 21   # complex numbers of a class of frequencies, over neurons and weights: 32 MiB
PMF_ROUNDING = 2 * EPS    # relative, of one error's probability: product, sum, total and quotient, eps / 2 each
PAIRWISE = 64 * EPS       # relative, of NumPy's pairwise sum of up to MAX_VALUES non-negative numbers: depth below 64


@dataclass(frozen=True)
class Law:
    """A pmf on consecutive integers.

    Attributes
    ----------
    start : int
        The first integer.
    pmf : float64 array
        ``pmf[s - start]``; not negative.
    rounding : float
        No probability is wrong by more than this, and no sum of N of them by more than sqrt(N) times this.
    summands, counts : list of (start, pmf), int64 array of shape (neurons, summands)
        The laws of single errors, and how many of each every neuron sums.

    Examples
    --------
    >>> from refapprox.error_stats import LayerOperands
    >>> layer = LayerOperands.from_distributions([0.5, 0.5], [0.0, 1.0], fan_in=10)
    >>> law = error_law([[0, 0], [0, 1]], layer, "single_distribution")      # ten fair coins
    >>> lower, upper = law.tail(10)
    >>> lower <= 2.0 ** -10 <= upper, round(law.mean, 12), round(law.std ** 2, 12)
    (True, 5.0, 2.5)
    """

    start: int
    pmf: NDArray[np.float64]
    rounding: float
    summands: list[tuple[int, NDArray[np.float64]]] = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)

    @property
    def values(self) -> NDArray[np.int64]:
        """The integers of `pmf`, int64 of its shape."""
        return np.arange(self.start, self.start + len(self.pmf))

    @property
    def mean(self) -> float:
        """Accumulator units."""
        return float(self.values @ self.pmf)

    @property
    def std(self) -> float:
        """Accumulator units."""
        return float(np.sqrt((self.values - self.mean) ** 2 @ self.pmf))

    def tail(self, threshold: int) -> tuple[float, float]:
        """(lower, upper): an interval that holds P(S >= threshold), rounding included."""
        threshold = check_integer("threshold", threshold)
        first = min(max(threshold - self.start, 0), len(self.pmf))
        total = float(self.pmf[first:].sum())
        slack = (math.sqrt(len(self.pmf) - first) * self.rounding + WRAPPED + PAIRWISE * total) * (1 + 4 * EPS)
        return float(max(total - slack, 0.0)), float(min((total + slack) * (1 + EPS), self.chernoff(threshold), 1.0))

    def chernoff(self, threshold: int) -> float:
        """min over theta >= 0 of E exp(theta (S - threshold)), rounded up.

        Any theta gives a bound, the best is searched for. `log_bound` multiplies logarithms of errors' moments by
        their counts; each is off by a few eps of its largest exponent X and by one eps per term.
        """
        from scipy.optimize import minimize_scalar

        def log_bound(theta):
            logs = np.array([log_moment(start, pmf, theta) for start, pmf in self.summands])
            per_neuron = self.counts @ logs - theta * threshold
            peak = per_neuron.max()
            return peak + math.log(np.mean(np.exp(per_neuron - peak)))

        farthest = 60 / max(self.std, 1)      # exp(-theta s) varies by far more than any tail of interest
        theta = minimize_scalar(log_bound, bounds=(0, farthest), method="bounded").x
        largest = theta * max(max(abs(start), abs(start + len(pmf) - 1)) for start, pmf in self.summands)      # X
        terms = max(len(pmf) for _, pmf in self.summands)
        count = int(self.counts.sum(axis=1).max())
        rounding = EPS * (count * ((10 + len(self.summands)) * largest + terms + 8) + 4 * theta * abs(threshold)
                          + len(self.counts) + 16) + count * PMF_ROUNDING
        return math.exp(min(log_bound(theta) + rounding, 0.0)) * (1 + 4 * EPS)


def log_moment(start, pmf, theta):
    """log E exp(theta e)."""
    exponents = theta * (start + np.arange(len(pmf)))
    peak = exponents.max()
    return peak + math.log(pmf @ np.exp(exponents - peak))


def error_law(emap: ErrorMapLike, operands: LayerOperands, estimator: str) -> Law:
    """Law of an accumulated error under the assumption of a rung.

    Parameters
    ----------
    emap : Multiplier or integer array, shape (codes of x, codes of w)
        exact - approximate.
    operands : LayerOperands
        Probabilities are taken as they stand in float64, divided by their sum.
    estimator : {"single_distribution", "fixed_weights"}
        The rung whose assumption holds: all operands drawn anew, or a random neuron with its own weights. For one
        neuron alone, give operands with its weights only.

    Returns
    -------
    Law

    Raises
    ------
    ValueError
        If `estimator` is another, errors are no integers, the sum has more than `MAX_VALUES` likely values, or
        weights are not told neuron by neuron where they are fixed.

    Examples
    --------
    A sum of two errors, each 2 with probability 1/4.

    >>> from refapprox.error_stats import LayerOperands
    >>> layer = LayerOperands.from_distributions([0.5, 0.5], [0.5, 0.5], fan_in=2)
    >>> law = error_law([[0, 0], [0, 2]], layer, "single_distribution")
    >>> law.values.tolist(), (16 * law.pmf).round(12).tolist()
    ([0, 1, 2, 3, 4], [9.0, 0.0, 6.0, 0.0, 1.0])
    """
    check_choice("estimator", estimator, LAWS)
    emap = fitting_map(emap, operands).astype(np.float64)
    if not np.array_equal(emap, np.rint(emap)):
        raise ValueError("emap must hold integers: the pmf of a sum lives on them.")
    if np.abs(emap).max() > 2.0 ** 53:
        raise ValueError(f"emap must hold errors of at most 2**53, got one of {np.abs(emap).max():g}.")
    summands, counts = LAWS[estimator](emap.astype(np.int64), operands)
    return law_of_sums(summands, counts, error_moments(emap, operands, estimator))


def mixed_law(laws: Sequence[Law]) -> Law:
    """Law of a draw from one of several equally likely laws: of the error of a grouped layer, from those of its groups.

    Parameters
    ----------
    laws : sequence of Law
        Of as many neurons each.

    Returns
    -------
    Law

    Raises
    ------
    TypeError, ValueError
        If something in laws is none, there is none, or they lie too far apart for one array.

    Examples
    --------
    >>> from refapprox.error_stats import LayerOperands
    >>> often, seldom = (error_law([[0, 0], [0, 2]], LayerOperands.from_distributions([1 - p, p], [0.0, 1.0], fan_in=1),
    ...                            "single_distribution") for p in (0.5, 0.25))
    >>> mixed_law([often, seldom]).pmf.round(12).tolist()
    [0.625, 0.0, 0.375]
    """
    from scipy.linalg import block_diag  # kept out of the import of refapprox

    laws = [check_instance("laws", law, Law) for law in laws]
    if not laws:
        raise ValueError("laws must hold at least one law, got none.")
    start, stop = min(law.start for law in laws), max(law.start + len(law.pmf) for law in laws)
    if stop - start > MAX_VALUES:
        raise ValueError(f"laws must lie within {MAX_VALUES} values, got {stop - start}.")
    pmf = np.zeros(stop - start)
    for law in laws:
        pmf[law.start - start:][:len(law.pmf)] += law.pmf / len(laws)
    rounding = np.mean([law.rounding for law in laws]) + 2 * len(laws) * EPS * np.linalg.norm(pmf)
    return Law(start, pmf, float(rounding), [summand for law in laws for summand in law.summands],
               block_diag(*(law.counts for law in laws)))


def single_distribution_summands(table, operands):
    joint = np.outer(operands.x.pooled, operands.w.pooled)
    return [error_pmf(table, joint)], np.array([[operands.fan_in]])


def fixed_weights_summands(table, operands):
    counts = np.rint(operands.w.local * operands.fan_in).astype(np.int64)
    if not np.allclose(counts, operands.w.local * operands.fan_in, rtol=0, atol=1e-6):
        raise ValueError(f"w of a law with fixed weights must hold histograms of fan_in = {operands.fan_in} weights a "
                         "neuron, got probabilities that are no multiples of 1 / fan_in.")
    held = np.flatnonzero(counts.any(axis=0))
    return [error_pmf(table[:, w], operands.x.pooled) for w in held], counts[:, held]


LAWS = {"single_distribution": single_distribution_summands, "fixed_weights": fixed_weights_summands}


def error_pmf(errors, probabilities):
    """(smallest error, pmf from there on) of possible errors; each probability within PMF_ROUNDING of its own."""
    errors, probabilities = errors[probabilities > 0], probabilities[probabilities > 0]
    start, reach = int(errors.min()), int(np.ptp(errors))
    if reach >= MAX_VALUES:
        raise ValueError(f"emap must leave at most {MAX_VALUES} values to the accumulated error, "
                         f"got {reach + 1} for a single one.")
    order = np.argsort(errors, kind="stable")
    values, first = np.unique(errors[order], return_index=True)
    pmf, total = np.zeros(reach + 1), math.fsum(probabilities)
    pmf[values - start] = [math.fsum(part) / total for part in np.split(probabilities[order], first[1:])]
    return start, pmf


def law_of_sums(summands, counts, moments):
    """Law of a random row of `counts`: the sum of counts[row, k] independent errors of the k-th summand law.

    `rounding` follows the l2 norm through the transforms (theorem 24.2 with a constant of 8, and the folding before
    them, see `log_characteristics`), through logarithm, sum and exponential (each of n phases of at most pi is rounded
    K + 3 times), and through the inverse. |phi| <= 1 keeps the errors of one factor from growing in the product, but
    for a factor (1 + largest error of a phi)^n.
    """
    from scipy import fft  # kept out of the import of refapprox

    window = moments.window(WRAPPED)
    low = max(math.floor(moments.mean - window), int(np.rint(moments.lower)))
    high = min(math.ceil(moments.mean + window), int(np.rint(moments.upper)))
    length = high - low + 1
    if length > MAX_VALUES:
        raise ValueError(f"emap must leave at most {MAX_VALUES} values to the accumulated error, got {length}.")
    size = power_of_two(length)
    classes = min(size, power_of_two(-(-size * (len(summands) + len(counts)) // BLOCK_NUMBERS)))
    phi = mean_characteristic(summands, counts, size, classes)
    pmf = np.roll(fft.irfft(phi, size), -(low % size))[:length]
    n = int(counts.sum(axis=1).max())
    norms = counts @ [np.linalg.norm(pmf) for _, pmf in summands]
    folds = -(-max(len(pmf) for _, pmf in summands) * classes // size)
    transform = 8 * EPS * (math.log2(max(size, 2)) + 2 * folds ** 1.5)
    growth = math.exp(n * transform * math.sqrt(size) * max(np.linalg.norm(pmf) for _, pmf in summands))
    total = float(np.linalg.norm(pmf))
    powers = (len(summands) + 3) * math.pi * n * EPS
    rounding = growth * (transform * (norms.max() + total) + (powers + n * PMF_ROUNDING) * total) + WRAPPED
    return Law(low, np.maximum(pmf, 0.0), float(rounding), summands, counts)


def power_of_two(number):
    """The smallest power of two that is not below `number`."""
    return 1 << max(number - 1, 0).bit_length()


def mean_characteristic(summands, counts, size, classes):
    """Mean over rows of prod_k phi_k^counts[row, k] at size // 2 + 1 frequencies.

    Frequencies are taken one residue class modulo `classes`, a divisor of `size`, after the other, so that all phi_k of
    a class fit into memory. Those above size / 2 are the conjugates of those below.
    """
    phi = np.empty(size // 2 + 1, dtype=complex)
    exponents = counts.astype(np.float64)
    for residue in range(classes // 2 + 1):
        logs = log_characteristics(summands, size, residue, classes).view(np.float64)    # real, imaginary, real, ...
        mean = np.exp((exponents @ logs).view(complex)).mean(axis=0)
        frequencies = np.arange(residue, size, classes)[:len(mean)]
        above = frequencies > size // 2
        phi[frequencies[~above]] = mean[~above]
        phi[size - frequencies[above]] = mean[above].conj()
    return phi


def log_characteristics(summands, size, residue, classes):
    """log phi of every error law at the frequencies residue, residue + classes, ...; 1e-300 stands for a phi of 0.

    Residue 0 stops at size / 2.

    With D = classes and L = size,

        phi(residue + D s) = sum_e [P(e) exp(-2 pi i residue e / L)] exp(-2 pi i s e / (L / D))

    is a transform of length L / D of the bracket, folded modulo L / D. Where m values of e fold onto one place, the
    fold's error in the l2 norm is at most sqrt(m) (m + 11) eps of the result: twiddles 11, the sum of m terms m.
    """
    from scipy import fft

    length = size // classes
    folded = np.zeros((len(summands), length), dtype=complex)
    for row, (start, pmf) in zip(folded, summands, strict=True):
        errors = np.flatnonzero(pmf)
        turned = pmf[errors] * np.exp(-2j * np.pi / size * ((start + errors) * residue % size))
        np.add.at(row, (start + errors) % length, turned)
    phi = fft.fft(folded, overwrite_x=True) if residue else fft.rfft(folded.real)
    return np.log(np.where(phi == 0, 1e-300, phi))
