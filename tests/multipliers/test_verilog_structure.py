"""The structural core of Verilog: gates, instances, parameters, arrays, generate, operators, ports; against iverilog.

Right values come from Python; where iverilog is installed it confirms every one of them on all operand pairs.
"""
import random
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from refapprox.multipliers.languages.verilog import source as verilog
from refapprox.multipliers.languages.verilog.source import NotStructural, VerilogError, without_testbenches

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import iverilog


def parity(values):
    """1 where an odd number of the low eight bits is set."""
    return sum(values >> bit & 1 for bit in range(8)) & 1


A, B = np.meshgrid(np.arange(16), np.arange(16), indexing="ij")
HEAD = "module m(input [3:0] A, input [3:0] B, output [7:0] O);\n"
SIGNED = "module m(input signed [3:0] A, input signed [3:0] B, output signed [7:0] O);\n"
X, W = np.where(A > 7, A - 16, A), np.where(B > 7, B - 16, B)
HALF = "module half(input a, b, output s, c); assign s = a ^ b, c = a & b; endmodule\n"

# body -> value over A and B; the result word is taken modulo 2**8
BODIES = {
    "wire x, y; and g(x, A[0], B[0], A[1]); not (y, x); assign O = {y, x};":
        np.where(A & B & (A >> 1) & 1, 1, 2),
    "nand #2 g1(O[0], A[0], B[0]), (O[1], A[1], B[1]); xnor #(1, 2) (O[2], A[2], B[2], A[3]);"
    "nor n(O[3], A[3], B[3]); buf b(O[4], O[5], B[1]); or o(O[6], A[0], 1'b0); xor (O[7], A[1], B[2]);":
        (1 - (A & B & 1)) + 2 * (1 - ((A & B) >> 1 & 1)) + 4 * (1 - (((A ^ B) >> 2 ^ A >> 3) & 1))
        + 8 * (1 - ((A | B) >> 3 & 1)) + 48 * (B >> 1 & 1) + 64 * (A & 1) + 128 * ((A >> 1 ^ B >> 2) & 1),
    "wire [3:0] s, c; half h[3:0](A, B, s, c); assign O = s + {c, 1'b0};": A + B,
    "wire [3:0] y; and g[3:0](y, A, B[0]); assign O = y;": np.where(B & 1, A, 0),
    "half h1(A[0], B[0], s, c), h2(.a(A[1]), .b(B[1]), .c(O[3]), .s(O[2])); assign O[1:0] = {c, s}, O[7:4] = 0;":
        (A ^ B) & 1 | 2 * (A & B & 1) | 4 * ((A ^ B) >> 1 & 1) | 8 * ((A & B) >> 1 & 1),
    "wire [3:0] pp [3:0]; genvar i; generate for (i = 0; i < 4; i = i + 1) begin : row assign pp[i] = A & {4{B[i]}}; "
    "end endgenerate assign O = pp[0] + {pp[1], 1'b0} + {pp[2], 2'b0} + {pp[3], 3'b0};": A * B,
    "wire [3:0][3:0] pp; for (genvar i = 0; i < 4; i++) for (genvar j = 0; j < 4; j += 1) assign pp[i][j] = A[j] & B[i]"
    "; assign O = pp[2][3:1] + pp[0];": (A * (B >> 2 & 1) >> 1) + A * (B & 1),
    "parameter W = 4; localparam H = W / 2, M = (1 << H) - 1; wire [W-1:0] t = A & M; assign O = t * B[H-1:0];":
        (A & 3) * (B & 3),
    "generate if (4 > 3) begin : yes assign O = A; end else begin assign O = B; end endgenerate": A,
    "assign O = B[0] ? A : B[1] ? 8'd7 : {A, B};": np.where(B & 1, A, np.where(B & 2, 7, 16 * A + B)),
    "assign O = A << B[1:0];": A << (B & 3), "assign O = {A, 4'd0} >> B;": (16 * A) >> B,
    "assign O = (A << 3'sb101) + (B >> -1);": A << 5 & 255,
    "assign O = (A << 2) + (B >> 1);": (A * 4 + (B >> 1)) % 256, "assign O = A <<< 1 | B >>> 3;": A * 2 | B >> 3,
    "assign O = {A < B, A <= B, A > B, A >= B, A == B, A != B, A === B, A !== B};":
        128 * (A < B) + 64 * (A <= B) + 32 * (A > B) + 16 * (A >= B) + 10 * (A == B) + 5 * (A != B),
    "assign O = {&A, ~&A, |A, ~|A, ^A, ~^A, A && B, A || B};":
        128 * (A == 15) + 64 * (A < 15) + 32 * (A > 0) + 16 * (A == 0) + 8 * parity(A)
        + 4 * (1 - parity(A)) + 2 * ((A > 0) & (B > 0)) + ((A > 0) | (B > 0)),
    "assign O = $signed(A) >>> 1;": X >> 1, "assign O = $signed(A) < $signed(B);": X < W,
    "assign O = $signed(A) <= 4'sd2 ? 8'd1 : 8'd0;": X <= 2,
    "wire signed [3:0] a = A, b = B; assign O = a * b;": X * W, "wire signed [3:0] a = A; assign O = a + B;": A + B,
    "wire signed [7:0] w = $signed(A) * 3; assign O = w >>> 1;": X * 3 >> 1,
    "wire t; assign t = A[0], O = {8{t}};": np.where(A & 1, 255, 0),
    "wire \\t[0] ; wire [1:0] t; assign t = A[1:0]; assign \\t[0] = B[3]; assign O = {\\t[0] , t};":
        4 * (B >> 3) + (A & 3),
    "assign O = A[B[1:0]];": A >> (B & 3) & 1, "assign O = A[1 +: 2] + B[3 -: 2];": (A >> 1 & 3) + (B >> 2),
    "supply1 one; supply0 zero; assign O = {zero, one, A};": 16 + A, "wire [0:3] r = A; assign O = {r[3], r[0:1]};":
        4 * (A & 1) + (A >> 2),
    "assign O = 4'h8 >> {A[1] & B[1], A[0] & B[0]};": 8 >> (A & B & 3),
    "wire [2:0] c; assign c[0] = A[0] & B[0]; assign c[2:1] = A[2:1] & B[2:1] | c[1:0]; assign O = c;":
        (c0 := A & B & 1) | 2 * (c1 := (A & B) >> 1 & 1 | c0) | 4 * ((A & B) >> 2 & 1 | c1),
    "assign O = -A + ~B;": (-A + ~B) % 256, "assign O = !A ? ~|B : &B;": np.where(A == 0, B == 0, B == 15),
    "localparam [3:0] K = -1; assign O = K ^ A;": 15 ^ A, "assign O = A * 4'd3 - (B - 1);": A * 3 - (B - 1),
    "wire u; assign O = A;": A, "wire u; half h(.a(u), .b(A[0]), .s(), .c()); assign O = B;": B,
    "assign O[0] = A[0]; assign O[0] = A[0]; assign O[7:1] = 0;": A & 1,
}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:50])
def test_the_structural_core(body, tmp_path):
    text = HEAD + body + "\nendmodule\n" + (HALF if "half h" in body else "")
    expected = np.asarray(BODIES[body]).astype(np.int64) & 255
    for fold in (False, True):
        assert np.array_equal(verilog.read(text, fold=fold).lut, expected)
    if shutil.which("iverilog") and "(genvar" not in body:          # its version 11 does not read that
        (tmp_path / "m.v").write_text(text)
        ports = [("A", 4), ("B", 4), ("O", 8)]
        assert list(iverilog.simulate("m", [tmp_path / "m.v"], ports, iverilog.all_pairs(4, 4), tmp_path)) == \
            expected.ravel().tolist()


