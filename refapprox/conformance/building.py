"""Cases from the specification: what the files hold, and what each known mistake would answer.

    python -m refapprox.conformance.building [FOLDER]

writes the files of the suite, by default where the package reads them.
"""
import hashlib
import io
import json
import sys
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.conformance.arrays import decode, encode
from refapprox.conformance.comparing import alike, is_refusal
from refapprox.conformance.spec import FAMILIES, MISTAKES, OPERATIONS, QUESTIONS
from refapprox.conformance.spec.arguments import ARGUMENTS
from refapprox.conformance.spec.base import mistakes_of, questions_of
from refapprox.conformance.spec.tables import TABLES, tabulated

OURS = "refapprox"      # the convention of a case that leaves no question
FORMAT, VERSION = "refapprox-conformance", 2


def case_of(family, example):
    """The case of an Example, as the files hold it."""
    operation, inputs = example.operation, decode(example.inputs, tabulated)
    right, evaluation = operation.evaluate(inputs)
    question, expected = conventions(operation, inputs, right, evaluation)
    check = (example.check or operation.check)(inputs, right)
    if check["kind"] == "refused":
        check["reason"] = evaluation.reason
    else:
        expected = {name: operation.stored(outputs) for name, outputs in expected.items()}
    if check["kind"] == "absolute":
        expected = {name: steady(outputs) for name, outputs in expected.items()}
    case = {"id": f"{family}/{example.name}", "probes": example.probes, "operation": operation.name,
            "inputs": encode(example.inputs), "expected": encode(expected), "check": encode(check)}
    return {**case, "question": question} if question else case


def conventions(operation, inputs, right, evaluation):
    """(question, convention -> outputs) where conventions show, else ("", the outputs under `OURS`)."""
    for question in questions_of(evaluation):
        ours, *others = QUESTIONS[question]
        answers = {ours: right, **{name: operation.evaluate(inputs, [(question, name)])[0] for name in others}}
        if any(not np.array_equal(answers[name][key], right[key]) for name in others for key in right):
            return question, answers
    return "", {OURS: right}


def steady(outputs):
    """`outputs` to 12 digits: logarithms and powers of different math libraries differ in the last of 16."""
    return {name: value if np.asarray(value).dtype.kind != "f" else
            np.array([float(f"{v:.12g}") for v in np.ravel(value).tolist()]).reshape(np.shape(value))
            for name, value in outputs.items()}


def mistaken(case):
    """name -> outputs of every known mistake that shows in a Case; "a + b" are two that meet in one step."""
    inputs, found = case.inputs, {}
    for name in mistakes_of(OPERATIONS[case.operation].evaluate(inputs)[1]):
        names = name.split(" + ")
        if len(names) > 1 and not found.keys() >= set(names):
            continue      # one of the two does not show here
        outputs = answer_under(case, names, inputs)
        others = [*case.expected.values(), *(found[part] for part in names if len(names) > 1)]
        if outputs is not None and not any(alike(outputs, other, case.check) for other in others):
            found[name] = outputs
    return found


def answer_under(case, mistakes, inputs=None):
    """Outputs of a Case under mistakes that are made all at once; None where they have no answer."""
    operation = OPERATIONS[case.operation]
    outputs, _ = operation.evaluate(case.inputs if inputs is None else inputs, mistakes)
    return outputs if outputs is None or is_refusal(outputs) else operation.stored(outputs)


# ---- files


def write_suite(folder):
    """Write every file of the suite into `folder`; the manifest comes last."""
    write_pack(folder, {family: [case_of(family, example) for example in make()] for family, make in FAMILIES.items()})


def export(folder, suite, *, with_mistakes=False):
    """Write the cases of a Suite, everything literal: tables as npy files, rules named, mistaken answers if asked."""
    families = {}
    for case in suite:
        stored = {**suite.stored(case.id), "reference": case.reference}
        if with_mistakes:
            stored["mistakes"] = encode(case.mistakes)
        families.setdefault(case.family, []).append(stored)
    tables = {f"tables/{name}.npy": npy(tabulated(name)) for name in TABLES}
    said = {"tables": {name: {"signed": signed, "what": what} for name, (signed, _, what) in TABLES.items()},
            "operations": {name: {"inputs": list(operation.signature.parameters), "outputs": list(operation.outputs),
                                  "rule": " ".join(operation.definition.__doc__.split())}
                           for name, operation in OPERATIONS.items()},
            "arguments": {name: what for name, (_, what) in ARGUMENTS.items()}, "mistakes": MISTAKES}
    write_pack(folder, families, tables, said)


def write_pack(folder, families, more=None, said=None):
    """Write `families` (name -> cases), `more` (file -> content), and the manifest, which says `said` as well."""
    folder = Path(folder)
    contents = {**(more or {}), **{f"{family}.json": family_file(family, cases) for family, cases in families.items()}}
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        files.write_bytes(folder / name, content)
    manifest = {"format": FORMAT, "version": VERSION, "families": list(families), **(said or {}),
                "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}}
    files.write_json(folder / "manifest.json", {**manifest, "digest": digest(manifest)})


def digest(manifest):
    """SHA-256 of the manifest without its digest, as compact JSON with sorted keys."""
    content = {key: value for key, value in manifest.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def npy(array):
    """`array` as an npy file, version 1.0, little-endian."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array, array.dtype.newbyteorder("<")), version=(1, 0))
    return buffer.getvalue()


def family_file(family, cases):
    """One family as JSON with one case a line; ids must be unique and of the family."""
    ids = [case["id"] for case in cases]
    if len(set(ids)) != len(ids) or not all(case_id.startswith(f"{family}/") for case_id in ids):
        raise ValueError(f"ids of family {family} must be unique and start with {family}/.")
    lines = ",\n".join(json.dumps(case, allow_nan=False, separators=(",", ":")) for case in cases)
    return f'{{"family": "{family}", "cases": [\n{lines}\n]}}\n'.encode()


if __name__ == "__main__":
    write_suite(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "cases")
