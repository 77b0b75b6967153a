"""C sources: every dialect by hand, gates against the plain interpretation and gcc, and what must be refused."""
import ctypes
import re
import shutil
import subprocess
import time

import numpy as np
import pytest
from c_dialects import EVERY, EXACT_2X2, B, E, H, composite
from hypothesis import given
from hypothesis import strategies as st

from refapprox.multipliers.languages.c.source import read_program
from refapprox.multipliers.languages.c.synthesize import synthesize
from refapprox.multipliers.languages.c.tokens import MAX_SIZE, Source, SourceError
from refapprox.multipliers.languages.c.types import promoted
from refapprox.multipliers.names import shape_of
from tests.tools import c_interpretation as interpret
from tests.tools.c_interpretation import evaluate

NAMES = sorted(EXACT_2X2)
TYPES = ["int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t", "int64_t", "uint64_t", "int", "long",
         "char", "unsigned char", "short", "unsigned", "unsigned long long", "_Bool"]


def program_of(text):
    source = Source(text, "test.c")
    return read_program(source), source


def netlist_of(text, **widths):
    program, source = program_of(text)
    shape = shape_of(program.name)
    widths = widths or {"bits_x": shape.bits_x, "bits_w": shape.bits_w, "output_bits": shape.output_bits,
                        "signed": shape.signed}
    return synthesize(program, source, **widths)


@pytest.mark.parametrize("dialect", NAMES)
def test_every_dialect_of_an_exact_2x2_multiplier(dialect):
    netlist = netlist_of(EXACT_2X2[dialect])
    values = np.arange(-2, 2) if netlist.signed else np.arange(4)
    assert np.array_equal(netlist(values[:, None], values), np.multiply.outer(values, values))


def test_the_one_line_product():
    x, w = np.array([0x7FF, 0x800, 0xFFF]), np.array([0xFFF])
    assert netlist_of(H)(x, w).tolist() == [0, 0x400000, 0x400000]


def test_a_composite_adds_its_four_quarter_products():
    x, w = np.random.default_rng(0).integers(0, 2 ** 16, size=(2, 500))
    x[:4], w[:4] = [0, 65535, 65535, 255], [65535, 65535, 256, 65280]
    (x1, x0), (w1, w0) = divmod(x, 256), divmod(w, 256)

    def low(a, b):
        return (a & 0xF0) * (b & 0xFC)

    expected = low(x0, w0) + 256 * low(x0, w1) + 256 * low(x1, w0) + 65536 * (x1 * (w1 & 0xFE))
    assert np.array_equal(netlist_of(composite())(x, w), expected)
    assert np.array_equal(evaluate(program_of(composite())[0], x, w), expected)


def test_not_of_an_integer_is_not_an_inverted_bit():
    # ~0 & 1 is the int -1 & 1 = 1, and !(-1) is 0: a signal must be an int, not a bit
    text = ("uint64_t f(uint64_t a, uint64_t b) { int s = ~(a & b & 1); int t = !s; uint64_t y = 0;"
            " y |= (t & 1) << 0; return y; }")
    netlist = netlist_of(text, bits_x=1, bits_w=1, output_bits=1, signed=False)
    assert netlist([0, 0, 1, 1], [0, 1, 0, 1]).tolist() == [0, 0, 0, 0]
    assert netlist_of(text.replace("!s", "~s"), bits_x=1, bits_w=1, output_bits=1,
                      signed=False)([0, 1], 1).tolist() == [0, 1]


