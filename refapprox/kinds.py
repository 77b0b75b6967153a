"""Why a public function failed, where an argument is of another kind than its annotation says.

Doors check what they compute with; what is only passed on (a law, a netlist, operands of a layer) would show by an
AttributeError from somewhere inside. Where a door ends in an error that names none of its arguments, they are held
against its annotations, and the first that does not fit is named in a TypeError; one that fits, but that nothing can
hold (an integer beyond 64 bits, an array larger than any memory), in a ValueError. So is an infinity where the error is
of no kind that refuses a value (an OverflowError, an IndexError). Else the error stays as it is.
"""
from __future__ import annotations

import collections.abc
import inspect
import numbers
import os
import re
import types
import typing

import numpy as np
import numpy.typing as npt

from refapprox.validation import LARGEST_ARRAY, WrongKindError, check_array, shown

FEW = 3      # elements of an array that are looked at
CLEAR = (TypeError, ValueError, KeyError, OSError)
LISTS = (list, tuple, collections.abc.Iterable, collections.abc.Sequence, collections.abc.Collection)
PLAIN = {int: numbers.Integral, float: numbers.Real, bool: (bool, np.bool_),
         tuple: (tuple, list), list: (tuple, list)}      # doors take either


def explain(function, arguments, named, error):
    """The error that names the argument which is not what `function` asks for; None where there is no such argument."""
    try:
        signature = inspect.signature(function)
        bound = signature.bind(*arguments, **named).arguments
    except TypeError as unbound:      # too many or too few: Python's own message names them
        return TypeError(f"{error}: nothing is random without a generator that you pass, such as "
                         f"rng=numpy.random.default_rng(0).") if "'rng'" in str(unbound) else None
    if isinstance(error, OSError) or any(says(error, name) for name in bound):
        return None
    hints = annotations_of(function)
    for name in hints.keys() & bound:      # *names: str is a tuple of them
        if signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            hints[name] = tuple[hints[name], ...]
        elif signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            hints[name] = dict[str, hints[name]]
    reasons = [misfit(name, value, hints[name]) for name, value in bound.items() if name in hints]
    if any(reasons):
        return WrongKindError(first(reasons))
    reasons = [out_of_reach(name, value) for name, value in bound.items()]
    if not isinstance(error, (TypeError, ValueError)):
        reasons += [not_finite(name, value) for name, value in bound.items()]
    return ValueError(first(reasons)) if any(reasons) else None


def says(error, name):
    """Whether an error is of a kind that names arguments, and its message has this name in it."""
    try:
        return isinstance(error, CLEAR) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", str(error)) is not None
    except Exception:      # a stranger's error, which does not print
        return False


def annotations_of(function):
    """Name -> annotation, each resolved by itself: those that only a type checker can resolve are left out."""
    found, names = {}, inspect.unwrap(function).__globals__
    for name, hint in function.__annotations__.items():
        try:
            found |= typing.get_type_hints(types.SimpleNamespace(__annotations__={name: hint}), names)
        except NameError:
            continue
    return found


def misfit(name, value, hint):
    """What is wrong with `value` as an argument of that annotation, in a sentence, or None."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if (origin or hint) is np.ndarray and not isinstance(value, np.ndarray):
        return wrong(name, "ndarray", value)
    if is_one_of(npt.ArrayLike, hint) or (origin or hint) is np.ndarray:
        return no_array(name, value) if value is not None or type(None) not in parts else None
    if is_one_of(npt.DTypeLike, hint):
        return no_dtype(name, value)
    if origin in (typing.Union, types.UnionType):
        fits = any(misfit(name, value, part) is None for part in parts)
        return None if fits else wrong(name, " or ".join(map(shortly, parts)), value)
    kind = origin or hint
    if hint is typing.Any or not isinstance(kind, type) or typing.is_typeddict(kind):
        return None
    if isinstance(value, np.ndarray) and hint in (int, float) and value.ndim == 0 and value.dtype.kind in "iuf":
        return None
    if isinstance(value, np.ndarray) and kind in LISTS:
        if value.ndim == 0:
            return wrong(name, shortly(hint), value)
        value = value[:FEW].tolist()
    elif not isinstance(value, PLAIN.get(kind, kind)) or hint in (int, float) and isinstance(value, (bool, np.bool_)) \
            or kind is collections.abc.Callable and isinstance(value, type):      # a class can be called, but not so
        return wrong(name, shortly(hint), value)
    return wrong_part(name, value, origin, parts)


def is_one_of(wanted, hint):
    """Whether an annotation takes all that `wanted` takes: a union, or a name of one (NumPy 2.5 on Python 3.12)."""
    parts, wanted_parts = union_of(hint), typing.get_args(wanted)
    return wanted in (hint, *parts) or bool(wanted_parts) and all(part in parts for part in wanted_parts)


def union_of(hint):
    """The parts of a union; none of another annotation: a Sequence[ArrayLike] is no ArrayLike."""
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else ()


def no_array(name, value):
    try:
        check_array(name, value, kinds="iufb")
    except TypeError as error:
        return str(error)
    except ValueError:      # larger than any memory, which is no matter of its kind
        return None
    return None


def no_dtype(name, value):
    try:
        np.dtype(value)
    except Exception:
        return wrong(name, "dtype", value)
    return None


def wrong_part(name, value, origin, parts):
    """The misfit of an element of a list, tuple or dict, or None."""
    if isinstance(value, collections.abc.Mapping) and len(parts) == 2:
        return first(misfit(f"{name}[{shown(key)}]", item, parts[1]) for key, item in value.items())
    if not isinstance(value, (list, tuple)) or not parts:
        return None
    if origin is tuple and parts[-1] is not Ellipsis:
        hints = parts if len(parts) == len(value) else ()
    else:
        hints = [parts[0]] * len(value)
    return first(misfit(f"{name}[{i}]", item, hint) for i, (item, hint) in enumerate(zip(value, hints, strict=False)))


def out_of_reach(name, value, depth=4):
    """What makes a number or an array one that no computation can hold, in a sentence, or None; so deep in lists."""
    if isinstance(value, numbers.Integral) and not -2 ** 63 <= value < 2 ** 63:
        return f"{name} must be an integer of 64 bits, got one of {int(value).bit_length()} bits."
    if isinstance(value, np.ndarray) and value.size > LARGEST_ARRAY:
        return f"{name} must have at most {LARGEST_ARRAY} elements, got {value.size} (shape {value.shape})."
    if isinstance(value, (list, tuple)) and depth:
        return first(out_of_reach(f"{name}[{i}]", item, depth - 1) for i, item in enumerate(value))
    return None


def not_finite(name, value):
    number = isinstance(value, (float, np.floating)) or isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return f"{name} must be finite, got {shown(value)}." if number and not np.isfinite(value).all() else None


def first(reasons):
    return next((reason for reason in reasons if reason is not None), None)


def wrong(name, wanted, value):
    came = f"the class {value.__name__} itself" if isinstance(value, type) else shown(value)
    return f"{name} must be of type {wanted}, got {came}."


def shortly(hint):
    """An annotation as a word: "Law", "Sequence", "str"."""
    if is_one_of(npt.ArrayLike, hint):
        return "array"
    kind = typing.get_origin(hint) or hint
    return "None" if kind is type(None) else {os.PathLike: "path"}.get(kind, getattr(kind, "__name__", str(kind)))
