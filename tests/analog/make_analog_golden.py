"""Writes analog_golden.json: the analog chain computed number by number with `math`, no arrays, no refapprox.

A second way to every number, for machines without the golden data of aihwkit.  Run it as a program to regenerate.
The specification's formulas stand here as plain loops; draws are fixed fractions, not random.
"""
import json
import math
from pathlib import Path

WEIGHTS = [[0.9, -0.31], [0.02, -1.2], [0.0, 0.55]]
TIMES = [1.0, 86400.0]
STRATEGIES = {     # f_lst, breakpoints u, curves at the breakpoints (g0+, g0-, g1+, g1-), uS
    "single": ([1.0], [-1, 0, 1], [[0, 0, 25], [25, 0, 0]]),
    "dual": ([1.0, 3.0], [-1, -0.25, 0, 0.25, 1], [[0, 0, 0, 25, 25], [25, 25, 0, 0, 0],
                                                   [0, 0, 0, 0, 25], [25, 0, 0, 0, 0]]),
    "custom": ([1.0, 2.0], [-1, 0, 1], [[0, 4, 20], [20, 4, 0], [2, 1, 25], [25, 1, 2]]),
}
RANGE = {"g_max": 20.0, "g_min": 0.5, "f_min": 0.1, "f_max": 5.0}
SPACES = [     # the search spaces of the weight programming optimization, as published
    {"f_lst": [1.0, None], "nbins": 3, "symmetric": True, "use_max_kw": False, "g_err": 0.0},
    {"f_lst": [None, 1.0], "nbins": 2, "symmetric": False, "use_max_kw": True, "g_err": 0.0},
    {"f_lst": [1.0, None, 0.5], "nbins": 3, "symmetric": True, "use_max_kw": True, "g_err": 0.1},
    {"f_lst": [2.0], "nbins": 4, "symmetric": True, "use_max_kw": False, "g_err": 0.05},
]
SOURCE = [0.7, -1.1, 0.2, 0.2, -0.4, 0.95, -0.05]
SHAPES = [[2, 2], [3, 4], [1, 1]]


def draw(*index):
    """A fixed stand-in for a standard normal: anything in about [-2, 2] that differs from place to place."""
    return round(2 * math.sin(1 + sum((3 + 2 * k) * i for k, i in enumerate(index))), 3)


def interpolate(u, breakpoints, curve):
    for left, right, low, high in zip(breakpoints, breakpoints[1:], curve, curve[1:], strict=False):
        if u <= right:
            return low + (high - low) * (u - left) / (right - left)
    return curve[-1]


def full_scale(strategy):
    f_lst, breakpoints, curves = strategy
    return max(abs(sum(f * (curves[2 * j][i] - curves[2 * j + 1][i]) for j, f in enumerate(f_lst)))
               for i in range(len(breakpoints)))


def split(strategy, weight, largest):
    _, breakpoints, curves = strategy
    return [interpolate(weight / largest, breakpoints, curve) for curve in curves]


def combine(strategy, conductances, largest):
    total = sum(f * (conductances[2 * j] - conductances[2 * j + 1]) for j, f in enumerate(strategy[0]))
    return total * largest / full_scale(strategy)


def program(g, z):
    x = g / 25
    return max(0.0, g + (0.26348 + 1.9650 * x - 1.1731 * x**2) * z)


def exponent(g, z):
    log_x = math.log(max(g / 25, 1e-7))
    mean = min(max(-0.0155 * log_x + 0.0244, 0.049), 0.1)
    spread = min(max(-0.0125 * log_x - 0.0059, 0.008), 0.045)
    return abs(mean + spread * z)


def read(start, nu, t, z):
    total = t + 20.0
    drifted = start * (total / 20.0) ** -nu
    relative = min(0.2, 0.0088 / max((start / 25) ** 0.65, 1e-3))
    return max(0.0, drifted * (1 + relative * math.sqrt(math.log((total + 250e-9) / 500e-9)) * z))


