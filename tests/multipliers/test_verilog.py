"""Verilog in and out: round trips, every construct against its value in Python, and refused texts."""
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_netlist import netlists

from refapprox.multipliers.circuits.builder import Builder
from refapprox.multipliers.languages.verilog import source as verilog
from refapprox.multipliers.languages.verilog.source import VerilogError


def module(body, ports="input [3:0] A, input [3:0] B, output [7:0] O", more=""):
    return f"module m({ports});\n{body}\nendmodule\n{more}"


def table(text, **options):
    """Values of an unsigned 4x4 -> 8 circuit for all operand pairs."""
    return verilog.read(text, **options).lut


A, B = np.meshgrid(np.arange(16), np.arange(16), indexing="ij")


@given(netlists())
def test_what_is_written_reads_back_gate_by_gate(netlist):
    again = verilog.read(verilog.write(netlist), signed=netlist.signed)
    assert (again.operands, again.gates, again.outputs) == (netlist.operands, netlist.gates, netlist.outputs)
    assert verilog.read(verilog.write(netlist)).signed == netlist.signed          # told by the ports


# body of a module -> its value over A and B, from IEEE 1364-2005: width of the target counts, carries are kept
EXPRESSIONS = {
    "assign O = A & B;": A & B, "assign O = A | B;": A | B, "assign O = A ^ B;": A ^ B,
    "assign O = ~A;": 255 - A, "assign O = {4'b0, ~A};": 15 - A, "assign O = ~(A & B);": 255 - (A & B),
    "assign O = A ~^ B;": 255 - (A ^ B), "assign O = A ^~ B ^ A;": 255 - B, "assign O = !A;": A == 0,
    "assign O = A + B;": A + B, "assign O = A - B;": (A - B) % 256, "assign O = -A;": -A % 256,
    "assign O = A * B;": A * B, "assign O = A * B + A;": A * B + A, "assign O = {A + B};": (A + B) % 16,
    "assign O = A & B | A ^ B;": (A & B) | (A ^ B), "assign O = {A, B};": 16 * A + B,
    "assign O = {2{A}};": 17 * A, "assign O = {A[3:2], {2{B[0]}}, 2'b10};": (A >> 2) * 16 + (B & 1) * 12 + 2,
    "assign O = A[2 - 1];": A >> 1 & 1, "assign O = 8'hA5 ^ A;": 0xA5 ^ A, "assign O = 4'd9 + B;": 9 + B,
    "assign O = 300;": 300 % 256 + 0 * A, "assign O = 3'b1_01;": 5 + 0 * A, "assign O = 8'o17;": 15 + 0 * A,
    "assign O = $signed(A);": np.where(A > 7, A + 240, A),
    "assign O = $signed(A) * $signed(B);": (np.where(A > 7, A - 16, A) * np.where(B > 7, B - 16, B)) % 256,
    "assign O = $signed(A) + B;": A + B,                                   # one unsigned operand makes it unsigned
    "wire [4:0] s = A + B; assign O = {s, A[3:1]};": (A + B) * 8 + (A >> 1),
    "wire [7:4] hi, lo; assign {hi, lo} = {A, B}; assign O = {lo, hi[7:4]};": 16 * B + A,
    "localparam H = 3, L = H - 2; assign O = A[H:L] + B[L];": (A >> 1) + (B >> 1 & 1),
    "wire c, s; FAX1 u(.A(A[0]), .B(B[0]), .C(1'b1), .YS(s), .YC(c)); assign O = {c, s};": (A & 1) + (B & 1) + 1,
    "wire s; PDKGENHAX1 u(.A(A[0]), .B(B[0]), .YS(s), .YC()); assign O = s;": (A ^ B) & 1,
    "wire y; MUX2X1 u(A[0], A[1], B[0], y); assign O = y;": np.where(B & 1, A >> 1 & 1, A & 1),
    "wire y; OAI21X1 u(.A(A[0]), .B(A[1]), .C(B[0]), .Y(y)); assign O = y;": ~((A | A >> 1) & B) & 1,
    "wire y; NOR3X1 u(.A(A[0]), .B(A[1]), .C(B[0]), .Y(y)); assign O = y;": ~(A | A >> 1 | B) & 1,
    "wire y; NAND3X1 u(.A(A[0]), .B(A[1]), .C(B[0]), .Y(y)); assign O = y;": ~(A & A >> 1 & B) & 1,
    "assign x = 1; wire x; assign O = x;": 1 + 0 * A,
    "assign O[7:1] = 0; assign O[0] = \\odd+name ; wire \\odd+name = A[0];": A & 1,
    "assign O[1:0] = A, O[7:2] = 0;": A & 3,
    '(* src = "x.v:1" *) wire t; assign t = A[0]; assign O = t;': A & 1,
}


