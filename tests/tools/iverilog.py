"""What iverilog makes of a module: its results for given operands, for the programs that compare readers with it."""
import subprocess
from pathlib import Path

import numpy as np

BENCH = """module refapprox_bench;
  reg [127:0] pairs [0:{last}];
  reg [{x_top}:0] x; reg [{w_top}:0] w; wire [{p_top}:0] p;
  integer i;
  {module} dut({ports}.{p}(p));
  initial begin
    $readmemh("pairs.hex", pairs);
    for (i = 0; i <= {last}; i = i + 1) begin
      x = pairs[i][63:0]; w = pairs[i][127:64];
      #1000 $display("%b", p);
    end
    $finish;
  end
endmodule
"""


def all_pairs(bits_x, bits_w, limit=2 ** 16, seed=0):
    """Unsigned operands x and w, int64: every pair, or `limit` random ones where there are more."""
    if bits_x + bits_w <= limit.bit_length() - 1:
        pairs = np.arange(2 ** (bits_x + bits_w))
        return pairs >> bits_w, pairs & (2 ** bits_w - 1)
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, 2 ** bits, limit) for bits in (bits_x, bits_w))


def simulate(module, files, ports, pairs, folder):
    """Results of a module as Python integers in an object array, or a text on why there are none.

    Parameters
    ----------
    module : str
    files : sequence of paths
    ports : three (str, int)
        Names and widths of the operands x and w and of the result. Bits that are ports of their own are given by
        "{}" in a name, such as ``\\a[{}] ``.
    pairs : two int arrays
    folder : path
        Where to work.
    """
    (x, bits_x), (w, bits_w), (p, bits_p) = ports
    folder = Path(folder)
    (folder / "pairs.hex").write_text("\n".join(f"{int(b) << 64 | int(a):032x}" for a, b in zip(*pairs, strict=True)))
    connections = connected(x, "x", bits_x) + connected(w, "w", bits_w)
    if "{}" in p:
        connections += connected(p, "p", bits_p)
    text = BENCH.format(module=module, last=len(pairs[0]) - 1, x_top=bits_x - 1, w_top=bits_w - 1, p_top=bits_p - 1,
                        ports=connections, p=p)
    if "{}" in p:
        text = text.replace(f", .{p}(p)", "").replace(f".{p}(p)", "").replace(", );", ");")
    (folder / "bench.v").write_text(text)
    built = subprocess.run(["iverilog", "-g2012", "-s", "refapprox_bench", "-o", "bench.vvp", "bench.v",
                            *(str(Path(file).resolve()) for file in files)], cwd=folder, capture_output=True, text=True)
    if built.returncode:
        return f"iverilog: {(built.stderr.strip().splitlines() or ['?'])[0]}"
    try:
        run = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=folder, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        return "iverilog: more than 900 s"
    lines = [line for line in run.stdout.splitlines() if set(line) <= set("01xz") and len(line) == bits_p]
    if len(lines) != len(pairs[0]):
        return "iverilog: the simulation did not end"
    if any(set(line) & set("xz") for line in lines):
        return "iverilog: x or z in the result"
    return np.array([int(line, 2) for line in lines], dtype=object)


def connected(port, signal, bits):
    """Named connections of a port, or of its single bits."""
    if "{}" not in port:
        return f".{port}({signal}), "
    return "".join(f".{port.format(i)}({signal}[{i}]), " for i in range(bits))


def agrees(netlist, pairs, expected):
    """Whether an unsigned netlist has these results."""
    found = netlist.words([np.asarray(operand) for operand in pairs])
    return [int(value) for value in found] == list(expected)
