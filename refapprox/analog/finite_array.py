"""What the compensation factor's own scatter adds to the loss of an array of N weights: the term of order 1/N.

The loss of one readout is a function of four averages over the N weights,

    L = r^2 S2 - 2 r S1 + S0,  r = B / A,                                                             (1)
    B = mean |y_0|, A = mean |y_t|, S2 = mean x^2, S1 = mean x u, S0 = mean u^2,

y = x + readout noise.  The averages scatter around their expectations with covariances C / N, and to first order in
1/N the expectation of L is L(expectations) + correction, with

    correction = 1/2 sum_ab (d2L / da db) C_ab / N                                                    (2)

C_ab averages per-weight covariances.  For jointly normal (y, x) (Stein's identity, a = E y / sd y):

    Cov(|y|, x)   = Cov(y, x) (2 Phi(a) - 1)                                                          (3)
    Cov(|y|, x^2) = 2 E x Cov(|y|, x) + 2 Cov(y, x)^2 phi(a) / sd y                                   (4)
    Cov(|y|, |x|) = Cov(y, x) (2 Phi(a) - 1)(2 Phi(a') - 1) + 2 Cov(y, x)^2 phi(a) phi(a') / (sd y sd y') + ...   (5)
    Var |y|       = E y^2 - (E |y|)^2                                                                 (6)

(5) is a series in the covariance, cut after its second term.
"""
import numpy as np
from scipy.special import ndtr

from refapprox.analog import moments
from refapprox.analog.compensation import PerfectReadout


class Readings:
    """Weights and their readouts: stage 0 programmed, stages 1.. read; in units of max |W| = `unit`.

    Parameters
    ----------
    weights : objective.WeightMoments
    readout : PerfectReadout or NoisyReadout
    unit : float
    """

    def __init__(self, weights, readout, unit):
        self.mean, self.variance, self.covariance = weights.mean, weights.variance, weights.covariance
        self._perfect = weights.magnitude
        self._noise_variance, self._step = np.zeros_like(self.mean), 0.0
        if not isinstance(readout, PerfectReadout):
            self._noise_variance = readout.noise_variance(self.mean * unit) / unit**2
            self._step = readout.step / unit

    def readout_variance(self, stage):
        return self.variance[stage] + self._noise_variance[stage]

    def magnitudes(self, stage):
        """E |y| of each weight: E |x|, plus what the readout adds to it if x is normal.

        With levels d apart E |y| = d sum_k P(|y| >= (k - 1/2) d), k = 1, 2, ...
        """
        if self._step == 0 and not self._noise_variance.any():
            return self._perfect[stage]
        mean, std = self.mean[stage], np.sqrt(self.readout_variance(stage))
        without = moments.folded_mean(mean, np.sqrt(self.variance[stage]))
        if self._step == 0:
            return self._perfect[stage] + moments.folded_mean(mean, std) - without
        total = np.zeros_like(mean)
        highest = np.max(np.abs(mean) + moments.SPAN * std)
        for level in np.arange(0.5 * self._step, highest, self._step):
            total += ndtr(moments.standardized(mean - level, std)) + ndtr(moments.standardized(-mean - level, std))
        return self._perfect[stage] + self._step * total - without


def correction(read, stage, u, reference, aged, axes, exact_reference):
    """Equation (2) for one time: a float, or one for each column when `axes` is 0."""
    n = u.size if axes is None else u.shape[0]
    x, vx = read.mean[stage], read.variance[stage]
    y_std = np.sqrt(read.readout_variance(stage))
    y_sign, y_bell = sign_and_bell(x, y_std)
    r, b, a = reference / aged, reference, aged
    s2, s1 = np.mean(vx + x**2, axis=axes), np.mean(x * u, axis=axes)

    def averaged(covariance):
        return np.mean(covariance, axis=axes)

    cov_a_x = vx * y_sign                                                                              # (3)
    cov_a_square = 2 * x * cov_a_x + 2 * vx**2 * y_bell                                                # (4)
    var_a = x**2 + y_std**2 - read.magnitudes(stage) ** 2                                              # (6)
    total = (0.5 * (6 * b**2 * s2 / a**4 - 4 * b * s1 / a**3) * averaged(var_a)
             - 2 * r**2 / a * averaged(cov_a_square) + 2 * r / a * averaged(cov_a_x * u))
    if not exact_reference:
        c, p_std = read.covariance[stage - 1], np.sqrt(read.readout_variance(0))
        p_sign, p_bell = sign_and_bell(read.mean[0], p_std)
        var_b = read.mean[0] ** 2 + p_std**2 - read.magnitudes(0) ** 2
        cov_b_x = c * p_sign
        cov_b_square = 2 * x * cov_b_x + 2 * c**2 * p_bell
        cov_b_a = c * p_sign * y_sign + 2 * c**2 * p_bell * y_bell                                     # (5)
        total = total + (s2 / a**2 * averaged(var_b) + (2 * s1 / a**2 - 4 * b * s2 / a**3) * averaged(cov_b_a)
                         + 2 * b / a**2 * averaged(cov_b_square) - 2 / a * averaged(cov_b_x * u))
    return total / n


def sign_and_bell(mean, std):
    """E sign(y) = 2 Phi(a) - 1 and phi(a) / sd y (0 where sd y is 0: |y| has no kink to smooth there)."""
    a = moments.standardized(mean, std)
    return 2 * ndtr(a) - 1, np.divide(moments.density(a), std, out=np.zeros_like(std), where=std > 0)
