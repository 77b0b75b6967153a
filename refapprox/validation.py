"""The one place that validates what comes in at a public door.

Every check returns its argument in canonical form: use what it returns, never the argument itself. What is wrong is
refused with an error that names the argument, what was wanted and what came:

- a wrong *kind* of thing (a string for a number, a masked array) is a `WrongKindError`, which is a TypeError;
- a wrong *value* (a negative count, a nan) is a ValueError;
- an unknown *name* is an `UnknownNameError`, which is a KeyError and suggests the names that come close.

Both classes are ValueErrors as well: code that caught those before still does.
"""
import difflib
import math
import operator
from typing import Any

import numpy as np

__all__ = ["UnknownNameError", "WrongKindError"]

DISTRIBUTION_ATOL = 1e-9      # float64 histograms of up to 2**16 bins sum to one within 2**16 * eps = 1.5e-11
KINDS = {"b": "bool", "i": "signed integer", "u": "unsigned integer", "f": "float", "c": "complex", "U": "text",
         "S": "bytes", "O": "Python objects", "M": "dates", "m": "time spans", "V": "records"}
LARGEST_ARRAY = 2 ** 36      # elements: what is larger is a view that no memory holds
LARGEST_NDIM = 32             # what NumPy 1 and 2 allow
FEW = 12      # so many names are listed where none comes close


class WrongKindError(TypeError, ValueError):
    """An argument of a wrong kind: a TypeError that code written for ValueError still catches.

    Examples
    --------
    >>> import refapprox
    >>> try:
    ...     refapprox.exact(bits="8")
    ... except TypeError as error:
    ...     print(error)
    bits of exact must be an integer, got '8'.
    """


class UnknownNameError(KeyError, ValueError):
    """A name that nothing has: a KeyError that says which names come close.

    Parameters
    ----------
    what : str
        What the name was to be the name of: "multiplier", "estimator".
    name : object
        The name that came.
    known : iterable of str
        The names there are.

    Examples
    --------
    >>> print(UnknownNameError("multiplier", "mul8s_1KV9", ["mul8s_1KV8", "exact8s"]))
    there is no multiplier 'mul8s_1KV9'. Did you mean mul8s_1KV8?
    """

    def __init__(self, what: str, name: object, known: Any = ()) -> None:
        self.what, self.name, self.known = what, name, tuple(map(str, known))
        super().__init__(what, name, self.known)

    def __str__(self) -> str:      # a KeyError shows the repr of its argument: not a sentence
        return f"there is no {self.what} {shown(self.name)}.{suggestion(self.name, self.known)}"


class UnknownChoiceError(UnknownNameError):
    """The name of a choice that an argument does not offer."""

    def __str__(self) -> str:
        return (f"{self.what} must be one of {', '.join(self.known)}, got {shown(self.name)}."
                f"{suggestion(self.name, self.known, list_few=False)}")


def suggestion(name, known, list_few=True):
    """The end of a message: the names that come close or hold the text ("1KVL"), or all where they are few."""
    text = name if isinstance(name, str) else shown(name)
    close = difflib.get_close_matches(text, known, n=3)
    if len(text) > 2 and not close:
        close = [other for other in known if text.lower() in other.lower()][:3]
    if close:
        return f" Did you mean {' or '.join(close)}?"
    if list_few and known:
        return f" There are {', '.join(known[:FEW])}{'' if len(known) <= FEW else f' and {len(known) - FEW} more'}."
    return ""


def check_integer(name, value, *, minimum=None, maximum=None):
    """`value` as an int within [minimum, maximum]; bools and fractions are refused."""
    if isinstance(value, (bool, np.bool_)) or np.ma.isMaskedArray(value):
        raise WrongKindError(f"{name} must be an integer, got {shown(value)}.")
    try:
        number = operator.index(value)
    except TypeError:
        raise WrongKindError(f"{name} must be an integer, got {shown(value)}.") from None
    check_bounds(name, number, minimum, maximum)
    if number.bit_length() > 64:
        raise ValueError(f"{name} must be an integer of at most 64 bits, got one of {number.bit_length()} bits.")
    return number


def check_sizes(name, shape, *, minimum=0, count=None):
    """`shape` as a tuple of `count` integers, those of an array that memory may hold."""
    if not isinstance(shape, (tuple, list, np.ndarray)) or getattr(shape, "ndim", 1) != 1 or len(shape) > LARGEST_NDIM:
        raise WrongKindError(f"{name} must be a tuple of at most {LARGEST_NDIM} sizes, got {shown(shape)}.")
    if count is not None and len(shape) != count:
        raise ValueError(f"{name} must have {count} sizes, got {shown(shape)}.")
    sizes = tuple(check_integer(name, size, minimum=minimum, maximum=LARGEST_ARRAY) for size in shape)
    if math.prod(sizes) > LARGEST_ARRAY:
        raise ValueError(f"{name} must be that of at most {LARGEST_ARRAY} elements, got {shown(sizes)}.")
    return sizes


