"""`refapprox multipliers`, every action as typed; figures exist and show what they should."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from c_dialects import HEADER, A

from refapprox import exact, load_library
from refapprox.cli import main
from refapprox.multipliers.closed_forms import closed_form
from refapprox.multipliers.formats import write_table
from refapprox.multipliers.languages.verilog import source as verilog
from refapprox.multipliers.ranking import condition, pareto_front
from refapprox.plotting import multipliers as plots


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("REFAPPROX_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys):
    """The command's exit code and output."""
    def call(*words):
        code = main(["multipliers", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err
    return call


def test_list_sorts_and_filters(run):
    code, out, _ = run("list", "--sort", "MAE%", "--reverse", "--where", "power<0.3", "--where", "MRE%>=10")
    names = [line.split()[0] for line in out.splitlines()[2:-1]]
    assert code == 0 and names == ["mul8s_1KR3", "mul8s_1L1G", "mul8s_1KTY", "mul8s_1L2D"]
    assert out.splitlines()[-1] == "4 circuits"
    code, out, _ = run("list", "--sort", "name", "--json", "--where", "MAE=0")
    (entry,) = json.loads(out)
    assert (entry["name"], entry["MAE"], entry["release"], entry["power"]) == ("mul8s_1KV8", 0, "v1.1", 0.425)


def test_list_of_a_folder_with_a_circuit_and_no_cost(run, tmp_path):
    (tmp_path / "mul2u_0AA.c").write_text(HEADER.format(mae_percent="0.00", mae="0", wce="0", ep="0.00")
                                          + A.replace("mul2u_A", "mul2u_0AA"))
    (tmp_path / "wide.c").write_text("uint32_t f(uint16_t a, uint16_t b) { return (a & 0xFFF0) * b; }")
    write_table(tmp_path / "table.npy", exact(8, signed=False))
    (tmp_path / "table.json").write_text('{"signed": false}')
    code, out, _ = run("list", "--library", str(tmp_path), "--unsigned", "--bits", "any", "--samples", "1000")
    assert code == 0 and "3 circuits; figures of 1000 random operand pairs" in out and "16x16 unsigned" in out
    assert run("list", "--library", str(tmp_path), "--any-sign", "--bits", "2x2")[1].count("mul2u_0AA") == 1


def test_show_prints_and_draws(run, tmp_path):
    code, out, _ = run("show", "mul8s_1KVA", "--out", "figures")
    assert code == 0 and "8x8 signed, B(0, 2), release v1.1" in out and "mul8s_1KV8 of release v2022" in out
    drawn = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert drawn == [f"mul8s_1KVA_error_{kind}.png" for kind in ("against_operand", "histogram", "map")]
    assert all((tmp_path / "figures" / name).stat().st_size > 5000 for name in drawn)
    code, out, _ = run("show", "v2022:mul16s_GRU", "--samples", "2000")
    assert code == 0 and "16x16 signed, B(2, 5), release v2022" in out and "of 2000 random operand pairs" in out
    assert "4x4 unsigned, truncated" in run("show", "truncated(k=3)", "--bits", "4", "--unsigned")[1]


def test_import_and_export_are_inverse(run, tmp_path):
    code, out, _ = run("export", "mul8s_1KVL", "--out", "t.h", "--for", "transaxx")
    assert code == 0 and "signed 8x8 bits, two's-complement code order, int16, row x, column w" in out
    code, out, _ = run("import", "t.h", "--out", "mine.npy", "--name", "mine", "--power", "0.25")
    assert code == 0 and "Multiplier('mine', 8x8 bits, signed)" in out
    assert "mul8s_1KVL (v1.1), mul8s_1KX5 (v2022); B(2, 5)" in out
    (mine,) = load_library(tmp_path / "mine.npy")
    assert np.array_equal(mine.lut, closed_form("v1.1", "mul8s_1KVL").lut)
    assert (mine.name, mine.performance_metric) == ("mine", 0.25)
    run("export", "mine.npy", "--out", "back.h", "--for", "transaxx")
    assert (tmp_path / "back.h").read_text() == (tmp_path / "t.h").read_text()
    (tmp_path / "f.c").write_text("int16_t f(int8_t a, int8_t b) { return (a >> 1 << 1) * b; }")
    assert run("import", "f.c", "--out", "f.npy", "--transposed")[0] == 0
    assert load_library(tmp_path / "f.npy")["f"](7, -5) == -42


def test_lint_says_what_is_wrong_by_its_exit_code(run, tmp_path):
    write_table(tmp_path / "sound.bin", closed_form("v1.1", "mul8s_1L2H"))
    code, out, _ = run("lint", "sound.bin")
    assert code == 0 and "T(1)." in out and "error" not in out
    lut = exact(8, signed=False).lut.copy()
    lut[255, 255] = 64770
    np.savetxt(tmp_path / "accurate.csv", lut, fmt="%d")
    code, out, _ = run("lint", "accurate.csv")
    assert code == 1 and "m(255, 255) = 64770 (expected 65025)" in out
    assert run("lint", "accurate.csv", "--signed")[0] == 1
    assert run("lint", "mul8s_1KVL")[0] == 0
    write_table(tmp_path / "code.npy", closed_form("v1.1", "mul8s_1KVL"), order="code")
    assert run("lint", "code.npy")[0] == 0 and run("lint", "code.npy", "--signed", "--order", "value")[0] == 1


def test_identify(run, tmp_path):
    np.save(tmp_path / "t.npy", closed_form("v1.1", "mul8s_1KVL").lut.T)
    assert "mul8s_1KX5 of release v2022 transposed = B(2, 5)\n" in run("identify", "t.npy")[1]
    out = run("identify", "drum(k=4)", "--bits", "5")[1]
    assert out == "no published circuit has this table\ndrum(k=4)\n"


def test_verilog_of_what_has_gates(run, tmp_path):
    code, out, _ = run("verilog", "mul8s_1KRC")
    netlist = verilog.read(out)
    assert code == 0 and np.array_equal(netlist.lut, closed_form("v1.1", "mul8s_1KRC").lut)
    (tmp_path / "f.c").write_text("int16_t f(int8_t a, int8_t b) { return (a & 12) * b; }")
    assert run("verilog", "f.c", "--out", "f.v")[0] == 0
    assert verilog.read((tmp_path / "f.v").read_text())(13, -3) == -36
    assert "truncated" in run("verilog", "truncated(k=3)", "--bits", "4")[1]
    np.save(tmp_path / "t.npy", exact(3).lut)
    code, _, err = run("verilog", "t.npy")
    assert code == 2 and "the gates of t are not known" in err


def test_plot_draws_the_front(run, tmp_path):
    code, out, _ = run("plot", "--out", "front.svg")
    assert code == 0 and "13 of 13 circuits are on the front" not in out and "mul8s_1KV8" in out
    assert "</svg>" in (tmp_path / "front.svg").read_text()


@pytest.mark.parametrize("words, message", [
    (["show", "mul8s_1KV"], "Did you mean mul8s_1KV"),
    (["show", "./none.npy"], "there is no file ./none.npy"),
    (["show", "mul8u_17KS"], "mul8u_17KS is a circuit of EvoApproxLib v1.1, and not built in: give a checkout of that"),
    (["show", "mul12s_2PQ"], "and not built in: say v2022:mul12s_2PQ"),
    (["show", "v2022:mul8u_2AC"], "no multiplier named 'mul8u_2AC'"),
    (["list", "--where", "MAE"], "condition must read FIGURE<NUMBER"),
    (["list", "--where", "area<3"], "figure must be one of power, bits"),
    (["list", "--sort", "size"], "figure must be one of"),
    (["list", "--library", "nowhere"], "there is no file, folder, release or family 'nowhere'"),
    (["import", "bad.c", "--out", "x.npy"], "bad.c, line 2: unknown token '@'"),
    (["import", "bad.c", "--out", "x.txt"], "--out must end in .npy"),
    (["lint", "bad.bin"], "bad.bin has no known format"),
    (["show", "mul8s_1KVL", "--unsigned"], "--unsigned does not apply to mul8s_1KVL: it has 8x8 bits, signed"),
    (["show", "v2022:mul12s_2PQ", "--bits", "8"], "--bits does not apply to mul12s_2PQ: it has 12x12 bits"),
    (["show", "drum(k=6)", "--top", "m"], "--top does not apply to drum(k=6): it is generated by formula"),
    (["show", "open.npy"], "Say --signed or --unsigned, or {\"signed\": true} in open.json."),
    (["show", "open.npy", "--signed"], "Say --order value or --order code"),
    (["show", "open.npy", "--top", "m"], "--top does not apply to open.npy: it is a table, not a circuit"),
    (["show", "unsigned.npy", "--signed"], "cannot be signed, as the caller says: its entries are no such products"),
    (["show", "low.v", "--unsigned", "--order", "code"], "--order does not apply to low.v: it is a circuit"),
    (["show", "low.v", "--bits", "3"], "2x2 bits by its ports: it cannot be read as 3x3 bits"),
    (["lint", "low.v", "--format", "npy"], "--format does not apply to low.v"),
    (["export", "mul8s_1KVL", "--out", "x.txt"], "--for must be named for x.txt: who reads it, one of torchapprox"),
    (["export", "mul8s_1KVL", "--out", "x.bin", "--for", "tfapprox"], "tfapprox takes unsigned multipliers only"),
    (["export", "drum(k=3)", "--bits", "4", "--out", "x.h", "--for", "adapt"], "adapt takes 8x8 bits only"),
    (["export", "mul8s_1KVL", "--out", "x.csv", "--for", "torchapprox"], "torchapprox reads .npy files, got x.csv"),
    (["export", "v2022:mul12s_2PQ", "--out", "x.npy"], "has no table to write"),
    (["lint", "mul8s_1KVL", "--fix", "f.npy"], "--fix: no single correction explains"),
    (["import", "low.v", "--unsigned", "--power", "-1", "--out", "y.npy"], "--power must be at least 0, got -1"),
])
def test_errors_name_file_line_and_token(words, message, run, tmp_path):
    (tmp_path / "bad.c").write_text("int f(int8_t a, int8_t b) {\n return a @ b; }")
    (tmp_path / "bad.bin").write_bytes(b"\x00\xff\x07")
    (tmp_path / "low.v").write_text("module low(input [1:0] a, b, output [3:0] p); assign p = a[1] * b; endmodule")
    np.save(tmp_path / "open.npy", np.zeros((16, 16), dtype=np.int32))
    np.save(tmp_path / "unsigned.npy", exact(8, signed=False).lut)
    code, _, err = run(*words)
    assert code == 2 and message in err and err.startswith(f"refapprox multipliers {words[0]}: ")


def test_show_tells_where_sign_widths_and_order_come_from(run, tmp_path):
    np.save(tmp_path / "mine.npy", exact(8).lut)
    assert "signed, from its entries; 8x8 bits, from its shape; value order, from its entries" in \
        run("show", "mine.npy")[1]
    (tmp_path / "mine.json").write_text('{"signed": true, "order": "value"}')
    assert "signed, from the side file mine.json" in run("show", "mine.npy")[1]
    (tmp_path / "low.v").write_text("module low(input [1:0] a, b, output [3:0] p); assign p = a * b; endmodule")
    (tmp_path / "low.json").write_text('{"signed": true}')
    code, out, err = run("show", "low.v", "--unsigned")
    assert code == 0 and "unsigned, from the caller; 2x2 bits, from its ports" in out
    assert "note: unsigned, as the caller says; the side file low.json says signed." in out + err


def test_fix_writes_what_one_correction_explains(run, tmp_path):
    lut = exact(8, signed=False).lut.copy()
    lut[255, 255] = 64770
    np.savetxt(tmp_path / "accurate.csv", lut, fmt="%d")
    code, out, _ = run("lint", "accurate.csv", "--fix", "right.npy")
    assert code == 1 and "right.npy: those of the exact product, 1 entries changed" in out
    assert run("lint", "right.npy")[0] == 0
    assert np.array_equal(load_library(tmp_path / "right.npy")["accurate"].lut, exact(8, signed=False).lut)


def test_families_are_listed(run):
    code, out, _ = run("families", "--bits", "6")
    assert code == 0 and "k, 2 to 6 at 6 bits" in out and "26 families; a member reads" in out


def test_search_spaces_add_up(run, tmp_path):
    np.save(tmp_path / "mine.npy", exact(8).lut)
    code, out, _ = run("list", "--library", "builtin,mine.npy,drum(k=6)")
    assert code == 0 and out.splitlines()[-1] == "15 circuits"


def test_as_a_program(tmp_path):
    done = subprocess.run([sys.executable, "-m", "refapprox", "multipliers", "list", "--where", "MAE=0"],
                          capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[2])
    assert "mul8s_1KV8" in done.stdout


def test_pareto_front_and_conditions():
    points = [(3, 1), (1, 3), (2, 2), (2, 4), (3, 1), (4, 1), (0.5, float("nan"))]
    assert pareto_front(points) == [1, 2, 0]
    dominated = [i for i, (c, e) in enumerate(points[:6])
                 if any((c2 <= c and e2 < e) or (c2 < c and e2 <= e) for c2, e2 in points[:6])]
    assert sorted(set(range(6)) - set(dominated)) == [0, 1, 2, 4]      # of the equal ones, 0 and 4, the first is kept
    assert condition("MAE% <= 2")({"MAE%": 2.0}) and not condition("MAE<2")({"MAE": 2.0})


def test_figures_show_the_numbers():
    multiplier = closed_form("v1.1", "mul8s_1KVL")
    image = plots.error_map(multiplier).axes[0].images[0]
    assert image.get_array()[7 + 128, -5 + 128] == multiplier.error_map[-5 + 128, 7 + 128]      # x runs rightwards
    bars = plots.error_histogram(multiplier).axes[0].patches
    assert sum(bar.get_height() for bar in bars) == pytest.approx(100)
    mean = plots.error_against_operand(multiplier).axes[1].lines[0]
    assert np.array_equal(mean.get_ydata(), multiplier.error_map.mean(axis=0))
    with pytest.raises(ValueError, match="no circuit has both power and MAE%"):
        plots.front(["a"], [{"power": float("nan"), "MAE%": 1.0}])
