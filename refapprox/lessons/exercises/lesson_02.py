"""Lesson 2: a truncated multiplier, k = 4."""
import numpy as np

from refapprox.lessons.judging import Answers
from refapprox.multipliers import from_family

K = 4


def metrics(k=K, name="truncated"):
    return from_family(name, k=k, bits=8, signed=False).metrics()


def largest_error():
    """The largest error: a whole number."""
    places = np.arange(K)
    return Answers(int(metrics()["WCE"]), {
        "That counts each place once, but several cells share a place.": int((2 ** places).sum()),
        "That goes one place too far: a cell is missing where i + j is less than k.": int(metrics(K + 1)["WCE"]),
        "That stops one place too early: the last place that is missing is k - 1.": int(metrics(K - 1)["WCE"]),
        "That is the number of cells. Each is worth a power of two.": int((places + 1).sum()),
        "That gives place c only c cells; place 0 has one, place 1 has two.": int((places * 2 ** places).sum())})


def bias():
    """The mean error."""
    right, largest = metrics()["bias"], metrics()["WCE"]
    return Answers(right, {
        "The size is right, the sign is not: an error is exact minus approximate, and what is missing makes the result "
        "too small.": -right,
        "A cell is 1 where both of its digits are: that is less likely than one digit.": largest / 2,
        "That is the largest error. Most cells are 0 most of the time.": largest,
        "That goes one place too far: a cell is missing where i + j is less than k.": metrics(K + 1)["bias"]})


def share_of_wrong_products():
    """A number between 0 and 1."""
    right = metrics()["EP%"] / 100
    return Answers(right, {
        "That is the share of products that are right.": 1 - right,
        "That asks for k zeros at the end of one operand. The zeros of both count together.": 1 - 2.0 ** -K,
        "Cells are not independent of each other: those of one row share a digit of w.": 1 - 0.75 ** (K * (K + 1) // 2),
        "That is for k one larger.": metrics(K + 1)["EP%"] / 100,
        "That is for k one smaller.": metrics(K - 1)["EP%"] / 100})


EXERCISES = {"2a": largest_error, "2b": bias, "2c": share_of_wrong_products}