@pytest.mark.parametrize("body", EXPRESSIONS)
def test_expressions_mean_what_the_standard_says(body):
    for fold in (False, True):
        assert np.array_equal(table(module(body), fold=fold), EXPRESSIONS[body])


def test_signed_ports_extend_their_sign():
    text = module("assign O = A * B;", "input signed [3:0] A, input signed [3:0] B, output signed [7:0] O")
    netlist = verilog.read(text)
    assert netlist.signed
    assert np.array_equal(netlist.lut, np.multiply.outer(np.arange(-8, 8), np.arange(-8, 8)))


HELPER = "module low(a, b, o); input [1:0] a, b; output [3:0] o; assign o = a * b; endmodule\n"


def test_modules_are_expanded_and_the_top_is_found():
    body = """`timescale 1ns/100ps
      wire [3:0] ll, lh, hl, hh;  // four quarters
      low LL (.a(A[1:0]), .b(B[1:0]), .o(ll)); low HL (A[3:2], B[1:0], hl);
      low LH (.o(lh), .b(B[3:2]), .a(A[1:0])); low HH (.a(A[3:2]), .b(B[3:2]), .o(hh));
      assign O = ll + ({lh, 2'b0} + {hl, 2'b0}) + {hh, 4'b0}; /* add them */"""
    for text in (module(body, more=HELPER), HELPER + module(body)):
        assert np.array_equal(table(text), A * B)
    assert verilog.read(module(body, more=HELPER), top="low").lut[3, 2] == 6


def test_standard_cells_stay_gates_unless_the_text_defines_them_otherwise():
    use = module("wire y; AND2X1 u(.A(A[0]), .B(B[0]), .Y(y)); assign O = y;")
    same = "module AND2X1(input A, input B, output Y); assign Y = ~(~A | ~B); endmodule"
    other = "module AND2X1(input A, input B, output Y); assign Y = A | B; endmodule"
    assert verilog.read(use + same).gates == verilog.read(use).gates == (("AND", (2, 6)),)
    assert np.array_equal(table(use + other), (A | B) & 1)


def test_reading_is_literal_and_folding_is_asked_for():
    text = module("wire s, c; HAX1 u(.A(1'b1), .B(~(A[0] & B[0])), .YS(s), .YC(c)); assign O = {c, s};")
    assert verilog.read(text).gate_counts() == {"NAND": 1, "HA": 1}
    assert verilog.read(text, fold=True).gate_counts() == {"NAND": 1, "NOT": 1}


