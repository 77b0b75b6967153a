"""Lesson 1: a multiplier of two unsigned bits with two wrong products, behind a rectifier."""
import numpy as np

from refapprox import Multiplier
from refapprox.lessons.judging import Answers

X_DIST, UNIFORM, ALWAYS_3 = np.array([3, 1, 1, 1]) / 6, np.full(4, 1 / 4), np.eye(4)[3]


def two_wrong():
    wrong = {(3, 3): 7, (2, 3): 4}
    return Multiplier.from_function("two wrong", lambda x, w: wrong.get((x, w), x * w), signed=False, bits=2)


def moments(x_dist, w_dist):
    """(mean, variance) of the error of one product."""
    metrics = two_wrong().metrics(x_dist, w_dist)
    return metrics["bias"], metrics["variance"]


def error_map():
    """The error map, four rows of four numbers."""
    m = two_wrong()
    return Answers(m.error_map, {
        "Your signs are the other way round: an error is exact minus approximate.": -m.error_map,
        "Rows are activations and columns are weights: yours is the other way round.": m.error_map.T,
        "This is the table of products. The error is what is missing from the exact ones.": m.lut})


def moments_behind_a_rectifier():
    """Mean and variance of the error of one product."""
    mean, variance = moments(X_DIST, UNIFORM)
    return Answers((mean, variance), {
        "Your mean has the wrong sign: an error is exact minus approximate.": (-mean, None),
        "These are the moments for uniform activations: weight every product with its own probability.":
            moments(UNIFORM, UNIFORM),
        "The mean is right. Your second number is the mean of the squares: a variance is that less the squared mean.":
            (mean, variance + mean ** 2),
        "The mean is right. Your second number is the standard deviation, the root of the variance.":
            (mean, variance ** 0.5),
        "You divided by the number of products, as if all were equally likely.": (moments(UNIFORM, UNIFORM)[0], None)})


def moments_of_a_known_weight():
    """Mean and variance of the error of one product whose weight is 3."""
    mean, variance = moments(X_DIST, ALWAYS_3)
    return Answers((mean, variance), {
        "Your mean has the wrong sign: an error is exact minus approximate.": (-mean, None),
        "The weight is known now: it comes with probability one, and there is nothing left to average over it.":
            moments(X_DIST, UNIFORM),
        "The activations are not uniform: half of them are zero.": moments(UNIFORM, ALWAYS_3),
        "The mean is right. Your second number is the mean of the squares: a variance is that less the squared mean.":
            (mean, variance + mean ** 2),
        "The mean is right. Your second number is the standard deviation, the root of the variance.":
            (mean, variance ** 0.5)})


EXERCISES = {"1a": error_map, "1b": moments_behind_a_rectifier, "1c": moments_of_a_known_weight}
