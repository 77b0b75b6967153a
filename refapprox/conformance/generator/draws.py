"""Operands drawn by SHAKE-128 of a key: the same forever, whatever NumPy's generators do."""
import hashlib

import numpy as np


def integers(key, shape, low, high):
    """int64 array of `shape`, values in [low, high]; the modulo's bias of 2**-40 is of no matter here."""
    count = int(np.prod(shape, dtype=np.int64))
    stream = hashlib.shake_128(key.encode()).digest(8 * max(count, 1))
    span = high - low + 1
    values = [int.from_bytes(stream[8 * i:8 * i + 8], "little") % span + low for i in range(count)]
    return np.array(values, dtype=np.int64).reshape(shape)


def reals(key, shape, low, high, step=2.0 ** -8):
    """float64 array of multiples of `step` (a power of two, so that float32 holds them) in [low, high]."""
    return integers(key, shape, round(low / step), round(high / step)) * step


def distribution(key, size, denominator=256):
    """float64 pmf of `size` entries, multiples of 1/denominator: a power of two, so that the sum is exactly 1."""
    cuts = sorted(integers(key, (size - 1,), 0, denominator).tolist())
    return np.diff(np.array([0, *cuts, denominator])) / denominator
