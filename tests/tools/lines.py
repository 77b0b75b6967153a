"""How large the package is, and what its lines are: `python -m tests.tools.lines [FOLDER]`, by default of refapprox.

A Markdown table by folder: files, lines, and of these code, docstrings, comments, blank lines. Then what the docstrings
belong to (modules, public names, the rest) and what the code is.
"""
import ast
import sys
from collections import Counter, defaultdict
from pathlib import Path

import refapprox
from tests.tools.public_surface import surface

PACKAGE = Path(refapprox.__file__).parent
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
KINDS = ("code", "docstrings", "comments", "blank")


def docstring_of(node):
    """The node of a docstring, or None."""
    first = node.body[0] if isinstance(node, DOCUMENTED) and node.body else None
    value = first.value if isinstance(first, ast.Expr) else None
    return first if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def lines_of(node):
    return range(node.lineno, node.end_lineno + 1)


def kinds_of_lines(text, tree):
    """What each line is, one of KINDS, by its number."""
    docstrings = {line for node in ast.walk(tree) if (found := docstring_of(node)) for line in lines_of(found)}
    plain = {line: "comments" if stripped.startswith("#") else "code" if stripped else "blank"
             for line, stripped in enumerate(map(str.strip, text.splitlines()), 1)}
    return plain | dict.fromkeys(docstrings, "docstrings")


def public_names():
    """(module, qualified name) of every public class and function; what stands inside a class belongs to it."""
    found = set()
    for thing in surface().values():
        thing = getattr(thing, "__wrapped__", thing)
        found.add((thing.__module__, thing.__qualname__))
    return found


def documented(tree, module, public, path=(), inside=False):
    """(whose, lines) of every docstring of a module: "modules", "public names" or "the rest"."""
    if found := docstring_of(tree):
        yield ("modules" if not path else "public names" if inside else "the rest"), len(lines_of(found))
    for node in ast.iter_child_nodes(tree):
        here = (*path, node.name) if isinstance(node, DOCUMENTED) else path
        yield from documented(node, module, public, here, inside or (module, ".".join(here)) in public)


def purposes(tree, code):
    """What the lines of code of a module are for, a Counter."""
    told = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            told |= dict.fromkeys(lines_of(node), "imports")
        elif isinstance(node, ast.Raise):
            told |= dict.fromkeys(lines_of(node), "errors raised")
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            heading = range(first, max(node.body[0].lineno, node.lineno + 1))
            told |= dict.fromkeys(heading, "headings of functions and classes")
    for owner in (tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))):
        for node in owner.body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)):
                told |= dict.fromkeys(lines_of(node), "tables and fields")
    return Counter(told.get(line, "statements") for line in code)


def counted(package):
    """(folder -> Counter of KINDS, "files" and "lines"; whose docstrings; what the code is)."""
    folders, owners, code, public = defaultdict(Counter), Counter(), Counter(), public_names()
    for path in sorted(package.rglob("*.py")):
        text, place = path.read_text(encoding="utf-8"), path.relative_to(package).parts
        tree = ast.parse(text)
        kinds = kinds_of_lines(text, tree)
        for folder in (place[0] + "/" if len(place) > 1 else "(top)", "all"):
            folders[folder] += Counter(kinds.values()) + Counter(files=1, lines=len(kinds))
        module = ".".join([package.name, *path.relative_to(package).with_suffix("").parts]).removesuffix(".__init__")
        for whose, lines in documented(tree, module, public):
            owners[whose] += lines
        code += purposes(tree, [line for line, kind in kinds.items() if kind == "code"])
    return folders, owners, code


def main():
    folders, owners, code = counted(Path(sys.argv[1]) if sys.argv[1:] else PACKAGE)
    columns = ("files", "lines", *KINDS)
    print("| folder |" + "".join(f" {name} |" for name in columns) + "\n|---|" + "---|" * len(columns))
    for folder, found in folders.items():
        if folder != "all":
            print(f"| {folder} |" + "".join(f" {found[name]:,} |" for name in columns))
    print("| all |" + "".join(f" {folders['all'][name]:,} |" for name in columns))
    for title, parts in (("docstrings", owners), ("code", code)):
        print(f"{title}: " + ", ".join(f"{count:,} {name}" for name, count in parts.most_common()))


if __name__ == "__main__":
    main()
