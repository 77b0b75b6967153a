"""Error statistics in exact rationals: the published functions, and how they go wrong."""
import math
from fractions import Fraction

import numpy as np

from refapprox.conformance.spec.base import Part, Refused, family, operation, part
from refapprox.conformance.spec.examples import Example, absolute, distribution, integers, rounding

FALSE_ALARM = 1e-6

# ---- parts of a prediction: (mean, variance) pairs of exact fractions


@part({
    "error sign": lambda error_map, p, q: moments.right(-error_map, p, q),
    "transposed table": lambda error_map, p, q: moments.right(
        error_map.T if error_map.shape[0] == error_map.shape[1] else error_map, p, q),
    "absolute errors": lambda error_map, p, q: moments.right(np.abs(error_map), p, q)})
def moments(error_map, x_dist, w_dist):
    """(mean, variance) of one error."""
    terms = [(Fraction(p) * Fraction(q), int(e)) for p, row in zip(x_dist, error_map, strict=True)
             for q, e in zip(w_dist, row, strict=True)]
    mean = sum(weight * e for weight, e in terms)
    return mean, sum(weight * (e - mean) ** 2 for weight, e in terms)


of_mean = Part("(mean, variance) of the mean of n errors.", lambda mean, variance, n: (mean, variance / n), {
    "per sum instead of per operation": ("the error of the whole sum is returned",
        lambda mean, variance, n: (n * mean, n * variance)),
    "missing sqrt(fan_in)": ("the spread of one product is returned as that of the mean of fan_in products",
        lambda mean, variance, n: (mean, variance)),
    "root mean square": ("the mean is not subtracted", lambda mean, variance, n: (mean, (variance + mean ** 2) / n))})


def center(values):
    return sum(values) / len(values)


def fields_with_ddof(means, variances, n):
    mean = center(means)
    return mean, math.sqrt(center(variances) / n + sum((m - mean) ** 2 for m in means) / (len(means) - 1))


@part({
    "mean of standard deviations": ("populations are aggregated by averaging their spreads",
        lambda means, variances, n: (center(means), center([math.sqrt(v / n) for v in variances]))),
    "between-field variance missing": ("the spread of the populations' means is forgotten",
        lambda means, variances, n: (center(means), math.sqrt(center(variances) / n))),
    "missing sqrt(fan_in)": lambda means, variances, n: of_population.right(means, variances, 1),
    "per sum instead of per operation":
        lambda means, variances, n: tuple(n * v for v in of_population.right(means, variances, n)),
    "ddof": fields_with_ddof})
def of_population(means, variances, n):
    """(mean, std) over receptive fields of the mean of n errors, by the law of total variance, ddof 0."""
    mean = center(means)
    return mean, math.sqrt(center(variances) / n + center([(m - mean) ** 2 for m in means]))


def pooled(means, variances, n, x_multidist, error_map, w_dist):
    """(mean, std) of all fields' codes together."""
    merged = [sum(map(Fraction, column)) / len(x_multidist) for column in x_multidist.T.tolist()]
    return center(means), math.sqrt(moments.right(error_map, merged, w_dist)[1] / n)


spread_of_fields = Part(
    "What the populations come to.",
    lambda means, variances, n, x_multidist, error_map, w_dist: of_population(means, variances, n), {
    "pooled distribution": ("populations are merged into one distribution", pooled)})

# ---- parts of observed errors and histograms

difference = Part("Error of one result.", lambda accurate, approximate, bits: accurate - approximate, {
    "error sign": lambda accurate, approximate, bits: approximate - accurate,
    "absolute errors": lambda accurate, approximate, bits: abs(accurate - approximate),
    "subtraction in a narrow dtype": ("unsigned operands wrap before they are widened",
        lambda accurate, approximate, bits: (accurate - approximate) % 2 ** bits if bits else accurate - approximate)})
per_operation = Part("What an observed error is divided by.", lambda fan_in: fan_in, {
    "per sum instead of per operation": lambda fan_in: 1})
