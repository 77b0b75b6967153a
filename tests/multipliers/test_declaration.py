"""One rule for sign, widths and order: the rank of its origins, what entries may decide, and what stays open."""
import dataclasses
import json
import sys

import numpy as np
import pytest

from refapprox import Multiplier, exact, from_family, load_library
from refapprox.multipliers import find_multiplier
from refapprox.multipliers.closed_forms import closed_form, closed_form_names
from refapprox.multipliers.declaration import (
    NEARLY_ALL,
    Claim,
    ContradictionWarning,
    Reading,
    UndeclaredError,
    UnfitError,
    decide,
    product_share,
)
from refapprox.multipliers.formats.orders import readings, swap_order
from refapprox.multipliers.identification import family_specifications

PORTS = Claim("its ports", signed=True, bits=(8, 8), fixed_bits=True)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_rank_of_origins(tmp_path):
    """Each origin is overruled by those before it: caller, side file, declaration, name, entries."""
    signed, unsigned = exact(8), exact(8, signed=False)
    options = {"readings": lambda: [Reading(True, None, signed)], "declared": PORTS}
    (tmp_path / "mul8u_1.json").write_text('{"signed": false}')
    with pytest.warns(ContradictionWarning) as said:
        found = decide("mul8u_1.v", signed=True, **options)
    assert [str(warning.message) for warning in said] == [
        "mul8u_1.v: signed, as the caller says; the side file mul8u_1.json says unsigned.",
        "mul8u_1.v: signed, as the caller says; its name says unsigned."]
    assert found.signed and found.origins["signed"] == "the caller" and len(found.remarks) == 2
    with pytest.warns(ContradictionWarning, match="unsigned, as the side file mul8u_1.json says; its ports say signed"):
        found = decide("mul8u_1.v", **options)
    assert not found.signed and found.origins["signed"] == "the side file mul8u_1.json"
    (tmp_path / "mul8u_1.json").unlink()
    with pytest.warns(ContradictionWarning, match="signed, as its ports say; its name says unsigned"):
        assert decide("mul8u_1.v", **options).signed
    found = decide("mul8u_1.v", readings=options["readings"])
    assert not found.signed and found.origins["signed"] == "its name"
    found = decide("other.v", readings=lambda: [Reading(True, None, signed), Reading(False, None, unsigned)][:1] + [
        Reading(False, None, Multiplier("as unsigned", swap_order(signed.lut) & 0xFFFF, False))])
    assert found.signed and found.told() == "signed, from its entries"


def test_what_stays_open_says_how_to_state_it():
    zeros = Multiplier("zeros", np.zeros((16, 16), dtype=int))
    both = [Reading(sign, None, dataclasses.replace(zeros, signed=sign)) for sign in (False, True)]
    with pytest.raises(UndeclaredError) as error:
        decide("mine.v", readings=lambda: both)
    assert str(error.value) == (
        "whether mine.v is signed is not declared, and its entries do not tell: read as unsigned 41 %, signed 42 % of "
        'them are about products. Say signed=True or signed=False, or {"signed": true} in mine.json.')
    assert error.value.spoken().endswith('Say --signed or --unsigned, or {"signed": true} in mine.json.')
    with pytest.raises(UndeclaredError, match="which widths the operands of mine.c have is not declared. Say bits=8"):
        decide("mine.c", needs=("bits",))


def test_what_cannot_be_is_an_error():
    with pytest.raises(ValueError, match="mine.v has 8x8 bits by its ports: it cannot be read as 7x7 bits"):
        decide("mine.v", bits=7, declared=PORTS)
    for wrong in ("unsigned", 1, 2.0):
        with pytest.raises(TypeError, match="signed of mine.v must be True or False"):
            decide("mine.v", signed=wrong)
    np.save("big.npy", exact(8, signed=False).lut)                      # 65025 is no signed 8x8-bit product
    for options in ({}, {"order": "value"}):
        with pytest.raises(UnfitError, match="big.npy cannot be signed, as the caller says"):
            load_library("big.npy", signed=True, **options)
    np.save("small.npy", exact(8).lut)
    with pytest.raises(UnfitError, match="small.npy cannot be unsigned"):
        load_library("small.npy", signed=False)


