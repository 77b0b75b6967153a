"""Docstrings of refapprox are plain text that reads well in a terminal; this makes reStructuredText of them.

Formulas stand in indented blocks, which become literal ones; stars and bars in sentences are not markup, and are
escaped, but for *emphasis*. Examples, and what stands between backticks, stay as they are. Formulas and sources that
several functions share stand in the docstring of their module, which the page of each shows below its own.
"""
import functools
import inspect
import re
import sys
from pathlib import Path

from tests.tools.public_surface import surface

PROSE = {"Notes", "References", "See Also"}
PAGE = re.compile(r"`{0,2}docs/([\w/]+)\.md`{0,2}")
DOCS = Path(__file__).parents[1]
HEADING = re.compile(r"^[-=]{3,}\s*$")
NUMBER = re.compile(r" {5,}(\([\w']{1,3}\))$")      # of a formula, at the edge of a terminal: out of sight on a page
ENUMERATED = re.compile(r"^(\s*)(?=\(?(\d+|[A-Za-z])[.)] )")      # "(2) holds" and "C. E. Clark" are sentences here
OPAQUE = re.compile(r"(``.+?``|`[^`]+`|(?<![\w*\\)\]])\*[^\W_](?:[^*]*[\w.])?\*(?![\w*(\[]))")


def escaped(line):
    """`line` with what would be markup outside of backticks escaped."""
    parts = OPAQUE.split(line)
    return "".join(part if index % 2 else re.sub(r"(?<!\\)([*|_](?!\\))", r"\\\1", part)
                   for index, part in enumerate(parts))


def with_rubrics(lines):
    """Headings within the docstring of a module stand apart and are no sections of the page."""
    result = []
    for line in lines:
        if HEADING.match(line):
            result[-1:] = [f".. rubric:: {result[-1]}", ""]
        else:
            result.append(line)
    return result


def transform(lines):
    """The lines of a docstring as reStructuredText that numpydoc still takes apart into its sections."""
    result, section, index, doctest = [], None, 0, False
    while index < len(lines):
        line = lines[index]
        if index + 1 < len(lines) and HEADING.match(lines[index + 1]) and line and not line[0].isspace():
            section = line.strip()
            result += [line, lines[index + 1]]
            index += 2
            continue
        doctest = line.lstrip().startswith(">>>") or (doctest and line.strip())
        if section in ("Examples", "Example") or doctest:
            result.append(line)
        elif line.startswith("    ") and (section is None or section in PROSE) and blank_before(lines, index):
            block = []
            while index < len(lines) and (not lines[index].strip() or lines[index].startswith("    ")):
                block.append(NUMBER.sub(r"    \1", lines[index]))
                index += 1
            while block and not block[-1].strip():
                block.pop()
                index -= 1
            result += ["::", "", *block, ""]
            continue
        elif section in ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Other Parameters"):
            name, colon, kind = line.partition(" : ")      # numpydoc takes care of stars in names
            result.append(f"{name}{colon}{escaped(kind)}" if line and not line[0].isspace() else escaped(line))
        else:
            result.append(ENUMERATED.sub(r"\1\\", escaped(line)))
        index += 1
    return result


def blank_before(lines, index):
    return index == 0 or not lines[index - 1].strip()


def with_links(lines):
    """Pages that a docstring names become links."""
    return [PAGE.sub(lambda found: f":doc:`/{found[1]}`" if (DOCS / f"{found[1]}.md").exists() else found[0], line)
            for line in lines]


def process(app, what, name, obj, options, lines):
    lines[:] = with_links(transform(lines))
    if what == "module":
        lines[:] = with_rubrics(lines)


@functools.cache
def public_names():
    """module -> the public names that are defined in it."""
    found = {}
    for name, thing in surface().items():
        found.setdefault(thing.__module__, []).append(name.rpartition(".")[2])
    return found


def add_module(app, what, name, obj, options, lines):
    """Below a function or class: what else its module offers, and the module's docstring where it says more."""
    module = sys.modules.get(getattr(obj, "__module__", None) or "")
    offered = public_names().get(module.__name__, ()) if module is not None else ()
    if what not in ("function", "class") or obj.__name__ not in offered:
        return
    beside = [f"`{other}`" for other in offered if other != obj.__name__]
    about = inspect.getdoc(module).splitlines()
    if beside:
        lines += ["", ".. rubric:: See also", "", ", ".join(beside)]
    if len(about) > 1:
        lines += ["", f".. rubric:: About {module.__name__}", "", *with_rubrics(with_links(transform(about)))]


def setup(app):
    app.connect("autodoc-process-docstring", process, priority=100)      # before numpydoc
    app.connect("autodoc-process-docstring", add_module, priority=900)   # after it
    return {"parallel_read_safe": True}
