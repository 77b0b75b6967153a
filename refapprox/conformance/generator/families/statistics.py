"""Error statistics in exact rationals: the published functions, and how they go wrong."""
import math
from fractions import Fraction

import numpy as np

from refapprox.conformance.generator.building import absolute, make, rounding
from refapprox.conformance.generator.draws import distribution, integers

FALSE_ALARM = 1e-6


def moments(error_map, x_dist, w_dist):
    """(mean, variance) of one error, exact."""
    terms = [(Fraction(p) * Fraction(q), int(e)) for p, row in zip(x_dist.tolist(), error_map, strict=True)
             for q, e in zip(w_dist.tolist(), row, strict=True)]
    mean = sum(weight * e for weight, e in terms)
    return mean, sum(weight * (e - mean) ** 2 for weight, e in terms)


def result(mean, variance):
    return {"mean": float(mean), "std": math.sqrt(variance)}


MAPS = {      # name -> (error map, distributions' denominator)
    "2x2": np.array([[0, 0], [0, 2]]),
    "3x4": np.array([[0, 1, -2, 5], [3, 0, 0, -1], [7, -4, 2, 0]]),
    "4x4": integers("map 4x4", (4, 4), -20, 20),
    "biased": integers("map biased", (4, 4), 90, 110),
    "8x8": integers("map 8x8", (8, 8), -300, 100),
}


