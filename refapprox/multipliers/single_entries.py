"""Entries that differ from a known rule: overwritten ones are mistakes, those that follow operand bits a design."""
from collections.abc import Callable

import numpy as np

from refapprox.multipliers.damages import rule_name
from refapprox.multipliers.findings import Finding, corrected, entries_at
from refapprox.multipliers.identification import Neighbor
from refapprox.multipliers.multiplier import Multiplier


def few_entries(multiplier: Multiplier, rule_of: Callable[[np.ndarray], Neighbor], most: float) -> Finding | None:
    """Single entries that differ from the nearest known rule: mistakes, unless they look like those of a design."""
    rule = rule_of(multiplier.lut)
    wrong = rule.lut != multiplier.lut
    count, size = int(wrong.sum()), multiplier.lut.size
    if not 0 < count <= max(most * size, 1) or size < 256:
        return None
    told = f"{count} of {size} entries are not those of {rule_name(rule)}."
    if looks_designed(multiplier, rule, wrong):
        return Finding("entries", "warning", told + " They follow a pattern, as those of a design do.",
                       entries_at(multiplier, wrong, rule.lut))
    return corrected(multiplier, "entries", told, rule.lut, f"those of {rule_name(rule)}")


def looks_designed(multiplier, rule, wrong):
    """Whether differences from a rule may come from a circuit: they depend on some of the operand bits only.

    Where a set of entries stays the same when an operand bit is flipped, that bit does not matter; a circuit with one
    other cell has such bits, entries that were overwritten do not. Small tables with few differences are not told.
    """
    if wrong.any(axis=1).sum() == 1 or wrong.any(axis=0).sum() == 1:       # in one row or column, perhaps one entry
        return wrong.size < 2 ** 12
    error = np.where(wrong, rule.lut.astype(np.int64) - multiplier.lut, 0)
    free = sum(np.array_equal(flipped(wrong, axis, bit), wrong) for axis in (0, 1)
               for bit in range(wrong.shape[axis].bit_length() - 1))
    few_values = np.unique(error[wrong]).size <= max(wrong.sum() // 16, 1)
    return free >= 2 or (wrong.sum() >= 16 and few_values)


def flipped(mask, axis, bit):
    """`mask` with bit number `bit` of the operands of one axis flipped."""
    return np.take(mask, np.arange(mask.shape[axis]) ^ (1 << bit), axis=axis)
