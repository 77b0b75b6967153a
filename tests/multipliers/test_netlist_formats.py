"""BLIF, chromosomes, Yosys' JSON and Liberty: read, written, and refused with file and line."""
import itertools
import json
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_netlist import netlists

from refapprox.multipliers import read_circuit, read_netlist
from refapprox.multipliers.circuits.builder import Builder
from refapprox.multipliers.languages.blif import read_blif, write_blif
from refapprox.multipliers.languages.c.tokens import SourceError
from refapprox.multipliers.languages.cells import YOSYS_CELLS, parse_function, read_liberty
from refapprox.multipliers.languages.cgp import read_cgp
from refapprox.multipliers.languages.yosys_json import CoarseCell, read_json

PRODUCT = np.multiply.outer(np.arange(4), np.arange(4))
BLIF = """# 2x2 bits by hand
.model top
.inputs a[0] a[1] \\
  b[0] b[1]
.outputs p[0] p[1] p[2] p[3]
.names vdd
1
.names gnd
.subckt both x=a[0] y=b[0] z=p[0]
.subckt both x=a[1] y=b[0] z=m
.subckt both x=a[0] y=b[1] z=n
.names m n p[1]   # exclusive or, by its zeros
00 0
11 0
.names a[1] b[1] m n q
1110 1
1101 1
1100 1
.names q gnd p[2]
1- 1
.names a[1] b[1] m n vdd p[3]
11111 1
.end
.model both
.inputs x y
.outputs z
.names x y z
11 1
.end
"""


def test_blif_with_models_covers_and_constants():
    assert np.array_equal(read_blif(BLIF)[0].lut, PRODUCT)
    assert read_blif(BLIF, top="both")[0](1, [0, 1]).tolist() == [0, 1]


@given(netlists())
def test_blif_that_is_written_is_the_same_function(netlist):
    again, _ = read_blif(write_blif(netlist))
    assert again.operands == netlist.operands and again.output_bits == netlist.output_bits
    assert np.array_equal(again.lut, read_blif(write_blif(again))[0].lut)
    widths = [bits for _, bits in netlist.operands]
    pairs = np.arange(2 ** sum(widths))
    x, w = pairs >> widths[1], pairs & (2 ** widths[1] - 1)
    assert np.array_equal(again.words([x, w]), netlist.words([x, w]) % 2 ** netlist.output_bits)


@pytest.mark.parametrize("old, new, message", [
    (".end\n.model both", ".latch q r\n.end\n.model both", "mine.blif, line 23: .latch has memory"),
    ("111 1", "11 1", "mine.blif, line 22: expected 5 of 0, 1 and -, and the output, got '1111 1'"),
    ("11 0", "11 1", "line 14: a table lists either its ones or its zeros"),
    (".subckt both x=a[1]", ".subckt neither x=a[1]", "line 10: neither of .* is neither a model of the file nor"),
    ("z=n", "w=n", "line 11: both has no port w of 1 bit"),
    ("z=n", "z n", "line 11: expected PORT=NET once for every port, got 'z'"),
    (".names q gnd p[2]\n1-", ".names q nowhere p[2]\n11", "wire nowhere of top is read but driven by nothing"),
    (".model both", ".model top", "line 24: model top is defined twice"),
    (".model top", ".modell top", "line 2: expected .model, got '.modell'"),
    (".names vdd", ".names vdd\n.search x.blif\n.names w", "line 7: '.search' is not read; what is read is .model"),
    (".names m n p[1]", ".names m n p[0]", "wire p\\[1\\] of top is read but driven by nothing"),
    (".names q gnd", ".names p[2] gnd", "top has a cycle: p\\[2\\] <- p\\[2\\]"),
])
def test_what_is_wrong_in_blif_is_named(old, new, message):
    text = BLIF.replace(old, new, 1)
    with pytest.raises(ValueError, match=message):
        read_blif(text, "mine.blif, ")


CGP = "{4,4,1,8,2,1,0}([6]2,4,2)([7]3,4,2)([8]2,5,2)([9]7,8,4)([10]7,8,2)([11]3,5,2)([12]11,10,4)([13]11,10,2)" \
    "(6,9,12,13)"


