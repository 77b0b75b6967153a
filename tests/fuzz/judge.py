"""What is a clear refusal, and what is the same answer."""
import dataclasses
import decimal
import fractions
import re
import types
from collections.abc import Mapping

import numpy as np

from refapprox import UnknownNameError

CLEAR = (TypeError, ValueError, KeyError, OSError)
MOST = 20_000                # elements of an answer that are compared
LOST = 1e-9                  # relative to the largest number: float64 in another order of summation
LOST_NARROW = 2e-3           # float32 or float16 in the place of float64: some thousand additions of 2**-24 each


def unclear(error, names):
    """Why an error is no clear refusal, or None: its kind, or that its message names none of `names`."""
    if isinstance(error, MemoryError) and "Unable to allocate" in str(error):      # NumPy's own: it says how much
        return None
    if not isinstance(error, CLEAR):
        return f"{type(error).__name__}"
    if isinstance(error, UnknownNameError):      # it names what nothing has, and the names there are
        return None
    if isinstance(error, OSError) and error.filename is not None:
        return None
    try:
        text = str(error)
    except Exception as failure:
        return f"{type(error).__name__} that cannot be printed: {type(failure).__name__}"
    if "unexpected keyword argument" in text:      # Python's own words for a name that no argument has
        return None
    if not any(re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", text) for name in names if name):
        return f"{type(error).__name__} without a name"
    return None


def flattened(value, found=None, depth=6, seen=None):
    """The numbers and texts in an answer, in order: arrays, numbers, texts, None."""
    found, seen = [] if found is None else found, seen or frozenset()      # seen: the objects around this one
    if depth == 0 or len(found) > 200:
        return found
    if isinstance(value, (fractions.Fraction, decimal.Decimal)):
        found.append(float(value))
    elif isinstance(value, np.ndarray) and value.ndim == 1 and value.size <= 8:      # kept as it came, or as a tuple
        found.extend(value.tolist())
    elif isinstance(value, (np.ndarray, np.generic, int, float, complex, str, bytes, bool, type(None))):
        found.append(value)
    elif isinstance(value, Mapping):
        for key in value:
            found.append(str(key))
            flattened(value[key], found, depth - 1, seen)
    elif isinstance(value, (list, tuple)):
        for item in value:
            flattened(item, found, depth - 1, seen)
    elif isinstance(value, (types.FunctionType, types.ModuleType, type, np.random.Generator, types.GeneratorType)):
        found.append(type(value).__name__)
    elif id(value) not in seen:
        seen |= {id(value)}
        found.append(type(value).__name__)
        if "Strateg" in found[-1]:      # drawn from, not compared
            return found
        inside = ({field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
                  if dataclasses.is_dataclass(value) else
                  {key: part for key, part in getattr(value, "__dict__", {}).items() if not key.startswith("_")})
        flattened(inside, found, depth - 1, seen)
    return found


def narrow(value):
    """Whether floats narrower than float64 are in `value`: what is computed from them is as narrow."""
    return any(np.asarray(part).dtype in (np.float32, np.float16) for part in flattened(value)
               if isinstance(part, (np.ndarray, np.floating)))


def different(one, other, lost=LOST):
    """Where two answers differ, as text, or None."""
    left, right = flattened(one), flattened(other)
    if len(left) != len(right):
        return f"{len(left)} parts and {len(right)}"
    for number, (a, b) in enumerate(zip(left, right, strict=True)):
        if (reason := parts_differ(a, b, lost)) is not None:
            return f"part {number}: {reason}"
    return None


def parts_differ(a, b, lost):
    numeric = (np.ndarray, np.number, np.bool_, int, float, complex)
    if not (isinstance(a, numeric) and isinstance(b, numeric)):
        alike = type(a) is type(b) or (isinstance(a, str) and isinstance(b, str))
        return None if alike and bool(np.all(a == b)) else f"{str(a)[:60]!r} and {str(b)[:60]!r}"
    try:
        a, b = np.asarray(a), np.asarray(b)
    except OverflowError:
        return None if a == b else "two large integers"
    if a.dtype.kind == "O" or b.dtype.kind == "O":      # integers beyond 64 bits
        return None if a.shape == b.shape and (a == b).all() else "two large integers"
    if a.shape != b.shape:
        return f"shapes {a.shape} and {b.shape}"
    if a.size > MOST:
        a, b = a.ravel()[:: a.size // MOST + 1], b.ravel()[:: b.size // MOST + 1]
    if a.dtype.kind in "OUSMmV" or b.dtype.kind in "OUSMmV":
        return None if str(a.tolist()) == str(b.tolist()) else f"{str(a)[:60]} and {str(b)[:60]}"
    if a.dtype.kind in "iub" and b.dtype.kind in "iub":
        ties = lost == LOST_NARROW and not np.any(np.abs(np.subtract(a, b, dtype=np.float64)) > 1)
        return None if ties or np.array_equal(a, b) else f"{shortly(a, b)}"
    a, b = a.astype(np.complex128), b.astype(np.complex128)
    finite = np.isfinite(a) & np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return shortly(a, b)
    scale = max(np.abs(a[finite]).max(initial=0.0), np.abs(b[finite]).max(initial=0.0))
    whole = lost == LOST_NARROW and np.array_equal(a[finite], np.rint(a[finite])) and \
        np.array_equal(b[finite], np.rint(b[finite]))      # codes: ties fall with the precision
    if not (np.abs(a[finite] - b[finite]) <= max(lost * scale, float(whole))).all():
        return shortly(a, b)
    return None


def shortly(a, b):
    where = np.flatnonzero(~((a == b) | ((a != a) & (b != b))).ravel())
    if not where.size:
        return "dtypes"
    return f"{a.ravel()[where[0]]!r} and {b.ravel()[where[0]]!r} at {where[0]} ({where.size} of {a.size})"