degrees = Part("What a sum of squares is divided by.", lambda count: count, {"ddof": lambda count: count - 1})


def wrapped_bin(code, min_val, size):
    if not -size <= code + min_val < size:
        raise Refused("index out of bounds")
    return code + min_val


@part({
    "histogram index by wraparound": ("bins are indexed by value + min_val, which is right for [-2^k, 2^k - 1] only "
        "(agnapprox's to_distribution)", wrapped_bin)})
def bin_of(code, min_val, size):
    """The bin of a code."""
    if not 0 <= code - min_val < size:
        raise Refused("a code outside the range must be refused, not wrapped")
    return code - min_val


drawn = Part("What counts are divided by.", lambda count: count, {
    "counts instead of frequencies": ("the histogram is not normalized", lambda count: 1)})

# ---- operations


def of_map(inputs, right):
    """Size of the largest error."""
    return dict.fromkeys(("mean", "std"), np.abs(inputs["error_map"]).max())


@operation("frequencies", "histograms", rounding({"frequencies": 1.0}, 2, "one division"))
def to_distribution(*, codes, min_val, max_val):
    """Relative frequency of every code from min_val to max_val; a code outside must be refused."""
    counts = [0] * (max_val - min_val + 1)
    for code in codes.tolist():
        counts[bin_of(code, min_val, len(counts))] += 1
    return np.array([count / drawn(len(codes)) for count in counts])


@operation("mean std", "error-statistics", rounding(of_map))
def error_prediction(*, error_map, x_dist, w_dist, fan_in):
    """(mean, std) per operation: mu, sqrt(sum p q (e - mu)^2 / fan_in)."""
    mean, variance = of_mean(*moments(error_map, x_dist.tolist(), w_dist.tolist()), fan_in)
    return float(mean), math.sqrt(variance)


@operation("mean std", "error-statistics", rounding(of_map))
def population_prediction(*, error_map, x_multidist, w_dist, fan_in):
    """(mean, std) per operation from K activation distributions (K, codes): law of total variance, ddof 0."""
    means, variances = zip(*(moments(error_map, p, w_dist.tolist()) for p in x_multidist.tolist()), strict=True)
    mean, std = spread_of_fields(means, variances, fan_in, x_multidist, error_map, w_dist.tolist())
    return float(mean), float(std)


@operation("mean std", "error-statistics", rounding(
    lambda inputs, right: dict.fromkeys(("mean", "std"), float(np.abs(inputs["accurate"].astype(np.float64) -
                                                                      inputs["approximate"]).max())
                                        / inputs["fan_in"]), 16))
def error_calculation(*, accurate, approximate, fan_in):
    """(mean, std) of (accurate - approximate) / fan_in, ddof 0."""
    bits = np.iinfo(accurate.dtype).bits if accurate.dtype.kind == "u" else 0
    errors = [Fraction(difference(Fraction(a), Fraction(b), bits)) / per_operation(fan_in)
              for a, b in zip(accurate.ravel().tolist(), approximate.ravel().tolist(), strict=True)]
    mean = center(errors)
    return float(mean), math.sqrt(sum((e - mean) ** 2 for e in errors) / degrees(len(errors)))


def counted_rows(inputs, right):
    """Hoeffding, for each of the rows: P(|count - draws p| > t) <= 2 exp(-2 t^2 / draws)."""
    draws, rows = inputs["num_samples"], len(inputs["features"])
    spread = math.sqrt(draws * math.log(2 * rows / FALSE_ALARM) / 2)
    return {"kind": "rows", "of": "features",
            "reason": f"Hoeffding bounds: a right sampler fails with probability at most {FALSE_ALARM}",
            "counts": [math.floor(draws / rows - spread), math.ceil(draws / rows + spread)]}


@operation("fields", "monte-carlo", counted_rows,
           stored=lambda outputs: {name: list(np.shape(rows)) for name, rows in outputs.items()})
def get_sample_population(*, features, num_samples, seed):
    """`num_samples` rows of `features` (fields, fan_in), drawn with replacement."""
    return features[integers(f"rows {seed}", (num_samples,), 0, len(features) - 1)]


