"""The closed-form loss: against Monte Carlo, against its definition, against aihwkit; its parts; mutants."""
import dataclasses

import numpy as np
import pytest
from golden_cases import KINDS, arrays_of

from refapprox.analog.aging import program_weights
from refapprox.analog.compensation import (
    GLOBAL,
    GlobalDriftCompensationWithExactReference,
    PerColumnDriftCompensation,
)
from refapprox.analog.converters import (
    DualPairConductanceConverter,
    NPairConductanceConverter,
    SinglePairConductanceConverter,
)
from refapprox.analog.custom_converter import CustomPairConductanceConverter
from refapprox.analog.devices import (
    HermesNoiseModel,
    PCMLikeNoiseModel,
    ReRamWan2022NoiseModel,
    StateIndependentNoiseModel,
)
from refapprox.analog.hypercube import Hypercube
from refapprox.analog.monte_carlo import monte_carlo_tnmse
from refapprox.analog.objective import aged_moments, expected_nmse, expected_tnmse
from refapprox.analog.population import PopulationLoss
from refapprox.analog.quadrature import empirical_rule
from refapprox.analog.readout import NoisyReadout, PerfectReadout
from refapprox.analog.tables import moment_table

PCM = PCMLikeNoiseModel()
TIMES = (1.0, 3600.0, 86400.0, 2592000.0)
BUMPED = CustomPairConductanceConverter([1, 2], [[0, 8, 3, 18, 25], [25, 18, 3, 8, 0], [2, 6, 1, 16, 25],
                                                 [25, 16, 1, 6, 2]], invertibility_test=False)
STRATEGIES = {
    "single": SinglePairConductanceConverter(), "dual": DualPairConductanceConverter([1, 1]),
    "dual 2.3": DualPairConductanceConverter([1, 2.3]), "npair": NPairConductanceConverter([1, 2, 3], 25, 0.5),
    "custom": Hypercube([1, 2], 25, 0).denormalize(
        np.random.default_rng(8).uniform(0, 0.3, (1, 22))).converter(0, 25, 0),
}


def gaussian(shape, seed=0):
    return np.clip(np.random.default_rng(seed).normal(0, 0.3, shape), -1, 1)


def z_score(expected, estimate):
    return abs(expected - estimate.mean) / estimate.standard_error


@pytest.mark.parametrize("name", STRATEGIES)
def test_expected_loss_is_the_monte_carlo_mean(name):
    """Within 5 standard errors, and a loss that is wrong by 6 % would be seen (the slow test sees 0.5 %)."""
    weights = gaussian((128, 16))
    estimate = monte_carlo_tnmse(STRATEGIES[name], weights, PCM, TIMES, rng=np.random.default_rng(1), runs=16)
    assert 8 * estimate.standard_error < 0.06 * estimate.mean
    assert z_score(expected_tnmse(STRATEGIES[name], weights, PCM, TIMES), estimate) < 5


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES)
def test_expected_loss_within_half_a_percent(name):
    """The number of the issue: 0.5 % of the mean of 200 runs of 10 240 weights; standard error about 0.05 %."""
    weights = gaussian((512, 20))
    estimate = monte_carlo_tnmse(STRATEGIES[name], weights, PCM, TIMES, rng=np.random.default_rng(2), runs=200)
    assert estimate.standard_error < 0.001 * estimate.mean
    assert abs(expected_tnmse(STRATEGIES[name], weights, PCM, TIMES) / estimate.mean - 1) < 0.005


@pytest.mark.parametrize("device, times", [(HermesNoiseModel(), TIMES), (HermesNoiseModel(num_devices=1), TIMES),
                                           (ReRamWan2022NoiseModel(), (1.0, 86400.0, 172800.0)),
                                           (PCMLikeNoiseModel(g_max=20), (0.0, 31536000.0)),
                                           (StateIndependentNoiseModel(), TIMES)])
@pytest.mark.parametrize("compensation", [None, GLOBAL, GlobalDriftCompensationWithExactReference(),
                                          PerColumnDriftCompensation()], ids=lambda c: type(c).__name__)
def test_every_device_and_compensation(device, times, compensation):
    strategy, weights = DualPairConductanceConverter([1, 2], device.g_max), gaussian((200, 5))
    estimate = monte_carlo_tnmse(strategy, weights, device, times, compensation, rng=np.random.default_rng(3), runs=40)
    assert z_score(expected_tnmse(strategy, weights, device, times, compensation), estimate) < 5


