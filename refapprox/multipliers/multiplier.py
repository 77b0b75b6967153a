"""One multiplication: a table of products, and what follows from it."""
from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.multipliers.codes import MAX_BITS, check_cost, check_lut, code_range, codes
from refapprox.multipliers.operator import BinaryOperator
from refapprox.validation import (
    check_broadcast,
    check_codes,
    check_flag,
    check_instance,
    check_integer,
    is_several,
    shown,
)

__all__ = ["MAX_BITS", "Multiplier", "code_range", "codes", "exact", "tabulated"]


@dataclass(frozen=True, eq=False, repr=False)
class Multiplier(BinaryOperator):
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
    lut: np.ndarray = field()         # a field without default, where the class above has a property of this name
    signed: bool = True
    performance_metric: float = float("nan")
    release: str = ""
    info: dict = field(default_factory=dict)

    def __post_init__(self):
        check_instance("name of a Multiplier", self.name, str)
        lut = check_lut(self.name, self.lut)
        object.__setattr__(self, "lut", lut)
        object.__setattr__(self, "signed", check_flag(f"signed of {self.name}", self.signed))
        object.__setattr__(self, "performance_metric",
                           check_cost(f"performance_metric of {self.name}", self.performance_metric))

    @classmethod
    def from_function(cls, name: str, func: Callable[[int, int], int], signed: bool = True,
                      bits: int | tuple[int, int] = 8, performance_metric: float = float("nan"),
                      **kwargs: object) -> Multiplier:
        """The multiplier that tabulates a Python function.

        Parameters
        ----------
        name : str
        func : callable
            ``func(x, w)`` of two Python integers; the product, an integer.
        signed : bool, optional
            Two's-complement operands, else unsigned ones.
        bits : int or (int, int), optional
            One width for both operands, or bits_x and bits_w; 1 to 8.
        performance_metric : float, optional
            Its cost.
        **kwargs
            release and info.

        Returns
        -------
        Multiplier

        Raises
        ------
        ValueError
            If a width is not 1 to 8, or products are no integers that fit int32.

        Examples
        --------
        >>> int(Multiplier.from_function("low bit dropped", lambda x, w: (x & ~1) * w, bits=4)(7, 3))
        18
        """
        widths = bits if is_several(bits) else (bits, bits)
        if len(widths) != 2:
            raise ValueError(f"bits of from_function must be one width or (bits_x, bits_w), got {shown(bits)}.")
        bits_x, bits_w = (check_integer("bits of from_function", width, minimum=1, maximum=MAX_BITS)
                          for width in widths)
        signed = check_flag(f"signed of {name}", signed)
        table = [[func(x, w) for w in codes(bits_w, signed).tolist()] for x in codes(bits_x, signed).tolist()]
        return cls(name, np.array(table), signed, performance_metric, **kwargs)

    @property
    def bits_x(self) -> int:
        """Width of the activation operand."""
        return self.lut.shape[0].bit_length() - 1

    @property
    def bits_w(self) -> int:
        """Width of the weight operand."""
        return self.lut.shape[1].bit_length() - 1

    @property
    def output_bits(self) -> int:
        """Width of the exact product."""
        return self.bits_x + self.bits_w

    def __call__(self, x: ArrayLike, w: ArrayLike) -> NDArray[np.int32]:
        """Elementwise products of integer codes through the table; broadcasts; int32."""
        x = check_codes(f"x of {self.name}", x, *self.range_x, dtype=None)
        w = check_codes(f"w of {self.name}", w, *self.range_w, dtype=None)
        check_broadcast(x=x, w=w)
        return self.lut[x.astype(np.intp) - self.range_x[0], w.astype(np.intp) - self.range_w[0]]

    def tabulate(self) -> NDArray[np.int32]:
        """Its own table."""
        return self.lut

    def transposed(self) -> Multiplier:
        """The same multiplier with its operands the other way round."""
        return Multiplier(self.name, self.lut.T, self.signed, self.performance_metric, self.release)

    def to_multiplier(self, name: str | None = None, **changes: object) -> Multiplier:
        changes = changes if name is None else {"name": name} | changes
        return dataclasses.replace(self, **changes) if changes else self

    def __repr__(self):
        return f"Multiplier({self.name!r}, {self.bits_x}x{self.bits_w} bits, {'signed' if self.signed else 'unsigned'})"


def tabulated(operator, name=None, **changes):
    """The table of a `BinaryOperator` as a `Multiplier`; what `to_multiplier` of functions and gates does."""
    about = {"performance_metric": operator.performance_metric, "release": operator.release,
             "info": dict(operator.info)}
    return Multiplier(operator.name if name is None else name, operator.lut, operator.signed, **about | changes)


def exact(bits: int = 8, signed: bool = True) -> Multiplier:
    """The exact multiplier.

    Parameters
    ----------
    bits : int, optional
        Width of both operands, 1 to 8.
    signed : bool, optional
        Two's-complement operands, else unsigned ones.

    Returns
    -------
    Multiplier

    Raises
    ------
    ValueError
        If `bits` is not 1 to 8.
    TypeError
        If `bits` is no integer, or `signed` no bool.

    Examples
    --------
    >>> int(exact(4)(-8, 7))
    -56
    """
    bits = check_integer("bits of exact", bits, minimum=1)
    if bits > MAX_BITS:
        raise ValueError(f"bits of exact must be at most {MAX_BITS}, for a table, got {bits}. Wider ones are circuits: "
                         f"from_family('exact', bits={bits}).")
    signed = check_flag("signed of exact", signed)
    operands = codes(bits, signed)
    kind = "s" if signed else "u"
    return Multiplier(f"exact{bits}{kind}", np.multiply.outer(operands, operands), signed)
