"""Run cases on an adapter and say, case by case, what came out."""
import time
from collections import Counter
from dataclasses import dataclass, field, replace

from refapprox.conformance.calling import call
from refapprox.conformance.comparing import diagnose, diagnose_refusal, find_fault
from refapprox.conformance.program import Program
from refapprox.conformance.suite import Case
from refapprox.conformance.worker import describe

PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "not applicable"
DEFAULT_TIMEOUT = 10.0


@dataclass(frozen=True)
class Result:
    """What became of one case: `status`, and for a failure its `kind`, a `message` and the likely mistakes."""

    case: Case
    status: str
    kind: str = ""
    message: str = ""
    diagnoses: list = field(default_factory=list)
    convention: str = ""
    answer: dict = field(default_factory=dict)
    traceback: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """Results of all cases on one adapter."""

    adapter: str
    digest: str
    results: list
    seconds: float

    def count(self, status):
        return sum(result.status == status for result in self.results)

    @property
    def failures(self):
        return [result for result in self.results if result.status == FAILED]

    @property
    def ok(self):
        """Something was checked, and nothing failed."""
        return not self.failures and self.count(PASSED) > 0

    @property
    def conventions(self):
        """question -> convention that the passed cases follow."""
        return {r.case.question: r.convention for r in self.results if r.status == PASSED and r.convention}

    @property
    def likely_mistakes(self):
        """Names of known mistakes with the number of failures that each explains, most frequent first."""
        return Counter(name for result in self.failures for name in result.diagnoses).most_common()


class InProcess:
    """Calls an adapter object in this process: no time limit, but a debugger works."""

    def __init__(self, adapter):
        self.adapter = adapter

    def describe(self):
        stated = describe(self.adapter)
        return stated["name"], stated["conventions"]

    def call(self, case):
        return call(self.adapter, case.operation, case.inputs)

    def close(self):
        pass


def run(cases, target, *, progress=None):
    """Run `cases` on `target`, a `Program`, an `InProcess` or an adapter object.

    Parameters
    ----------
    cases : sequence of Case
    target : Program, InProcess or adapter
    progress : callable, optional
        Called with each Result as it comes.

    Returns
    -------
    Report
    """
    target = target if isinstance(target, (Program, InProcess)) else InProcess(target)
    started = time.perf_counter()
    try:
        name, conventions = target.describe()
        results = []
        for case in cases:
            before = time.perf_counter()
            result = judge(case, target.call(case), conventions)
            results.append(replace(result, seconds=time.perf_counter() - before))
            if progress:
                progress(results[-1])
    finally:
        target.close()
    return Report(name, cases[0].suite.digest if cases else "", consistent(results), time.perf_counter() - started)


def judge(case, outcome, conventions):
    """The Result of an outcome under the conventions that the adapter states."""
    status, message = outcome["status"], outcome.get("message", "")
    refusal = case.check["kind"] == "refused"
    if status == "not applicable":
        return Result(case, NOT_APPLICABLE, message=message)
    if refusal and status == "refused":
        return Result(case, PASSED)
    if status != "ok":
        kind = "raised" if status in ("refused", "error") else status
        return Result(case, FAILED, kind, message, diagnose_refusal(case) if kind == "raised" else [],
                      traceback=outcome.get("traceback", ""))
    outputs = outcome["outputs"]
    if refusal:
        return Result(case, FAILED, "not refused", case.check["reason"], diagnose(case, outputs, ()), answer=outputs)
    stated = conventions.get(case.question)
    accepted = [stated] if stated in case.expected else list(case.expected)
    faults = {convention: find_fault(case, case.expected[convention], outputs) for convention in accepted}
    right = [convention for convention, fault in faults.items() if fault is None]
    if right:
        return Result(case, PASSED, convention=right[0] if case.question and len(right) == 1 else "", answer=outputs)
    kind, text = faults[accepted[0]]
    return Result(case, FAILED, kind, text, diagnose(case, outputs, accepted), answer=outputs)


def consistent(results):
    """Results in which a question that was answered by two conventions fails where the rarer one was used."""
    answers = {}
    for result in results:
        if result.status == PASSED and result.convention:
            answers.setdefault(result.case.question, Counter())[result.convention] += 1
    usual = {question: counts.most_common(1)[0][0] for question, counts in answers.items()}
    return [replace(result, status=FAILED, kind="inconsistent", message=(
                f"answers by convention {result.convention!r} of {result.case.question!r}, elsewhere by "
                f"{usual[result.case.question]!r}."))
            if result.status == PASSED and result.convention and result.convention != usual[result.case.question]
            else result for result in results]
