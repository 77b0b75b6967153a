"""Pipelines of other frameworks: right without their defects, wrong in just these ways with them."""
import pytest

from refapprox.conformance.adapters.pipelines import OPERAND_FLIP, PRESETS, preset
from refapprox.conformance.running import run
from refapprox.conformance.suite import load_suite

OPERATIONS = ("multiply", "matmul", "conv2d", "linear", "linear_layer", "conv2d_layer", "conv2d_counts")
CASES = [case for case in load_suite() if case.operation in OPERATIONS]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_without_defects_is_right(name):
    report = run(CASES, preset(name))
    assert report.ok and report.count("passed") >= 45


@pytest.mark.parametrize("name, defect", [(name, defect) for name, (_, known) in PRESETS.items() for defect in known])
def test_each_defect_is_seen_and_named(name, defect):
    report = run(CASES, preset(name, defect))
    assert len(report.failures) >= 2
    assert report.likely_mistakes[0][0] == {OPERAND_FLIP: "transposed table"}.get(defect, defect)


@pytest.mark.parametrize("name", PRESETS)
def test_defects_add_up(name):
    cases = [case for case in CASES if case.family in ("zero_points", "signed_codes", "conv2d_padding", "conv2d")]
    together = run(cases, preset(name, "all"))
    assert len(together.failures) >= max(len(run(cases, preset(name, defect)).failures) for defect in PRESETS[name][1]
                                         if defect != "groups ignored in the fan-in")


def test_an_unknown_defect_is_named():
    with pytest.raises(ValueError, match="defects of AdaPT must be among .* got half-up rounding"):
        preset("AdaPT", "half-up rounding")
