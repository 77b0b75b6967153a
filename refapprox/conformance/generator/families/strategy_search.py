"""Weight programming optimization: the search space of strategies, and what a search compares."""
import math

import numpy as np

from refapprox.conformance.generator.building import exact, make, rounding
from refapprox.conformance.generator.draws import reals

REFERENCE = "strategy-search"


def strategy_search():
    """Test weights, the unit hypercube, the strategy at one of its points, objective and stop."""
    for part in (quantiles, rows, bounds, partition, layout, spans, strategies, objective, stop):
        yield from part()


def quantile_values(weights, count, *, ends=True):
    """`count` values by linear interpolation between the sorted weights."""
    ordered, last = sorted(weights.ravel().tolist()), weights.size - 1
    values = []
    for i in range(count):
        at = i * last / max(count - 1, 1) if ends else min(max((i + 0.5) * weights.size / count - 0.5, 0), last)
        left = min(int(at), max(last - 1, 0))
        part = at - left
        values.append(ordered[left] * (1 - part) + ordered[min(left + 1, last)] * part)
    return np.array(values)


def quantiles():
    for name, size, shape in (("fewer", 37, (3, 4)), ("more", 5, (4, 3)), ("same", 12, (4, 3)), ("one", 6, (1, 1)),
                              ("of-one", 1, (2, 2))):
        weights = reals(f"quantiles {name}", (size,), -1, 1)

        def values(weights=weights, shape=shape, **how):
            return {"weights": quantile_values(weights, math.prod(shape), **how).reshape(shape)}

        yield make(f"strategy_search/quantiles-{name}", "downsample", {"weights": weights, "shape": list(shape)},
                   values(), probes=f"{math.prod(shape)} quantiles of {size} weights, both ends kept, ascending",
                   check=rounding({"weights": 1.0}), reference=REFERENCE,
                   mistakes={"quantiles without the ends": values(ends=False)})


def rows():
    for name, shape in (("tall", (9, 3)), ("wide", (4, 8))):
        weights = np.arange(math.prod(shape)).reshape(shape) / 8 - 1.0
        yield make(f"strategy_search/shuffled-{name}", "shuffle_rows", {"weights": weights, "seed": 1},
                   {"weights": list(shape)}, probes="each row comes up once, whole", reference=REFERENCE,
                   check={"kind": "rows", "of": "weights", "counts": [1, 1], "reason": "a permutation of the rows"})


SPACES = {      # name -> (f_lst, bins, symmetric, use_max_kw)
    "one-pair": ([1.0], 6, True, False), "two-pairs": ([1.0, 1.0], 6, True, False),
    "free-factor": ([1.0, None], 6, True, False), "asymmetric": ([1.0, None], 4, False, False),
    "full-range": ([2.0, 1.0], 3, True, True), "three-pairs": ([None, 1.0, None], 3, True, True),
}


def bounds():
    for name, (f_lst, nbins, symmetric, use_max_kw) in SPACES.items():
        def unit(factors=True, both_signs=False, f_lst=f_lst, n=nbins, symmetric=symmetric, full=use_max_kw):
            columns = n if symmetric and not both_signs else 2 * n - 1
            size = columns * (2 * len(f_lst) - 1) + (f_lst.count(None) if factors else 0) + (not full)
            return {"bounds": np.tile([0.0, 1.0], (size, 1))}

        yield make(f"strategy_search/bounds-{name}", "hop_bounds",
                   {"f_lst": f_lst, "nbins": nbins, "symmetric": symmetric, "use_max_kw": use_max_kw}, unit(),
                   probes=f"{len(unit()['bounds'])} dimensions, each from 0 to 1", reference=REFERENCE,
                   check=rounding({"bounds": 1.0}, 0, "zeros and ones"),
                   mistakes={"free factors not counted": unit(factors=False),
                             "symmetry ignored": unit(both_signs=True)})


F_MIN, F_MAX = 0.125, 5.0


def split(x, f_lst, g_max, g_min, use_max_kw, largest, *, floor=0.05, factors_first=True, rest_full=False):
    """(factors, uS per unit weight, x_g) of a point."""
    x, free = list(x), f_lst.count(None)
    if not factors_first and not use_max_kw:
        x = [*x[1:free + 1], x[0], *x[free + 1:]]
    taken = iter(x[:free])
    factors = [next(taken) * (F_MAX - F_MIN) + F_MIN if f is None else f for f in f_lst]
    x_kw = 1.0 if use_max_kw or rest_full else x[free]
    full = math.fsum(factors) * (g_max - g_min)
    return factors, (floor + (1 - floor) * x_kw) * full / largest, x[free + (not use_max_kw):]