SMALL = [(GLOBAL, PerfectReadout()), (GLOBAL, NoisyReadout(out_bound=2.0)),
         (PerColumnDriftCompensation(), PerfectReadout()),
         (GlobalDriftCompensationWithExactReference(),
          NoisyReadout(out_bound=2.0, w_noise=0.02, w_noise_type="pcm_read"))]


@pytest.mark.parametrize("compensation, readout", SMALL, ids=["global", "noisy", "column", "exact"])
def test_small_arrays_need_the_scatter_of_the_factor(compensation, readout):
    """16 x 8 weights: with the scatter within 1 % of Monte Carlo, without it off by more."""
    weights, strategy = gaussian((16, 8)), DualPairConductanceConverter([1, 2.3])
    estimate = monte_carlo_tnmse(strategy, weights, PCM, (86400.0,), compensation, rng=np.random.default_rng(4),
                                 runs=1000, readout=readout)
    found = [expected_tnmse(strategy, weights, PCM, (86400.0,), compensation, readout=readout, finite_array=finite)
             for finite in (True, False)]
    assert abs(found[0] / estimate.mean - 1) < 0.01 + 4 * estimate.standard_error / estimate.mean
    assert abs(found[0] - estimate.mean) < abs(found[1] - estimate.mean)


def test_definition_by_a_loop():
    """Equations (1) to (4) of the module, weight by weight, with the exact moments instead of the table, and sampled
    lognormals instead of Margrabe's formula."""
    weights, strategy, rng = gaussian(60), DualPairConductanceConverter([1, 3]), np.random.default_rng(5)
    u, losses = weights / np.abs(weights).max(), []
    normal, other = rng.standard_normal((2, 200_000))

    def moments_of(law, value):
        """Mean and variance of X+ and of X- of one weight."""
        g, f = strategy.conductances_at(value), np.array(strategy.f_lst) / strategy.full_scale
        found = law(g)
        return [(np.sum(f * found.mean[side::2]), np.sum(f**2 * found.variance[side::2])) for side in (0, 1)]

    def lognormal(mean, variance, z):
        spread = np.sqrt(np.log(1 + variance / mean**2))
        return mean * np.exp(spread * z - spread**2 / 2)

    def magnitude(sides):
        return np.mean([np.mean(np.abs(lognormal(*plus, normal) - lognormal(*minus, other))) for plus, minus in sides])

    programmed = magnitude([moments_of(PCM.programmed_moments, value) for value in u])
    for t in TIMES:
        aged = [moments_of(lambda g, t=t: PCM.read_moments(g, t), value) for value in u]
        alpha = programmed / magnitude(aged)
        losses.append(np.mean([alpha**2 * (plus[1] + minus[1]) + (alpha * (plus[0] - minus[0]) - value) ** 2
                               for value, (plus, minus) in zip(u, aged, strict=True)]))
    # the magnitudes are averages of 2e5 draws: alpha is good to 2e-4, the loss to a few times that
    assert np.allclose(expected_nmse(strategy, weights, PCM, TIMES, finite_array=False), losses, rtol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("device, t, allowed", [(PCM, 2592000.0, 5e-4), (HermesNoiseModel(), 2592000.0, 5e-4),
                                                (StateIndependentNoiseModel(), 2592000.0, 3e-3)],
                         ids=["pcm", "hermes", "state_independent"])
def test_magnitudes_cost_little(device, t, allowed):
    """E|w_t| from two lognormals: with alpha simulated instead, the loss moves by less than 0.05 % (0.3 % for the
    state-independent device, whose drift factor has a spread of 60 % of its mean after 30 days); 200 runs of 1e5
    weights leave a standard error of about 0.01 %."""
    weights, strategy = gaussian(100_000), DualPairConductanceConverter([1, 1], device.g_max)
    u, rng = weights / np.abs(weights).max(), np.random.default_rng(6)
    found = aged_moments(strategy, u, device, [t])
    alphas = np.array([program_weights(strategy, weights, device, rng=rng).read(t, rng=rng).alpha for _ in range(200)])
    losses = [np.mean(alpha**2 * found.variance[1] + (alpha * found.mean[1] - u) ** 2) for alpha in alphas]
    error = np.std(losses, ddof=1) / np.sqrt(len(losses))
    closed = expected_tnmse(strategy, weights, device, [t], finite_array=False)
    assert abs(np.mean(losses) / closed - 1) < allowed + 4 * error / closed


def test_without_noise_the_loss_is_zero():
    quiet = PCMLikeNoiseModel(prog_noise_scale=0, drift_scale=0, read_noise_scale=0)
    assert expected_tnmse(STRATEGIES["dual 2.3"], gaussian(50), quiet, TIMES) < 1e-12


def test_scale_of_the_weights_does_not_matter():
    weights = gaussian((40, 30))
    found = [expected_tnmse(STRATEGIES["dual"], scale * weights, PCM, TIMES) for scale in (1, 0.01, 300)]
    assert np.allclose(found, found[0], rtol=1e-12)


@pytest.mark.parametrize("device", [PCM, HermesNoiseModel(), ReRamWan2022NoiseModel()], ids=lambda d: type(d).__name__)
def test_table_is_the_exact_moments(device):
    """2e-6 of g_max and g_max^2, but in the cells in which HERMES' drift exponent jumps (0.0945 and 0.3055 g_max)."""
    times = (1.0, 86400.0, 172800.0)
    table, g = moment_table(device, times), np.random.default_rng(7).uniform(0, device.g_max, 3000)
    for jump in (0.0945, 0.3055):
        g = g[np.abs(g / device.g_max - jump) > 3 / 4096]
    found = table(g, beyond_variances=True)
    for column, stage in enumerate([device.programmed_moments(g)] + [device.read_moments(g, t) for t in times]):
        assert np.max(np.abs(found[:, column] - stage.mean)) < 2e-6 * device.g_max
        assert np.max(np.abs(found[:, 4 + column] - stage.variance)) < 2e-6 * device.g_max**2
    for column, t in enumerate(times):
        assert np.max(np.abs(found[:, 8 + column] - device.read_joint_moments(g, t)[1])) < 2e-6 * device.g_max**2


def test_empirical_rule_keeps_four_moments():
    values = np.random.default_rng(8).laplace(0, 0.2, 5000)
    values = values / np.abs(values).max()
    points, weights = empirical_rule(values, np.linspace(-1, 1, 21))
    for power in range(4):
        assert np.isclose(weights @ points**power, np.mean(values**power), rtol=1e-12, atol=1e-14)
    assert len(points) <= 40 and np.all(np.diff(points[::2]) > 0)
    few, share = empirical_rule(np.array([0.5, 0.5, -1.0]), np.array([-1.0, 0.0, 1.0]))
    assert np.allclose(np.bincount(np.searchsorted([-1, 0.5], few), share), [1 / 3, 2 / 3])


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("compensation", [None, GLOBAL, GlobalDriftCompensationWithExactReference()])
def test_population_loss_is_the_expected_loss(symmetric, compensation):
    """80 weight points instead of all weights: 0.5 % for wild strategies (the second nearly jumps, at u = 0.19 to 0.2)
    and 0.05 % for a plain one; ten times as many points: 0.01 %."""
    weights, times = gaussian((512, 20)), TIMES[1:3]
    cube = Hypercube([1, None], 25, 0, symmetric=symmetric)
    x = np.random.default_rng(9).uniform(0, 1, (6, cube.n_dims))
    x[0] = cube.normalize(DualPairConductanceConverter([1, 2.3]))
    found = cube.denormalize(x)
    wanted = [expected_tnmse(found.converter(k, 25, 0), weights, PCM, times, compensation, finite_array=False)
              for k in range(6)]
    for cells, rtol in ((40, 5e-3), (400, 1e-4)):
        loss = PopulationLoss(weights, PCM, times, compensation, symmetric=symmetric, cells=cells)
        losses = loss(found.conductances_at(loss.u), found.factors, found.full_scale)
        assert np.allclose(losses, wanted, rtol=rtol) and np.isclose(losses[0], wanted[0], rtol=min(rtol, 5e-4))


@pytest.mark.parametrize("symmetric", [True, False])
def test_a_population_has_no_unit(symmetric):
    """Weights of half the size have the same points: the largest is 1."""
    weights = gaussian((64, 5))
    loss, half = (PopulationLoss(factor * weights, PCM, (1.0,), symmetric=symmetric) for factor in (1, 0.5))
    assert np.array_equal(loss.u, half.u) and np.array_equal(loss.p, half.p) and np.abs(loss.u).max() == 1
    assert loss.floor == 0.5 * half.floor


def test_a_block_does_not_change_its_neighbors(monkeypatch):
    weights, cube = gaussian(500), Hypercube([1, 1], 25, 0)
    found, loss = cube.denormalize(np.random.default_rng(1).uniform(0, 1, (7, cube.n_dims))), None
    loss = PopulationLoss(weights, PCM, (1.0,))
    whole = loss(found.conductances_at(loss.u), found.factors, found.full_scale)
    monkeypatch.setattr("refapprox.analog.population.BLOCK_BYTES", 1)
    assert np.array_equal(loss(found.conductances_at(loss.u), found.factors, found.full_scale), whole)


def golden_loss(x, cube, weights, z, times, device):
    return chain_loss(cube.denormalize(x[None]).converter(0, cube.g_max, cube.g_min), weights, z, times, device)


def chain_loss(converter, weights, z, times, device):
    losses = []
    for step, t in enumerate(times):
        chip = program_weights(converter, weights, device, normals=z[step, :2], aging="reconvert")
        losses.append(np.mean(((chip.read(t, normals=z[step, 2]).effective - weights) / np.abs(weights).max()) ** 2))
    return 100 * np.mean(losses)      # upstream amplifies errors by 10


def test_golden_objective_with_given_draws(golden):
    """From the hypercube to the loss, for 20 vectors and 3 spaces: 1e-5 relative + 1e-6 (README)."""
    arrays, meta = golden("objective_injected")
    for case in meta["cases"]:
        data = arrays_of(arrays, case["index"])
        cube = Hypercube(case["f_lst"], case["g_max"], case["g_min"], nbins=case["nbins"], layout="equispaced",
                         symmetric=case["symmetric"], use_max_kw=case["use_max_kw"])
        weights = data["test_weights_in_out"].astype(np.float64)
        z = data["z"].astype(np.float64).swapaxes(-1, -2)
        for draws, name in ((z, "z"), (np.zeros_like(z), "z0")):
            found = np.array([golden_loss(x, cube, weights, draws, case["t_steps"], PCM) for x in data["x"]])
            assert np.allclose(found, data[f"tnmse_{name}"], rtol=1e-5, atol=1e-6)
            objective = (found - case["loss_baseline"]) / case["loss_baseline"] + case["loss_margin"]
            assert np.allclose(objective, data[f"objective_{name}"], rtol=1e-5, atol=1e-5)


def test_golden_frozen_optimization(golden):
    """Every vector that aihwkit's optimizer visited with frozen noise, and the strategy that it returned."""
    arrays, meta = golden("optimisation_frozen_noise")
    case, data = meta["cases"][0], arrays_of(arrays, 0)
    cube = Hypercube(case["f_lst"], 25, 0, nbins=case["optimizer_kwargs"]["nbins"], layout="equispaced")
    weights = data["test_weights_in_out"].astype(np.float64)
    z = data["z"].astype(np.float64).swapaxes(-1, -2)
    found = np.array([golden_loss(x, cube, weights, z, case["t_steps"], PCM) for x in data["x_all"]])
    baseline = float(data["loss_baseline"])
    single = chain_loss(SinglePairConductanceConverter(), weights, z, case["t_steps"], PCM)
    assert np.isclose(single, baseline, rtol=1e-5)
    objective = (found - baseline) / baseline + case["loss_margin"]
    assert np.allclose(objective, data["objective_all"], rtol=1e-5, atol=1e-5)
    best = cube.denormalize(data["x_best"][None])
    assert np.allclose(best.conductances[0], data["g_lst"], atol=1e-4)
    assert np.isclose(found.min(), data["best_loss"], rtol=1e-5)


def test_golden_reevaluated_optima(golden):
    """aihwkit's winners and baselines, 200 fresh losses each: Monte Carlo here within 5 combined standard errors."""
    arrays, meta = golden("end_to_end")
    for case in meta["cases"]:
        data = arrays_of(arrays, case["index"])
        weights = data["test_weights_in_out"].astype(np.float64)
        best = CustomPairConductanceConverter(data["f_lst"].tolist(), data["g_lst"].tolist(), 25, 0, False)
        kind, keywords = case["baseline_converter"]
        baseline = KINDS[kind](**keywords)
        for strategy, name in ((best, "best"), (baseline, "baseline")):
            reference = 0.01 * data[f"reevaluated_{name}"]
            found = monte_carlo_tnmse(strategy, weights, PCM, case["t_steps"], rng=np.random.default_rng(1), runs=100,
                                      aging="reconvert")
            error = np.hypot(found.standard_error, reference.std(ddof=1) / np.sqrt(len(reference)))
            assert abs(found.mean - reference.mean()) < 5 * error, (case["index"], name)
        deviation = 0.01 * data["loss_baseline"] - found.mean                 # found: the baseline, last in the loop
        assert abs(deviation) < 5 * np.hypot(found.standard_error, reference.std(ddof=1) / np.sqrt(50))
        assert data["n_evaluations"] == len(data["objective_all"])
        reported = data["best_loss"] / data["loss_baseline"] - 1 + 0.125
        assert np.isclose(data["objective_all"].min(), reported, rtol=1e-5)


class UncompensatedVariance(PCMLikeNoiseModel):
    """Wrong: variance halves with two devices, as if errors averaged instead of adding."""

    def read_joint_moments(self, g_target, t):
        found, *others = super().read_joint_moments(g_target, t)
        return found._replace(variance=found.variance / 2), *others


class SharedDrift(PCMLikeNoiseModel):
    """Wrong: the drift exponent's own spread is left out."""

    def drift_parameters(self, g_target):
        mean, std = super().drift_parameters(g_target)
        return mean, 0 * std


@pytest.mark.parametrize("mutant", [UncompensatedVariance(), SharedDrift(), PCMLikeNoiseModel(read_noise_scale=0.9),
                                    PCMLikeNoiseModel(prog_noise_scale=0.97)])
def test_the_check_rejects_wrong_losses(mutant):
    weights, strategy = gaussian((512, 20)), STRATEGIES["dual"]
    estimate = monte_carlo_tnmse(strategy, weights, PCM, TIMES, rng=np.random.default_rng(1), runs=16)
    assert z_score(expected_tnmse(strategy, weights, PCM, TIMES), estimate) < 5
    assert z_score(expected_tnmse(strategy, weights, mutant, TIMES), estimate) > 5


@pytest.mark.parametrize("changed, message", [
    ({"weights": []}, "must not be empty"), ({"weights": np.zeros(3)}, "not all be 0"),
    ({"weights": [1, np.nan]}, "finite"), ({"t_steps": []}, "at least one time"),
    ({"t_steps": [1, -1]}, r"t_steps\[1\]: t must be at least 0"),
    ({"device": ReRamWan2022NoiseModel(), "t_steps": [5]}, "must be one of"),
    ({"device": PCMLikeNoiseModel(g_max=10)}, "10.0 uS for the device and 25.0 uS"),
    ({"compensation": PerColumnDriftCompensation()}, r"\(in, out\)"),
    ({"converter": "dual"}, "conductance converter"),
])
def test_bad_input_is_named(changed, message):
    keywords = {"converter": STRATEGIES["dual"], "weights": gaussian(9), "device": PCM, "t_steps": [1.0]} | changed
    with pytest.raises(ValueError, match=message):
        expected_tnmse(**keywords)
    with pytest.raises(ValueError, match=message):
        monte_carlo_tnmse(**keywords, rng=np.random.default_rng(0))


def test_simulation_is_reproducible_and_needs_a_generator():
    keywords = {"converter": BUMPED, "weights": gaussian(9), "device": PCM, "t_steps": [1.0, 2.0]}
    first, second = (monte_carlo_tnmse(**keywords, rng=np.random.default_rng(3), runs=2) for _ in range(2))
    assert first.mean == second.mean and first.samples.shape == (2, 2) and "±" in str(first)
    assert dataclasses.is_dataclass(first)
    with pytest.raises(TypeError, match="Generator"):
        monte_carlo_tnmse(**keywords, rng=3)
    with pytest.raises(ValueError, match="runs"):
        monte_carlo_tnmse(**keywords, rng=np.random.default_rng(0), runs=1)
