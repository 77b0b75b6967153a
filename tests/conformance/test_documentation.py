"""docs/conformance.md against the suite: its numbers, its headings, its example."""
import re
from pathlib import Path

from refapprox.compat.presets import PRESETS
from refapprox.conformance.adapter import OUTPUTS, Adapter
from refapprox.conformance.comparing import KINDS
from refapprox.conformance.running import run
from refapprox.conformance.spec import MISTAKES, OPERATIONS
from refapprox.conformance.spec.arguments import ARGUMENTS
from refapprox.conformance.suite import load_suite

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
CASES = list(load_suite())


def test_numbers():
    families = len({case.family for case in CASES})
    assert f"{len(CASES)} golden cases in {families} families" in PAGE
    assert f"What {len(MISTAKES)} known mistakes" in PAGE
    evolved = sum(case.id.startswith("circuits/v1.1-mul8u_") for case in CASES) - 1      # one of them is exact
    assert f"| refapprox, route auto | {len(CASES) - evolved} | 0 | {evolved} |" in PAGE
    assert f"{len(CASES)} golden cases in {families} families" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"| {len(CASES)} in {families}, {len(MISTAKES)} mistakes," in (ROOT / "docs" / "results.md").read_text(
        encoding="utf-8")
    products = sum(case.operation in ("matmul", "linear", "conv2d") for case in CASES)
    assert f"| refapprox, routes index, factored, gather | {products} each | 0 |" in PAGE


def test_every_case_refers_to_a_heading():
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
               for heading in re.findall(r"^### (.+)$", PAGE, re.MULTILINE)}
    assert {case.reference for case in CASES} <= {f"docs/conformance.md#{anchor}" for anchor in anchors}


def test_every_check_and_convention_is_explained():
    assert all(f"| `{kind}` |" in PAGE for kind in KINDS)
    assert all(f"| {case.question} |" in PAGE for case in CASES if case.question)


def test_every_defect_is_shown_by_cases_and_known_as_a_mistake():
    table = PAGE.split("| defect | cases | known mistake | preset |\n")[1].split("\n\n")[0].splitlines()[1:]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table]
    for _, cases, mistakes, presets in rows:
        names, patterns = mistakes.split("; "), re.findall(r"`(.+?)`", cases)
        for pattern in patterns:
            assert any(set(names) & set(case.mistakes) for case in load_suite().select([pattern])), pattern
        for name in names:
            assert name in MISTAKES and any(name in case.mistakes for case in load_suite().select(patterns)), name
        assert set(re.findall(r"`(.+?)`", presets)) <= set(PRESETS)
    assert len(rows) > 15


def test_the_example_conforms():
    source = re.search(r"```python\n(import numpy.+?)```", PAGE, re.DOTALL)[1]
    namespace = {}
    exec(compile(source, "docs/conformance.md", "exec"), namespace)
    report = run(load_suite().select(["matmul", "accumulation"]), namespace["MyAdapter"]())
    assert report.ok and report.count("passed") == 18


def test_every_operation_and_argument_is_explained():
    assert all("Parameters\n" in getattr(Adapter, operation).__doc__ for operation in OUTPUTS)
    assert {name for operation in OPERATIONS.values() for name in operation.signature.parameters} == set(ARGUMENTS)
