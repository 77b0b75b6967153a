"""The least energy within a budget of error, exactly: dynamic programming over Pareto sets, in integers.

Every float64 is an integer times a power of two. Scaled by one common power, the errors r_lm and energies e_lm of all
layers and multipliers are integers, whose sums and comparisons are exact. A choice keeps within the budget D if the
float64 nearest to its sum is at most D, that is, if the sum does not exceed the point where rounding passes D.

Layer by layer the search keeps the (sum r, sum e) that no other one beats in both. A partial choice is dropped where

    e + price (r - limit) + sum over the layers left of min (e_lm + price r_lm)  >  energy of a choice in hand   (1)

for the price at which the linear relaxation meets the budget: the left side, a Lagrangian, bounds every completion
from below. With at most n different multipliers a branch and bound over sets of multipliers stands around it: drop
the limit, solve; where the solution uses too many, one of them is either kept or forbidden.

Both end after `MAX_STATES` partial choices or `MAX_NODES` sets; then a floating-point solver may find a choice, which
is never called proven.
"""
import heapq
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

MAX_STATES = 100_000      # partial choices kept at a time: some 30 MB, and a second or two per layer
MAX_NODES = 2_000         # sets of multipliers looked at
SOLVER_TRIALS = 5         # budgets given to the solver, each less than the one before by what it overspent


class TooLarge(Exception):
    """The exact search has met its limit."""


@dataclass(frozen=True)
class Candidates:
    """What may be chosen, in integers.

    Attributes
    ----------
    options : list of list of (r, e, multiplier)
        By layer, in units of `r_unit` and `e_unit`.
    limit : int or None
        Largest sum of r that still rounds to the budget or below; None where nothing limits it.
    r_unit, e_unit : Fraction
    """

    options: list
    limit: int | None
    r_unit: Fraction
    e_unit: Fraction

    @classmethod
    def of(cls, ratios, energies, possible, budget):
        """From float64 tables (layers, multipliers) and a float64 budget, or None."""
        r_unit, e_unit = unit_of(ratios[possible]), unit_of(energies[possible])
        options = [[(in_units(ratios[l, m], r_unit), in_units(energies[l, m], e_unit), int(m))
                    for m in np.flatnonzero(possible[l])] for l in range(len(ratios))]
        return cls(options, None if budget is None else largest_within(budget, r_unit), r_unit, e_unit)

    def restricted(self, available):
        """The same with the multipliers in `available` only."""
        return Candidates([[o for o in options if o[2] in available] for options in self.options],
                          self.limit, self.r_unit, self.e_unit)

    def relaxation(self):
        """(price as Fraction, choice within the limit or None) of the linear relaxation.

        The steps down all layers' hulls, best bargains first, until one exceeds the limit: its slope is the price.
        """
        hulls = [hull(options) for options in self.options]
        if not all(hulls):
            return None, None
        at = [0] * len(hulls)
        used = sum(vertices[0][0] for vertices in hulls)
        if self.limit is None:
            return Fraction(0), [vertices[-1][2] for vertices in hulls]
        if used > self.limit:
            return None, None
        steps = sorted((Fraction(b[1] - a[1], b[0] - a[0]), l, k + 1) for l, vertices in enumerate(hulls)
                       for k, (a, b) in enumerate(zip(vertices, vertices[1:], strict=False)))
        price = Fraction(0)
        for slope, l, k in steps:
            if k != at[l] + 1:
                continue      # an earlier step of this layer did not fit
            step = hulls[l][k][0] - hulls[l][k - 1][0]
            if used + step <= self.limit:
                used, at[l] = used + step, k
            elif price == 0:
                price = -slope
        return price, [vertices[k][2] for vertices, k in zip(hulls, at, strict=True)]

    def dual_bound(self):
        """The Lagrangian dual at the limit, as a Fraction: no choice within it has less energy; None: there is none."""
        price, _ = self.relaxation()
        if price is None:
            return None
        bound = sum(min(e + price * r for r, e, _ in options) for options in self.options)
        return (bound - price * (self.limit or 0)) * self.e_unit

    def sums(self, choice):
        """(sum r, sum e) of a choice."""
        tables = [{m: (r, e) for r, e, m in options} for options in self.options]
        return tuple(map(sum, zip(*(table[m] for table, m in zip(tables, choice, strict=True)), strict=True)))


