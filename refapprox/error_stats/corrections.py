"""What can be done about an error whose statistics are known.

With e = exact - approximate, g(w) = E_x e(x, w), v(w) = Var_x e(x, w), and per neuron j the accumulated error
S_j = sum_i e(x_i, w_ij) of mean E_j:

    mean compensation     add E_j to the accumulator (fold it into the bias)                        (1)
    affine                alpha_j yhat + beta_j, alpha_j = Cov(y, yhat) / Var(yhat),
                          beta_j = E y - alpha_j E yhat                                             (2)
    control variate       add C_j sum_i z(x_i) + const, C_j = mean_i Cov(e(x, w_ij), z) / Var(z)    (3)
    weight remapping      w -> argmin_w' E_x (m(x, w') - x w)^2                                     (4)

(1) leaves every neuron's variance as it is; the pooled variance of the layer falls by Var_j(E_j). (2) and (3) minimize
the neuron's variance among their kind: it falls to Var(y) (1 - corr^2), and by n C_j^2 Var(z). For an error
e = w z(x), which truncation and perforation of the activation make, (3) has C_j = mean_i w_ij. Derivations are in
docs/derivations/error_statistics.md. (1) needs no independence: means add up, whatever the taps have to do with each
other. (3) and `affine_correction` assume independent taps; fitting to data by `affine_fit` and `control_variate_fit`
does not.

References
----------
G. Zervakis, O. Spantidi, I. Anagnostopoulos, H. Amrouch, J. Henkel, "Control variate approximation for DNN
accelerators", DAC 2021, arXiv:2102.09642. V. Mrazek, Z. Vasicek, L. Sekanina, M. A. Hanif, M. Shafique, "ALWANN:
automatic layer-wise approximation of deep neural network accelerators without retraining", ICCAD 2019,
arXiv:1907.07229 (weight tuning by the L1 error, of which (4) is the L2 counterpart).
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.error_stats.error_maps import ErrorMapLike, check_magnitude, fitting_map
from refapprox.error_stats.operands import LayerOperands
from refapprox.multipliers.operator import BinaryOperator
from refapprox.validation import check_distribution, check_finite

__all__ = ["AffineCorrection", "ControlVariate", "affine_correction", "affine_fit", "control_variate",
           "control_variate_fit", "mean_compensation", "remap_weights"]


def mean_compensation(emap: ErrorMapLike, operands: LayerOperands) -> NDArray[np.float64]:
    """E_j of (1) for every neuron, to be added to its accumulator.

    Parameters
    ----------
    emap : Multiplier or array, shape (codes of x, codes of w)
    operands : LayerOperands
        With weight codes. Activation codes or tap distributions make the mean exact for the data that they come
        from; one distribution for all taps is used where there is no more.

    Returns
    -------
    float64 array, shape (neurons,), accumulator units

    Raises
    ------
    ValueError
        If the error map does not fit the operands.

    Examples
    --------
    One neuron with the weights 1 and 0; every product of 1 by 1 is 2 too small, and half of the activations are 1.

    >>> from refapprox.error_stats import OperandStatistics
    >>> layer = LayerOperands(OperandStatistics.from_distribution([0.5, 0.5]),
    ...                       OperandStatistics.from_codes([[1, 0]], (0, 1)))
    >>> mean_compensation([[0, 0], [0, 2]], layer).tolist()
    [1.0]
    """
    emap = fitting_map(emap, operands).astype(np.float64)
    return by_weight(tap_laws(operands) @ emap, operands)


def tap_laws(operands):
    """Distribution of the activation at every tap, (fan_in, codes of x)."""
    x = operands.x
    if x.codes_or_none is None and x.taps_or_none is None:
        return np.broadcast_to(x.pooled, (operands.fan_in, x.size))
    return x.taps


def by_weight(table, operands):
    """sum_i table[i, w_ij] for every neuron; `table` is (fan_in, codes of w)."""
    return table[np.arange(operands.fan_in), operands.w.index].sum(axis=1)


@dataclass(frozen=True)
class AffineCorrection:
    """y ~ alpha * yhat + beta for each neuron.

    Attributes
    ----------
    alpha, beta : float64 arrays, shape (neurons,)
    variance : float64 array, shape (neurons,)
        What remains of Var(y - yhat).

    Examples
    --------
    >>> affine_fit([[0.0], [2.0]], [[0.0], [1.0]]).alpha.tolist()
    [2.0]
    """

    alpha: np.ndarray
    beta: np.ndarray
    variance: np.ndarray


def affine_correction(emap: ErrorMapLike, operands: LayerOperands) -> AffineCorrection:
    """(2) from the statistics of independent taps: covariances add up over them.

    Parameters
    ----------
    emap, operands
        As in `mean_compensation`; both code ranges must be known.

    Returns
    -------
    AffineCorrection
        Of accumulators without zero-point correction; arrays of shape (neurons,).

    Raises
    ------
    ValueError
        If the error map does not fit the operands.

    Examples
    --------
    >>> from refapprox.multipliers import exact
    >>> layer = LayerOperands.from_codes([[1, 2], [3, 4]], [[1], [1]])
    >>> affine_correction(exact(), layer).alpha.tolist()
    [1.0]
    """
    emap = fitting_map(emap, operands).astype(np.float64)
    products = np.multiply.outer(*(np.arange(side.code_range[0], side.code_range[1] + 1.0)
                                   for side in (operands.x, operands.w)))
    laws = tap_laws(operands)

    def mean(table):
        return laws @ table

    approximate = products - emap
    mean_y, mean_a = mean(products), mean(approximate)
    second = [mean(products ** 2) - mean_y ** 2, mean(products * approximate) - mean_y * mean_a,
              mean(approximate ** 2) - mean_a ** 2]
    return least_squares(by_weight(mean_y, operands), by_weight(mean_a, operands),
                         *(by_weight(table, operands) for table in second))


def affine_fit(accurate: ArrayLike, approximate: ArrayLike) -> AffineCorrection:
    """(2) by least squares on observed outputs.

    Parameters
    ----------
    accurate, approximate : arrays, shape (fields, neurons)

    Returns
    -------
    AffineCorrection

    Raises
    ------
    ValueError
        If the shapes differ, or there are fewer than two fields.

    Examples
    --------
    >>> found = affine_fit([[1.0], [3.0]], [[0.0], [1.0]])
    >>> found.alpha.tolist(), found.beta.tolist()
    ([2.0], [1.0])
    """
    y, a = (check_magnitude(name, check_finite(name, array, dtype=np.float64))
            for name, array in (("accurate", accurate), ("approximate", approximate)))
    if y.shape != a.shape or y.ndim != 2 or len(y) < 2:
        raise ValueError(f"accurate and approximate must have one shape (fields, neurons) with at least 2 fields, "
                         f"got {y.shape} and {a.shape}.")
    dy, da = y - y.mean(axis=0), a - a.mean(axis=0)
    return least_squares(y.mean(axis=0), a.mean(axis=0), *((p * q).mean(axis=0) for p, q in
                                                           ((dy, dy), (dy, da), (da, da))))


def least_squares(mean_y, mean_a, var_y, cov, var_a):
    """A neuron whose approximate output is constant keeps alpha = 1."""
    alpha = np.divide(cov, var_a, out=np.ones_like(cov), where=var_a > 0)
    return AffineCorrection(alpha, mean_y - alpha * mean_a,
                            np.maximum(var_y - 2 * alpha * cov + alpha ** 2 * var_a, 0))


@dataclass(frozen=True)
class ControlVariate:
    """Add ``coefficient * sum_i feature[x_i - qmin] + offset`` to a neuron's accumulator.

    Attributes
    ----------
    feature : float64 array, shape (codes of x,)
    coefficient, offset : float64 arrays, shape (neurons,)
    variance_before, variance_after : float64 arrays, shape (neurons,)
        Of the accumulated error.

    Examples
    --------
    >>> ControlVariate([0, 1], coefficient=[2.0], offset=[0.0], variance_before=[5.0], variance_after=[1.0]).offset
    [0.0]
    """

    feature: np.ndarray
    coefficient: np.ndarray
    offset: np.ndarray
    variance_before: np.ndarray
    variance_after: np.ndarray


def control_variate(emap: ErrorMapLike, operands: LayerOperands,
                    feature: ArrayLike | None = None) -> ControlVariate:
    """(3) from the layer's activation distribution, taps independent.

    Parameters
    ----------
    emap, operands
        As in `mean_compensation`.
    feature : float array, shape (codes of x,), optional
        z. Default: the function of the activation that explains most of the error's variance over the layer's
        weights, which is z itself where e = w z(x).

    Returns
    -------
    ControlVariate

    Raises
    ------
    ValueError
        If the error map or the feature does not fit the operands.

    Examples
    --------
    An error of w z(x) with z = (0, 1) is taken away whole:

    >>> from refapprox.error_stats import OperandStatistics
    >>> layer = LayerOperands(OperandStatistics.from_distribution([0.5, 0.5]),
    ...                       OperandStatistics.from_codes([[1, 1]], (0, 1)))
    >>> found = control_variate([[0, 0], [0, 1]], layer, feature=[0, 1])
    >>> found.coefficient.tolist(), found.variance_before.tolist(), found.variance_after.tolist()
    ([1.0], [0.5], [0.0])
    """
    emap = fitting_map(emap, operands).astype(np.float64)
    p, n = operands.x.pooled, operands.fan_in
    z = leading_feature(emap, operands) if feature is None else check_feature(feature, operands)
    centered_z, centered_e = z - p @ z, emap - p @ emap
    variance_z = p @ centered_z ** 2
    covariance = n * operands.w.local @ ((p * centered_z) @ centered_e)                # sum_i Cov(e(x, w_ij), z)
    coefficient = covariance / (n * variance_z) if variance_z > 0 else np.zeros_like(covariance)
    before = n * operands.w.local @ (p @ centered_e ** 2)
    mean_error = n * operands.w.local @ (p @ emap)
    # exact - (approximate + C sum z + offset) has mean 0 with offset = E_j - C n E z
    return ControlVariate(z, coefficient, mean_error - coefficient * n * (p @ z), before,
                          np.maximum(before - n * coefficient ** 2 * variance_z, 0))


def control_variate_fit(errors: ArrayLike, feature_sums: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(3) by least squares on observed errors.

    Parameters
    ----------
    errors : array, shape (fields, neurons)
        exact - approximate, accumulated.
    feature_sums : array, shape (fields,)
        sum_i z(x_i) of every field.

    Returns
    -------
    coefficient, offset : float64 arrays, shape (neurons,)

    Raises
    ------
    ValueError
        If the shapes do not fit, or there are fewer than two fields.

    Examples
    --------
    >>> coefficient, offset = control_variate_fit([[1.0], [3.0]], [0.0, 1.0])
    >>> coefficient.tolist(), offset.tolist()
    ([2.0], [1.0])
    """
    errors, sums = (check_finite(name, a, dtype=np.float64)
                    for name, a in (("errors", errors), ("feature_sums", feature_sums)))
    if errors.ndim != 2 or sums.shape != errors.shape[:1] or len(sums) < 2:
        raise ValueError(f"errors must be (fields, neurons) and feature_sums (fields,) with at least 2 fields, "
                         f"got {errors.shape} and {sums.shape}.")
    centered = sums - sums.mean()
    spread = centered @ centered
    coefficient = centered @ errors / spread if spread > 0 else np.zeros(errors.shape[1])
    return coefficient, errors.mean(axis=0) - coefficient * sums.mean()


