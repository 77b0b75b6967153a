"""What may come in at a public door: the answer for the plain float64 array, or an error that names the argument."""
import numpy as np
import pytest

from refapprox import analog

PCM = analog.PCMLikeNoiseModel()
SINGLE = analog.SinglePairConductanceConverter()
DUAL = analog.DualPairConductanceConverter([1, 2])
LOSS, ONES = analog.PopulationLoss([0.5, 1.0], PCM, [1.0]), np.ones((1, 1))


def rng():
    return np.random.default_rng(0)


DOORS = {
    "expected": lambda w: analog.expected_tnmse(SINGLE, w, PCM, [1.0]),
    "simulated": lambda w: analog.monte_carlo_tnmse(SINGLE, w, PCM, [1.0], rng=rng(), runs=2).mean,
    "programmed": lambda w: analog.program_weights(SINGLE, w, PCM, rng=rng()).programmed,
    "quantiles": lambda w: analog.downsample(w, (2, 2)),
    "split": lambda w: DUAL.convert_to_conductances(w)[0],
    "one device": lambda w: analog.SingleDeviceConductanceConverter().convert_to_conductances(w)[0],
    "fusion": lambda w: analog.FusionConductanceConverter().convert_to_conductances(np.atleast_2d(w))[0],
    "population": lambda w: analog.PopulationLoss(w, PCM, [1.0]).u,
    "optimizer": lambda w: analog.WeightProgrammingOptimizer(w, [1, None], PCM, [1.0], DUAL).loss.u,
    "read out": lambda w: analog.NoisyReadout()(w, rng=rng()),
}
ALIKE = {
    "int8": np.int8([-128, 127, 3]), "uint8": np.uint8([0, 255, 7]), "uint64": np.uint64([0, 2**63, 5]),
    "float16": np.float16([1, -2, 0.5]), "big-endian": np.array([1, 2, -3.5], dtype=">f8"),
    "backwards": np.arange(6.0)[::-2], "broadcast": np.broadcast_to(1.5, (3,)), "list": [0.5, -1.0, 2.0],
    "column-major": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
}


@pytest.mark.parametrize("name", ALIKE)
@pytest.mark.parametrize("door", DOORS)
def test_numbers_of_any_kind_are_answered_alike(door, name):
    plain = np.array(ALIKE[name], dtype=np.float64, order="C")
    assert np.array_equal(DOORS[door](ALIKE[name]), DOORS[door](plain))


