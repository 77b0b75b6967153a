"""Figures by structure against full enumeration, equal as fractions."""
from fractions import Fraction

import numpy as np
import pytest

from refapprox.multipliers.closed_forms import from_form
from refapprox.multipliers.structure_metrics import form_figures, progression_sums, quarters_figures


def enumerated(error):
    error = np.asarray(error, dtype=object).ravel() if np.abs(error).max() >= 2 ** 24 else error.ravel().astype(int)
    size = error.size
    return {"bias": Fraction(int(error.sum()), size), "MSE": Fraction(int((error * error).sum()), size),
            "MAE": Fraction(int(np.abs(error).sum()), size), "EP": Fraction(int(np.count_nonzero(error)), size)}


FORMS = ["T(0)", "T(1)", "T(3)", "T(4)", "B(0, 0)", "B(0, 2)", "B(1, 0)", "B(1, 3)", "B(2, 5)", "B(3, 0)", "B(6, 0)",
         "B(0, 5)", "B(2, 4)"]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_forms_of_eight_bits_are_enumerated_equally(form, signed):
    values = np.arange(256) - (128 if signed else 0)
    error = np.multiply.outer(values, values) - from_form(form, bits_x=8, bits_w=8, signed=signed)(
        values[:, None], values[None, :])
    assert form_figures(form, bits=8, signed=signed) == enumerated(error)


@pytest.mark.parametrize("form, signed", [
    ("B(2, 5)", True), ("T(8)", False), *(pytest.param(form, signed, marks=pytest.mark.slow) for form, signed in [
        ("T(3)", True), ("B(5, 15)", False), ("B(0, 18)", False), ("T(11)", False), ("B(1, 7)", False)])])
def test_forms_of_twelve_bits_are_enumerated_equally(form, signed):
    values = np.arange(4096) - (2048 if signed else 0)
    error = np.multiply.outer(values, values) - from_form(form, bits_x=12, bits_w=12, signed=signed)(
        values[:, None], values[None, :])
    assert np.abs(error).max() < 2 ** 24, "squares summed over 2**24 pairs stay below 2**63 only below 2**19"
    size = error.size
    low, high = error & 0xFFF, error >> 12
    squares = (int((high * high).sum()) << 24) + (int((high * low).sum()) << 13) + int((low * low).sum())
    assert form_figures(form, bits=12, signed=signed) == {
        "bias": Fraction(int(error.sum()), size), "MSE": Fraction(squares, size),
        "MAE": Fraction(int(np.abs(error).sum()), size), "EP": Fraction(int(np.count_nonzero(error)), size)}


@pytest.mark.parametrize("k", [1, 2, 4])
def test_quarters_are_enumerated_equally(k):
    """Four different asymmetric tables, sparse ones too, so that errors cancel and zeros occur."""
    rng, side = np.random.default_rng(k), 2 ** k
    for reach, rate in [(1, 0.2), (3, 0.5), (200, 1.0)]:
        tables = [rng.integers(-reach, reach + 1, (side, side)) * (rng.random((side, side)) < rate) for _ in range(4)]
        x = np.arange(side * side)
        x0, x1 = x[:, None] % side, x[:, None] // side
        w0, w1 = x[None, :] % side, x[None, :] // side
        a, b, c, d = tables
        error = a[x0, w0] + side * (b[x0, w1] + c[x1, w0]) + side * side * d[x1, w1]
        assert quarters_figures(*tables) == enumerated(error)


def test_twelve_bits_from_quarters_of_six():
    rng = np.random.default_rng(6)
    tables = [rng.integers(-9, 10, (64, 64)) * (rng.random((64, 64)) < 0.3) for _ in range(4)]
    x = np.arange(4096)
    x0, x1, w0, w1 = x[:, None] % 64, x[:, None] // 64, x[None, :] % 64, x[None, :] // 64
    error = tables[0][x0, w0] + 64 * (tables[1][x0, w1] + tables[2][x1, w0]) + 4096 * tables[3][x1, w1]
    assert quarters_figures(*tables) == enumerated(error)


def one_entry(side, value, which=3):
    """Four quarters without an error but for `value` in one entry of one of them."""
    tables = [np.zeros((side, side), dtype=int) for _ in range(4)]
    tables[which][-1, 0] = value
    return tables


@pytest.mark.parametrize("tables", [
    one_entry(4, 0)[:3] + [np.zeros((2, 2), int)], one_entry(4, 0)[:3] + [np.zeros((4, 2), int)],
    [np.zeros((4, 8), int)] * 4, [np.zeros((6, 6), int)] * 4, [np.zeros((512, 512), int)] * 4,
    one_entry(4, 2 ** 16), one_entry(4, -2 ** 16), one_entry(4, 2 ** 16, which=0),
    one_entry(256, 2 ** 40)], ids=range(9))
def test_quarters_out_of_range_are_refused(tables):
    with pytest.raises(ValueError, match="low_low, .* must be error maps of one shape"):
        quarters_figures(*tables)


@pytest.mark.parametrize("side, value", [(1, 65535), (4, -65535), (64, 65535),
                                         pytest.param(256, 65535, marks=pytest.mark.slow)])
def test_the_widest_quarters_and_the_largest_errors_are_exact(side, value):
    """One wrong entry of the high quarter: side**2 times its error, once for every pair of low halves."""
    figures, share = quarters_figures(*one_entry(side, value)), Fraction(1, side ** 2)
    error = side ** 2 * value
    assert figures == {"bias": share * error, "MAE": share * abs(error), "MSE": share * error ** 2, "EP": share}


def test_progressions_by_counting():
    rng = np.random.default_rng(0)
    first, slope = rng.integers(-40, 41, 500), rng.integers(-7, 8, 500)
    magnitude, zero = progression_sums(first, slope, 9)
    terms = first[:, None] + np.arange(9) * slope[:, None]
    assert np.array_equal(magnitude, np.abs(terms).sum(axis=1))
    assert np.array_equal(zero, (terms == 0).sum(axis=1))


def test_refusals():
    with pytest.raises(ValueError, match="T\\(t\\) or B\\(h, v\\)"):
        form_figures("T(1, 2)", bits=8, signed=False)
    with pytest.raises(ValueError, match="enumeration over 15 low bits"):
        form_figures("B(0, 29)", bits=16, signed=True)
    with pytest.raises(ValueError, match="error maps of one shape"):
        quarters_figures(*[np.zeros((3, 3), dtype=int)] * 4)