def check_real(name, value, *, minimum=None, maximum=None):
    """`value` as a finite float within [minimum, maximum]; bools and text are refused."""
    wrong = WrongKindError(f"{name} must be a real number, got {shown(value)}.")
    if isinstance(value, (np.ndarray, np.generic)):
        if value.ndim or value.dtype.kind not in "iuf" or np.ma.isMaskedArray(value):
            raise wrong
    elif isinstance(value, (bool, str, bytes, bytearray)) or not (hasattr(value, "__float__")
                                                                 or hasattr(value, "__index__")):
        raise wrong
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise wrong from None
    except OverflowError:
        raise ValueError(f"{name} must be finite, got a number beyond 1.8e308.") from None
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}.")
    return check_bounds(name, number, minimum, maximum)


def check_bounds(name, number, minimum, maximum):
    """`number`, not below `minimum` nor above `maximum` where these are not None."""
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {shown(number)}.")
    if maximum is not None and number > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {shown(number)}.")
    return number


def check_flag(name, value):
    """`value` as a bool; text such as "false", which Python takes for true, is refused, and so is a number."""
    if isinstance(value, np.ndarray) and value.ndim == 0 and not np.ma.isMaskedArray(value):
        value = value[()]
    if not isinstance(value, (bool, np.bool_)):
        raise WrongKindError(f"{name} must be True or False, got {shown(value)}.")
    return bool(value)


def check_choice(name, value, choices):
    """The one of `choices` that equals `value`; an unknown name is a KeyError that suggests."""
    plain = value.item() if isinstance(value, np.generic) else value
    for choice in choices:
        if choice is plain or (isinstance(plain, type(choice)) and not isinstance(plain, bool) and plain == choice):
            return choice
    if isinstance(plain, str) and any(isinstance(choice, str) for choice in choices):
        raise UnknownChoiceError(name, plain, choices)
    wanted = f"{name} must be one of {', '.join(map(str, choices))}, got {shown(value)}."
    raise (ValueError if type(plain) in {type(choice) for choice in choices} else WrongKindError)(wanted)


