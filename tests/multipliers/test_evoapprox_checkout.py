"""Checkouts: what is found and kept, figures verified, the cache; and a real checkout where one is at hand."""
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from c_dialects import EXACT_2X2, HEADER, A, D, H, composite

from refapprox import Circuit, Multiplier, load_library
from refapprox.multipliers.closed_forms import closed_form, closed_form_names
from refapprox.multipliers.declaration import UndeclaredError
from refapprox.multipliers.known import fingerprint, known_circuits
from refapprox.multipliers.languages import reader
from refapprox.multipliers.languages.evoapprox import cache
from refapprox.multipliers.languages.evoapprox.checkout import is_checkout, release_of, source_files
from refapprox.multipliers.languages.evoapprox.header import HeaderMismatch, agrees, compare, read_header
from refapprox.multipliers.languages.reader import read_circuit, verify

EXACT_FIGURES = {"mae_percent": "0.00", "mae": "0", "wce": "0", "ep": "0.00"}
ADDER = """uint64_t add2u_0AA(uint64_t a, uint64_t b) {{
  uint64_t o = 0;
  o |= (((a >> 0) ^ (b >> 0)) & 0x01) << 0;
  o |= (((a >> 1) {operator} (b >> 1)) & 0x01) << 1;
  o |= ((a >> 1) & (b >> 1) & 0x01) << 2;
  return o;
}}
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("REFAPPROX_CACHE_DIR", str(tmp_path / "cache"))


def put(folder, name, text, figures=EXACT_FIGURES):
    """A source file with a header."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.c"
    path.write_text(HEADER.format(**figures) + text)
    return path


@pytest.fixture
def checkout(tmp_path):
    """Five circuits in the folders of a checkout, one of them in two Pareto folders."""
    root = tmp_path / "checkout"
    for folder in ("pareto_pwr_ep", "pareto_pwr_mae"):
        put(root / "multiplers/2x2_unsigned" / folder, "mul2u_0AA", A.replace("mul2u_A", "mul2u_0AA"))
    put(root / "multiplers/2x2_signed/pareto_pwr_mae", "mul2s_0AD", D.replace("mul2s_D", "mul2s_0AD"))
    put(root / "multiplers/12x12_unsigned/pareto_pwr_mae", "mul12u_0AH", H.replace("mul12u_H", "mul12u_0AH"),
        {"mae_percent": "18.74", "mae": "3143680", "wce": "12574721", "ep": "99.95"})
    put(root / "multiplers/16x16_unsigned/pareto_pwr_mae", "mul16u_0AG", composite("mul16u_0AG"))
    # a1 ^ b1 lacks the carry of a0 + b0: wrong by 2 in the 4 of 16 pairs with a0 b0 = 1
    put(root / "adders/2_unsigned/pareto_pwr_mae", "add2u_0AA", ADDER.format(operator="^"),
        {"mae_percent": "6.25", "mae": "0.5", "wce": "2.0", "ep": "25.00"})
    (root / "README.md").write_text("not a source")
    return root


def test_a_checkout_is_read_by_kind(checkout):
    assert is_checkout(checkout) and not is_checkout(checkout / "multiplers")
    assert sorted(source_files(checkout)) == ["add2u_0AA", "mul12u_0AH", "mul16u_0AG", "mul2s_0AD", "mul2u_0AA"]
    (multiplier,) = load_library(checkout, signed=False, bits=2)
    assert isinstance(multiplier, Multiplier) and np.array_equal(multiplier.lut, multiplier.exact_products)
    assert multiplier.performance_metric == 0.125 and multiplier.info["published"]["MAE"] == "0"
    assert multiplier.info["first_operand"] == "B"
    library = load_library(checkout, signed=None, bits=None, operation=None)
    assert len(library) == 5
    assert library["mul2s_0AD"].lut[0, 0] == 4
    assert isinstance(library["mul16u_0AG"], Circuit) and library["mul16u_0AG"](65535, 65535) > 0
    assert library["add2u_0AA"]([1, 2], [1, 3]).tolist() == [0, 5] and library["add2u_0AA"].operation == "add"
    assert [m.name for m in load_library(checkout, signed=False, bits=2, operation="add")] == ["add2u_0AA"]
    assert [m.name for m in load_library(checkout / "multiplers/2x2_signed", bits=2)] == ["mul2s_0AD"]
    with pytest.raises(ValueError, match="holds no signed 8-bit multiplier"):
        load_library(checkout, signed=True, bits=8)
    with pytest.raises(ValueError, match="multipliers only, got the adder add2u_0AA"):
        load_library(checkout, signed=False, bits=2, operation="add").search_space()


