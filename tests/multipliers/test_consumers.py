"""Exports by who reads them: re-read here, by gcc and by iverilog; what a consumer cannot take is refused."""
import json
import shutil
import subprocess

import numpy as np
import pytest

from refapprox import Multiplier, exact, from_family
from refapprox.multipliers import find_multiplier, read_table
from refapprox.multipliers.closed_forms import closed_form
from refapprox.multipliers.formats.consumers import CONSUMERS, export

SIGNED = closed_form("v1.1", "mul8s_1KVL")                       # B(2, 5): its operands do not commute
UNSIGNED = from_family("broken_array(h=2,v=5)", signed=False)
TABLE = Multiplier("4 by 3", np.random.default_rng(4).integers(-60, 60, (16, 8)))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("consumer", [name for name in CONSUMERS if name != "verilog"])
@pytest.mark.parametrize("multiplier", [SIGNED, UNSIGNED], ids=["signed", "unsigned"])
def test_every_export_reads_back(consumer, multiplier, transposed, tmp_path):
    reader = CONSUMERS[consumer]
    path = tmp_path / f"table{reader.suffixes[0]}"
    if multiplier.signed not in reader.signs:
        with pytest.raises(ValueError, match=f"{consumer} takes .* multipliers only"):
            export(path, multiplier, consumer)
        assert not path.exists()
        return
    written = export(path, multiplier, consumer, transposed=transposed)
    back = read_table(path)
    assert np.array_equal(back.lut, multiplier.lut) and back.signed == multiplier.signed
    assert (back.name, back.release, back.performance_metric) == pytest.approx(
        (multiplier.name, multiplier.release, multiplier.performance_metric), nan_ok=True)
    assert back.info["provenance"]["family"] == multiplier.info["family"]
    assert ("row w, column x" if transposed else "row x, column w") in written.lines[0]
    assert written.lines[1].startswith(f"for {consumer}: ") and "{" not in written.lines[1].replace("{x, w}", "")


def test_orders_of_numpy_files_differ_and_are_said(tmp_path):
    value = export(tmp_path / "v.npy", SIGNED, "numpy")
    code = export(tmp_path / "c.npy", SIGNED, "torchapprox")
    assert "value order" in value.lines[0] and "two's-complement code order" in code.lines[0]
    assert np.load(tmp_path / "v.npy")[0, 0] == SIGNED(-128, -128) and np.load(tmp_path / "c.npy")[5, 7] == SIGNED(5, 7)
    assert json.loads(code.side.read_text())["order"] == "code"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")
@pytest.mark.parametrize("multiplier", [SIGNED, UNSIGNED, TABLE, exact(8, False)], ids=lambda m: m.name)
def test_gcc_computes_the_same(multiplier, tmp_path):
    export(tmp_path / "m.h", multiplier, "c")
    header = (tmp_path / "m.h").read_text()
    name = next(line.split()[3].partition("(")[0] for line in header.splitlines() if "inline" in line)
    (low_x, high_x), (low_w, high_w) = multiplier.range_x, multiplier.range_w
    (tmp_path / "m.c").write_text(
        f'#include <stdio.h>\n#include "m.h"\nint main(void) {{ for (int x = {low_x}; x <= {high_x}; x++)\n'
        f'for (int w = {low_w}; w <= {high_w}; w++) printf("%d\\n", (int){name}(x, w));\nreturn 0; }}\n')
    subprocess.run(["gcc", "-Wall", "-Werror", "-o", tmp_path / "m", tmp_path / "m.c"], check=True)
    found = subprocess.run([tmp_path / "m"], capture_output=True, text=True, check=True).stdout.split()
    assert np.array_equal(np.array(found, dtype=int).reshape(multiplier.lut.shape), multiplier.lut)


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="there is no iverilog")
@pytest.mark.parametrize("consumer", ["verilog", "readmemh"])
@pytest.mark.parametrize("multiplier", [SIGNED, UNSIGNED, TABLE], ids=lambda m: m.name)
def test_iverilog_computes_the_same(multiplier, consumer, tmp_path):
    path = tmp_path / f"m{CONSUMERS[consumer].suffixes[0]}"
    export(path, multiplier, consumer)
    bits_x, bits_w, width = multiplier.bits_x, multiplier.bits_w, multiplier.output_bits
    if consumer == "verilog":
        name = path.read_text().split("module ", 1)[1].split("(")[0].split()[0]
        unit = f"{name} unit(x, w, p);"
    else:
        unit = (f'reg [{width - 1}:0] rom [0:{2 ** (bits_x + bits_w) - 1}]; initial $readmemh("{path}", rom); '
                f"assign p = rom[{{x, w}}];")
    (tmp_path / "bench.v").write_text(
        f"module bench; reg [{bits_x - 1}:0] x; reg [{bits_w - 1}:0] w; wire [{width - 1}:0] p; integer i; {unit}\n"
        f"initial for (i = 0; i < {2 ** (bits_x + bits_w)}; i = i + 1) begin "
        f"{{x, w}} = i; #1 $display(\"%0d\", p); end\nendmodule\n")
    sources = [tmp_path / "bench.v"] + ([path] if consumer == "verilog" else [])
    subprocess.run(["iverilog", "-g2005", "-s", "bench", "-o", tmp_path / "sim", *sources], check=True)
    out = subprocess.run(["vvp", tmp_path / "sim"], capture_output=True, text=True, check=True).stdout.split()
    found = np.array(out, dtype=int).reshape(multiplier.lut.shape)
    by_code = np.roll(multiplier.lut, [side // 2 for side in multiplier.lut.shape], axis=(0, 1)) if multiplier.signed \
        else multiplier.lut
    assert np.array_equal(found, by_code & (1 << width) - 1)


def test_verilog_of_gates_comes_back_as_gates_with_its_power(tmp_path):
    written = export(tmp_path / "m.v", SIGNED)
    back = find_multiplier(written.path)
    assert np.array_equal(back.lut, SIGNED.lut) and back.signed and back.performance_metric == 0.289
    assert back.info["netlist"].gate_counts()
