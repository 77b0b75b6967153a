"""Multipliers and adders as functions of their operands, of any width up to 32 bits."""
from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.multipliers.codes import check_cost
from refapprox.multipliers.multiplier import Multiplier, tabulated
from refapprox.multipliers.operator import BinaryOperator
from refapprox.validation import check_broadcast, check_choice, check_codes, check_flag, check_integer

MAX_OPERAND_BITS = 32      # the exact product of two such operands fits 64 bits
BLOCK = 2 ** 16            # operand pairs evaluated at once: what a function holds in memory stays bounded


@dataclass(frozen=True, eq=False, repr=False)
class Circuit(BinaryOperator):
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
        object.__setattr__(self, "signed", check_flag(f"signed of {self.name}", self.signed))
        object.__setattr__(self, "performance_metric",
                           check_cost(f"performance_metric of {self.name}", self.performance_metric))

    @property
    def dtype(self) -> np.dtype:
        """Of the results: int64, or uint64 where an unsigned result needs all 64 bits."""
        return np.dtype(np.uint64 if not self.signed and self.output_bits == 64 else np.int64)

    def __call__(self, x: ArrayLike, w: ArrayLike) -> NDArray[np.integer]:
        """Elementwise results of integer codes; broadcasts; int64, or uint64 where 64 unsigned bits need it."""
        x = check_codes(f"x of {self.name}", x, *self.range_x)
        w = check_codes(f"w of {self.name}", w, *self.range_w)
        check_broadcast(x=x, w=w)
        x, w = np.broadcast_arrays(x, w)
        shape = x.shape
        x, w = (a.astype(np.int64).ravel() for a in (x, w))
        result = np.empty(x.size, dtype=self.dtype)
        for start in range(0, x.size, BLOCK):
            block = slice(start, start + BLOCK)
            result[block] = self._evaluate(x[block], w[block])
        return result.reshape(shape)[()]

    def _evaluate(self, x, w):
        result = np.asarray(self.func(x, w))
        if result.dtype.kind not in "iu" or result.shape != x.shape:
            raise ValueError(f"func of {self.name} must return integers of shape {x.shape}, "
                             f"got dtype {result.dtype} and shape {result.shape}.")
        return result

    def to_multiplier(self, name: str | None = None, **changes: object) -> Multiplier:
        return tabulated(self, name, **changes)

    def to_circuit(self, name: str | None = None, **changes: object) -> Circuit:
        """Itself, or a copy with another name or other fields.

        Parameters
        ----------
        name : str, optional
            By default its own.
        **changes
            Other values of its fields, such as performance_metric.

        Returns
        -------
        Circuit
        """
        return dataclasses.replace(self, **({} if name is None else {"name": name}) | changes)

    def transposed(self) -> Circuit:
        """The same circuit with its operands the other way round."""
        return dataclasses.replace(self, func=lambda x, w: self.func(w, x), bits_x=self.bits_w, bits_w=self.bits_x,
                                   info={})

    def __repr__(self):
        return f"Circuit({self.name!r}, {self.described()})"
