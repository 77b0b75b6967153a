"""The pictures at the head of the derivations: `python -m tests.tools.derivation_pictures [FOLDER]`, seconds.

Every number in them is computed here, from the package or by hand; nothing is drawn freely.
"""
import sys
from pathlib import Path

import numpy as np

from refapprox import from_family, load_library
from refapprox.plotting.style import ERROR_COLORS, MEANING, draw_signed, new_figure, save

FIGURES = Path(__file__).resolve().parents[2] / "docs" / "figures"
PLUS, MINUS = ERROR_COLORS[-1], ERROR_COLORS[1]
BOX = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": "#555555"}


def bare(axis, title):
    axis.set_axis_off()
    axis.set_title(title, fontsize=10)


def arrow(axis, start, end, color="#555555", **options):
    axis.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": color, "lw": 1.4, "shrinkA": 13,
                                              "shrinkB": 13, **options})


def gradients():
    """The convolution of the example: forward to the right, cotangents back to the left."""
    figure, axis = new_figure(size=(6.4, 3))
    bare(axis, "Forward: values go right.  Back: each cotangent D returns on the same lines.")
    taps = {0: ((0, "$w_1$"), (1, "$w_2$")), 1: ((1, "$w_1$"), (2, "$w_2$"))}
    for k in range(3):
        axis.text(0, 2 - k, f"$x_{k + 1}$", ha="center", va="center", bbox=BOX)
    for k, seen in taps.items():
        y = 1.5 - k
        axis.text(2, y, f"$y_{k + 1}$", ha="center", va="center", bbox=BOX)
        axis.text(3.05, y, f"$D_{k + 1} = \\partial L / \\partial y_{k + 1}$", ha="left", va="center",
                  color=MEANING["allowed"])
        arrow(axis, (3.05, y), (2, y), MEANING["allowed"], shrinkA=2)
        for i, name in seen:
            back = i == 1
            arrow(axis, (0, 2 - i), (2, y), "#555555")
            if back:
                arrow(axis, (2, y), (0, 2 - i), MEANING["allowed"], connectionstyle=f"arc3,rad={-0.28 + 0.56 * k}")
            axis.text(0.5, 2 - i + (y - 2 + i) / 4 + 0.09, name, ha="center", va="bottom", fontsize=9)
    axis.text(0, -0.75, "The middle pixel is seen twice, so two cotangents meet in it:   "
              "$\\partial L / \\partial x_2 = w_2 D_1 + w_1 D_2$", fontsize=9)
    axis.set(xlim=(-0.4, 4.6), ylim=(-1, 2.4))
    return figure


def matching(fan_in=150, allowed=1000.0):
    """Left the staircase of codes, right what a layer tolerates and the multipliers that keep within it."""
    figure, (left, right) = new_figure(1, 2, size=(8.6, 3.4))
    scale, zero_point, low, high = 0.1, 3, 0, 7
    x = np.linspace(-0.55, 0.65, 1201)
    codes = np.clip(np.rint(x / scale) + zero_point, low, high)
    left.plot(x, scale * (codes - zero_point), color=MEANING["predicted"])
    left.plot(x, x, color=MEANING["exact"], linestyle="--", linewidth=1)
    for code in range(low, high + 1):
        left.annotate(f"{code}", (scale * (code - zero_point), scale * (code - zero_point)), xytext=(0, 5),
                      textcoords="offset points", ha="center", fontsize=8)
    left.set(title="codes 0 to 7, s = 0.1, z = 3", xlabel="real number x", ylabel="what its code stands for, s (q − z)")
    library = [m for m in load_library() if m.error_map.any()]
    stds = np.array([float(m.error_map.std()) * fan_in ** 0.5 for m in library])
    costs = np.array([m.performance_metric for m in library])
    fits = stds <= allowed
    right.scatter(costs[~fits], stds[~fits], color=MEANING["exact"], marker="x", label="errs too much")
    right.scatter(costs[fits], stds[fits], color=MEANING["predicted"], label="fits")
    best = np.flatnonzero(fits)[costs[fits].argmin()]
    right.scatter(costs[best], stds[best], s=130, facecolor="none", edgecolor=MEANING["best"], linewidth=2,
                  label=f"taken: {library[best].name.removeprefix('mul8s_')}")
    right.axhline(allowed, color=MEANING["allowed"], linestyle="--", label="allowed: 0.2 · 5,000")
    right.set(yscale="log", xlabel="power of a multiplier (mW)", ylabel=f"std of a sum of {fan_in} errors",
              title="the cheapest one below the line")
    right.legend(fontsize=8, loc="upper right")
    return figure


