"""Published circuits by formula: which ones there are, values from single bits, and names that mean two circuits."""
import re

import numpy as np
import pytest

from refapprox import Circuit, Multiplier, exact
from refapprox.multipliers.closed_forms import (
    broken_array_products,
    closed_form,
    closed_form_names,
    from_form,
    operand_truncated,
    operand_truncated_products,
)
from refapprox.multipliers.family import from_family
from refapprox.multipliers.identification import forms, identify, nearest
from refapprox.multipliers.known import fingerprint, known_circuits

# as found independently of the data file: name -> form, release v2022
EXPECTED = {
    "mul12s_": "2PP T(0), 2PQ B(0, 1), 2PR B(0, 2), 2PS B(0, 3), 2PT B(0, 4), 2QD B(1, 0), 2QE B(1, 2), 2QH B(1, 5), "
               "2R5 B(2, 5), 2RP B(3, 0), 2TE B(6, 0), 34K T(1), 34M T(2), 34P T(3)",
    "mul16s_": "HG4 T(0), GQU B(1, 0), GQV B(1, 2), GRU B(2, 5), GSM B(3, 0), GV3 B(6, 0), HF7 T(1), HG8 T(2), "
               "HFB T(3)",
    "mul12u_": "332 T(0), 33C T(5), 33H T(7), 33J T(8), 34G T(11), 2BR B(0, 2), 2BS B(0, 3), 2BT B(0, 4), 2BU B(0, 5), "
               "2BV B(0, 6), 2BX B(0, 7), 2BY B(0, 8), 2C0 B(0, 10), 2C1 B(0, 11), 2C5 B(0, 15), 2CC B(1, 0), "
               "2CD B(1, 2), 2CJ B(1, 7), 2D0 B(2, 0), 2DA B(2, 12), 2DL B(3, 0), 2DV B(3, 12), 2EF B(4, 13), "
               "2F1 B(5, 15), 2JV B(0, 18)",
    "mul16u_": "9DU T(0), HDT T(10), HDX T(11), HE5 T(15), G4R B(3, 4), G87 B(7, 20), G88 B(7, 21), GAU B(11, 25), "
               "GPV B(15, 29)",
}
NAMED = [(prefix + name, form) for prefix, text in EXPECTED.items()
         for name, form in re.findall(r"(\w+) (\w\([^)]*\))", text)]


@pytest.mark.parametrize("prefix", EXPECTED)
def test_wide_circuits_have_the_forms_known_of_them(prefix):
    for name, form in NAMED:
        if name.startswith(prefix):
            assert closed_form("v2022", name).info["family"] == form


def test_every_signed_circuit_of_both_releases_has_a_form():
    for release, counts in (("v1.1", {"mul8s": 13, "mul12s": 14, "mul16s": 9}),
                            ("v2022", {"mul8s": 13, "mul12s": 14, "mul16s": 9})):
        for kind, count in counts.items():
            names = [name for name in known_circuits()[release] if name.startswith(f"{kind}_")]
            assert len(names) == count and set(names) <= set(closed_form_names(release))


def test_a_name_means_another_circuit_in_the_other_release():
    assert closed_form("v1.1", "mul8s_1KV8").metrics()["MAE"] == 0
    assert closed_form("v2022", "mul8s_1KV8").metrics()["MAE"] == 1.25
    with pytest.raises(ValueError, match="no multiplier named 'mul8s_1KTY'.*v1.1 has one"):
        closed_form("v2022", "mul8s_1KTY")
    with pytest.raises(ValueError, match="release v1.1 has mul8u_2AC, but not by formula"):
        closed_form("v1.1", "mul8u_2AC")
    with pytest.raises(ValueError, match="one of v1.1, v2022"):
        closed_form("v3", "mul8s_1KV8")


def by_bits(h, v, x, w, bits, signed):
    """B(h, v) from single bits of two Python integers."""
    weight = [2 ** i for i in range(bits)]
    if signed:
        weight[-1] *= -1
    return sum(weight[i] * weight[j] * (x >> i & 1) * (w >> j & 1)
               for i in range(h, bits) for j in range(bits) if i + j >= v)


@pytest.mark.parametrize("name", ["mul12s_2R5", "mul16s_GRU", "mul12u_2EF", "mul16u_GAU"])
def test_wide_broken_arrays_from_single_bits(name):
    circuit = closed_form("v2022", name)
    assert isinstance(circuit, Circuit) and circuit.performance_metric > 0
    h, v = map(int, re.findall(r"\d+", circuit.info["family"]))
    x, w = circuit.sample_operands(300, rng=np.random.default_rng(5))
    x[:2], w[:2] = circuit.range_x, circuit.range_w[::-1]
    expected = [by_bits(h, v, *pair, circuit.bits_x, circuit.signed) for pair in zip(x.tolist(), w.tolist(),
                                                                                    strict=True)]
    assert circuit(x, w).tolist() == expected
    assert by_bits(h, v + 1, int(w[0]), int(w[0]), circuit.bits_x, circuit.signed) != circuit(w[0], w[0])