def test_chromosomes():
    assert np.array_equal(read_cgp(CGP)[0].lut, PRODUCT)
    every = "".join(f"([{4 + i}]2,3,{i})" for i in range(10))
    netlist, _ = read_cgp("{2,10,1,10,2,1,0}" + every + f"({','.join(str(4 + i) for i in range(10))})")
    values = [netlist(a, b).item() for a, b in itertools.product((0, 1), repeat=2)]
    functions = [lambda a, b: a, lambda a, b: 1 - a, lambda a, b: a & b, lambda a, b: a | b, lambda a, b: a ^ b,
                 lambda a, b: 1 - (a & b), lambda a, b: 1 - (a | b), lambda a, b: 1 - (a ^ b), lambda a, b: 1,
                 lambda a, b: 0]
    assert values == [sum(f(a, b) << i for i, f in enumerate(functions))
                      for a, b in itertools.product((0, 1), repeat=2)]
    assert read_cgp(CGP.replace("{4", "{3").replace("{3,4", "{4,4"), bits=(1, 3))[0].operands == (("A", 1), ("B", 3))


@pytest.mark.parametrize("text, message", [
    ("nothing", "mine.cgp, character 1: expected {inputs,outputs"), (CGP.replace("{4,", "{5,"), "5 inputs are not two"),
    (CGP.replace("[6]", "[4]"), r"character 16: expected node \[6\] .* Inputs count from 2 on"),
    (CGP.replace("7,8,4", "7,18,4"), "node 18 is read before it is defined"),
    (CGP.replace("1,8,2", "1,9,2"), "tells 4 outputs and 9 nodes, got 4 and 8"),
    (CGP[:-4], r"expected a node \(\[14\]in,in,function\) or the outputs"),
    (CGP.replace("2,1,0}", "3,1,0}"), "nodes must have two inputs and one output"),
])
def test_what_is_wrong_in_a_chromosome_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        read_cgp(text, "mine.cgp, ")


def module(cells, outputs=1):
    """A JSON netlist with operands a and b of two bits."""
    return {"modules": {"m": {"ports": {
        "a": {"direction": "input", "bits": [2, 3]}, "b": {"direction": "input", "bits": [4, 5]},
        "p": {"direction": "output", "bits": list(range(10, 10 + outputs))}}, "cells": cells}}}


def cell(kind, **pins):
    parameters = {"LUT": pins.pop("LUT")} if "LUT" in pins else {}
    return {"type": kind, "parameters": parameters, "connections": {k: v if isinstance(v, list) else [v]
                                                                    for k, v in pins.items()}}


YOSYS = {"$_ANDNOT_": lambda a, b, c, d: a & ~b, "$_ORNOT_": lambda a, b, c, d: a | ~b,
         "$_AOI3_": lambda a, b, c, d: ~(a & b | c), "$_OAI3_": lambda a, b, c, d: ~((a | b) & c),
         "$_AOI4_": lambda a, b, c, d: ~(a & b | c & d), "$_OAI4_": lambda a, b, c, d: ~((a | b) & (c | d)),
         "$_MUX_": lambda a, b, c, d: b if c else a, "$_NMUX_": lambda a, b, c, d: ~(b if c else a),
         "$_NOT_": lambda a, b, c, d: ~a, "$_BUF_": lambda a, b, c, d: a, "$_XNOR_": lambda a, b, c, d: ~(a ^ b)}


@pytest.mark.parametrize("kind", YOSYS)
def test_every_gate_of_yosys(kind):
    pins = dict(zip(YOSYS_CELLS[kind].inputs, (2, 3, 4, 5), strict=False))
    netlist, _ = read_json(module({"g": cell(kind, Y=10, **pins)}))
    for a, b, c, d in itertools.product((0, 1), repeat=4):
        assert netlist(a + 2 * b, c + 2 * d) == YOSYS[kind](a, b, c, d) & 1


