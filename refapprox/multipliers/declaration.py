"""Sign, widths and order of any source of a multiplier, decided in one place.

For each of them the first of these origins that says something decides:

    the caller                          --signed, signed=True
    the side file                       mine.json beside mine.npy, mine.v, mine.c: see `side_file`
    the source's own declaration        ports declared signed, int8_t parameters, a format for unsigned operands
    its name                            mul8u_..., mul8s_...
    its entries                         an unsigned dtype, or the one reading that makes nearly all of them the product

A missing ``signed`` in a netlist and ``int`` in C declare nothing. Entries decide where *exactly one* reading makes
them products: an entry counts as the product if it is off by at most `TOLERANCE` of the largest product, and at least
`NEARLY_ALL` of them must be. On every multiplier of EvoApproxLib of at most 8 bits and on every member of the families
no wrong reading comes near that share (the largest has 0.57), and most right ones reach it; the corpus and the counts
are in tests/multipliers/test_declaration.py. What stays open is an `UndeclaredError` that says how to state it.
"""
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from refapprox.multipliers import side_file
from refapprox.multipliers.codes import all_pairs
from refapprox.multipliers.known import spread_operands
from refapprox.multipliers.names import pair, shape_of
from refapprox.multipliers.operator import BinaryOperator
from refapprox.validation import check_choice, check_flag, check_integer

ORDERS = ("value", "code")
TOLERANCE = 1 / 8
NEARLY_ALL = 7 / 8
CALLER = "the caller"
FIELDS = ("signed", "bits", "order", "operation")
API_WORDS = {"signed": "signed=True or signed=False", "bits": "bits=8 or bits=(8, 4)",
             "order": "order='value' or order='code'", "operation": "operation='mul' or operation='add'"}
COMMAND_WORDS = {"signed": "--signed or --unsigned", "bits": "--bits 8 or --bits 8x4",
                 "order": "--order value or --order code", "operation": "--operation mul or --operation add"}
SIDE_WORDS = {"signed": '{"signed": true}', "bits": '{"bits": 8}', "order": '{"order": "value"}',
              "operation": '{"operation": "mul"}'}


class ContradictionWarning(UserWarning):
    """Two origins say different things of a source; the message says which one was followed."""


class UndeclaredError(ValueError):
    """What a source does not say of itself, and how to state it: in Python by default, `spoken` on the command line."""

    def __init__(self, source, field, why):
        self.source, self.field, self.why = source, field, why
        super().__init__(self.text(API_WORDS))

    def text(self, words):
        what = {"signed": "whether {} is signed", "bits": "which widths the operands of {} have",
                "order": "in which order the rows and columns of {} are",
                "operation": "what {} computes"}[self.field].format(self.source)
        path = Path(str(self.source))
        side = f", or {SIDE_WORDS[self.field]} in {path.with_suffix('.json').name}" if path.suffix else ""
        return f"{what} is not declared{self.why}. Say {words[self.field]}{side}."

    def spoken(self):
        """The message in the words of the command line."""
        return self.text(COMMAND_WORDS)


class UnfitError(ValueError):
    """Entries that cannot be what is said of them, such as 65025 as a signed product."""


class Claim(NamedTuple):
    """What one origin says of a source; None where it says nothing.

    `fixed_bits` says that the widths cannot be others: those of ports, and of the shape of a table.
    """

    origin: str
    signed: bool | None = None
    bits: tuple | None = None
    order: str | None = None
    operation: str | None = None
    fixed_bits: bool = False


class Reading(NamedTuple):
    """One way to read the entries of a source, as an operator; `order` is None where there is only one."""

    signed: bool
    order: str | None
    operator: BinaryOperator


class Decision(NamedTuple):
    """What was taken of a source, from which origin (`origins`), and which contradictions there were (`remarks`)."""

    signed: bool | None
    bits: tuple | None
    order: str | None
    operation: str | None
    origins: dict
    remarks: tuple

    def told(self):
        """Such as "signed, from the side file mine.json; 8x8 bits, from its ports"."""
        return "; ".join(f"{worded(field, getattr(self, field))}, from {self.origins[field]}"
                         for field in FIELDS if field in self.origins)

    def info(self):
        """What a multiplier's `info` keeps of it."""
        return {"origins": dict(self.origins)} | ({"remarks": list(self.remarks)} if self.remarks else {})


