"""The presets of other frameworks' pipelines: right without their defects, wrong in just these ways with them."""
import pytest

from refapprox.compat.presets import PRESETS
from refapprox.conformance.adapters.pipelines import Pipeline
from refapprox.conformance.running import run
from refapprox.conformance.suite import load_suite

CODES = [case for case in load_suite() if case.operation in ("conv2d", "linear")]
LAYERS = load_suite().select(["layers"])
MISTAKE = {      # defect of a preset -> the known mistake that the suite should name
    "conv operand order": "transposed table", "conv zero point sign": "x zero-point term with the wrong sign",
    "pad code zero": "padding with code 0", "gpu tile": "tile padding looked up", "combined kernel": "patch sums of 1",
    "negative quadrant": "negative quadrant from magnitudes",
    "channel scales by position": "channel scales along positions"}
DEFECTS = [(name, defect) for name, preset in PRESETS.items() for defect in preset.defects]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_without_defects_is_right(name):
    layers = LAYERS if PRESETS[name].rounding == "half even" else []      # ties are looked at below
    report = run(CODES + layers, Pipeline(name))
    assert report.ok, [(r.case.id, r.message) for r in report.failures]


@pytest.mark.parametrize("name, defect", DEFECTS, ids=lambda value: value.replace(" ", "-"))
def test_each_defect_is_seen_and_named(name, defect):
    report = run(LAYERS if "scales" in defect else CODES, Pipeline(f"{name}:{defect}"))
    wanted = "tile padding of 8 looked up" if (name, defect) == ("tfapprox", "gpu tile") else MISTAKE[defect]
    assert report.failures and report.likely_mistakes[0][0] == wanted


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.defects])
def test_defects_add_up(name):
    cases = load_suite().select(["zero_points/*", "signed_codes/sums", "linear/*"])
    together = len(run(cases, Pipeline(f"{name}:all")).failures)
    assert together >= max(len(run(cases, Pipeline(f"{name}:{defect}")).failures) for defect in PRESETS[name].defects)


def test_ties_are_rounded_as_the_tool_rounds():
    report = run(load_suite().select(["quantization/*ties*"]), Pipeline("tfapprox"))
    assert report.likely_mistakes[0][0] == "half-up rounding"


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="preset must be one of"):
        Pipeline("tensorflow")
    with pytest.raises(ValueError, match="defects of adapt"):
        Pipeline("adapt:gpu tile")
