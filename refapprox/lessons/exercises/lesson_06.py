"""Lesson 6: per operation or accumulated, a layer of two fields and two neurons, and the rung for what one may keep."""
import numpy as np

from refapprox.error_stats import RUNGS, ErrorEstimate, LayerOperands, estimate
from refapprox.lessons.judging import Answers

LAYER = ErrorEstimate(fan_in=400, accumulated_mean=0.0, accumulated_std=1000.0)
ERROR_MAP = np.array([[0, 0], [0, 4]])
CODES = [[0, 0], [1, 1]]


def accumulated():
    """The std of the accumulated error where that of a single operation is given."""
    reported = LAYER.per_operation_std
    return Answers(LAYER.accumulated_std, {
        "This is the figure that the function reports: it was divided by the fan-in.": reported,
        "The root of the fan-in belongs to independent errors. Here a figure was divided by the fan-in: undo that.":
            reported * LAYER.fan_in ** 0.5,
        "You divided once more.": reported / LAYER.fan_in})


def two_fields():
    """The variance of the accumulated error, if all is drawn anew and in truth."""
    layer = LayerOperands.from_codes(CODES, np.transpose(CODES), range_x=(0, 1), range_w=(0, 1))
    drawn, truth = (float(estimate(ERROR_MAP, layer, rung).accumulated_std) ** 2
                    for rung in ("single_distribution", "exact_data"))
    return Answers((drawn, truth), {
        "These are the numbers of the layer in the lesson. Write down the four sums of errors of this one.": (6, 4),
        "The first number is that of one product; a neuron adds two.": (drawn / 2, None),
        "These are standard deviations; the variance is asked for.": (drawn ** 0.5, truth ** 0.5),
        "Either your second number is a mean of squares: the squared mean has to be taken from it. Or you divided by "
        "N - 1, as for a sample: these sums are all there are, so divide by N.": (None, truth * 4 / 3),
        "The numbers are right, their order is not.": (truth, drawn)})


def rung_for_histograms():
    """The rung for one histogram per field, its contents fixed, and one for all weights."""
    right = next(name for name, rung in RUNGS.items() if "fixed contents" in rung.assumption)
    return Answers(right, {
        "That rung draws the contents of a field again, from their histogram: a part of the spread counts twice.":
            "population",
        "That one needs less than you have: it forgets which field an activation came from.": "single_distribution",
        "That one fixes the weights of every neuron. Here the weights are what is drawn.": "fixed_weights",
        "That one needs to know the weights of every neuron, and you kept one histogram for all.": "matched",
        "That one needs the histogram of every position of a field.": "fixed_weights_by_tap",
        "That one needs the codes themselves, and you kept histograms.": "exact_data",
        "That one looks at every product, and you kept histograms.": "simulation"})


EXERCISES = {"6a": accumulated, "6b": two_fields, "6c": rung_for_histograms}
