"""Which route computes a table convolution fastest: a cost model in nanoseconds.

Every route gives the same integers, so a wrong guess costs time only. The constants are the marginal costs of one
element on one machine with two cores (docs/performance.md); only their ratios matter.
"""
import math
import weakref
from dataclasses import dataclass

import numpy as np

from refapprox.ops import factored, gathered, rolling

LOOKUP = 0.65                       # one entry of a small table
COPY, COPY_RUN = 0.2, 10.0          # gathering patches: one element, one contiguous run
MAC, HALF_RATE = 0.021, 1          # one multiply-add in float32; outputs at half that rate
KERNEL = 1.3                        # one element of factored kernels through memory, where threads do not help
OUTPUT = 0.8                        # one output, once more
ROW, ROW_ELEMENT = 2.9, 0.17        # selecting, taking and adding one row of a built table, and each element of it
INDEX = 4.0                         # one product of the definition
GAIN = 0.6                          # workers that gather count as so high a power of their number: calls are short
CALL = 1100.0                       # one NumPy call on little data, during which other workers wait
MANY_CHUNKS = 8                     # of a sum in float32, before float64 is worth a look
MAX_COLUMNS = 512                   # tiles make products this wide at most
CHEAP = 1e5                         # sums that cost less do not ask a table for its factors: finding those takes longer

PLANS_MADE = weakref.WeakKeyDictionary()      # multiplier -> shapes -> plans
MOST_PLANS = 256                         # of one multiplier


@dataclass(frozen=True)
class Plan:
    """A route with its parameters and its estimated cost in ns."""

    route: str
    cost: float
    tile: int = 1
    dtype: type = np.float32
    cuts: tuple = ()


def plans(problem, method):
    """Plans of `problem` by the routes that `method` allows, the cheapest first; remembered, for they depend on the
    multiplier and on shapes only, and making them takes a tenth of a small convolution."""
    made = PLANS_MADE.setdefault(problem.multiplier, {})
    shapes = problem.x.shape, problem.w.shape, problem.window, problem.workers, method
    if shapes not in made:
        if len(made) >= MOST_PLANS:
            made.clear()
        made[shapes] = new_plans(problem, method)
    return made[shapes]


def new_plans(problem, method):
    """`plans`, made now."""
    if not problem.multiplier.has_table:
        if method not in ("auto", "index"):
            raise ValueError(f"method {method!r} needs a table, which {problem.multiplier.name} does not have: "
                             "it is evaluated product by product, by 'auto' or 'index'.")
        method = "index"
    found = []
    if method in ("auto", "index"):
        found.append(Plan("index", INDEX * problem.k * math.prod(problem.output_shape)))
    if method in ("auto", "gather"):
        found += [by_activations_plan(problem, tile) for tile in tiles(problem)] + [by_weights_plan(problem)]
    if method == "factored" or method == "auto" and min(plan.cost for plan in found) > CHEAP:
        found += [factored_plan(problem, dtype, cuts) for dtype, cuts in exact_dtypes(problem)]
    if found:
        return sorted(found, key=lambda plan: plan.cost)
    raise ValueError(f"method 'factored' has no exact way to sum products of {problem.multiplier.name}, which reach "
                     f"{problem.largest_product}: use 'auto'.")


def tiles(problem):
    """Divisors of a row of outputs that keep products within MAX_COLUMNS; only 1 where kernels have gaps."""
    m, _, w_out, _ = problem.output_shape
    most = max(1, MAX_COLUMNS // max(1, m)) if problem.window.dilation[1] == 1 else 1
    return [tile for tile in range(1, min(most, w_out) + 1) if w_out % tile == 0]


def sizes(problem, tile):
    """(lines, positions, columns, pixels): patches, their codes, outputs of each, codes of a padded map."""
    m, h_out, w_out, n = problem.output_shape
    _, c, kh, kw = problem.w.shape
    width = (tile - 1) * problem.window.stride[1] + kw
    return n * h_out * w_out // tile, c * kh * width, tile * m, n * math.prod(problem.padded_size)


def exact_dtypes(problem):
    """Pairs (dtype, cuts) of the factored route; float64 only where float32 would need many chunks or cannot."""
    narrow, wide = (factored.chunks(problem, dtype) for dtype in (np.float32, np.float64))
    if narrow is not None:
        yield np.float32, narrow
    if wide is not None and (narrow is None or len(narrow) > MANY_CHUNKS):
        yield np.float64, wide


def factored_plan(problem, dtype, cuts):
    """Look the factors up, copy them into the rolling buffer, multiply."""
    rank, scale = problem.multiplier.factorization.rank, np.dtype(dtype).itemsize / 4
    lines, positions, columns, pixels = sizes(problem, 1)
    _, c, kh, kw = problem.w.shape
    n = problem.output_shape[3]
    cost = LOOKUP * (rank * pixels * c + problem.k * columns) + rank * pixels * c * COPY * scale
    if n < rolling.NARROW:                                                   # every tap is copied
        cost += rank * positions * lines * (COPY * scale + COPY_RUN / (n * (problem.output_shape[2]
                                                                           if problem.window.stride[1] == 1 else 1)))
    cost += OUTPUT * lines * columns * (len(cuts) - 1)
    cost += MAC * scale * (1 + HALF_RATE / columns) * lines * positions * rank * columns
    h_out = problem.output_shape[1]
    cost = cost / min(problem.workers, h_out) + CALL * (100 + 2 * h_out)
    return Plan("factored", cost + KERNEL * columns * positions * rank, 1, dtype, cuts)


def by_activations_plan(problem, tile):
    """Build a table for every position of the kernel, take and add one of its rows for every patch."""
    lines, positions, columns, _ = sizes(problem, tile)
    blocks = np.ceil(lines / gathered.BLOCK_ROWS)
    codes = problem.multiplier.lut.shape[0]
    taps = problem.k * tile                                             # filled blocks of m columns in all tables
    build = blocks * codes * (LOOKUP * taps * problem.output_shape[0] + COPY * positions * columns)
    rows = lines * positions * (ROW + ROW_ELEMENT * columns)
    calls = CALL * blocks * positions * (3 + tile)
    return Plan("by_activations", (build + rows) / problem.workers ** GAIN + calls, tile)


def by_weights_plan(problem):
    """Build a table for every channel, take and add a row for every weight."""
    _, positions, m, pixels = sizes(problem, 1)
    build = LOOKUP * problem.multiplier.lut.shape[1] * pixels * problem.w.shape[1]
    block = max(1, gathered.BLOCK_BYTES // (8 * m + 4 * problem.multiplier.lut.shape[1] + 1))
    blocks = np.ceil(pixels / block)
    rows = positions * m * (blocks * ROW + ROW_ELEMENT * pixels)
    calls = CALL * blocks * (2 * positions + 4 * problem.w.shape[1])
    return Plan("by_weights", (build + rows) / problem.workers ** GAIN + calls)
