"""Run cases on an adapter and say, case by case, what came out."""
from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from refapprox.conformance.building import answer_under
from refapprox.conformance.calling import call
from refapprox.conformance.comparing import diagnose, diagnose_refusal, find_fault, is_refusal
from refapprox.conformance.program import Program, described
from refapprox.conformance.spec import MISTAKES
from refapprox.conformance.suite import Case
from refapprox.conformance.worker import describe

PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "not applicable"
DEFAULT_TIMEOUT = 10.0
FREQUENT = 6      # so many mistakes are tried together


@dataclass(frozen=True)
class Result:
    """What became of one case.

    Attributes
    ----------
    case : Case
    status : str
        "passed", "failed" or "not applicable".
    kind : str
        Of a failure: "wrong value", "wrong shape", "raised", "timed out", ...
    message : str
        What was found.
    diagnoses : list of str
        The known mistakes that give this answer, or what it looks like.
    convention : str
        The one that the answer follows, where they differ.
    answer : dict of str to ndarray
        The outputs.
    traceback : str
    seconds : float

    Examples
    --------
    >>> from refapprox.conformance import Adapter, load_suite, run
    >>> run(load_suite().select(["energy/exact"]), Adapter()).results[0].status
    'not applicable'
    """

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
    """Results of all cases on one adapter.

    Attributes
    ----------
    adapter : str
        Its name.
    digest : str
        SHA-256 of the suite.
    results : list of Result
    seconds : float
    remarks : list of str
        What is no failure, and should be known.

    Examples
    --------
    >>> from refapprox.conformance import Adapter, load_suite, run
    >>> report = run(load_suite().select(["energy"]), Adapter())
    >>> report.ok, report.count("not applicable")
    (False, 5)
    """

    adapter: str
    digest: str
    results: list
    seconds: float
    remarks: list = field(default_factory=list)

    def count(self, status: str) -> int:
        """How many results have a status: "passed", "failed" or "not applicable"."""
        return sum(result.status == status for result in self.results)

    @property
    def failures(self) -> list[Result]:
        """The results that failed."""
        return [result for result in self.results if result.status == FAILED]

    @property
    def ok(self) -> bool:
        """Something was checked, and nothing failed."""
        return not self.failures and self.count(PASSED) > 0

    @property
    def conventions(self) -> dict[str, str]:
        """question -> convention that the passed cases follow."""
        return {r.case.question: r.convention for r in self.results if r.status == PASSED and r.convention}

    @property
    def likely_mistakes(self) -> list[tuple[str, int]]:
        """Names of known mistakes with the number of failures that each explains, most frequent first."""
        return Counter(name for result in self.failures for name in result.diagnoses).most_common()


class InProcess:
    """Calls an adapter object in this process: no time limit, but a debugger works."""

    def __init__(self, adapter):
        self.adapter = adapter

    def describe(self):
        return described(describe(self.adapter))

    def call(self, case):
        return call(self.adapter, case.operation, case.inputs)

    def close(self):
        pass


def run(cases: Iterable[Case], target: Any, *, progress: Callable[[Result], Any] | None = None,
        maxfail: int | None = None) -> Report:
    """Run `cases` on `target`, a `Program`, an `InProcess` or an adapter object.

    Parameters
    ----------
    cases : iterable of Case
        A whole `Suite`, or what its `select` gives.
    target : Program, InProcess or adapter
    progress : callable, optional
        Called with each Result as it comes.
    maxfail : int, optional
        Stop after so many failures; by default every case is run.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If the adapter or program cannot be used at all: not found, not importable, dead before its first answer.

    Examples
    --------
    >>> from refapprox.conformance import Adapter, load_suite
    >>> class Mine(Adapter):
    ...     def relative_energy(self, *, opcounts, costs, cost_max):
    ...         return 100 * float((opcounts * costs).sum() / opcounts.sum() / cost_max)
    >>> report = run(load_suite().select(["energy"]), Mine())
    >>> report.ok, report.likely_mistakes[0]
    (False, ('percent instead of parts', 5))
    """
    cases, target = list(cases), target if isinstance(target, (Program, InProcess)) else InProcess(target)
    started, results, failed = time.perf_counter(), [], 0
    try:
        stated = target.describe()
        for case in cases:
            before = time.perf_counter()
            result = judged(case, target.call(case), stated["conventions"])
            results.append(replace(result, seconds=time.perf_counter() - before))
            failed += result.status == FAILED
            if progress:
                progress(results[-1])
            if maxfail is not None and failed >= maxfail:
                break
    finally:
        target.close()
    remarks = stated["remarks"]
    if len(results) < len(cases):
        remarks.append(f"stopped after {failed} failure(s): {len(cases) - len(results)} case(s) were not run")
    return Report(stated["name"], cases[0].digest if cases else "", consistent(in_company(results)),
                  time.perf_counter() - started, remarks)


def judged(case, outcome, conventions):
    """`judge`, for outcomes of which nothing is known: what cannot be judged has failed."""
    try:
        return judge(case, outcome, conventions)
    except Exception as error:
        return Result(case, FAILED, "bad reply", f"the answer cannot be judged: {type(error).__name__}: {error}")


def judge(case, outcome, conventions):
    """The Result of an outcome under the conventions that the adapter states."""
    status, message = outcome["status"], str(outcome.get("message", ""))
    refusal = case.check["kind"] == "refused"
    if status == "not applicable":
        return Result(case, NOT_APPLICABLE, message=message)
    if refusal and status == "refused":
        return Result(case, PASSED)
    if status != "ok":
        kind = "raised" if status in ("refused", "error") else status
        return Result(case, FAILED, kind, message, diagnose_refusal(case) if kind == "raised" else [],
                      traceback=str(outcome.get("traceback", "")))
    outputs = outcome["outputs"]
    if refusal:
        return Result(case, FAILED, "not refused", case.check["reason"], diagnose(case, outputs, ()), answer=outputs)
    stated = conventions.get(case.question)
    accepted = [stated] if isinstance(stated, str) and stated in case.expected else list(case.expected)
    faults = {convention: find_fault(case, case.expected[convention], outputs) for convention in accepted}
    right = [convention for convention, fault in faults.items() if fault is None]
    if right:
        return Result(case, PASSED, convention=right[0] if case.question and len(right) == 1 else "", answer=outputs)
    kind, text = faults[accepted[0]]
    return Result(case, FAILED, kind, text, diagnose(case, outputs, accepted), answer=outputs)


def in_company(results):
    """Results in which failures that nothing explains yet are explained by several mistakes at once.

    Tried are pairs and triples of those mistakes which show in the case and explain most of the other failures.
    """
    counts = Counter(name for result in results for told in result.diagnoses for name in told.split(" + ")
                     if name in MISTAKES)

    def explained(result):
        if result.kind != "wrong value" or any(set(told.split(" + ")) <= MISTAKES.keys() for told in result.diagnoses):
            return result
        frequent = [name for name, _ in counts.most_common() if name in result.case.mistakes][:FREQUENT]
        groups = [group for size in (2, 3) for group in itertools.combinations(frequent, size)]
        named = [" + ".join(group) for group in groups
                 if (outputs := answer_under(result.case, group)) is not None and not is_refusal(outputs)
                 and find_fault(result.case, outputs, result.answer) is None]
        return replace(result, diagnoses=named[:1] or result.diagnoses)

    return [explained(result) for result in results]


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
