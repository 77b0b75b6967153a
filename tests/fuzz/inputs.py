"""One input of a door: what is changed in a call, and what is to be said of the answer."""
import inspect
import random
import re

import numpy as np

from tests.fuzz import judge, values
from tests.fuzz.doors import TOKENS, fresh

SAME, REFUSED, ANSWERED, UNCLEAR, OTHER = "same answer", "refused", "answered", "unclear failure", "other numbers"
BAD = (UNCLEAR, OTHER)
NUMBERS = (bool, int, float, np.number, np.bool_)


class Input:
    """What was changed (`what`), and the outcome with its reason."""

    def __init__(self, what, outcome, reason=None):
        self.what, self.outcome, self.reason = what, outcome, reason


def outcome_of(door, call, names, values_by_name):
    """(answer, None) or (None, Input outcome) of a call; what is no clear refusal is UNCLEAR."""
    try:
        return door.apply(values_by_name, fresh(call.owner) if call.owner is not None else None), None, None
    except Exception as error:
        if isinstance(error, AssertionError) and ".assert_" in door.name:      # that is its answer
            return None, ANSWERED, shown_error(error)
        if isinstance(error, IndexError) and door.name.endswith("__getitem__"):      # what ends a loop over it
            return None, REFUSED, shown_error(error)
        reason = judge.unclear(error, names)
        text = shown_error(error)
        return None, (UNCLEAR if reason else REFUSED), f"{reason}: {text}" if reason else text


def shown_error(error):
    try:
        return f"{type(error).__name__}: {str(error)[:200]}"
    except Exception:
        return type(error).__name__


class Wanted(random.Random):
    """Dice whose choice is the wanted one, where it is offered."""

    def __init__(self, seed, wanted):
        super().__init__(seed)
        self.wanted = wanted

    def choice(self, seq):
        return self.wanted if self.wanted in list(seq) else super().choice(seq)


def each(doors):
    """(door, call, argument, path, kind, wanted): every argument, and its first part, with each kind of input once."""
    for door in doors:
        for call in door.calls:
            for name in (name for name in call.values if name not in TOKENS):
                value = call.values[name]
                leaves = [((), value)]
                if type(value) in (list, tuple, dict) and value:
                    first = next(iter(value)) if type(value) is dict else 0
                    leaves.append(((first,), value[first]))
                for path, part in leaves:
                    for kind, wanted in kinds_for(part):
                        yield door, call, name, path, kind, wanted


def kinds_for(value):
    yield from (("kind", name) for name in values.stranger_kinds(random))
    if is_array(value):
        for kind, names in (("like", values.LIKE), ("shape", values.SHAPES), ("form", sorted(set(values.FORMS))),
                            ("narrow", values.INTEGERS[:6] if value.dtype.kind in "iu" else values.FLOATS[:2])):
            yield from ((kind, name) for name in names)
    elif isinstance(value, NUMBERS):
        yield from (("shape", number) for number in values.NUMBERS)
    yield from (("form", None) for _ in range(3))


def try_each(door, call, name, path, kind, wanted):
    """The input of an entry of `each`."""
    dice = Wanted(f"{door.name}/{name}/{kind}/{wanted}", wanted)
    arguments, names = prepared(door, call)
    value = arguments[name]
    for key in path:
        value = value[key]
    place = door, call, names, arguments, name, path
    if kind == "kind":
        return hostile(*place, *values.strangers(dice))
    if kind == "like":
        return stranger(*place, value, *values.like_stranger(value, dice))
    if kind == "shape":
        return hostile(*place, *(values.reshaped if is_array(value) else values.renumbered)(value, dice))
    if kind == "narrow":
        return narrow(*place, value, dice)
    made = values.reformed(value, dice)
    return Input(f"{name} has no other form", ANSWERED) if made is None else form(*place, *made)


def is_array(value):
    return isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.size <= 10 ** 5


def prepared(door, call):
    """(arguments, the names that a refusal may name)."""
    names = [*door.names, *[name.replace("_", " ") for name in door.names], *door.name.split(".")[-2:]]
    arguments = {name: fresh(value) for name, value in call.values.items()}
    texts = [value for value in arguments.values() if type(value) is str]      # such as name="x_dist", for messages
    names += texts + [word for text in texts for word in re.findall(r"[A-Za-z_]{3,}", text)]      # "drum(k=6)"
    names += [key for value in arguments.values() if type(value) is dict for key in value if type(key) is str]
    if door.kind == "method":      # the object is an argument too: what it was made of
        names += [*inspect.signature(type(call.owner)).parameters, str(getattr(call.owner, "name", ""))]
    return arguments, names