def test_signed_ports_and_operators():
    for body, value in {"assign O = A * B;": X * W, "assign O = A > B ? A : B;": np.maximum(X, W),
                        "assign O = A >>> 1;": X >> 1, "assign O = A * 4'sd2;": X * 2}.items():
        netlist = verilog.read(SIGNED + body + "\nendmodule")
        order = np.argsort(np.arange(16) ^ 8)
        assert netlist.signed and np.array_equal(netlist.lut, value[np.ix_(order, order)])


def test_parameters_reach_instances_by_name_and_position():
    text = HEAD + "wire [7:0] x, y; low #(.W(4), .K(2)) u(A, B, x); low #(2) v(A[1:0], B[1:0], y);" \
        " assign O = x + y;\nendmodule\nmodule low #(parameter W = 3, K = W / 2, localparam Z = W + K)" \
        "(input [W-1:0] a, b, output [7:0] o); assign o = ((a >> K) << K) * b + Z; endmodule"
    expected = (A >> 2 << 2) * B + 6 + ((A & 3) >> 1 << 1) * (B & 3) + 3
    assert np.array_equal(verilog.read(text).lut, expected % 256)
    with pytest.raises(VerilogError, match="line 2: module low has no parameter Q; it has W, K"):
        verilog.read(text.replace(".K(2)", ".Q(2)"))


