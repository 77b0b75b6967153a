"""Other tools' table files: the published layouts by literal entries, round trips, detection, and bad files."""
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refapprox import Multiplier, exact, load_library
from refapprox.multipliers.closed_forms import closed_form
from refapprox.multipliers.declaration import UndeclaredError
from refapprox.multipliers.formats import FORMATS, read_mantissa_table, read_table, swap_order, write_table
from refapprox.multipliers.formats.detection import detect
from refapprox.multipliers.reading import read_file

SUFFIX = {"npy": ".npy", "npz": ".npz", "tfapprox": ".bin", "adapt": ".h", "transaxx": ".h", "approxflow": ".csv",
          "approxtorch": ".txt", "appmult": ".txt", "readmemh": ".hex"}
SIGNED = closed_form("v1.1", "mul8s_1KVL")                   # B(2, 5): its operands do not commute


def unsigned_asymmetric():
    x = np.arange(256)
    return Multiplier("asymmetric", (x[:, None] >> 2 << 2) * x, signed=False)


def test_tfapprox_entries_lie_at_twice_256_x_plus_w(tmp_path):
    path = tmp_path / "m.bin"
    write_table(path, unsigned_asymmetric())
    content = path.read_bytes()
    assert len(content) == 131072
    assert struct.unpack_from("<H", content, 2 * (256 * 203 + 57)) == (200 * 57,)
    write_table(path, SIGNED)
    assert struct.unpack_from("<h", path.read_bytes(), 2 * (256 * (256 - 5) + 7)) == (SIGNED(-5, 7),)


def test_adapt_and_transaxx_rows_are_codes(tmp_path):
    truncated = closed_form("v1.1", "mul8s_1L2H")
    path = tmp_path / "mul8s_1L2H.h"
    write_table(path, truncated, "adapt")
    text = path.read_text()
    assert text.startswith("#include <stdint.h>\n\nconst int16_t lut [256][256] = {{0, 0, 0") and text.endswith("}};\n")
    rows = [line.strip("{};").split(", ") for line in text.split(" = ")[1].replace("},", "}").splitlines()]
    assert rows[251][7] == "-36" and rows[251][249] == "48"
    write_table(path, truncated, "transaxx")
    assert "const __device__ short lut[256][256] = {{" in path.read_text()


def test_approxtorch_and_appmult_entries(tmp_path):
    write_table(tmp_path / "e.txt", exact(), "approxtorch")
    assert np.loadtxt(tmp_path / "e.txt", dtype=int)[0, 0] == 16384
    write_table(tmp_path / "a.txt", unsigned_asymmetric(), "appmult")
    lines = (tmp_path / "a.txt").read_text().splitlines()
    assert len(lines) == 65537 and lines[1 + 256 * 7 + 9] == "7 9 36"


@pytest.mark.parametrize("format", SUFFIX)
@pytest.mark.parametrize("multiplier", [SIGNED, unsigned_asymmetric()], ids=["signed", "unsigned"])
def test_round_trips_keep_every_entry(format, multiplier, tmp_path):
    path = tmp_path / f"table{SUFFIX[format]}"
    unfit = (format in ("approxflow", "appmult")) if multiplier.signed else (format in ("adapt", "transaxx"))
    if unfit:
        with pytest.raises(ValueError, match="unsigned operands only|from -32768 to 32767, got 0 to 64260"):
            write_table(path, multiplier, format)
        return
    for transposed in (False, True):
        write_table(path, multiplier, format, transposed=transposed)
        assert detect(path.read_bytes()) == ("text" if format in ("approxflow", "approxtorch") else format)
        back = read_table(path, transposed=transposed)
        assert np.array_equal(back.lut, multiplier.lut) and back.signed == multiplier.signed
        assert not np.array_equal(read_table(path, transposed=not transposed).lut, multiplier.lut)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_both_orders_of_numpy_files(suffix, tmp_path):
    for order in ("value", "code"):
        path = tmp_path / f"{order}{suffix}"
        write_table(path, SIGNED, order=order)
        back = read_table(path)
        assert np.array_equal(back.lut, SIGNED.lut) and back.info["order"] == order
        assert read_table(path, signed=True, order="value").lut[0, 0] == (SIGNED.lut[0, 0] if order == "value" else 0)
    assert np.array_equal(swap_order(swap_order(SIGNED.lut)), SIGNED.lut)
    assert swap_order(exact(2).lut).tolist() == [[x * w for w in (0, 1, -2, -1)] for x in (0, 1, -2, -1)]


