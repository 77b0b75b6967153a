"""An answer against the right one and against those that known mistakes lead to.

The kind of the right answer is the kind that is asked for:

    int            the same number
    float          the same number, exact or rounded to `DIGITS` significant digits
    tuple          so many numbers, each as above; of a mistake, None stands for any number
    ndarray        the same integers
    str            the same text, whatever its capitals, commas and spaces
"""
import math
import re
from dataclasses import dataclass

import numpy as np

from refapprox.validation import WrongKindError, check_array, check_finite, check_instance, check_real, shown

DIGITS = 3             # significant digits that are enough
NEARLY = 0.02          # relative: so far off, somebody rounded in between
PARTS = {2: "two", 3: "three", 4: "four", 5: "five"}


@dataclass(frozen=True)
class Answers:
    """The right answer, and what went wrong -> the answer that it leads to."""

    right: object
    mistakes: dict


@dataclass(frozen=True)
class Verdict:
    """What `check` says of an answer; true where it is right.

    Parameters
    ----------
    exercise : str
        Name of the exercise, such as "1b".
    right : bool
        Whether the answer is right.
    message : str
        A sentence: that it is right, or what probably went wrong.

    Examples
    --------
    >>> Verdict("1b", True, "right.")
    1b: right.
    """

    exercise: str
    right: bool
    message: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{self.exercise}: {self.message}"


def judge(name, answers, answer):
    """The verdict on `answer`, which may still be the dots that stand for it in a lesson."""
    if answer is Ellipsis:
        return Verdict(name, False, "not answered yet. Put your answer in the place of the dots.")
    given = as_kind_of(f"the answer to {name}", answers.right, answer)
    if agrees(given, answers.right):
        return Verdict(name, True, "right.")
    known = next((told for told, wrong in answers.mistakes.items() if agrees(given, wrong)), None)
    return Verdict(name, False, f"not yet. {known or hint(given, answers.right)}")


def as_kind_of(name, right, answer):
    """`answer` as the kind that `right` has; a TypeError where it is of another, a ValueError for a wrong number of
    numbers."""
    if isinstance(right, str):
        return check_instance(name, answer, str)
    if isinstance(right, np.ndarray):
        array = check_finite(name, answer)
        if array.shape != right.shape:
            raise ValueError(f"{name} must be an array of shape {right.shape}, got {array.shape}.")
        return array
    if isinstance(right, tuple):
        wanted = PARTS.get(len(right), len(right))
        if isinstance(answer, str) or not np.iterable(answer):
            raise WrongKindError(f"{name} must be {wanted} numbers, such as (1, 2), got {shown(answer)}.")
        if len(parts := list(answer)) != len(right):
            raise ValueError(f"{name} must be {wanted} numbers, got {len(parts)}.")
        return tuple(check_real(name, part) for part in parts)
    if isinstance(answer, np.ndarray) and answer.ndim:
        raise WrongKindError(f"{name} must be one number, got an array of shape {answer.shape}.")
    return check_real(name, answer)


def agrees(given, wanted):
    """Whether `given` is `wanted`, or is that rounded."""
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return re.sub(r"[\s,]", "", given).casefold() == re.sub(r"[\s,]", "", wanted).casefold()
    if isinstance(wanted, tuple):
        return all(agrees(one, other) for one, other in zip(given, wanted, strict=True))
    if isinstance(wanted, np.ndarray):
        return np.array_equal(given, check_array("the right answer", wanted, kinds="iu"))
    if isinstance(wanted, (int, np.integer)):
        return given == wanted
    return abs(given - wanted) <= tolerance(wanted)


def tolerance(number):
    """Half a unit of the last of `DIGITS` significant digits, and what float64 loses."""
    if number == 0:
        return 1e-9
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(number))) - DIGITS + 1) + 1e-9 * abs(number)


def hint(given, right):
    """What can be said of a wrong answer that no known mistake leads to."""
    if isinstance(right, np.ndarray):
        return f"{int((given == right).sum())} of {right.size} entries are right."
    if isinstance(right, tuple):
        count = sum(map(agrees, given, right))
        if count == 0 and all(map(agrees, sorted(given), sorted(right))):
            return "The numbers are right, their order is not."
        if any(right) and all(agrees(-one, other) for one, other in zip(given, right, strict=True)):
            return "The numbers are right but for their signs."
        return f"{count} of {len(right)} numbers are right."
    if isinstance(right, str):
        return "Read the question again: it says what an answer looks like."
    if right and agrees(-given, right):
        return "It is right but for its sign. (Wherever an error is meant, it is exact minus approximate.)"
    if right and (agrees(given / 100, right) or agrees(100 * given, right)):
        return "It is off by a factor of 100: is a share meant, or a percentage?"
    if right and abs(given / right - 1) < NEARLY:
        return f"It is close. Round only at the end, and give {DIGITS} significant digits or more."
    return "Begin again with the definition, and compute a small case by hand."
