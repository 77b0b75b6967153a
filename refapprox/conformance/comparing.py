"""Is an answer right, and if it is wrong, whose mistake is it?

The `check` of a case says how outputs are compared:

    exact       integers, equal
    rounding    |got - expected| <= roundings * eps * scale[output], eps that of the dtype returned: a float32 framework
                is held to float32, a float64 one to float64; outputs that are integers must be equal
    absolute    |got - expected| <= bounds[output], for statistical and libm-dependent answers; `reason` says why
    sha256      hash of the integer array as little-endian int32, row-major
    rows        every row is a row of the input `of`, and each distinct one comes up `counts[0]` to `counts[1]` times
    refused     the operation must raise; outputs within `bounds` (if any) of a known mistake's are diagnosed as it

A wrong answer is held against what each known mistake would have produced for the case, then against a few relations
that explain a wrong number wherever it comes from.
"""
import itertools

import numpy as np

from refapprox.conformance.spec.examples import table_hash

KINDS = ("exact", "rounding", "absolute", "sha256", "rows", "refused")


def find_fault(case, expected, outputs):
    """None where `outputs` are right by `expected`, else (kind, message) of the first fault."""
    for name, wanted in expected.items():
        got = outputs[name]
        fault = {"sha256": hash_fault, "rows": rows_fault}.get(case.check["kind"], array_fault)(case, name, wanted, got)
        if fault:
            return fault
    return None


def array_fault(case, name, wanted, got):
    wanted, integers = np.asarray(wanted), np.asarray(wanted).dtype.kind in "iu"
    if got.shape != wanted.shape:
        return "wrong shape", f"{name} must have shape {wanted.shape}, got {got.shape}."
    if got.dtype.kind not in ("iu" if integers else "f"):
        return "wrong dtype", f"{name} must be {'integers' if integers else 'floats'}, got dtype {got.dtype}."
    if not np.isfinite(got).all():
        where = first(~np.isfinite(got))
        return "not finite", f"{element(name, where)} is {got[where]}, expected {wanted[where]}."
    wrong = got != wanted if integers else np.abs(got - wanted) > allowed(case.check, name, got.dtype)
    if not wrong.any():
        return None
    where = first(wrong)
    limit = "" if integers else f" (within {allowed(case.check, name, got.dtype):.3g})"
    return "wrong value", (f"{element(name, where)} is {got[where]}, expected {wanted[where]}{limit}; "
                           f"{int(wrong.sum())} of {wrong.size} element(s) are wrong.")


def allowed(check, name, dtype):
    """Largest |got - expected| of the output `name` when it comes in `dtype`."""
    if check["kind"] == "rounding":
        return check["roundings"] * float(np.finfo(dtype).eps) * check["scale"][name]
    return check.get("bounds", {}).get(name, 0.0)      # of a refusal: how near a known mistake must be


def first(mask):
    """Index of the first True, as a tuple of ints."""
    return tuple(int(i) for i in np.argwhere(mask)[0])


def element(name, where):
    """An element of an output as a reader would write it."""
    return f"{name}[{', '.join(map(str, where))}]" if where else name


def hash_fault(case, name, wanted, got):
    if got.dtype.kind not in "iu":
        return "wrong dtype", f"{name} must be integers, got dtype {got.dtype}."
    if list(got.shape) != case.check["shape"]:
        return "wrong shape", f"{name} must have shape {tuple(case.check['shape'])}, got {got.shape}."
    if table_hash(got) == wanted:
        return None
    spots = [(tuple(at), value) for at, value in case.check["spots"] if got[tuple(at)] != value]
    seen = f" {element(name, spots[0][0])} is {got[spots[0][0]]}, expected {spots[0][1]}." if spots else ""
    return "wrong value", f"{name} has SHA-256 {table_hash(got)[:16]}..., expected {wanted[:16]}....{seen}"


def rows_fault(case, name, wanted, got):
    rows, (low, high) = case.inputs[case.check["of"]], case.check["counts"]
    if got.shape != tuple(wanted):
        return "wrong shape", f"{name} must have shape {tuple(wanted)}, got {got.shape}."
    equal = (got[:, None] == np.unique(rows, axis=0)[None]).all(axis=2)
    if not equal.any(axis=1).all():
        where = first(~equal.any(axis=1))
        return "wrong value", f"{element(name, where)} is {got[where].tolist()}, which is no row of {case.check['of']}."
    counts = equal.sum(axis=0)
    if counts.min() < low or counts.max() > high:
        return "wrong value", f"the rows come up {counts.tolist()} times, expected {low} to {high} each."
    return None


def diagnose(case, outputs, accepted):
    """Names of the known mistakes that produce just these outputs; failing that, what they look like.

    `accepted` are the conventions that would have been right: an answer by another one is named as such.
    """
    if case.check["kind"] == "rows":
        return []
    named = [mistake for mistake, wrong in case.mistakes.items()
             if not is_refusal(wrong) and find_fault(case, wrong, outputs) is None]
    named += [f"convention {convention!r} of {case.question!r}" for convention, other in case.expected.items()
              if convention not in accepted and find_fault(case, other, outputs) is None]
    return named or pairs_of_mistakes(case, outputs) or looks_like(case, next(iter(case.expected.values())), outputs)


def pairs_of_mistakes(case, outputs):
    """"a + b" for two mistakes that each change another term of the outputs, so that their effects add up.

    Asked only of outputs with several elements, which hardly agree by chance.
    """
    if case.check["kind"] in ("sha256", "refused") or sum(np.size(value) for value in outputs.values()) < 3:
        return []
    right = next(iter(case.expected.values()))
    single = {name: wrong for name, wrong in case.mistakes.items()
              if all(np.shape(wrong[key]) == np.shape(right[key]) for key in right) and not is_refusal(wrong)}
    both = {f"{a} + {b}": {key: np.asarray(single[a][key]) + single[b][key] - right[key] for key in right}
            for a, b in itertools.combinations(single, 2)}
    return [name for name, wrong in both.items() if find_fault(case, wrong, outputs) is None]


def diagnose_refusal(case):
    """Names of the known mistakes that make an operation raise here."""
    return [mistake for mistake, wrong in case.mistakes.items() if is_refusal(wrong)]


def is_refusal(outputs):
    return all(isinstance(value, str) and value == "refused" for value in outputs.values())


def looks_like(case, expected, outputs):
    """Relations between a wrong output and the right one that hint at the mistake."""
    if case.check["kind"] in ("sha256", "refused"):
        return []
    hints = []
    for name, wanted in expected.items():
        wanted, got = np.asarray(wanted, dtype=np.float64), np.asarray(outputs[name], dtype=np.float64)
        if not wanted.any() or not np.isfinite(got).all():
            continue
        if got.ndim >= 2 and got.shape != wanted.shape and got.T.shape == wanted.shape and np.allclose(got.T, wanted):
            hints.append(f"{name} is transposed")
        if got.shape != wanted.shape or np.allclose(got, wanted):
            continue
        if np.allclose(got, -wanted):
            hints.append(f"{name} has the opposite sign")
        elif wanted.size > 1 and np.allclose(got, wanted * (factor := (got * wanted).sum() / (wanted * wanted).sum())):
            hints.append(f"{name} is {factor:.6g} times what is expected")
        elif wanted.size > 1 and np.allclose(got - wanted, (got - wanted).flat[0]):
            hints.append(f"{name} is off by {(got - wanted).flat[0]:.6g} everywhere")
    return hints


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
