"""Every door of the public surface, with calls that it answers: those of the examples in the documentation.

The packages' `__all__` are walked; the examples of every docstring run once, with ears on the code of every public
function, constructor and method: what arrives there are arguments that are right, and hostile ones are made of them. A
door that no example passes is named in the report.
"""
import contextlib
import copy
import dataclasses
import doctest
import functools
import inspect
import io
import os
import pathlib
import sys
import tempfile
import types
import warnings

import numpy as np

from tests.fuzz import more_calls
from tests.tools.public_surface import packages

CALLS = 4                    # calls that are kept of a door, each of another shape
SPECIAL = ("__init__", "__call__", "__getitem__", "__contains__")
PLAIN = (int, float, complex, str, bytes, bool, type(None), type, types.FunctionType, types.BuiltinFunctionType,
         types.ModuleType, np.generic, np.dtype, pathlib.Path)

# Arguments that only another door makes, and that nobody writes by hand: they are passed on as they are
TOKENS = ("cache", "ctx")

# Doors that are left out, and why. Beside them: records, which hold what they are given and compute nothing, and
# exceptions.
LEFT_OUT = {
    "refapprox.network.Conv2D.exact": "a step of a layer, with what the layer has checked",
    "refapprox.network.Conv2D.operands": "a step of a layer, with what the layer has checked",
    "refapprox.network.Linear.exact": "a step of a layer, with what the layer has checked",
    "refapprox.network.Linear.operands": "a step of a layer, with what the layer has checked",
    "refapprox.Multiplier.products_at": "positions of a table, trusted, as it says",
    "refapprox.Circuit.products_at": "positions of a table, trusted, as it says",
    "refapprox.Netlist.products_at": "positions of a table, trusted, as it says",
    "refapprox.multipliers.BinaryOperator.products_at": "positions of a table, trusted, as it says",
    "refapprox.compat.torchapprox.operators.ApproxConv2dOp.apply": "all that it takes it passes on to forward",
    "refapprox.compat.torchapprox.layers.ApproxLinear.quant_fwd": "a step of a layer, with what the layer has checked",
    "refapprox.compat.torchapprox.layers.ApproxConv2d.quant_fwd": "a step of a layer, with what the layer has checked",
    "refapprox.Netlist.words": "one block of what a call has checked",
    "refapprox.main_job.MainJob": "whole runs; their folders are doors of files",
    "refapprox.effect": "seconds for each call; what it reads are doors of their own",
    "refapprox.compat.agnapprox.utils.EnhancedJSONEncoder": "json calls it; its refusals are json's",
    "refapprox.compat.torchapprox.operators.ApproxGeMM": "autograd calls it, with what it has kept",
    "refapprox.multipliers.lint_lut": "seconds for each call",
    "refapprox.multipliers.nearest": "seconds for each call",
    "refapprox.testing.asymmetric_multipliers": "a strategy: Hypothesis draws from it",
    "refapprox.testing.layers": "a strategy: Hypothesis draws from it",
    "refapprox.testing.laws": "a strategy: Hypothesis draws from it",
    "refapprox.multipliers.MultiplierLibrary.plot": "a figure",
    "refapprox.multipliers.BinaryOperator.plot": "a figure",
    "refapprox.conformance.run": "starts processes; the programs' replies are a door of their own",
}


class Call:
    """Arguments, by name, that a door answers."""

    def __init__(self, values, owner=None):
        self.values, self.owner = values, owner       # owner: the object of a method


class Door:
    """A public function, constructor or method."""

    def __init__(self, name, function, kind):
        self.name, self.kind = name, kind             # kind: "function", "class", "method" or "static"
        self.function = function
        target = function.__init__ if kind == "class" else function
        self.signature = inspect.signature(target)
        self.parameters = [p for p in self.signature.parameters.values()
                           if not (p.name in ("self", "cls") and kind in ("class", "method"))]
        self.names = [p.name for p in self.parameters]
        self.calls = []
        self.seconds = None                           # of one call
        self.repeatable = False                       # two calls give the same

    def apply(self, values, owner=None):
        """The door's answer to arguments by name."""
        positional, named = [], {}
        before_rest = any(p.kind is p.VAR_POSITIONAL for p in self.parameters)
        for parameter in self.parameters:
            if parameter.name not in values:
                continue
            value = values[parameter.name]
            if parameter.kind is parameter.VAR_POSITIONAL:
                positional += value if isinstance(value, (tuple, list)) else [value]
            elif parameter.kind is parameter.VAR_KEYWORD:
                named |= value if isinstance(value, dict) else {parameter.name: value}
            elif parameter.kind is parameter.POSITIONAL_ONLY or before_rest and parameter.kind is not \
                    parameter.KEYWORD_ONLY:
                positional.append(value)
            else:
                named[parameter.name] = value
        if self.kind != "method":
            return self.function(*positional, **named)
        answer = getattr(owner, self.name.rsplit(".", 1)[1])(*positional, **named)
        return answer, (None if frozen(owner) else vars(owner).copy() if hasattr(owner, "__dict__") else None)


def frozen(value):
    """Whether an object cannot change: what its door does to it need not be undone."""
    return dataclasses.is_dataclass(value) and type(value).__dataclass_params__.frozen


def fresh(value, depth=4):
    """`value`, copied where a call may change it."""
    if isinstance(value, PLAIN) or depth == 0:
        return value
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(fresh(item, depth - 1) for item in value)
    if type(value) is dict:
        return {key: fresh(item, depth - 1) for key, item in value.items()}
    if frozen(value):
        return value
    return copy.deepcopy(value)


