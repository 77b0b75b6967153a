"""What setup.cfg promises: floors that are tested, all files of the package, pages that read well elsewhere."""
import configparser
import re
from pathlib import Path

import pytest

import refapprox

ROOT = Path(__file__).parents[1]
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg", encoding="utf-8")
HOME = CONFIG["metadata"]["url"]


def test_the_oldest_versions_tested_are_those_declared():
    lines = CONFIG["options"]["install_requires"] + CONFIG["options.extras_require"]["test"]
    declared = dict(line.split(">=") for line in lines.split())
    tested = dict(line.split("==") for line in (ROOT / ".ci" / "oldest.txt").read_text("utf-8").split() if "==" in line)
    assert {name: re.sub(r"(\.0)+$", "", version) for name, version in tested.items()} == declared


def test_every_file_of_the_package_is_shipped():
    folder = Path(refapprox.__file__).parent
    globs = CONFIG["options.package_data"]["refapprox"].split(", ")
    shipped = {path for pattern in globs for path in folder.glob(pattern)}
    assert not [path for path in folder.rglob("*")
                if path.is_file() and path.suffix != ".pyc" and path not in shipped
                and not (path.suffix == ".py" and (path.parent / "__init__.py").exists())]


def test_links_of_the_readme_work_on_a_package_index():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links, pictures = (set(re.findall(rf"{mark}\[[^\]]*\]\(([^)\s]+)\)", text)) for mark in ("(?<!!)", "!"))
    bases = f"{HOME}/blob/main/", HOME.replace("github.com", "raw.githubusercontent.com") + "/main/"
    for found, base in zip((links, pictures), bases, strict=True):
        assert found and all(link.startswith(base) for link in found)
        assert not [link for link in found if not (ROOT / link.removeprefix(base).partition("#")[0]).exists()]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CITATION.cff", "CHANGELOG.md", "LICENSE"])
def test_what_a_stranger_looks_for_is_there(name):
    assert (ROOT / name).stat().st_size > 200


def test_version_and_address_stand_once():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {refapprox.__version__}\n" in citation and f"repository-code: {HOME}\n" in citation
    assert f"## {refapprox.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
