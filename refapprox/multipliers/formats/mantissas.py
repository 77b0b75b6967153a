"""ApproxTrain's tables of float multiplications: significands of m bits, read only.

A file holds 2**(2 m) bytes; byte (a << m) | b is the product of the significands 1.a and 1.b,

    carry << 7 | mantissa << (7 - m)      standing for (1 + mantissa / 2**m) * 2**carry.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_MANTISSA_BITS = 7


@dataclass(frozen=True, eq=False)
class MantissaTable:
    """Products of significands.

    Attributes
    ----------
    name : str
    mantissa_bits : int
        m.
    carry, mantissa : uint8 ndarrays, shape (2**m, 2**m)
        Indexed by the mantissas of the first and the second factor.

    Examples
    --------
    >>> MantissaTable("no bits", 0, np.uint8([[0]]), np.uint8([[0]])).products.tolist()
    [[1.0]]
    """

    name: str
    mantissa_bits: int
    carry: np.ndarray
    mantissa: np.ndarray

    @property
    def products(self) -> NDArray[np.float64]:
        """Approximate products of the significands 1.a and 1.b, float64, in [1, 4)."""
        return (1 + self.mantissa / 2.0 ** self.mantissa_bits) * 2.0 ** self.carry

    def relative_errors(self) -> NDArray[np.float64]:
        """|exact - approximate| / exact over all pairs of significands, float64."""
        significands = 1 + np.arange(2 ** self.mantissa_bits) / 2.0 ** self.mantissa_bits
        exact = np.multiply.outer(significands, significands)
        return np.abs(exact - self.products) / exact


def mantissa_bits_of(size):
    """m of a file of `size` bytes, or None where no m gives this size."""
    bits = (size.bit_length() - 1) // 2
    return bits if 1 <= bits <= MAX_MANTISSA_BITS and size == 4 ** bits else None


def read_mantissas(content, path):
    """The `MantissaTable` of the bytes of the file at `path`."""
    bits = mantissa_bits_of(len(content))
    if bits is None:
        raise ValueError(f"{path} must hold 2**(2 m) bytes with m from 1 to {MAX_MANTISSA_BITS}, got {len(content)}.")
    table = np.frombuffer(content, dtype=np.uint8).reshape(2 ** bits, 2 ** bits)
    return MantissaTable(path.stem, bits, table >> 7, (table & 0x7F) >> (MAX_MANTISSA_BITS - bits))
