"""The linter: every published defect is built here and must be found; sound tables must pass without an error."""
import lint_corpus
import numpy as np
import pytest

from refapprox import Multiplier, exact, load_library
from refapprox.multipliers import family_netlist
from refapprox.multipliers.closed_forms import closed_form
from refapprox.multipliers.formats import swap_order
from refapprox.multipliers.lint import lint_lut

T1 = closed_form("v1.1", "mul8s_1L2H")
B25 = closed_form("v1.1", "mul8s_1KVL")


def finding(findings, check):
    (found,) = [f for f in findings if f.check == check]
    return found


def errors(findings):
    return [f.check for f in findings if f.level == "error"]


def filled_by_magnitudes(multiplier):
    """The table that AdaPT's notebook makes: negative times negative is m(|x|, |w|), with |-128| = -128 in int8."""
    lut = multiplier.lut.copy()
    magnitudes = np.append(-128, np.arange(127, 0, -1))
    lut[:128, :128] = multiplier(magnitudes[:, None], magnitudes)
    return lut


def test_adapts_quadrant_is_found_with_all_its_entries():
    lut = filled_by_magnitudes(T1)
    for table in (lut, swap_order(lut)):
        found = finding(lint_lut(table), "quadrant")
        assert found.level == "error" and len(found.entries) == 12414
        assert (-5, -7, 24, 48) in found.entries
        assert all(x < 0 and w < 0 for x, w, _, _ in found.entries)
    assert errors(lint_lut(lut)) == ["quadrant"]


def test_approxflows_entry_is_found():
    lut = exact(8, signed=False).lut.copy()
    lut[255, 255] = 64770
    findings = lint_lut(lut)
    assert errors(findings) == ["entries"]
    assert finding(findings, "entries").entries == [(255, 255, 64770, 65025)]
    assert "m(255, 255) = 64770 (expected 65025)" in str(finding(findings, "entries"))


def test_a_transposed_circuit_is_found_and_a_straight_one_is_not():
    found = finding(lint_lut(B25.lut.T), "row")
    assert found.level == "error" and "second operand of mul8s_1KVL (v1.1)" in found.message and found.entries
    assert finding(lint_lut(B25), "row").level == "info"
    unknown = closed_form("v1.1", "mul8s_1KVL").lut.copy()
    unknown[3, 4] += 1
    assert "no known circuit tells" in finding(lint_lut(unknown), "row").message
    assert finding(lint_lut(exact().lut), "symmetry").message.startswith("symmetric")
    assert finding(lint_lut(B25), "symmetry").level == "warning"


def test_index_order_and_signedness_are_told_and_checked():
    code = swap_order(B25.lut)
    assert finding(lint_lut(code), "order").level == "warning"
    assert "code order" in finding(lint_lut(code), "order").message
    assert finding(lint_lut(code, signed=True, order="value"), "order").level == "error"
    assert finding(lint_lut(B25.lut), "order").level == "info"
    assert finding(lint_lut(exact(8, signed=False).lut, signed=True), "signedness").level == "error"
    assert finding(lint_lut(exact().lut), "signedness").message == "signed."
    assert "unsigned" in finding(lint_lut(exact(8, signed=False).lut), "signedness").message
    assert finding(lint_lut(29 + (np.arange(256).reshape(16, 16) > 0)), "signedness").level == "warning"


def test_products_with_zero_are_counted_by_operand():
    lut = exact(8, signed=False).lut.copy()
    lut[0, 0], lut[0, 7:9], lut[5, 0] = 32, 1, 2
    zero = [f for f in lint_lut(Multiplier("z", lut, False)) if f.check == "zero"]
    assert [f.entries for f in zero] == [[(0, 0, 32, 0)], [(0, 7, 1, 0), (0, 8, 1, 0)], [(5, 0, 2, 0)]]
    assert [f.level for f in zero] == ["warning"] * 3
    signed = Multiplier.from_function("plus one", lambda x, w: x * w + 1)
    assert [len(f.entries) for f in lint_lut(signed) if f.check == "zero"] == [1, 255, 255]
    assert finding(lint_lut(T1), "zero").level == "info"


def test_int16_wrap_is_found():
    lut = exact(8, signed=False).lut.astype(np.int16).astype(int)      # 200 * 200 = 40000 becomes -25536
    found = finding(lint_lut(lut, signed=False), "wrap")
    assert found.level == "error" and (200, 200, -25536, 40000) in found.entries
    assert len(found.entries) == int((exact(8, signed=False).lut > 32767).sum())


ZERO = Multiplier("zero", np.zeros((256, 256), int), False)      # as mul8u_E9R of v1.1: nearer to signed products


@pytest.mark.parametrize("multiplier", [*load_library(), exact(8, signed=False), exact(5), exact(1, signed=False),
                                        ZERO], ids=lambda m: m.name)
def test_sound_tables_have_no_errors(multiplier):
    findings = lint_lut(multiplier)
    assert errors(findings) == []
    assert multiplier.lut_hash[:16] in finding(findings, "identity").message


def test_known_circuits_are_named():
    message = finding(lint_lut(T1.lut), "identity").message
    assert "mul8s_1L2H (v1.1), mul8s_1L2J (v2022)" in message and message.endswith("T(1).")


def test_sign_magnitude_tables_are_not_called_wrong():
    magnitude = Multiplier.from_function("sm", lambda x, w: np.sign(x * w) * (abs(x) & 254) * (abs(w) & 254))
    assert "quadrant" not in [f.check for f in lint_lut(magnitude)]


@pytest.mark.slow
def test_classes_of_mistakes_are_told_and_corrected():
    """Every damage of the corpus on two rules; the whole corpus is `lint_corpus.py`, see docs/results.md."""
    untold, uncorrected, total = [], [], 0
    for base, name, check, signed, original, table in lint_corpus.damaged():
        if base not in ("exact", "truncated(k=6)"):
            continue
        found = lint_corpus.mistakes(table, signed)
        total += 1
        if check not in found and not (check == "quadrant" and "minimum" in found):
            untold.append((base, name, signed, list(found)))
        if not any(f.corrected is not None and np.array_equal(f.corrected, original.lut) for f in found.values()):
            uncorrected.append((base, name, signed))
        assert all(f.entries or f.check == "scale" for f in found.values())
    assert total == 80 and untold == []
    # sizes of Baugh-Wooley rows are lost with their signs where only |x| and |w| went in
    assert len(uncorrected) <= 2, uncorrected


@pytest.mark.slow
def test_designs_near_a_known_rule_are_no_errors():
    designs = list(lint_corpus.designs())
    some = [d for d in designs if "exact with" not in d[0]][::2] + [d for d in designs if "exact with" in d[0]][::19]
    assert len(some) > 40
    # an approximate cell where the highest columns are added gives a whole quadrant the wrong sign: no usable design
    wrongly = [(name, list(found)) for name, m in some if (found := lint_corpus.mistakes(m.lut, m.signed))]
    assert all(found == ["signs"] and "cell" in name for name, found in wrongly) and len(wrongly) <= 1, wrongly
    levels = [f.level for position in range(74, 84) for f in lint_lut(lint_corpus.with_cell(
        family_netlist("exact", signed=False), position, lint_corpus.CELLS["no carry"]), False) if f.check == "entries"]
    assert set(levels) <= {"warning"}


def test_what_is_no_table_is_refused():
    with pytest.raises(ValueError, match=r"shape .* got \(3, 3\)"):
        lint_lut(np.zeros((3, 3), int))