def bernstein(variance, largest, draws, false_alarm):
    """t with P(|mean of `draws` iid values - expectation| > t) <= false_alarm, for values within `largest` of it.

    Bernstein's inequality, 2 exp(-draws t^2 / (2 variance + 2 largest t / 3)) = false_alarm, solved for t.
    """
    log = math.log(2 / false_alarm) / draws
    return largest * log / 3 + math.sqrt((largest * log / 3) ** 2 + 2 * variance * log)


def sampled(inputs, right):
    """What a right sampler stays within."""
    emap, n, draws = inputs["error_map"], inputs["fan_in"], inputs["num_samples"]
    mean, variance = moments(emap, inputs["x_dist"].tolist(), inputs["w_dist"].tolist())
    largest = max(abs(float(emap.max() - mean)), abs(float(emap.min() - mean)))
    mean_bound = bernstein(float(variance), largest, draws * n, FALSE_ALARM / 2)
    # squared deviation of a mean of n errors: at most largest^2, its variance at most largest^2 * variance / n
    square_bound = bernstein(largest ** 2 * float(variance) / n, largest ** 2, draws, FALSE_ALARM / 2)
    return {"mean": mean_bound, "std": (square_bound + mean_bound ** 2) / right["std"]}


@operation("mean std", "monte-carlo", absolute(
    sampled, f"Bernstein bounds: a right sampler fails with probability at most {FALSE_ALARM}"))
def single_dist_mc(*, error_map, x_dist, w_dist, fan_in, num_samples, seed):
    """(mean, std) per operation from `num_samples` drawn sums of fan_in independent errors."""
    return error_prediction(error_map=error_map, x_dist=x_dist, w_dist=w_dist, fan_in=fan_in)      # what they approach


# ---- examples


@family("histograms")
def histograms():
    """Bins by code - min_val."""
    for name, low, high, values in (
            ("int8", -128, 127, [-128, -128, -1, 0, 0, 0, 5, 127]),
            ("symmetric-int8", -127, 127, [-127, -1, 0, 0, 5, 127, 127, 127]),
            ("uint8", 0, 255, [0, 0, 1, 128, 200, 255, 255, 255]), ("7-bit", 0, 127, [0, 0, 3, 127]),
            ("4-bit", -8, 7, [-8, -3, 0, 7]), ("shifted", -3, 12, [-3, -1, 0, 0, 5, 11, 12, 12]),
            ("positive", 5, 12, [5, 5, 6, 12]), ("one-code", 3, 3, [3, 3])):
        yield Example(name, to_distribution, {"codes": np.array(values), "min_val": low, "max_val": high},
                      f"codes {low} to {high}")
    for name, low, high, values, probes in (
            ("unsigned-in-signed-range", -128, 127, [0, 100, 200, 255], "unsigned codes do not belong in [-128, 127]"),
            ("below-range", -8, 7, [-9, 0, 3], "a code below the range")):
        yield Example(name, to_distribution, {"codes": np.array(values), "min_val": low, "max_val": high}, probes,
                      lambda inputs, right: {"kind": "refused"})


MAPS = {      # name -> error map
    "2x2": np.array([[0, 0], [0, 2]]),
    "3x4": np.array([[0, 1, -2, 5], [3, 0, 0, -1], [7, -4, 2, 0]]),
    "4x4": integers("map 4x4", (4, 4), -20, 20),
    "biased": integers("map biased", (4, 4), 90, 110),
    "8x8": integers("map 8x8", (8, 8), -300, 100),
}
RANGES = {      # name -> (codes of x, of w, t of a truncation T(t))
    "symmetric-4-bit": ((-7, 8), (-7, 8), 1), "unsigned-4-bit": ((0, 16), (0, 16), 2),
    "5-bit-by-signed-4-bit": ((0, 32), (-8, 8), 1), "signed-3-bit-by-6-bit": ((-4, 4), (0, 64), 1),
}


def given(error_map, p, q, fan_in):
    return {"error_map": error_map, "x_dist": p, "w_dist": q, "fan_in": fan_in}


