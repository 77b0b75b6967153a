"""What a case consists of, and the checks that no case may fail: JSON values, as they go into the files."""
import numpy as np

from refapprox.conformance.arrays import encode
from refapprox.conformance.mistakes import MISTAKES


def listed(geometry):
    """A convolution's geometry as JSON has it: pairs as lists."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in geometry.items()}


def exact(reason="integers"):
    return {"kind": "exact", "reason": reason}


def rounding(scale, roundings=64, reason="sums of a few dozen rounded terms of at most this size"):
    """`scale`: output -> size of the largest terms."""
    return {"kind": "rounding", "roundings": roundings, "scale": {name: float(s) for name, s in scale.items()},
            "reason": reason}


def absolute(bounds, reason):
    return {"kind": "absolute", "bounds": {name: float(bound) for name, bound in bounds.items()}, "reason": reason}


def make(case_id, operation, inputs, expected, *, probes, check, mistakes=None, reference, question=""):
    """One case. `expected` is the outputs, or convention -> outputs where `question` names what they differ about;
    `mistakes` that happen to give the right answer here are left out; "a + b" are two that do not simply add up."""
    conventions = expected if question else {"refapprox": expected}
    kept = {}
    for name, outputs in (mistakes or {}).items():
        if not set(name.split(" + ")) <= set(MISTAKES):
            raise ValueError(f"{case_id}: {name!r} is no known mistake.")
        if outputs is not None and not any(alike(outputs, right, check) for right in conventions.values()):
            kept[name] = outputs
    if check["kind"] == "absolute":
        conventions, kept = ({name: steady(outputs) for name, outputs in group.items()}
                             for group in (conventions, kept))
    case = {"id": case_id, "probes": probes, "operation": operation, "inputs": encode(inputs),
            "expected": encode(conventions), "check": encode(check), "mistakes": encode(kept),
            "reference": f"docs/conformance.md#{reference}"}
    if question:
        case["question"] = question
    return case


def steady(outputs):
    """`outputs` to 12 digits: logarithms and powers of different math libraries differ in the last of 16."""
    return {name: value if np.asarray(value).dtype.kind != "f" else
            np.array([float(f"{v:.12g}") for v in np.ravel(value).tolist()]).reshape(np.shape(value))
            for name, value in outputs.items()}


def alike(one, other, check):
    """Whether two sets of outputs could be mistaken for each other, by a float32 framework too."""
    if set(one) != set(other):
        return False
    return all(alike_values(one[name], other[name], limit(check, name)) for name in one)


def alike_values(one, other, within):
    one, other = np.asarray(one), np.asarray(other)
    if "U" in (one.dtype.kind, other.dtype.kind) or one.shape != other.shape:      # hashes, "refused"
        return one.shape == other.shape and bool(np.all(one == other))
    return bool((np.abs(one.astype(np.float64) - other.astype(np.float64)) <= within).all())


def limit(check, name):
    """What float32 answers are allowed to be off by, twice that where rounding decides."""
    if check["kind"] == "rounding":
        return 2 * check["roundings"] * 2.0 ** -23 * check["scale"].get(name, 0.0)
    return check.get("bounds", {}).get(name, 0.0)