@dataclass(frozen=True)
class Found:
    """A choice of least energy, or the best one at hand and a bound where the search was not `complete`."""

    choice: list | None
    complete: bool
    lower_bound: float = 0.0


def least_energy(candidates, max_multipliers):
    """Found: the least energy within the limit, at most `max_multipliers` different multipliers."""
    try:
        return Found(best_of_sets(candidates, max_multipliers), True)
    except TooLarge:
        at_hand = [by_solver(candidates, max_multipliers), candidates.relaxation()[1]]
        at_hand = [choice for choice in at_hand if choice and len(set(choice)) <= max_multipliers]
        choice = min(at_hand, key=lambda choice: candidates.sums(choice)[1], default=None)
        return Found(choice, False, float_below(candidates.dual_bound()))


def best_of_sets(candidates, max_multipliers):
    """Best-first search over (available, kept) sets of multipliers; the choice or None."""
    every = frozenset(m for options in candidates.options for *_, m in options)
    heap, count = [], 0

    def push(available, kept):
        nonlocal count
        found = least_energy_of(candidates.restricted(available))
        if found is not None:
            count += 1
            heapq.heappush(heap, (found[0], found[1], count, found[2], available, kept))

    push(every, frozenset())
    while heap:
        *_, choice, available, kept = heapq.heappop(heap)
        used = set(choice)
        if len(used) <= max_multipliers:
            return choice
        if count > MAX_NODES:
            raise TooLarge
        branch = max(used - kept, key=lambda m: (choice.count(m), m))
        push(available - {branch}, kept)
        kept = kept | {branch}
        push(kept if len(kept) == max_multipliers else available, kept)
    return None


def least_energy_of(candidates):
    """(sum e, sum r, choice) of least energy, of least r among those; None where nothing keeps within the limit."""
    price, in_hand = candidates.relaxation()
    if price is None:
        return None
    options = [pareto(layer) for layer in candidates.options]
    limit = candidates.limit
    if limit is None:
        chosen = [layer[-1] for layer in options]
        return sum(e for _, e, _ in chosen), sum(r for r, _, _ in chosen), [m for *_, m in chosen]
    p, q = price.numerator, price.denominator
    ceiling = q * candidates.sums(in_hand)[1] + p * limit      # (1), times the price's denominator
    least_r, least_sum = [0], [0]                              # of the layers left
    for layer in reversed(options):
        least_r.append(least_r[-1] + layer[0][0])
        least_sum.append(least_sum[-1] + min(q * e + p * r for r, e, _ in layer))
    least_r.reverse()
    least_sum.reverse()
    states = [(0, 0, None)]
    for l, layer in enumerate(options):
        states = pareto([(r + dr, e + de, (m, before)) for r, e, before in states for dr, de, m in layer
                         if r + dr + least_r[l + 1] <= limit
                         and q * (e + de) + p * (r + dr) + least_sum[l + 1] <= ceiling])
        if len(states) > MAX_STATES:
            raise TooLarge
    r, e, path = states[-1]
    choice = []
    while path is not None:
        multiplier, path = path
        choice.append(multiplier)
    return e, r, choice[::-1]


def pareto(points):
    """The points (r, e, tag) that no other one beats, by rising r and falling e; of equals the last one."""
    front = []
    for point in sorted(reversed(points), key=lambda point: point[:2]):      # the sort keeps the order of equals
        if not front or point[1] < front[-1][1]:
            front.append(point)
    return front


