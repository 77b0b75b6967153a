"""Every rung against the enumeration of the very process that it assumes, and the wrong rungs that this rejects."""
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox import exact, load_library
from refapprox.error_stats import (
    RUNGS,
    LayerOperands,
    OperandStatistics,
    accumulated_errors,
    estimate,
)

RTOL = 1e-12         # sums of at most some thousand float64 terms; the maps are centered, nothing cancels
RANGE_X, RANGE_W = (-1, 1), (0, 3)


class Layer:
    """A tiny layer of random codes and an error map for it."""

    def __init__(self, seed, fan_in, fields=3, neurons=2):
        rng = np.random.default_rng(seed)
        self.x = rng.integers(-1, 2, size=(fields, fan_in))
        self.w = rng.integers(0, 4, size=(fan_in, neurons))
        self.emap = rng.integers(-9, 10, size=(3, 4))
        self.n = fan_in
        self.operands = LayerOperands.from_codes(self.x, self.w, range_x=RANGE_X, range_w=RANGE_W)

    def error(self, xs, ws):
        return sum(self.emap[x + 1, w] for x, w in zip(xs, ws, strict=True))

    def pooled(self, codes):
        values, counts = np.unique(codes, return_counts=True)
        return list(zip(values, counts / counts.sum(), strict=True))

    def drawn(self, laws):
        """(probability, values) of independent draws, one from each law."""
        for draw in itertools.product(*laws):
            yield np.prod([p for _, p in draw]), [v for v, _ in draw]


def mean_and_std(outcomes):
    p, e = (np.array(column, dtype=float) for column in zip(*outcomes, strict=True))
    mean = p @ e / p.sum()
    return mean, np.sqrt(p @ (e - mean) ** 2 / p.sum())


def by_single_distribution(layer):
    x, w = layer.pooled(layer.x), layer.pooled(layer.w)
    for (p, xs), (q, ws) in itertools.product(layer.drawn([x] * layer.n), list(layer.drawn([w] * layer.n))):
        yield p * q, layer.error(xs, ws)


def by_population(layer):
    w = layer.pooled(layer.w)
    for field in layer.x:
        x = layer.pooled(field)
        for (p, xs), (q, ws) in itertools.product(layer.drawn([x] * layer.n), list(layer.drawn([w] * layer.n))):
            yield p * q, layer.error(xs, ws)


def by_receptive_field(layer):
    w = layer.pooled(layer.w)
    for field in layer.x:
        for q, ws in layer.drawn([w] * layer.n):
            yield q, layer.error(field, ws)


def by_fixed_weights(layer):
    x = layer.pooled(layer.x)
    for neuron in layer.w.T:
        for p, xs in layer.drawn([x] * layer.n):
            yield p, layer.error(xs, neuron)


def by_fixed_weights_by_tap(layer):
    taps = [layer.pooled(tap) for tap in layer.x.T]
    for neuron in layer.w.T:
        for p, xs in layer.drawn(taps):
            yield p, layer.error(xs, neuron)


def by_matched(layer):
    for field, neuron in itertools.product(layer.x, layer.w.T):
        for order in itertools.permutations(neuron):
            yield 1.0, layer.error(field, order)


def by_data(layer):
    for field, neuron in itertools.product(layer.x, layer.w.T):
        yield 1.0, layer.error(field, neuron)


PROCESSES = {
    "single_distribution": by_single_distribution,
    "population": by_population,
    "receptive_field": by_receptive_field,
    "fixed_weights": by_fixed_weights,
    "fixed_weights_by_tap": by_fixed_weights_by_tap,
    "matched": by_matched,
    "exact_data": by_data,
    "simulation": by_data,
}


def agrees(estimator, process, layer):
    mean, std = mean_and_std(process(layer))
    found = estimator(layer.emap, layer.operands)
    scale = np.abs(layer.emap).max() * layer.n      # a std of 0 comes out as the root of a rounded 0 at most
    return (np.isclose(found.accumulated_mean, mean, rtol=RTOL, atol=RTOL * scale)
            and np.isclose(found.accumulated_std ** 2, std ** 2, rtol=RTOL, atol=RTOL * scale ** 2))


