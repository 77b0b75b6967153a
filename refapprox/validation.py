"""The one place that validates what comes in at a public door.

Every check returns its argument in canonical form, or raises a ValueError (TypeError for a wrong kind
of thing) that names the argument, what was wanted and what came.
"""
import operator

import numpy as np

DISTRIBUTION_ATOL = 1e-9      # float64 histograms of up to 2**16 bins sum to one within 2**16 * eps = 1.5e-11


def check_integer(name, value, *, minimum=None, maximum=None):
    """`value` as an int within [minimum, maximum]; bools and fractions are refused."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be an integer, got {value!r}.") from None
    if isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be an integer, got {value!r}.")
    return check_bounds(name, number, minimum, maximum)


def check_real(name, value, *, minimum=None, maximum=None):
    """`value` as a finite float within [minimum, maximum]."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a real number, got {value!r}.") from None
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}.")
    return check_bounds(name, number, minimum, maximum)


def check_bounds(name, number, minimum, maximum):
    """`number`, not below `minimum` nor above `maximum` where these are not None."""
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {number}.")
    if maximum is not None and number > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {number}.")
    return number


def check_choice(name, value, choices):
    """`value`, one of `choices`."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}.")
    return value


def check_finite(name, array):
    """`array` as an ndarray without nan or infinity; the first offender is named."""
    array = np.asarray(array)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[where]} at {where}.")
    return array


def check_codes(name, array, qmin, qmax):
    """`array` as an integer ndarray with every element in [qmin, qmax]; the first offender is named.

    Floats are taken when they hold whole numbers, as the codes of a fake-quantized tensor do.
    """
    array = np.asarray(array)
    if array.dtype.kind == "f":
        whole = check_finite(name, array).astype(np.int64)
        if not np.array_equal(whole, array):
            where = tuple(int(i) for i in np.argwhere(whole != array)[0])
            raise ValueError(f"{name} must hold integer codes, got {array[where]} at {where}.")
        array = whole
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must hold integer codes, got dtype {array.dtype}.")
    if array.size and (array.min() < qmin or array.max() > qmax):
        outside = (array < qmin) | (array > qmax)
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(f"{name} must lie in [{qmin}, {qmax}], got {array[where]} at {where}."
                         + signedness_hint(array, qmin))
    return array


def signedness_hint(array, qmin):
    """The usual reason why codes are out of range: the other signedness."""
    if qmin == 0 and array.min() < 0:
        return " The table is unsigned: were signed codes meant for a signed multiplier?"
    if qmin < 0 and array.min() >= 0:
        return " The table is signed: unsigned codes need an unsigned multiplier."
    return ""


def check_distribution(name, distribution, size=None, *, ndim=1):
    """`distribution` as float64: non-negative, every row (last axis) summing to one."""
    distribution = np.asarray(distribution, dtype=np.float64)
    if distribution.ndim != ndim or distribution.size == 0:
        raise ValueError(f"{name} must be a non-empty array of {ndim} dimension(s), "
                         f"got shape {distribution.shape}.")
    if size is not None and distribution.shape[-1] != size:
        raise ValueError(f"{name} must have {size} entries, one for each code of the multiplier, "
                         f"got {distribution.shape[-1]}.")
    check_finite(name, distribution)
    if distribution.min() < 0:
        raise ValueError(f"{name} must not be negative, got {distribution.min()}.")
    totals = distribution.sum(axis=-1)
    worst = np.abs(totals - 1).max()
    if worst > DISTRIBUTION_ATOL:
        raise ValueError(f"{name} must sum to 1 within {DISTRIBUTION_ATOL}, "
                         f"got a sum that is off by {worst:.3g}. Counts must be divided by their total.")
    return distribution


def check_rng(rng):
    """`rng`, a numpy.random.Generator: all randomness comes in from the caller."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, such as numpy.random.default_rng(0), "
                        f"got {type(rng).__name__}.")
    return rng
