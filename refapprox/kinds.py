"""Why a public function failed, where an argument is of another kind than its annotation says.

Doors check what they compute with; what is only passed on (a law, a netlist, operands of a layer) would show by an
AttributeError from somewhere inside. Where a door ends in an error that names no argument, its arguments are held
against its annotations: the first that does not fit is named in a TypeError; one that fits, but that nothing can hold
(an infinity, an integer beyond 64 bits, an array larger than any memory), in a ValueError. An error of code whose
arguments are as annotated passes unchanged, and so does every error that this package raises in words of its own.
"""
import collections.abc
import inspect
import linecache
import numbers
import os
import re
import types
import typing

import numpy as np
import numpy.typing as npt

from refapprox.validation import LARGEST_ARRAY, UnknownNameError, WrongKindError, check_array, shown

FEW = 3      # elements of an array that are looked at
UNRESOLVED = re.compile(r"^(npt\.)?(ArrayLike|NDArray\[?|np\.ndarray)")
SHAPES = re.compile("broadcast|core dimension|dimension|axis|axes|shape|empty")     # what NumPy says of shapes
PLAIN = {int: numbers.Integral, float: numbers.Real, bool: (bool, np.bool_), str: str}


def explain(function, arguments, named, error):
    """A TypeError or ValueError that names an argument of another kind than annotated; nothing where there is none."""
    try:
        signature = inspect.signature(function)
        bound = signature.bind(*arguments, **named).arguments
    except TypeError:      # too many or too few: Python's own message names them
        return
    if in_our_words(error):
        return
    if isinstance(error, (UnknownNameError, OSError)) or any(names(error, name) for name in said_by(bound)):
        return
    hints = annotations_of(function)
    if isinstance(error, MemoryError):
        raise ValueError(f"{function.__name__} would need more memory than there is: {described(bound)}.") from error
    reasons = [reason for name, value in bound.items()
               if name in hints and (reason := misfit(name, value, hints[name])) is not None]
    for wanted in (TypeError,) if isinstance(error, (TypeError, ValueError)) else (TypeError, ValueError):
        for reason in reasons:
            if isinstance(reason, wanted):
                raise reason from error
    if isinstance(error, IndexError) or isinstance(error, ValueError) and SHAPES.search(str(error)):
        arrays = [f"{name} of shape {shape_of(value)}" for name, value in bound.items()
                  if isinstance(value, np.ndarray) or is_array(hints.get(name))]
        if arrays:
            raise ValueError(f"{' and '.join(arrays)}: these shapes do not fit: {error}") from error
    if isinstance(error, (TypeError, ValueError)):
        told = getattr(error, "_told", str(error))      # by a door further inside
        error._told, error.args = told, (f"{told} ({function.__name__}: {described(bound)})",)


