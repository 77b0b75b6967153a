"""The door to all sources: sign and widths, several files, Yosys, compiled programs, and what every refusal says."""
import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from refapprox.multipliers import read_circuit, read_netlist
from refapprox.multipliers.declaration import UndeclaredError
from refapprox.multipliers.languages import compiled, process, yosys
from refapprox.multipliers.languages.blif import write_blif
from refapprox.multipliers.languages.c.tokens import SourceError

UNSIGNED, TWOS = np.arange(4), np.arange(-2, 2)
BEHAVIOR = """module m(input [3:0] a, input [3:0] b, output reg [7:0] p);
  integer i;
  always @* begin
    p = 0;
    for (i = 0; i < 4; i = i + 1)
      if (b[i]) p = p + (a << i);
  end
endmodule
"""
LOOP = """#include <stdint.h>
#include <stdio.h>
static uint16_t low(uint8_t v) { return v & 0xFE; }
uint16_t product(uint8_t a, uint8_t b) {
    uint16_t p = 0;
    for (int i = 0; i < 8; i++)
        if (b >> i & 1) p += low(a) << i;
    return p;
}
int main(void) { printf("%d\\n", product(3, 5)); return 0; }
"""


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("REFAPPROX_CACHE_DIR", "")


def put(folder, name, text):
    (folder / name).write_text(text)
    return folder / name


def test_a_netlist_without_signs_is_read_as_its_products_tell(tmp_path):
    wide = "module s(input [2:0] a, b, output [5:0] p); wire [5:0] x = {{3{a[2]}}, a}, y = {{3{b[2]}}, b};" \
        " assign p = x * y; endmodule"
    path = put(tmp_path, "smul.v", wide)
    found = read_circuit(path)
    assert found.signed and found(-4, 3) == -12 and found.info["origins"]["signed"] == "its entries"
    assert read_circuit(path, signed=True).info["origins"] == {"signed": "the caller", "bits": "its ports"}
    assert read_circuit(path, signed=False)(4, 3) == 52
    noise = put(tmp_path, "noise.v", "module n(input [2:0] a, b, output [5:0] p); assign p = {b, a} ^ 6'd21; endmodule")
    with pytest.raises(UndeclaredError, match="whether .*noise.v is signed is not declared, and its entries do not"):
        read_circuit(noise)
    (tmp_path / "noise.json").write_text('{"signed": true, "performance_metric": 0.5, "name": "loud"}')
    told = read_circuit(noise)
    assert (told.signed, told.name, told.performance_metric) == (True, "loud", 0.5)
    with pytest.raises(ValueError, match="noise.v has 3x3 bits by its ports: it cannot be read as 4x4 bits"):
        read_circuit(noise, bits=4)


@pytest.mark.parametrize("types, text, told", [
    ("int", "(a & 0xFE) * (b & 0xFE)", {"signed": False, "bits": 8}),
    ("uint64_t", "(a & 0xFE) * (b & 0xFE)", {"bits": 8}), ("int64_t", "a * b", {"bits": (3, 5)}),
    ("char", "a * b", {}), ("unsigned char", "a * b", {}), ("int", "a * b", {"bits": 4, "signed": True}),
    ("short", "a * b", {"bits": 6}), ("unsigned", "a * b", {"bits": 7}),
])
def test_what_types_of_c_declare(tmp_path, types, text, told):
    path = put(tmp_path, "f.c", f"#include <stdint.h>\nint f({types} a, {types} b) {{ return {text}; }}")
    found = read_circuit(path, **told)
    assert found.signed == told.get("signed", types[0] != "u")
    origin = "the caller" if "signed" in told else "its entries" if types == "char" else "its parameter types"
    assert found.info["origins"]["signed"] == origin
    assert (found.bits_x, found.bits_w) == (told["bits"] if isinstance(told.get("bits"), tuple)
                                            else (told.get("bits", 8),) * 2)
    x = found.range_x[1]
    assert found(x, 1) == (x & 0xFE) * 0 if "0xFE" in text else x


