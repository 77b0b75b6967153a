"""Lesson 9: what skipped padding costs, and the mistake of another framework."""
import numpy as np

from refapprox import Multiplier, exact
from refapprox.conformance import load_suite, run
from refapprox.lessons.judging import Answers
from refapprox.lessons.planted import SecondFramework
from refapprox.ops.lut_conv2d import lut_conv2d

IMAGE, KERNEL = np.zeros((1, 1, 4, 4), np.int64), np.zeros((1, 1, 3, 3), np.int64)
PLACES = ((0, 0), (0, 1), (1, 1))      # corner, edge, middle


def skipped_padding():
    """By how much outputs are too small in a corner, on an edge, in the middle."""
    one_more = Multiplier.from_function("one more", lambda x, w: x * w + 1)
    everywhere = lut_conv2d(IMAGE, KERNEL, one_more, padding=1)[0, 0]
    inside = lut_conv2d(IMAGE + 1, KERNEL + 1, exact(), padding=1)[0, 0]      # counts the taps inside the image
    missing, counted = ([int(of[place]) for place in PLACES] for of in (everywhere - inside, inside))
    return Answers(tuple(missing), {
        "That is how much such a framework adds: the products inside the image. Those outside are missing.":
            tuple(counted),
        "By how much *too small*: your signs are the other way round.": tuple(-value for value in missing),
        "All nine products are one too large, and only the skipped ones are missing.":
            tuple(int(everywhere[place]) for place in PLACES),
        "The numbers are right, their order is not: corner, edge, middle.": tuple(missing[::-1]),
        "In a corner, two sides of the window are outside. Count the position where they meet once.":
            (2 * missing[1], missing[1], missing[2])})


def second_mistake():
    """The name of the mistake in the second framework."""
    report = run(load_suite().select(["quantization", "fake_quantize"]), SecondFramework())
    right = report.likely_mistakes[0][0]
    return Answers(right, {
        "Zero points are added with the right sign there. When are they added?": "zero point subtracted",
        "Out of range, its codes do not wrap. Look at the range that they are clipped to.":
            "wraparound instead of clipping",
        "Its rounding is right: ties go to even. Which cases fail?": "half-up rounding",
        "Its rounding is right: ties go to even, too. Which cases fail?": "half away from zero",
        "That is the mistake of the first framework.": "padding without lookup"})


EXERCISES = {"9a": skipped_padding, "9b": second_mistake}
