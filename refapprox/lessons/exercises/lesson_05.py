"""Lesson 5: sums of errors of the multiplier of lesson 1."""
import math

import numpy as np

from refapprox.error_stats import LayerOperands, error_law
from refapprox.lessons.exercises.lesson_01 import UNIFORM, X_DIST, two_wrong
from refapprox.lessons.judging import Answers

WEIGHTS = (3, 3, 0, 1)
FAN_IN = len(WEIGHTS)
ERRORS = np.array([0, 2, 0, 4, 0, 0, 2, 0])


def law(w_dist, fan_in):
    """Of the error of a neuron whose operands are drawn anew for every product."""
    operands = LayerOperands.from_distributions(X_DIST, w_dist, fan_in=fan_in)
    return error_law(two_wrong(), operands, "single_distribution")


def independent_products():
    """Mean and standard deviation of the error of the neuron."""
    one, four = law(UNIFORM, 1), law(UNIFORM, FAN_IN)
    return Answers((four.mean, four.std), {
        "These are the numbers of one product. The neuron adds four.": (one.mean, one.std),
        "That is per operation. The accumulated error of the neuron is asked for.":
            (four.mean / FAN_IN, four.std / FAN_IN),
        "The mean is right. Variances add up, standard deviations do not.": (four.mean, FAN_IN * one.std),
        "The mean is right. Your second number is the variance: take its root.": (four.mean, four.std ** 2),
        "The mean is right. Your spread is that of one product.": (four.mean, one.std),
        "The mean is right. The spread of the average of four errors is not that of their sum.":
            (four.mean, one.std / math.sqrt(FAN_IN)),
        "The mean adds up like n, not like its root.": (math.sqrt(FAN_IN) * one.mean, None),
        "Your mean has the wrong sign: an error is exact minus approximate.": (-four.mean, None)})


def known_weights():
    """Mean and variance of the error of the neuron."""
    single = [law(np.eye(4)[w], 1) for w in WEIGHTS]
    mean, variance = sum(one.mean for one in single), sum(one.std ** 2 for one in single)
    uniform, all_bad = law(UNIFORM, FAN_IN), law(np.eye(4)[3], FAN_IN)
    drawn = law(np.bincount(WEIGHTS, minlength=4) / FAN_IN, FAN_IN)
    return Answers((mean, variance), {
        "That is the neuron with uniform weights. These are known, and only one of the values among them makes errors.":
            (uniform.mean, uniform.std ** 2),
        "Not all of the weights make errors: count those that do.": (all_bad.mean, all_bad.std ** 2),
        "The mean is right. Your variance draws each weight anew from the four; but a known weight does not vary.":
            (mean, drawn.std ** 2),
        "The mean is right. Your second number is the standard deviation.": (mean, math.sqrt(variance)),
        "That is per operation. The accumulated error of the neuron is asked for.":
            (mean / FAN_IN, variance / FAN_IN),
        "Your mean has the wrong sign: an error is exact minus approximate.": (-mean, None)})


def spread_over_a_layer():
    """The standard deviation."""
    return Answers(float(ERRORS.std(ddof=0)), {
        "That divides by one less than the number of errors, as for a sample. These are all there are.":
            float(ERRORS.std(ddof=1)),
        "That is the variance: take its root.": float(ERRORS.var(ddof=0)),
        "That is the root of the mean square: the mean has to be taken away first.":
            float(np.sqrt(np.mean(ERRORS.astype(float) ** 2))),
        "That is the mean.": float(ERRORS.mean()),
        "That is the mean distance from the mean. Square it, take the mean, then the root.":
            float(np.abs(ERRORS - ERRORS.mean()).mean()),
        "That is the root of the sum of squares. Divide it by their number first.":
            float(np.sqrt(((ERRORS - ERRORS.mean()) ** 2).sum()))})


EXERCISES = {"5a": independent_products, "5b": known_weights, "5c": spread_over_a_layer}
