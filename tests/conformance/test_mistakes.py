"""The known mistakes: each is rejected and named, whether the specification makes it or refapprox's own code."""
import numpy as np
import pytest
from composed import Composed
from faults import FAULTS, touched

from refapprox import analog
from refapprox.conformance.adapters.native_analog import device
from refapprox.conformance.mutants import Mutant
from refapprox.conformance.running import run
from refapprox.conformance.spec import FAMILIES, MISTAKES, OPERATIONS, QUESTIONS
from refapprox.conformance.suite import load_suite

CASES = list(load_suite())
FEWER = {      # of the slow families some cases will do
    "circuits": ["circuits/*KV[8A]", "circuits/*2AC", "circuits/ApproxFlow-*"],
    "error_metrics": ["error_metrics/offset*"],
    "conv2d_padding": ["conv2d_padding/vertical", "conv2d_padding/*zero-point", "conv2d_padding/*kernel*"],
    "conv2d": ["conv2d/kernel-[12]*", "conv2d/stride*", "conv2d/dilation*", "conv2d/groups*"]}


@pytest.fixture(scope="module")
def shown():
    """mistake -> cases in which it shows, of enough cases of every family."""
    some = [case for family in FAMILIES for case in load_suite().select(FEWER.get(family, [family]))]
    return {mistake: [case for case in some if mistake in case.mistakes] for mistake in MISTAKES}


def test_every_mistake_shows_in_at_least_two_cases(shown):
    assert {mistake: len(cases) for mistake, cases in shown.items() if len(cases) < 2} == {}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mutant_is_rejected_and_its_mistake_is_the_likeliest(mistake, shown):
    report = run(shown[mistake], Mutant(mistake))
    assert len(report.failures) >= 2 and report.likely_mistakes[0][0] == mistake
    assert all(mistake in failure.diagnoses for failure in report.failures)


def test_the_specification_without_a_mistake_passes():
    report = run([case for case in CASES if case.family not in ("circuits", "error_metrics")], Mutant())
    assert report.ok, report.failures[0].message


@pytest.mark.parametrize("mistake", FAULTS)
def test_nine_failures_in_ten_of_an_injected_fault_name_its_mistake(mistake):
    report = run([case for case in CASES if case.operation in touched(FAULTS[mistake])], FAULTS[mistake]())
    named = [failure for failure in report.failures if mistake in failure.diagnoses]
    assert len(report.failures) >= 2 and report.likely_mistakes[0][0] == mistake
    assert len(named) >= 0.9 * len(report.failures), [f.case.id for f in report.failures if f not in named]


def test_what_faults_are_injected_into_passes_every_case():
    changed = set().union(*map(touched, FAULTS.values()))
    report = run([case for case in CASES if case.operation in changed], Composed())
    assert report.ok, report.failures[0].message


def test_two_mistakes_are_named_together():
    both = "transposed table + padding with code 0"
    report = run(load_suite().select(["conv2d_padding/*zero-point"]), Mutant(both))
    assert report.likely_mistakes[0] == (both, 2)
    adding = "missing zero-point cross term + flipped kernel"
    report = run(load_suite().select(["zero_points/conv2d-both"]), Mutant(adding))
    assert sorted(report.failures[0].diagnoses[0].split(" + ")) == sorted(adding.split(" + "))


def test_mistakes_that_are_met_alone_elsewhere_are_named_together():
    """A narrow accumulator and a wrong table do not add up; each explains some case by itself."""
    both = "transposed table + two's-complement order + saturating accumulator"
    report = run(load_suite().select(["matmul", "accumulation", "table_indexing"]), Mutant(both))
    named = {name for failure in report.failures for name in failure.diagnoses}
    assert all(failure.diagnoses for failure in report.failures)
    assert {frozenset(name.split(" + ")) for name in named} >= {frozenset(both.split(" + "))}


def test_an_unknown_mistake_is_named():
    with pytest.raises(ValueError, match="got 'nonsense'"):
        Mutant("nonsense")


def test_every_operation_and_part_is_used():
    operations = {example.operation.name for make in FAMILIES.values() for example in make()}
    assert operations == set(OPERATIONS)


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
    assert {case.question for case in CASES if case.question} == set(ANSWERS) == set(QUESTIONS)


def test_a_mixture_of_conventions_is_a_failure():
    class Mixed(Composed):
        conventions = {}

        def noise_layer_gradient(self, *, dy, x, sigma, eps):
            dx, dsigma = super().noise_layer_gradient(dy=dy, x=x, sigma=sigma, eps=eps)
            return (dy if x.size == 2 else dx), dsigma

    report = run(load_suite().select(["noise_layer/gradient-*"]), Mixed())
    assert [(r.case.id, r.kind) for r in report.failures] == [("noise_layer/gradient-pair", "inconsistent")]
