"""docs/conformance.md against the suite: its numbers, its headings, its example."""
import re
from pathlib import Path

from refapprox.conformance.adapter import OUTPUTS, Adapter
from refapprox.conformance.comparing import KINDS
from refapprox.conformance.mistakes import MISTAKES
from refapprox.conformance.running import run
from refapprox.conformance.suite import load_suite

PAGE = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
CASES = list(load_suite())


def test_numbers():
    families = len({case.family for case in CASES})
    assert f"{len(CASES)} golden cases in {families} families" in PAGE
    assert f"what {len(MISTAKES)} known mistakes" in PAGE
    assert f"| refapprox, route auto | {len(CASES)} | 0 | 0 |" in PAGE
    products = sum(case.operation in ("matmul", "linear", "conv2d") for case in CASES)
    assert f"| refapprox, routes index, factored, gather | {products} each | 0 |" in PAGE


def test_every_case_refers_to_a_heading():
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
               for heading in re.findall(r"^### (.+)$", PAGE, re.MULTILINE)}
    assert {case.reference for case in CASES} <= {f"docs/conformance.md#{anchor}" for anchor in anchors}


def test_every_check_and_convention_is_explained():
    assert all(f"| `{kind}` |" in PAGE for kind in KINDS)
    assert all(f"| {case.question} |" in PAGE for case in CASES if case.question)


def test_the_example_conforms():
    source = re.search(r"```python\n(import numpy.+?)```", PAGE, re.DOTALL)[1]
    namespace = {}
    exec(compile(source, "docs/conformance.md", "exec"), namespace)
    report = run(load_suite().select(["matmul", "accumulation"]), namespace["MyAdapter"]())
    assert report.ok and report.count("passed") == 18


def test_every_operation_has_a_signature():
    assert all(getattr(Adapter, operation).__doc__ for operation in OUTPUTS)