def say(claim):
    """The verb that goes with an origin."""
    return "say" if claim.origin.endswith("s") and not claim.origin.endswith("ss") else "says"


def worded(field, value):
    """A decided value in words."""
    if field == "signed":
        return "signed" if value else "unsigned"
    if field == "bits":
        return f"{value[0]}x{value[1]} bits"
    return f"{value} order" if field == "order" else {"mul": "a multiplier", "add": "an adder"}[value]


def decide(source: object, *, signed: bool | None = None, bits: int | tuple | None = None, order: str | None = None,
           operation: str | None = None, about: dict | None = None, name: str | None = None,
           declared: Claim | None = None, shape: tuple | None = None,
           readings: Callable[[], Iterable[Reading]] | None = None, dtype: object = None,
           needs: tuple = ("signed",)) -> Decision:
    """Sign, widths, order and operation of a source.

    Parameters
    ----------
    source : path or str
        Named in messages; its file name may tell, and a side file may lie beside it.
    signed, bits, order, operation : optional
        What the caller states; bits is one width, or two.
    about : dict, optional
        What the side file says, where the caller has read it.
    name : str, optional
        The name that may tell, where it is not that of the file.
    declared : Claim, optional
        What the source says of itself.
    shape : (int, int), optional
        Widths that a table has by its shape.
    readings : callable, optional
        Gives every possible `Reading` of the entries. It is called only if sign or order are still open.
    dtype : numpy dtype, optional
        Of a stored table: an unsigned one is evidence.
    needs : tuple of str, optional
        Which of `FIELDS` must not stay open (an UndeclaredError); "order" of signed operands only.

    Examples
    --------
    >>> decide("mul8s_MINE.v").told()
    'signed, from its name; 8x8 bits, from its name; a multiplier, from its name'
    """
    stated = Claim(CALLER, None if signed is None else check_flag(f"signed of {source}", signed),
                   checked_bits(source, bits),
                   None if order is None else check_choice(f"order of {source}", order, ORDERS),
                   None if operation is None else check_choice(f"operation of {source}", operation, ("mul", "add")))
    by_shape = shape and Claim("its shape", bits=shape, fixed_bits=True)
    claims = [claim for claim in (stated, side_claim(source, about), by_shape, declared,
                            name_claim(source if name is None else name)) if claim]
    taken, origins, remarks = {}, {}, []
    for field in FIELDS:
        settle(source, field, claims, taken, origins, remarks)
    for field in ("bits", "operation"):
        if field in needs and field not in taken:
            raise UndeclaredError(source, field, "")
    is_open = "signed" not in taken or "order" in needs and "order" not in taken and taken["signed"]
    by_caller = shape and origins.get("signed") == CALLER                # of a table; a circuit has patterns, not signs
    is_asked = readings is not None and taken.get("operation", "mul") == "mul" and (is_open or by_caller)
    possible = list(readings()) if is_asked else []
    if possible and "signed" in taken and all(reading.signed != taken["signed"] for reading in possible):
        raise UnfitError(f"{source} cannot be {worded('signed', taken['signed'])}, as {origins['signed']} says: "
                         f"its entries are no such products.")
    if by_caller and possible:
        by_entries(possible, None, seen := {}, {})
        if seen.get("signed", taken["signed"]) != taken["signed"]:
            remarks.append(f"{worded('signed', taken['signed'])}, as {CALLER} says; its entries are those of "
                           f"{worded('signed', seen['signed'])} products.")
    why = by_entries(possible, dtype, taken, origins) if possible and is_open else ""
    if "signed" in needs and "signed" not in taken:
        raise UndeclaredError(source, "signed", why)
    if "order" in needs and "order" not in taken:
        if taken["signed"]:
            raise UndeclaredError(source, "order", why)
        taken["order"] = "value"                         # of unsigned operands there is only one
    for remark in remarks:
        warnings.warn(f"{source}: {remark}", ContradictionWarning, stacklevel=2)
    return Decision(*(taken.get(field) for field in FIELDS), origins, tuple(remarks))


