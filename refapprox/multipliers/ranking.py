"""Libraries as rows of figures: sorted, filtered, and what no other circuit beats in both of two figures."""
import math
import operator
import re

from refapprox.validation import shown

CONDITION = re.compile(r"\s*([A-Za-z_%]+)\s*(<=|>=|<|>|=)\s*([-+0-9.eE]+)\s*")
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
FIGURES = ("power", "bits", "MAE", "MAE%", "WCE", "WCE%", "WCRE%", "EP%", "MRE%", "MSE", "NMED", "bias", "variance")


def figures_of(circuit, num_samples=2 ** 16, *, rng=None):
    """Name -> figure: power, bits (of x) and all error metrics, sampled where there are too many operand pairs."""
    figures = {"power": circuit.performance_metric, "bits": circuit.bits_x}
    return figures | circuit.metrics(num_samples=num_samples, rng=rng)


def condition(text):
    """A predicate on figures from a text such as "MAE%<0.5"."""
    match = CONDITION.fullmatch(text)
    try:
        key, compare, bound = match[1], COMPARE[match[2]], float(match[3])
    except (TypeError, ValueError):
        raise ValueError(f"condition must read FIGURE<NUMBER, with < <= > >= or =, got {shown(text)}.") from None
    check_figure(key)
    return lambda figures: compare(figures[key], bound)


def check_figure(key):
    """`key`, one of the figures that there are."""
    if key not in FIGURES:
        raise ValueError(f"figure must be one of {', '.join(FIGURES)}, got {shown(key)}.")
    return key


def pareto_front(points):
    """Indices of points (cost, error) that no other point beats in one without losing in the other, by rising cost.

    Points with nan are left out; of equal points the first is kept.

    >>> pareto_front([(3, 1), (1, 3), (2, 2), (2, 4), (3, 1)])
    [1, 2, 0]
    """
    front, best = [], math.inf
    known = [i for i, (cost, error) in enumerate(points) if not math.isnan(cost + error)]
    for index in sorted(known, key=lambda i: tuple(points[i])):
        _, error = points[index]
        if error < best:
            front.append(index)
            best = error
    return front