@pytest.mark.parametrize("name", PROCESSES)
@given(seed=st.integers(0, 2 ** 32 - 1), fan_in=st.integers(1, 3))
def test_each_rung_equals_the_enumeration_of_its_assumptions(name, seed, fan_in):
    assert agrees(RUNGS[name].estimate, PROCESSES[name], Layer(seed, fan_in))


@pytest.mark.parametrize("name", PROCESSES)
def test_the_enumeration_rejects_every_other_rung(name):
    """Each rung is a mutant of its neighbors: a field counted twice, a weight drawn that is known, ..."""
    for other in PROCESSES:
        if PROCESSES[other] is not PROCESSES[name]:
            assert not all(agrees(RUNGS[other].estimate, PROCESSES[name], Layer(seed, 3)) for seed in range(5)), other


def transposed(emap, operands):
    return estimate(emap.T, LayerOperands(operands.w, operands.x), "matched")


def flipped(emap, operands):
    return estimate(-emap, operands, "matched")


def scaled(factor):
    def wrong(emap, operands):
        right = estimate(emap, operands, "matched")
        return type(right)(right.fan_in, right.accumulated_mean, right.accumulated_std * factor(right.fan_in))
    return wrong


@pytest.mark.parametrize("mutant", [
    flipped,
    scaled(lambda n: n ** -0.5),                       # a root of fan_in forgotten
    scaled(lambda n: (1 - 1 / n) ** 0.5),              # n in place of n - 1
    scaled(lambda n: 1 / n),                           # per operation in place of accumulated
    lambda emap, operands: transposed(emap[::-1], operands),
])
def test_the_enumeration_rejects_mutants(mutant):
    assert not all(agrees(mutant, by_matched, Layer(seed, 3)) for seed in range(5))


def latent_layer(seed):
    """Taps that are independent given a hidden class, which shifts every tap's distribution alike: one covariance."""
    rng = np.random.default_rng(seed)
    base = [[-1, 0, 1, rng.integers(-1, 2)] for _ in range(3)]
    shifted = [[[*tap[:3], tap[3], 1, 1] for tap in base], [[*tap[:3], tap[3], -1, 0] for tap in base]]
    layer = Layer(seed, 3)
    layer.x = np.array([xs for taps in shifted for xs in itertools.product(*taps)])
    layer.operands = LayerOperands.from_codes(layer.x, layer.w, range_x=RANGE_X, range_w=RANGE_W)
    return layer


@pytest.mark.parametrize("seed", range(5))
def test_exchangeable_taps_are_exact_where_all_pairs_share_one_covariance(seed):
    layer = latent_layer(seed)
    assert agrees(RUNGS["exchangeable_taps"].estimate, by_data, layer)
    assert not agrees(RUNGS["fixed_weights_by_tap"].estimate, by_data, layer)


@given(seed=st.integers(0, 2 ** 32 - 1), fan_in=st.integers(1, 3))
def test_correlated_taps_with_all_features_are_the_data(seed, fan_in):
    layer = Layer(seed, fan_in, fields=12)
    found = RUNGS["correlated_taps"].estimate(layer.emap, layer.operands, features=np.eye(3))
    mean, std = mean_and_std(by_data(layer))
    # the pseudo-inverse of a nearly singular 3 x 3 covariance costs digits: at most 1 / RELATIVE_RANK
    assert np.allclose([found.accumulated_mean, found.accumulated_std ** 2], [mean, std ** 2], rtol=1e-6, atol=1e-6)