@pytest.mark.parametrize("text, at", [
    ("return a * b - (a & 3) * (b & 3);", 11400),
    ("uint16_t p = 0; p += (a & 0xF0) * b; p += (a & 0x0C) * b; return p;", 11400),
    ("return ((a >> 2) * (b >> 2)) << (2*2);", 11200), ("return (a & 0xF0) ? (a & 0xF0) * b : a * b;", 10944),
    ("return CUT * (b / 3) + b % CUT;", 6 * 19 + 57 % 6), ("return most(a, b) * least(a, b);", 11400),
    ("return a == 200 && b <= 57 || !a ? a - b : -1;", 143), ("uint8_t n = a; n >>= 3; n++; --n; return n * b;", 1425),
])
def test_integer_expressions_of_c(tmp_path, text, at):
    helpers = "#include <stdint.h>\n#define HALF (1 + 2)\n#define CUT (HALF * 2) /* six */\n" \
        "static inline int most(int a, int b) { return a > b ? a : b; }\n" \
        "static inline int least(int a, int b) { return a + b - most(a, b); }\n"
    function = f"uint16_t f(uint8_t a, uint8_t b) {{ {text} }}\nint main(void) {{ return 0; }}"
    path = put(tmp_path, "f.c", helpers + function)
    assert read_circuit(path, top="f").lut[200, 57] == at


def test_one_function_of_several(tmp_path):
    path = put(tmp_path, "two.c", "int f(int a, int b) { return a * b; } int g(int a, int b) { return a & b; }")
    with pytest.raises(SourceError, match=r"two.c, line 1: expected one function .* got f, g: name it with top="):
        read_circuit(path, bits=4, signed=False)
    assert read_circuit(path, bits=4, signed=False, top="g")(12, 10) == 8
    with pytest.raises(SourceError, match="top must be one of f, g, got 'h'"):
        read_circuit(path, bits=4, signed=False, top="h")


def test_several_files_and_wrong_ones(tmp_path):
    low = put(tmp_path, "low.v", "module low(input [1:0] a, b, output [3:0] o); assign o = a * b; endmodule")
    top = put(tmp_path, "top.v", "module top(input [1:0] x, y, output [3:0] z); low u(x, y, z); endmodule")
    assert np.array_equal(read_circuit([top, low]).lut, np.multiply.outer(UNSIGNED, UNSIGNED))
    assert read_circuit([low, top]).name == "top"
    for paths, message in (([top, tmp_path / "f.c"], "several files must be of one language"), ([], "at least one"),
                           (tmp_path / "x.vhd", "suffix of a circuit file must be one of .c, .v")):
        with pytest.raises(ValueError, match=message):
            read_circuit(paths)
    with pytest.raises(FileNotFoundError):
        read_circuit(tmp_path / "none.v")
    with pytest.raises(SourceError, match="utf.v: must be UTF-8 text, got UTF-16 or binary data. Save it as UTF-8"):
        (tmp_path / "utf.v").write_bytes("module m;".encode("utf-16"))
        read_circuit(tmp_path / "utf.v")
    (tmp_path / "old.v").write_bytes(b"\xef\xbb\xbf// na\xefve\n" + low.read_bytes())
    assert read_circuit(tmp_path / "old.v").name == "old"
    with pytest.raises(SourceError, match="only C is compiled"):
        read_circuit(low, compiled=True)
    with pytest.raises(SourceError, match="liberty .--liberty. says nothing of a .c file"):
        read_circuit(put(tmp_path, "f.c", LOOP), liberty=low)


def refapprox(*words, cwd):
    """(exit code, output) of the command line."""
    done = subprocess.run([sys.executable, "-m", "refapprox", "multipliers", *map(str, words)], cwd=cwd, text=True,
                          capture_output=True, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])})
    return done.returncode, done.stdout + done.stderr


