"""The presets of other frameworks' pipelines: right without their defects, wrong in just these ways with them."""
import pytest

from refapprox.compat.presets import PRESETS
from refapprox.conformance.adapters.pipelines import Pipeline
from refapprox.conformance.running import run
from refapprox.conformance.spec import MISTAKES
from refapprox.conformance.suite import load_suite

CODES = [case for case in load_suite() if case.operation in ("conv2d", "linear")]
LAYERS = load_suite().select(["layers"])
DEFECTS = [(name, defect) for name, preset in PRESETS.items() for defect in preset.defects]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_without_defects_is_right(name):
    layers = LAYERS if PRESETS[name].rounding == "half even" else []      # ties are looked at below
    report = run(CODES + layers, Pipeline(name))
    assert report.ok, [(r.case.id, r.message) for r in report.failures]


@pytest.mark.parametrize("name, defect", DEFECTS, ids=lambda value: value.replace(" ", "-"))
def test_each_defect_is_seen_and_named(name, defect):
    report = run(LAYERS if "scales" in defect else CODES, Pipeline(f"{name}:{defect}"))
    assert report.failures and report.likely_mistakes[0][0] == defect
    # a preset gives just what the specification says that the mistake gives
    assert [f.case.id for f in report.failures if defect not in f.diagnoses] == []


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.defects])
def test_defects_add_up(name):
    cases = load_suite().select(["zero_points/*", "signed_codes/sums", "linear/*"])
    together = len(run(cases, Pipeline(f"{name}:all")).failures)
    assert together >= max(len(run(cases, Pipeline(f"{name}:{defect}")).failures) for defect in PRESETS[name].defects)


def test_ties_are_rounded_as_the_tool_rounds():
    report = run(load_suite().select(["quantization/*ties*"]), Pipeline("tfapprox"))
    assert report.likely_mistakes[0][0] == "half-up rounding"


def test_defects_are_known_mistakes_by_the_same_names():
    assert {defect for _, defect in DEFECTS} <= set(MISTAKES)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="preset must be one of"):
        Pipeline("tensorflow")
    with pytest.raises(ValueError, match="defects of adapt"):
        Pipeline("adapt:patch sums of 1")
