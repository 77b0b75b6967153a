"""Codes of operands, and what is checked of costs and tables."""
import numpy as np

from refapprox.validation import check_array, check_real

MAX_BITS = 8           # of a table's operands: a 16x16 one would take 16 GiB


def code_range(bits, signed):
    """(qmin, qmax) of `bits`-wide codes: two's complement or unsigned."""
    bits = int(bits)                  # a numpy uint8 would wrap in 2 ** bits
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)


def codes(bits, signed):
    """All `bits`-wide codes in value order, int64."""
    qmin, qmax = code_range(bits, signed)
    return np.arange(qmin, qmax + 1)


def check_cost(name, cost):
    """`cost` as a float that is not negative; nan, where it is not known.

    Raises
    ------
    ValueError
        If it is negative or infinite.
    """
    unknown = isinstance(cost, (float, np.floating)) and np.isnan(cost)
    return float("nan") if unknown else check_real(name, cost, minimum=0)


def check_lut(name, lut):
    """`lut` as a read-only int32 copy, or a ValueError saying what is wrong with it."""
    lut = check_array(f"lut of {name}", lut, kinds="iu")
    widths = [side.bit_length() - 1 for side in lut.shape]
    if lut.ndim != 2 or any(2 ** b != side or not 1 <= b <= MAX_BITS
                            for b, side in zip(widths, lut.shape, strict=True)):
        raise ValueError(f"lut of {name} must have shape (2**bits_x, 2**bits_w) with 1 to {MAX_BITS} bits, "
                         f"got {lut.shape}.")
    limits = np.iinfo(np.int32)
    if lut.min() < limits.min or lut.max() > limits.max:
        raise ValueError(f"lut of {name} must fit int32, got values from {lut.min()} to {lut.max()}.")
    return read_only(lut.astype(np.int32))


def read_only(array):
    array.flags.writeable = False
    return array


def memory_text(size):
    """A number of bytes for people: 17179869184 -> '16 GiB'."""
    units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    power = min((int(size).bit_length() - 1) // 10, len(units) - 1)
    return f"{size / 1024 ** power:.4g} {units[power]}"


def difference(exact, result):
    """exact - result as int64, or as float64 where it may not fit; taken modulo 2**64 then, which is right."""
    wrapped, reduced = exact.astype(np.uint64), result.astype(np.uint64)
    if np.uint64 in (exact.dtype, result.dtype):
        not_below = (result < 0) | (wrapped >= reduced)
    elif max(int(abs(a).max(initial=0)) for a in (exact, result)) < 2 ** 62:
        return exact - result
    else:
        not_below = exact >= result
    magnitude = np.where(not_below, wrapped - reduced, reduced - wrapped)
    return np.where(not_below, 1.0, -1.0) * magnitude.astype(np.float64)


def all_pairs(operator):
    """Every operand pair (x, w) in value order, w running fastest, int64, 1-D."""
    x, w = codes(operator.bits_x, operator.signed), codes(operator.bits_w, operator.signed)
    return np.repeat(x, w.size), np.tile(w, x.size)
