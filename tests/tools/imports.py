"""Which file of refapprox imports which: read from the sources, nothing is run."""
import ast
import functools
from pathlib import Path

import refapprox

PACKAGE = Path(refapprox.__file__).parent


@functools.cache
def modules():
    """name -> path of every module of refapprox."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ["refapprox", *path.relative_to(PACKAGE).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def imports():
    """name -> the modules of refapprox that a module imports, inside functions too; what `__init__` re-exports is not
    counted."""
    known = modules()
    return {name: {target for target in imported(path, known) if target != name}
            for name, path in known.items() if path.name != "__init__.py"}


def is_type_checking(node):
    """Whether `node` is an `if TYPE_CHECKING:`, whose imports no program makes."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@functools.cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path, known):
    tree = tree_of(path)
    hints = {inner for node in ast.walk(tree) if is_type_checking(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if node in hints:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in known else defining(node.module, alias.name, known)


def defining(package, name, known):
    """The module from which a package re-exports `name`, or the package itself."""
    if known[package].name != "__init__.py":
        return package
    for node in ast.walk(tree_of(known[package])):
        if isinstance(node, ast.ImportFrom) and node.module in known and node.module != package:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return defining(node.module, alias.name, known)
    return package


def room(module):
    """The folder or file directly below refapprox that a module belongs to."""
    return module.split(".")[1] if "." in module else module
