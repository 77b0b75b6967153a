"""Every check of the one place that validates: what it takes, what it returns, what it refuses and how."""
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from refapprox.validation import (
    UnknownNameError,
    WrongKindError,
    check_array,
    check_choice,
    check_codes,
    check_finite,
    check_flag,
    check_instance,
    check_integer,
    check_real,
    check_rng,
)

MASKED = np.ma.masked_array([1.0, 2.0], mask=[True, False])


@pytest.mark.parametrize("value", [7, np.int8(7), np.uint64(7), np.array(7)])
def test_integers_become_ints(value):
    assert check_integer("bits", value, minimum=2, maximum=8) == 7
    assert type(check_integer("bits", value)) is int


@pytest.mark.parametrize("value", [True, np.True_, 7.0, "7", None, [7], np.array([7]), np.ma.masked, 1j])
def test_what_is_no_integer_is_a_wrong_kind(value):
    with pytest.raises(TypeError, match="bits must be an integer, got"):
        check_integer("bits", value)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.uint8(3), np.array(0.25), Fraction(1, 3),
                                   Decimal("0.5")])
def test_reals_become_floats(value):
    assert type(check_real("lmbd", value)) is float and check_real("lmbd", value) == float(value)


@pytest.mark.parametrize("value", [True, np.True_, "0.5", b"1", None, [0.5], np.array([0.5]), 1j, np.complex64(1),
                                   np.datetime64("2020"), np.timedelta64(3, "s"), np.ma.masked, object()])
def test_what_is_no_real_number_is_a_wrong_kind(value):
    with pytest.raises(TypeError, match="lmbd must be a real number, got"):
        check_real("lmbd", value)


@pytest.mark.parametrize("value", [float("nan"), np.inf, 10 ** 400])
def test_reals_are_finite(value):
    with pytest.raises(ValueError, match="lmbd must be finite, got"):
        check_real("lmbd", value)


def test_bounds():
    assert check_real("p", 1, minimum=0, maximum=1) == 1
    for value, message in ((-1, "p must be at least 0, got -1"), (2, "p must be at most 1, got 2"),
                           (-10 ** 5000, "at least 0, got an object of type int")):
        with pytest.raises(ValueError, match=message):
            check_integer("p", value, minimum=0, maximum=1)


@pytest.mark.parametrize("value", [True, np.True_, np.array(True)])
def test_flags_become_bools(value):
    assert check_flag("signed", value) is True


@pytest.mark.parametrize("value", ["unsigned", "false", 0, 1.0, None, [], np.array([True]), np.ma.masked])
def test_what_is_only_taken_for_true_is_no_flag(value):
    with pytest.raises(TypeError, match="signed must be True or False, got"):
        check_flag("signed", value)


def test_a_choice_is_the_one_offered():
    assert check_choice("mode", np.str_("noise"), ("float", "noise")) == "noise"
    assert type(check_choice("mode", np.str_("noise"), ("float", "noise"))) is str
    assert check_choice("depth", np.int64(8), {8: "a", 14: "b"}) == 8
    assert check_choice("operation", None, ("mul", None)) is None


@pytest.mark.parametrize("value, kind, message", [
    ("noisy", KeyError, "^mode must be one of float, noise, got 'noisy'. Did you mean noise\\?$"),
    ("x", ValueError, "^mode must be one of float, noise, got 'x'.$"),
    (["noise"], TypeError, "must be one of"), (None, TypeError, "got None"), (MASKED, TypeError, "must be one of"),
])
def test_unknown_choices(value, kind, message):
    with pytest.raises(kind) as caught:
        check_choice("mode", value, ("float", "noise"))
    caught.match(message)


@pytest.mark.parametrize("value, kind", [(9, ValueError), (True, TypeError), ("8", TypeError), (8.0, TypeError)])
def test_unknown_numbers_among_choices(value, kind):
    with pytest.raises(kind, match="depth must be one of 8, 14, got"):
        check_choice("depth", value, (8, 14))