def distributions(key, shape):
    return [distribution(f"{key} {which}", size) for which, size in zip("xw", shape, strict=True)]


@family("error_prediction")
def predictions():
    """One distribution of each operand."""
    for name, error_map in MAPS.items():
        for n in (1, 9) if name in ("4x4", "3x4") else (25,):
            yield Example(f"{name}-fan-in-{n}", error_prediction,
                          given(error_map, *distributions(f"{name} {n}", error_map.shape), n),
                          f"mean and std per operation, fan-in {n}, an asymmetric error map of {name}")
    for name, (x_range, w_range, t) in RANGES.items():
        x, w = np.arange(*x_range)[:, None], np.arange(*w_range)
        error_map = x * w - (x >> t << t) * (w >> t << t)
        yield Example(name, error_prediction, given(error_map, *distributions(f"range {name}", error_map.shape), 9),
                      f"codes {x_range[0]} to {x_range[1] - 1} by {w_range[0]} to {w_range[1] - 1}: bins and rows "
                      "are counted from the smallest code")
    for name, p, q in (("certain", [0, 0, 1.0], [0, 0, 0, 1.0]),
                       ("certain-operand", [0, 1.0, 0], [0.25, 0.25, 0.5, 0])):
        yield Example(name, error_prediction, given(MAPS["3x4"], np.array(p), np.array(q), 4),
                      "operands that hardly vary: no spread is left, or that of one operand")


@family("population_prediction")
def population_predictions():
    """Many activation distributions."""
    for name, k, n in (("2x2", 2, 3), ("3x4", 4, 9), ("4x4", 3, 1), ("8x8", 5, 25), ("biased", 2, 4), ("4x4", 1, 4)):
        rows, columns = MAPS[name].shape
        p = np.stack([distribution(f"field {name} {k} {i}", rows) for i in range(k)])
        yield Example(f"{name}-{k}-fields", population_prediction,
                      {"error_map": MAPS[name], "x_multidist": p, "w_dist": distribution(f"field {name} w", columns),
                       "fan_in": n}, f"{k} receptive fields, fan-in {n}")


@family("error_calculation")
def observed():
    """The observed error of two results."""
    for name, accurate, approximate, n, dtype in (
            ("signed", integers("calc a", (3, 4), -999, 999), integers("calc b", (3, 4), -999, 999), 9, "int64"),
            ("biased", integers("calc c", (5,), 0, 99), integers("calc d", (5,), 200, 299), 4, "int32"),
            ("two-values", [10, 20], [13, 15], 1, "int64"), ("uint8", [3, 250, 7, 9], [5, 240, 9, 30], 2, "uint8"),
            ("uint16", [100, 40000, 65535], [101, 300, 65530], 25, "uint16"),
            ("floats", integers("calc e", (6,), -99, 99) / 4, integers("calc f", (6,), -99, 99) / 4, 8, "float64")):
        yield Example(name, error_calculation, {"accurate": np.array(accurate, dtype),
                                                "approximate": np.array(approximate, dtype), "fan_in": n},
                      f"accurate - approximate over fan-in {n}, dtype {dtype}, ddof 0")


@family("monte_carlo")
def samplers():
    """Drawn sums against the exact moments; drawn fields against the fields."""
    for name, n in (("3x4", 9), ("4x4", 25), ("biased", 4), ("2x2", 3)):
        inputs = given(MAPS[name], *distributions(f"mc {name}", MAPS[name].shape), n)
        yield Example(f"{name}-fan-in-{n}", single_dist_mc, {**inputs, "num_samples": 20000, "seed": 1},
                      f"20000 drawn sums of {n} errors against the exact moments")
    for name, rows in (("four-fields", 4), ("two-fields", 2)):
        yield Example(f"population-{name}", get_sample_population,
                      {"features": np.arange(rows * 3).reshape(rows, 3) * 7 % 23, "num_samples": 512, "seed": 1},
                      f"512 receptive fields out of {rows}, with replacement")
