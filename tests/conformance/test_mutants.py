"""The test of the suite: every known mistake is made by a mutant, which must fail with the right diagnosis."""
from collections import Counter

import numpy as np
import pytest

from refapprox import analog
from refapprox.conformance.adapter import OUTPUTS
from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.adapters.native_analog import device
from refapprox.conformance.mistakes import MISTAKES
from refapprox.conformance.mutants import MUTANTS, Mutant
from refapprox.conformance.running import run
from refapprox.conformance.suite import load_suite

STEPS = {"quantize", "fake_quantize", "fake_quantize_gradient", "linear", "conv2d", "product_gradient", "aging_device"}
LAYERS = {"fake_quantize", "linear_layer", "conv2d_layer", "linear_layer_gradient", "conv2d_layer_gradient",
          "expected_loss"}


def touched(cls):
    """Operations that a mutant may answer differently from `Composed`, which all cases pass."""
    changed = {name for name in STEPS | set(OUTPUTS) if getattr(cls, name, None) is not getattr(Composed, name, None)}
    return changed | (LAYERS if changed & STEPS else set())


@pytest.fixture(scope="module")
def reports():
    """mistake -> Report of its mutant on the operations that it touches."""
    cases = list(load_suite())
    return {mistake: run([case for case in cases if case.operation in touched(cls)], Mutant(mistake))
            for mistake, cls in MUTANTS.items()}


def test_what_mutants_are_made_of_passes_every_case():
    report = run(list(load_suite()), Composed())
    assert report.ok, report.failures[0].message


def test_there_is_a_mutant_for_every_known_mistake():
    assert set(MUTANTS) == set(MISTAKES)


def test_every_mutant_fails_at_least_two_cases(reports):
    assert {mistake: len(report.failures) for mistake, report in reports.items() if len(report.failures) < 2} == {}


def test_the_likeliest_mistake_is_the_one_that_the_mutant_makes(reports):
    wrong = {mistake: report.likely_mistakes[:1] for mistake, report in reports.items()
             if not report.likely_mistakes or report.likely_mistakes[0][0] != mistake}
    assert len(wrong) <= 0.1 * len(reports), wrong


def test_nine_failures_in_ten_name_the_mistake(reports):
    named = Counter(mistake in failure.diagnoses for mistake, report in reports.items() for failure in report.failures)
    assert named[True] >= 0.9 * named.total(), named
    print(f"{len(reports)} mutants, {named.total()} failures, {named[True]} of them rightly diagnosed")


def test_an_unknown_mutant_is_named():
    with pytest.raises(ValueError, match="got 'nonsense'"):
        Mutant("nonsense")


ANSWERS = {      # question -> (convention other than ours, the operation's own way to it)
    "gradient through std": ("std detached", "noise_layer_gradient",
                             lambda dy, x, sigma, eps: (dy, x.std(ddof=1) * (dy * eps).sum())),
    "amplification of the loss": ("100 times (aihwkit)", "analog_loss", lambda weights, effective:
                                  100 * (((effective - weights) / abs(weights).max()) ** 2).mean()),
    "accumulator width": ("int32 wraparound", "matmul", lambda x, w, lut, signed:
                          lut[x[:, :, None] + 128 * signed, w[None] + 128 * signed].sum(axis=1, dtype="int32")),
    "equal costs": ("first wins", "cheapest_within", lambda costs, stds, allowed:
                    min(np.flatnonzero(stds <= allowed), key=lambda i: costs[i])),
    "gradient at sigma_max": ("half at the cap", "noise_loss_gradient", lambda sigmas, opcounts, lmbd, sigma_max:
                              -lmbd * opcounts / opcounts.sum() * np.sign(sigmas)
                              * (1 - np.sign(abs(sigmas) - sigma_max)) / 2),
    "order of rounding and zero point": ("add, then round", "quantize", lambda x, scale, zero_point, qmin, qmax:
                                         np.clip(np.rint(x / scale + zero_point), qmin, qmax).astype(int)),
    "what drifts": ("weights are converted again (aihwkit)", "aged_weights", lambda **inputs: reconverted(**inputs)),
}


def reconverted(weights, model, f_lst, g_max, g_min, t, z_program, z_drift, z_read):
    chip = analog.program_weights(analog.NPairConductanceConverter(f_lst, g_max, g_min), weights, device(model),
                                  normals=np.stack([z_program, z_drift]), aging="reconvert")
    return chip.programmed, chip.read(t, normals=z_read).effective


@pytest.mark.parametrize("question", ANSWERS)
def test_another_convention_is_right_unless_the_adapter_states_ours(question):
    convention, operation, answer = ANSWERS[question]

    class Other(Composed):
        conventions = {}

    setattr(Other, operation, lambda self, **inputs: answer(**inputs))
    cases = [case for case in load_suite() if (case.question, case.operation) == (question, operation)]
    report = run(cases, Other())
    assert report.ok and report.conventions == {question: convention}
    Other.conventions = Composed.conventions
    report = run(cases, Other())
    assert report.count("failed") == len(cases)
    assert all(result.diagnoses == [f"convention {convention!r} of {question!r}"] for result in report.failures)


def test_every_question_is_answered_otherwise_above():
    assert {case.question for case in load_suite() if case.question} == set(ANSWERS)


def test_a_mixture_of_conventions_is_a_failure():
    class Mixed(Composed):
        conventions = {}

        def noise_layer_gradient(self, *, dy, x, sigma, eps):
            dx, dsigma = super().noise_layer_gradient(dy=dy, x=x, sigma=sigma, eps=eps)
            return (dy if x.size == 2 else dx), dsigma

    report = run(load_suite().select(["noise_layer/gradient-*"]), Mixed())
    assert [(r.case.id, r.kind) for r in report.failures] == [("noise_layer/gradient-pair", "inconsistent")]