def partition():
    for name, (f_lst, _, _, use_max_kw) in SPACES.items():
        x = reals(f"partition {name}", (3 * (2 * len(f_lst) - 1) + f_lst.count(None) + (not use_max_kw),), 0, 1)

        def parts(x=x, f_lst=f_lst, use_max_kw=use_max_kw, **how):
            factors, k_w, x_g = split(x.tolist(), f_lst, 20.0, 2.5, use_max_kw, 0.75, **how)
            return {"f_lst": np.array(factors), "k_w": k_w, "x_g": np.array(x_g)}

        yield make(f"strategy_search/partition-{name}", "partition_parameters",
                   {"x": x, "f_lst": f_lst, "g_max": 20.0, "g_min": 2.5, "f_min": F_MIN, "f_max": F_MAX,
                    "use_max_kw": use_max_kw, "largest_weight": 0.75}, parts(), reference=REFERENCE,
                   probes="free factors first, then the share of the range, then the rest",
                   check=rounding({"f_lst": 5.0, "k_w": parts()["k_w"], "x_g": 1.0}, 32),
                   mistakes={"no floor of the range": parts(floor=0.0), "range before factors":
                             parts(factors_first=False) if None in f_lst else None,
                             "range share ignored": parts(rest_full=True)})


def layout():
    for name, pairs, symmetric, columns in (("one-pair", 1, True, 4), ("two-pairs", 2, True, 3),
                                            ("asymmetric", 2, False, 5)):
        x_g = reals(f"layout {name}", (columns * (2 * pairs - 1),), 0, 1)

        def rows_of(columnwise=False, both_signs=False, x_g=x_g, pairs=pairs, columns=columns, symmetric=symmetric):
            table = x_g.reshape(columns, -1).T if columnwise else x_g.reshape(-1, columns)
            return {"rows": table, "length": columns if both_signs or not symmetric else 2 * columns - 1}

        yield make(f"strategy_search/layout-{name}", "reformat_x_g",
                   {"x_g": x_g, "pairs": pairs, "symmetric": symmetric}, rows_of(), reference=REFERENCE,
                   probes=f"{2 * pairs - 1} rows of {columns}, row after row; curves of {rows_of()['length']}",
                   check=rounding({"rows": 1.0}, 2, "the numbers themselves"),
                   mistakes={"rows read by columns": rows_of(columnwise=True),
                             "symmetry ignored": rows_of(both_signs=True)})


def spans():
    for name, index in (("all", 0), ("last", 2), ("middle", 1), ("none", 3)):
        values = [25.0, 75.0, 12.5]
        yield make(f"strategy_search/span-{name}", "span_of_remaining_pairs", {"spans": values, "index": index},
                   {"span": float(sum(values[index:]))}, probes=f"what the pairs from number {index} on can hold",
                   check=rounding({"span": 112.5}), reference=REFERENCE,
                   mistakes={"remaining pairs off by one": {"span": float(sum(values[index + 1:]))}})


def strategy(x, q, *, shift=1, floor=0.05, g_floor=None, mirrored=True):
    """(factors, curves) at the point x; every number by the definition, one after the other."""
    g_max, g_min, g_err = q["g_max"], q["g_min"], q["g_err"]
    base = g_min if g_floor is None else g_floor
    factors, k_w, x_g = split(x, q["f_lst"], g_max, g_min, q["use_max_kw"], q["largest_weight"], floor=floor)
    pairs, n = len(factors), 2 * q["nbins"] - 1
    columns = q["nbins"] if q["symmetric"] else n
    table = [x_g[r * columns:(r + 1) * columns] for r in range(2 * pairs - 1)]
    reach = [f * (g_max - g_min) for f in factors]
    curves = [[0.0] * n for _ in range(2 * pairs)]
    for i in range(columns):
        left = k_w * q["largest_weight"] * (2 * i / (n - 1) - 1)
        for j in range(pairs):
            rest = sum(reach[j + shift:])
            low, high = max(left - rest, -reach[j]), min(left + rest, reach[j])
            share = table[2 * j + 1][i] if j < pairs - 1 else 1.0
            taken = share * (high - low) + low
            left -= taken
            delta = taken / factors[j]
            bottom, top = base + max(delta, 0) - g_err, g_max + min(delta, 0) + g_err
            plus = table[2 * j][i] * (top - bottom) + bottom
            plus = min(max(plus, g_min), g_max)
            minus = min(max(plus - delta, g_min), g_max)
            curves[2 * j][i], curves[2 * j + 1][i] = plus, minus
            if q["symmetric"]:
                curves[2 * j][n - 1 - i] = minus if mirrored else plus
                curves[2 * j + 1][n - 1 - i] = plus if mirrored else minus
    return {"f_lst": np.array(factors), "g_lst": np.array(curves)}