@st.composite
def programs(draw):
    """A random straight-line function over all types and operators, as C text; shifts stay within their operand."""
    names, lines = ["a", "b"], []

    def expression(depth):
        kind = draw(st.sampled_from("vvc~!tm<>sd?|^&+*-=aL" if depth else "vvc"))
        if kind == "v":
            return draw(st.sampled_from(names))
        if kind == "c":
            value = draw(st.sampled_from([0, 1, 2, 0x7F, 0x80, 0xFFFF, 0x7FFFFFFF, 0x80000000, 2 ** 63, 2 ** 64 - 1]))
            return draw(st.sampled_from([f"0x{value:X}U", f"{min(value, 2 ** 63 - 1)}", f"0{min(value, 4095):o}"]))
        inner = expression(depth - 1)
        if kind in "~!m":
            return f"{kind.replace('m', '-')}({inner})"
        if kind == "t":
            return f"({draw(st.sampled_from(TYPES))})({inner})"
        if kind in "<>":
            return f"({inner} {kind * 2} {draw(st.integers(0, 31))})"
        if kind == "s":
            return f"({inner} {draw(st.sampled_from(['<<', '>>']))} ({expression(depth - 1)} & 15))"
        if kind == "d":
            divisor = draw(st.sampled_from([1, 2, 3, 10, 256, "77u", "0x80000001"]))
            return f"({inner} {draw(st.sampled_from('/%'))} {divisor})"
        if kind == "?":
            return f"({inner} ? {expression(depth - 1)} : {expression(depth - 1)})"
        operator = {"=": st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), "a": st.just("&&"),
                    "L": st.just("||")}.get(kind, st.just(kind))
        return f"({inner} {draw(operator)} {expression(depth - 1)})"

    for i in range(draw(st.integers(1, 5))):
        lines.append(f"  {draw(st.sampled_from(TYPES))} v{i} = {expression(2)};")
        names.append(f"v{i}")
        target = draw(st.sampled_from(names[2:]))
        lines.append(f"  {target} {draw(st.sampled_from(['|=', '+=', '-=', '*=', '^=', '&=']))} {expression(1)};")
    types = [draw(st.sampled_from(TYPES[:-1])) for _ in range(3)]
    parameters = f"{types[0]} a, {types[1]} b"
    return f"{types[2]} FUNCTION({parameters}) {{\n" + "\n".join(lines) + f"\n  return {expression(2)};\n}}\n"


OPERANDS = tuple(np.array([(a, b) for a in (-128, -77, -1, 0, 1, 5, 127) for b in (-128, -3, 0, 1, 2, 126)]).T)


def word_of(pattern, bits):
    """The low `bits` bits of a pattern as a signed number."""
    low = pattern & (2 ** bits - 1)
    return low - (low >> (bits - 1) << bits)


def as_passed(values, ctype):
    """An 8-bit operand as `synthesize` passes it: sign-extended to a signed parameter, its own bits otherwise."""
    return values if ctype.signed else values & 0xFF


@given(text=programs())
def test_gates_equal_the_plain_interpretation(text):
    program, source = program_of(text.replace("FUNCTION", "f"))
    bits = min(program.result_type.width, 62)
    netlist = synthesize(program, source, bits_x=8, bits_w=8, output_bits=bits, signed=True)
    operands = [as_passed(v, ctype) for v, (_, ctype) in zip(OPERANDS, program.parameters, strict=True)]
    assert np.array_equal(netlist(*OPERANDS), word_of(evaluate(program, *operands), bits))


RANDOM_PROGRAMS = []      # filled by Hypothesis below, compiled in one go


@given(text=programs())
def test_collect_programs_for_gcc(text):
    RANDOM_PROGRAMS.append(text.replace("FUNCTION", f"f{len(RANDOM_PROGRAMS)}"))


def test_the_plain_interpretation_equals_gcc(tmp_path):
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not here: the C semantics are checked against the hand-made cases only")
    assert len(RANDOM_PROGRAMS) >= 10
    texts = RANDOM_PROGRAMS + [composite("mul16u_G")]
    (tmp_path / "all.c").write_text("#include <stdint.h>\n#include <stdlib.h>\n" + "\n".join(texts))
    # -fwrapv: signed overflow wraps, as in the interpretation; the published sources do not overflow
    subprocess.run(["gcc", "-O1", "-w", "-fwrapv", "-shared", "-fPIC", "-o", "all.so", "all.c"],
                   cwd=tmp_path, check=True)
    library = ctypes.CDLL(str(tmp_path / "all.so"))
    integers = {(w, s): getattr(ctypes, f"c_{'' if s else 'u'}int{w}") for w in (8, 16, 32, 64) for s in (0, 1)}
    integers[1, 0] = ctypes.c_bool
    for text in texts:
        program, _ = program_of(text)
        function = getattr(library, program.name)
        function.argtypes = [integers[ctype] for _, ctype in program.parameters]
        function.restype = integers[program.result_type]
        by_gcc = [function(int(a), int(b)) for a, b in zip(*OPERANDS, strict=True)]
        by_us = evaluate(program, *OPERANDS)
        if program.result_type == (64, False):
            by_us = by_us.view(np.uint64)
        assert by_us.tolist() == by_gcc, text


