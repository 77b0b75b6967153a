"""The fuzz program notices what it is there for: mistakes that are planted, each within a few hundred inputs."""
import collections
import os
import random
import re

import numpy as np
import pytest

from tests.fuzz import __main__ as program
from tests.fuzz import doors, file_doors, inputs, values

POOL = [1, "a", None, np.zeros(2)]


def right(x, factor=1):
    """Checks what it takes."""
    from refapprox.validation import check_integer, check_numbers
    return check_numbers("x", x) * check_integer("factor", factor, minimum=-100, maximum=100)


def wraps(x):
    return np.asarray(x) * np.asarray(x)      # int8 * int8


def takes_anything(x):
    return np.asarray(x).shape


def fails_inside(x):
    return x.flat[0]      # a list has no flat; a method called on a class itself crashes Python 3.13.0


def names_nothing(x):
    if np.asarray(x).dtype.kind not in "iuf":
        raise ValueError("no numbers")
    return right(x)


def dies(x):
    os._exit(3)


def door_of(function):
    door = doors.Door(f"planted.{function.__name__}", function, "function")
    door.calls = [doors.Call({"x": np.array([[1, -2], [30, 100]])}, None)]
    return door if function is dies else program.measure(door)


def outcomes(function, number=400):
    door = door_of(function)
    return collections.Counter(inputs.try_call(door, random.Random(i), POOL).outcome for i in range(number))


def test_a_right_function_has_no_finding():
    found = outcomes(right)
    assert not set(found) & set(program.BAD) and found[inputs.SAME] > 100 and found[inputs.REFUSED] > 50


@pytest.mark.parametrize(("function", "outcome"), [
    (wraps, inputs.OTHER), (takes_anything, inputs.OTHER), (fails_inside, inputs.UNCLEAR),
    (names_nothing, inputs.UNCLEAR)])
def test_planted_mistakes_are_found(function, outcome):
    assert outcomes(function)[outcome] > 5


def test_each_kind_of_input_once_finds_them_too():
    def bad(function):
        return {made.what for entry in inputs.each([door_of(function)]) for made in [inputs.try_each(*entry)]
                if made.outcome in program.BAD}

    assert not bad(right)
    assert {"x is masked", "x is dates", "x is huge broadcast"} <= bad(takes_anything)
    assert "x as list" in bad(fails_inside) and "x as int8" in bad(wraps)


def test_a_reader_that_fails_unclearly_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    door = file_doors.FileDoor("planted", lambda path: int(path.read_bytes()), [{"a.txt": b"12345"}])
    assert sum(door.attempt(random.Random(i)).outcome == inputs.UNCLEAR for i in range(50)) > 5


def test_a_process_that_dies_is_booked_to_its_input():
    door = door_of(dies)
    door.seconds = 1.0
    found = list(program.results([door], [1.0], 0, 0, 2))
    assert [(number, outcome[0], outcome[2]) for number, outcome in found] == [
        (0, "planted.dies", program.DIED), (1, "planted.dies", program.DIED)]


def test_an_input_follows_from_seed_and_number():
    door = door_of(right)
    one, two = ([inputs.try_call(door, random.Random(f"0/{i}"), POOL).what for i in range(50)] for _ in range(2))
    assert one == two


def test_a_run_goes_on_where_it_ended(tmp_path):
    path = tmp_path / "fuzz.jsonl"
    header = {"seed": 0, "doors": ["a"], "shares": {"a": 1.0}}
    record = program.Record(path, header)
    record.write({"input": 3, "door": "a", "what": "x", "outcome": inputs.UNCLEAR, "reason": "y"})
    record.write({"next": 1000, "seconds": 2.0, "counts": {f"a|{inputs.SAME}": 999, f"a|{inputs.UNCLEAR}": 1}})
    record.write({"input": 1003, "door": "a", "what": "x", "outcome": inputs.UNCLEAR, "reason": "cut off"})
    again = program.Record(path, header)
    assert (again.next, again.seconds, again.counts.total(), len(again.bad)) == (1000, 2.0, 1000, 1)
    with pytest.raises(SystemExit, match="another seed"):
        program.Record(path, header | {"seed": 1})


def test_all_of_the_public_surface_is_walked():
    names = set(doors.offered())
    assert {"refapprox.lut_matmul", "refapprox.quantization.dequantize", "refapprox.ops.linear.forward"} <= names
    assert all(re.match(r"refapprox\.", name) for name in names) and len(names) > 280


def test_other_forms_hold_the_same_numbers():
    array = np.array([[1, -2], [30, 100]])
    dice = random.Random(0)
    for _ in range(200):
        what, form = values.reformed_array(array, dice)
        assert np.array_equal(np.array(list(form)) if what == "iterator" else np.asarray(form), array), what
