"""`check` takes every right answer, names every known mistake, and never gives the answer away."""
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from refapprox.lessons import check, lesson_paths
from refapprox.lessons.checking import all_exercises
from refapprox.lessons.judging import DIGITS, Answers, judge

SOLUTIONS = Path(__file__).parents[2] / "docs" / "solutions.md"
ANSWERS = {name: function() for name, function in all_exercises().items()}
MISTAKES = [(name, told) for name, answers in ANSWERS.items() for told in answers.mistakes]


def rounded(value):
    """`value` as a person writes it who rounds to `DIGITS` digits."""
    if isinstance(value, tuple):
        return tuple(map(rounded, value))
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def filled(wrong, right):
    """A whole answer: in the place of "any number" stands the right one."""
    if not isinstance(wrong, tuple):
        return wrong
    return tuple(r if w is None else w for w, r in zip(wrong, right, strict=True))


def spellings(value):
    """What a text would have to contain to give `value` away."""
    if isinstance(value, (tuple, np.ndarray)):
        return {text for part in np.ravel(value).tolist() for text in spellings(part)}
    if isinstance(value, str):
        return {value}
    if float(value).is_integer() and abs(value) < 2:      # 0 and 1 stand in many a sentence
        return set()
    fraction = Fraction(float(value)).limit_denominator(1000)
    return {repr(value), f"{value:.3g}", f"{value:.2g}", *([str(fraction)] if abs(fraction - value) < 1e-12 else [])}


def test_every_lesson_has_two_or_three_exercises_or_a_few_more():
    for path in lesson_paths():
        number = int(path.stem.split("_")[1])
        own = [name for name in ANSWERS if re.fullmatch(rf"{number}[a-z]", name)]
        assert 2 <= len(own) <= 4 and own == [f"{number}{letter}" for letter in "abcd"[:len(own)]], path.name
        asked = re.findall(r'^print\(check\("(\w+)", \.\.\.\)\)$', path.read_text("utf-8"), re.MULTILINE)
        told = re.findall(r"^# \*\*(\d+[a-z])\.\*\*", path.read_text("utf-8"), re.MULTILINE)
        assert asked == own == told, path.name


@pytest.mark.parametrize("name", ANSWERS)
def test_the_right_answer_is_taken_exact_and_rounded(name):
    assert check(name, ANSWERS[name].right)
    assert judge(name, ANSWERS[name], rounded(ANSWERS[name].right))
    assert not check(name, ...) and "not answered" in repr(check(name, ...))


@pytest.mark.parametrize(("name", "told"), MISTAKES)
def test_a_known_mistake_is_named_and_the_answer_is_not(name, told):
    answers = ANSWERS[name]
    verdict = judge(name, answers, rounded(filled(answers.mistakes[told], answers.right)))
    assert not verdict and verdict.message == f"not yet. {told}"
    for text in spellings(answers.right):
        assert not re.search(rf"(?<![\w.]){re.escape(text)}(?![\w]|\.\d)", told), f"{told!r} says {text}"


@pytest.mark.parametrize("name", ANSWERS)
def test_an_exercise_says_what_is_asked_and_knows_some_mistakes(name):
    assert all_exercises()[name].__doc__ and len(ANSWERS[name].mistakes) >= 2


def test_solutions_solve_every_exercise():
    text = SOLUTIONS.read_text(encoding="utf-8")
    assert re.findall(r"^(\w+): right\.$", text, re.MULTILINE) == list(ANSWERS)


def test_names_and_kinds_that_are_wrong_are_refused():
    with pytest.raises(KeyError, match="no exercise '1x'"):
        check("1x", 0)
    with pytest.raises(TypeError, match="exercise must be of type str"):
        check(1, 0)
    with pytest.raises(TypeError, match="the answer to 1b must be two numbers"):
        check("1b", 0.5)
    with pytest.raises(TypeError, match="must be two numbers"):
        check("1b", "12")
    with pytest.raises(ValueError, match="must be two numbers, got 3"):
        check("1b", (1, 2, 3))
    with pytest.raises(ValueError, match=r"must be an array of shape \(4, 4\), got \(2,\)"):
        check("1a", [1, 2])
    with pytest.raises(TypeError, match="must be an array of real numbers"):
        check("1a", [["a"]])
    with pytest.raises(TypeError, match="must be one number, got an array"):
        judge("0a", Answers(1.5, {}), np.ones(2))
    with pytest.raises(TypeError, match="of type str"):
        judge("0a", Answers("text", {}), 1)


@pytest.mark.parametrize(("right", "answer", "taken"), [
    (2 / 3, 0.667, True), (2 / 3, 0.66, False), (2 / 3, Fraction(2, 3), True), (1.0, 0.9951, True), (1.0, 0.994, False),
    (-1234.5, -1230, True), (-1234.5, -1240, False), (0.0, 0, True), (0.0, 1e-3, False), (7, 7.0, True),
    (7, 7.01, False), ("mul8s_1KV8", " MUL8S_1kv8", True), ((1.5, 2), (1.5, 2.0), True), ((1.5, 2), (1.5, 2.01), False),
    (np.eye(2, dtype=int), [[1, 0], [0, 1]], True), (np.eye(2, dtype=int), [[1, 0], [0, 2]], False)])
def test_how_near_is_near_enough(right, answer, taken):
    assert bool(judge("0a", Answers(right, {}), answer)) == taken


@pytest.mark.parametrize(("right", "answer", "told"), [
    (0.25, -0.25, "but for its sign"), (0.25, 25, "factor of 100"), (0.25, 0.0025, "factor of 100"),
    (0.25, 0.253, "close"), (0.25, 3, "definition"), ((1, 2.5), (2.5, 1), "order"), ((0, 2.5), (0, -2.5), "signs"),
    ((1, 2.5), (1, 3), "1 of 2"),
    (np.eye(2, dtype=int), np.zeros((2, 2)), "2 of 4 entries"), ("this", "that", "question")])
def test_what_is_said_of_other_wrong_answers(right, answer, told):
    assert told in judge("0a", Answers(right, {}), answer).message