SHARP = ["int f(int a, int b) { uint8_t n = ~a; uint8_t m = ~n; return m + n * b; }",
         "int f(int a, int b) { int n = ~(a & 1); return !n | (!b << 3); }",
         "int f(int a, int b) { uint64_t n = a; return (n >> 60) + (b >> 2); }",
         "long f(long a, long b) { uint32_t n = b; int m = a; return (m | n) + (n * 5); }",
         "int f(int a, int b) { int8_t n = a * b; int16_t m = n << 4; return m >> 2; }"]


def unsigned_comparison_lost(left, right):
    return max(promoted(left), promoted(right), key=lambda ctype: (ctype.width, ctype.signed))


WRONG = {
    "assignment does not narrow": ("narrow", lambda values, ctype: values),
    "narrowing forgets the sign": ("narrow", lambda values, ctype: values & 2 ** min(ctype.width, 62) - 1),
    "mixed signs stay signed": ("common_type", unsigned_comparison_lost),
    "small types are not promoted": ("promoted", lambda ctype: ctype),
    "! inverts bits": ("apply", lambda operator, argument, left, right=None: interpret_apply(
        "~" if operator == "!" else operator, argument, left, right)),
    "& is |": ("BINARY", interpret.BINARY | {"&": np.bitwise_or}),
}
interpret_apply = interpret.apply


def agree(text):
    program, source = program_of(text)
    bits = min(program.result_type.width, 62)
    netlist = synthesize(program, source, bits_x=8, bits_w=8, output_bits=bits, signed=True)
    operands = [as_passed(v, ctype) for v, (_, ctype) in zip(OPERANDS, program.parameters, strict=True)]
    return np.array_equal(netlist(*OPERANDS), word_of(interpret.evaluate(program, *operands), bits))


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_semantics_of_c_are_seen(wrong, monkeypatch):
    assert all(agree(text) for text in SHARP)
    monkeypatch.setattr(interpret, *WRONG[wrong])
    assert not all(agree(text) for text in SHARP)