def leading_feature(emap, operands):
    """Left singular vector of the error map, centered over x, in the metric of both operand distributions."""
    p, q = operands.x.pooled, operands.w.pooled
    rows, columns = np.flatnonzero(p), np.flatnonzero(q)
    centered = (emap - p @ emap)[np.ix_(rows, columns)]
    root_p = np.sqrt(p[rows])
    u, _, _ = np.linalg.svd(root_p[:, np.newaxis] * centered * np.sqrt(q[columns]), full_matrices=False)
    feature = np.zeros(p.shape)
    feature[rows] = u[:, 0] / root_p
    return feature


def check_feature(feature, operands):
    feature = check_finite("feature", feature, dtype=np.float64)
    if feature.shape != (operands.x.size,):
        raise ValueError(f"feature must have shape ({operands.x.size},), got {feature.shape}.")
    return check_magnitude("feature", feature)


def remap_weights(multiplier: BinaryOperator, x_dist: ArrayLike) -> NDArray[np.int64]:
    """(4): for each weight code the code whose products come closest in the mean square.

    Parameters
    ----------
    multiplier : Multiplier
    x_dist : float array, shape (codes of x,)
        Distribution of the activations.

    Returns
    -------
    int64 array, shape (codes of w,)
        ``remap[w - qmin]`` is the code to store in place of w; w itself unless another one is strictly better.

    Raises
    ------
    ValueError
        If the distribution does not fit the multiplier.

    Examples
    --------
    A multiplier that takes every weight for the next even one below: 3 stays, since no other weight gives more.

    >>> from refapprox import Multiplier
    >>> m = Multiplier.from_function("even", lambda x, w: x * (w & 2), signed=False, bits=2)
    >>> remap_weights(m, [0, 0, 0, 1]).tolist()
    [0, 1, 2, 3]
    """
    x_dist = check_distribution("x_dist", x_dist, multiplier.lut.shape[0])
    x, w = (np.arange(low, high + 1.0) for low, high in (multiplier.range_x, multiplier.range_w))
    table = multiplier.lut.astype(np.float64)
    # E (m(x, w') - x w)^2 = E m^2 - 2 w E x m + w^2 E x^2, as [w', w]
    squares = (x_dist @ table ** 2)[:, np.newaxis] - 2 * np.outer((x_dist * x) @ table, w) + w ** 2 * (x_dist @ x ** 2)
    own = np.diagonal(squares)
    best = squares.argmin(axis=0)
    rounding = 1e-9 * (x_dist @ table ** 2).max()      # the three terms cancel: smaller gains than this are noise
    better = squares[best, np.arange(len(w))] < own - rounding
    return np.where(better, best, np.arange(len(w))) + multiplier.range_w[0]


doors(__name__)