def test_errors_stay_catchable_and_can_be_sent_to_another_process():
    unknown, wrong = UnknownNameError("multiplier", "exact8", ["exact8s", "exact8u"]), WrongKindError("x must")
    assert isinstance(unknown, KeyError) and isinstance(unknown, ValueError)
    assert isinstance(wrong, TypeError) and isinstance(wrong, ValueError)
    assert str(unknown) == "there is no multiplier 'exact8'. Did you mean exact8u or exact8s?"
    assert str(UnknownNameError("rung", "zzz", ["a", "b"])) == "there is no rung 'zzz'. There are a, b."
    assert str(UnknownNameError("rung", "zzz")) == "there is no rung 'zzz'."
    for error in (unknown, wrong):
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("value", [
    [[1, 2], [3, 4]], ((1, 2), (3, 4)), np.array([[1, 2], [3, 4]], dtype=np.int8), np.array([[1., 2], [3, 4]], ">f4"),
    np.array([[3, 4], [1, 2]])[::-1],
])
def test_arrays_come_out_plain(value):
    array = check_array("x", value, ndim=2)
    assert type(array) is np.ndarray and array.dtype.isnative and array.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("value, message", [
    (MASKED, "masked array: its mask would be lost"), (iter([1, 2]), "got Python objects"),
    (None, "got Python objects"),
    ([1, 2 ** 70], "got Python objects"), ([[1], [1, 2]], "array of numbers: "), (["1"], "got text"),
    ([True, False], "got bool"), ([1j], "got complex"), (np.array(["2020"], "M8[D]"), "got dates"), ({1: 2}, "objects"),
])
def test_what_is_no_array_of_numbers_is_a_wrong_kind(value, message):
    with pytest.raises(TypeError, match=f"x must .*{message}"):
        check_array("x", value)


def test_kinds_and_dimensions_are_chosen_by_the_caller():
    assert check_array("x", [True], kinds="b").dtype == bool
    assert check_array("x", [], kinds="iu").dtype == np.int64
    with pytest.raises(TypeError, match=r"x must be an array of integers, got float \(dtype float64\)"):
        check_array("x", [0.5], kinds="iu")
    with pytest.raises(ValueError, match=r"x must have 1 or 2 dimension\(s\), got shape \(\)"):
        check_array("x", 3, ndim=(1, 2))


def test_conversion_widens_and_never_wraps():
    assert check_array("x", np.uint8([200]), dtype=np.int64) * 2 == 400
    assert check_array("x", np.uint64([7]), dtype=np.int64).dtype == np.int64
    with pytest.raises(ValueError, match="x must lie in"):
        check_array("x", np.uint64([2 ** 63]), dtype=np.int64)


def test_codes_come_out_wide_unless_asked_for_as_they_are():
    narrow = np.array([100, -128], dtype=np.int8)
    assert check_codes("x", narrow, -128, 127).dtype == np.int64
    assert check_codes("x", narrow, -128, 127, dtype=None) is not None
    assert check_codes("x", narrow, -128, 127, dtype=None).dtype == np.int8
    assert check_codes("x", np.float32([3, -4]), -128, 127).tolist() == [3, -4]
    for value, message in (([1e300], "lie in"), ([0.5], "integer codes, got 0.5"), ([np.nan], "finite"),
                           ([128], "unsigned codes need"), ([-300, 1], r"lie in \[-128, 127\], got -300 at \(0,\)")):
        with pytest.raises(ValueError, match=message):
            check_codes("x", value, -128, 127)


def test_finite_names_the_first_offender():
    with pytest.raises(ValueError, match=r"x must be finite, got inf at \(1, 0\)"):
        check_finite("x", [[1, 2], [np.inf, np.nan]])


@pytest.mark.parametrize("value, came", [
    (np.random.Generator, "the class itself"), (0, "got 0"), (np.random.PCG64(0), "PCG64"), (None, "got None"),
    (np.random.RandomState(0), "RandomState"),
])
def test_only_a_generator_is_a_source_of_randomness(value, came):
    with pytest.raises(TypeError, match=f"rng must be a numpy.random.Generator, .*{came}"):
        check_rng(value)
    rng = np.random.default_rng(0)
    assert check_rng(rng) is rng


def test_instances():
    assert check_instance("n", 3, (int, float)) == 3
    with pytest.raises(TypeError, match="n must be of type int or float, got 'x'"):
        check_instance("n", "x", (int, float))
    with pytest.raises(TypeError, match="n must be of type float, got the class float itself"):
        check_instance("n", float, float)
