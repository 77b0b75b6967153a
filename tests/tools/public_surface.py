"""The public surface of refapprox, walked: every name in the `__all__` of every package, and what its docstring lacks.

    python -m tests.tools.public_surface [PACKAGE]      what is missing

A function needs a docstring with Parameters (each argument named), Returns, Raises where its own code raises or
checks, and an Example with a prompt; and annotations throughout. A class needs the same for what makes it, an Example,
and for each public method a docstring and annotations, Parameters where it takes two arguments or more. A method that
overrides a documented one may leave the docstring to it, as `help` and the site do.
"""
import ast
import dataclasses
import enum
import importlib
import inspect
import pkgutil
import re
import sys
import textwrap

import refapprox

WRITTEN_OUT = re.compile(r"\b(numpy\._|typing\.|refapprox\.|collections\.abc\.)| at 0x")      # unreadable
SECTION = re.compile(r"^(?P<title>[A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)


def packages():
    """`refapprox`, every package in it, every module at its top, and every module that a package offers, by name:
    those that say in `__all__` what is public."""
    found = {"refapprox": refapprox}
    for _, name, is_package in pkgutil.walk_packages(refapprox.__path__, "refapprox."):
        if is_package or (name.count(".") == 1 and not name.endswith("__main__")):
            module = importlib.import_module(name)
            if hasattr(module, "__all__"):
                found[name] = module
    offered = [getattr(package, name) for package in list(found.values()) for name in package.__all__]
    return found | {thing.__name__: thing for thing in offered if inspect.ismodule(thing) and hasattr(thing, "__all__")}


def surface():
    """qualified name -> object of all public functions and classes, each under the first package that offers it.

    Other tools' names come last, and then `refapprox` itself: what they pass on has its home elsewhere.
    """
    found, seen = {}, set()
    offered = packages()
    for package_name in sorted(offered, key=lambda name: (name == "refapprox", name.startswith("refapprox.compat"))):
        package = offered[package_name]
        for name in package.__all__:
            thing = getattr(package, name)
            ours = getattr(thing, "__module__", "").startswith("refapprox")
            if (inspect.isclass(thing) or inspect.isroutine(thing)) and ours and id(thing) not in seen:
                seen.add(id(thing))
                found[f"{package_name}.{name}"] = thing
    return found


def sections(docstring):
    """title -> text of the numpydoc sections of a docstring."""
    pieces = SECTION.split(inspect.cleandoc(docstring or ""))
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def documented_names(text):
    """The names in the type lines of a Parameters section: `a, b : int` and `*rest : int` included."""
    lines = [line for line in text.splitlines() if line and not line[0].isspace()]
    return {name.strip().lstrip("*") for line in lines for name in line.split(" : ")[0].split(",")}


def arguments(function):
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:
        return []
    return [p for p in parameters if p.name not in ("self", "cls") and not p.name.startswith("_")]


def raises_itself(function):
    """Whether the code of `function` itself has a `raise` or calls one of the checks of `validation`."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return False
    names = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return any(isinstance(n, ast.Raise) for n in ast.walk(tree)) or any(name.startswith("check_") for name in names)


def unannotated(function):
    hints = getattr(inspect.unwrap(function), "__annotations__", {})
    missing = [p.name for p in arguments(function) if p.name not in hints]
    return missing + ([] if "return" in hints or function.__name__ == "__init__" else ["return"])


def parameter_gaps(thing, told, titles=("Parameters",)):
    known = set().union(*(documented_names(told.get(title, "")) for title in titles))
    missing = [p.name for p in arguments(thing) if p.name not in known]
    return [f"Parameters: {', '.join(missing)}"] if missing else []


def function_gaps(function):
    told = sections(function.__doc__)
    if not function.__doc__:
        return ["docstring"]
    gaps = parameter_gaps(function, told)
    if inspect.signature(function).return_annotation not in (None, "None") and not {"Returns", "Yields"} & set(told):
        gaps.append("Returns")
    if raises_itself(function) and "Raises" not in told:
        gaps.append("Raises")
    return gaps + example_gap(told) + annotation_gap(function)


def example_gap(told):
    return [] if ">>>" in told.get("Examples", "") else ["Example"]


def annotation_gap(function):
    missing = unannotated(function)
    gaps = [f"annotations: {', '.join(missing)}"] if missing else []
    if found := WRITTEN_OUT.search(str(inspect.signature(function))):
        gaps.append(f"signature: shows {found[0]}, not names as written (from __future__ import annotations)")
    return gaps


def class_gaps(kind):
    if not kind.__doc__ or (dataclasses.is_dataclass(kind) and kind.__doc__.startswith(f"{kind.__name__}(")):
        return ["docstring"]
    told, gaps = sections(kind.__doc__), []
    if not issubclass(kind, (BaseException, enum.Enum)) and not getattr(kind, "_is_protocol", False):
        maker = vars(kind).get("__init__")
        by_hand = inspect.isfunction(maker) and not dataclasses.is_dataclass(kind)
        told |= sections(maker.__doc__) if by_hand else {}
        gaps = (parameter_gaps(kind, told, ("Parameters", "Attributes"))
                + (annotation_gap(maker) if by_hand else []) + example_gap(told))
    for name, member in vars(kind).items():
        if not name.startswith("_"):
            gaps += [f"{name}: {gap}" for gap in member_gaps(member, told_of(kind, name))]
    return gaps


def function_of(member):
    return getattr(member, "__func__", None) or getattr(member, "fget", None) or getattr(member, "func", member)


def told_of(kind, name):
    """The docstring of a member, or of the one that it overrides; None where neither has one."""
    members = (vars(base)[name] for base in kind.__mro__ if name in vars(base))
    return next((function_of(member).__doc__ for member in members if function_of(member).__doc__), None)


def member_gaps(member, docstring):
    function = function_of(member)
    if not inspect.isfunction(function):
        return []
    if not docstring:
        return ["docstring"]
    few = len(arguments(function)) < 2
    return ([] if few else parameter_gaps(function, sections(docstring))) + annotation_gap(function)


def gaps():
    """qualified name -> what is missing, of every public name that lacks something."""
    found = {name: class_gaps(thing) if inspect.isclass(thing) else function_gaps(thing)
             for name, thing in surface().items()}
    return {name: missing for name, missing in found.items() if missing}


def main():
    found = {name: missing for name, missing in gaps().items() if name.startswith(sys.argv[1] if sys.argv[1:] else "")}
    for name, missing in sorted(found.items()):
        print(f"{name:60s} {'; '.join(missing)}")
    print(f"{len(found)} public names lack something.")


if __name__ == "__main__":
    main()
