"""Table convolutions: `lut_conv2d` against torchapprox, each route against the definition, growth, memory."""
import os

import numpy as np

from refapprox import Multiplier, load_library
from refapprox.ops.lut_conv2d import lut_conv2d
from refapprox.ops.patches import Geometry
from tests.benchmarks.peers import torchapprox_conv2d
from tests.benchmarks.timing import extra_memory, geometric_mean, medians

SHAPES = [(128, 32, 1, 6, 5), (128, 14, 6, 16, 5), (32, 16, 32, 32, 3), (16, 16, 64, 64, 3), (4, 8, 256, 256, 3)]
WORKERS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))      # as many as PyTorch takes


def operands(shape, signed=True, seed=0):
    """Codes x (n, c, h, h) and w (m, c, k, k), uniform over all codes, as 8-bit integers."""
    n, h, c, m, k = shape
    low, dtype = (-128, np.int8) if signed else (0, np.uint8)
    rng = np.random.default_rng(seed)
    return (rng.integers(low, low + 256, size=(n, c, h, h)).astype(dtype),
            rng.integers(low, low + 256, size=(m, c, k, k)).astype(dtype))


def float_convolution(x, w):
    """The same convolution of float32 operands by im2col: what a table product is measured against."""
    m, _, kh, kw = w.shape
    maps = x.astype(np.float32).transpose(0, 2, 3, 1)
    matrix = np.ascontiguousarray(w.astype(np.float32).transpose(2, 3, 1, 0).reshape(-1, m))

    def convolve():
        return Geometry((kh, kw)).patches(maps).reshape(-1, len(matrix)) @ matrix

    return convolve


def synthetic_tables():
    """Unsigned tables of chosen rank, as evolved circuits have, and one without any structure."""
    rng = np.random.default_rng(1)
    codes = np.arange(256)
    for rank in (2, 5, 10, 20):
        errors = rng.integers(-9, 10, size=(256, rank - 1)) @ rng.integers(-9, 10, size=(rank - 1, 256))
        yield Multiplier(f"rank {rank}", np.multiply.outer(codes, codes) - errors, signed=False)
    yield Multiplier("any table", rng.integers(0, 2 ** 16, size=(256, 256)), signed=False)


def run_of(x, w, multiplier, **options):
    """A function without arguments that convolves."""
    return lambda: lut_conv2d(x, w, multiplier, **options)


def compare(multipliers, peer):
    """Print, for every multiplier and shape, how many times faster than each competitor `lut_conv2d` is."""
    ratios = {}
    for multiplier in multipliers:
        for shape in SHAPES:
            x, w = operands(shape, multiplier.signed)
            index = run_of(x, w, multiplier, method="index", workers=WORKERS)
            candidates = {"ours": run_of(x, w, multiplier, workers=WORKERS), "float32": float_convolution(x, w)}
            if peer:
                candidates["torchapprox"] = peer(x, w, multiplier)
            times = medians(candidates) | medians({"index": index}, rounds=1, repeats=3)
            integers = candidates["ours"]()
            identical = np.array_equal(integers, index())
            if peer:
                theirs = candidates["torchapprox"]().numpy()
                identical &= np.array_equal(integers.reshape(theirs.shape), theirs)
            ours = times.pop("ours")
            ratios[multiplier.name, shape] = {name: np.divide(time, ours) for name, time in times.items()}
            speedups = ", ".join(f"{name} x {r[0]:.2f}" for name, r in ratios[multiplier.name, shape].items())
            print(f"{multiplier.name:12} rank {multiplier.factorization.rank:3} {str(shape):24} "
                  f"{ours.clock * 1e3:7.2f} ms: {speedups}{'' if identical else '  DIFFERENT INTEGERS'}", flush=True)
    for name in next(iter(ratios.values())):
        clock, cores = np.array([of_case[name] for of_case in ratios.values()]).T
        print(f"times faster than {name}: geometric mean {geometric_mean(clock):.2f}, least {clock.min():.2f}; "
              f"by time of the cores {geometric_mean(cores):.2f}, {cores.min():.2f}")


def tables():
    """The comparison that counts."""
    peer = torchapprox_conv2d()
    print("\n# the 13 signed circuits of EvoApproxLib")
    compare(load_library(), peer)
    for multiplier in synthetic_tables():
        print(f"\n# unsigned, {multiplier.name}")
        compare([multiplier], peer)


def unsigned():
    """The unsigned 8x8 circuits of an EvoApproxLib checkout, those of rank up to 20 and the others."""
    folder = os.environ.get("REFAPPROX_EVOAPPROX_DIR", "").split(":")[0]
    if not folder:
        print("\nskipped: REFAPPROX_EVOAPPROX_DIR is not set, no unsigned circuits of EvoApproxLib here")
        return
    library = [m for m in load_library(folder, signed=False) if m.factorization.rank]
    for low, high in ((1, 20), (21, 256)):
        print(f"\n# unsigned circuits of EvoApproxLib, rank {low} to {high}")
        compare([m for m in library if low <= m.factorization.rank <= high], torchapprox_conv2d())


def routes():
    """Every route on every shape: times faster than the definition, times slower than float32."""
    print("\n# routes: times faster than index (times slower than a float32 convolution)")
    losses = []
    for multiplier in (load_library()["mul8s_1KV8"], load_library()["mul8s_1KX2"], *synthetic_tables()):
        for shape in SHAPES:
            x, w = operands(shape, multiplier.signed)
            index = medians({"index": run_of(x, w, multiplier, method="index")}, rounds=1, repeats=1)["index"]
            times = medians({"float32": float_convolution(x, w)} | {
                method: run_of(x, w, multiplier, method=method, workers=WORKERS, memory_limit=1 << 30)
                for method in ("auto", "factored", "gather")}, rounds=2, repeats=2)
            floats = times.pop("float32").clock
            losses.append(times["auto"].clock / min(time.clock for time in times.values()))
            print(f"{multiplier.name:12} {str(shape):24}" + ", ".join(
                f" {name} {index.clock / t.clock:6.1f} ({t.clock / floats:6.1f})" for name, t in times.items()),
                flush=True)
    print(f"auto, times the fastest: geometric mean {geometric_mean(losses):.2f}, most {max(losses):.2f}")


def growth():
    """How the time of the cores grows when one size doubles."""
    print("\n# growth: time of the cores after doubling / before (2 is proportional)")
    multiplier = load_library()["mul8s_1KX2"]
    start = (16, 16, 32, 32, 3)
    for name, axis in (("images", 0), ("inputs", 2), ("outputs", 3)):
        times = []
        for doublings in range(4):
            shape = tuple(size * 2 ** doublings if i == axis else size for i, size in enumerate(start))
            times.append(medians({"ours": run_of(*operands(shape), multiplier)}, repeats=3)["ours"].cores)
        ratios = np.divide(times[1:], times[:-1])
        print(f"{name:8}" + ", ".join(f" {ratio:.2f}" for ratio in ratios))


def memory():
    """What a convolution holds beside its operands and its result."""
    print("\n# extra memory, MiB")
    for multiplier in (load_library()["mul8s_1KV8"], load_library()["mul8s_1KX2"], *synthetic_tables()):
        used = [extra_memory(run_of(*operands(shape, multiplier.signed), multiplier, workers=WORKERS)) / 2 ** 20
                for shape in SHAPES]
        print(f"{multiplier.name:12}" + ", ".join(f"{size:6.1f}" for size in used))
