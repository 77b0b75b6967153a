"""How often the wires of a netlist toggle when operands follow given distributions.

The model: operand pairs of consecutive cycles are independent draws, x from `x_dist` and w from `w_dist`.

*Zero delay*: gates settle at once, so a wire that is one with probability p toggles with

    alpha = 2 p (1 - p)                                                                    (1)

transitions a cycle; p is exact, a weighted sum over all operand pairs.

*Unit delay*: every gate takes one time step, so wires whose inputs arrive at different times also toggle in vain
(glitches). The operands change at step 0, the gates are evaluated step by step until nothing changes, and every
transition counts. The mean is taken over `TRANSITIONS` pairs of cycles, laid out without randomness: quantiles of
x and w before and after at the points of a low-discrepancy sequence in four dimensions,

    u_k(i) = frac(1/2 + i / phi**k),  k = 1..4,  phi the positive root of phi**5 = phi + 1 (2)

References
----------
F. N. Najm, "A survey of power estimation techniques in VLSI circuits", IEEE TVLSI 2(4), 1994,
doi:10.1109/92.335013 (zero and general delay models); M. Roberts, "The unreasonable effectiveness of quasirandom
sequences", 2018 (2).
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.multipliers.circuits.gates import GATES
from refapprox.multipliers.circuits.netlist import Netlist, exhaustive_planes, pack_bits, popcount, unpack_bits
from refapprox.multipliers.multiplier import MAX_BITS, codes
from refapprox.validation import check_distribution

TRANSITIONS = 2 ** 16
PHI = 1.1673039782614187      # of four dimensions


def operand_distributions(netlist, x_dist, w_dist):
    """Both distributions, checked; uniform where None."""
    if len(netlist.operands) != 2:
        raise ValueError(f"activity of {netlist.name} needs two operands, got {len(netlist.operands)}.")
    return [np.full(2 ** bits, 2.0 ** -bits) if dist is None else check_distribution(name, dist, 2 ** bits)
            for name, dist, bits in (("x_dist", x_dist, netlist.bits_x), ("w_dist", w_dist, netlist.bits_w))]


def signal_probabilities(netlist, x_dist=None, w_dist=None):
    """Probability that each wire is one, exact, float64 of length ``netlist.wire_count``; at most 8x8 bits.

    `x_dist` and `w_dist`, (2**bits,), are operand distributions in value order; None is uniform.
    """
    x_dist, w_dist = operand_distributions(netlist, x_dist, w_dist)
    if max(netlist.bits_x, netlist.bits_w) > MAX_BITS:
        raise ValueError(f"signal_probabilities of {netlist.name} enumerates all pairs: at most {MAX_BITS} bits an "
                         f"operand, got {netlist.bits_x}x{netlist.bits_w}. Use toggle_rates, which samples.")
    weights = np.multiply.outer(x_dist, w_dist).ravel()
    wires = netlist.simulate(exhaustive_planes(netlist.bits_x, netlist.bits_w, netlist.signed))
    return np.array([unpack_bits(plane, weights.size) @ weights for plane in wires])


def zero_delay_rates(netlist, x_dist=None, w_dist=None):
    """Transitions per cycle of every wire, gates being infinitely fast (1); parameters as `signal_probabilities`."""
    p = signal_probabilities(netlist, x_dist, w_dist)
    return 2 * p * (1 - p)                                                                 # (1)


def transition_planes(netlist, x_dist, w_dist):
    """Bit-planes of the operands before and after, two (bits_x + bits_w, words) uint64 arrays."""
    points = (0.5 + np.multiply.outer(PHI ** -np.arange(1.0, 5.0), np.arange(TRANSITIONS))) % 1            # (2)
    x, w = (codes(bits, netlist.signed) for bits in (netlist.bits_x, netlist.bits_w))
    return [np.concatenate([pack_bits(quantiles(x, x_dist, points[cycle]), netlist.bits_x),
                            pack_bits(quantiles(w, w_dist, points[2 + cycle]), netlist.bits_w)]) for cycle in (0, 1)]


def quantiles(values, distribution, points):
    """The `points`-quantiles of a distribution over sorted values."""
    return values[np.searchsorted(np.cumsum(distribution), points, side="right").clip(max=values.size - 1)]


def toggle_rates(netlist: Netlist, x_dist: ArrayLike | None = None, w_dist: ArrayLike | None = None
                 ) -> NDArray[np.float64]:
    """Transitions per cycle of every wire, glitches included, under the unit-delay model.

    Parameters
    ----------
    netlist : Netlist
    x_dist, w_dist : float arrays of length 2**bits, optional
        Operand distributions in value order; uniform by default.

    Returns
    -------
    float64 array of length ``netlist.wire_count``
        For operand bits the zero-delay rate, since they change once; for gates at least that, up to sampling.

    Raises
    ------
    ValueError
        If a distribution does not fit, or the netlist has not two operands.

    Examples
    --------
    >>> both = Netlist([("A", 1), ("B", 1)], [("AND", (2, 3))], [4])
    >>> toggle_rates(both).round(2).tolist()              # 2 p (1 - p) with p = 1/2, 1/2 and 1/4
    [0.0, 0.0, 0.5, 0.5, 0.38]
    """
    before, after = transition_planes(netlist, *operand_distributions(netlist, x_dist, w_dist))
    ones = np.full_like(before[0], np.iinfo(np.uint64).max)
    state = netlist.simulate(list(before))
    counts = np.zeros(netlist.wire_count)
    changed = set()
    for wire, plane in enumerate(after, 2):
        flips = popcount(plane ^ state[wire])
        counts[wire] += flips
        state[wire] = plane
        if flips:
            changed.add(wire)
    while changed:                                  # one time step: gates read the state of the step before
        updates = []
        for (kind, inputs), first in zip(netlist.gates, netlist.gate_wires, strict=True):
            if changed.isdisjoint(inputs):
                continue
            values = GATES[kind].function(ones, *[state[i] for i in inputs])
            updates.extend((first + i, value) for i, value in enumerate(values))
        changed = set()
        for wire, value in updates:
            flips = popcount(value ^ state[wire])
            if flips:
                counts[wire] += flips
                state[wire] = value
                changed.add(wire)
    return counts / TRANSITIONS