def test_a_recursive_module_ends_where_its_parameter_does():
    text = HEAD + "tree #(4) t(A & B, O[0]); assign O[7:1] = 0;\nendmodule\n" \
        "module tree #(parameter N = 2)(input [N-1:0] a, output o); generate if (N == 1) assign o = a[0]; else begin" \
        " wire x, y; tree #(N/2) l(a[N/2-1:0], x); tree #(N - N/2) r(a[N-1:N/2], y); assign o = x ^ y; end" \
        " endgenerate endmodule"
    assert np.array_equal(verilog.read(text).lut, parity(A & B))


def test_ports_of_single_bits_are_grouped_by_name():
    text = "module s(\\a[1] , \\a[0] , \\b[0] , \\b[1] , p_0_, p_1_);\ninput \\a[1] , \\a[0] , \\b[0] , \\b[1] ;" \
        "\noutput p_0_, p_1_; assign p_0_ = \\a[0] & \\b[1] , p_1_ = \\a[1] ; endmodule"
    netlist = verilog.read(text)
    assert netlist.operands == (("a", 2), ("b", 2))
    assert netlist([0, 1, 2, 3], 2).tolist() == [0, 1, 2, 3]
    plain = "module s(input x0, x1, y0, y1, output z1, z2); assign z1 = x0 & y0, z2 = x1 ^ y1; endmodule"
    assert verilog.read(plain)(3, [0, 1, 2, 3]).tolist() == [2, 3, 0, 1]
    gap = plain.replace("y1", "y2")
    with pytest.raises(VerilogError, match=r"it has 3 operands \(x of 2 bits, y0 of 1 bit, y2 of 1 bit\)"):
        verilog.read_modules([("", gap)])


SPARE = "module spare(input x, y, z, output s, c); assign s = x ^ y ^ z, c = x & y | z & (x | y); endmodule\n"
PRODUCT = "module times(input [1:0] a, b, output [3:0] p); assign p = a * b; endmodule\n"
BENCH = "module bench; reg [1:0] a, b; wire [3:0] p; times t(a, b, p); initial begin a = 1; #9 $finish; end endmodule\n"


def test_spare_modules_and_testbenches_do_no_harm():
    adder = "module plus(input [1:0] a, b, output [2:0] s); assign s = a + b; endmodule\n"
    for text in (SPARE + PRODUCT, PRODUCT + SPARE + adder, BENCH + PRODUCT, PRODUCT + BENCH + adder):
        assert verilog.read(text).name == "times"
    assert without_testbenches(PRODUCT + BENCH).strip() == PRODUCT.strip()
    with pytest.raises(VerilogError, match="got times, other: name the multiplier among them with top="):
        verilog.read(PRODUCT + SPARE + PRODUCT.replace("times", "other").replace("a * b", "a & b"))


