"""Public functions, classes and modules of operations: whatever comes in, the error names the argument."""
import pickle
import typing

import numpy as np
import pytest

from refapprox import (
    LeNet5,
    Multiplier,
    MultiplierLibrary,
    UnknownNameError,
    error_stats,
    exact,
    load_library,
    lut_matmul,
)
from refapprox._lazy import guarded
from refapprox.analog import GlobalDriftCompensation, PCMLikeNoiseModel, PerfectReadout
from refapprox.analog.devices import MeanVariance
from refapprox.datasets import CropAndFlip, NormalizedImages
from refapprox.kinds import is_one_of
from refapprox.matching import IntermediateLayerResults, LayerInfo, MatchingInfo, nearest_uniform, simulated_stds
from refapprox.multipliers import Netlist, family_netlist, find_netlist
from refapprox.network import AvgPool2D, Pad
from refapprox.ops import agn, bias, cross_entropy, fake_quantize, linear, relu
from refapprox.ops import lut_matmul as products
from refapprox.quantization import LayerQuantization, QuantizationParameters
from refapprox.validation import LARGEST_ARRAY, check_array

HUGE = np.broadcast_to(np.int8(1), LARGEST_ARRAY + 1)
NET = LeNet5((1, 12, 12), rng=np.random.default_rng(0))
RESULTS = IntermediateLayerResults(1, np.array([[1]]), np.array([[1]]), np.array([[1]]))
NETLIST = family_netlist("exact", bits=2, signed=False)


