"""A Report as text, as JUnit XML and as one self-contained HTML page."""
import html
import xml.etree.ElementTree as ElementTree
from collections import Counter

from refapprox.conformance.reproducing import reproduction
from refapprox.conformance.running import FAILED, NOT_APPLICABLE, PASSED
from refapprox.conformance.spec import MISTAKES
from refapprox.report.page import html_table, paragraph, provenance
from refapprox.report.page import page as page_text


def by_family(report):
    """family -> Counter of statuses, in the order of the suite."""
    families = {}
    for result in report.results:
        families.setdefault(result.case.family, Counter())[result.status] += 1
    return families


def applied(report):
    """`by_family` of the families of which some case applies, and the names of the others."""
    families = by_family(report)
    others = [family for family, counts in families.items() if not counts[PASSED] + counts[FAILED]]
    return {family: counts for family, counts in families.items() if family not in others}, others


def summary(report):
    """One line."""
    verdict = "conforms" if report.ok else ("fails" if report.failures else "nothing was checked")
    return printable(f"{report.adapter}: {verdict}: {report.count(PASSED)} passed, {report.count(FAILED)} failed, "
                     f"{report.count(NOT_APPLICABLE)} not applicable, {report.seconds:.1f} s, cases "
                     f"{report.digest[:12]}")


def failure_text(result, source):
    """What a reader needs to find one mistake."""
    case = result.case
    lines = [f"FAILED {case.id}: {result.kind}", f"  probes      {case.probes}", f"  found       {result.message}"]
    lines += [f"  likely      {name}: {explained(name)}" if explained(name) else f"  likely      {name}"
              for name in result.diagnoses]
    lines += [f"  rule        {case.reference}", "  reproduce"]
    lines += [f"    {line}" for line in reproduction(result, source).splitlines()]
    if result.traceback:
        lines += ["  traceback", *(f"    {line}" for line in result.traceback.rstrip().splitlines())]
    return printable("\n".join(lines))


def explained(diagnosis):
    """What the known mistakes of a diagnosis are."""
    return "; ".join(MISTAKES[name] for name in diagnosis.split(" + ") if name in MISTAKES)


def text(report, source, *, details=True):
    """Failures, the families that apply, the likely mistakes, remarks, and the verdict at the end."""
    lines = [failure_text(result, source) + "\n" for result in report.failures] if details else []
    families, others = applied(report)
    width = max(map(len, families), default=0)
    for family, counts in families.items():
        told = [f"{counts[status]:4} {status}" for status in (PASSED, FAILED, NOT_APPLICABLE) if counts[status]]
        lines.append(f"{family:{width}} {','.join(told)}")
    if others:
        lines.append(f"not applicable: {', '.join(others)}")
    lines += [f"convention: {question}: {answer}" for question, answer in report.conventions.items()]
    lines += [f"likely mistake in {count} case(s): {name}" for name, count in report.likely_mistakes]
    lines += [f"remark: {remark}" for remark in report.remarks]
    return printable("\n".join([*lines, summary(report)]))


def junit(report, source):
    """JUnit XML: a testcase a case, its family the class; operations that are not offered are skipped."""
    suite = ElementTree.Element("testsuite", name=printable(f"refapprox conformance of {report.adapter}"),
                                tests=str(len(report.results)), failures=str(len(report.failures)), errors="0",
                                skipped=str(report.count(NOT_APPLICABLE)), time=f"{report.seconds:.3f}")
    for result in report.results:
        case = ElementTree.SubElement(suite, "testcase", classname=result.case.family, name=result.case.id,
                                      time=f"{result.seconds:.3f}")
        if result.status == FAILED:
            failure = ElementTree.SubElement(case, "failure", type=printable(result.kind),
                                             message=printable(result.message))
            failure.text = failure_text(result, source)
        elif result.status == NOT_APPLICABLE:
            ElementTree.SubElement(case, "skipped", message="not applicable")
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def printable(string):
    """`string` without what a terminal obeys and what XML, HTML and UTF-8 cannot hold."""
    return "".join(c for c in string if c in "\n\t" or c.isprintable())


def page(report, source, command=""):
    """One HTML page without scripts or links to elsewhere; `command` is what was typed to get it."""
    families, others = applied(report)
    rows = [(family, *(str(counts[status] or "") for status in (PASSED, FAILED, NOT_APPLICABLE)))
            for family, counts in families.items()]
    failures = "".join(f"<details><summary>{html.escape(r.case.id)}: {html.escape(r.kind)}"
                       f"{html.escape(' (' + ', '.join(r.diagnoses) + ')') if r.diagnoses else ''}</summary>"
                       f"<pre>{html.escape(failure_text(r, source))}</pre></details>" for r in report.failures)
    tables = [("Likely mistakes", ("mistake", "cases"), report.likely_mistakes),
              ("Families", ("family", "passed", "failed", "not applicable"), rows),
              ("Conventions followed", ("question", "answer"), report.conventions.items())]
    sections = [(title, html_table(header, [tuple(map(str, row)) for row in body])) for title, header, body in tables
                if body]
    notes = [*report.remarks, *([f"not applicable: {', '.join(others)}"] if others else [])]
    if notes:
        sections.append(("Remarks", "".join(paragraph(note) for note in notes)))
    if failures:
        sections.append(("Failures", failures))
    about = provenance(command=command or f"an adapter at {source}", cases=report.digest[:12],
                       seconds=f"{report.seconds:.1f}")
    return printable(page_text(f"Conformance of {report.adapter}", verdict(report), sections, about))


def verdict(report):
    """Two sentences: whether the adapter conforms, and what is most likely wrong with it."""
    checked = report.count(PASSED) + report.count(FAILED)
    if not checked:
        return [f"Nothing of {report.adapter} was checked: no case applies to it."]
    if report.ok:
        return [f"{report.adapter} conforms: all {checked} cases that apply to it pass."]
    first = f"{report.adapter} fails {report.count(FAILED)} of the {checked} cases that apply to it."
    likely = list(report.likely_mistakes)
    if not likely:
        return [first, "No known mistake explains the failures."]
    name, count = likely[0][:2]
    return [first, f"The likeliest mistake is {name}, which explains {count} of them."]
