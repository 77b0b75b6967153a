"""A large set of weights replaced by fewer with the same distribution."""
import numpy as np

from refapprox.validation import check_finite


def downsample(weights, shape):
    """Quantiles of `weights`: sorted, interpolated linearly to prod(shape) values with both ends kept.

    Value i of n is at position i (N - 1) / (n - 1) of the N sorted weights; n = 1 gives the smallest.  More values than
    weights may be asked for.

    Returns
    -------
    ndarray, `shape`, row-major ascending

    Examples
    --------
    >>> downsample([3.0, 1.0, 2.0], (5,)).tolist()
    [1.0, 1.5, 2.0, 2.5, 3.0]
    """
    values = np.sort(np.ravel(check_finite("weights", np.asarray(weights, dtype=np.float64))))
    if values.size == 0:
        raise ValueError("weights must not be empty.")
    count = int(np.prod(shape))
    position = np.arange(count) * ((values.size - 1) / max(count - 1, 1))
    return np.interp(position, np.arange(values.size), values).reshape(shape)
