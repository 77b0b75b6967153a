"""Hypothesis strategies: multipliers and their error maps.

Tables are drawn by seed rather than entry by entry: 2^16 draws would be slow, and no simpler to shrink. Widths
shrink toward 1 bit, families toward the exact multiplier.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError("refapprox.testing.strategies needs Hypothesis: pip install hypothesis, "
                      "or pip install 'refapprox[test]'.") from error

from refapprox.multipliers import Multiplier, exact
from refapprox.multipliers.closed_forms import broken_array_products, operand_truncated_products
from refapprox.multipliers.multiplier import codes

SEEDS = st.integers(0, 2 ** 32 - 1)


@st.composite
def multiplier_tables(draw: st.DrawFn, max_bits: int = 5, signed: bool | None = None,
                      exact_at_zero: bool | None = None) -> Multiplier:
    """Multipliers with random errors in a random share of their table; both widths are free.

    Parameters
    ----------
    max_bits : int, optional
        At most 8.
    signed : bool, optional
        Both kinds by default.
    exact_at_zero : bool, optional
        True: a zero operand gives 0. False: some zero operand does not. None: either.

    Returns
    -------
    Hypothesis strategy of Multiplier

    Examples
    --------
    >>> from hypothesis import find
    >>> find(multiplier_tables(max_bits=3), lambda m: m.error_map.any()).bits_x <= 3
    True
    """
    signed = draw(st.booleans()) if signed is None else signed
    bits_x, bits_w = draw(st.integers(1, max_bits)), draw(st.integers(1, max_bits))
    rng = np.random.default_rng(draw(SEEDS))
    x, w = codes(bits_x, signed), codes(bits_w, signed)
    error = rng.integers(-2 ** bits_x, 2 ** bits_x + 1, (x.size, w.size))
    error *= rng.random(error.shape) < draw(st.sampled_from([0.0, 0.05, 0.5, 1.0]))
    if exact_at_zero:
        error[x == 0], error[:, w == 0] = 0, 0
    elif exact_at_zero is False:
        error[np.flatnonzero(x == 0), rng.integers(w.size)] = draw(st.sampled_from([1, -1, 7]))
    return Multiplier("drawn table", np.multiply.outer(x, w) - error, signed, draw(st.floats(0.01, 1)))


@st.composite
def multiplier_families(draw: st.DrawFn, max_bits: int = 8, signed: bool | None = None) -> Multiplier:
    """Operand truncation T(t) and broken arrays B(h, v): exact at t = 0 and h = v = 0, asymmetric for h > 0.

    Parameters
    ----------
    max_bits : int, optional
    signed : bool, optional
        Both kinds by default.

    Returns
    -------
    Hypothesis strategy of Multiplier

    Examples
    --------
    >>> from hypothesis import find
    >>> find(multiplier_families(), lambda m: m.error_map.any()).name[0] in "TB"
    True
    """
    signed = draw(st.booleans()) if signed is None else signed
    bits = draw(st.integers(1, max_bits))
    if draw(st.booleans()):
        t = draw(st.integers(0, bits))
        name, table = f"T({t})", operand_truncated_products(t, bits, signed)
    else:
        h, v = draw(st.integers(0, bits)), draw(st.integers(0, 2 * bits - 1))
        name, table = f"B({h}, {v})", broken_array_products(h, v, bits, signed)
    return Multiplier(name, table, signed, draw(st.floats(0.01, 1)))


@st.composite
def asymmetric_multipliers(draw: st.DrawFn, max_bits: int = 5, signed: bool | None = None) -> Multiplier:
    """Square tables with m(x, w) != m(w, x) for some operands: they tell swapped axes apart.

    Parameters
    ----------
    max_bits : int, optional
    signed : bool, optional
        Both kinds by default.

    Returns
    -------
    Hypothesis strategy of Multiplier

    Examples
    --------
    >>> from hypothesis import find
    >>> found = find(asymmetric_multipliers(), lambda m: True)
    >>> bool((found.lut != found.lut.T).any())
    True
    """
    signed = draw(st.booleans()) if signed is None else signed
    bits = draw(st.integers(1, max_bits))
    operands = codes(bits, signed)
    table = np.multiply.outer(operands, operands)
    i, j = draw(st.lists(st.integers(0, operands.size - 1), min_size=2, max_size=2, unique=True))
    table[i, j] += draw(st.sampled_from([1, -1, 16]))
    return Multiplier("asymmetric", table, signed, draw(st.floats(0.01, 1)))


def multipliers(max_bits: int = 5, signed: bool | None = None) -> st.SearchStrategy[Multiplier]:
    """Any multiplier: exact, of a family, asymmetric, random, inexact at zero.

    Parameters
    ----------
    max_bits : int, optional
    signed : bool, optional
        Both kinds by default.

    Returns
    -------
    Hypothesis strategy of Multiplier

    Examples
    --------
    >>> from hypothesis import find
    >>> find(multipliers(), lambda m: not m.error_map.any()).bits
    1
    """
    kinds = st.booleans() if signed is None else st.just(signed)
    return st.one_of(
        st.builds(exact, st.integers(1, max_bits), kinds),
        multiplier_families(max_bits, signed),
        asymmetric_multipliers(max_bits, signed),
        multiplier_tables(max_bits, signed),
        multiplier_tables(max_bits, signed, exact_at_zero=False))


def error_maps(max_bits: int = 5, signed: bool | None = None) -> st.SearchStrategy[NDArray[np.int32]]:
    """exact - approximate of any multiplier, int32, ``[x - qmin, w - qmin]``.

    Parameters
    ----------
    max_bits : int, optional
    signed : bool, optional
        Both kinds by default.

    Returns
    -------
    Hypothesis strategy of int32 arrays

    Examples
    --------
    >>> from hypothesis import find
    >>> find(error_maps(), lambda emap: emap.any()).ndim
    2
    """
    return multipliers(max_bits, signed).map(lambda multiplier: multiplier.error_map)
