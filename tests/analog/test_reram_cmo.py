"""CMO/HfOx resistive memory: a plain scalar definition, exact moments against Monte Carlo, mutants, bad input."""
import dataclasses
import math

import numpy as np
import pytest
from analog_agreement import LIMIT, deviations
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr

from refapprox.analog import SinglePairConductanceConverter, expected_tnmse, monte_carlo_tnmse
from refapprox.analog.devices import MeanVariance, ReRamCMONoiseModel
from refapprox.analog.moments import interval_gaussian
from refapprox.compat.aihwkit.inference import ReRamCMONoiseModel as Published

MODEL = ReRamCMONoiseModel()
WIDE = ReRamCMONoiseModel(acceptance_range=2.0)
LOW = ReRamCMONoiseModel(g_min=0.0, g_max=10.0, drift_scale=2.0)      # relaxes below 0 now and then
LOUD = ReRamCMONoiseModel(prog_noise_scale=30.0, read_noise_scale=5.0)      # every share of the variance shows
G = np.array([9.0, 9.6, 11.0, 40.0, 87.0, 88.199997])
TIMES = [1.0, 3600.0, 31536000.0]


def scalar(g, z, t, acceptance=0.2):
    """One device, as the module's docstring has it."""
    offset, slope = {0.2: (0.00081107, 0.00106879), 2.0: (0.0112185391, 0.01129027418)}[acceptance]
    programmed = g + (offset + slope * g) * z[0]
    if t == 0:
        return programmed, programmed
    drifted = programmed - 0.08900206 * math.log(t) + (0.41183342 + 0.04201137 * math.log(t)) * z[1]
    growth = math.sqrt(math.log((t + 1e-6) / 2e-6))
    noise = 0.0277316483 * abs(math.log10(drifted)) * growth if drifted > 0 else 0.0
    return programmed, min(max(drifted + noise * z[2], 9.0), 88.199997)


@pytest.mark.parametrize("t", [0.0, 1e-4, *TIMES])
@pytest.mark.parametrize("model", [MODEL, WIDE], ids=["narrow", "wide"])
def test_against_the_scalar_definition(model, t):
    for z in ((0.0, 0.0, 0.0), (1.0, -1.0, 1.0), (-1.0, 2.0, -2.0), (0.0, -12.0, 1.0)):
        draws = np.broadcast_to(np.array(z[1:])[:, None], (2, 6))
        programmed = model.program(G, normals=np.full(6, z[0]))
        read = model.read(programmed, model.drift_state(G), t, normals=draws)
        expected = [scalar(g, z, t, model.acceptance_range) for g in G.tolist()]
        assert np.allclose(np.array([programmed, read]).T, expected, rtol=1e-14)


def test_what_relaxes_below_zero_is_read_at_the_lower_end():
    """Upstream: nan, the logarithm of a negative number."""
    read = LOW.read(np.array([1.0]), None, 1.0, normals=np.array([[-2.0], [3.0]]))
    assert read.tolist() == [0.0]


@given(mean=st.floats(-20, 20), std=st.floats(0.01, 8), low=st.floats(-6, 5), width=st.floats(0.1, 12))
def test_gaussian_clipped_at_both_ends_is_its_integral(mean, std, low, width):
    """quad resolves 1e-12 of the integrand's scale; a factor 1000 of room."""
    high = low + width
    scale = (mean**2 + std**2 + high**2 + low**2 + 1) ** 1.5

    def bell(x):
        return math.exp(-((x - mean) / std) ** 2 / 2) / (std * math.sqrt(2 * math.pi))

    for power, found in enumerate(interval_gaussian(mean, std, low, high), start=1):
        inside = quad(lambda x, power=power: x**power * bell(x), low, high, epsabs=1e-13, epsrel=1e-12, limit=200,
                      points=[p for p in (mean - 4 * std, mean, mean + 4 * std) if low < p < high] or None)[0]
        ends = low**power * ndtr((low - mean) / std) + high**power * ndtr((mean - high) / std)
        assert abs(found - inside - ends) < 1e-9 * scale


def test_certain_values_are_clipped():
    assert interval_gaussian(np.array([3.0, 7.0, 20.0]), 0.0, 5.0, 10.0)[0].tolist() == [5, 7, 10]
    assert interval_gaussian(np.array([3.0, 7.0, 20.0]), 0.0, 5.0, 10.0)[1].tolist() == [25, 49, 100]


@pytest.mark.parametrize("model, tolerance", [(MODEL, 1e-11), (WIDE, 1e-11), (LOUD, 1e-11), (LOW, 1e-10)],
                         ids=["narrow", "wide", "loud", "low"])