def defined_by_correlated_taps(layer, features):
    """(R5t) by its definition, one pair of positions and one pair of codes after the other; features (count, 3)."""
    x, w, emap, n = layer.x + 1, layer.w, layer.emap.astype(float), layer.n
    fields, sizes = len(x), range(3)
    p = [[np.mean(x[:, i] == a) for a in sizes] for i in range(n)]
    f = [[features[:, a] - sum(p[i][b] * features[:, b] for b in sizes) for a in sizes] for i in range(n)]
    own = [sum(p[i][a] * np.outer(f[i][a], f[i][a]) for a in sizes) for i in range(n)]
    slope = [[np.linalg.pinv(own[i], rcond=1e-9) @ (p[i][a] * f[i][a]) for a in sizes] for i in range(n)]

    def between(i, k):
        return sum(np.outer(f[i][x[row, i]], f[k][x[row, k]]) for row in range(fields)) / fields

    pairs = [(i, k) for i in range(n) for k in range(n) if i != k]
    kept = {(i, k): np.array([[slope[i][a] @ between(i, k) @ slope[k][b] for b in sizes] for a in sizes])
            for i, k in pairs}
    joint = {(i, k): np.array([[np.mean((x[:, i] == a) & (x[:, k] == b)) - p[i][a] * p[k][b] for b in sizes]
                               for a in sizes]) for i, k in pairs}
    rest = sum(joint[pair] - kept[pair] for pair in pairs) / len(pairs)
    within, means = [], []
    for j in range(w.shape[1]):
        e = [emap[:, w[i, j]] for i in range(n)]
        mean = [np.dot(p[i], e[i]) for i in range(n)]
        variance = sum(np.dot(p[i], (e[i] - mean[i]) ** 2) for i in range(n))
        within.append(variance + sum(e[i] @ (kept[i, k] + rest) @ e[k] for i, k in pairs))
        means.append(sum(mean))
    return max(np.mean(within), 0) + np.var(means)      # replaced covariances may outweigh the taps' own variances


@given(seed=st.integers(0, 2 ** 32 - 1), fan_in=st.integers(2, 4), kind=st.sampled_from(["one", "two", "none"]))
def test_correlated_taps_equal_their_definition_with_features_that_leave_a_rest(seed, fan_in, kind):
    """Fields that share a level, so that taps correlate: a wrong block of S or K cannot cancel."""
    rng, layer = np.random.default_rng(seed), Layer(seed, fan_in, fields=9)
    layer.x = np.clip(layer.x + rng.integers(-1, 2, (9, 1)), -1, 1)
    layer.operands = LayerOperands.from_codes(layer.x, layer.w, range_x=RANGE_X, range_w=RANGE_W)
    features = {"one": np.array([[-1.0, 0, 2]]), "two": np.array([[-1.0, 0, 1], [1, 0, 1]]), "none": np.zeros((0, 3))}
    found = RUNGS["correlated_taps"].estimate(layer.emap, layer.operands, features=features[kind])
    wanted = defined_by_correlated_taps(layer, features[kind])
    # pseudo-inverses of nearly singular covariances cost digits: at most 1 / RELATIVE_RANK
    assert found.accumulated_std ** 2 == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_the_published_population_counts_a_fields_own_spread_twice():
    """Uniform independent codes, 1L2H, n = 400: 4.13 per operation where the truth is 3.69."""
    n, rng = 400, np.random.default_rng(0)
    multiplier = load_library()["mul8s_1L2H"]
    layer = LayerOperands.from_codes(rng.integers(-128, 128, (4000, n)), rng.integers(-128, 128, (n, 4)))
    uniform = OperandStatistics.from_distribution(np.full(256, 1 / 256))
    truth = estimate(multiplier, LayerOperands(uniform, uniform, n), "single_distribution").per_operation_std
    published = estimate(multiplier, LayerOperands(layer.x, uniform), "population").per_operation_std
    receptive = estimate(multiplier, LayerOperands(layer.x, uniform), "receptive_field").per_operation_std
    # A has a relative sd of sqrt(2 / 4000) = 0.022, of which the std sees at most a fifth: five sd are 0.02
    assert truth == pytest.approx(3.695, abs=0.001)
    assert published == pytest.approx(4.13, abs=0.02)
    assert receptive == pytest.approx(truth, abs=0.02)


@pytest.mark.parametrize("name", RUNGS)
def test_many_multipliers_at_once_equal_one_by_one_and_exact_ones_have_no_error(name):
    rng = np.random.default_rng(3)
    layer = LayerOperands.from_codes(rng.integers(0, 128, (20, 6)) * (rng.random((20, 6)) < 0.5),
                                rng.integers(-60, 60, (6, 5)))
    library = load_library().search_space()
    together = estimate(library, layer, name)
    for k, multiplier in enumerate(library):
        alone = estimate(multiplier, layer, name)
        assert together.accumulated_mean[k] == pytest.approx(alone.accumulated_mean, rel=RTOL, abs=1e-9)
        assert together.accumulated_std[k] == pytest.approx(alone.accumulated_std, rel=1e-9)
        assert together.per_operation_std[k] == together.accumulated_std[k] / 6
    assert estimate(exact(), layer, name).accumulated_std == 0
    assert np.isfinite(together.accumulated_std).all()


