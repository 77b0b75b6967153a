"""Docstrings of refapprox are plain text that reads well in a terminal; this makes reStructuredText of them.

Formulas stand in indented blocks, which become literal ones; stars and bars in sentences are not markup, and are
escaped. Examples, and what stands between backticks, stay as they are.
"""
import re

PROSE = {"Notes", "References", "See Also"}
HEADING = re.compile(r"^[-=]{3,}\s*$")
OPAQUE = re.compile(r"(``.+?``|`[^`]+`)")


def escaped(line):
    """`line` with what would be markup outside of backticks escaped."""
    parts = OPAQUE.split(line)
    return "".join(part if index % 2 else re.sub(r"(?<!\\)([*|_](?!\\))", r"\\\1", part)
                   for index, part in enumerate(parts))


def transform(lines):
    """The lines of a docstring as reStructuredText that numpydoc still takes apart into its sections."""
    result, section, index = [], None, 0
    while index < len(lines):
        line = lines[index]
        if index + 1 < len(lines) and HEADING.match(lines[index + 1]) and line and not line[0].isspace():
            section = line.strip()
            result += [line, lines[index + 1]]
            index += 2
            continue
        if section in ("Examples", "Example"):
            result.append(line)
        elif line.startswith("    ") and (section is None or section in PROSE) and blank_before(lines, index):
            block = []
            while index < len(lines) and (not lines[index].strip() or lines[index].startswith("    ")):
                block.append(lines[index])
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
            result.append(escaped(line))
        index += 1
    return result


def blank_before(lines, index):
    return index == 0 or not lines[index - 1].strip()


def process(app, what, name, obj, options, lines):
    lines[:] = transform(lines)


def setup(app):
    app.connect("autodoc-process-docstring", process, priority=100)      # before numpydoc
    return {"parallel_read_safe": True}