def test_sources_on_the_command_line(tmp_path):
    put(tmp_path, "low.v", "module low(input [1:0] a, b, output [3:0] o); assign o = a * b; endmodule")
    put(tmp_path, "top.v", "module top(input [1:0] x, y, output [3:0] z); low u(x, y, z); endmodule")
    code, output = refapprox("show", "top.v", cwd=tmp_path)
    assert code == 2 and "top.v, line 1: module low of instance u is not defined: give the file that defines it, too " \
        "(--with FILE), or the Liberty file of a standard cell (--liberty FILE). low.v defines it." in output
    code, output = refapprox("show", "top.v", "--with", "low.v", cwd=tmp_path)
    assert code == 0 and "unsigned, from its entries; 2x2 bits, from its ports" in output
    assert refapprox("verilog", "top.v", "--with", "low.v", "--out", "low.blif", cwd=tmp_path)[0] == 0
    assert np.array_equal(read_circuit(tmp_path / "low.blif").lut, np.multiply.outer(UNSIGNED, UNSIGNED))
    code, output = refapprox("show", "drum(k=6)", "--with", "low.v", cwd=tmp_path)
    assert code == 2 and "--with does not apply to drum(k=6): it is generated by formula" in output


def test_wide_netlists_are_circuits_up_to_32_bits(tmp_path):
    path = put(tmp_path, "wide.v", "module w(input [31:0] a, b, output [63:0] p); assign p = a * b; endmodule")
    wide = read_circuit(path, signed=False)
    assert int(wide(2 ** 32 - 1, 2 ** 32 - 1)) == (2 ** 32 - 1) ** 2 and wide.output_bits == 64
    signed = read_circuit(path, signed=True)
    assert int(signed(5, 7)) == 35
    blif = put(tmp_path, "wide.blif", write_blif(read_netlist(path, signed=False)))
    assert int(read_circuit(blif, signed=False)(123456789, 987654321)) == 123456789 * 987654321


HAS_YOSYS = yosys.command() is not None


