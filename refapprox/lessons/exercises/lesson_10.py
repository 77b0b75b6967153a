"""Lesson 10: a weight in a pair, a conductance after a month, and what a compensated weight is off by."""
import math

import numpy as np

from refapprox.analog import PCMLikeNoiseModel, SinglePairConductanceConverter
from refapprox.lessons.judging import Answers

WEIGHTS, G_MAX = np.array([-0.4, 0.8]), 25.0
NU, MONTH = 0.05, 2_592_000.0
TARGET, MEAN, STD, ALPHA = 0.5, 0.4, 0.02, 1.2


def pair():
    """The conductances of both devices."""
    (plus, minus), _ = SinglePairConductanceConverter(G_MAX).convert_to_conductances(WEIGHTS)
    g_plus, g_minus = float(plus[0]), float(minus[0])
    unscaled = G_MAX * abs(float(WEIGHTS[0]))
    return Answers((g_plus, g_minus), {
        "The weight is negative: which of the two devices takes it?": (g_minus, g_plus),
        "A weight has the unit of the largest one of the array, and that is not 1 here.": (g_plus, unscaled),
        "Two things: the sign, and the unit, which is the largest weight of the array.": (unscaled, g_plus),
        "The difference is right. But one device of a pair is left at zero.":
            ((G_MAX - g_minus) / 2, (G_MAX + g_minus) / 2),
        "A conductance cannot be negative. That is why there are two.": (-g_minus, g_plus)})


def after_a_month():
    """The conductance after 30 days."""
    device = PCMLikeNoiseModel(g_max=G_MAX)
    fading = NU * float(device.log_time_ratio(MONTH))
    return Answers(G_MAX * math.exp(-fading), {
        "Time counts in units of t_0.": G_MAX * MONTH ** -NU,
        "It grew. The exponent of the decay is negative.": G_MAX * math.exp(fading),
        "That is what is lost, not what is left.": G_MAX * -math.expm1(-fading),
        "That is the share that is left. The conductance is asked for.": math.exp(-fading),
        "The decay goes with a power of time, not with its logarithm.": G_MAX * (1 - fading)})


def compensated():
    """The expected squared error of a faded weight after compensation."""
    readings = MEAN + STD * np.array([-1.0, 1.0])      # a law with this mean and this std
    right = float(np.mean((ALPHA * readings - TARGET) ** 2))
    offset = (ALPHA * MEAN - TARGET) ** 2
    return Answers(right, {
        "The factor amplifies the scatter, too: a variance grows with the square of a factor.": STD ** 2 + offset,
        "A variance grows with the square of a factor.": ALPHA * STD ** 2 + offset,
        "That is the error without compensation.": float(np.mean((readings - TARGET) ** 2)),
        "The factor is that of the array. This weight faded a little more: what is left of it counts, too.":
            (ALPHA * STD) ** 2,
        "The scatter is missing.": offset,
        "The standard deviation has to be squared.": ALPHA ** 2 * STD + offset})


EXERCISES = {"10a": pair, "10b": after_a_month, "10c": compensated}
