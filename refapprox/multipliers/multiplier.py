"""One multiplication: a table of products, and what follows from it."""
import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from refapprox.multipliers.factorization import factorize
from refapprox.multipliers.metrics import error_metrics
from refapprox.validation import check_codes, check_distribution, check_integer

MAX_BITS = 8      # wider tables would take 16 GiB at 16x16; wider multipliers are circuits, not tables


def code_range(bits, signed):
    """(qmin, qmax) of `bits`-wide codes: two's complement or unsigned."""
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)


def codes(bits, signed):
    """All `bits`-wide codes in value order, int64."""
    qmin, qmax = code_range(bits, signed)
    return np.arange(qmin, qmax + 1)


class Operands:
    """What follows from bits_x, bits_w and signed: the code ranges of the two operands."""

    range_x = property(lambda self: code_range(self.bits_x, self.signed), doc="(qmin, qmax) of activations.")
    range_w = property(lambda self: code_range(self.bits_w, self.signed), doc="(qmin, qmax) of weights.")

    @property
    def bits(self):
        """Width of both operands; a ValueError where they differ."""
        if self.bits_x != self.bits_w:
            raise ValueError(f"{self.name} is {self.bits_x}x{self.bits_w} bits: use bits_x and bits_w.")
        return self.bits_x

    @property
    def qmin(self):
        """Smallest code of both operands; a ValueError where their widths differ."""
        return code_range(self.bits, self.signed)[0]

    @property
    def qmax(self):
        """Largest code of both operands; a ValueError where their widths differ."""
        return code_range(self.bits, self.signed)[1]


    def check_distributions(self, x_dist, w_dist):
        """Both operand distributions in value order, checked; None stays None."""
        return [dist if dist is None else check_distribution(name, dist, 2 ** bits)
                for name, dist, bits in (("x_dist", x_dist, self.bits_x), ("w_dist", w_dist, self.bits_w))]

    def pair_weights(self, x_dist, w_dist):
        """Probability of every operand pair, (codes of x, codes of w); None where both distributions are uniform."""
        p, q = self.check_distributions(x_dist, w_dist)
        if p is None and q is None:
            return None
        return np.multiply.outer(np.full(2 ** self.bits_x, 2.0 ** -self.bits_x) if p is None else p,
                                 np.full(2 ** self.bits_w, 2.0 ** -self.bits_w) if q is None else q)