def test_quadrature_against_a_finer_rule(model, tolerance):
    """6 panels of 10 nodes beside the cuts against 200, relative to g_max and its square; near 0 the logarithm is
    singular."""
    g = np.linspace(model.g_min, model.g_max, 101)
    for t in TIMES:
        for power, a, b in zip((1, 2, 3, 2), model._aged_expectations(g, t), model._aged_expectations(g, t, panels=200),
                               strict=True):
            assert np.max(np.abs(a - b)) < tolerance * model.g_max**power, t


def simulate(model, g, times, samples, rng):
    """Samples (n, g) of each stage with its exact moments: programmed; at each time relaxed, read."""
    target = np.broadcast_to(g, (samples, len(g)))
    start = model.program(target, rng=rng)
    yield "programmed", start, lambda m: m.programmed_moments(g)
    open_ended = dataclasses.replace(model, read_noise_scale=0.0, g_min=0.0, g_max=1e6)
    for t in times:
        if (model.drifted_moments(g, t).mean > 6 * np.sqrt(model.drifted_moments(g, t).variance)).all():
            yield ("relaxed", t), open_ended.read(start, None, t, rng=rng), lambda m, t=t: m.drifted_moments(g, t)
        yield ("read", t), model.read(start, None, t, rng=rng), lambda m, t=t: m.read_moments(g, t)


@pytest.mark.parametrize("model, g", [(MODEL, G), (WIDE, G), (LOUD, G), (LOW, np.array([0.5, 2.0, 9.0]))],
                         ids=["narrow", "wide", "loud", "low"])
def test_every_stage_against_monte_carlo(model, g):
    """40,000 draws, each mean and variance at a false-alarm rate of 5.7e-7 (the four models together 2e-4). A mean
    wrong by 0.04 standard deviations and a variance wrong by 7 % would be seen (more where most are clipped)."""
    for what, values, exact in simulate(model, g, TIMES, 40_000, np.random.default_rng(1)):
        assert deviations(values, *exact(model)) < LIMIT, what


@pytest.mark.slow
@pytest.mark.parametrize("model", [MODEL, WIDE], ids=["narrow", "wide"])
def test_every_stage_against_a_million_draws(model):
    """12 conductances x 6 times: 156 means and variances a model, false-alarm rate 2e-4 for both models together."""
    g, times = np.linspace(9.0, 88.199997, 12), [1e-3, 1.0, 3600.0, 86400.0, 2592000.0, 31536000.0]
    for what, values, exact in simulate(model, g, times, 1_000_000, np.random.default_rng(6)):
        assert deviations(values, *exact(model)) < LIMIT, what


@pytest.mark.parametrize("model", [MODEL, LOUD], ids=["narrow", "loud"])
def test_covariance_of_programmed_and_read(model):
    """Within 5 standard errors, which come from the spread of the products: false alarm 5.7e-7 for each of 24."""
    rng = np.random.default_rng(2)
    target = np.broadcast_to(G, (40_000, 6))
    start = model.program(target, rng=rng)
    for t in (0.0, 3600.0):
        later = model.read(start, None, t, rng=rng)
        products = (start - start.mean(axis=0)) * (later - later.mean(axis=0))
        error = products.std(axis=0, ddof=0) / 200
        assert np.all(np.abs(products.mean(axis=0) - model.read_joint_moments(G, t)[1]) < LIMIT * error), t


class ForgetsTheRange(ReRamCMONoiseModel):
    def read_moments(self, g_target, t):
        mean, variance = self.drifted_moments(g_target, t)
        return MeanVariance(mean, variance + self.read_deviation(mean, t) ** 2)


class ForgetsReadNoise(ReRamCMONoiseModel):
    def read_deviation(self, g_drifted, t):
        return 0 * np.asarray(g_drifted)


class CountsDecades(ReRamCMONoiseModel):
    def relaxation(self, t):
        return self.drift_scale * self.decay_mean * np.log10(t), self.drift_scale * self._spread(t)


class DoesNotSpread(ReRamCMONoiseModel):
    def relaxation(self, t):
        return super().relaxation(t)[0], 0.0


class NormalizesTargets(ReRamCMONoiseModel):
    def programming_std(self, g_target):
        return super().programming_std(g_target / self.g_max)


@pytest.mark.parametrize("kind, right", [(ReRamCMONoiseModel, True)] + [(mutant, False) for mutant in (
    ForgetsTheRange, ForgetsReadNoise, CountsDecades, DoesNotSpread, NormalizesTargets)])
def test_the_check_rejects_wrong_moments(kind, right):
    model = kind(**{field.name: getattr(LOUD, field.name) for field in dataclasses.fields(LOUD)})
    stages = simulate(LOUD, G, [3600.0], 40_000, np.random.default_rng(3))
    found = max(deviations(values, *exact(model)) for _, values, exact in stages)
    assert found < LIMIT if right else found > 2 * LIMIT