F = "uint64_t f(uint64_t a, uint64_t b) {{ {} }}"
BAD = {
    "is read but was never assigned": F.format("int n; int m = n & 1; return m;"),
    "'wa\\[1\\]' is read but was never": F.format("int wa[2]; wa[0] = a; return wa[1];"),
    "'n' is declared twice": F.format("int n = a; int n = b; return n;"),
    "'q' is not declared": F.format("return a & q;"),
    "'f' is called: only functions above": F.format("int f = 1; return f(a, b);"),
    "a shift by 64 is as wide": F.format("return a << 64;"),
    "a shift by 40 is as wide as its operand of 32 bits": F.format("int n = a; return n << 40;"),
    "a shift by 99999999999 is as wide": F.format("return a >> 99999999999;"),
    "may be 64 or more has no value in C: mask the amount": F.format("return a >> b;"),
    "a shift by -1 is as wide": F.format("return a >> -1;"),
    "a division by zero": F.format("return a / b;"),
    "'g' is called, and no function above": F.format("return g(a);"),
    "without branches and loops, got 'while'. Compile it: --compile": F.format("while (a) a -= b; return a;"),
    "NAME CONSTANT are. Compile it: --compile": "#define F(x) (x)\n" + F.format("return F(a);"),
    "must stand for at most 64 tokens, and not for itself": "#define X X + 1\n" + F.format("return X;"),
    "may change between calls": "int n = 0;\n" + F.format("return a;"),
    "calls itself": F.format("return f(a, b);"),
    "unknown token '@'": F.format("return a @ b;"),
    "unknown token 'ä'": F.format("return ä;"),
    "lies outside of an array of 2": F.format("int w[2]; w[2] = a; return a;"),
    "must have 1 to 64 elements, got 1000000": F.format("int w[1000000]; return a;"),
    "expected a statement of f without branches and loops, got 'for'": F.format("for (;;) ; return a;"),
    "expected a statement of f, got 'end of file'": "uint64_t f(uint64_t a, uint64_t b) { int n = 1;",
    "expected 'return'|expected a statement|expected '}'": F.format("return a; return b;"),
    "a comment is opened and never closed": F.format("return a; /* "),
    "is not read: of the preprocessor, #include of stdint.h": "#include \"mine.h\"\n" + F.format("return a;"),
    "does not fit 64 bits": F.format("return 0x1FFFFFFFFFFFFFFFF;"),
    "no integer literal": F.format("return 08;"),
    "expected a type .* got 'double'": "double f(double a, double b) { return a; }",
    "two parameters named 'a'": "int f(int a, int a) { return a; }",
    "expected a type .* got 'end of file'": "// nothing at all\n",
    "function 'f' is defined twice": F.format("return a;") * 2,
    "expected '\\)', got ';'": F.format("return (a & b;"),
    "nested more than 40 deep": F.format("return " + "(" * 41 + "a" + ")" * 41 + ";"),
    "takes more than 200000 gates": F.format("uint64_t c = a * b; " + "c = c * (c ^ a) + 1;" * 900 + "return c;"),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_sources_are_refused_by_name_and_line(message):
    with pytest.raises(SourceError, match=message) as error:
        netlist_of(BAD[message], bits_x=16, bits_w=16, output_bits=32, signed=True)
    assert re.search(r"test\.c, line \d+: ", str(error.value))


@pytest.mark.parametrize("old, new, message", [
    ("lowhalf(i, j)", "mul16u_G(i, j)", "expected a function defined above .*got 'mul16u_G'"),
    ("for(int j", "while(int j", "expected 'for', got 'while'"),
    ("<< 16", "<< 24", "shifted by 0, 8 or 16 bits, got 24"),
    ("malloc(256", "malloc(257", "expected '256', got '257'"),
    ("(a & 0xFF)", "(b & 0xFF)", "expected 'a', got 'b'"),
    ("sum += (uint32_t)tHH", "sum += (uint16_t)tHH", "cast to the type of their sum"),
    ("    return sum;\n}", "    return sum;\n} int", "expected the name of a function, got 'end of file'"),
])
def test_other_wrappers_than_the_known_one_are_refused(old, new, message):
    with pytest.raises(SourceError, match=message):
        netlist_of(composite().replace(old, new, 1) if old != "<< 16" else composite().replace(old, new))


@pytest.mark.slow
def test_hostile_sizes_are_given_up_quickly():
    start = time.process_time()
    deep = F.format("\nreturn " + "(" * 90_000 + "a" + ")" * 90_000 + ";")
    with pytest.raises(SourceError, match="line 2: parentheses are nested more than 40 deep"):
        netlist_of(deep)
    with pytest.raises(SourceError, match="line 1: more than 1000000 tokens"):
        netlist_of(F.format("return " + "~" * 10 ** 6 + "a;"))
    with pytest.raises(SourceError, match=f"at most {MAX_SIZE} characters"):
        Source(" " * (MAX_SIZE + 1))
    with pytest.raises(SourceError, match="more than 1000 functions"):
        netlist_of("".join(f"int f{i}(int a, int b) {{ return a; }}" for i in range(1001)))
    with pytest.raises(SourceError, match="line 2: must be UTF-8 text, got byte 0xff"):
        Source.from_bytes(b"// \n\xff", "x.c")
    with pytest.raises(SourceError, match="more than 3000000 operations on bits"):
        netlist_of(F.format("uint64_t c = a * b; " + "c |= a * b; " * 20000 + "return c;"), bits_x=16, bits_w=16,
                   output_bits=32, signed=False)
    assert time.process_time() - start < 20      # takes 3 s: what is bounded is the work, not the machine


def test_an_unsigned_result_must_fit_its_width():
    with pytest.raises(SourceError, match="returns bits above the 4 of its result"):
        netlist_of(B.replace("<< 3;", "<< 4;"))
    with pytest.raises(SourceError, match="parameter 'A' of 8 bits cannot hold an operand of 12"):
        netlist_of(E.replace("mul2u", "mul12u"))
    with pytest.raises(SourceError, match="returns 16 bits, and its result has 24"):
        netlist_of(E.replace("uint8_t A, uint8_t B", "uint16_t A, uint16_t B").replace("mul2u", "mul12u"))


MUTATIONS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 30),
                               st.text(st.sampled_from("(){};=|&^~!<>+*, 01x9aAnO[]/#\n\"é"), max_size=6)),
                     min_size=1, max_size=4)


@given(dialect=st.sampled_from(sorted(EVERY)), mutations=MUTATIONS)
def test_whatever_is_done_to_a_source_only_a_value_error_escapes(dialect, mutations):
    text = EVERY[dialect]
    for position, length, replacement in mutations:
        position %= len(text)
        text = text[:position] + replacement + text[position + length:]
    try:
        netlist = netlist_of(text, bits_x=4, bits_w=4, output_bits=8, signed=False)
    except ValueError as error:
        assert str(error).startswith("test.c, line ")
    else:
        assert netlist(15, 15) >= 0