def test_identification_tells_release_and_transposition():
    lut = closed_form("v1.1", "mul8s_1KVL").lut
    both = [("v1.1", "mul8s_1KVL"), ("v2022", "mul8s_1KX5")]
    assert [(i.release, i.name) for i in identify(lut)] == both and not any(i.transposed for i in identify(lut))
    assert [(i.release, i.name) for i in identify(lut.T, signed=True)] == both
    assert all(i.transposed and i.form == "B(2, 5)" for i in identify(lut.T))
    assert identify(lut, signed=False) == [] and identify(np.where(lut == lut[3, 4], 0, lut)) == []
    wide = closed_form("v2022", "mul16s_GRU")
    assert [(i.release, i.transposed) for i in identify(wide)] == [("v1.1", False), ("v2022", False)]
    turned = Circuit("turned", lambda x, w: wide.func(w, x), 16, 16)
    assert ("v2022", "mul16s_GRU", True, "B(2, 5)") in identify(turned)


def test_fingerprints_tell_all_published_circuits_apart():
    for release, circuits in known_circuits().items():
        prints = [circuit.fingerprint for circuit in circuits.values()]
        assert len(set(prints)) >= len(prints) - 1, release


def test_the_nearest_form_of_a_table_with_wrong_entries():
    lut = closed_form("v1.1", "mul8s_1KRC").lut.T.copy()
    lut[::50, 17] += 1
    neighbor = nearest(Multiplier("wrong", lut))
    assert (neighbor.form, neighbor.transposed, neighbor.differing) == ("B(1, 4)", True, 6)


def test_the_nearest_family_is_found_where_no_form_is_near():
    neighbor = nearest(from_family("drum(k=4)", bits=6, signed=False))
    assert (neighbor.form, neighbor.differing) == ("drum(k=4)", 0)
    neighbor = nearest(from_family("udm", bits=6))
    assert (neighbor.form, neighbor.differing) == ("udm()", 0)
    perforated = from_family("perforated(j=2, k=1)", bits=6, signed=False)
    lut = perforated.lut.T.copy()
    lut[7, 9] += 5
    neighbor = nearest(Multiplier("wrong", lut, False), near_enough=0)
    assert neighbor.differing == 1 and np.argwhere(neighbor.lut != lut).tolist() == [[7, 9]]


def test_forms_are_distinct_and_misspelled_ones_refused():
    x, w = np.random.default_rng(0).integers(-128, 128, size=(2, 4096))
    tables = {from_form(form, bits_x=8, bits_w=8, signed=True)(x, w).tobytes(): form for form in forms(8, 8)}
    assert len(tables) == len(list(forms(8, 8)))
    assert np.array_equal(operand_truncated(np.array([-5]), np.array([7]), 1), [-36])
    for form in ("T(1, 2)", "B(1)", "C(1)", "T(-1)"):
        with pytest.raises(ValueError, match="must read T"):
            from_form(form, bits_x=8, bits_w=8, signed=True)


def test_fingerprint_of_a_circuit_sees_a_rare_error():
    exact = Circuit("e", lambda x, w: x * w, 12, 12)
    rare = Circuit("r", lambda x, w: x * w - (x % 64 == 63), 12, 12)
    assert fingerprint(exact) != fingerprint(rare)
    assert fingerprint(exact) == known_circuits()["v2022"]["mul12s_2PP"].fingerprint


@pytest.mark.parametrize("specification", ["exact", "broken_array(h=2,v=5)", "operand_truncated(t=2)"])
def test_longest_exact_of_integer_factors_is_the_largest(specification):
    """One more product could leave the mantissa."""
    factors = from_family(specification).factorization
    assert factors.is_integer
    for name, limit in (("float32", 2 ** 24), ("float64", 2 ** 53)):
        k, largest = factors.longest_exact[name], int(factors.largest)
        assert k * largest <= limit * factors.quantum < (k + 1) * largest


def test_narrow_integers_and_flags():
    assert exact(np.uint8(4))(1, 1) == 1 and exact(np.int8(8), signed=np.False_).qmax == 255
    assert np.array_equal(broken_array_products(0, np.uint8(4)), broken_array_products(0, 4))
    assert np.array_equal(operand_truncated_products(np.int8(2), np.uint8(8)), operand_truncated_products(2))
    assert from_family("drum", k=np.int8(6), bits=np.uint8(8)).lut_hash == from_family("drum(k=6)").lut_hash
    for call in (lambda: exact(8, signed="unsigned"), lambda: from_family("drum(k=6)", signed="no"),
                 lambda: broken_array_products(0, 4, signed=1)):
        with pytest.raises(TypeError, match="signed.* must be True or False"):
            call()
