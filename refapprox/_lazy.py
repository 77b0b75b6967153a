"""Packages that import what they offer when it is first asked for (PEP 562), so that `import refapprox` costs little.

A package writes its public names once as ordinary imports, which type checkers and editors read, and once in
`__all__`, as any package does:

    from typing import TYPE_CHECKING

    from refapprox._lazy import lazy

    __all__ = ["Multiplier", "read_circuit"]

    if TYPE_CHECKING:
        from refapprox.multipliers.languages.reader import read_circuit
        from refapprox.multipliers.multiplier import Multiplier
    else:
        __getattr__, __dir__ = lazy(__name__)

A public name must not be the name of a module in the same package: importing that module would hide it.

What is offered here is a door: where it ends in an error, its arguments are held against its annotations (`kinds`).
"""
import functools
import importlib
import sys
import types

SPECIAL = ("__init__", "__call__", "__getitem__", "__contains__")


def lazy(package):
    """`__getattr__` and `__dir__` for `package`, which import what its `if TYPE_CHECKING:` block names."""
    @functools.cache
    def sources():
        return declared_imports(sys.modules[package].__spec__.loader.get_source(package), package)

    def __getattr__(name):
        if name.startswith("__") or name not in sources():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = sources()[name]
        found = (importlib.import_module(f"{module}.{attribute}") if module == package
                 else getattr(importlib.import_module(module), attribute))
        found = as_door(found)
        setattr(sys.modules[package], name, found)      # asked for once: the next time Python finds it by itself
        return found

    def __dir__():
        return sorted({*vars(sys.modules[package]), *sources()})

    return __getattr__, __dir__


def doors(package):
    """What a package defines itself, or imports at once, and the functions of a module of operations; at its end."""
    module = sys.modules[package]
    for name in getattr(module, "__all__", ("forward", "backward")):
        setattr(module, name, as_door(getattr(module, name)))


def as_door(thing):
    """A public function or class whose errors name the argument that is of a wrong kind.

    Functions are replaced where they are defined, and methods in their class, so that each stays one object.
    """
    if isinstance(thing, type) and thing.__module__.startswith("refapprox") and not issubclass(thing, BaseException):
        for kind in thing.__mro__:
            if kind.__module__.startswith("refapprox"):
                guard_methods(kind)
    elif isinstance(thing, types.FunctionType) and thing.__module__.startswith("refapprox"):
        found, home = guarded(thing), sys.modules[thing.__module__]
        if vars(home).get(thing.__name__) is thing:      # pickle looks for it there
            setattr(home, thing.__name__, found)
        return found
    return thing


def guard_methods(kind):
    for name, member in list(vars(kind).items()):
        if not name.startswith("_") or name in SPECIAL:
            if isinstance(member, types.FunctionType):
                setattr(kind, name, guarded(member))
            elif isinstance(member, (staticmethod, classmethod)):
                setattr(kind, name, type(member)(guarded(member.__func__)))


def guarded(function):
    if hasattr(function, "_is_door"):
        return function

    @functools.wraps(function)
    def door(*arguments, **named):
        try:
            return function(*arguments, **named)
        except Exception as error:
            from refapprox.kinds import explain  # needs NumPy, which a program that asks for nothing need not import
            better = explain(function, arguments, named, error)
            if better is None:
                raise
            raise better from error

    door._is_door = True
    return door


def declared_imports(source, package):
    """name -> (module, attribute) of every `from module import attribute` under `if TYPE_CHECKING:` in `source`.

    A module that is `package` itself means one of its modules: `from refapprox import analog`.
    """
    import ast  # 3 ms that a program which asks for nothing need not pay

    names = {}
    for block in ast.parse(source).body:
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING":
            for statement in block.body:
                for alias in statement.names:
                    names[alias.asname or alias.name] = statement.module, alias.name
    return names
