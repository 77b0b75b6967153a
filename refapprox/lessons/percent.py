"""The percent format: a script whose comments hold text, and the notebook that it becomes.

A line `# %% [markdown]` begins a cell of text, whose lines begin with `# `; `# %%` one of code. jupytext, Spyder,
VS Code and PyCharm read the same.
"""
import json

MARK, TEXT = "# %%", "# %% [markdown]"


def cells(script):
    """("markdown" or "code", source) of every cell of a script.

    A ValueError names the line of a text that is no comment, or of what stands before the first cell.
    """
    found = []
    for number, line in enumerate(script.splitlines(), 1):
        if line in (MARK, TEXT):
            found.append(("markdown" if line == TEXT else "code", []))
        elif found and found[-1][0] == "code":
            found[-1][1].append(line)
        elif found and (line == "" or line == "#" or line.startswith("# ")):
            found[-1][1].append(line[2:])
        else:
            raise ValueError(f"line {number} of the script must begin a cell or be the comment of one, got {line!r}.")
    return [(kind, "\n".join(lines).strip("\n")) for kind, lines in found]


def notebook(script):
    """The script as a notebook: JSON in version 4.5 of the format of notebooks, without outputs."""
    made = [{"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source.splitlines(keepends=True)}
            | ({"execution_count": None, "outputs": []} if kind == "code" else {})
            for number, (kind, source) in enumerate(cells(script))]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {"cells": made, "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
                "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