@dataclass(frozen=True, eq=False, repr=False)
class Multiplier(Operands):
    """An approximate multiplier as its table of products, at most 8x8 bits.

    Parameters
    ----------
    name : str
    lut : integer array, shape (2**bits_x, 2**bits_w)
        Value order: ``lut[x - qmin, w - qmin]`` is the product of activation x (axis 0) and weight w
        (axis 1). Stored as a read-only int32 copy.
    signed : bool, optional
        Two's-complement operands, else unsigned ones.
    performance_metric : float, optional
        What matching minimizes, such as the power in mW; nan when unknown.
    release : str, optional
        The release of the library that gives `name` its meaning, such as "v1.1".
    info : dict, optional
        Whatever else is known of it (family, parameters, published figures).

    Raises
    ------
    ValueError
        If the table is not integer, has another shape, or holds values outside int32.

    Examples
    --------
    >>> m = Multiplier("xor-ish", [[0, 0], [0, 0]], signed=False)
    >>> m.error_map.tolist()
    [[0, 0], [0, 1]]
    """

    name: str
    lut: np.ndarray
    signed: bool = True
    performance_metric: float = float("nan")
    release: str = ""
    info: dict = field(default_factory=dict)

    def __post_init__(self):
        lut = check_lut(self.name, self.lut)
        object.__setattr__(self, "lut", lut)
        object.__setattr__(self, "signed", bool(self.signed))
        object.__setattr__(self, "performance_metric", float(self.performance_metric))

    @classmethod
    def from_function(cls, name, func, signed=True, bits=8, performance_metric=float("nan"), **kwargs):
        """The multiplier that tabulates ``func(x, w)``, any Python function of two integers.

        `bits` is one width for both operands or a pair (bits_x, bits_w).
        """
        bits_x, bits_w = (bits, bits) if np.ndim(bits) == 0 else bits
        for argument in (bits_x, bits_w):
            check_integer("bits of from_function", argument, minimum=1, maximum=MAX_BITS)
        table = [[func(x, w) for w in codes(bits_w, signed).tolist()] for x in codes(bits_x, signed).tolist()]
        return cls(name, np.array(table), signed, performance_metric, **kwargs)

    bits_x = property(lambda self: self.lut.shape[0].bit_length() - 1, doc="Width of the activation operand.")
    bits_w = property(lambda self: self.lut.shape[1].bit_length() - 1, doc="Width of the weight operand.")
    output_bits = property(lambda self: self.bits_x + self.bits_w, doc="Width of the exact product.")
    operation = "mul"

    @cached_property
    def exact_products(self):
        """x * w over the table, int32, read-only."""
        return read_only(np.multiply.outer(codes(self.bits_x, self.signed),
                                           codes(self.bits_w, self.signed)).astype(np.int32))

    @cached_property
    def error_map(self):
        """exact - approximate, ``error_map[x - qmin, w - qmin]``, int32 (int64 if it would not fit)."""
        error = self.exact_products.astype(np.int64) - self.lut
        fits = np.abs(error).max() <= np.iinfo(np.int32).max
        return read_only(error.astype(np.int32) if fits else error)

    @cached_property
    def factorization(self):
        """The table as a sum of outer products, see `multipliers.factorization`."""
        return factorize(self.lut, self.signed)

    @cached_property
    def lut_hash(self):
        """SHA-256 of signedness, widths and table: the identity of the circuit behind the name."""
        header = f"{'s' if self.signed else 'u'}{self.bits_x}x{self.bits_w}:".encode()
        return hashlib.sha256(header + self.lut.astype("<i4").tobytes()).hexdigest()

    def metrics(self, x_dist=None, w_dist=None):
        """Error metrics over all operand pairs; see `multipliers.metrics`.

        Parameters
        ----------
        x_dist, w_dist : float arrays, optional
            Probability of every code in value order; uniform by default. MAE is the WMED of these distributions.

        Examples
        --------
        >>> m = Multiplier("one wrong entry", [[0, 0], [0, 0]], signed=False)
        >>> m.metrics()["MAE"], m.metrics([0.5, 0.5], [0, 1])["MAE"]
        (0.25, 0.5)
        """
        return error_metrics(self.exact_products, self.error_map, self.output_bits, self.pair_weights(x_dist, w_dist))

    def __call__(self, x, w):
        """Elementwise products of integer codes through the table; broadcasts; int32."""
        x = check_codes(f"x of {self.name}", x, *self.range_x, dtype=None)
        w = check_codes(f"w of {self.name}", w, *self.range_w, dtype=None)
        return self.lut[x.astype(np.intp) - self.range_x[0], w.astype(np.intp) - self.range_w[0]]

    def products_at(self, rows, columns):
        """Products at positions of the table (code - qmin), which are trusted; broadcasts; int32."""
        return self.lut[rows, columns]

    def to_multiplier(self):
        """Itself: a `Circuit` has this method too."""
        return self

    def __repr__(self):
        kind = "signed" if self.signed else "unsigned"
        return f"Multiplier({self.name!r}, {self.bits_x}x{self.bits_w} bits, {kind})"


def check_lut(name, lut):
    """`lut` as a read-only int32 copy, or a ValueError saying what is wrong with it."""
    lut = np.asarray(lut)
    widths = [side.bit_length() - 1 for side in lut.shape]
    if lut.ndim != 2 or any(2 ** b != side or not 1 <= b <= MAX_BITS
                            for b, side in zip(widths, lut.shape, strict=True)):
        raise ValueError(f"lut of {name} must have shape (2**bits_x, 2**bits_w) with 1 to {MAX_BITS} bits, "
                         f"got {lut.shape}.")
    if lut.dtype.kind not in "iu":
        raise ValueError(f"lut of {name} must be an integer array, got dtype {lut.dtype}.")
    limits = np.iinfo(np.int32)
    if lut.min() < limits.min or lut.max() > limits.max:
        raise ValueError(f"lut of {name} must fit int32, got values from {lut.min()} to {lut.max()}.")
    return read_only(lut.astype(np.int32))


def read_only(array):
    array.flags.writeable = False
    return array


def exact(bits=8, signed=True):
    """The exact multiplier."""
    check_integer("bits of exact", bits, minimum=1, maximum=MAX_BITS)
    operands = codes(bits, signed)
    kind = "s" if signed else "u"
    return Multiplier(f"exact{bits}{kind}", np.multiply.outer(operands, operands), signed)