@pytest.mark.parametrize(("call", "kind", "message"), [
    (lambda: error_stats.gaussian_distance(3), TypeError, "law must be of type Law, got 3"),
    (lambda: LeNet5(), TypeError, "missing 1 .* 'rng': nothing is random without .* rng=numpy.random.default_rng"),
    (lambda: Multiplier(np.zeros((4, 4), int), "swapped"), TypeError,
     r"name of a Multiplier must be of type str, got an array of shape \(4, 4\) and dtype int64"),
    (lambda: exact(12), ValueError, "at most 8, for a table, got 12. Wider .* from_family\\('exact', bits=12\\)"),
    (lambda: error_stats.simulation(None, None), TypeError, "emaps must be|operands must be of type LayerOperands"),
    (lambda: MultiplierLibrary(...), TypeError, "multipliers must be of type Iterable, got Ellipsis"),
    (lambda: MultiplierLibrary([3]), TypeError, r"multipliers\[0\] must be of type BinaryOperator, got 3"),
    (lambda: Multiplier.from_function("mine", 3), TypeError, "func must be of type Callable, got 3"),
    (lambda: agn.draw(3, np.random.default_rng(0)), TypeError, "shape must be a tuple of at most 32 sizes, got 3"),
    (lambda: agn.draw((2, 3), np.random.default_rng(0), [1, 2]), TypeError, "dtype must be of type dtype"),
    (lambda: LayerQuantization.for_multiplier([]), TypeError, "multiplier must be of type Multiplier or Circuit"),
    (lambda: linear.backward(np.ones((2, 5)), linear.forward(np.ones((2, 3)), np.ones((4, 3)))[1]), ValueError,
     r"dy of linear must have shape \(2, 4\), got \(2, 5\)"),
    (lambda: bias.backward(np.float64(1)), ValueError, r"dy of bias must have shape \(n, c\) or \(n, c, h, w\)"),
    (lambda: linear.forward(HUGE, np.ones((3, 4))), ValueError, "x of linear must have at most"),
    (lambda: products.zero_point_terms([0.5], [1], 2, 0, 0), ValueError, "x_sums of zero_point_terms must hold"),
    (lambda: products.zero_point_terms([1], [1], 2.5, 0, 0), TypeError, "k of zero_point_terms must be an integer"),
    (lambda: NETLIST.operand_wires(2), ValueError, "position must be at most 1, got 2"),
    (lambda: NETLIST.simulate([]), ValueError, "planes must be one for each of the 4 bits of the operands, got 0"),
    (lambda: exact(4)([], [1, 2]), ValueError, r"x of shape \(0,\) and w of shape \(2,\) do not broadcast"),
    (lambda: NETLIST([], [1, 2]), ValueError, r" of shape \(0,\) and .* of shape \(2,\) do not broadcast"),
    (lambda: nearest_uniform(MatchingInfo([], 1.0, 1), [3]), TypeError, r"multipliers\[0\] must have .perf"),
    (lambda: simulated_stds(RESULTS, [3], rng=np.random.default_rng(0)), TypeError, r"multipliers\[0\] must be of"),
    (lambda: agn.forward([np.inf, 0.0], 0.5, eps=[1.0, 1.0]), ValueError, "x of agn must have a finite standard dev"),
    (lambda: NET.forward(np.full((1, 1, 12, 12), np.inf)), ValueError, "images must be finite, got inf at"),
    (lambda: LayerInfo("a", "b", 1.0, 2.0).relative_opcount(0), ValueError, "total_opcount must not be 0"),
    (lambda: GlobalDriftCompensation().magnitude(np.zeros((0, 3))), ValueError, "y must hold at least one output"),
    (lambda: PerfectReadout()(np.ma.masked_array([1.0], [True])), TypeError, "weights must not be a masked array"),
    (lambda: CropAndFlip().apply(np.zeros((1, 1, 2, 2)), [[0, 0, 99]]), ValueError, r"moves must lie in \[0, 8\]"),
    (lambda: CropAndFlip().apply(np.zeros((2, 1, 2, 2)), [[0, 0, 0]]), ValueError, r"moves must have shape \(2, 3\)"),
])
def test_what_is_wrong_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_arrays_in_other_forms_give_the_same():
    assert MeanVariance.from_powers(np.uint8([16]), np.uint8([255])).variance == 0      # 255 - 256, no uint8 wrapped
    assert QuantizationParameters(0.5).scale_for([1.0, 2.0]) == 0.5
    images = NormalizedImages(np.zeros((1, 1, 2, 2), np.uint8), [0.0], [1.0])
    assert np.array_equal(images.normalized([[[51, 255]]]), images.normalized(np.uint8([[[51, 255]]])))
    planes = np.array([[1], [1], [0], [1]])
    wide = NETLIST.simulate(planes.astype(np.uint64))
    assert all(np.array_equal(a, b) for a, b in zip(NETLIST.simulate(planes.astype(np.int8)), wide, strict=True))


def test_flags_of_numpy_are_flags():
    """An identity with False once took np.False_ for true: another netlist, in silence."""
    assert find_netlist("udm", bits=2, signed=np.False_) == find_netlist("udm", bits=2, signed=False)
    assert [m.signed for m in load_library("drum(k=2)", bits=4, signed=np.False_)] == [False]
    with pytest.raises(TypeError, match="signed must be True or False, got 'unsigned'"):
        load_library("drum(k=2)", bits=4, signed="unsigned")


@pytest.mark.parametrize("masked", [
    lambda x: lut_matmul(x, [[1]], exact(2)),
    lambda x: cross_entropy.forward([[0.0, 1.0]], x[0]), lambda x: exact(2).exact(x, x),
    lambda x: PCMLikeNoiseModel().relative_read_noise(x),
    lambda x: NET.load_state({name: np.ma.masked_array(value) for name, value in NET.state().items()})])
def test_no_mask_is_lost(masked):
    with pytest.raises(TypeError, match="must not be a masked array"):
        masked(np.ma.masked_array([[1]], [[True]]))


def test_a_cotangent_of_another_shape_is_refused():
    """Some would broadcast, and give gradients of another loss."""
    x = np.ones((2, 3))
    for op, (y, cache) in ((agn, agn.forward(x, 0.1, eps=x * [1, 2, 3])),
                           (fake_quantize, fake_quantize.forward(x, 1, 0, 0, 1))):
        assert np.shape(y) == (2, 3)
        with pytest.raises(ValueError, match=rf"dy of {op.__name__.rpartition('.')[2]} must have shape \(2, 3\)"):
            op.backward(np.ones(3), cache)


