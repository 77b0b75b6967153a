"""Known circuits by formula: every signed multiplier of EvoApproxLib needs no data file.

Two two-parameter families contain them all, and many unsigned ones. With bit weights W_i = 2**i, and
W_(n-1) = -2**(n-1) for signed operands of n bits:

    T(t)    = (x >> t << t) * (w >> t << t)                         operand truncation (floor)
    B(h, v) = sum over i >= h, i + j >= v of W_i W_j x_i w_j        broken array, i = bit of x

References
----------
H. R. Mahdiani et al., "Bio-inspired imprecise computational blocks", TCAS-I 2010, doi:10.1109/TCSI.2009.2027626
(broken-array multiplier); the identification of EvoApproxLib's circuits is exhaustive over their tables.
"""
from __future__ import annotations

import re

import numpy as np

from refapprox.multipliers.circuit import Circuit
from refapprox.multipliers.known import RELEASES, known_circuits
from refapprox.multipliers.multiplier import MAX_BITS, Multiplier, codes
from refapprox.multipliers.names import shape_of
from refapprox.validation import check_choice, check_flag, check_integer

FORM = re.compile(r"([TB])\(([0-9]+)(?:, ([0-9]+))?\)")


def operand_truncated(x, w, t):
    """T(t) elementwise for integer arrays."""
    return (x >> t << t) * (w >> t << t)


def broken_array(x, w, h, v, *, bits_x, bits_w, signed):
    """B(h, v) elementwise for integer arrays.

    Row i of the array adds W_i x_i times the weight, whose bits below v - i are dropped; dropping low
    bits of a two's-complement number is a shift right and left again.
    """
    products = np.zeros(np.broadcast(x, w).shape, dtype=np.int64)
    for i in range(h, bits_x):
        weight = -(2 ** i) if signed and i == bits_x - 1 else 2 ** i
        dropped = max(v - i, 0)
        if dropped < bits_w:
            products += weight * (x >> i & 1) * (w >> dropped << dropped)
    return products


def operand_truncated_products(t, bits=8, signed=True):
    """Product table of T(t), int64, value order."""
    operands = codes(check_integer("bits", bits, minimum=1), check_flag("signed", signed))
    return operand_truncated(operands[:, None], operands, check_integer("t", t, minimum=0))


def broken_array_products(h, v, bits=8, signed=True):
    """Product table of B(h, v), int64, value order."""
    h, v = (check_integer(name, value, minimum=0) for name, value in (("h", h), ("v", v)))
    bits, signed = check_integer("bits", bits, minimum=1), check_flag("signed", signed)
    operands = codes(bits, signed)
    return broken_array(operands[:, None], operands, h, v, bits_x=bits, bits_w=bits, signed=signed)


def parameters_of(form):
    """(t,) of T(t), (h, v) of B(h, v); a ValueError for another text."""
    match = FORM.fullmatch(form)
    if not match or (match[1] == "B") != (match[3] is not None):
        raise ValueError(f"form must read T(t) or B(h, v), got {form!r}.")
    return tuple(int(number) for number in match.groups()[1:] if number is not None)


def from_form(form, *, bits_x, bits_w, signed):
    """The elementwise function of a form as text.

    >>> from_form("T(1)", bits_x=8, bits_w=8, signed=True)(np.array([5, -5]), np.array([3, 3])).tolist()
    [8, -12]
    """
    found = parameters_of(form)
    if len(found) == 1:
        return lambda x, w: operand_truncated(x, w, *found)
    return lambda x, w: broken_array(x, w, *found, bits_x=bits_x, bits_w=bits_w, signed=signed)


def closed_form_names(release):
    """The circuits of a release that have a closed form, in order of their names."""
    check_choice("release", release, RELEASES)
    return sorted(name for name, circuit in known_circuits()[release].items() if circuit.form)


def closed_form(release: str, name: str) -> Multiplier | Circuit:
    """A published multiplier by formula, no file needed.

    Parameters
    ----------
    release : "v1.1" or "v2022"
    name : str
        Such as "mul8s_1KV8", which the releases give to different circuits.

    Returns
    -------
    Multiplier or Circuit
        The first up to 8x8 bits; with the published power in mW as `performance_metric`.

    Raises
    ------
    ValueError
        If the release has no circuit of this name, or one without a closed form.

    Examples
    --------
    >>> closed_form("v2022", "mul8s_1KV8").metrics()["MAE"], closed_form("v1.1", "mul8s_1KV8").metrics()["MAE"]
    (1.25, 0.0)
    """
    check_choice("release", release, RELEASES)
    circuit = known_circuits()[release].get(name)
    if circuit is None or not circuit.form:
        others = [r for r in RELEASES if name in known_circuits()[r] and known_circuits()[r][name].form]
        what = f"has no multiplier named {name!r}" if circuit is None else f"has {name}, but not by formula"
        hint = f" {' and '.join(others)} has one." if others else ""
        raise ValueError(f"release {release} {what}; see closed_form_names({release!r}).{hint}")
    shape = shape_of(name)
    function = from_form(circuit.form, bits_x=shape.bits_x, bits_w=shape.bits_w, signed=shape.signed)
    info = {"family": circuit.form}
    if max(shape.bits_x, shape.bits_w) > MAX_BITS:
        return Circuit(name, function, shape.bits_x, shape.bits_w, shape.signed, circuit.power, release, info)
    lut = function(codes(shape.bits_x, shape.signed)[:, None], codes(shape.bits_w, shape.signed)[None, :])
    return Multiplier(name, lut, shape.signed, circuit.power, release, info)


def signed_search_space():
    """The 13 signed 8x8 circuits of EvoApproxLib release v1.1, in order of their names."""
    return [closed_form("v1.1", name) for name in closed_form_names("v1.1") if name.startswith("mul8s_")]