def test_what_is_not_read_is_refused_where_it_is_needed():
    clocked = "module reg_times(input clk, input [1:0] a, b, output reg [3:0] p);" \
        " always @(posedge clk) p <= a * b; endmodule"
    assert verilog.read(PRODUCT + clocked, top="times").name == "times"
    with pytest.raises(NotStructural, match="line 2: expected .* got 'reg', which describes behavior"):
        verilog.read(PRODUCT + clocked)          # which of the two is meant cannot be told
    uses = "module u(input [1:0] a, b, output [3:0] p); reg_times r(a[0], a, b, p); endmodule\n"
    with pytest.raises(NotStructural, match="got 'reg'"):
        verilog.read(uses + clocked, top="u")


def test_several_files_and_their_names_in_messages():
    low, high = ("low.v, ", HALF), ("high.v, ", "module two(input [1:0] a, b, output [3:0] p);\n"
                                    "wire c; half h(a[0], b[0], p[0], c); assign p[3:1] = {2'b0, c}; endmodule")
    netlist, declared = verilog.read_modules([high, low])
    assert netlist([0, 1, 2, 3], 1).tolist() == [1, 2, 1, 2] and not declared
    with pytest.raises(VerilogError, match="high.v, line 2: module half of instance h is not defined: give the file"):
        verilog.read_modules([high])
    with pytest.raises(VerilogError, match="low.v, line 1: module half is defined twice"):
        verilog.read_modules([high, low, ("low.v, ", HALF.replace("&", "|"))])
    assert verilog.read_modules([high, low, ("copy.v, ", "\n" + HALF)])[0] == netlist