@pytest.mark.skipif(not HAS_YOSYS, reason="Yosys is not here: behavior is not read")
@pytest.mark.parametrize("text, value", [
    (BEHAVIOR, lambda a, b: a * b),
    ("module m(input [3:0] a, b, output [7:0] p); function [7:0] half(input [7:0] v); half = v >> 1; endfunction\n"
     "assign p = half(a * b); endmodule", lambda a, b: a * b >> 1),
    ("module m(input logic [3:0] a, b, output logic [7:0] p); always_comb case (b[1:0]) 0: p = 0; 1: p = a;\n"
     "2: p = a << 1; default: p = a * 3; endcase endmodule", lambda a, b: a * (b & 3)),
    ("`define W 4\nmodule m(input [`W-1:0] a, b, output [7:0] p); assign p = a / (b + 5'd1); endmodule",
     lambda a, b: a // (b + 1)),
    (BEHAVIOR + "module bench; reg [3:0] a; initial begin a = 3; #10 $display(\"%d\", a); $finish; end endmodule",
     lambda a, b: a * b),
])
def test_behavior_is_read_by_way_of_yosys(tmp_path, monkeypatch, text, value):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = read_circuit(put(tmp_path, "m.sv", text), signed=False)
    assert np.array_equal(found.lut, value(*np.indices((16, 16))))
    assert [path.name for path in tmp_path.iterdir()] == ["m.sv"]


@pytest.mark.skipif(not HAS_YOSYS, reason="Yosys is not here: behavior is not read")
@pytest.mark.parametrize("text, message", [
    (BEHAVIOR.replace("always @*", "always @(posedge a[0])"), "which has memory: only circuits without clock"),
    (BEHAVIOR.replace("p = 0;", "if (a[0]) p = 0;"), "has memory|an undefined value"),
    (BEHAVIOR.replace("p = 0;", "p = 8'bx;"), "m.v: an undefined value .* decides the result of"),
    (BEHAVIOR.replace("p = 0;", "p = ;"), "Yosys says: .*m.v, line 4: ERROR: syntax error"),
    (BEHAVIOR.replace("p = 0;", "p = q(a);"), "got 'reg', which describes behavior. Read natively are .* Yosys says"),
])
def test_what_yosys_cannot_make_gates_of_is_told_in_its_words(tmp_path, text, message):
    with pytest.raises(SourceError, match=message):
        read_circuit(put(tmp_path, "m.v", text), signed=False)


def test_without_yosys_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(yosys, "command", lambda: None)
    with pytest.raises(SourceError, match=r"m.v, line 1: .* got 'reg', which describes behavior. .*: install Yosys "
                                          r"\(pip install 'refapprox\[verilog\]', or apt install yosys\)"):
        read_circuit(put(tmp_path, "m.v", BEHAVIOR))


def test_a_program_that_takes_too_long_is_ended_with_its_children(tmp_path, monkeypatch):
    child, held = tmp_path / "child.py", tmp_path / "held"      # locked until nobody of the family is left
    child.write_text("import fcntl, os, time\nheld = open('held', 'w')\nfcntl.flock(held, fcntl.LOCK_EX)\n"
                     "os.fork()\nheld.write('born')\nheld.flush()\ntime.sleep(60)\n")
    monkeypatch.setattr(process, "PATIENCE", 1)
    start = time.monotonic()
    assert process.run_limited([sys.executable, str(child)], tmp_path, 1).code is None
    with open(held) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert lock.read().startswith("born")
    assert time.monotonic() - start < 30
    monkeypatch.setattr(yosys, "command", lambda: ([sys.executable, "-c", "import time; time.sleep(60)"], 1, 0))
    with pytest.raises(SourceError, match="Yosys took more than 1 s and was stopped"):
        read_circuit(put(tmp_path, "m.v", BEHAVIOR))


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is here: nothing can be compiled")
def test_whole_programs_are_compiled_only_when_asked(tmp_path):
    path = put(tmp_path, "loop.c", LOOP)
    with pytest.raises(SourceError, match="line 6: expected a statement of product without branches and loops, "
                                          "got 'for'. Compile it: --compile"):
        read_circuit(path)
    found = read_circuit(path, compiled=True, top="product")
    assert np.array_equal(found.lut, np.multiply.outer(np.arange(256) & 0xFE, np.arange(256)))
    assert found.info["netlist"] is None and not found.signed
    signed = put(tmp_path, "s.c", "int f(int a, int b) { int p = 0; while (b > 0) { p += a; b--; } "
                                  "while (b < 0) { p -= a; b++; } return p; }")
    assert read_circuit(signed, compiled=True, bits=3, signed=True)(-4, -4) == 16
    with pytest.raises(UndeclaredError, match="read as unsigned 100 %, signed 100 % of them are about products"):
        read_circuit(signed, compiled=True, bits=3)
    part = put(tmp_path, "part.c", "int twice(int v) { return 2 * v; }")
    main = put(tmp_path, "main.c", "int twice(int); int f(int a, int b) { return twice(a) * b; }")
    assert read_circuit([main, part], compiled=True, bits=4, signed=False)(3, 5) == 30


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is here: nothing can be compiled")
def test_compiled_programs_run_within_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "SECONDS", 3)
    for body, message in (("for (;;) ; return 0;", "took more than 3 s|ended with exit code"),
                          ("char *p = malloc(3L << 30); p[1L << 31] = 1; return p[0];", "ended with exit code -11"),
                          ("return a b;", "cc says: .*f.c:2"), ("exit(0); return a;", "ended with exit code 0")):
        path = put(tmp_path, "f.c", f"#include <stdlib.h>\nint f(int a, int b) {{ {body} }}")
        with pytest.raises(SourceError, match=message):
            read_circuit(path, compiled=True, bits=8, signed=False)
    with pytest.raises(SourceError, match="tabulated, at most 8x8 bits, got 12x12"):
        read_circuit(put(tmp_path, "f.c", "int f(int a, int b) { return a; }"), compiled=True, bits=12, signed=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SourceError, match="--compile needs a C compiler"):
        read_circuit(tmp_path / "f.c", compiled=True, bits=4, signed=False)


def test_reading_a_source_loads_neither_a_plot_nor_a_network():
    code = "import sys; from refapprox.multipliers import read_circuit; " \
        "print([m for m in ('matplotlib', 'refapprox.network', 'refapprox.nets') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