def try_call(door, random, pool):
    """One hostile input of a door that is called."""
    call = random.choice(door.calls)
    arguments, names = prepared(door, call)
    open_ones = [name for name in arguments if name not in TOKENS]
    if not open_ones:
        return Input("no arguments", *without_arguments(door, call, names))
    name = random.choice(open_ones)
    path, value = leaf(arguments[name], random)
    kind = random.choices(("form", "narrow", "shape", "kind"), (35, 25, 20, 20))[0]
    array = is_array(value)
    number = isinstance(value, NUMBERS)
    if kind == "narrow" and array:
        return narrow(door, call, names, arguments, name, path, value, random)
    if kind == "form" or (kind == "narrow" and number):
        made = values.reformed(value, random)
        if made is not None:
            return form(door, call, names, arguments, name, path, *made)
    if kind == "shape" and (array or number):
        what, new = (values.reshaped if array else values.renumbered)(value, random)
        return hostile(door, call, names, arguments, name, path, what, new)
    if array and random.random() < 0.4:
        what, new = values.like_stranger(value, random)
        return stranger(door, call, names, arguments, name, path, value, what, new)
    if random.random() < 0.3:
        return hostile(door, call, names, arguments, name, path, "drawn by Hypothesis", random.choice(pool))
    return hostile(door, call, names, arguments, name, path, *values.strangers(random))


def leaf(value, random):
    """(path, part) of an argument: itself or, of a list or dict of arrays and numbers, one in it."""
    path = ()
    while type(value) in (list, tuple, dict) and value and random.random() < 0.5:
        key = random.choice(list(value) if type(value) is dict else range(len(value)))
        path, value = (*path, key), value[key]
    return path, value


def put(container, path, new):
    """`container` with the part at `path` replaced."""
    if not path:
        return new
    if type(container) is dict:
        return {**container, path[0]: put(container[path[0]], path[1:], new)}
    items = list(container)
    items[path[0]] = put(items[path[0]], path[1:], new)
    return type(container)(items)


def without_arguments(door, call, names):
    _, outcome, reason = outcome_of(door, call, names, {name: fresh(value) for name, value in call.values.items()})
    return outcome or SAME, reason


def base(door, call, names):
    """The answer to the call itself, made once."""
    if not hasattr(call, "answer"):
        call.answer = outcome_of(door, call, names, {name: fresh(value) for name, value in call.values.items()})
    return call.answer


def form(door, call, names, arguments, name, path, what, new):
    expected, failed, _ = base(door, call, names)
    answer, outcome, reason = outcome_of(door, call, names,
                                         {**arguments, name: put(arguments[name], path, new)})
    what = f"{name} as {what}"
    if outcome is not None:
        return Input(what, outcome, reason)
    if failed is not None or not door.repeatable:
        return Input(what, ANSWERED)
    lost = judge.LOST_NARROW if judge.narrow((arguments, call.owner, new)) else judge.LOST
    difference = judge.different(expected, answer, lost)
    return Input(what, OTHER if difference else SAME, difference)


def narrow(door, call, names, arguments, name, path, value, random):
    dtype, small, wide = values.narrow_and_wide(value, random)
    lost = judge.LOST_NARROW if judge.narrow((arguments, call.owner, small)) else judge.LOST
    return alike(door, call, names, arguments, name, path, f"{name} as {dtype}", small, wide, lost)


def alike(door, call, names, arguments, name, path, what, one, other, lost):
    """Two forms of the same numbers: the same answers, or a refusal of the first."""
    copies = {key: fresh(part) for key, part in arguments.items()}
    left, outcome, reason = outcome_of(door, call, names, {**arguments, name: put(arguments[name], path, one)})
    if outcome is not None:
        return Input(what, outcome, reason)
    right, outcome, reason = outcome_of(door, call, names, {**copies, name: put(copies[name], path, other)})
    if outcome is UNCLEAR:
        return Input(what, outcome, reason)
    if outcome is REFUSED and str(one.dtype) in reason:      # a door that asks for this very dtype
        return Input(what, ANSWERED)
    if outcome is REFUSED:
        return Input(what, OTHER, f"an answer where the wide form is refused: {reason}")
    if not door.repeatable:
        return Input(what, ANSWERED)
    difference = judge.different(right, left, lost)
    return Input(what, OTHER if difference else SAME, difference)


def stranger(door, call, names, arguments, name, path, value, what, new):
    """Numbers as what is no number: refused, or the answer that the numbers have."""
    if what == "bool":
        return alike(door, call, names, arguments, name, path, f"{name} as bool", new, new.astype(np.int64), judge.LOST)
    if what == "object":
        return form(door, call, names, arguments, name, path, what, new)
    found = hostile(door, call, names, arguments, name, path, what, new)
    if found.outcome is ANSWERED and what in values.REFUSED:
        found.outcome, found.reason = OTHER, "an answer, though nothing is right for it"
    return found


def hostile(door, call, names, arguments, name, path, what, new):
    names = [*names, new] if type(new) is str else names      # a path or a wire, which may be named itself
    _, outcome, reason = outcome_of(door, call, names, {**arguments, name: put(arguments[name], path, new)})
    if outcome is UNCLEAR and what == "largest" and "RuntimeWarning" in reason:      # NumPy says that floats end there
        outcome = ANSWERED
    if outcome is UNCLEAR and callable(new):      # in the words of the function that came
        outcome = REFUSED if callable(arguments[name]) or f"{getattr(new, '__name__', '')}()" in reason else UNCLEAR
    return Input(f"{name} is {what}", outcome or ANSWERED, reason)
