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
"""
import functools
import importlib
import sys


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
        setattr(sys.modules[package], name, found)      # asked for once: the next time Python finds it by itself
        return found

    def __dir__():
        return sorted({*vars(sys.modules[package]), *sources()})

    return __getattr__, __dir__


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