def test_load_library_reads_every_format_in_its_order(tmp_path):
    for format, suffix in SUFFIX.items():
        if format not in ("approxflow", "appmult"):
            write_table(tmp_path / f"{format}{suffix}", SIGNED, format)
    (tmp_path / "note.txt").write_text("What these are.")
    (tmp_path / "adapt.json").write_text(json.dumps({"name": "mine", "performance_metric": 0.5}))
    library = load_library(tmp_path)
    assert sorted(library.names) == ["approxtorch", "mine", "mul8s_1KVL", "npy", "readmemh", "tfapprox", "transaxx"]
    assert all(np.array_equal(m.lut, SIGNED.lut) for m in library) and library["mine"].performance_metric == 0.5
    write_table(tmp_path / "code.npy", SIGNED, order="code")
    found = load_library(tmp_path / "code.npy")["code"]
    assert np.array_equal(found.lut, SIGNED.lut) and found.info["origins"]["order"] == "its entries"
    (tmp_path / "code.json").write_text('{"order": "value"}')
    assert load_library(tmp_path / "code.npy")["code"].lut[0, 0] == 0


def test_small_matrices_and_separators(tmp_path):
    path = tmp_path / "small.csv"
    path.write_text("0,0\t0 0\n0,1\t2 3\n0,2\t4 6\n0,3\t6 9\n")
    assert np.array_equal(read_table(path).lut, exact(2, signed=False).lut)
    path.write_text("\n".join(str(v) for v in exact(8, signed=False).lut.ravel()))      # lines may break anywhere
    assert np.array_equal(read_table(path).lut, exact(8, signed=False).lut)
    np.savetxt(tmp_path / "floats.txt", exact(8).lut)                                   # -1.638400...e+04
    assert np.array_equal(read_table(tmp_path / "floats.txt").lut, exact(8).lut)


def test_an_unclear_table_must_be_declared(tmp_path):
    path = tmp_path / "zeros.npy"
    np.save(path, np.zeros((16, 16), dtype=np.int32))
    with pytest.raises(UndeclaredError, match="zeros.npy is signed is not declared, .* Say signed=True or") as error:
        read_table(path)
    assert "Say --signed or --unsigned, or {\"signed\": true} in zeros.json." in error.value.spoken()
    with pytest.raises(ValueError, match="in which order .* Say order='value' or"):
        read_table(path, signed=True)
    assert read_table(path, signed=False).signed is False
    with pytest.raises(ValueError, match="must be one of value, code, got 'row'"):
        read_table(path, order="row")


def test_float_products_of_approxtrain(tmp_path):
    path = tmp_path / "ACC_7.bin"
    a = 1 + np.arange(128) / 128
    product = np.multiply.outer(a, a)
    carry = product >= 2
    mantissa = np.floor((product / (1 + carry) - 1) * 128).astype(int)
    path.write_bytes((carry * 128 + mantissa).astype(np.uint8).tobytes())
    assert detect(path.read_bytes()) == "approxtrain"
    table = read_mantissa_table(path)
    assert (table.mantissa_bits, table.products[64, 64], table.products[0, 0]) == (7, 2.25, 1.0)
    assert path.read_bytes()[64 << 7 | 64] == 144
    assert table.relative_errors().max() < 2 / 128      # floor to 7 bits loses less than a unit, of 1 or of 2
    with pytest.raises(ValueError, match="see read_mantissa_table"):
        read_table(path)
    path.write_bytes(bytes([0b1_0110000]) * 4 ** 3)     # 3 mantissa bits stand at the top of the seven
    assert read_mantissa_table(path).products[0, 0] == 2 * (1 + 3 / 8)
    with pytest.raises(ValueError, match=r"2\*\*\(2 m\) bytes"):
        path.write_bytes(bytes(100))
        read_mantissa_table(path)