def in_our_words(error):
    """Whether a `raise` of this package made the error: its message is meant, whatever it calls the argument."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or not last.tb_frame.f_globals.get("__name__", "").startswith("refapprox."):
        return False
    return linecache.getline(last.tb_frame.f_code.co_filename, last.tb_lineno).lstrip().startswith("raise ")


def said_by(bound):
    """What an error may name: the arguments, or the files and names that they are."""
    return [*bound, *(str(value) for value in bound.values() if isinstance(value, (str, os.PathLike)) and str(value))]


def shape_of(value):
    """The shape of what an array can be made of."""
    try:
        return np.shape(value)
    except Exception:
        return "unknown"


def described(bound):
    """What came, in a line."""
    return ", ".join(f"{name} {value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray)
                     else f"{name} {shown(value)[:40]}" for name, value in bound.items() if name not in ("self", "cls"))


def names(error, name):
    """Whether the message of an error has the name of an argument in it."""
    try:
        return isinstance(error, (TypeError, ValueError, KeyError, OSError)) and \
            re.search(rf"(?<!\w){re.escape(name)}(?!\w)", str(error)) is not None
    except Exception:      # a stranger's error
        return False


def annotations_of(function):
    """Name -> annotation, each resolved by itself: those that only a type checker can resolve are left out."""
    found, names = {}, inspect.unwrap(function).__globals__
    for name, hint in function.__annotations__.items():
        try:
            found |= typing.get_type_hints(types.SimpleNamespace(__annotations__={name: hint}), names)
        except Exception:
            if UNRESOLVED.match(str(hint)):
                found[name] = npt.ArrayLike
    return found


def misfit(name, value, hint):
    """The error that says why `value` is not what `hint` asks for, or None."""
    kind = wrong_kind(name, value, hint)
    return kind if kind is not None else out_of_reach(name, value)


def wrong_kind(name, value, hint):
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union and "DTypeDict" in str(hint):
        return no_dtype(name, value)
    if isinstance(hint, typing.TypeVar):
        hint = hint.__bound__
    if hint is None or hint is typing.Any or isinstance(hint, (typing.ForwardRef, str)):
        return None
    if is_array(hint):
        if value is None and type(None) in parts:
            return None
        if origin is np.ndarray and not isinstance(value, np.ndarray):
            return wrong(name, "ndarray", value)
        try:
            check_array(name, value, kinds="iufb")
        except ValueError as error:
            return error if isinstance(error, TypeError) else None
        except RecursionError:
            return WrongKindError(f"{name} must be an array of numbers, got lists that nest too deep.")
        return None
    if origin in (typing.Union, types.UnionType):
        if any(wrong_kind(name, value, part) is None for part in parts):
            return None
        return wrong(name, " or ".join(shortly(part) for part in parts), value)
    kind = origin or (type(None) if hint is None else hint)
    if not isinstance(kind, type) or typing.is_typeddict(kind):
        return None
    kind = PLAIN.get(kind, kind)
    if isinstance(value, np.ndarray) and value.ndim and issubclass(kind, collections.abc.Iterable):
        return wrong_part(name, value[:FEW].tolist(), origin, parts)
    if not isinstance(value, kind) or (isinstance(value, (bool, np.bool_)) and hint in (int, float)):
        if hint in (int, float) and isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf":
            return None
        return wrong(name, shortly(hint), value)
    return wrong_part(name, value, origin, parts)


def no_dtype(name, value):
    try:
        np.dtype(value)
    except Exception:
        return wrong(name, "dtype", value)
    return None


def is_array(hint):
    """Whether an annotation is ArrayLike or an array, or None in the place of one."""
    parts = typing.get_args(hint)
    return (all(part in parts for part in typing.get_args(npt.ArrayLike))
            or (typing.get_origin(hint) or hint) is np.ndarray)


def wrong_part(name, value, origin, parts):
    """The misfit of an element of a list, tuple or dict, or None."""
    if origin is tuple and parts and parts[-1] is not Ellipsis:
        return None if len(value) != len(parts) else first(
            wrong_kind(f"{name}[{i}]", item, part) for i, (item, part) in enumerate(zip(value, parts, strict=True)))
    if isinstance(value, (list, tuple)) and parts:
        return first(wrong_kind(f"{name}[{i}]", item, parts[0]) for i, item in enumerate(value))
    if isinstance(value, collections.abc.Mapping) and len(parts) == 2:
        return first(wrong_kind(f"{name}[{shown(key)}]", item, parts[1]) for key, item in value.items())
    return None


def first(errors):
    return next((error for error in errors if error is not None), None)


def out_of_reach(name, value):
    """A ValueError for a number or an array that fits its annotation and that no computation can hold, or None."""
    if isinstance(value, numbers.Integral) and not -2 ** 63 <= value < 2 ** 63:
        return ValueError(f"{name} must be an integer of 64 bits, got one of {int(value).bit_length()} bits.")
    if isinstance(value, (float, np.floating)) and not np.isfinite(value):
        return ValueError(f"{name} must be finite, got {value}.")
    if isinstance(value, np.ndarray) and value.size > LARGEST_ARRAY:
        return ValueError(f"{name} must have at most {LARGEST_ARRAY} elements, got {value.size} (shape {value.shape}).")
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
        return ValueError(f"{name} must be finite, got nan or infinity.")
    return None


def wrong(name, wanted, value):
    came = f"the class {value.__name__} itself" if isinstance(value, type) else shown(value)
    return WrongKindError(f"{name} must be of type {wanted}, got {came}.")


def shortly(hint):
    """An annotation as a word: "Law", "Sequence", "str"."""
    if is_array(hint):
        return "array"
    kind = typing.get_origin(hint) or hint
    return "None" if kind is type(None) else {os.PathLike: "path"}.get(kind, getattr(kind, "__name__", str(kind)))
