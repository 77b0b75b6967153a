"""python -m tests.benchmarks.roofline [FILE.png]: what bounds each route of a table product, measured on one core.

Operations are multiply-adds (factored) or additions (the others); bytes are what NumPy's and BLAS's passes read and
write, wherever it lies. Processor time, so that a busy machine disturbs little; OPENBLAS_NUM_THREADS=1.
"""
import os
import sys
from pathlib import Path

import numpy as np

from refapprox import load_library
from refapprox.ops.lut_matmul import follow
from refapprox.ops.patches import Geometry
from refapprox.ops.route_choice import plans, sizes
from refapprox.ops.table_convolution import TableConvolution
from refapprox.plotting.style import GREYS, MARKERS, new_figure, save
from tests.benchmarks.table_products import SHAPES, operands, synthetic_tables
from tests.benchmarks.timing import machine, medians

CACHE, MEMORY = 1 << 19, 1 << 28      # bytes of a copy within a core's cache, and of one beyond every cache
ROUTES = {"factored": "factored, float32", "factored float64": "factored, float64",
          "by_activations": "gather by activations", "by_weights": "gather by weights", "index": "index"}


def seconds(run):
    return medians({"": run}, rounds=3, repeats=5)[""].cores


def ceilings():
    """(operations a second of matrix products by dtype, bytes a second of a copy within cache and beyond)."""
    rng = np.random.default_rng(0)
    peaks = {}
    for dtype in ("float32", "float64"):
        a, b = rng.random((2, 1024, 1024)).astype(dtype)
        peaks[dtype] = 1024 ** 3 / seconds(lambda a=a, b=b: a @ b)
    speeds = []
    for size in (CACHE, MEMORY):
        source, target = np.ones(size // 16), np.ones(size // 16)
        turns = max(1, (8 << 20) // size)
        speeds.append(turns * size / seconds(lambda s=source, t=target, n=turns: [np.copyto(t, s) for _ in range(n)]))
    return peaks, speeds


def counts(problem, plan):
    """(operations, bytes) of one run of `plan`."""
    if plan.route == "index":
        products = problem.k * int(np.prod(problem.output_shape))
        return products, products * (3 * 8 + 12 + 8)               # address from two, look-up, sum
    lines, positions, columns, pixels = sizes(problem, plan.tile)
    if plan.route != "factored":
        additions = (positions * columns * pixels if plan.route == "by_weights" else lines * positions * columns)
        return additions, additions * 5 * 4                        # copied out of the table, added to the sums
    rank, item = problem.multiplier.factorization.rank, np.dtype(plan.dtype).itemsize
    passes = rank * (problem.x.shape[0] * pixels * (8 + item)      # looked up
                     + 4 * lines * positions * item)               # copied as patches, packed by BLAS
    return lines * positions * columns * rank, passes + 3 * lines * columns * item


def measured():
    """(route, rank, intensity, operations a second, products a second) of each route on each shape."""
    library = load_library()
    for multiplier in (library["mul8s_1KV8"], library["mul8s_1KX2"], *synthetic_tables()):
        for shape in SHAPES:
            x, w = operands(shape, multiplier.signed)
            problem = TableConvolution(x.transpose(1, 2, 3, 0), w, multiplier, Geometry(w.shape[2:]))
            out = np.empty(problem.output_shape, np.int64)
            products = problem.k * out.size
            best = {}
            cheapest, *others = plans(problem, "auto")
            for plan in (cheapest, *others):
                best.setdefault(plan.route, plan)
            for route, plan in best.items():
                if route == "index" and multiplier.factorization.rank != 1:
                    continue                                        # its time does not depend on the table
                if plan.cost > 8 * cheapest.cost and route != "index":
                    continue                                        # far from being chosen
                operations, moved = counts(problem, plan)
                time = seconds(lambda problem=problem, plan=plan, out=out: follow(plan, problem, out))
                name = "factored float64" if route == "factored" and plan.dtype is np.float64 else route
                yield (name, multiplier.factorization.rank, operations / moved, operations / time, products / time)


def draw(peaks, speeds, points, path):
    """The roofline beside speed against rank."""
    figure, (roof, ranks) = new_figure(1, 2, size=(11, 4.6))
    x = np.geomspace(0.01, 100, 200)
    for speed, label, style in zip(speeds, ("cache", "memory"), ("-", "--"), strict=True):
        roof.plot(x, np.minimum(x * speed, peaks["float32"]) / 1e9, style, color="black", lw=1,
                  label=f"copies within {label}, {speed / 1e9:.0f} GB/s")
    roof.axhline(peaks["float64"] / 1e9, color="black", lw=1, ls=":", label="matrix product, float64")
    for (route, label), marker, color in zip(ROUTES.items(), MARKERS, GREYS, strict=False):
        chosen = np.array([point[1:] for point in points if point[0] == route])
        if len(chosen):
            roof.plot(chosen[:, 1], chosen[:, 2] / 1e9, marker, color=color, ms=5, label=label)
            ranks.plot(np.minimum(chosen[:, 0], 40), chosen[:, 3] / 1e9, marker, color=color, ms=5, label=label)
    r = np.arange(1, 31)
    ranks.plot(r, peaks["float32"] / r / 1e9, "-", color="black", lw=1, label="ceiling of float32 / rank")
    ranks.plot(r, peaks["float64"] / r / 1e9, ":", color="black", lw=1, label="ceiling of float64 / rank")
    roof.set(xscale="log", yscale="log", xlabel="operations a byte moved", ylabel="giga-operations a second",
             title="Roofline of one core", ylim=(0.05, 100))
    ranks.set(xscale="log", yscale="log", xlabel="rank of the table", ylabel="giga-products a second",
              title="The same points: speed against rank", ylim=(0.02, 100))
    ranks.set_xticks([1, 2, 5, 10, 20, 40], ["1", "2", "5", "10", "20", "256"])
    ranks.minorticks_off()
    roof.legend(fontsize=8, loc="lower right", frameon=False)
    ranks.legend(fontsize=8, loc="lower left", ncols=2, frameon=False)
    return save(figure, path)


def main(path="roofline.png"):
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        raise SystemExit("set OPENBLAS_NUM_THREADS=1: the roofline is that of one core")
    print(machine())
    peaks, speeds = ceilings()
    print(", ".join(f"{name} {peak / 1e9:.0f} G multiply-adds a second" for name, peak in peaks.items())
          + "; copies " + ", ".join(f"{speed / 1e9:.0f} GB/s" for speed in speeds))
    points = list(measured())
    for route in ROUTES:
        rates = [(operations, products) for name, _, _, operations, products in points if name == route]
        if rates:
            operations, products = np.array(rates).T / 1e9
            print(f"{route:17} {operations.min():6.2f} to {operations.max():6.2f} G operations a second, "
                  f"{products.min():6.2f} to {products.max():6.2f} G products")
    print(f"wrote {draw(peaks, speeds, points, Path(path))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
