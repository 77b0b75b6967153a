"""Exercises by name, and the verdict on an answer."""
from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from refapprox.lessons import exercises
from refapprox.lessons.judging import Verdict, judge
from refapprox.validation import UnknownNameError, check_instance


def all_exercises():
    """name -> function that computes the answers, of every exercise of every lesson, in order."""
    names = sorted(module.name for module in pkgutil.iter_modules(exercises.__path__))
    return {key: function for name in names
            for key, function in importlib.import_module(f"{exercises.__name__}.{name}").EXERCISES.items()}


def check(exercise: str, answer: Any) -> Verdict:
    """Whether an answer is right; where it is not, what probably went wrong.

    A number is right where it is exact or rounded to three significant digits; whole numbers, such as the entries of an
    error map, have to be exact.

    Parameters
    ----------
    exercise : str
        Its name, the number of the lesson and a letter: "5b".
    answer : number, sequence of numbers, array_like or str
        What the exercise asks for; the dots ``...`` of a lesson stand for no answer yet.

    Returns
    -------
    Verdict
        True where the answer is right; shows itself as a sentence.

    Raises
    ------
    KeyError
        If there is no such exercise.
    TypeError
        If the answer is of another kind than the exercise asks for.
    ValueError
        If it has another number of numbers, or another shape.

    Examples
    --------
    >>> check("1b", (1/4, 7/16))
    1b: not yet. These are the moments for uniform activations: weight every product with its own probability.
    """
    known = all_exercises()
    if check_instance("exercise", exercise, str) not in known:
        raise UnknownNameError("exercise", exercise, known)
    return judge(exercise, known[exercise](), answer)
