"""Matrix product whose scalar products come from a table.

    y[..., j] = sum_k lut[x[..., k], w[k, j]],   exact in int64

The route "index" is this formula by fancy indexing: the definition that every other route is held against. The
others are in `factored` and `gathered`; `route_choice` picks. All give the same integers, bit for bit.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox._lazy import doors
from refapprox.multipliers.operator import BinaryOperator
from refapprox.ops import factored, gathered
from refapprox.ops.patches import Geometry, even_slices
from refapprox.ops.route_choice import plans
from refapprox.ops.table_convolution import MemoryLimitTooSmall, TableConvolution, largest_product
from refapprox.validation import check_array, check_choice, check_codes, check_integer

__all__ = ["METHODS", "lut_matmul", "zero_point_terms"]

METHODS = ("auto", "index", "factored", "gather")
MEMORY_LIMIT = 128 << 20      # bytes held beside inputs and output
INDEX_BYTES = 16 << 20        # of products held at once by the definition


def lut_matmul(x: ArrayLike, w: ArrayLike, multiplier: BinaryOperator, *, method: str = "auto",
               memory_limit: int = MEMORY_LIMIT, workers: int = 1) -> NDArray[np.int64]:
    """Sums of table products, exact.

    Parameters
    ----------
    x : integer array, shape (..., k)
        Activation codes.
    w : integer array, shape (k, m)
        Weight codes.
    multiplier : Multiplier or Circuit
        A circuit (operands wider than 8 bits) has no table: its function is called for every product.
    method : str, optional
        "index" is the definition by fancy indexing; "factored" multiplies factors of the table as matrices;
        "gather" adds rows of small tables; "auto" takes what should be fastest. The result is the same.
    memory_limit : int, optional
        Bound in bytes on what is held beside inputs and output, and beside what a circuit's own function takes.
        Codes given as floats are converted to int64 first.
    workers : int, optional
        Threads over blocks, at most one a core; the sums do not depend on it. BLAS has threads of its own.

    Returns
    -------
    int64 array, shape (..., m)

    Raises
    ------
    TypeError
        If memory_limit or workers is no integer.
    ValueError
        If shapes or codes do not fit, a sum could leave int64, `memory_limit` is too small for one block, or the
        method is unknown or has no exact way for this multiplier.

    Examples
    --------
    >>> from refapprox import Multiplier
    >>> m = Multiplier.from_function("off by one", lambda x, w: x * w + 1)
    >>> lut_matmul([[1, 2]], [[3], [4]], m).tolist()
    [[13]]
    """
    check_choice("method of lut_matmul", method, METHODS)
    x, w = check_array("x", x), check_array("w", w)
    if w.ndim != 2 or x.ndim == 0 or x.shape[-1] != w.shape[0]:
        raise ValueError(f"lut_matmul needs x of shape (..., k) and w of shape (k, m), got {x.shape} and {w.shape}.")
    check_sums_fit(w.shape[0], multiplier)
    memory_limit = check_integer("memory_limit of lut_matmul", memory_limit, minimum=1)
    workers = check_integer("workers of lut_matmul", workers, minimum=1)
    x = check_codes("x of lut_matmul", x, *multiplier.range_x, dtype=None)
    w = check_codes("w of lut_matmul", w, *multiplier.range_w, dtype=None)
    sums = np.empty((math.prod(x.shape[:-1]), w.shape[1]), dtype=np.int64)
    fill(as_convolution(x, w, multiplier, memory_limit, workers), sums.T[:, None, None], method)
    return sums.reshape(*x.shape[:-1], w.shape[1])


def matmul_sums(x, w, multiplier, *, method="auto", memory_limit=MEMORY_LIMIT, workers=1):
    """`lut_matmul` without its checks, in float32, float64 or int64: the first that holds any such sum exactly.

    Codes may be integers of any width or floats that hold whole numbers; they are trusted to lie in range.
    """
    problem = as_convolution(x, w, multiplier, memory_limit, workers)
    sums = np.empty((math.prod(x.shape[:-1]), w.shape[1]), dtype=exact_dtype(problem.k * problem.largest_product))
    fill(problem, sums.T[:, None, None], method)
    return sums.reshape(*x.shape[:-1], w.shape[1])


def as_convolution(x, w, multiplier, memory_limit, workers):
    """A matrix product as the 1x1 convolution of 1x1 maps that it is."""
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    return TableConvolution(rows.T[:, None, None], w.T[..., None, None], multiplier, Geometry((1, 1)), 0, memory_limit,
                            workers)


def fill(problem, out, method):
    """Write the sums of a TableConvolution into `out` (m, h_out, w_out, n), any dtype that holds them."""
    if out.size == 0:
        return
    if problem.k == 0:
        out[...] = 0
        return
    too_small = []
    for plan in plans(problem, method):
        try:
            return follow(plan, problem, out)
        except MemoryLimitTooSmall as error:                   # raised before any work: the next route may need less
            too_small.append(error.with_traceback(None))       # which would keep what that route had made
    raise min(too_small, key=lambda error: error.needed)


def follow(plan, problem, out):
    """`fill` by one plan."""
    if plan.route == "factored":
        factored.run(problem, out, plan.dtype, plan.cuts)
    elif plan.route == "by_activations":
        gathered.by_activations(problem, out, plan.tile)
    elif plan.route == "by_weights":
        gathered.by_weights(problem, out)
    else:
        index_route(problem, out)


def index_route(problem, out):
    """The definition: look every product up, or have a circuit compute it, and sum in int64, in blocks."""
    m, k = problem.w.shape[0], problem.k
    _, h_out, w_out, _ = problem.output_shape
    product_bytes = 16 if problem.multiplier.has_table else 32           # indices, products and their sum
    image_bytes = 8 * (problem.x.shape[0] * math.prod(problem.padded_size) + (k + m) * h_out * w_out)
    buffers = 24 * np.getbufsize()                                          # of NumPy's fancy indexing and its sum
    problem.check_memory(problem.workers * (image_bytes + product_bytes * 2 * k + buffers))
    room = problem.memory_limit // problem.workers - buffers
    blocks = problem.image_blocks(image_bytes, room // 2, problem.workers)

    def work(images, scratch):
        patches = problem.window.patches(problem.x_index(images, scratch))      # (c, h_out, w_out, kh, kw, n)
        lines = patches.transpose(1, 2, 5, 0, 3, 4).reshape(-1, k)
        target = min(INDEX_BYTES, room - image_bytes * (images.stop - images.start))
        for outputs in even_slices(m, min(m, -(-product_bytes * k * (m + 1) // target))):
            step = max(1, target // (product_bytes * k * (outputs.stop - outputs.start + 1)))
            sums = looked_up(problem.multiplier, lines, problem.w_index(outputs).reshape(-1, k).T, step)
            out[outputs, ..., images] = sums.reshape(h_out, w_out, -1, sums.shape[1]).transpose(3, 0, 1, 2)

    problem.each(work, blocks)


def looked_up(multiplier, lines, columns, step):
    """Sums (lines, outputs) of the products of index lines (lines, k) and columns (k, outputs), `step` lines at once;
    a function, so that columns and products of some outputs are freed before those of the next are made."""
    sums = np.empty((len(lines), columns.shape[1]), dtype=np.int64)
    for start in range(0, len(lines), step):
        products = multiplier.products_at(lines[start:start + step, :, None], columns)
        sums[start:start + step] = products.sum(axis=1, dtype=np.int64)
    return sums


def exact_dtype(bound):
    """The narrowest of float32, float64 and int64 that holds every integer up to `bound`."""
    return np.float32 if bound <= 2 ** 24 else np.float64 if bound <= 2 ** 53 else np.int64


def zero_point_terms(x_sums: ArrayLike, w_sums: ArrayLike, k: int, x_zero_point: ArrayLike, w_zero_point: ArrayLike
                     ) -> NDArray[np.int64]:
    """What a sum of table products lacks to be the sum over (x - z_x)(w - z_w).

        sum (x - z_x)(w - z_w) = sum x w  -  z_x sum w  -  z_w sum x  +  k z_x z_w

    Only the first sum goes through the table; the others are sums of codes and exact.

    Parameters
    ----------
    x_sums, w_sums : integer arrays that broadcast against each other
        Sums of the k activation and weight codes behind each output.
    k : int
    x_zero_point, w_zero_point : int, or integer array that broadcasts against the sums

    Returns
    -------
    int64 array
        The last three terms.

    Raises
    ------
    ValueError
        If k is negative, or something is no integer or beyond 2**62.

    Examples
    --------
    >>> x, w = np.array([3, 5]), np.array([2, 7])
    >>> int(x @ w + zero_point_terms(x.sum(), w.sum(), 2, 1, 4)), int((x - 1) @ (w - 4))
    (8, 8)
    """
    given = {"x_sums": x_sums, "w_sums": w_sums, "x_zero_point": x_zero_point, "w_zero_point": w_zero_point}
    x_sums, w_sums, x_zero_point, w_zero_point = (check_codes(f"{name} of zero_point_terms", value, -2 ** 62, 2 ** 62)
                                                  for name, value in given.items())
    k = check_integer("k of zero_point_terms", k, minimum=0)
    return k * x_zero_point * w_zero_point - x_zero_point * w_sums - w_zero_point * x_sums


def check_sums_fit(k, multiplier, x_zero_point=0, w_zero_point=0):
    """Refuse sums of k products that could leave int64, zero-point terms included."""
    if getattr(multiplier, "operation", "mul") != "mul":
        raise ValueError(f"products need a multiplier, {multiplier.name} is an adder.")
    z_x, z_w = (int(np.abs(np.asarray(z, dtype=np.float64)).max(initial=0)) for z in (x_zero_point, w_zero_point))
    x, w = (max(map(abs, limits)) for limits in (multiplier.range_x, multiplier.range_w))
    largest = largest_product(multiplier) + z_x * w + z_w * x + z_x * z_w
    if k * largest > np.iinfo(np.int64).max:
        raise ValueError(f"sums of {k} products of {multiplier.name} must fit int64, "
                         f"but could reach {k} * {largest} = {k * largest}.")


doors(__name__)