def strategies():
    for name, f_lst, nbins, symmetric, full, g_max, g_min, g_err in (
            ("one-pair", [1.0], 4, True, False, 25.0, 0.0, 0.0),
            ("two-pairs", [1.0, 3.0], 3, True, True, 25.0, 0.0, 0.0),
            ("free-factor", [1.0, None], 3, True, False, 25.0, 5.0, 0.0),
            ("asymmetric", [2.0, None], 3, False, False, 20.0, 1.0, 0.0),
            ("three-pairs", [1.0, 2.0, 4.0], 2, True, False, 25.0, 0.0, 0.0),
            ("overprogrammed", [1.0, 2.0], 3, True, True, 25.0, 2.5, 1.25),
            ("overprogrammed-asymmetric", [1.0], 3, False, True, 25.0, 2.5, 2.5)):
        q = {"f_lst": f_lst, "nbins": nbins, "symmetric": symmetric, "use_max_kw": full, "g_max": g_max, "g_min": g_min,
             "g_err": g_err, "f_min": F_MIN, "f_max": F_MAX, "largest_weight": 0.75}
        columns = nbins if symmetric else 2 * nbins - 1
        dims = columns * (2 * len(f_lst) - 1) + f_lst.count(None) + (not full)
        x = reals(f"strategy {name}", (dims,), 0, 1)

        def curves(x=x, q=q, **how):
            return strategy(x.tolist(), q, **how)

        yield make(f"strategy_search/strategy-{name}", "denormalize", {"x": x, **q}, curves(), reference=REFERENCE,
                   probes=f"curves of {2 * len(f_lst)} devices over {2 * nbins - 1} weights, "
                          f"{'mirrored' if symmetric else 'every weight of its own'}, g_err {g_err:g} uS",
                   check=rounding({"f_lst": 5.0, "g_lst": 2 * max(f or F_MAX for f in f_lst) * g_max}),
                   mistakes={"remaining pairs off by one": curves(shift=0), "no floor of the range": curves(floor=0.0),
                             "g_min ignored": curves(g_floor=0.0), "not mirrored": curves(mirrored=False)})


def objective():
    for name, shape, margin in (("margin-of-an-eighth", (3, 4), 0.125), ("no-margin", (2, 2), 0.0),
                                ("margin-of-a-quarter", (5, 2), 0.25)):
        weights = reals(f"objective {name}", shape, -1, 1)
        effective, baseline = (np.stack([weights + reals(f"objective {which} {t} {name}", shape, -size, size)
                                         for t in range(2)]) for which, size in (("best", 0.25), ("base", 0.375)))
        losses = [math.fsum(((times - weights) ** 2).ravel().tolist()) for times in (effective, baseline)]
        relative = losses[0] / losses[1] - 1
        unit = float(np.abs(weights).max()) ** 2 * effective.size
        yield make(f"strategy_search/objective-{name}", "search_objective",
                   {"weights": weights, "effective": effective, "baseline_effective": baseline, "loss_margin": margin},
                   {"objective": relative + margin}, probes=f"how far a loss stays behind the baseline less {margin}",
                   check=rounding({"objective": 1.0}), reference=REFERENCE,
                   mistakes={"margin forgotten": {"objective": relative}, "difference not relative":
                             {"objective": (losses[0] - losses[1]) / unit + margin}})


def stop():
    for name, value in (("negative", -0.0625), ("positive", 0.0625), ("zero", 0.0), ("negative-zero", -0.0),
                        ("hardly", -1e-9)):
        yield make(f"strategy_search/stop-{name}", "stop_criterion", {"objective": value}, {"stop": int(value < 0)},
                   probes=f"whether a search ends at {value}", check=exact("0 or 1"), reference=REFERENCE,
                   mistakes={"stops at zero": {"stop": int(value <= 0)}})
