"""Hostile arguments, made from right ones: the same numbers in another form, other numbers, other kinds of things."""
import datetime
import decimal
import fractions

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

INTEGERS = tuple(map(np.dtype, ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")))
FLOATS = tuple(map(np.dtype, ("float16", "float32", "float64", "longdouble")))
HUGE = 10 ** 12
FORMS = ("dtype", "dtype", "dtype", "list", "tuple", "negative strides", "Fortran", "byte order", "every second",
         "read-only", "iterator", "array-like", "subclass", "broadcast")
SHAPES = ("empty axis", "0-d", "no axis", "one axis more", "one axis less", "transposed", "one longer", "one shorter",
          "zeros", "negated", "nan", "inf", "largest", "one element", "all equal")
LIKE = ("complex", "object", "dates", "spans", "text", "masked", "bool", "huge broadcast", "records")
NUMBERS = (0, -1, 1, 2, -2, 3, 255, 256, -128, 2 ** 31, -2 ** 31 - 1, 2 ** 53 + 1, 2 ** 63, 2 ** 64 - 1, 2 ** 64,
           10 ** 400, -10 ** 400, 0.5, -0.5, 1e-300, 1e300, 5e-324, float("nan"), float("inf"), float("-inf"), -0.0)


def representable(array, dtype):
    """Whether `dtype` holds every element of `array` exactly."""
    with np.errstate(all="ignore"):
        narrow = array.astype(dtype)
        return bool(np.array_equal(narrow.astype(array.dtype), array)) and (
            dtype.kind not in "iu" or array.size == 0 or (array.min() >= np.iinfo(dtype).min
                                                          and array.max() <= np.iinfo(dtype).max))


# The same numbers in another form: the answer must be the same, or a clear refusal.

def reformed_array(array, random):
    """(name of the form, `array` in another form)."""
    kind = random.choice(FORMS)
    if kind == "dtype" and array.dtype.kind in "iuf":
        fits = [d for d in INTEGERS + FLOATS if d != array.dtype and representable(array, d)]
        if fits:
            dtype = random.choice(fits)
            return str(dtype), array.astype(dtype)
    if kind == "list":
        return kind, array.tolist()
    if kind == "tuple":
        return kind, tuple(array.tolist()) if array.ndim else array[()]
    if kind == "iterator":
        return kind, iter(array.tolist()) if array.ndim else array
    if kind == "negative strides":
        turned = array[(slice(None, None, -1),) * array.ndim].copy()
        return kind, turned[(slice(None, None, -1),) * array.ndim]
    if kind == "Fortran":
        return kind, np.array(array, order="F")
    if kind == "byte order":
        return kind, array.astype(array.dtype.newbyteorder())
    if kind == "every second" and array.ndim:
        return kind, np.repeat(array, 2, axis=-1)[..., ::2]
    if kind == "array-like":
        return kind, ArrayLike(array)
    if kind == "subclass":
        return kind, array.view(Subclass)
    if kind == "broadcast" and array.ndim and array.shape[0] and (array == array[:1]).all():
        return kind, np.broadcast_to(array[:1], array.shape)
    locked = array.copy()
    locked.flags.writeable = False
    return "read-only", locked


class ArrayLike:
    """What NumPy makes an array of, and nothing else can be done with."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.array, dtype)


class Subclass(np.ndarray):
    """An array of a class of its own."""


def reformed_number(number, random):
    """(name, the same number in another form)."""
    if isinstance(number, (bool, np.bool_)):
        return "np.bool_", np.bool_(number)
    dtypes = [d for d in (INTEGERS if isinstance(number, (int, np.integer)) else FLOATS)
              if representable(np.asarray(number), d)]
    choices = [(str(d), d.type(number)) for d in dtypes] + [("0-d array", np.array(number)),
                                                           ("float", float(number)), ("Fraction", fraction(number))]
    if float(number).is_integer() and abs(number) < 2 ** 53:
        choices += [("int", int(number)), ("np.int64", np.int64(number))]
    return random.choice(choices)


def fraction(number):
    return fractions.Fraction(float(number)) if np.isfinite(float(number)) else number


def reformed(value, random):
    """(name, value in another form), or None where it has none."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "iufb":
        return reformed_array(value, random)
    if isinstance(value, (bool, int, float, np.integer, np.floating, np.bool_)):
        try:
            return reformed_number(value, random)
        except (OverflowError, ValueError):
            return None
    if type(value) is str:
        return "np.str_", np.str_(value)
    if type(value) in (list, tuple) and value and all(isinstance(v, (int, float, np.number)) for v in value):
        kind = random.choice(("list", "tuple", "array", "iterator", "numbers"))
        made = {"list": list, "tuple": tuple, "iterator": iter, "array": np.array,
                "numbers": lambda items: [reformed_number(item, random)[1] for item in items]}[kind]
        return kind, made(value)
    return None


# Narrow and wide: numbers at the ends of a narrow type, and the same numbers in a wide one.

def narrow_and_wide(array, random):
    """(dtype name, narrow array, the same numbers as int64 or float64) of the shape of `array`."""
    low, high = (int(array.min()), int(array.max())) if array.size and array.dtype.kind in "iu" else (0, 0)
    if array.dtype.kind in "iu":
        dtype = random.choice(INTEGERS[:6])
        info = np.iinfo(dtype)
        if random.random() < 0.5:      # the codes that the example has, which fit more often
            low, high = max(low, info.min), max(min(high, info.max), max(low, info.min))
        else:
            low, high = info.min, info.max
        rng = np.random.default_rng(random.getrandbits(32))
        ends = rng.integers(0, 2, array.shape) * (high - low) + low
        drawn = np.where(rng.random(array.shape) < 0.5, ends, rng.integers(low, high, array.shape, endpoint=True))
        narrow = drawn.astype(dtype)
        return str(dtype), narrow, narrow.astype(np.int64)
    dtype = random.choice((np.dtype(np.float32), np.dtype(np.float16), np.dtype(np.int8), np.dtype(np.uint8)))
    rng = np.random.default_rng(random.getrandbits(32))
    if dtype.kind in "iu":
        narrow = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, array.shape, endpoint=True).astype(dtype)
    else:
        narrow = np.asarray(array * (1 + rng.integers(0, 8, array.shape) / 8), dtype)
    return str(dtype), narrow, narrow.astype(np.float64)


# Other shapes and numbers

def reshaped(array, random):
    """(name, an array of another shape or with other numbers)."""
    kind = random.choice(SHAPES)
    axis = random.randrange(array.ndim) if array.ndim else 0
    if kind == "0-d":
        return kind, np.array(array.ravel()[0] if array.size else 0)
    if kind == "empty axis" and array.ndim:
        return kind, np.take(array, [], axis)
    if kind == "one axis more":
        return kind, array[None]
    if kind == "one axis less" and array.ndim and array.size:
        return kind, array[0]
    if kind == "transposed":
        return kind, array.T
    if kind == "one longer" and array.ndim:
        return kind, np.repeat(array, 2, axis)[tuple(slice(None, n + (i == axis)) for i, n in enumerate(array.shape))]
    if kind == "one shorter" and array.ndim:
        return kind, np.delete(array, -1, axis) if array.shape[axis] else array
    if kind == "zeros":
        return kind, np.zeros_like(array)
    if kind == "negated" and array.dtype.kind in "if":
        return kind, -array
    if kind in ("nan", "inf") and array.dtype.kind == "f" and array.size:
        changed = array.copy()
        changed.flat[random.randrange(array.size)] = float(kind) * random.choice((1, -1))
        return kind, changed
    if kind == "largest" and array.dtype.kind in "iuf" and array.size:
        changed, limit = array.copy(), np.iinfo if array.dtype.kind in "iu" else np.finfo
        changed.flat[random.randrange(array.size)] = random.choice((limit(array.dtype).max, limit(array.dtype).min))
        return kind, changed
    if kind == "one element" and array.size:
        return kind, array.ravel()[:1]
    if kind == "all equal" and array.size:
        return kind, np.full_like(array, array.ravel()[0])
    return "empty", np.array([])


def renumbered(number, random):
    """(name, another number)."""
    new = random.choice([*NUMBERS, number + 1, number - 1, -number, number * 2, number / 2]
                        if not isinstance(number, (bool, np.bool_)) else [*NUMBERS, not number])
    return "number", new


# Other kinds

class Sly:
    """An object that refuses whatever is asked of it."""

    def __repr__(self):
        raise RuntimeError("no repr")

    def __bool__(self):
        raise RuntimeError("no truth")

    def __len__(self):
        raise RuntimeError("no length")


def endless():
    while True:
        yield 1


def strangers(random):
    """(name, something of another kind); made anew, as some of it changes when it is read."""
    made = stranger_kinds(random)
    name = random.choice(list(made))
    return name, made[name]()


def stranger_kinds(random):
    """name -> what makes something of another kind."""
    return {
        "None": lambda: None, "bool": lambda: random.choice((True, False, np.True_)),
        "text": lambda: random.choice(("", "a", "\0", "nan", "0", "None", "\ud800", "x" * 10_000, "../..", "%s{0}")),
        "bytes": lambda: b"\x00\xff", "dict": dict, "set": lambda: {1, 2}, "empty list": list,
        "ragged list": lambda: [[1, 2], [3]], "deep list": deep_list, "object": object, "sly object": Sly,
        "class": lambda: random.choice((int, np.ndarray, np.random.Generator)), "function": lambda: len,
        "complex": lambda: 1 + 2j, "date": lambda: datetime.date(2020, 1, 1), "ellipsis": lambda: ...,
        "Decimal": lambda: decimal.Decimal("NaN"), "iterator": lambda: iter([1, 2, 3]), "range": lambda: range(3),
        "NotImplemented": lambda: NotImplemented, "RandomState": lambda: np.random.RandomState(0),
        "Generator class": lambda: np.random.Generator, "masked": lambda: np.ma.masked, "slice": lambda: slice(2),
        "object array": lambda: np.array([None, 1], object), "text array": lambda: np.array(["a", "1"]),
        "bytes array": lambda: np.array([b"a"]), "dates": lambda: np.array(["2020-01-01"], "M8[D]"),
        "spans": lambda: np.array([3], "m8[s]"), "complex array": lambda: np.array([1 + 2j, 0]),
        "record array": lambda: np.zeros(2, [("a", int)]), "bool array": lambda: np.array([True, False]),
        "masked array": lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
        "uint64 near 2**64": lambda: np.array([2 ** 64 - 1, 0], np.uint64), "2**64 - 1": lambda: np.uint64(2 ** 64 - 1),
        "huge broadcast": lambda: np.broadcast_to(random.choice((np.float64(0.5), np.int8(1), 0)), HUGE),
        "huge broadcast matrix": lambda: np.broadcast_to(np.int64(1), (10 ** 6, 10 ** 6)),
        "0-d object": lambda: np.array(None), "empty array": lambda: np.zeros((0,)),
        "empty matrix": lambda: np.zeros((0, 3), np.int64), "long integer": lambda: 10 ** 5000,
    }


def deep_list():
    value = [1]
    for _ in range(3000):
        value = [value]
    return value


def like_stranger(value, random):
    """(name, the numbers of `value` as something that is no number: dates, complex, objects, masked ...)."""
    array = np.asarray(value)
    kind = random.choice(LIKE)
    if kind == "complex":
        return kind, array + 1j
    if kind == "object":
        return kind, array.astype(object)
    if kind in ("dates", "spans"):
        return kind, np.zeros(array.shape, "M8[D]" if kind == "dates" else "m8[s]")
    if kind == "text":
        return kind, array.astype(str)
    if kind == "masked":
        return kind, np.ma.masked_array(array, np.arange(array.size).reshape(array.shape) % 2 == 0)
    if kind == "records":
        return kind, np.zeros(array.shape, [("a", int)])
    if kind == "bool":
        return kind, array.astype(bool)
    ones = array.ravel()[:1] if array.size else np.zeros(1, array.dtype)
    count = round(HUGE ** (1 / max(array.ndim, 1))) + 1
    return kind, np.broadcast_to(ones.reshape((1,) * max(array.ndim, 1)), (count,) * max(array.ndim, 1))


REFUSED = ("complex", "dates", "spans", "text", "masked", "records", "huge broadcast")     # that no answer is right for


def hypothesis_pool(number, size=60):
    """Values that Hypothesis draws under a seed: numbers, arrays of every kind of dtype, nested lists, text."""
    pool = []
    scalars = st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=5),
                        st.binary(max_size=5), st.complex_numbers(), st.fractions(), st.decimals())
    arrays = hnp.arrays(st.one_of(hnp.integer_dtypes(endianness="?"), hnp.unsigned_integer_dtypes(endianness="?"),
                                  hnp.floating_dtypes(endianness="?"), hnp.boolean_dtypes(),
                                  hnp.complex_number_dtypes(), hnp.datetime64_dtypes(), hnp.unicode_string_dtypes()),
                        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    trees = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3)
                         | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=6)

    @seed(number)
    @settings(max_examples=size, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(st.one_of(arrays, arrays, scalars, trees))
    def draw(value):
        pool.append(value)

    draw()
    return pool