def age(strategy, t, reconvert):
    """(programmed, drifted, alpha, loss) with global compensation."""
    devices, cells = range(len(strategy[2])), [(r, c) for r in range(3) for c in range(2)]
    largest = max(abs(WEIGHTS[r][c]) for r, c in cells)
    targets = {cell: split(strategy, WEIGHTS[cell[0]][cell[1]], largest) for cell in cells}
    starts = {cell: [program(targets[cell][s], draw(0, s, *cell)) for s in devices] for cell in cells}
    nus = {cell: [exponent(targets[cell][s], draw(1, s, *cell)) for s in devices] for cell in cells}
    programmed = {cell: combine(strategy, starts[cell], largest) for cell in cells}
    again = largest
    if reconvert:
        again = max(abs(value) for value in programmed.values())
        starts = {cell: split(strategy, programmed[cell], again) for cell in cells}
    drifted = {cell: combine(strategy, [read(starts[cell][s], nus[cell][s], t, draw(2, s, *cell)) for s in devices],
                             again) for cell in cells}
    alpha = sum(map(abs, programmed.values())) / sum(map(abs, drifted.values()))
    loss = sum(((alpha * drifted[r, c] - WEIGHTS[r][c]) / largest) ** 2 for r, c in cells) / len(cells)
    return [list(programmed.values()), list(drifted.values()), alpha, loss]


def dimensions(space):
    """One coordinate for each free factor, the range, and 2P - 1 for each discretized weight."""
    columns = space["nbins"] if space["symmetric"] else 2 * space["nbins"] - 1
    return (sum(f is None for f in space["f_lst"]) + (0 if space["use_max_kw"] else 1)
            + columns * (2 * len(space["f_lst"]) - 1))


def points(space):
    return [[(7 * k + 3 * row) % 11 / 10 for k in range(dimensions(space))] for row in range(3)]


def denormalize(space, x):
    """[factors, conductance of the largest weight, rows of x_g, conductances] at a point, as published: u = 0 last."""
    low_g, high_g, n = RANGE["g_min"], RANGE["g_max"], space["nbins"]
    error, pairs = space["g_err"] * (high_g - low_g), len(space["f_lst"])
    left_over, factors = list(x), []
    for factor in space["f_lst"]:
        span = RANGE["f_max"] - RANGE["f_min"]
        factors.append(left_over.pop(0) * span + RANGE["f_min"] if factor is None else factor)
    spans = [f * (high_g - low_g) for f in factors]
    top = (0.05 + 0.95 * (1.0 if space["use_max_kw"] else left_over.pop(0))) * sum(spans)
    columns = n if space["symmetric"] else 2 * n - 1
    rows = [left_over[columns * k:columns * (k + 1)] for k in range(2 * pairs - 1)]
    g = [[0.0] * (2 * n - 1) for _ in range(2 * pairs)]
    for i in range(columns):
        left = top * (i / (n - 1) - 1)
        for j in range(pairs):
            rest = sum(spans[j + 1:])
            low, high = max(left - rest, -spans[j]), min(left + rest, spans[j])
            taken = (rows[2 * j + 1][i] if j < pairs - 1 else 1.0) * (high - low) + low
            left -= taken
            delta = taken / factors[j]
            bottom, ceiling = low_g + max(delta, 0) - error, high_g + min(delta, 0) + error
            plus = min(max(rows[2 * j][i] * (ceiling - bottom) + bottom, low_g), high_g)
            minus = min(max(plus - delta, low_g), high_g)
            g[2 * j][i], g[2 * j + 1][i] = plus, minus
            if space["symmetric"]:
                g[2 * j][2 * n - 2 - i], g[2 * j + 1][2 * n - 2 - i] = minus, plus
    return [factors, top, rows, g]


def quantiles(count):
    """`count` values of the sorted source, interpolated with both ends kept."""
    ordered, found = sorted(SOURCE), []
    for i in range(count):
        at = i * (len(ordered) - 1) / max(count - 1, 1)
        below = min(int(at), len(ordered) - 2)
        found.append(ordered[below] + (at - below) * (ordered[below + 1] - ordered[below]))
    return found


def rounded(value):
    """12 digits: what every libm agrees on."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else float(f"{value:.12g}")


def golden():
    return rounded({
        "draws": [[[[draw(kind, s, r, c) for c in range(2)] for r in range(3)] for s in range(4)] for kind in range(3)],
        "chains": {name: {str(t): {way: age(strategy, t, way == "reconvert") for way in ("device", "reconvert")}
                          for t in TIMES} for name, strategy in STRATEGIES.items()},
        "denormalized": [[denormalize(space, x) for x in points(space)] for space in SPACES],
        "quantiles": [quantiles(rows * columns) for rows, columns in SHAPES],
    })


if __name__ == "__main__":
    path = Path(__file__).with_name("analog_golden.json")
    path.write_text(json.dumps(golden(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {path}")
