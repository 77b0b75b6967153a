"""What the pages show runs as pasted, page by page and in order; commands parse; links lead somewhere."""
import contextlib
import doctest
import functools
import os
import re
import shlex
from pathlib import Path
from unittest import mock

import pytest

import refapprox.datasets
from refapprox.cli import COMMANDS
from tests.tools.command_line import command_parser
from tests.tools.gallery_output import COMMANDS as GALLERY

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md",
         *(path for path in sorted((ROOT / "docs").rglob("*.md"))
           if not {"site", "lessons"} & set(path.relative_to(ROOT).parts))]
BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
# what a page asks for beside the package: a variable that names files of others, and what the page calls their folder
FILES = {"data.md": ("REFAPPROX_DATA_DIR", None), "multiplier_files.md": ("REFAPPROX_EVOAPPROX_DIR", "evoapproxlib")}
SMALL = {"tutorial.md": {"n_train": 600, "n_test": 200}, "tutorial_own_network.md": {"n_train": 600, "n_test": 200}}


def blocks(page, language):
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [match["code"] for match in found if match["language"] == language]


def name_of(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name_of)
def test_python_blocks_run_as_pasted(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if page.name in SMALL:      # the same code on fewer images
        monkeypatch.setattr(refapprox.datasets, "SyntheticDigits",
                            functools.partial(refapprox.datasets.SyntheticDigits, **SMALL[page.name]))
        monkeypatch.setattr(refapprox, "SyntheticDigits", refapprox.datasets.SyntheticDigits, raising=False)
    variable, folder = FILES.get(page.name, (None, None))
    there = os.environ.get(variable or "", "").split(os.pathsep)[0]
    if folder and there:
        (tmp_path / folder).symlink_to(there)
    namespace = {"__name__": "pasted"}
    for number, code in enumerate(blocks(page, "python")):
        if variable and not there and (folder or "MNIST()") in code:
            continue      # the page says that it needs these files
        run(code, namespace, f"block {number} of {page.name}")


def run(code, namespace, name):
    if code.startswith(">>>"):
        test = doctest.DocTestParser().get_doctest(code, namespace, name, name, 0)
        assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, clear_globs=False).failed == 0
        namespace.update(test.globs)
    else:
        exec(compile(code, name, "exec"), namespace)


def commands(page):
    """The words after `refapprox` of every command line that a page shows, in blocks and in sentences."""
    text = page.read_text(encoding="utf-8")
    shown = [line.strip().removeprefix("$ ") for code in blocks(page, "") + blocks(page, "sh") + blocks(page, "console")
             for line in code.replace("\\\n", " ").splitlines()]
    shown += [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
    for line in shown:
        for part in re.split(r"&&|\||;(?= )", re.sub(r"\s#\s.*|\s[<>]\s.*", "", line)):
            match = re.match(r"\s*(?:[A-Z_]+=\S+ )*(?:\S*/)?(?:python3? -m )?refapprox ([a-z]+\b.*)", part)
            if match and match[1].split()[0] in COMMANDS and not re.search(r"\.\.\.|…|[A-Z]{2,}\b(?!\.)|\[", match[1]):
                yield match[1]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_parse(page):
    for line in commands(page):
        name, *words = shlex.split(line)
        parser = command_parser(name)
        if words or not any(action.required for action in parser._actions):
            assert accepted(parser, words), f"{page.name}: refapprox {line}"


def accepted(parser, words):
    """Whether `parser` takes these words; a command that is only named, without its arguments, is fine too."""
    with open(os.devnull, "w") as null, contextlib.redirect_stderr(null), contextlib.redirect_stdout(null), \
            mock.patch.object(type(parser), "error", lambda self, message: (_ for _ in ()).throw(ValueError(message))):
        try:
            parser.parse_args(words)
        except ValueError as error:
            return "the following arguments are required" in str(error) or "requires one of" in str(error)
        except SystemExit as ended:
            return ended.code == 0
    return True


def anchors(path):
    """The anchors of a page as a browser of repositories makes them of its headings."""
    text = BLOCK.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = (re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings)
    return {*slugs, *re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), f"{page.name}: {target}"
        assert not anchor or goal.suffix != ".md" or anchor in anchors(goal), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_numbered_formulas_part_their_rows_by_cr(page):
    """Where a formula has a double backslash the site puts it into an environment that takes no number: an error."""
    formulas = re.findall(r"^\$\$$(.*?)^\$\$$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert not [formula for formula in formulas if r"\tag" in formula and r"\\" in formula]


def test_every_page_has_a_place_in_the_site():
    listed = set()
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            names = [line for line in block.splitlines() if line and not line.startswith(":")]
            listed |= {(page.parent / name).relative_to(ROOT / "docs").as_posix() for name in names}
    pages = {page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in PAGES if "docs" in page.parts}
    assert pages - listed == {"index"}


def test_every_source_can_be_looked_up():
    """By its DOI, on the web, or in a library: the number, volume and pages of a journal."""
    entries = re.split(r"^@", (ROOT / "docs" / "references.bib").read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert len(entries) > 40
    for entry in entries:
        assert re.search(r"\b(doi = \{10\.|url = \{https://|pages = .*issn = \{\d{4}-\d{3}[\dX]\})", entry), entry


def test_every_example_shows_in_the_gallery_what_it_prints():
    """Run while the site is built, or committed below the very commands that the tool would run now."""
    pattern = re.search(r'"filename_pattern": r"(.+)"', (ROOT / "docs" / "conf.py").read_text("utf-8"))[1]
    slow = {path.stem for path in (ROOT / "examples").glob("*.py") if not re.search(pattern, path.as_posix())}
    assert slow == set(GALLERY)
    for name, lines in GALLERY.items():
        shown = (ROOT / "docs" / "gallery_output" / f"{name}.txt").read_text("utf-8").splitlines()
        assert shown[:len(lines)] == [f"$ {line}" for line in lines] and len(shown) > len(lines), name
