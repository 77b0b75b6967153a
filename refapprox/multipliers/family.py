"""Multiplier families by name: parameters in, a table (up to 8 bits) or a circuit (up to 16) out.

    from_family("drum", k=6)                          Multiplier, signed 8x8, sign-magnitude
    from_family("broken_array(h=2, v=5)")             the same as with h=2, v=5 given as arguments
    from_family("ou", level=3, bits=16, signed=False) Circuit
    family_netlist("truncated", k=6, correction="constant")   its gates

A signed multiplier of a family is made by a named extension: "baugh-wooley", where cells of the partial-product
matrix carry their signed weights, "sign-magnitude" or "ones-complement" (`circuits.signs`) around the unsigned one.
"""
from __future__ import annotations

import re
from fractions import Fraction

from refapprox.multipliers.circuit import Circuit
from refapprox.multipliers.circuits.builder import Builder
from refapprox.multipliers.circuits.netlist import Netlist
from refapprox.multipliers.circuits.signs import EXTENSIONS, as_function, as_wires
from refapprox.multipliers.family_table import FAMILIES, REQUIRED, Family
from refapprox.multipliers.multiplier import MAX_BITS, Multiplier
from refapprox.validation import check_choice, check_flag, check_integer, check_real, shown

MIN_FAMILY_BITS, MAX_FAMILY_BITS = 2, 16
SPECIFICATION = re.compile(r"\s*([\w-]+)\s*(?:\((.*)\))?\s*", re.DOTALL)


def families() -> dict[str, Family]:
    """Every family by name: kind, parameters, rule, reference.

    Returns
    -------
    dict of str to family_table.Family

    Examples
    --------
    >>> families()["drum"].rule
    'k bits from the leading one on, the last set to one where bits were cut'
    """
    return dict(FAMILIES)


def from_family(name: str, *, bits: int = 8, signed: bool = True, extension: str | None = None,
                performance_metric: float = float("nan"), **parameters: object) -> Multiplier | Circuit:
    """A multiplier of a family.

    Parameters
    ----------
    name : str
        A key of `families`, or a specification such as "drum(k=6)" or "broken_array(2, 5)".
    bits : int, optional
        Width of both operands, 2 to 16.
    signed : bool, optional
        Two's-complement operands.
    extension : "baugh-wooley", "sign-magnitude" or "ones-complement", optional
        How the family is made signed; by default "baugh-wooley" where the family has it, else "sign-magnitude".
    performance_metric : float, optional
        Its cost; `cost.power` of `family_netlist` estimates it for families of gates.
    **parameters
        Those of the family.

    Returns
    -------
    Multiplier up to 8 bits, Circuit above
        ``info`` holds family, parameters, extension and reference.

    Raises
    ------
    ValueError
        Naming the family, parameter or extension that is unknown, missing or out of range.

    Examples
    --------
    >>> drum = from_family("drum(k=6)", signed=False)
    >>> int(drum(200, 100)), (200 | 4) * (100 | 2)       # 200 >= 128 loses 2 bits, 100 >= 64 loses one
    (20808, 20808)
    """
    family, values, extension, bits, signed = checked_choice(name, bits, signed, extension, parameters)
    label = f"{specification(family, values)}_{bits}{'s' if signed else 'u'}"
    plain = {key: float(value) if isinstance(value, Fraction) else value for key, value in values.items()}
    info = {"family": family.name, "parameters": plain, "extension": extension, "reference": family.reference}
    if family.kind == "circuit":
        netlist = build(family, values, bits, signed, extension)
        make = netlist.to_multiplier if bits <= MAX_BITS else netlist.to_circuit
        return make(label, performance_metric=performance_metric, info=info)
    circuit = Circuit(label, rule_function(family, values, bits, extension), bits, bits, signed, performance_metric,
                      info=info)
    return circuit.to_multiplier() if bits <= MAX_BITS else circuit


def family_netlist(name: str, *, bits: int = 8, signed: bool = True, extension: str | None = None,
                   **parameters: object) -> Netlist:
    """The gates of a multiplier of a circuit family.

    Parameters
    ----------
    name, bits, signed, extension, **parameters
        As of `from_family`.

    Returns
    -------
    Netlist

    Raises
    ------
    ValueError
        As of `from_family`, and where the family is a rule without gates.

    Examples
    --------
    >>> family_netlist("truncated", k=4, bits=4, signed=False).gate_counts()
    {'AND': 6, 'HA': 3, 'FA': 2}
    """
    family, values, extension, bits, signed = checked_choice(name, bits, signed, extension, parameters)
    if family.kind != "circuit":
        gates = ", ".join(f.name for f in FAMILIES.values() if f.kind == "circuit")
        raise ValueError(f"family {family.name} is a rule without gates; families with gates are {gates}.")
    return build(family, values, bits, signed, extension)