REFUSED = {
    "assign O = A;\nassign O = B;": r"wire O\[0\] of m is driven more than once",
    "wire x; assign O = x;": "wire x of m is read but driven by nothing",
    "assign O[6:0] = A;": r"wire O\[7\] of m is read but driven by nothing",
    "wire x, y; assign x = ~y; assign y = x & A[0]; assign O = x;": "cycle: [xy] <- [xy] <- [xy]",
    "assign O = q;": "line 2: q is not declared in module m",
    "assign A = B;": "line 2: input A of module m must not be driven",
    "assign A + B = O;": r"line 2: expected '=', got '\+'",
    "assign O = A[4];": r"line 2: A\[4\] is outside A, \[3:0\]",
    "wire x; assign O = x[0];": r"x\[0\] is outside x, a scalar",
    "assign O = A[B];": r"line 2: an index may lie outside \[3:0\], which gives x",
    "reg r; assign O = A;": "line 2: expected a declaration, assign, an instance or endmodule|expected .* 'reg'",
    "assign O = A": "line 3: expected ';', got 'endmodule'",
    "assign O = 4'b012;": "line 2: literal 4'b012 has a digit outside its base",
    "assign O = 9999'd1;": "must be 1 to 1024 bits wide",
    "assign O = 123456789012345678901;": "does not fit 32 bits",
    "wire A; assign O = B;": "line 2: A is declared twice",
    "wire [70000:0] x; assign O = x;": "ranges within",
    "XYZ u(.A(A)); assign O = B;": "line 2: module XYZ of instance u is not defined: give the file that defines it",
    "INVX1 u(.Y(O[0])); assign O[7:1] = 0;": r"input A of instance u \(line 2\) is not connected",
    "INVX1 u(.A(A[0]), .Y(O)); ": "a terminal of INVX1 u is 1 bit wide, got 8 bits",
    "INVX1 u(.A(A[0]), .Q(O[0])); ": "instance u of INVX1 has no free port Q",
    "INVX1 u(.A(A[0]), .A(A[1])); ": "port A of u is connected twice",
    "m u(A, B, O);": "expected one module that no other instantiates, got none",
    "assign O = {5000{A}};": "1 to 4096 bits wide",
    "assign O = {0{A}};": "1 to 4096 bits wide",
    "assign O = {200{1'b1}} * A;": "at most 128 bits wide",
    "`include \"x\"\nassign O = A;": "expected a declaration, assign, an instance or endmodule, got '`include'",
    "assign O = " + "(" * 100_000 + "A": "nested more than 40 deep",
    "assign O = " + "~" * 100_000 + "A;": "nested more than 40 deep",
    "assign O = " + "{" * 100_000 + "A": "nested more than 40 deep",
    "assign O = A; \x00": "line 2: unexpected",
    "assign O = A; /* forgotten": r"line 2: /\* is never closed",
    "(* keep *) assign O = A & " + "(*" * 100_000: r"line 2: \(\* is never closed",
}


@pytest.mark.parametrize("body", REFUSED, ids=lambda body: body[:40])
def test_refused_texts_name_line_and_reason(body):
    with pytest.raises(VerilogError, match=REFUSED[body]):
        verilog.read(module(body))


@pytest.mark.parametrize("text, message", [
    ("", "line 1: expected at least one module"),
    (b"\xff", "must be UTF-8"),
    (" " * 4_000_001, "at most 4000000 characters"),
    ("module m(A); input A; endmodule", "it has no outputs, and a multiplier has one output port"),
    ("module m(A, O, P); input A; output O, P; assign {O, P} = A; endmodule", r"2 outputs \(O of 1 bit, P of 1"),
    ("module m(O); output O; assign O = 1; endmodule", "it has no operands"),
    ("module m(A, O); input [70:0] A; output O; assign O = A; endmodule", "port A is 71 bits wide, and at most 62"),
    ("module m(A, O); output O; assign O = 1; endmodule", "A is not declared"),
    (HELPER + HELPER.replace("a * b", "a + b"), "module low is defined twice"),
    (HELPER + HELPER.replace("low", "high"), r"got low, high: name the multiplier among them with top= \(--top NAME\)"),
    ("module a(input A, output O); b u(A, O); endmodule module b(input A, output O); c u(A, O); endmodule "
     "module c(input A, output O); b u(A, O); endmodule", "module b instantiates itself"),
])
def test_refused_files_name_the_reason(text, message):
    with pytest.raises(VerilogError, match=message):
        verilog.read(text)


