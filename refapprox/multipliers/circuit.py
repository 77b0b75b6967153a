"""Operators without a table: multipliers wider than 8x8 bits, and adders.

A table of a 16x16 multiplier would take 16 GiB, so a `Circuit` is a function of its operands. Beside that it
has the face of a `Multiplier`: name, widths, signedness, cost, elementwise call, metrics (here of a sample).
"""
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from refapprox.multipliers.metrics import error_metrics
from refapprox.multipliers.multiplier import MAX_BITS, Multiplier, Operands, code_range, codes
from refapprox.validation import check_choice, check_codes, check_integer, check_rng

MAX_OPERAND_BITS = 32      # the exact product of two such operands fits 64 bits
BLOCK = 2 ** 16            # operand pairs evaluated at once: what a function holds in memory stays bounded


@dataclass(frozen=True, eq=False, repr=False)
class Circuit(Operands):
    """An approximate multiplier or adder given as a function of its operands.

    Parameters
    ----------
    name : str
    func : callable
        ``func(x, w)`` for two int64 arrays of one shape (n,), the operands by value; returns the n results by
        value, any integer dtype. It is called with at most 2**16 pairs at a time.
    bits_x, bits_w : int
        Widths of the operands, 1 to 32.
    signed : bool, optional
        Two's-complement operands and result, else unsigned ones.
    performance_metric : float, optional
        What matching minimizes, such as the power in mW; nan when unknown.
    release : str, optional
        The release of the library that gives `name` its meaning, such as "v1.1".
    info : dict, optional
        Whatever else is known of it (family, parameters, published figures).
    operation : "mul" or "add", optional
        What the circuit approximates.
    output_bits : int, optional
        Width of the result; by default bits_x + bits_w of a product, max(bits_x, bits_w) + 1 of a sum.

    Examples
    --------
    >>> c = Circuit("low bits dropped", lambda x, w: x * w >> 8 << 8, bits_x=12, bits_w=12, signed=False)
    >>> c([4095, 3], [4095, 5]).tolist()
    [16769024, 0]
    """

    name: str
    func: Callable
    bits_x: int
    bits_w: int
    signed: bool = True
    performance_metric: float = float("nan")
    release: str = ""
    info: dict = field(default_factory=dict)
    operation: str = "mul"
    output_bits: int | None = None

    def __post_init__(self):
        for width in ("bits_x", "bits_w"):
            bits = check_integer(f"{width} of {self.name}", getattr(self, width), minimum=1, maximum=MAX_OPERAND_BITS)
            object.__setattr__(self, width, bits)
        check_choice(f"operation of {self.name}", self.operation, ("mul", "add"))
        natural = self.bits_x + self.bits_w if self.operation == "mul" else max(self.bits_x, self.bits_w) + 1
        bits = natural if self.output_bits is None else self.output_bits
        object.__setattr__(self, "output_bits",
                           check_integer(f"output_bits of {self.name}", bits, minimum=1, maximum=64))
        object.__setattr__(self, "signed", bool(self.signed))
        object.__setattr__(self, "performance_metric", float(self.performance_metric))

    @property
    def dtype(self):
        """Of the results: int64, or uint64 where an unsigned result needs all 64 bits."""
        return np.dtype(np.uint64 if not self.signed and self.output_bits == 64 else np.int64)

    def __call__(self, x, w):
        """Elementwise results of integer codes; broadcasts; int64, or uint64 where 64 unsigned bits need it."""
        x = check_codes(f"x of {self.name}", x, *self.range_x)
        w = check_codes(f"w of {self.name}", w, *self.range_w)
        x, w = np.broadcast_arrays(x, w)
        shape = x.shape
        x, w = (a.astype(np.int64).ravel() for a in (x, w))
        result = np.empty(x.size, dtype=self.dtype)
        for start in range(0, x.size, BLOCK):
            block = slice(start, start + BLOCK)
            result[block] = self._evaluate(x[block], w[block])
        return result.reshape(shape)[()]

    def products_at(self, rows, columns):
        """As `Multiplier.products_at`: results for operands given as code - qmin."""
        return self(rows + self.range_x[0], columns + self.range_w[0])

    def _evaluate(self, x, w):
        result = np.asarray(self.func(x, w))
        if result.dtype.kind not in "iu" or result.shape != x.shape:
            raise ValueError(f"func of {self.name} must return integers of shape {x.shape}, "
                             f"got dtype {result.dtype} and shape {result.shape}.")
        return result

    def exact(self, x, w):
        """What an exact circuit of this operation, widths and signedness gives: x * w or x + w."""
        x, w = (np.asarray(a).astype(self.dtype) for a in (x, w))
        return x * w if self.operation == "mul" else x + w

    def sample_operands(self, num_samples, *, rng, x_dist=None, w_dist=None):
        """`num_samples` operand pairs (x, w), int64, drawn with replacement; uniform without a distribution.

        `x_dist` and `w_dist` give the probability of every code in value order.
        """
        check_rng(rng)
        return tuple(rng.integers(low, high, size=num_samples, endpoint=True) if dist is None
                     else low + rng.choice(dist.size, size=num_samples, p=dist)
                     for dist, (low, high) in zip(self.check_distributions(x_dist, w_dist),
                                                  (self.range_x, self.range_w), strict=True))

    def metrics(self, num_samples=2 ** 16, *, rng=None, x_dist=None, w_dist=None):
        """Error metrics (see `multipliers.metrics`), of a sample where all pairs would be too many.

        Operands are uniform, or follow `x_dist` and `w_dist` (probabilities in value order).
        All operand pairs are taken, and no `rng` is needed, where there are at most `num_samples` of them.
        Of a sample, WCE and WCRE% are only lower bounds of the circuit's, and the means carry the sampling
        error of `num_samples` draws. As in EvoApproxLib's figures, pairs whose exact result does not fit
        `output_bits` are left out (only adders without a carry output have such), and percentages of a signed
        adder refer to 2**(output_bits - 1).

        Raises
        ------
        TypeError
            If a sample is to be drawn and `rng` is not a numpy.random.Generator.
        """
        check_integer("num_samples", num_samples, minimum=1)
        weights = None
        if 2 ** (self.bits_x + self.bits_w) <= num_samples:
            x, w = all_pairs(self)
            weights = self.pair_weights(x_dist, w_dist)
            weights = None if weights is None else weights.ravel()
        else:
            x, w = self.sample_operands(num_samples, rng=rng, x_dist=x_dist, w_dist=w_dist)
        exact, result = self.exact(x, w), self(x, w)
        if self.operation == "add" and self.output_bits <= max(self.bits_x, self.bits_w):
            low, high = code_range(self.output_bits, self.signed)
            fits = (exact >= low) & (exact <= high)
            exact, result, weights = exact[fits], result[fits], None if weights is None else weights[fits]
        if self.output_bits >= 63:      # a difference may not fit int64: take it unsigned, then as float64
            magnitude = np.maximum(exact, result).astype(np.uint64) - np.minimum(exact, result).astype(np.uint64)
            error = np.where(exact >= result, 1.0, -1.0) * magnitude.astype(np.float64)
        else:
            error = exact - result
        return error_metrics(exact, error, self.output_bits - (self.operation == "add" and self.signed),
                             weights)

    def to_multiplier(self):
        """This circuit as a table; refused above 8x8 bits with the memory it would take, and for adders."""
        if self.operation != "mul":
            raise ValueError(f"{self.name} is an adder: a Multiplier holds products and is compared with x * w.")
        if max(self.bits_x, self.bits_w) > MAX_BITS:
            size = memory_text(4 * 2 ** (self.bits_x + self.bits_w))
            raise ValueError(f"the table of {self.name} is not made: {self.bits_x}x{self.bits_w} bits would take "
                             f"{size} of int32; tables go up to {MAX_BITS}x{MAX_BITS}. Call the circuit instead.")
        x, w = all_pairs(self)
        lut = self(x, w).reshape(2 ** self.bits_x, 2 ** self.bits_w)
        return Multiplier(self.name, lut, self.signed, self.performance_metric, self.release, dict(self.info))

    @property
    def lut(self):
        """Table in value order, as of `to_multiplier`, made anew at each call."""
        return self.to_multiplier().lut

    def __repr__(self):
        kind = "signed" if self.signed else "unsigned"
        noun = "multiplier" if self.operation == "mul" else "adder"
        return f"Circuit({self.name!r}, {self.bits_x}x{self.bits_w} bits, {kind} {noun})"


def all_pairs(operator):
    """Every operand pair (x, w) in value order, w running fastest, int64, 1-D."""
    x, w = codes(operator.bits_x, operator.signed), codes(operator.bits_w, operator.signed)
    return np.repeat(x, w.size), np.tile(w, x.size)


def memory_text(size):
    """A number of bytes for people: 17179869184 -> '16 GiB'."""
    units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    power = min((int(size).bit_length() - 1) // 10, len(units) - 1)
    return f"{size / 1024 ** power:.4g} {units[power]}"