def test_no_list_is_as_long_as_workers():
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        relu.forward(np.ones((2, 3)), workers=0)
    assert relu.forward(np.ones((2, 3)), workers=2 ** 40)[0].sum() == 6


def test_what_is_read_once_is_no_option_of_a_layer():
    """It would be gone at the second call."""
    with pytest.raises(TypeError, match="widths of pad must be an array of integers"):
        Pad(iter([(1, 1)]))
    layer = AvgPool2D(iter([2, 2]))
    assert layer.forward(np.ones((1, 1, 2, 2))).shape == layer.forward(np.ones((1, 1, 2, 2))).shape


def test_an_array_larger_than_any_memory_is_refused():
    with pytest.raises(ValueError, match=r"x must have at most 68719476736 elements, got shape \(68719476737,\)"):
        check_array("x", HUGE)


def test_a_name_that_nests_too_deep_to_be_printed():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert "an object of type list" in str(UnknownNameError("case", deep, ["a"]))


def test_an_error_of_other_code_passes_as_it_is():
    class Mine(Exception):
        pass

    def broken(x: int, y: float = 1.0):
        raise Mine("x of mine")

    def index(x: int):
        return {}[x]

    with pytest.raises(Mine, match="^x of mine$"):
        guarded(broken)(3)
    with pytest.raises(KeyError, match="^3$"):
        guarded(index)(3)


def test_where_every_argument_is_as_annotated_the_error_stays_as_it_is():
    def check(codes: np.ndarray, name: str | None = None, **more: typing.Any):
        raise error

    for error in (ValueError("it must be better."), AttributeError("no shape"), OverflowError("too large")):
        with pytest.raises(type(error)) as raised:
            guarded(check)(np.array([1, 2]), "that")
        assert raised.value is error and error.__cause__ is None


def test_lists_are_as_good_as_tuples_and_each_of_many_is_looked_at():
    netlist = Netlist([("A", 1), ("B", 1)], [("AND", (2, 3))], [4])
    with pytest.raises(ValueError, match="input wire of gate 0"):
        Netlist([("A", 1)], [("AND", (2, 3))], [2])
    with pytest.raises(ValueError, match="operands of netlist are A, B"):
        netlist.reordered("A", "C")
    with pytest.raises(TypeError, match=r"names\[1\] must be of type str, got 3"):
        netlist.reordered("A", 3)


def test_what_no_computation_can_hold_is_named_where_it_failed():
    def power(base: float, number: int):
        return base ** number

    with pytest.raises(ValueError, match="^number must be an integer of 64 bits, got one of 1329 bits.$") as raised:
        guarded(power)(2.0, 10 ** 400)
    assert isinstance(raised.value.__cause__, OverflowError)


def test_doors_stay_what_they_were():
    assert pickle.loads(pickle.dumps(lut_matmul)) is lut_matmul
    assert lut_matmul.__name__ == "lut_matmul" and "memory_limit" in lut_matmul.__doc__
    assert guarded(lut_matmul) is lut_matmul
    assert pickle.loads(pickle.dumps(MeanVariance(1.0, 2.0))) == MeanVariance(1.0, 2.0)


def test_a_union_may_have_a_name_that_does_not_show_its_parts():
    """As NumPy 2.5's ArrayLike on Python 3.12: every annotation was taken for it."""
    named = typing.TypeVar("named")
    assert is_one_of(named, named) and is_one_of(named, named | None)
    assert not is_one_of(named, str) and not is_one_of(named, typing.Any)


def test_lists_that_nest_too_deep_are_named_too():
    deep = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(TypeError, match="A of netlist"):
        Netlist([("A", 1), ("B", 1)], [("AND", (2, 3))], [4])(deep, 1)