def check_instance(name, value, kind):
    """`value`, an instance of the class `kind` (or of one of a tuple of classes)."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        came = f"the class {value.__name__} itself" if isinstance(value, type) else shown(value)
        raise WrongKindError(f"{name} must be of type {' or '.join(k.__name__ for k in kinds)}, got {came}.")
    return value


def check_callback(name, value, takes):
    """`value`, None or a function that is called with what `takes` says."""
    if value is not None and (not callable(value) or isinstance(value, type)):
        raise WrongKindError(f"{name} must be a function of {takes}, got {shown(value)}.")
    return value


def check_offers(name, value, attribute):
    """`value`, of any class that has the attribute."""
    if not hasattr(value, attribute):
        raise WrongKindError(f"{name} must have .{attribute}, got {shown(value)}.")
    return value


def is_several(value):
    """Whether an argument is several values (a list, a tuple, an array with an axis) and not one."""
    return isinstance(value, (list, tuple)) or isinstance(value, np.ndarray) and value.ndim > 0


def largest_magnitude(array):
    """The largest absolute value in an array, as a Python number: numpy.abs of -2**63 is negative."""
    return max(abs(array.min().item()), abs(array.max().item())) if array.size else 0


def holds_mask(value):
    """Whether a masked array is in a list of arrays, which numpy.asarray would take without its mask."""
    if not isinstance(value, (list, tuple)):
        return np.ma.isMaskedArray(value)
    kinds = set(map(type, value))      # few, of however many numbers
    return any(issubclass(kind, (np.ma.MaskedArray, list, tuple)) for kind in kinds) and any(map(holds_mask, value))


def check_array(name, array, *, kinds="iuf", ndim=None, dtype=None):
    """`array` as a plain ndarray of numbers, in the byte order of the machine.

    `kinds` are the letters of `numpy.dtype.kind` that are welcome, `ndim` the number of dimensions or a tuple of
    numbers. With `dtype` the result is converted to it; an integer that does not fit is refused. Masked arrays are
    refused (their mask would be lost), and so is what NumPy can only hold as Python objects: iterators, None,
    integers beyond 64 bits, lists of unequal lengths.
    """
    try:
        if holds_mask(array):
            raise WrongKindError(f"{name} must not be a masked array: its mask would be lost. Fill it, or drop what is "
                                 f"masked (numpy.ma.compressed).")
        array = np.asarray(array)
    except WrongKindError:
        raise
    except (TypeError, ValueError, OverflowError, RecursionError) as error:      # lists of unequal lengths, too deep
        raise WrongKindError(f"{name} must be an array of numbers: {str(error).rstrip('.')}.") from None
    if array.size == 0 and array.dtype == np.float64 and "f" not in kinds:      # what NumPy makes of []
        array = array.astype(np.int64)
    if array.dtype.kind not in kinds:
        wanted = ({"iuf": "real numbers", "iufb": "real numbers", "iu": "integers"}.get(kinds)
                  or " or ".join(KINDS[kind] for kind in kinds))
        raise WrongKindError(f"{name} must be an array of {wanted}, "
                             f"got {KINDS.get(array.dtype.kind, 'something else')} (dtype {array.dtype}).")
    if array.size > LARGEST_ARRAY:
        raise ValueError(f"{name} must have at most {LARGEST_ARRAY} elements, got shape {array.shape}.")
    if ndim is not None and array.ndim not in (ndim if isinstance(ndim, tuple) else (ndim,)):
        wanted = " or ".join(map(str, ndim if isinstance(ndim, tuple) else (ndim,)))
        raise ValueError(f"{name} must have {wanted} dimension(s), got shape {array.shape}.")
    array = array.view(np.ndarray).astype(array.dtype.newbyteorder("="), copy=False)
    return array if dtype is None else converted(name, array, np.dtype(dtype))


def converted(name, array, dtype):
    """`array` in `dtype`, refused where an integer would wrap."""
    if dtype.kind in "iu" and array.dtype.kind in "iu" and not np.can_cast(array.dtype, dtype) and array.size:
        info = np.iinfo(dtype)
        if int(array.min()) < info.min or int(array.max()) > info.max:
            raise ValueError(f"{name} must lie in [{info.min}, {info.max}], got values from {array.min()} "
                             f"to {array.max()}.")
    return array.astype(dtype, copy=False)


def check_finite(name, array, *, ndim=None, dtype=None):
    """`array` as an ndarray of real numbers without nan or infinity; the first offender is named."""
    array = check_array(name, array, ndim=ndim, dtype=dtype)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[where]} at {where}.")
    return array


def check_numbers(name, array, *, floating=False, shape=None):
    """`array` as an ndarray that can be computed with: integers as int64, so that sums of narrow ones do not wrap; real
    numbers as float32 or float64; integers as float64 too where `floating` is asked for. `shape` is the one wanted."""
    array = check_array(name, array)
    if shape is not None and array.shape != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {array.shape}.")
    if array.dtype.kind == "f":
        return array.astype(np.float32 if array.itemsize <= 4 else np.float64, copy=False)
    return array.astype(np.float64) if floating else converted(name, array, np.dtype(np.int64))


def check_broadcast(wanted=None, /, **arrays):
    """A ValueError that names the arrays and their shapes, unless they broadcast against each other, to shape `wanted`
    where it is given."""
    try:
        found = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        found = None
    if found is None or wanted not in (None, found):
        shapes = " and ".join(f"{name} of shape {array.shape}" for name, array in arrays.items())
        raise ValueError(f"{shapes} do not broadcast{'' if wanted is None else f' to {wanted}'}.")


def check_codes(name, array, qmin, qmax, *, ndim=None, dtype=np.int64):
    """`array` as an integer ndarray with every element in [qmin, qmax]; the first offender is named.

    Floats are taken when they hold whole numbers, as the codes of a fake-quantized tensor do. The result is int64, in
    which sums and products of codes cannot wrap; `dtype=None` keeps the integers that came, for code that only looks
    products up.
    """
    array = check_finite(name, array, ndim=ndim)
    if array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
        where = tuple(int(i) for i in np.argwhere(array != np.rint(array))[0])
        raise ValueError(f"{name} must hold integer codes, got {array[where]} at {where}.")
    if array.size and (array.min() < qmin or array.max() > qmax):
        outside = (array < qmin) | (array > qmax)
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(f"{name} must lie in [{qmin}, {qmax}], got {array[where]} at {where}."
                         + signedness_hint(array, qmin))
    if array.dtype.kind == "f":
        array = array.astype(np.int64)
    return array if dtype is None else converted(name, array, np.dtype(dtype))


def signedness_hint(array, qmin):
    """The usual reason why codes are out of range: the other signedness."""
    if qmin == 0 and array.min() < 0:
        return " The table is unsigned: were signed codes meant for a signed multiplier?"
    if qmin < 0 and array.min() >= 0:
        return " The table is signed: unsigned codes need an unsigned multiplier."
    return ""


def check_distribution(name, distribution, size=None, *, ndim=1):
    """`distribution` as float64: non-negative, every row (last axis) summing to one."""
    distribution = check_array(name, distribution, dtype=np.float64)
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


def check_rng(rng, name="rng"):
    """`rng`, a numpy.random.Generator: all randomness comes in from the caller."""
    if not isinstance(rng, np.random.Generator):
        came = "the class itself" if rng is np.random.Generator else shown(rng)
        raise WrongKindError(f"{name} must be a numpy.random.Generator, such as numpy.random.default_rng(0), "
                             f"got {came} ({type(rng).__name__}).")
    return rng


def generator_or_fresh(rng):
    """`rng`, or a generator from the system's entropy where it is None, as other tools' functions allow."""
    return np.random.default_rng() if rng is None else check_rng(rng)


def shown(value):
    """`value` in a message: its repr, cut where it is long; never an exception, whatever the object."""
    if isinstance(value, np.ndarray) and value.size > 8:
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    try:
        text = repr(value)
    except Exception:      # a stranger's __repr__, or an int of more digits than Python prints
        return f"an object of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
