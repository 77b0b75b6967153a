"""Lesson 8: what a layer allows, what that saves, and what five runs say."""
import math

import numpy as np

from refapprox.error_stats import error_prediction
from refapprox.lessons.judging import Answers
from refapprox.matching import LayerInfo, MatchingInfo

OUTPUT_STD, SIGMA, FAN_IN = 50.0, 0.1, 25
COSTS, PRODUCT_STDS = (0.2, 0.4, 0.9), (1.2, 0.8, 0.1)
ACCURACIES = np.array([93.3, 90.8, 94.0, 95.2, 93.7])


def accumulated_std(std, fan_in=FAN_IN):
    """Of `fan_in` independent errors: a fair coin between -std and +std."""
    _, per_operation = error_prediction(np.array([[-std], [std]]), [0.5, 0.5], [1.0], fan_in)
    return fan_in * float(per_operation)


def accumulated():
    """The std of the accumulated error for each multiplier."""
    right = tuple(accumulated_std(std) for std in PRODUCT_STDS)
    return Answers(right, {
        "Variances of independent errors add, not standard deviations: it is not the fan-in that you multiply with.":
            tuple(FAN_IN * std for std in PRODUCT_STDS),
        "These are variances; a standard deviation is the root.": tuple(value ** 2 for value in right),
        "These are errors per single operation, divided by the fan-in. The sum is asked for.":
            tuple(value / FAN_IN for value in right)})


def energy(chosen):
    """Relative energy where the layer uses `COSTS[chosen]` and the rest of the network the last one."""
    layers = [LayerInfo("layer", "chosen", COSTS[chosen], opcount=80), LayerInfo("rest", "last", COSTS[-1], opcount=20)]
    return MatchingInfo(layers, metric_max=max(COSTS), opcount=100).relative_energy_consumption


def relative_energy():
    """The energy of the network relative to the most expensive multiplier everywhere."""
    fitting = [i for i, std in enumerate(PRODUCT_STDS) if accumulated_std(std) <= SIGMA * OUTPUT_STD]
    chosen = min(fitting, key=lambda i: COSTS[i])
    return Answers(energy(chosen), {
        "The cheapest multiplier of all makes an error that this layer does not tolerate.": energy(0),
        "A cheaper multiplier than the last one is allowed, too.": energy(2),
        "That is relative to a cost of 1. Relative to the multiplier of cost 0.9 is asked for.":
            energy(chosen) * COSTS[-1],
        "The layers do not count alike: weight each with its share of the multiplications.":
            (COSTS[chosen] + COSTS[-1]) / 2 / COSTS[-1],
        "The rest of the network takes energy as well.": energy(chosen) - 0.2})


def mean_and_standard_error():
    """Mean of five accuracies and its standard error."""
    n, mean, spread = len(ACCURACIES), float(ACCURACIES.mean()), float(ACCURACIES.std(ddof=1))
    return Answers((mean, spread / math.sqrt(n)), {
        "The mean is right. Your second number is the spread of single runs; that of a mean of five is smaller.":
            (mean, spread),
        "The mean is right. Five runs are a sample: their variance divides by n - 1.":
            (mean, float(ACCURACIES.std(ddof=0)) / math.sqrt(n)),
        "The mean is right. Your second number is the spread of single runs, and without n - 1.":
            (mean, float(ACCURACIES.std(ddof=0))),
        "The mean is right. Your second number divides by n; a standard error divides by its root.":
            (mean, spread / n),
        "The first number is the median.": (float(np.median(ACCURACIES)), None)})


EXERCISES = {"8a": accumulated, "8b": relative_energy, "8c": mean_and_standard_error}
