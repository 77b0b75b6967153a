"""What pyproject.toml promises: floors that are tested, and pages that read well away from the repository."""
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]


def test_the_oldest_versions_tested_are_those_declared():
    declared = dict(line.split(">=") for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]])
    lines = (ROOT / ".ci" / "oldest.txt").read_text(encoding="utf-8").splitlines()
    tested = dict(line.split("==") for line in lines if "==" in line)
    assert {name: re.sub(r"(\.0)+$", "", version) for name, version in tested.items()} == declared


def test_links_of_the_readme_work_on_a_package_index():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"\]\(([^)#\s]+)", text))
    assert not [target for target in targets if not target.startswith("http") and not (ROOT / target).exists()]
    for rule in PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(rule["pattern"], rule["replacement"], text)
    remote = set(re.findall(r"\]\(([^)\s]+)\)", text))
    assert all(target.startswith(("https://", "#")) for target in remote)
    assert all(any(link.endswith(f"/main/{target}") for link in remote) for target in targets if "://" not in target)
    assert all("raw.githubusercontent.com" in link for link in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text))


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CITATION.cff", "CHANGELOG.md", "LICENSE"])
def test_what_a_stranger_looks_for_is_there(name):
    assert (ROOT / name).stat().st_size > 200


def test_the_version_stands_once():
    version = re.search(r'"(.*)"', (ROOT / "refapprox" / "_version.py").read_text(encoding="utf-8"))[1]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