def unwrapped(function):
    """The Python function inside partials, caches and decorators."""
    while True:
        inner = getattr(function, "__wrapped__", None) or getattr(function, "__func__", None)
        if isinstance(function, functools.partial):
            inner = function.func
        if inner is None:
            return function
        function = inner


def offered():
    """name -> (object, the class it belongs to or None) of everything public: functions, and classes with methods."""
    found, seen = {}, set()
    for package_name, package in sorted(packages().items()):
        for name in package.__all__:
            thing = getattr(package, name)
            inside = [(name, thing)]
            if inspect.ismodule(thing):
                names = getattr(thing, "__all__", ("forward", "backward"))
                inside = [(f"{name}.{part}", vars(thing)[part]) for part in names if part in vars(thing)]
            for path, one in inside:
                ours = getattr(one, "__module__", "").startswith("refapprox")
                if ours and callable(one) and id(one) not in seen:
                    seen.add(id(one))
                    found[f"{package_name}.{path}"] = one
    return found


def doors_of(name, thing):
    """The doors of one public name."""
    if not inspect.isclass(thing):
        return [Door(name, thing, "function")] if unwrapped(thing).__class__ is types.FunctionType else []
    if issubclass(thing, BaseException):
        return []
    found = []
    for method in dir(thing):
        raw = inspect.getattr_static(thing, method)
        inner = unwrapped(raw)
        if not inspect.isfunction(inner) or not inner.__module__.startswith("refapprox") and method != "__init__":
            continue
        if method.startswith("_") and method not in SPECIAL:
            continue
        if method == "__init__":
            if is_record(thing):
                continue
            if "__init__" in vars(thing) or dataclasses.is_dataclass(thing) or inspect.isfunction(thing.__init__):
                found.append(Door(f"{name}.__init__", thing, "class"))
        elif isinstance(raw, (staticmethod, classmethod)):
            found.append(Door(f"{name}.{method}", getattr(thing, method), "static"))
        elif inspect.isfunction(raw):
            found.append(Door(f"{name}.{method}", raw, "method"))
    return found


def is_record(thing):
    """Whether the constructor of a class only stores its arguments."""
    made = dataclasses.is_dataclass(thing) and unwrapped(thing.__init__).__code__.co_filename == "<string>"
    return made and not hasattr(thing, "__post_init__")


class Listener:
    """Keeps the arguments of calls that arrive at the code of doors."""

    def __init__(self, doors):
        self.by_code = {}
        for door in doors:
            inner = unwrapped(door.function.__init__ if door.kind == "class" else door.function)
            code = getattr(inner, "__code__", None)
            if code is not None:
                self.by_code.setdefault(code, []).append(door)

    def __call__(self, frame, event, _):
        if event != "call" or frame.f_code not in self.by_code:
            return
        values = dict(frame.f_locals)
        first = next(iter(values), None)
        this = values.get(first) if first in ("self", "cls") else None
        for door in self.by_code[frame.f_code]:
            if door.kind == "class" and type(this) is not door.function:
                continue
            if door.kind == "method" and door.name.rsplit(".", 2)[-2] != type(this).__name__:
                continue
            self.keep(door, {name: values[name] for name in door.names if name in values}, this)

    def keep(self, door, values, this):
        shape = tuple((name, type(value), np.shape(value) if isinstance(value, np.ndarray) else None)
                      for name, value in values.items())
        if len(door.calls) >= CALLS or any(shape == call.shape for call in door.calls):
            return
        try:
            kept = {name: fresh(value) for name, value in values.items()}
            owner = this if door.kind == "method" else None
            owner = owner if owner is None or frozen(owner) else copy.deepcopy(owner)
            call = Call(kept, owner)
        except Exception:      # what cannot be copied cannot be repeated
            return
        call.shape = shape
        door.calls.append(call)


def examples():
    """(name, lines of code, names they may use) of every example in the documentation of what is public."""
    for name, thing in offered().items():
        parts = [(name, thing)]
        if inspect.isclass(thing):
            parts += [(f"{name}.{part}", raw) for part, raw in vars(thing).items() if ">>>" in str(raw.__doc__ or "")]
        for path, part in parts:
            found = doctest.DocTestParser().get_examples(inspect.getdoc(part) or "")
            module = sys.modules.get(getattr(thing, "__module__", ""), None)
            if found and not any(path.startswith(left) for left in LEFT_OUT):
                yield path, [example.source for example in found], dict(vars(module)) if module else {}
    yield from more_calls.examples()


def run(lines, names):
    for line in lines:
        exec(compile(line, "<example>", "single"), names)


def all_doors(only=None):
    """Every door whose name matches, with the calls that the examples make."""
    doors = [door for name, thing in offered().items() for door in doors_of(name, thing)
             if not any(door.name.startswith(left) for left in LEFT_OUT) and (only is None or only.search(door.name))]
    if not doors:
        return []
    listener = Listener(doors)
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.chdir(folder)
        try:
            for path, lines, names in examples():
                if only is not None and not any(door.name.startswith(path.rsplit(".", 1)[0]) for door in doors):
                    continue      # of another package
                with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
                    sys.setprofile(listener)
                    try:
                        run(lines, names)
                    finally:
                        sys.setprofile(None)
        finally:
            os.chdir(here)
    return doors