def test_an_unknown_top_and_unwritable_names_are_refused():
    with pytest.raises(VerilogError, match="top must be one of low, got 'high'"):
        verilog.read(HELPER, top="high")
    for name in ("n12", "O", "wire", "a b", "2x"):
        with pytest.raises(ValueError, match=f"operand '{name}' of x must be a Verilog identifier"):
            verilog.write(Builder([(name, 1)]).netlist([2], name="x"))


@pytest.mark.parametrize("name, module", [("8x8 (k=3)", "m_8x8__k_3_"), ("wire", "m_wire"), ("drum_8s", "drum_8s")])
def test_any_name_becomes_an_identifier(name, module):
    assert verilog.read(verilog.write(Builder([("A", 1)]).netlist([2], name=name))).name == module


def test_copies_of_copies_are_bounded():
    doubling = "".join(f"module d{i}(input A, output O); wire t; d{i + 1} u(A, t); d{i + 1} v(t, O); endmodule\n"
                       for i in range(40))
    with pytest.raises(VerilogError, match="more than 100000 instances"):
        verilog.read(doubling + "module d40(input A, output O); assign O = ~A; endmodule")


SOURCE = module("wire [4:0] s; wire c; PDKGENFAX1 u(.A(A[0]), .B(B[0]), .C(1'b1), .YS(s[0]), .YC(c));\n"
                "assign s[4:1] = A + ~B ^ {2{c, 1'b0}}; low v(.a(A[3:2]), .b(s[1:0]), .o(O[3:0]));\n"
                "assign O[7:4] = $signed(s);", more=HELPER)
FRAGMENTS = ["(", ")", "{", "}", "[", "]", "[7:0]", ";", ",", "=", "~", "&", "+", "*", "assign", "wire", "module", "m",
             "endmodule", "A", "O", "s", "c", "low", "u", "1'b1", "99999999999", "4'hz", "$signed", "\x00", "é", "//",
             "/*"]


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30), st.sampled_from(FRAGMENTS)), min_size=1, max_size=6))
def test_mutated_sources_give_a_netlist_or_a_verilog_error(edits):
    text = SOURCE
    for position, removed, inserted in edits:
        text = text[:position] + inserted + text[position + removed:]
    try:
        netlist = verilog.read(text)
    except VerilogError as error:
        assert str(error)
    else:
        assert netlist.operands


@pytest.mark.slow
def test_every_verilog_file_of_a_checkout_is_read():
    folders = [f for f in os.environ.get("REFAPPROX_EVOAPPROX_DIR", "").split(os.pathsep) if f]
    if not folders:
        pytest.skip("REFAPPROX_EVOAPPROX_DIR is not set: no checkout of EvoApproxLib here")
    for folder in folders:
        files = {path.name: path for path in sorted(Path(folder).rglob("*.v"))}
        assert len(files) >= 656
        for path in files.values():
            netlist = verilog.read(path.read_bytes())
            assert len(netlist.operands) == 2 and verilog.read(verilog.write(netlist)).gates == netlist.gates, path


@pytest.mark.slow
def test_verilog_and_c_of_a_checkout_differ_where_documented(capsys, load_example):
    """Every difference has its cause, and there are 2 + 18; the smallest is in 15 % of all pairs, 4096 are drawn."""
    folders = [f for f in os.environ.get("REFAPPROX_EVOAPPROX_DIR", "").split(os.pathsep) if f]
    if not folders:
        pytest.skip("REFAPPROX_EVOAPPROX_DIR is not set: no checkout of EvoApproxLib here")
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not here")
    main = load_example("evoapprox_verilog_against_gcc").main
    for folder in folders:
        assert main([folder]) == 0
        *found, last = capsys.readouterr().out.splitlines()
        assert "20 differ, 0 of them unexplained" in last
        assert sum(line.startswith("mul11u") and line.endswith("! in C") for line in found) == 2
        assert sum(line.startswith("mul16u") and line.endswith("exchanged") for line in found) == 18