def test_json_with_lookup_tables_constants_and_hierarchy():
    majority = cell("$lut", A=[2, 3, 4], Y=10, LUT="11101000")
    netlist, _ = read_json(module({"l": majority, "s": cell("$scopeinfo")}))
    assert netlist([0, 1, 2, 3], 1).tolist() == [0, 1, 1, 1]
    tree = module({"u": {"type": "inner", "connections": {"x": [2, "1"], "y": [10]}}})
    tree["modules"]["inner"] = {"ports": {"x": {"direction": "input", "bits": [2, 3]},
                                          "y": {"direction": "output", "bits": [4]}},
                                "cells": {"g": cell("$_AND_", A=2, B=3, Y=4)}}
    assert read_json(tree)[0]([0, 1, 2, 3], 0).tolist() == [0, 1, 0, 1]
    tree["modules"]["m"]["ports"]["a"]["signed"] = tree["modules"]["m"]["ports"]["b"]["signed"] = 1
    assert read_json(tree)[1] is True


@pytest.mark.parametrize("tree, message", [
    ([], "mine.json, expected a JSON object with \"modules\""),
    ({"modules": {"m": {"ports": 3}}}, "must be JSON objects"),
    (module({"f": cell("$_DFF_P_", D=2, C=3, Q=10)}), "cell f is \\$_DFF_P_, which has memory: only circuits without"),
    (module({"f": cell("$dlatch", D=[2], EN=[3], Q=[10])}), "cell f is \\$dlatch, which has memory"),
    (module({"g": cell("NAND2_X1", A1=2, A2=3, ZN=10)}), "cell g: NAND2_X1 of g is neither .* \\(--liberty\\)"),
    (module({"g": cell("$_AND_", A=2, B="x", Y=10)}), "an undefined bit \\(x\\) decides an output of m"),
    (module({"g": cell("$_AND_", A=2, Q=3, Y=10)}), "has the pins A, B and Y, each of one bit, got A, Q, Y"),
    (module({"l": cell("$lut", A=[2, 3], Y=10, LUT="11x0")}), "cell l must be a lookup table"),
    (module({"g": cell("$_AND_", A=[2.5], B=3, Y=10)}), "bits must be a list of net numbers"),
    (module({"g": {"type": 3}}), "cell g must have a type and connections"),
])
def test_what_is_wrong_in_json_is_named(tree, message):
    with pytest.raises(ValueError, match=message):
        read_json(tree, "mine.json, ")


def test_word_level_cells_need_yosys():
    with pytest.raises(CoarseCell, match="cell s is \\$add: map it to gates"):
        read_json(module({"s": cell("$add", A=[2, 3], B=[4, 5], Y=[10])}))


LIBERTY = """/* by hand */ library (small) { delay_model : table_lookup; time_unit : "1ns";
  cell (AND_X2) { area : 1.2; pin (A1) { direction : input; capacitance : 1; } pin (A2) { direction : input; }
    pin (Z) { direction : output; function : "(A1 & A2)"; timing () { related_pin : "A1"; } } }
  cell ("HALF") { pin (A) { direction : input; } pin (B) { direction : input; }
    pin (S) { direction : output; function : "A^B"; } pin (CO) { direction : output; function : "A B"; } }
  cell (FLOP) { ff (IQ, IQN) { clocked_on : "CK"; next_state : "D"; } pin (D) { direction : input; }
    pin (CK) { direction : input; } pin (Q) { direction : output; function : "IQ"; } } }
"""
MAPPED = """module mapped(input [1:0] a, b, output [3:0] p); wire c, d, e, f;
  AND_X2 u0(.A1(a[0]), .A2(b[0]), .Z(p[0])), u1(.A1(a[1]), .A2(b[0]), .Z(c)), u2(.A1(a[0]), .A2(b[1]), .Z(d));
  AND_X2 u3(.A1(a[1]), .A2(b[1]), .Z(e));
  HALF u4(.A(c), .B(d), .S(p[1]), .CO(f)), u5(.A(e), .B(f), .S(p[2]), .CO(p[3]));
endmodule"""