def test_an_unsigned_dtype_is_evidence_unless_entries_are_those_of_signed_products():
    np.save("zeros.npy", np.zeros((16, 16), dtype=np.uint8))
    assert load_library("zeros.npy")["zeros"].info["origins"]["signed"] == "its dtype uint8"
    patterns = swap_order(exact(8).lut).astype(np.uint16)                # a signed table kept as patterns
    np.save("patterns.npy", patterns)
    with pytest.raises(UndeclaredError, match="its dtype uint16 is unsigned while its entries are those of signed"):
        load_library("patterns.npy")
    assert np.array_equal(load_library("patterns.npy", signed=True)["patterns"].lut, exact(8).lut)
    np.save("unsigned.npy", exact(8, signed=False).lut.astype(np.uint16))
    assert not load_library("unsigned.npy")["unsigned"].signed
    with pytest.raises(UnfitError):
        load_library("unsigned.npy", signed=True, order="value")


def test_entries_that_contradict_the_caller_are_remarked():
    exact(8, signed=False).lut.astype("<u2").tofile("mine.bin")
    with pytest.warns(ContradictionWarning, match="signed, as the caller says; its entries are those of unsigned"):
        assert find_multiplier("mine.bin", signed=True).signed
    assert not find_multiplier("mine.bin").signed


def test_every_door_tells_the_same(tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"signed": True, "order": "value"}))
    np.save("mine.npy", np.zeros((16, 16), dtype=np.int32))
    for found in (load_library("mine.npy")["mine"], find_multiplier("mine.npy")):
        assert found.signed and found.info["origins"]["signed"] == "the side file mine.json"
    with pytest.warns(ContradictionWarning, match="unsigned, as the caller says; the side file mine.json says signed"):
        assert not find_multiplier("mine.npy", signed=False).signed


def corpus(bits_and_steps=((2, 1), (4, 3), (8, 11))):
    """(name, Multiplier) of known circuits, and of every so manyth family member at these widths, both signs."""
    for name in closed_form_names("v2022"):
        multiplier = closed_form("v2022", name)
        if multiplier.has_table:
            yield name, multiplier
    for bits, step in bits_and_steps:
        for specification in list(family_specifications(bits))[::step]:
            for signed in (False, True):
                try:
                    yield specification, from_family(specification, bits=bits, signed=signed)
                except ValueError:                                       # parameters that the family excludes
                    continue


def counts(multipliers):
    """(tables decided, all, largest share of a wrong reading): each read as values, and as a circuit's bit patterns."""
    decided, total, largest_wrong = 0, 0, 0.0
    for name, multiplier in multipliers:
        by_code = swap_order(multiplier.lut) if multiplier.signed else multiplier.lut
        pattern = by_code.astype(np.int64) & (1 << multiplier.output_bits) - 1
        as_values = readings(multiplier.lut)
        as_patterns = [reading for reading in readings(pattern, patterns=True) if reading.order != "value"
                       or not reading.signed]
        for found in (as_values, as_patterns):
            shares = {True: [0.0], False: [0.0]}
            for reading in found:
                right = reading.signed == multiplier.signed and np.array_equal(reading.operator.lut, multiplier.lut)
                shares[right].append(product_share(reading.operator))
            if len(shares[True]) == 1:                   # products beyond the word: no circuit has this table
                continue
            assert max(shares[False]) < NEARLY_ALL, name
            largest_wrong = max(largest_wrong, *shares[False])
            decided, total = decided + (max(shares[True]) >= NEARLY_ALL), total + 1
    return decided, total, largest_wrong


def test_entries_decide_often_and_never_wrongly():
    decided, total, largest_wrong = counts(corpus())
    assert largest_wrong <= 0.57 and decided >= 0.65 * total, (decided, total, largest_wrong)


if __name__ == "__main__":                               # CHECKOUT...: how often entries decide, and how nearly wrongly
    for checkout in sys.argv[1:]:
        print(checkout, *counts((m.name, m) for m in load_library(checkout) if m.has_table))
    print("families at 2, 3, 4, 6 and 8 bits", *counts(corpus([(bits, 1) for bits in (2, 3, 4, 6, 8)])))