def test_the_first_parameter_is_the_row(tmp_path):
    text = "uint64_t mul2u_0AX(uint64_t B, uint64_t A) { return (B & 2) * A; }"
    assert read_circuit(put(tmp_path, "mul2u_0AX", text, EXACT_FIGURES | {
        "mae_percent": "4.69", "mae": "0.75", "wce": "3.0", "ep": "37.50"})).lut.tolist() == [
            [0] * 4, [0] * 4, [0, 2, 4, 6], [0, 2, 4, 6]]


def test_a_wrong_figure_is_a_warning_that_names_both(tmp_path):
    path = put(tmp_path, "mul2u_0AA", EXACT_2X2["A"], EXACT_FIGURES | {"wce": "3.0"})
    with pytest.warns(HeaderMismatch, match="mul2u_0AA: its header says WCE = 3.0, its circuit has 0"):
        read_circuit(path)
    with pytest.warns(HeaderMismatch), warnings.catch_warnings():      # from the cache too
        warnings.simplefilter("always")
        read_circuit(path)


def test_figures_agree_to_their_printed_digits():
    assert agrees("36.54", 36.535) and agrees("0.12", 0.125) and not agrees("0.12", 0.1251)
    assert agrees("72829.102e2", 7282910.2) and not agrees("72829.102e2", 7282910.3)
    twice = compare({"MAE": "36", "MAE%": "0.0018", "MSE": "684"}, {"MAE": 36.535, "MAE%": 0.0557, "MSE": 683.496})
    assert [(m.key, m.rounded_twice) for m in twice] == [("MAE", True), ("MAE%", False), ("MSE", True)]
    percent = compare({"MAE": "1.2", "MAE%": "0.0018"}, {"MAE": 1.25, "MAE%": 100 * 1.25 / 2 ** 16})
    assert [(m.key, m.rounded_twice) for m in percent] == [("MAE%", True)]


def test_headers_are_read_from_the_head_only():
    head = "// MAE% = 0.037 %\n// MAE = 25 \n// PDK45_PWR = 0.311 mW\n// MSE = 1.5.5\n// made up\n"
    assert read_header(head + " " * 5000 + "// WCE = 79 \n") == {"MAE%": "0.037", "MAE": "25", "PDK45_PWR": "0.311"}


def test_verification_needs_all_pairs(checkout):
    assert verify(load_library(checkout, signed=False, bits=12)["mul12u_0AH"]) is None
    small = load_library(checkout, signed=False, bits=2)["mul2u_0AA"]
    assert verify(small) == [] and verify(small, max_pairs=15) is None


