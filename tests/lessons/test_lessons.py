"""The lessons as scripts, as notebooks, and as what `refapprox lessons` writes."""
import ast
import importlib
import json
import os
import re
import subprocess
import sys

import pytest

from refapprox.cli import main
from refapprox.lessons import lesson_paths, write_lessons
from refapprox.lessons.percent import cells, notebook

SECONDS = 60      # of processor time, in all threads: how busy the machine is does not count. Each takes about ten


def children_seconds():
    """Processor time of the processes that this one started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


# what matplotlib 3.8's formulas say of themselves with the pyparsing that it brings
OLD_PYPARSING = ("-W", "ignore:Forward defined here:UserWarning",
                 "-W", "ignore:warn_name_set_on_empty_Forward:UserWarning")


@pytest.mark.parametrize("path", lesson_paths(), ids=lambda path: path.stem[:9])
def test_a_lesson_runs_as_a_script(path, tmp_path):
    began = children_seconds()
    done = subprocess.run([sys.executable, "-W", "error", *OLD_PYPARSING, path], cwd=tmp_path, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    assert children_seconds() - began < SECONDS
    pictures = [line.removeprefix("picture: ") for line in done.stdout.splitlines() if line.startswith("picture: ")]
    assert pictures and sorted(pictures) == sorted(p.name for p in tmp_path.iterdir())
    assert all(name.startswith(path.stem[:9]) for name in pictures)


@pytest.mark.parametrize("path", lesson_paths(), ids=lambda path: path.stem[:9])
def test_a_lesson_uses_public_names_only(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("refapprox"):
            public = importlib.import_module(node.module).__all__
            assert {alias.name for alias in node.names} <= set(public), node.module
        assert not isinstance(node, ast.Import) or not any(a.name.startswith("refapprox.") for a in node.names)


@pytest.mark.parametrize("path", lesson_paths(), ids=lambda path: path.stem[:9])
def test_a_lesson_is_a_page(path):
    kind, first = cells(path.read_text(encoding="utf-8"))[0]
    title, about = first.split("\n\n")[:2]
    number = int(path.stem.split("_")[1])
    assert kind == "markdown" and title.startswith(f"# Lesson {number}: ") and about.startswith("*")
    text = "\n".join(source for kind, source in cells(path.read_text(encoding="utf-8")) if kind == "markdown")
    assert "{doc}" not in text                                  # means nothing in a notebook
    assert not re.search(r"[^\n]\n1\. ", text)                 # a one at the end of a sentence, become a list


def test_lessons_are_numbered_from_one_to_ten():
    numbers = [int(path.stem.split("_")[1]) for path in lesson_paths()]
    assert numbers == list(range(1, 11))


def test_cells_of_the_percent_format():
    script = '# %% [markdown]\n# # A\n#\n# b $x$\n\n# %%\nprint(1)\n\n# a comment\nprint(2)\n'
    assert cells(script) == [("markdown", "# A\n\nb $x$"), ("code", "print(1)\n\n# a comment\nprint(2)")]
    with pytest.raises(ValueError, match="line 2 of the script must begin a cell"):
        cells("# %% [markdown]\nprint(1)\n")
    with pytest.raises(ValueError, match="line 1"):
        cells("import numpy\n# %%\n")


@pytest.mark.parametrize("path", lesson_paths(), ids=lambda path: path.stem[:9])
def test_notebooks_are_what_jupytext_makes(path):
    jupytext = pytest.importorskip("jupytext", reason="jupytext is not installed")
    script = path.read_text(encoding="utf-8")
    theirs = jupytext.reads(script, fmt="py:percent")
    ours = json.loads(notebook(script))
    assert ([(cell["cell_type"], "".join(cell["source"])) for cell in ours["cells"]]
            == [(cell.cell_type, cell.source) for cell in theirs.cells])
    pytest.importorskip("nbformat").validate(ours)


def test_what_the_command_writes_is_all_that_is_needed(tmp_path, capsys):
    folder = tmp_path / "new" / "lessons"
    assert main(["lessons", "--out", str(folder)]) == 0
    printed = capsys.readouterr().out
    for path in lesson_paths():
        assert (folder / path.name).read_bytes() == path.read_bytes() and path.stem in printed
        code = [cell for cell in json.loads((folder / f"{path.stem}.ipynb").read_text("utf-8"))["cells"]
                if cell["cell_type"] == "code"]
        assert all(ast.parse("".join(cell["source"])) for cell in code) and len(code) >= 5
    assert f"cd {folder}" in printed and "jupyter lab" in printed


def test_a_changed_lesson_is_not_overwritten_unless_asked(tmp_path, capsys):
    first, *others = write_lessons(tmp_path)
    assert write_lessons(tmp_path) == [first, *others]
    first.write_text("# mine\n", encoding="utf-8")
    others[0].unlink()
    with pytest.raises(ValueError, match=f"differs from the lessons.*: {first.name}"):
        write_lessons(tmp_path)
    assert first.read_text("utf-8") == "# mine\n" and not others[0].exists()
    assert main(["lessons", "--out", str(tmp_path)]) == 2 and "--force must be set" in capsys.readouterr().err
    assert main(["lessons", "--out", str(tmp_path), "--force"]) == 0
    assert first.read_bytes() == lesson_paths()[0].read_bytes() and others[0].exists()


def test_a_file_where_the_folder_should_be_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("", "utf-8")
    assert main(["lessons", "--out", str(tmp_path / "file")]) == 2
    assert "cannot be made" in capsys.readouterr().err