REFUSED = {
    "words": (["a"], TypeError), "nothing": (None, TypeError), "flags": ([True, False], TypeError),
    "complex": (np.array([1 + 2j]), TypeError), "dates": (np.datetime64("2020"), TypeError),
    "ragged": ([[1, 2], [3]], TypeError), "objects": ([{}], TypeError), "huge": ([1e308, -1e308], ValueError),
    "infinite": ([np.inf], ValueError), "nan": ([np.nan], ValueError), "beyond": ([2**70], TypeError),
    "masked": (np.ma.masked_array([1.0, 2.0], [0, 1]), TypeError),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("door", sorted(set(DOORS) - {"fusion"}))
def test_what_is_no_weight_is_refused_by_name(door, name):
    wrong, kind = REFUSED[name]
    if name == "huge" and door in ("quantiles", "read out"):
        return                                                          # nothing is squared there
    with pytest.raises(kind, match="weights must"):
        DOORS[door](wrong)


@pytest.mark.parametrize("door", sorted(set(DOORS) - {"fusion", "split", "read out"}))
def test_no_weights_at_all(door):
    for empty in ([], np.zeros((0, 3))):
        with pytest.raises(ValueError, match="weights must not be empty"):
            DOORS[door](empty)


@pytest.mark.parametrize("call, kind, message", [
    (lambda: SINGLE.convert_back_to_weights([[1.0], [0.0]], {"scale_ratio": 0.0}), ValueError,
     "scale_ratio of params must not"),
    (lambda: SINGLE.convert_back_to_weights([[1.0], [0.0]], {"scale_ratio": "x"}), TypeError,
     "scale_ratio of params must"),
    (lambda: SINGLE.convert_back_to_weights(None, {"scale_ratio": 1}), TypeError, "conductances must"),
    (lambda: SINGLE.convert_back_to_weights([[1.0], [0.0]], None), TypeError, "params must"),
    (lambda: SINGLE.convert_back_to_weights([[1.0, 2.0], [0.0]], {"scale_ratio": 1}), ValueError, "one shape"),
    (lambda: analog.expected_tnmse(SINGLE, [1.0], PCM, [1.0], readout=3), TypeError, "readout must"),
    (lambda: analog.expected_tnmse(SINGLE, [1.0], PCM, [1.0], finite_array="no"), TypeError, "finite_array must"),
    (lambda: analog.expected_tnmse(SINGLE, [1.0], PCM, ["1"]), TypeError, "t_steps must"),
    (lambda: analog.Hypercube([1], 25, 0).denormalize(np.full((1, 7), 2.0)), ValueError, "unit cube"),
    (lambda: analog.WeightProgrammingOptimizer([1.0], [1], PCM, [1.0], SINGLE, strategy="best1bn"), KeyError,
     "strategy must be one of .* Did you mean best1bin"),
    (lambda: analog.WeightProgrammingOptimizer([1.0], [1], PCM, [1.0], SINGLE, mutation=(0.1, "x")), TypeError,
     "mutation must"),
    (lambda: analog.WeightProgrammingOptimizer([1.0], [1], PCM, [1.0], SINGLE, mutation=(1,)), ValueError, "a pair"),
    (lambda: analog.WeightProgrammingOptimizer([1.0], [1], PCM, [1.0], SINGLE, mutation=np.ma.masked), TypeError,
     "mutation must be a real number"),
    (lambda: LOSS(np.full((1, 2, len(LOSS.u)), -1), ONES, [25.0]), ValueError, r"conductances must lie in \[0, 25"),
    (lambda: LOSS(np.ones((1, 2, 1)), ONES, [25.0]), ValueError, r"conductances must have shape \(C, 2P, "),
    (lambda: LOSS(np.ones((1, 2, len(LOSS.u))), np.ones((2, 1)), [25.0]), ValueError, r"factors must have shape \(1"),
    (lambda: LOSS(np.ones((1, 2, len(LOSS.u))), ONES, []), ValueError, r"full_scale must have shape \(1,\)"),
    (lambda: analog.WeightProgrammingOptimizer([1.0], [1], PCM, [1.0], SINGLE, progress=3), TypeError, "progress must"),
    (lambda: analog.WeightProgrammingOptimizer([1.0], [1], PCM, [1.0], SINGLE, polish="no"), TypeError, "polish must"),
])
def test_other_arguments_are_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize("device", [PCM, analog.HermesNoiseModel(), analog.ReRamWan2022NoiseModel(),
                                    analog.ReRamCMONoiseModel(), analog.StateIndependentNoiseModel()],
                         ids=lambda device: type(device).__name__)
def test_single_devices_and_none(device):
    """0-d and empty targets, the ends of the range, the moment of programming."""
    for g in (np.float64(device.g_max), [], [[device.g_min, device.g_max]]):
        shape = np.shape(g)
        assert device.program(g, rng=rng()).shape == device.programmed_moments(g).mean.shape == shape
        times = (1.0, 86400.0) if isinstance(device, analog.ReRamWan2022NoiseModel) else (0.0, 86400.0)
        for t in times:
            moments, covariance, third = device.read_joint_moments(g, t)
            assert moments.variance.shape == np.shape(covariance) == np.shape(third) == shape
            assert np.all(moments.variance >= 0) and np.all(np.abs(covariance) <= 1e-9 + np.sqrt(
                moments.variance * device.programmed_moments(g).variance))