PAIRS = [(x, w) for x in range(4) for w in range(4)]
SIGNED_PAIRS = [(x, w) for x in range(-2, 2) for w in range(-2, 2)]
TEXTS = {      # every text says 2x2 bits; the operands or the products tell the sign
    "triples.txt": "".join(f"{x} {w} {x * w}\n" for x, w in PAIRS),
    "signed_triples.csv": "".join(f"{x};{w};{x * w}\n" for x, w in SIGNED_PAIRS),
    "shuffled.csv": "a,b,product\n" + "".join(f"{x},\t{w},{x * w}\n" for x, w in reversed(SIGNED_PAIRS)),
    "bars.txt": "# mine\n" + "".join(f"{x} | {w} | {x * w}\n" for x, w in PAIRS),
    "columns.csv": "a;b;exact;approx;error\n" + "".join(f"{x};{w};{x * w + 1};{x * w};-1\n" for x, w in PAIRS),
    "bom.csv": "\ufeff0;0;0;0\n0;1;2;3\n0;2;4;6\n0;3;6;9\n",
    "header.csv": "w=0;w=1;w=2;w=3\n0;0;0;0\n0;1;2;3\n0;2;4;6\n0;3;6;9\n",
    "labels.csv": "x/w,-2,-1,0,1\n-2,4,2,0,-2\n-1,2,1,0,-1\n0,0,0,0,0\n1,-2,-1,0,1\n",
    "corner.csv": ",0,1,2,3\n0,0,0,0,0\n1,0,1,2,3\n2,0,2,4,6\n3,0,3,6,9\n",
    "words.hex": "// products\n@0 0 0 0 0 0 1 2 3\n@8 0 2 4 6 /* 3 * 3 = 9 */ 0 3 6 9\n",
    "signed_words.mem": "\n".join(f"{(x - 4 * (x > 1)) * (w - 4 * (w > 1)) & 15:x}" for x, w in PAIRS),
    "array.h": "static const int table[4][4] = {{0,0,0,0},{0,0x1,2,3}, /* row */ {0,2,4,6},{0,3,6,9U}};",
    "flat.h": "int lut[16] = {" + ", ".join(str(x * w) for x, w in PAIRS) + "};",
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_every_sign_separator_and_header(name, tmp_path):
    (tmp_path / name).write_text(TEXTS[name])
    signed = "-" in TEXTS[name].replace("-1\n", "") or "signed" in name
    found = read_table(tmp_path / name)
    assert found.signed == signed and np.array_equal(found.lut, exact(2, signed).lut), found.info


def test_gradients_behind_the_products_are_not_read_and_said_so(tmp_path):
    path = tmp_path / "with_gradients.txt"
    path.write_text("INFO: half window 1\nLUT for approximate multiplier:\n" + TEXTS["triples.txt"]
                    + "LUT for the gradient of the first operand:\n0 0 0.5\n")
    found = read_table(path)
    assert np.array_equal(found.lut, exact(2, False).lut) and "line 19" in found.info["remarks"][0]
    assert found.info["origins"]["signed"] == "its format, appmult"


def test_tables_of_other_widths(tmp_path):
    seven = Multiplier("seven", exact(7, False).lut, False)
    (tmp_path / "seven.bin").write_bytes(seven.lut.astype("<u2").tobytes())
    (tmp_path / "wide.txt").write_text(" ".join(str(x * w) for x in range(256) for w in range(16)))
    write_table(tmp_path / "mixed.hex", Multiplier("m", np.multiply.outer(np.arange(-8, 8), np.arange(-2, 2))))
    assert np.array_equal(read_table(tmp_path / "seven.bin").lut, seven.lut)
    assert read_table(tmp_path / "wide.txt", bits=(8, 4)).lut.shape == (256, 16)
    assert read_table(tmp_path / "mixed.hex", bits=(4, 2), signed=True).lut[0].tolist() == [16, 8, 0, -8]
    with pytest.raises(ValueError, match="8x8 bits by its shape: it cannot be read as 7x7 bits"):
        np.save(tmp_path / "eight.npy", exact().lut)
        read_table(tmp_path / "eight.npy", bits=7)
    with pytest.raises(ValueError, match="bits must be one width or a pair of them"):
        read_table(tmp_path / "wide.txt", bits=(8,))


def test_side_files_are_checked_key_by_key(tmp_path):
    np.save(tmp_path / "m.npy", exact(4, False).lut)
    for text, message in (('{"signed": "false"}', "'signed' of .*m.json must be true or false, got \"false\""),
                          ('{"sgined": true}', "key of .*m.json must be one of .*Did you mean signed"),
                          ('{"performance_metric": -1}', "must be at least 0, got -1"),
                          ('{"performance_metric": "cheap"}', 'must be a number, got "cheap"'),
                          ('{"order": 3}', "must be one of value, code"), ('[]', "must hold a JSON object"),
                          ('{"bits": [4, 4, 4]}', "one width or two"), ('{"name": 5}', "must be text")):
        (tmp_path / "m.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            read_table(tmp_path / "m.npy")


BAD = {
    "cut.h": ("const int16_t lut [256][256] = {{1, 2,", "array lut is not closed"),
    "short.h": ("const int16_t lut [256][256] = {{1, 2}};", "256 x 256 = 65536 entries, got 2"),
    "word.h": ("// a\nconst int16_t lut [2][2] = {{1, x},\n{3, 4}};", "line 2: expected an integer, got 'x'"),
    "other.h": ("int x = 3;", "must hold numbers, got none"),
    "ragged.csv": ("0 0\n0 1 2\n", r"got 5 numbers in 2 line\(s\)"),
    "three.csv": ("0 0 0\n0 1 2\n0 2 4\n", r"first ones go from 0 to 0"),
    "empty.csv": ("", "must hold numbers, got none"),
    "fraction.txt": ("0 0.5\n0 1\n", "expected an integer, got '0.5'"),
    "huge.txt": ("0 0\n0 99999999999\n", "must fit int32"),
    "huger.txt": ("0 0\n0 " + "9" * 5000, "expected an integer, got '9999"),
    "triples.txt": ("LUT for approximate multiplier:\n0 0 0\n0 1 0\n1 0 0\n",
                    r"every operand pair once, got \(1, 1\) 0"),
    "twice.txt": ("LUT for approximate multiplier:\n0 0 0\n0 0 0\n", "first ones go from 0 to 0"),
    "pair.txt": ("LUT for approximate multiplier:\n0 0 0 1\n", "three numbers"),
    "wide.txt": ("LUT for approximate multiplier:\n0 300 0\n", "first ones go from 0 to 0"),
    "cut.bin": (b"\x00\xff" * 1000, "no known format"),
    "cut.npy": (b"\x93NUMPY\x01\x00v\x00", "not a readable npy"),
    "cut.npz": (b"PK\x03\x04abc", "not a readable npz"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_by_name(name, tmp_path):
    content, message = BAD[name]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message) as error:
        read_table(path)
    assert name in str(error.value)


def test_what_a_format_cannot_hold_is_refused(tmp_path):
    with pytest.raises(ValueError, match="format holds 8x8 bits, got 4x4"):
        write_table(tmp_path / "x.bin", exact(4))
    with pytest.raises(ValueError, match="must be named for .*its suffix '.dat'"):
        write_table(tmp_path / "x.dat", exact())
    with pytest.raises(ValueError, match="format must be one of npy, npz"):
        write_table(tmp_path / "x.bin", exact(), "approxtrain")
    with pytest.raises(ValueError, match="order is fixed by format tfapprox"):
        write_table(tmp_path / "x.bin", exact(), order="code")
    with pytest.raises(ValueError, match="would wrap"):
        write_table(tmp_path / "x.bin", Multiplier("big", exact().lut * 3))
    with pytest.raises(ValueError, match="131072 for 8 bits, got 10"):
        (tmp_path / "x.bin").write_bytes(bytes(10))
        read_table(tmp_path / "x.bin", "tfapprox")
    with pytest.raises(ValueError, match="suffix of a multiplier file"):
        next(read_file(tmp_path / "x.dat"))


def test_npy_headers_are_checked_before_memory_is_taken(tmp_path):
    path = tmp_path / "bomb.npy"
    np.save(path, exact(4).lut)
    content = path.read_bytes()
    (tmp_path / "bomb.json").write_text('{"name": "bomb"}')
    for old, new, message in ((b"(16, 16), }", b"(99999999999, 16), }", "takes .* bytes, got"),
                              (b"(16, 16)", b"(-1, 16)", "takes -64 bytes"),
                              (b"'<i4'", b"'|O' ", "Python objects"), (b"NUMPY\x01", b"NUMPY\x09", "version 9.0")):
        path.write_bytes(content.replace(old, new))
        for read in (read_table, load_library):
            with pytest.raises(ValueError, match=f"bomb.npy is not a readable npy file without pickle.*{message}"):
                read(path)


ANY_BYTES = st.binary(max_size=300) | st.builds(
    bytes.__add__, st.sampled_from([b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"0 0\n0 1\n", b"lut [2][2] = {"]),
    st.binary(max_size=100))


@given(ANY_BYTES, st.sampled_from(sorted(set(SUFFIX.values()))), st.sampled_from([None, *FORMATS]))
@settings(max_examples=100)
def test_any_bytes_are_a_table_or_a_value_error(tmp_path_factory, content, suffix, format):
    path = tmp_path_factory.mktemp("fuzz") / f"f{suffix}"
    path.write_bytes(content)
    try:
        multiplier = read_table(path, format, signed=False)
    except ValueError:
        return
    assert multiplier.lut.ndim == 2
