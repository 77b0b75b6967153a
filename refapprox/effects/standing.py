"""Where a multiplier stands among known circuits: the nearest in effect, and the Pareto front with the new point."""
import numpy as np

from refapprox.effects.result import Standing
from refapprox.multipliers import from_family, load_library
from refapprox.multipliers.costs import ESTIMATED, with_estimated_costs
from refapprox.multipliers.family import MIN_FAMILY_BITS
from refapprox.multipliers.ranking import pareto_front


def known_circuits(multiplier):
    """Circuits with costs, of the sign and width of `multiplier`: the built-in ones, or T(t) and B(h, v) by formula.

    None where the widths of the two operands differ.
    """
    bits, signed = multiplier.bits_x, multiplier.signed
    if bits != multiplier.bits_w or bits < MIN_FAMILY_BITS:
        return []
    if signed and bits == 8:
        return list(load_library())
    forms = [f"operand_truncated({t})" for t in range(bits - 1)]
    forms += [f"broken_array({h}, {v})" for h in (0, 1) for v in range(1 + h, 2 * bits - 2)]
    return with_estimated_costs(from_family(form, bits=bits, signed=signed) for form in forms)


def standing(multiplier, stds, known, known_stds, used, known_used):
    """The `Standing` of a multiplier with predicted `stds` (layers,) among `known` ones with `known_stds`.

    `used` and `known_used` (known,) are what each uses of the layers' tolerance; `known_stds` is (layers, known).
    """
    factors = [spread(stds, column) for column in known_stds.T]
    nearest = int(np.argmin(factors))
    names, costs = [m.name for m in known], [m.performance_metric for m in known]
    points = list(zip([*costs, multiplier.performance_metric], [*known_used, used], strict=True))
    front = [[*names, multiplier.name][index] for index in pareto_front(points)]
    estimated = any(m.info.get("cost") == ESTIMATED for m in known)
    return Standing(names, costs, [float(u) for u in known_used], names[nearest], float(factors[nearest]), front,
                    estimated)


def spread(stds, others):
    """exp of the root mean square of ln(std / other std); 1 where both are 0, infinite where only one is."""
    both_exact = (stds == 0) & (others == 0)
    if ((stds == 0) ^ (others == 0)).any():
        return np.inf
    logs = np.log(np.where(both_exact, 1, stds) / np.where(both_exact, 1, others))
    return float(np.exp(np.sqrt(np.mean(logs ** 2))))