def hull(points):
    """The vertices of the lower convex hull of a Pareto set, in integers and so exactly."""
    vertices = []
    for point in pareto(points):
        while len(vertices) > 1 and ((vertices[-1][1] - vertices[-2][1]) * (point[0] - vertices[-2][0])
                                     >= (point[1] - vertices[-2][1]) * (vertices[-1][0] - vertices[-2][0])):
            vertices.pop()
        vertices.append(point)
    return vertices


def unit_of(numbers):
    """The largest power of two (at most 1) of which all float64 `numbers` are multiples, as a Fraction."""
    denominators = [float(number).as_integer_ratio()[1] for number in np.ravel(numbers)]
    return Fraction(1, max(denominators, default=1))


def in_units(number, unit):
    """A float64 that is a multiple of `unit`, as that integer."""
    numerator, denominator = float(number).as_integer_ratio()
    return numerator * (unit.denominator // denominator)


def largest_within(budget, unit):
    """The largest multiple of `unit`, as an integer, whose nearest float64 is at most `budget`."""
    above = math.nextafter(budget, math.inf)
    if math.isinf(above):
        return int(Fraction(budget) / unit)
    tie = (Fraction(budget) + Fraction(above)) / 2 / unit
    whole = math.floor(tie)
    return whole - (tie == whole and float(tie * unit) > budget)      # a tie goes to the even one of the two


def float_below(number):
    """The largest float64 that is at most the Fraction `number`."""
    nearest = float(number)
    return nearest if Fraction(nearest) <= number else math.nextafter(nearest, -math.inf)


def by_solver(candidates, max_multipliers):
    """A choice within the limits by mixed-integer programming, checked in integers; None where it finds none.

    x_lm = 1 where layer l takes m, u_m = 1 where m is used at all. The solver has tolerances of its own: where it
    overspends the budget it is asked again for as much less.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    pairs = [(l, *option) for l, options in enumerate(candidates.options) for option in options]
    names = sorted({m for *_, m in pairs})
    x, columns = np.arange(len(pairs)), len(pairs) + len(names)
    layer, kind = np.array([p[0] for p in pairs]), np.array([names.index(p[3]) for p in pairs])
    r, e = (np.array([float(p[k] * unit) for p in pairs])
            for k, unit in ((1, candidates.r_unit), (2, candidates.e_unit)))
    one_each = csr_array((np.ones(len(pairs)), (layer, x)), shape=(len(candidates.options), columns))
    only_used = csr_array((np.repeat([1.0, -1.0], len(pairs)), (np.tile(x, 2), np.append(x, len(pairs) + kind))),
                           shape=(len(pairs), columns))
    few = np.append(np.zeros(len(pairs)), np.ones(len(names)))[np.newaxis]
    constraints = [LinearConstraint(one_each, 1, 1), LinearConstraint(only_used, -np.inf, 0),
                   LinearConstraint(few, 0, max_multipliers)]
    limit = None if candidates.limit is None else float(candidates.limit * candidates.r_unit)
    target = limit
    for _ in range(SOLVER_TRIALS):
        bounded = [] if limit is None else [LinearConstraint(
            np.append(r / (limit or 1.0), np.zeros(len(names)))[np.newaxis], -np.inf, target / (limit or 1.0))]
        result = milp(np.append(e, np.zeros(len(names))), integrality=np.ones(columns), bounds=Bounds(0, 1),
                      constraints=constraints + bounded)
        if result.x is None:
            return None
        choice = [pairs[max(np.flatnonzero(layer == l), key=lambda k: result.x[k])][3]
                  for l in range(len(candidates.options))]
        used = candidates.sums(choice)[0]
        if len(set(choice)) <= max_multipliers and (limit is None or used <= candidates.limit):
            return choice
        target -= 2 * max(float((used - (candidates.limit or 0)) * candidates.r_unit), 1e-12 * (limit or 1.0))
    return None