def test_pairs_of_such_devices_have_a_closed_form():
    """Simulated loss of 200 arrays within 5 of its standard errors (ddof 1; false alarm 1.3e-6), each 1 % of it."""
    weights = np.random.default_rng(4).uniform(-1, 1, (20, 10))
    strategy = SinglePairConductanceConverter(88.199997, 9.0)
    exact = expected_tnmse(strategy, weights, LOUD, [3600.0], None)
    estimate = monte_carlo_tnmse(strategy, weights, LOUD, [3600.0], None, rng=np.random.default_rng(5),
                                 runs=200)
    assert abs(estimate.mean - exact) < 5 * estimate.standard_error < 0.1 * exact


def test_published_arguments():
    """Upstream's default of 2e-2 is no key of its own coefficients, and the smallest key counts."""
    assert Published().device == dataclasses.replace(MODEL, prog_coeff=(0.00081107, 0.00106879))
    assert np.isclose(Published(acceptance_range=2).device.programming_std(50.0), WIDE.programming_std(50.0))
    own = Published({5.0: [0.5], 1.0: [0.25, 0.0, 1e-4]}, 60.0, 5.0, 0.5, 0.25, 2.0,
                    {"mean": [-0.1], "std": [0.02, 0.3]}, {"K": 0.05, "t_read": 1e-7}, 5.0)
    assert own.device == ReRamCMONoiseModel(
        g_max=60.0, g_min=5.0, prog_noise_scale=0.5, read_noise_scale=0.25, drift_scale=2.0, prog_coeff=(0.5,),
        decay_mean=-0.1, decay_std=(0.3, 0.02), read_coeff=0.05, t_read=1e-7)
    assert own.g_converter.limits == (5.0, 60.0) and own.g_max == 60.0
    assert Published({5.0: [0.5], 1.0: [0.25, 0.0, 1e-4]}).device.programming_std(10.0) == 0.26


@pytest.mark.parametrize("build, message", [
    (lambda: ReRamCMONoiseModel(g_max=9.0), "g_max=9.0, g_min=9.0"),
    (lambda: ReRamCMONoiseModel(g_min=-1.0), "g_min must be at least 0"),
    (lambda: ReRamCMONoiseModel(read_noise_scale=-1), "read_noise_scale must be at least 0"),
    (lambda: ReRamCMONoiseModel(acceptance_range=0.02), "acceptance_range must be one of 0.2, 2.0, got 0.02"),
    (lambda: ReRamCMONoiseModel(t_read=0), "t_read must be positive"),
    (lambda: ReRamCMONoiseModel(decay_std=(0.4,)), r"decay_std must be \(s_0, s_1\), got 1"),
    (lambda: ReRamCMONoiseModel(prog_coeff=(np.nan,)), "prog_coeff must be finite"),
    (lambda: ReRamCMONoiseModel(prog_coeff=(1.0, -0.1)).program(50.0, normals=0.0), "standard deviation >= 0"),
    (lambda: MODEL.read(G, None, -1.0, normals=np.zeros((2, 6))), "t must be at least 0"),
    (lambda: MODEL.read(G, None, 1e-7, normals=np.zeros((2, 6))), "must be 0 or a time .* got 1e-07"),
    (lambda: MODEL.read(G, None, 1e-5, normals=np.zeros((2, 6))), "where s_0 .* is negative; got 1e-05"),
    (lambda: MODEL.read(G, None, 1.0, normals=np.zeros(6)), r"shape \(2, 6\), got shape \(6,\)"),
    (lambda: expected_tnmse(SinglePairConductanceConverter(88.199997), [1.0], MODEL, [1.0]), r"\[9.0, 88.199997\] uS"),
    (lambda: Published(acceptance_range=0.5), r"one of \[0.2, 2.0\] .* got 0.5"),
    (lambda: Published({}), "keys of coeff_dict"),
    (lambda: Published(decay_dict={"mean": [0.1]}), "decay_dict must hold 2 number.s. under 'std', got None"),
    (lambda: Published(read_dict={"K": 0.1}), "read_dict must hold 1 number.s. under 't_read', got None"),
])
def test_bad_input_is_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_right_after_programming_the_law_is_gaussian():
    """At t = 0 what was programmed is read: no third moment, and the covariance is the variance."""
    moments, covariance, third = WIDE.read_joint_moments(G, 0.0)
    assert np.allclose(covariance, moments.variance, rtol=1e-9) and np.all(moments.variance > 0)
    assert np.all(np.abs(third) < 1e-9 * G**3)