def multipliers(bits=4):
    """Left the cells of a product with those that B(0, 2) drops, right Mitchell's straight lines."""
    figure, (left, right) = new_figure(1, 2, size=(8.6, 3.4))
    bare(left, "4 × 4 bits: the cells $x_i w_j$, those of B(0, 2) dropped")
    for i in range(bits):
        for j in range(bits):
            column, dropped = i + j, i + j < 2
            left.text(-column, -j, f"{2 ** column}", ha="center", va="center", fontsize=9,
                      color=PLUS if dropped else "black",
                      bbox=BOX | {"boxstyle": "circle,pad=0.25", "edgecolor": PLUS if dropped else "#555555",
                                  "linestyle": ":" if dropped else "-"})
    for j in range(bits):
        left.text(-2 * bits + 0.6, -j, f"$w_{j}$", ha="center", va="center")
    left.text(-(2 * bits - 2) / 2, -bits - 0.1, "The number is the weight $2^{i+j}$ of a cell.\n"
              "Dropped (dotted): 1 + 2 + 2 = 5, a quarter of it lost on average",
              ha="center", va="center", fontsize=9)
    left.set(xlim=(-2 * bits + 0.1, 0.8), ylim=(-bits - 0.7, 0.7))
    x = np.linspace(1, 8, 701)
    k = np.floor(np.log2(x))
    right.plot(x, np.log2(x), color=MEANING["exact"], linestyle="--", label="$\\log_2 x$")
    right.plot(x, k + x / 2 ** k - 1, color=MEANING["predicted"], label="Mitchell: $k + f$")
    right.set(xlabel="$x = 2^k (1 + f)$", ylabel="logarithm", title="logarithms by straight lines")
    right.legend(fontsize=9, loc="lower right")
    return figure


def table_products():
    """The table of the example as one column times one row, and a sum of look-ups as an inner product."""
    figure, axis = new_figure(size=(7.4, 3))
    bare(axis, "m(x, w) = F(x) · G(w): a table that is one column times one row")
    column, row = np.array([0, 0, 2, 2]), np.arange(4)
    cell = {"ha": "center", "va": "center"}
    for x in range(4):
        axis.text(-1.6, 3 - x, f"x = {x}", **cell, fontsize=9, color="#555555")
        axis.text(0, 3 - x, f"{column[x]}", **cell, bbox=BOX | {"edgecolor": MEANING["predicted"]})
        for w in range(4):
            axis.text(2 + w, 3 - x, f"{column[x] * row[w]}", **cell, bbox=BOX)
    for w in range(4):
        axis.text(2 + w, 5.1, f"w = {w}", **cell, fontsize=9, color="#555555")
        axis.text(2 + w, 4.2, f"{row[w]}", **cell, bbox=BOX | {"edgecolor": MEANING["best"]})
    axis.text(0, 4.2, "F", **cell, color=MEANING["predicted"])
    axis.text(1, 4.2, "G", **cell, color=MEANING["best"])
    axis.text(6.2, 1.5, "Four look-ups for the codes\nx = (3, 1, 2, 2), w = (1, 3, 2, 3):\n   2 + 0 + 4 + 6 = 12\n\n"
              "the same as an inner product:\n   (2, 0, 2, 2) · (1, 3, 2, 3) = 12", va="center", fontsize=10)
    axis.set(xlim=(-2.2, 11), ylim=(-0.6, 5.5))
    return figure


def error_parts(bits=4):
    """The error map of a multiplier that drops its low columns, and the parts into which it splits, uniform codes."""
    from refapprox.error_stats.decomposition import decompose
    codes = 2 ** bits
    emap, uniform = from_family("truncated", bits=bits, signed=False, k=bits).error_map, np.full(codes, 1 / codes)
    parts = decompose(emap[np.newaxis].astype(float), uniform, uniform)
    whole = emap - parts.mean[0]
    shown = (("e(x, w) − μ", whole, whole.var()),
             ("=  a(x)", np.repeat(parts.x_part[0][:, np.newaxis], codes, 1), parts.x_variance[0]),
             ("+  b(w)", np.repeat(parts.w_part[0][np.newaxis], codes, 0), parts.w_variance[0]),
             ("+  d(x, w)", parts.interaction[0], parts.interaction_variance[0]))
    figure, panels = new_figure(1, 4, size=(9.6, 3.1), sharey=True)
    limit = np.abs(whole).max()
    for axis, (title, values, variance) in zip(panels, shown, strict=True):
        image = draw_signed(axis, values, (-0.5, codes - 0.5, -0.5, codes - 0.5), limit)
        axis.set(title=title, ylabel="weight w" if axis is panels[0] else "", aspect="equal",
                 xlabel=f"activation x\n\nvariance {variance:.2f}")
    figure.colorbar(image, ax=list(panels), label=f"beyond the mean, μ = {parts.mean[0]:g}", shrink=0.75)
    return figure