REFUSED = {
    "assign O = A / B;": "line 2: / of what is not constant", "assign O = 8'bx;": "holds x or z",
    "assign O = A[B];": "an index may lie outside",
    "wire [1:0] t; assign O = t[A[0] +: 1];": "begins at a variable index",
    "wire x[3:0]; assign O = x;": "x is an array: one of its elements must be selected",
    "assign O = `W;": "got '`W'", "inout z; assign O = A;": "line 2: an inout port is neither operand nor result",
    "for (genvar i = 0; i >= 0; i = i + 1) assign O[0] = 0;": "overflows|65536 rounds|driven more than once",
    "localparam X = 9'd511 + 9'd1; assign O = X;": "a constant expression of 9 bits overflows with 512",
    "assign O = A; assign O[3] = B[1];": r"line 2: wire O\[3\] of m is driven more than once",
    "wire x; assign x = x & A[0]; assign O = x;": "cycle: x <- x. A circuit with memory is no multiplier",
    "half h(.a(A[0]), .s(O[0]), .c(O[1])); assign O[7:2] = 0;": r"input b of instance h \(line 2\) is not connected",
    "half h[1:0](A, B[1:0], O[1:0], O[3:2]); assign O[7:4] = 0;": "takes 1 or 2 bits, got 4",
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_no_reader_should_guess_is_refused(body):
    with pytest.raises(VerilogError, match=REFUSED[body]):
        verilog.read(HEAD + body + "\nendmodule\n" + HALF)


def test_walks_over_shared_values_take_time_in_proportion_to_the_text():
    start = time.process_time()
    horner = "A"
    for _ in range(30):
        horner = f"({horner} * B + A)"
    for value in ("~A &--------------- B", horner, " + ".join(["A * B"] * 300)):
        assert verilog.read(f"{HEAD}assign O = {value};\nendmodule", fold=True).output_bits == 8
    chain = "".join(f"wire x{i} = x{i + 1} ^ x{i + 1};" for i in range(3000)) + "wire x3000 = nothing_drives_this;"
    with pytest.raises(VerilogError, match="not declared"):
        verilog.read(f"{HEAD}{chain} assign O = x0;\nendmodule")
    with pytest.raises(VerilogError, match="wire q of m is read but driven by nothing"):
        verilog.read(f"{HEAD}wire q; {chain.replace('nothing_drives_this', 'q')} assign O = x0;\nendmodule")
    assert time.process_time() - start < 20      # takes 1 s; the first of them did not end in 100 s


def random_expression(rng, depth):
    """An expression over a (unsigned), b (signed), c (signed, 6 bits) and d (unsigned, 3 bits), as text."""
    kind = rng.choice(["name", "name", "literal", "select"] if depth == 0 else
                      ["name", "literal", "unary", "binary", "binary", "binary", "shift", "compare", "logic", "choice",
                       "concat", "repeat", "cast", "reduce"])
    inner = [random_expression(rng, depth - 1) for _ in range(3)] if depth else []
    if kind == "name":
        return rng.choice(["a", "b", "c", "d"])
    if kind == "literal":
        return rng.choice(["5'd3", "4'd9", "4'sd5", "8'shF3", "1'b1", "6'h2A", "10'd77", "3'sb101"])
    if kind == "select":
        return rng.choice(["a[2]", "b[3:1]", "c[5:0]", "d[1 +: 2]", "c[4 -: 3]", "a[d[1:0]]"])
    if kind == "unary":
        return f"({rng.choice(['~', '-', '+'])} {inner[0]})"
    if kind == "reduce":
        return f"({rng.choice(['&', '|', '^', '~&', '~|', '~^', '!'])} {inner[0]})"
    if kind == "binary":
        return f"({inner[0]} {rng.choice(['+', '-', '*', '&', '|', '^', '~^'])} {inner[1]})"
    if kind == "shift":
        return f"({inner[0]} {rng.choice(['<<', '>>', '<<<', '>>>'])} {rng.choice(['1', '3', 'd', inner[1]])})"
    if kind in ("compare", "logic"):
        operators = ["<", "<=", ">", ">=", "==", "!="] if kind == "compare" else ["&&", "||"]
        return f"({inner[0]} {rng.choice(operators)} {inner[1]})"
    if kind == "choice":
        return f"({inner[0]} ? {inner[1]} : {inner[2]})"
    if kind == "concat":
        return f"{{{inner[0]}, {inner[1]}}}"
    return f"{{2{{{inner[0]}}}}}" if kind == "repeat" else f"{rng.choice(['$signed', '$unsigned'])}({inner[0]})"


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not here: nothing to compare with")
def test_random_expressions_mean_what_iverilog_says(tmp_path, count=60, seed=0):
    rng = random.Random(seed)
    texts = []
    for i in range(count):
        sign = rng.choice(["", "signed "])
        texts.append(f"module m{i}(input [3:0] a, input [3:0] x, output [9:0] p); wire signed [3:0] b = x;\n"
                     f"wire signed [5:0] c = {{x[1:0], a}}; wire [2:0] d = x[3:1] ^ a[2:0]; wire {sign}[9:0] t;\n"
                     f"assign t = {random_expression(rng, 3)}; assign p = t; endmodule\n")
    together = "".join(f"m{i} u{i}(a, x, p[{10 * i + 9}:{10 * i}]);\n" for i in range(count))
    (tmp_path / "all.v").write_text("".join(texts) + f"module all(input [3:0] a, x, output [{10 * count - 1}:0] p);\n"
                                    f"{together}endmodule\n")
    pairs = iverilog.all_pairs(4, 4)
    found = iverilog.simulate("all", [tmp_path / "all.v"], [("a", 4), ("x", 4), ("p", 10 * count)], pairs, tmp_path)
    assert not isinstance(found, str), found
    for i, text in enumerate(texts):
        expected = [int(value) >> 10 * i & 1023 for value in found]
        for fold in (False, True):
            assert verilog.read(text, signed=False, fold=fold)(*pairs).tolist() == expected, text