def build(family, values, bits, signed, extension):
    """The netlist of a checked choice."""
    builder = Builder([("A", bits), ("B", bits)])
    x, w = builder.operands
    if family.native_signed:
        def core(builder, x, w, signed=False):
            return family.function(builder, x, w, signed, **values)
    else:
        def core(builder, x, w):
            return family.function(builder, x, w, **values)
    if extension in EXTENSIONS:
        product = as_wires(builder, core, x, w, extension)
    elif family.native_signed:
        product = core(builder, x, w, signed)
    else:
        product = core(builder, x, w)
    return builder.netlist(product, signed, f"{specification(family, values)}_{bits}{'s' if signed else 'u'}")


def rule_function(family, values, bits, extension):
    """The function (x, w) -> product on int64 arrays of a checked choice."""
    def core(x, w):
        return family.function(x, w, bits, **values)
    return as_function(core, extension) if extension else core


def checked_choice(name, bits, signed, extension, parameters):
    """(family, parameter values, extension or None when unsigned, bits, signed), everything checked."""
    bits = check_integer("bits of a family", bits, minimum=MIN_FAMILY_BITS, maximum=MAX_FAMILY_BITS)
    signed = check_flag("signed of a family", signed)
    family, given = parse_specification(name)
    both = set(given) & set(parameters)
    if both:
        raise ValueError(f"parameter {sorted(both)[0]} of {family.name} is given both in {name!r} and beside it.")
    values = check_parameters(family, {**given, **parameters}, bits)
    choices = (("baugh-wooley",) if family.native_signed else ()) + EXTENSIONS
    if not signed:
        if extension is not None:
            raise ValueError(f"extension {extension!r} of {family.name} is for signed multipliers, got signed=False.")
        return family, values, None, bits, signed
    extension = choices[0] if extension is None else check_choice(f"extension of {family.name}", extension, choices)
    return family, values, extension, bits, signed


def parse_specification(text):
    """(family, parameters) of "name", "name(1, 2)" or "name(k=1, correction=constant)"."""
    match = SPECIFICATION.fullmatch(str(text))
    if match is None:
        raise ValueError(f"name of a family must look like drum(k=6), got {shown(text)}.")
    name, inside = match.groups()
    family, given = FAMILIES[check_choice("family", name, FAMILIES)], {}
    for position, part in enumerate(filter(None, map(str.strip, (inside or "").split(",")))):
        key, equals, value = part.partition("=")
        if not equals:
            if position >= len(family.parameters):
                raise ValueError(f"family {name} takes {len(family.parameters)} parameter(s), got {shown(text)}.")
            key, value = family.parameters[position].name, part
        if key.strip() in given:
            raise ValueError(f"parameter {key.strip()} of {name} is given twice in {text!r}.")
        given[key.strip()] = value.strip()
    return family, given


def check_parameters(family, given, bits):
    """Values of all parameters of a family, defaults filled in."""
    known = {parameter.name: parameter for parameter in family.parameters}
    for name in given:
        if name not in known:
            raise ValueError(f"family {family.name} has no parameter {name!r}; "
                             f"it takes {', '.join(known) or 'none'}.")
    values = {}
    for name, parameter in known.items():
        if name not in given and parameter.default is REQUIRED:
            raise ValueError(f"family {family.name} needs {parameter.described(bits)}.")
        try:
            values[name] = check_value(family, parameter, given.get(name, parameter.default), bits)
        except ValueError as error:
            if name in given:
                raise
            raise ValueError(f"bits={bits} of {family.name} does not go with its default: {error}") from None
    if family.check:
        family.check(bits=bits, **values)
    return values


def check_value(family, parameter, value, bits):
    label = f"{parameter.name} of {family.name}"
    if value is None and parameter.default is None:
        return None
    if parameter.choices:
        return check_choice(label, value, parameter.choices)
    if isinstance(value, str):
        try:
            value = Fraction(value)
        except (ValueError, ZeroDivisionError):
            raise ValueError(f"{label} must be a number, got {shown(value)}.") from None
        value = int(value) if value.denominator == 1 else value
    if parameter.real:
        if not isinstance(value, Fraction):
            value = Fraction(check_real(label, value))
        check_real(label, float(value), minimum=parameter.minimum, maximum=parameter.maximum(bits))
        return value.limit_denominator(2 ** 16)
    return check_integer(label, value, minimum=parameter.minimum, maximum=parameter.maximum(bits))


def specification(family, values):
    """The text that `parse_specification` reads, without parameters at their defaults.

    >>> family, values = parse_specification("drum(6)")
    >>> specification(family, values)
    'drum(k=6)'
    """
    changed = {p.name: values[p.name] for p in family.parameters
               if p.default is REQUIRED or values[p.name] != p.default}
    return family.name + (f"({','.join(f'{k}={v}' for k, v in changed.items())})" if changed else "")