def small_neuron():
    """The two fields and two neurons of the page, and the law of S that each reading of them has."""
    figure, (left, right) = new_figure(1, 2, size=(8.6, 3.1))
    bare(left, "two fields, two neurons: four sums of errors")
    fields = weights = ((0, 1), (1, 0))
    cell = {"ha": "center", "va": "center"}
    for k, field in enumerate(fields):
        left.text(0, 1 - k, f"field {field}", **cell)
        for j, neuron in enumerate(weights):
            errors = [4 * a * b for a, b in zip(field, neuron, strict=True)]
            left.text(1.3 + j * 1.3, 1 - k, f"{errors[0]} + {errors[1]} = {sum(errors)}", **cell,
                      bbox=BOX | {"edgecolor": PLUS if sum(errors) else "#555555"})
            if not k:
                left.text(1.3 + j * 1.3, 1.8, f"weights {neuron}", **cell)
    left.set(xlim=(-0.6, 3.3), ylim=(-0.6, 2.2))
    values = np.array([0, 4, 8])
    right.bar(values - 0.45, [1 / 2, 1 / 2, 0], 0.8, color=MEANING["simulated"], label="the data: variance 4")
    right.bar(values + 0.45, [9 / 16, 6 / 16, 1 / 16], 0.8, color=MEANING["predicted"], hatch="//", edgecolor="white",
              label="independent codes: variance 6")
    right.set(xticks=values, xlabel="accumulated error S", ylabel="probability", ylim=(0, 0.85))
    right.legend(fontsize=9, loc="upper right")
    return figure


def analog(g_target=10.0, devices=20):
    """Some devices of phase-change memory over a month, with the mean and spread that the closed form has."""
    from refapprox.analog import PCMLikeNoiseModel
    device, rng = PCMLikeNoiseModel(), np.random.default_rng(0)
    times = np.geomspace(20, 30 * 86400, 60)
    moments = [device.read_moments(g_target, t) for t in times]
    mean = np.array([float(m.mean) for m in moments])
    std = np.array([float(m.variance) for m in moments]) ** 0.5
    target = np.full(devices, g_target)
    programmed = device.program(target, rng=rng)
    state = device.drift_state(target, rng=rng)
    figure, axis = new_figure(size=(6.6, 3.4))
    lines = axis.plot(times, [device.read(programmed, state, t, rng=rng) for t in times],
                      color=MEANING["simulated"], alpha=0.3, linewidth=0.8)
    lines[0].set_label(f"{devices} devices")
    axis.fill_between(times, mean - std, mean + std, color=MEANING["range"], alpha=0.7, label="mean ± std, closed form")
    axis.plot(times, mean, color=MEANING["predicted"], linewidth=2)
    axis.axhline(g_target, color=MEANING["allowed"], linestyle="--", label="what was wanted")
    axis.set(xscale="log", xlabel="time after programming (s)", ylabel="conductance read (µS)",
             ylim=(0, 1.35 * g_target), xlim=(times[0], times[-1]))
    axis.legend(fontsize=9, loc="lower left")
    return figure


def compat(products=25, tile=16):
    """A padded image in codes, and the last tile of a sum."""
    figure, (left, right) = new_figure(1, 2, size=(8.6, 2.4), width_ratios=(1, 1.7))
    bare(left, "padding is the code of zero, z = 3")
    image = np.array([[5, 4, 7], [3, 6, 2], [1, 3, 5]])
    for i in range(5):
        for j in range(5):
            inside = 0 < i < 4 and 0 < j < 4
            left.text(j, -i, f"{image[i - 1, j - 1] if inside else 3}", ha="center", va="center", fontsize=10,
                      color="black" if inside else MEANING["allowed"],
                      bbox=BOX | {"edgecolor": "#555555" if inside else MEANING["allowed"],
                                  "linestyle": "-" if inside else ":"})
    left.set(xlim=(-0.7, 4.7), ylim=(-4.7, 0.7))
    filled = -products % tile
    bare(right, f"{products} products in tiles of {tile}: {filled} pairs (0, 0) fill the last one")
    for k in range(products + filled):
        real = k < products
        right.text(k % tile, -(k // tile), f"{k + 1}" if real else "0", ha="center", va="center", fontsize=8,
                   color="black" if real else MEANING["allowed"],
                   bbox=BOX | {"boxstyle": "round,pad=0.25", "edgecolor": "#555555" if real else MEANING["allowed"],
                               "linestyle": "-" if real else ":"})
    right.text((tile - 1) / 2, -2.1, f"each pair adds m(0, 0): with 32 there, {filled} · 32 = {filled * 32} too much",
               ha="center", va="center", fontsize=9)
    right.set(xlim=(-0.8, tile - 0.2), ylim=(-2.6, 0.8))
    return figure


PICTURES = {"derivation_gradients.svg": gradients, "derivation_matching.svg": matching,
            "derivation_multipliers.svg": multipliers, "derivation_table_products.svg": table_products,
            "derivation_error_parts.svg": error_parts, "derivation_small_neuron.svg": small_neuron,
            "derivation_analog.svg": analog, "derivation_compat.svg": compat}


def main(folder=FIGURES):
    for name, draw in PICTURES.items():
        print(save(draw(), Path(folder) / name), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