def test_the_cache_answers_for_the_same_bytes_only(checkout, tmp_path, monkeypatch):
    calls = []
    parse = reader.read_program
    monkeypatch.setattr(reader, "read_program", lambda source, top: calls.append(source.name) or parse(source, top))
    path = source_files(checkout)["mul2s_0AD"]
    first, again = read_circuit(path), read_circuit(path)
    assert len(calls) == 1 and np.array_equal(first.lut, again.lut) and again.lut.dtype == np.int32
    path.write_text(path.read_text().replace("S_1_1 = tmp", "S_1_1 = 0"))
    with pytest.warns(HeaderMismatch):
        assert not np.array_equal(read_circuit(path).lut, first.lut)
    assert len(calls) == 2
    for entry in (tmp_path / "cache").iterdir():
        entry.write_bytes(entry.read_bytes()[:100])
    with pytest.warns(HeaderMismatch):
        read_circuit(path)
    assert len(calls) == 3
    wide = source_files(checkout)["mul16u_0AG"]
    assert read_circuit(wide)(300, 70) == read_circuit(wide)(300, 70) and len(calls) == 4
    monkeypatch.setenv("REFAPPROX_CACHE_DIR", "")
    read_circuit(wide)
    assert len(calls) == 5 and cache.folder() is None
    monkeypatch.setenv("REFAPPROX_CACHE_DIR", str(path))      # a file: nothing can be stored there
    read_circuit(wide)
    monkeypatch.delenv("REFAPPROX_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.folder() == Path("/somewhere/refapprox")


def test_sources_under_other_names(tmp_path):
    path = tmp_path / "mine.c"
    path.write_text("int16_t f(int8_t a, int8_t b) { return (a >> 1 << 1) * b; }")
    mine = read_circuit(path)
    assert (mine.name, mine.bits, mine.signed) == ("mine", 8, True) and mine(-5, 7) == -42
    assert load_library(path)["mine"](5, 7) == 28
    path.write_text("uint64_t f(uint64_t a, uint64_t b) { return a & b & 15; }")
    with pytest.raises(UndeclaredError, match="which widths .* its parameters are uint64_t and uint64_t. Say bits=8"):
        read_circuit(path)
    assert read_circuit(path, bits=4)(12, 10) == 8
    assert read_circuit(path, bits=(4, 6), operation="add").output_bits == 7
    with pytest.raises(ValueError, match="bits of .*mine.c must be at least 1, got 0"):
        read_circuit(path, bits=0)
    with pytest.raises(ValueError, match="operation of .*mine.c must be one of mul, add"):
        read_circuit(path, bits=4, operation="sub")
    with pytest.raises(ValueError, match="mine.c must have at most 4194304 bytes"):
        (tmp_path / "big").mkdir()
        (tmp_path / "big/mine.c").write_bytes(b" " * (4 * 2 ** 20 + 1))
        read_circuit(tmp_path / "big/mine.c")
    path.write_text("int f(int8_t a, uint8_t b) { return a; }")
    with pytest.raises(UndeclaredError, match="one parameter is signed and one is not"):
        read_circuit(path)


def test_structural_verilog_where_asked(tmp_path):
    (tmp_path / "mul2u_0AV.v").write_text("module mul2u_0AV(input [1:0] A, input [1:0] B, output [3:0] O);\n"
                                          "assign O = {A[1], 1'b0} * B;\nendmodule\n")
    assert read_circuit(tmp_path / "mul2u_0AV.v").lut.tolist() == [[0] * 4] * 2 + [[0, 2, 4, 6]] * 2
    assert load_library(tmp_path, signed=False, bits=2).names == ["mul2u_0AV"]
    (tmp_path / "mul2u_0AV.v").write_text("module mul2u_0AV(input A")
    with pytest.raises(ValueError, match=r"mul2u_0AV\.v"):
        read_circuit(tmp_path / "mul2u_0AV.v")


def test_verilog_of_a_checkout_takes_the_order_of_the_c_source(tmp_path):
    folder = tmp_path / "multiplers/2x2_unsigned/pareto_pwr_mae"
    put(folder, "mul2u_0AX", "uint64_t mul2u_0AX(uint64_t B, uint64_t A) { return (B & 2) * A; }", {
        "mae_percent": "4.69", "mae": "0.75", "wce": "3.0", "ep": "37.50"})
    (folder / "mul2u_0AX.v").write_text("module mul2u_0AX(input [1:0] A, input [1:0] B, output [3:0] O);\n"
                                        "assign O = A * {B[1], 1'b0};\nendmodule\n")
    tables = [load_library(tmp_path, signed=False, bits=2, language=language)["mul2u_0AX"].lut
              for language in ("c", "verilog")]
    assert np.array_equal(*tables) and not np.array_equal(tables[0], tables[0].T)
    assert np.array_equal(read_circuit(folder / "mul2u_0AX.v").lut, tables[0].T)


def test_the_release_is_told_by_names():
    assert release_of(["mul8s_1KTY", "mul8s_1KV8"]) == "v1.1"
    assert release_of(["mul8s_1KX5", "mul8s_1KV8"]) == "v2022"
    assert release_of(["mul8s_1KV8"]) == release_of(["mine"]) == ""


# --- real checkouts, where REFAPPROX_EVOAPPROX_DIR names one or more ---

CHECKOUTS = [folder for folder in os.environ.get("REFAPPROX_EVOAPPROX_DIR", "").split(os.pathsep) if folder]


@pytest.fixture(scope="session", params=CHECKOUTS or [None])
def real_checkout(request):
    if request.param is None:
        pytest.skip("REFAPPROX_EVOAPPROX_DIR is not set: no checkout of EvoApproxLib here")
    return request.param


def test_8x8_tables_of_a_real_checkout(real_checkout):
    library = [m for signed in (True, False) for m in load_library(real_checkout, signed=signed, bits=8)]
    release = library[0].release
    assert len(library) == {"v1.1": 49, "v2022": 50}[release]
    assert {m.name: fingerprint(m) for m in library} == {
        name: circuit.fingerprint for name, circuit in known_circuits()[release].items()
        if name.startswith(("mul8u_", "mul8s_"))}
    exceptions = {(m.name, mismatch.key) for m in library for mismatch in verify(m)}
    assert exceptions == {("v1.1"): {("mul8s_1KRC", "MAE"), ("mul8s_1KVA", "MAE%"), ("mul8s_1KVB", "MAE%")},
                          "v2022": {("mul8s_1KVQ", "MAE"), ("mul8s_1KV8", "MAE%"), ("mul8s_1KV9", "MAE%")}}[release]


def test_verilog_of_a_real_checkout_makes_the_same_tables(real_checkout):
    by_c, by_verilog = (load_library(real_checkout, signed=False, bits=8, language=language)
                        for language in ("c", "verilog"))
    assert all(np.array_equal(m.lut, by_verilog[m.name].lut) for m in by_c) and len(by_c) == len(by_verilog)


@pytest.mark.slow
def test_every_circuit_of_a_real_checkout(real_checkout):
    library = load_library(real_checkout, signed=None, bits=None, operation=None)
    release = next(iter(library)).release
    assert len(library) == {"v1.1": 549, "v2022": 552}[release]
    assert {m.name: fingerprint(m) for m in library} == {
        name: circuit.fingerprint for name, circuit in known_circuits()[release].items()}


@pytest.mark.slow
def test_wide_figures_and_forms_of_a_real_checkout(real_checkout):
    """Figures on all pairs, forms on every activation with every 17th weight."""
    for bits in (11, 12):
        for circuit in load_library(real_checkout, signed=None, bits=bits, operation=None):
            assert all(mismatch.rounded_twice for mismatch in verify(circuit, max_pairs=2 ** 24)), circuit.name
            if circuit.name in closed_form_names(circuit.release):
                form = closed_form(circuit.release, circuit.name)
                x = np.arange(circuit.range_x[0], circuit.range_x[1] + 1)[:, None]
                w = np.arange(circuit.range_w[0], circuit.range_w[1] + 1, 17)
                assert np.array_equal(circuit(x, w), form(x, w)), circuit.name


@pytest.mark.slow
def test_a_real_checkout_against_gcc(real_checkout, load_example, monkeypatch, capsys):
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not here")
    monkeypatch.setattr("sys.argv", ["evoapprox_against_gcc.py", real_checkout])
    code = load_example("evoapprox_against_gcc").main()
    assert code == 0, capsys.readouterr().out
