"""Where an error goes from the layer that makes it: moments through the layers behind, in closed form.

Random quantities are Gaussian, given by mean and variance (or covariance); phi and Phi are the normal density and
distribution function.

    linear            mean W m,  covariance W S W^T                                                (1)
    batch norm        scaled by gamma / sqrt(running_var + eps)                                    (2)
    ReLU              mean m Phi(m/s) + s phi(m/s),  E y^2 = (m^2 + s^2) Phi(m/s) + m s phi(m/s)   (3)
    average pooling   mean of means, mean of all covariances                                       (4)
    max of two        Clark's formulas; a window of more is folded two by two                      (5)
    requantization    adds step^2 / 12                                                             (6)
    top-1 flip        Phi(-margin / std of the difference), over rivals                            (7)

(1), (2) and (4) hold for any law; (3) and (5) for Gaussian ones, (5) exactly for two and approximately beyond, since a
maximum is not Gaussian (2 x 2 windows: variance within about a tenth); (6) for values that spread over several steps
without clipping.

References
----------
C. E. Clark, "The greatest of a finite set of random variables", Operations Research 9(2), 1961, 145.
"""
import numpy as np

from refapprox.validation import check_finite, check_real


def linear(mean, covariance, weight):
    """(1): moments of W y for y of shape (k,), W of shape (m, k)."""
    mean, covariance, weight = (finite(n, a) for n, a in
                                (("mean", mean), ("covariance", covariance), ("weight", weight)))
    return weight @ mean, weight @ covariance @ weight.T


def batch_norm(mean, variance, *, gamma, beta, running_mean, running_var, eps=1e-5):
    """(2) with fixed statistics, elementwise."""
    mean, variance = checked(mean, variance)
    scale = gamma / np.sqrt(running_var + eps)
    return scale * (mean - running_mean) + beta, scale ** 2 * variance


def relu(mean, variance):
    """(3), elementwise; a variance of 0 passes the mean through the kink itself."""
    from scipy.special import ndtr  # kept out of the import of refapprox
    mean, variance = checked(mean, variance)
    std = np.sqrt(variance)
    z = standardized(mean, std)
    density, below = normal_density(z), ndtr(z)
    first = mean * below + std * density
    second = (mean ** 2 + variance) * below + mean * std * density
    return first, np.maximum(second - first ** 2, 0)


def avg_pool(mean, covariance):
    """(4): moments of the average over a window, from means (k,) and covariance (k, k)."""
    mean, covariance = finite("mean", mean), finite("covariance", covariance)
    return mean.mean(), covariance.mean()


def max_pool(mean, variance):
    """(5): moments of the maximum of independent Gaussians along the last axis."""
    mean, variance = checked(mean, variance)
    first, spread = mean[..., 0], variance[..., 0]
    for k in range(1, mean.shape[-1]):
        first, spread = max_of_two(first, spread, mean[..., k], variance[..., k])
    return first, spread


def max_of_two(mean_a, variance_a, mean_b, variance_b, covariance=0.0):
    """Clark's mean and variance of max(a, b) for jointly Gaussian a and b; exact."""
    from scipy.special import ndtr
    std = np.sqrt(np.maximum(variance_a + variance_b - 2 * covariance, 0))      # of a - b
    z = standardized(mean_a - mean_b, std)
    density, wins = normal_density(z), ndtr(z)
    first = mean_a * wins + mean_b * (1 - wins) + std * density
    second = ((mean_a ** 2 + variance_a) * wins + (mean_b ** 2 + variance_b) * (1 - wins)
              + (mean_a + mean_b) * std * density)
    return first, np.maximum(second - first ** 2, 0)


def requantize(variance, step):
    """(6): variance after rounding to multiples of `step`, same units."""
    return variance + check_real("step", step, minimum=0.0) ** 2 / 12


def signal_to_noise(signal_std, error_std):
    """Layer SNR = signal variance / error variance; infinite without error.

    Inverse SNRs of independent errors that reach the same output add up: 1 / SNR = sum_l 1 / SNR_l.
    """
    signal_std, error_std = finite("signal_std", signal_std), finite("error_std", error_std)
    return np.divide(signal_std ** 2, error_std ** 2, out=np.full(np.broadcast(signal_std, error_std).shape, np.inf),
                     where=error_std != 0)[()]


def combined_signal_to_noise(ratios):
    """SNR of an output that several independent errors reach."""
    ratios = np.asarray(ratios, dtype=np.float64)
    inverse = np.sum(1 / ratios)
    return np.inf if inverse == 0 else 1 / inverse


def top1_flip_probability(logits, covariance, mean_error=0.0):
    """(7): how likely Gaussian errors of the logits change the winner.

    Parameters
    ----------
    logits : float array, shape (classes,)
        Exact ones; ties go to the first.
    covariance : float array, shape (classes, classes)
        Of the errors.
    mean_error : float or array, shape (classes,), optional
        Mean of exact - approximate.

    Returns
    -------
    lower, upper : float
        The largest probability of a single rival to overtake, and the sum over rivals, at most 1. Both are exact
        for two classes.
    """
    from scipy.special import ndtr
    logits, covariance = finite("logits", logits), finite("covariance", covariance)
    if logits.ndim != 1 or len(logits) < 2 or covariance.shape != (len(logits),) * 2:
        raise ValueError(f"logits must have shape (classes,) with at least 2 classes and covariance "
                         f"(classes, classes), got {logits.shape} and {covariance.shape}.")
    winner = int(np.argmax(logits))
    shifted = logits - mean_error
    margin = shifted[winner] - shifted
    variance = covariance[winner, winner] + np.diagonal(covariance) - 2 * covariance[winner]
    flips = np.delete(ndtr(-standardized(margin, np.sqrt(np.maximum(variance, 0)))), winner)
    return float(flips.max()), float(min(flips.sum(), 1.0))


def normal_density(z):
    return np.exp(-0.5 * np.square(z)) / np.sqrt(2 * np.pi)


def standardized(mean, std):
    """mean / std, and +-infinity of the sign of the mean where std is 0 (a mean of 0 stays 0)."""
    mean, std = np.broadcast_arrays(np.asarray(mean, dtype=np.float64), std)
    certain = np.where(mean == 0, 0.0, np.copysign(np.inf, mean))
    return np.divide(mean, std, out=certain, where=std != 0)


def checked(mean, variance):
    """Mean and variance as float64 of one shape; a negative variance is refused."""
    mean, variance = np.broadcast_arrays(finite("mean", mean), finite("variance", variance))
    if variance.size and variance.min() < 0:
        raise ValueError(f"variance must not be negative, got {variance.min()}.")
    return mean, variance


def finite(name, array):
    return check_finite(name, np.asarray(array, dtype=np.float64))