def settle(source, field, claims, taken, origins, remarks):
    """Take `field` from the first of `claims` that knows it, and remark on those that say otherwise."""
    said = [claim for claim in claims if getattr(claim, field) is not None]
    if not said:
        return
    fixed = [claim for claim in said if field == "bits" and claim.fixed_bits]
    first = (fixed or said)[0]
    value = getattr(first, field)
    for claim in said:
        other = getattr(claim, field)
        if other == value:
            continue
        if fixed and claim.origin == CALLER:
            raise ValueError(f"{source} has {worded(field, value)} by {first.origin}: it cannot be read as "
                             f"{worded(field, other)}.")
        remarks.append(f"{worded(field, value)}, as {first.origin} {say(first)}; {claim.origin} {say(claim)} "
                       f"{worded(field, other)}.")
    taken[field] = value
    origins[field] = next(claim.origin for claim in said if getattr(claim, field) == value)


def by_entries(readings, dtype, taken, origins):
    """Let the entries decide what is open of sign and order; what they say, for the message where they do not."""
    possible = [reading for reading in readings if reading.signed == taken.get("signed", reading.signed)
                and reading.order in (None, taken.get("order", reading.order)) or
                not reading.signed and not taken.get("signed", False)]
    shares = [product_share(reading.operator) for reading in possible]
    fitting = [reading for reading, share in zip(possible, shares, strict=True) if share >= NEARLY_ALL]
    if len(possible) == 1 and possible[0].order:
        fitting = possible                                 # of a table: the other readings cannot hold its entries
    unsigned_dtype = dtype is not None and np.dtype(dtype).kind == "u"
    if len(fitting) == 1:
        found, origin = fitting[0], "its entries"
    elif unsigned_dtype and not fitting and "signed" not in taken:
        found, origin = Reading(False, "value", None), f"its dtype {np.dtype(dtype)}"
    else:
        said = ", ".join(f"{reading_words(reading)} {100 * share:.0f} %"
                         for reading, share in zip(possible, shares, strict=True))
        return f", and its entries do not tell: read as {said} of them are about products" if said else ""
    if unsigned_dtype and found.signed and "signed" not in taken:
        return f", and its dtype {np.dtype(dtype)} is unsigned while its entries are those of signed products"
    for field, value in (("signed", found.signed), ("order", found.order)):
        if value is not None and field not in taken:
            taken[field], origins[field] = value, origin
    return ""


def reading_words(reading):
    return worded("signed", reading.signed) + (f" in {reading.order} order" if reading.signed and reading.order else "")


def product_share(operator):
    """Share of operand pairs whose result is within `TOLERANCE` of the largest product of the exact one; a float."""
    x, w = all_pairs(operator) if operator.has_table else spread_operands(operator)
    result = operator.lut.ravel() if operator.has_table else operator(x, w)
    exact = operator.exact(x, w).astype(np.float64)
    return float(np.mean(np.abs(result - exact) <= TOLERANCE * np.abs(exact).max()))


def checked_bits(source, bits):
    """`bits` as a pair of ints, or None."""
    if bits is None:
        return None
    return tuple(check_integer(f"bits of {source}", width, minimum=1, maximum=64) for width in pair(bits))


def side_claim(source, about):
    """What the side file says."""
    path = side_file.beside(source)
    about = side_file.read(path) if about is None and path else about or {}
    origin = f"the side file {path.name}" if path else "the side file"
    return Claim(origin, about.get("signed"), checked_bits(source, about.get("bits")), about.get("order"),
                 about.get("operation"))


def name_claim(source):
    """What a published name says."""
    shape = shape_of(Path(str(source)).stem.removesuffix("_pdk45"))
    return shape and Claim("its name", shape.signed, (shape.bits_x, shape.bits_w), None, shape.operation)