def ranged_map(x_range, w_range, t):
    """exact - approximate of T(t) for codes of two ranges, ends included."""
    return np.array([[x * w - (x // 2 ** t * 2 ** t) * (w // 2 ** t * 2 ** t) for w in range(*w_range)]
                     for x in range(*x_range)])


RANGES = {      # name -> (codes of x, of w, t)
    "symmetric-4-bit": ((-7, 8), (-7, 8), 1), "unsigned-4-bit": ((0, 16), (0, 16), 2),
    "5-bit-by-signed-4-bit": ((0, 32), (-8, 8), 1), "signed-3-bit-by-6-bit": ((-4, 4), (0, 64), 1),
}


def one_population(error_map, p, q, n):
    """Right and wrong (mean, std) from one distribution of each operand."""
    mean, variance = moments(error_map, p, q)
    wrong = {"per sum instead of per operation": result(n * mean, n * variance),
             "missing sqrt(fan_in)": result(mean, variance),
             "root mean square": result(mean, (variance + mean ** 2) / n),
             "error sign": result(-mean, variance / n)}
    if error_map.shape[0] == error_map.shape[1]:
        wrong["transposed table"] = result(*(v / d for v, d in zip(moments(error_map.T, p, q), (1, n), strict=True)))
    return result(mean, variance / n), wrong


def error_prediction():
    """One distribution of each operand."""
    for name, error_map in MAPS.items():
        for n in (1, 9) if name in ("4x4", "3x4") else (25,):
            p, q = (distribution(f"{name} {n} {which}", size) for which,
                    size in zip("xw", error_map.shape, strict=True))
            right, wrong = one_population(error_map, p, q, n)
            yield make(f"error_prediction/{name}-fan-in-{n}", "error_prediction",
                       {"error_map": error_map, "x_dist": p, "w_dist": q, "fan_in": n}, right,
                       probes=f"mean and std per operation, fan-in {n}, an asymmetric error map of {name}",
                       check=rounding({name: np.abs(error_map).max() for name in right}), mistakes=wrong,
                       reference="error-statistics")


    for name, (x_range, w_range, t) in RANGES.items():
        error_map = ranged_map(x_range, w_range, t)
        p, q = (distribution(f"range {name} {which}", size) for which, size in zip("xw", error_map.shape, strict=True))
        right, wrong = one_population(error_map, p, q, 9)
        yield make(f"error_prediction/{name}", "error_prediction",
                   {"error_map": error_map, "x_dist": p, "w_dist": q, "fan_in": 9}, right,
                   probes=f"codes {x_range[0]} to {x_range[1] - 1} by {w_range[0]} to {w_range[1] - 1}: bins and rows "
                          "are counted from the smallest code", mistakes=wrong, reference="error-statistics",
                   check=rounding({name: np.abs(error_map).max() for name in right}))
    for name, p, q in (("certain", [0, 0, 1.0], [0, 0, 0, 1.0]),
                       ("certain-operand", [0, 1.0, 0], [0.25, 0.25, 0.5, 0])):
        error_map, p, q = MAPS["3x4"], np.array(p), np.array(q)
        right, wrong = one_population(error_map, p, q, 4)
        yield make(f"error_prediction/{name}", "error_prediction",
                   {"error_map": error_map, "x_dist": p, "w_dist": q, "fan_in": 4}, right, reference="error-statistics",
                   probes="operands that hardly vary: no spread is left, or that of one operand", mistakes=wrong,
                   check=rounding({name: np.abs(error_map).max() for name in right}))


def population_prediction():
    """Many activation distributions: the law of total variance, ddof 0."""
    for name, k, n in (("2x2", 2, 3), ("3x4", 4, 9), ("4x4", 3, 1), ("8x8", 5, 25), ("biased", 2, 4), ("4x4", 1, 4)):
        error_map = MAPS[name]
        p = np.stack([distribution(f"field {name} {k} {i}", error_map.shape[0]) for i in range(k)])
        q = distribution(f"field {name} w", error_map.shape[1])
        means, variances = zip(*(moments(error_map, row, q) for row in p), strict=True)
        mean = sum(means) / k
        within, between = sum(variances) / k / n, sum((m - mean) ** 2 for m in means)
        merged = np.array([sum(map(Fraction, column)) / k for column in p.T.tolist()], dtype=object)
        total = within + between / k
        yield make(f"population_prediction/{name}-{k}-fields", "population_prediction",
                   {"error_map": error_map, "x_multidist": p, "w_dist": q, "fan_in": n}, result(mean, total),
                   probes=f"{k} receptive fields, fan-in {n}",
                   check=rounding(dict.fromkeys(("mean", "std"), np.abs(error_map).max())),
                   mistakes={"mean of standard deviations":
                             {"mean": float(mean), "std": sum(math.sqrt(v / n) for v in variances) / k},
                             "between-field variance missing": result(mean, within),
                             "pooled distribution": result(mean, moments(error_map, merged, q)[1] / n),
                             "missing sqrt(fan_in)": result(mean, within * n + between / k),
                             "per sum instead of per operation": result(n * mean, n * n * total),
                             "ddof": result(mean, within + between / (k - 1)) if k > 1 else None,
                             "error sign": result(-mean, total)}, reference="error-statistics")


def error_calculation():
    """The observed error of two results."""
    for name, accurate, approximate, n, dtype in (
            ("signed", integers("calc a", (3, 4), -999, 999), integers("calc b", (3, 4), -999, 999), 9, np.int64),
            ("biased", integers("calc c", (5,), 0, 99), integers("calc d", (5,), 200, 299), 4, np.int32),
            ("two-values", np.array([10, 20]), np.array([13, 15]), 1, np.int64),
            ("uint8", np.array([3, 250, 7, 9]), np.array([5, 240, 9, 30]), 2, np.uint8),
            ("uint16", np.array([100, 40000, 65535]), np.array([101, 300, 65530]), 25, np.uint16),
            ("floats", integers("calc e", (6,), -99, 99) / 4, integers("calc f", (6,), -99, 99) / 4, 8, np.float64)):
        def observed(values, n=n, ddof=0):
            values = [Fraction(v) / n for v in values]
            mean = sum(values) / len(values)
            return result(mean, sum((v - mean) ** 2 for v in values) / (len(values) - ddof))

        errors = [Fraction(a) - Fraction(b)
                  for a, b in zip(accurate.ravel().tolist(), approximate.ravel().tolist(), strict=True)]
        wrong = {"error sign": observed([-e for e in errors]), "ddof": observed(errors, ddof=1),
                 "per sum instead of per operation": observed([n * e for e in errors]),
                 "absolute errors": observed([abs(e) for e in errors])}
        if np.dtype(dtype).kind == "u":
            wrong["subtraction in a narrow dtype"] = observed([int(e) % 2 ** np.iinfo(dtype).bits for e in errors])
        yield make(f"error_calculation/{name}", "error_calculation",
                   {"accurate": accurate.astype(dtype), "approximate": approximate.astype(dtype), "fan_in": n},
                   observed(errors), probes=f"accurate - approximate over fan-in {n}, dtype {np.dtype(dtype)}, ddof 0",
                   check=rounding({key: float(max(map(abs, errors))) / n for key in ("mean", "std")}, 16),
                   mistakes=wrong, reference="error-statistics")


def histograms():
    """Bins by code - min_val."""
    for name, low, high, values in (
            ("int8", -128, 127, [-128, -128, -1, 0, 0, 0, 5, 127]),
            ("symmetric-int8", -127, 127, [-127, -1, 0, 0, 5, 127, 127, 127]),
            ("uint8", 0, 255, [0, 0, 1, 128, 200, 255, 255, 255]), ("7-bit", 0, 127, [0, 0, 3, 127]),
            ("4-bit", -8, 7, [-8, -3, 0, 7]), ("shifted", -3, 12, [-3, -1, 0, 0, 5, 11, 12, 12]),
            ("positive", 5, 12, [5, 5, 6, 12]), ("one-code", 3, 3, [3, 3])):
        size = high - low + 1

        def frequencies(index, values=values, size=size, scale=None):
            counts = np.zeros(size)
            for v in values:
                if not -size <= index(v) < size:
                    return {"frequencies": "refused"}
                counts[index(v)] += 1
            return {"frequencies": counts / (scale or len(values))}

        yield make(f"histograms/{name}", "to_distribution",
                   {"codes": np.array(values), "min_val": low, "max_val": high},
                   frequencies(lambda v, low=low: v - low),
                   probes=f"codes {low} to {high}", check=rounding({"frequencies": 1.0}, 2, "one division"),
                   reference="histograms",
                   mistakes={"histogram index by wraparound": frequencies(lambda v, low=low: v + low),
                             "counts instead of frequencies": frequencies(lambda v, low=low: v - low, scale=1)})
    for name, low, high, values, probes in (
            ("unsigned-in-signed-range", -128, 127, [0, 100, 200, 255], "unsigned codes do not belong in [-128, 127]"),
            ("below-range", -8, 7, [-9, 0, 3], "a code below the range")):
        rotated = np.zeros(high - low + 1)
        for v in values:
            rotated[(v + low) % rotated.size] += 1 / len(values)
        yield make(f"histograms/{name}", "to_distribution", {"codes": np.array(values), "min_val": low,
                                                             "max_val": high},
                   {"frequencies": "refused"}, probes=probes, reference="histograms",
                   check={"kind": "refused", "reason": "a code outside the range must be refused, not wrapped"},
                   mistakes={"histogram index by wraparound": {"frequencies": rotated}})


def bernstein(variance, largest, draws, false_alarm):
    """t with P(|mean of `draws` iid values - expectation| > t) <= false_alarm, for values within `largest` of it.

    Bernstein's inequality, 2 exp(-draws t^2 / (2 variance + 2 largest t / 3)) = false_alarm, solved for t.
    """
    log = math.log(2 / false_alarm) / draws
    return largest * log / 3 + math.sqrt((largest * log / 3) ** 2 + 2 * variance * log)


def monte_carlo():
    """Drawn sums against the exact moments; drawn fields against the fields."""
    for name, n in (("3x4", 9), ("4x4", 25), ("biased", 4), ("2x2", 3)):
        error_map, draws = MAPS[name], 20000
        p, q = (distribution(f"mc {name} {which}", size) for which, size in zip("xw", error_map.shape, strict=True))
        right, wrong = one_population(error_map, p, q, n)
        mean, variance = moments(error_map, p, q)
        largest = max(abs(float(error_map.max() - mean)), abs(float(error_map.min() - mean)))
        mean_bound = bernstein(float(variance), largest, draws * n, FALSE_ALARM / 2)
        # squared deviation of a mean of n errors: at most largest^2, its variance at most largest^2 * variance / n
        square_bound = bernstein(largest ** 2 * float(variance) / n, largest ** 2, draws, FALSE_ALARM / 2)
        std_bound = (square_bound + mean_bound ** 2) / right["std"]
        yield make(f"monte_carlo/{name}-fan-in-{n}", "single_dist_mc",
                   {"error_map": error_map, "x_dist": p, "w_dist": q, "fan_in": n, "num_samples": draws, "seed": 1},
                   right,
                   probes=f"{draws} drawn sums of {n} errors against the exact moments",
                   check=absolute({"mean": mean_bound, "std": std_bound},
                                  f"Bernstein bounds: a right sampler fails with probability at most {FALSE_ALARM}"),
                   mistakes=wrong, reference="monte-carlo")
    for name, rows in (("four-fields", 4), ("two-fields", 2)):
        features = np.arange(rows * 3).reshape(rows, 3) * 7 % 23
        draws, p = 512, 1 / rows
        # Hoeffding, for each of the rows: P(|count - draws p| > t) <= 2 exp(-2 t^2 / draws)
        spread = math.sqrt(draws * math.log(2 * rows / FALSE_ALARM) / 2)
        yield make(f"monte_carlo/population-{name}", "get_sample_population",
                   {"features": features, "num_samples": draws, "seed": 1}, {"fields": [draws, 3]},
                   probes=f"{draws} receptive fields out of {rows}, with replacement", reference="monte-carlo",
                   check={"kind": "rows", "of": "features", "reason":
                          f"Hoeffding bounds: a right sampler fails with probability at most {FALSE_ALARM}",
                          "counts": [math.floor(draws * p - spread), math.ceil(draws * p + spread)]})


