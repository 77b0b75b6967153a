"""Lesson 4: codes, a neuron in whole numbers, and a margin of zeros."""
import numpy as np

from refapprox.lessons.judging import Answers
from refapprox.multipliers import exact
from refapprox.ops.lut_matmul import lut_matmul
from refapprox.quantization import quantize

NUMBERS, SCALE, ZERO = np.array([1.25, 1.75, -70.0, 0.0]), 0.5, 3
X, W, SCALE_X, ZERO_X, SCALE_W = np.array([10, -5, 20]), np.array([3, -2, 1]), 0.02, -10, 0.1
KERNEL_SUM, ZERO_PADDED = 12, 5


def clipped(codes):
    return np.clip(codes, -128, 127).astype(np.int64)


def codes_of_four_numbers():
    """Four codes."""
    ratio = NUMBERS / SCALE
    return Answers(quantize(NUMBERS, SCALE, ZERO), {
        "A number between two codes goes to the even one, not always up.": clipped(np.floor(ratio + 0.5) + ZERO),
        "You added the zero point before you rounded. Round first.": clipped(np.rint(ratio + ZERO)),
        "You clipped before you added the zero point. Clip last.": clipped(ratio.round().clip(-128, 127) + ZERO),
        "One of these is no number of eight signed bits: it must be clipped.": (np.rint(ratio) + ZERO).astype(np.int64),
        "You cut off what stands behind the point. Round.": clipped(np.trunc(ratio) + ZERO),
        "The zero point is added on the way to the codes. It is subtracted on the way back.":
            clipped(np.rint(ratio) - ZERO),
        "Without the zero point. Zero must get the code z.": clipped(np.rint(ratio)),
        "You multiplied by the scale. A code counts how many scales fit into the number.":
            clipped(np.rint(NUMBERS * SCALE) + ZERO)})


def output_of_a_neuron():
    """A real number."""
    total = lut_matmul(X[None], W[:, None], exact()).item()
    right = SCALE_X * SCALE_W * (total - ZERO_X * W.sum())
    return Answers(float(right), {
        "You left out the zero point: take z times the sum of the weights away.": SCALE_X * SCALE_W * total,
        "The correction is subtracted, and the zero point is negative: look at your signs.":
            float(SCALE_X * SCALE_W * (total + ZERO_X * W.sum())),
        "That is the accumulator. It is still a whole number and needs both scales.": int(total - ZERO_X * W.sum()),
        "Activations and weights have a scale each, and both count.": float(SCALE_X * (total - ZERO_X * W.sum())),
        "You took the zero point away once. It belongs to every activation.": SCALE_X * SCALE_W * (total - ZERO_X),
        "The correction is z times the sum of the weights, not z times their number.":
            SCALE_X * SCALE_W * (total - ZERO_X * W.size)})


def code_in_the_margin():
    """The code, and what is subtracted from the sum of products."""
    right = (ZERO_PADDED, ZERO_PADDED * KERNEL_SUM)
    return Answers(right, {
        "The code 0 stands for a number below zero here. The margin must stand for real zero.": (0, None),
        "The code is right. Every product holds z times its weight too much, so the weights count, not how many.":
            (ZERO_PADDED, ZERO_PADDED * 9),
        "The code is right. Nothing to correct? The codes are larger than x - z, and the products with them.":
            (ZERO_PADDED, 0),
        "The code is right. The sum of the weights has to be multiplied by something.": (ZERO_PADDED, KERNEL_SUM),
        "The size is right. It is to be subtracted: give it without a sign.": (ZERO_PADDED, -right[1]),
        "The way back is s (c - z): which c gives zero?": (-ZERO_PADDED, None)})


EXERCISES = {"4a": codes_of_four_numbers, "4b": output_of_a_neuron, "4c": code_in_the_margin}
