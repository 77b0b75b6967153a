"""Figures of analog inference that aihwkit prints, and one of the paper behind its weight programming."""
import numpy as np
from figures import Figure, compared, main, untried
from scipy.optimize import minimize_scalar

from refapprox.analog import (
    DualPairConductanceConverter,
    HermesNoiseModel,
    PCMLikeNoiseModel,
    ReRamCMONoiseModel,
    StateIndependentNoiseModel,
    expected_tnmse,
)

SOURCE = ("aihwkit's documentation, pages on PCM and ReRAM inference (docs/source/pcm_inference.rst, "
          "reram_inference.rst), its notebook resnet_mixed_precision, and C. Mackin et al., \"Optimised weight "
          "programming for analogue memory-based deep neural networks\", Nature Communications 2022, captions of "
          "figures 4 and 5")
PROTOCOL = ("our device models, which compute what aihwkit's code does; the constants are found again from what the "
            "models return. The significance factor is the one of least expected error for 10,240 Gaussian weights "
            "(s.d. 0.3 of the range), read after 1 s, 1 h, 1 day and 30 days with global compensation; the paper's "
            "device curves are drawings, and its networks are not here")
TIMES = (1.0, 3600.0, 86_400.0, 30 * 86_400.0)
FACTOR, FACTORS = "2", (1.0, 5.0)


def figures(folder):
    yield from phase_change()
    yield from oxide()
    yield from significance()
    for what, text in (("quantized after training", "92.61"), ("trained for it", "93.07")):
        yield untried(f"resnet_mixed_precision, {what}, accuracy %", text, "needs their analog training")


def phase_change():
    model = PCMLikeNoiseModel()
    x = np.array([0.0, 0.5, 1.0])
    square, linear, constant = np.polyfit(x, model.programming_std(25 * x), 2)
    for power, text, value in ((0, "0.2635", constant), (1, "1.9650", linear), (2, "-1.1731", square)):
        yield compared(f"PCM, programming noise, g^{power}, uS", text, value)
    inside, ends = np.array([0.05, 0.15]), np.array([1e-6, 1.0])      # between the bounds, and beyond both
    for name, index, (slope, offset, low, high) in (("mean", 0, ("-0.0155", "0.0244", "0.049", "0.1")),
                                                    ("s.d.", 1, ("-0.0125", "-0.0059", "0.008", "0.045"))):
        found = np.polyfit(np.log(inside), model.drift_parameters(25 * inside)[index], 1)
        top, bottom = model.drift_parameters(25 * ends)[index]
        for what, text, value in (("slope", slope, found[0]), ("offset", offset, found[1]), ("least", low, bottom),
                                  ("most", high, top)):
            yield compared(f"PCM, drift exponent, {name}, {what}", text, value)
    noise = model.relative_read_noise(25 * np.array([1e-6, 0.25, 1.0]))
    yield compared("PCM, read noise, factor", "0.0088", noise[2])
    yield compared("PCM, read noise, exponent", "0.65", np.log(noise[1] / noise[2]) / np.log(4))
    yield compared("PCM, read noise, most", "0.2", noise[0])
    yield compared("PCM, duration of a read, ns", "250", 1e9 * model.t_read)


def oxide():
    for accepted, slope, offset in ((0.2, "1.0687", "0.811"), (2.0, "11.2902", "11.218")):
        low, high = 1000 * ReRamCMONoiseModel(acceptance_range=accepted).programming_std([0.0, 50.0])
        yield compared(f"CMO, programming noise within {accepted:g} %, nS per uS", slope, (high - low) / 50)
        yield compared(f"CMO, programming noise within {accepted:g} %, nS", offset, low)
    model = ReRamCMONoiseModel()
    (mean, spread), (_, spread_at_1) = model.relaxation(np.e), model.relaxation(1.0)
    yield compared("CMO, relaxation, mean, uS per log t", "-0.089", mean)
    yield compared("CMO, relaxation, s.d., uS", "0.4118", spread_at_1)
    yield compared("CMO, relaxation, s.d., uS per log t", "0.042", spread - spread_at_1)
    read = float(model.read_deviation([10.0], 1.0)[0]) / np.sqrt(np.log((1 + model.t_read) / (2 * model.t_read)))
    yield compared("CMO, read noise, uS, log of the conductance to base 10", "0.0277", read)
    yield compared("CMO, read noise, uS, natural log as elsewhere on the page", "0.0277", read / np.log(10),
                   note="the other reading")
    yield compared("CMO, duration of a read, us", "1", 1e6 * model.t_read)
    yield compared("CMO, least conductance, uS", "8", model.g_min, note="the code's default")
    yield compared("CMO, largest conductance, uS", "90", model.g_max, note="the code's default")


def significance():
    rng = np.random.default_rng(0)
    weights = np.clip(0.3 * rng.standard_normal((512, 20)), -1, 1)
    weights.flat[weights.argmax()] = 1.0
    for model in (PCMLikeNoiseModel(), HermesNoiseModel(num_devices=2), StateIndependentNoiseModel()):
        def loss(factor, model=model):
            converter = DualPairConductanceConverter([1, factor], g_max=model.g_max)
            return expected_tnmse(converter, weights, model, TIMES)
        best = minimize_scalar(loss, bounds=FACTORS, method="bounded", options={"xatol": 1e-2})
        name, note = type(model).__name__, f"2 costs {100 * (loss(2.0) / best.fun - 1):.2f} % more"
        if name.startswith("PCM"):
            yield compared("PCM, two pairs, best factor F", FACTOR, best.x, note=note)
        else:
            yield Figure(f"{name}, two pairs, best factor F", "", best.x, "no figure published", note)


if __name__ == "__main__":
    main("__main__")
