"""One calling convention: what every estimator accepts as error map, fan-in, operands and distributions.

An error map is an array `error_map[x - qmin, w - qmin]` (exact - approximate) or a multiplier that has one. A stack
of them (multipliers, x, w) is accepted wherever the name is plural. Distributions are indexed by `code - qmin`.
"""
import numpy as np

from refapprox.validation import check_codes, check_finite, check_integer


def check_error_map(emap, name="emap"):
    """The error map of a multiplier, or an array taken for one, as float64 of shape (codes of x, codes of w)."""
    emap = np.asarray(getattr(emap, "error_map", emap))
    if emap.ndim != 2 or emap.size == 0 or emap.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be a multiplier or a numeric array of shape (codes of x, codes of w), "
                         f"got dtype {emap.dtype} and shape {emap.shape}.")
    return check_finite(name, emap.astype(np.float64))


def check_error_maps(emaps, name="emaps"):
    """A non-empty sequence of multipliers or error maps of one shape as float64 (multipliers, x, w)."""
    maps = [check_error_map(emap, f"{name}[{i}]") for i, emap in enumerate(emaps)]
    if not maps:
        raise ValueError(f"{name} must hold at least one error map, got none.")
    shapes = {emap.shape for emap in maps}
    if len(shapes) > 1:
        raise ValueError(f"{name} must have one shape, got {sorted(shapes)}.")
    return np.stack(maps)


def check_fan_in(fan_in):
    """`fan_in` as an int of at least 1."""
    return check_integer("fan_in", fan_in, minimum=1)


def count_codes(codes, min_val, max_val, name="tensor"):
    """Histogram of each row of integer `codes`, int64 of shape (rows, max_val - min_val + 1).

    Parameters
    ----------
    codes : integer array, shape (rows, length), length at least 1
    min_val, max_val : int
        Smallest and largest code. A code outside is refused.
    """
    min_val = check_integer("min_val", min_val)
    max_val = check_integer("max_val", max_val, minimum=min_val)
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.size == 0:
        raise ValueError(f"{name} must be a non-empty array of shape (rows, length), got shape {codes.shape}.")
    codes = check_codes(name, codes, min_val, max_val).astype(np.int64)
    rows, bins = codes.shape[0], max_val - min_val + 1
    bin_of = codes - min_val + bins * np.arange(rows)[:, np.newaxis]
    return np.bincount(bin_of.ravel(), minlength=rows * bins).reshape(rows, bins)