def test_simulated_errors_by_hand_and_through_the_table():
    multiplier = load_library()["mul8s_1L1G"]
    rng = np.random.default_rng(0)
    x, w = rng.integers(-128, 128, (5, 7)), rng.integers(-128, 128, (7, 3))
    errors = accumulated_errors(multiplier, LayerOperands.from_codes(x, w))
    plain = [[sum(int(a) * int(b) - int(multiplier(a, b)) for a, b in zip(row, column, strict=True))
              for column in w.T] for row in x]
    assert errors.dtype == np.int64 and errors.tolist() == plain


def test_distributions_stand_for_codes():
    layer = Layer(5, 5)                # as many taps as fields, neurons or codes would hide an axis taken for another
    x, w = layer.operands.x, layer.operands.w
    for name in ("single_distribution", "population", "receptive_field", "fixed_weights", "matched"):
        histograms = LayerOperands.from_distributions(x.local, w.local, 5)
        assert (estimate(layer.emap, histograms, name).accumulated_std
                == pytest.approx(estimate(layer.emap, layer.operands, name).accumulated_std, rel=RTOL))
    by_tap = LayerOperands(OperandStatistics.from_taps(x.taps), w)
    assert (estimate(layer.emap, by_tap, "fixed_weights_by_tap").accumulated_std
            == pytest.approx(estimate(layer.emap, layer.operands, "fixed_weights_by_tap").accumulated_std, rel=RTOL))


UNIFORM = np.full(4, 0.25)
HISTOGRAMS = LayerOperands.from_distributions(UNIFORM, UNIFORM, 3)
ONE_PRODUCT = LayerOperands.from_codes([[1]], [[1]])


@pytest.mark.parametrize("call, message", [
    (lambda: LayerOperands.from_codes([[128]], [[1]]), r"x must lie in \[-128, 127\], got 128"),
    (lambda: LayerOperands.from_codes([[1]], [[200]]), "w must lie in"),
    (lambda: LayerOperands.from_codes([[0.5]], [[1]]), "x must hold integer codes"),
    (lambda: LayerOperands.from_codes(np.zeros((0, 3), int), np.zeros((3, 1), int)), "x must be a non-empty matrix"),
    (lambda: LayerOperands.from_codes([[1, 2]], [[1]]), "agree on the products per output"),
    (lambda: LayerOperands.from_distributions(UNIFORM, UNIFORM, 0), "fan_in must be at least 1"),
    (lambda: LayerOperands.from_distributions(UNIFORM, UNIFORM, 1.5), "fan_in must be an integer"),
    (lambda: LayerOperands.from_distributions(UNIFORM, UNIFORM, None), "fan_in must be given"),
    (lambda: LayerOperands.from_distributions(UNIFORM * 1.1, UNIFORM, 3), "x_dist must sum to 1 within 1e-09"),
    (lambda: LayerOperands.from_distributions(UNIFORM, UNIFORM * np.nan, 3), "w_dist must be finite"),
    (lambda: LayerOperands.from_distributions([[1.5, -0.5]], UNIFORM, 3), "x_dist must not be negative"),
    (lambda: estimate(exact(2), HISTOGRAMS, "matched"), "one distribution per gr"),
    (lambda: estimate(exact(2), HISTOGRAMS, "exact_data"), "codes themselves"),
    (lambda: estimate(exact(3), HISTOGRAMS, "single_distribution"), "shape"),
    (lambda: estimate(exact(8, signed=False), ONE_PRODUCT), "multiplier for"),
    (lambda: estimate(exact(), ONE_PRODUCT, "best"), "estimator must be one of single_distr"),
    (lambda: estimate([], ONE_PRODUCT), "at least one"),
    (lambda: RUNGS["correlated_taps"].estimate(exact(), ONE_PRODUCT, np.eye(3)), "features"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
