"""docs/architecture.md is true: every room is in its table, imports go upward in it, and never in a circle."""
import graphlib
import re
from pathlib import Path

import pytest

from tests.tools.imports import imports, modules, room

PAGE = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
# what shows itself calls figures and pages when it is shown
SHOWN = {("refapprox.effects.result", "refapprox.report.effect"),
         ("refapprox.multipliers.library", "refapprox.plotting.multipliers"),
         ("refapprox.multipliers.library", "refapprox.report.page"),
         ("refapprox.multipliers.operator", "refapprox.plotting.multipliers"),
         ("refapprox.multipliers.operator", "refapprox.report.page")}


def rows():
    """room -> number of its row in the table of rooms."""
    table = PAGE.split("| room |")[1].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return {name.strip("/"): number for number, cell in enumerate(cells) for name in re.findall(r"`([^`]+)`", cell)}


def test_every_room_has_a_row():
    assert {room(name) for name in modules()} - {"refapprox"} == set(rows())


@pytest.mark.parametrize("name", sorted(rows()))
def test_a_file_imports_only_from_rows_above_its_own(name):
    number = rows()
    downward = [(module, target) for module, targets in imports().items() if room(module) == name for target in targets
                if room(target) not in (name, "refapprox") and number[room(target)] > number[name]]
    assert not set(downward) - SHOWN


def test_nothing_imports_in_a_circle():
    graph = {module: {target for target in targets if (module, target) not in SHOWN}
             for module, targets in imports().items()}
    graphlib.TopologicalSorter(graph).prepare()      # raises CycleError, which names the circle


@pytest.mark.parametrize("name", ["compat", "conformance", "testing"])
def test_what_only_the_command_line_may_import(name):
    users = {room(module) for module, targets in imports().items() if any(room(target) == name for target in targets)}
    # conformance has adapters for the presets of compat; lessons show what a user does
    assert users <= {name, "commands", "conformance", "lessons"}


def test_files_on_the_way_of_a_code_are_there():
    way = PAGE.split("| step |")[1].split("\n\n")[0]
    for line in way.splitlines()[2:]:
        folder = ""
        for path in re.findall(r"`([\w/]+)`", line.split("|")[2]):
            folder = path.rpartition("/")[0] or folder
            assert f"refapprox.{folder}.{path.rpartition('/')[2]}".replace("/", ".") in modules(), path
