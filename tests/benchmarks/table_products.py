"""Table convolutions: every route against the definition, a float32 matrix product, and torchapprox."""
import numpy as np

from refapprox import Multiplier, load_library
from refapprox.ops.lut_conv2d import lut_conv2d
from refapprox.ops.patches import Geometry
from tests.benchmarks.peers import torchapprox_conv2d
from tests.benchmarks.timing import geometric_mean, medians

SHAPES = [(128, 32, 1, 6, 5), (128, 14, 6, 16, 5), (32, 16, 32, 32, 3), (16, 16, 64, 64, 3), (4, 8, 256, 256, 3)]
WORKERS = 2


def operands(shape, signed=True, seed=0):
    """Codes x (n, c, h, h) and w (m, c, k, k), uniform over all codes, as 8-bit integers."""
    n, h, c, m, k = shape
    low, dtype = (-128, np.int8) if signed else (0, np.uint8)
    rng = np.random.default_rng(seed)
    return (rng.integers(low, low + 256, size=(n, c, h, h)).astype(dtype),
            rng.integers(low, low + 256, size=(m, c, k, k)).astype(dtype))


def float_product(x, w):
    """The same convolution of floats, im2col included: what a table product cannot be faster than."""
    m, _, kh, kw = w.shape
    maps, kernels = x.astype(np.float32).transpose(0, 2, 3, 1), w.astype(np.float32).transpose(2, 3, 1, 0)
    matrix = np.ascontiguousarray(kernels.reshape(-1, m))

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


def compare(multipliers, peer):
    """Print, for every multiplier and shape, how many times faster than each competitor `lut_conv2d` is."""
    ratios = {}
    for multiplier in multipliers:
        for shape in SHAPES:
            x, w = operands(shape, multiplier.signed)
            candidates = {"ours": lambda x=x, w=w, m=multiplier: lut_conv2d(x, w, m, workers=WORKERS),
                          "float32": float_product(x, w)}
            if peer:
                candidates["torchapprox"] = peer(x, w, multiplier)
            times = medians(candidates)
            times["index"] = medians({"index": lambda x=x, w=w, m=multiplier: lut_conv2d(x, w, m, method="index")},
                                     rounds=1, repeats=1)["index"]
            identical = np.array_equal(candidates["ours"](), lut_conv2d(x, w, multiplier, method="index"))
            if peer:
                theirs = candidates["torchapprox"]().numpy()
                identical &= np.array_equal(candidates["ours"]().reshape(theirs.shape), theirs)
            speedups = {name: times[name] / times["ours"] for name in times if name != "ours"}
            ratios[multiplier.name, shape] = speedups
            print(f"{multiplier.name:12} rank {multiplier.factorization.rank:3} {str(shape):24} "
                  f"ours {times['ours'] * 1e3:7.2f} ms, "
                  + ", ".join(f"{name} x {value:6.2f}" for name, value in speedups.items())
                  + ("" if identical else "  DIFFERENT INTEGERS"), flush=True)
    for name in next(iter(ratios.values())):
        values = [speedups[name] for speedups in ratios.values()]
        print(f"times faster than {name}: geometric mean {geometric_mean(values):.2f}, least {min(values):.2f}")


def main():
    peer = torchapprox_conv2d()
    print("\n# the 13 signed circuits of EvoApproxLib")
    compare(load_library(), peer)
    print("\n# unsigned tables of chosen rank")
    compare(synthetic_tables(), peer)