def test_mapped_netlists_take_their_cells_from_liberty(tmp_path):
    (tmp_path / "cells.lib").write_text(LIBERTY)
    (tmp_path / "mapped.v").write_text(MAPPED)
    mapped = read_circuit(tmp_path / "mapped.v", liberty=tmp_path / "cells.lib", signed=False)
    assert np.array_equal(mapped.lut, PRODUCT)
    with pytest.raises(SourceError, match=r"mapped.v, line 2: module AND_X2 of .* not defined: .* \(--liberty FILE\)"):
        read_circuit(tmp_path / "mapped.v", signed=False)
    (tmp_path / "mapped.v").write_text(MAPPED.replace("AND_X2 u3(.A1(a[1]), .A2(b[1]), .Z(e))",
                                                      "FLOP u3(.D(a[1]), .CK(b[1]), .Q(e))"))
    with pytest.raises(SourceError, match="cell FLOP of instance u3 has memory"):
        read_circuit(tmp_path / "mapped.v", liberty=tmp_path / "cells.lib", signed=False)


def test_liberty_functions():
    assert parse_function("!A1 B + C' ^ D * 1") == ("OR", (("AND", (("NOT", "A1"), "B")),
                                                           ("AND", (("XOR", (("NOT", "C"), "D")), "1"))))
    assert read_liberty(LIBERTY)["FLOP"].memory == "ff"
    for wrong in ("A B)", "(A", "A +", "A @ B", "!" * 100 + "A"):
        with pytest.raises(ValueError, match="function|parenthesis|nested"):
            parse_function(wrong)
    with pytest.raises(ValueError, match="my.lib must be a Liberty file with cells"):
        read_liberty("library (x) { }", "my.lib")
    with pytest.raises(ValueError, match="my.lib, line 2: a group is closed"):
        read_liberty("cell (A) { }\n}", "my.lib")


@given(st.sampled_from(["BLIF", "CGP", "JSON", "LIBERTY"]), st.lists(st.tuples(
    st.integers(0, 1200), st.integers(0, 40), st.text("01-=.{}[]()\\\n ab,\":;x", max_size=6)), min_size=1, max_size=5))
def test_mutated_files_are_read_or_refused_with_a_value_error(kind, edits):
    text = {"BLIF": BLIF, "CGP": CGP, "LIBERTY": LIBERTY,
            "JSON": json.dumps(module({"g": cell("$_AND_", A=2, B=3, Y=10)}))}[kind]
    for position, removed, inserted in edits:
        position %= len(text) or 1
        text = text[:position] + inserted + text[position + removed:]
    try:
        if kind == "JSON":
            read_json(json.loads(text))
        else:
            {"BLIF": read_blif, "CGP": read_cgp, "LIBERTY": read_liberty}[kind](text)
    except ValueError as error:
        assert str(error)


def test_names_that_cannot_be_written():
    with pytest.raises(ValueError, match="operand 'O' of x must be an identifier other than O, zero"):
        write_blif(Builder([("O", 1)]).netlist([2], name="x"))


@pytest.mark.skipif(shutil.which("yosys") is None, reason="yosys is not here: its netlists are not read back")
@pytest.mark.parametrize("script", ["synth", "synth; abc -g simple", "synth; splitnets -ports", "proc; opt",
                                    "synth -lut 4"])
@pytest.mark.parametrize("form", ["write_verilog out.v", "write_verilog -noexpr out.v", "write_json out.json",
                                  "write_blif out.blif"])
def test_netlists_of_yosys_are_read_back(script, form, tmp_path):
    (tmp_path / "in.v").write_text("module m(input [3:0] a, b, output [7:0] p); assign p = (a & 4'd14) * b; endmodule")
    if script == "proc; opt" and form in ("write_verilog -noexpr out.v", "write_blif out.blif") or \
            "-lut" in script and "-noexpr" in form:
        return                                         # word-level cells of Yosys, not defined in that file
    subprocess.run(["yosys", "-q", "-p", f"read_verilog in.v; {script}; {form}"], cwd=tmp_path, check=True)
    (out,) = tmp_path.glob("out.*")
    netlist = read_netlist(out, signed=False)
    assert np.array_equal(netlist.lut, np.multiply.outer(np.arange(16) & 14, np.arange(16)))
