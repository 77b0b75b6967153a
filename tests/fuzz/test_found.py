"""What hostile inputs have found, one call for each kind: refused in words that name the argument."""
import functools
import pathlib

import numpy as np
import pytest

from refapprox import load_library, quantization, read_circuit
from refapprox.analog import DualPairConductanceConverter, PCMLikeNoiseModel, WeightProgrammingOptimizer
from refapprox.compat.agnapprox.libs import EvoApprox
from refapprox.compat.aihwkit.inference import NPairConductanceConverter as PlainPairs
from refapprox.compat.presets import PRESETS
from refapprox.compat.torchapprox.layers import ApproxConv2d
from refapprox.compat.torchapprox.layers.approx_layer import ApproxLayer, QuantizationParameters
from refapprox.compat.torchapprox.operators import ApproxConv2dOp, ApproxGeMM, Conv2dArgs, dwconv2d
from refapprox.datasets.pixels import CropAndFlip
from refapprox.error_stats import AliasSampler, LayerOperands, corrections, error_law, mixed_law, propagation
from refapprox.files import write_json
from refapprox.matching import AssignmentProblem, IntermediateLayerResults, kmeans_assignment
from refapprox.multipliers import Netlist, quarters_figures, read_netlist, read_table
from refapprox.multipliers.circuits import delay, from_wires
from refapprox.multipliers.formats import read_mantissa_table
from refapprox.nets import ApproxNet, make_net
from refapprox.network import BatchNorm, Flatten, Linear, Sequential
from refapprox.ops import agn, conv2d
from refapprox.optimizer import StageSettings
from refapprox.plotting import error_maps, new_figure
from refapprox.training import fit, topk_accuracy
from tests.fuzz.values import Sly

CIRCUIT = pathlib.Path(__file__).with_name("circuits") / "mul2u_rtl.v"
HALF = Netlist([("A", 1), ("B", 1)], [("AND", (2, 3))], [4])
RNG = np.random.default_rng(0)
UNIT = QuantizationParameters([1.0], [0.0], [1.0], [0.0])
STAGES = dict.fromkeys(("baseline", "quant", "gradient", "approx"), StageSettings(epochs=1, lr=0.1))
ONE, DEEP = np.ones((1, 1)), functools.reduce(lambda inner, _: [inner], range(3000), [])


def convolved(htp_model=None, **more):
    return ApproxConv2dOp.apply(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)), UNIT, Conv2dArgs(1, 1, 2, 1, 0, 1, 1),
                                htp_model, None, ApproxLayer.accurate_lut(), None, **more)


def multiplied(htp_model):
    return ApproxGeMM.apply(ONE, ONE, ApproxLayer.accurate_lut(), UNIT, htp_model, None)


def net(input_shape=(1, 2, 2)):
    return ApproxNet(Sequential(flatten=Flatten(), linear=Linear(4, 2, rng=RNG)), input_shape, STAGES, rng=RNG)


def trained():
    found = net()
    found.forward(np.zeros((3, 1, 2, 2)), training=True)
    return found


def search():
    return WeightProgrammingOptimizer(np.linspace(-1, 1, 50), [1, None], PCMLikeNoiseModel(), [3600.0],
                                      DualPairConductanceConverter([1, 1]), maxiter=1, popsize=1)


@pytest.mark.parametrize(("call", "kind", "words"), [
    (lambda: multiplied(np.random.Generator), TypeError, "htp_model must be of type .*, got the class Generator"),
    (lambda: convolved(np.random.Generator), TypeError, "htp_model must be of type .*, got the class Generator"),
    (lambda: multiplied(lambda op, x, w, _: 3.0), ValueError, r"what htp_model returned must have shape \(1, 1\)"),
    (lambda: convolved(lambda op, x, w, **_: 3.0), TypeError, r"takes 3 positional arguments but 4 were given"),
    (lambda: convolved(lambda op, x, w, _: np.ones((2, 1, 1, 1))), ValueError, "what htp_model returned must have"),
    (lambda: convolved(defects=np.zeros((0, 3))), TypeError, "defects of torchapprox must be 'all' or a collection"),
    (lambda: dwconv2d(np.zeros((1, 2, 2, 0)), np.zeros((2, 1, 2, 2)), np.zeros((256, 256))), ValueError,
     "must fit the map 2x0 of x"),
    (lambda: kmeans_assignment(AssignmentProblem([[5, 1], [9, 0]], [5, 3], [3, 1], [0.1, 0.5]), 2, rng=RNG,
                               restarts=2 ** 64 - 1), ValueError, "restarts must be at most 10000"),
    (lambda: search().objective(np.zeros((0, 28))), ValueError, "x must hold at least one point"),
    (lambda: search().objective([[1, 2], [3]]), TypeError, "x must be an array of numbers"),
    (lambda: net((510,)), ValueError, r"input_shape must fit the model, got \(510,\): x and w of linear"),
    (lambda: net().forward(np.zeros((0, 1, 2, 2))), ValueError, "images of ApproxNet must hold at least one"),
    (lambda: AliasSampler(iter([3, 7]), [0.5, 0.5]), TypeError, "values must be an array of real numbers"),
    (lambda: AliasSampler([3, 7], iter([0.5, 0.5])), TypeError, "probabilities must be an array of real numbers"),
    (lambda: AliasSampler(np.ma.masked_array([3, 7], [True, False]), [0.5, 0.5]), TypeError, "values must not be"),
    (lambda: AliasSampler(np.array([3], "m8[s]"), [1.0]), TypeError, "values must be an array of real numbers"),
    (lambda: DualPairConductanceConverter([1, 1]).convert_back_to_weights(np.array(1.0), {"scale_ratio": 1}),
     ValueError, "conductances must be 4 arrays"),
    (lambda: agn.forward([1.0, 2.0], 0.0, eps=[np.inf, 0.0]), ValueError, "eps of agn must be finite"),
    (lambda: topk_accuracy([[0.0, 1.0]], np.ma.masked_array([1], [True])), TypeError, "target must not be a masked"),
    (lambda: PRESETS["tfapprox"].linear(np.ma.masked_array(ONE, True), ONE, None), TypeError, "x must not be a masked"),
    (lambda: AssignmentProblem([np.ma.masked_array([5, 1], [True, False]), [9, 0]], [5, 3], [3, 1], [0.1, 0.5]),
     TypeError, "stds must not be a masked array"),
    (lambda: topk_accuracy([[0.0, 1.0]], [1], topk=np.broadcast_to(1, 10 ** 12)), ValueError, "topk must have at most"),
    (lambda: error_law([[2 ** 63, 0], [0, 0]], LayerOperands.from_distributions([1, 0], [1, 0], 2),
                       "single_distribution"), ValueError, r"emap must hold errors of at most 2\*\*53"),
    (lambda: quarters_figures(*[np.full((2, 2), -2 ** 63)] * 4), ValueError, "low_low, .* must be error maps"),
    (lambda: conv2d.forward(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)), padding=(np.ndarray, 0)), TypeError,
     "padding of conv2d must be an integer"),
    (lambda: agn.draw((2 ** 64 - 1, 0), RNG), ValueError, "shape must be at most"),
    (lambda: BatchNorm(2).forward(np.zeros((0, 2, 3, 3))), ValueError, "x of batch_norm must hold at least one"),
    (lambda: ApproxConv2d(1, 1, 2, rng=np.random.Generator), TypeError, "rng must be a numpy.random.Generator.* class"),
    (lambda: load_library(np.array(["builtin", None])), TypeError, "source must be of type str or PathLike"),
    (lambda: load_library(more=np.zeros(0)), TypeError, "more must be of type list or tuple"),
    (lambda: read_circuit(iter(["a.v"])), TypeError, "path_or_paths must be of type"),
    (lambda: from_wires([("A", 1)], [("NOT", ["A[0]"], [DEEP])], ["A[0]"]), TypeError, "gates must be triples"),
    (lambda: PlainPairs([1.0, -1.0]), ValueError, "f_lst must neither hold nor add up to 0"),
    (lambda: PlainPairs([5e-324, 1.0]), ValueError, "f_lst must neither hold nor add up to 0"),
    (lambda: read_netlist(CIRCUIT, liberty=""), ValueError, "liberty must name a file, got ''"),
    (lambda: from_wires([("A", 1)], [("NOT", [Sly()], ["n"])], ["A[0]"]), TypeError, "gates must be triples"),
    (lambda: from_wires([(DEEP, 1)], [], ["A[0]"]), TypeError, "operands: label must be of type"),
    (lambda: Netlist([("A", 1)], [("NOT", np.array(None))], [2]), TypeError, "gates: wires of gate 0"),
    (lambda: delay(HALF, figures={}), TypeError, r"figures\['AND'\] must be of type Mapping"),
    (lambda: delay(HALF, figures={"AND": {}}), ValueError, r"figures\['AND'\] must hold 'delay'"),
    (lambda: mixed_law([]), ValueError, "laws must hold at least one"),
    (lambda: mixed_law(range(2)), TypeError, "laws must be of type Law"),
    (lambda: IntermediateLayerResults(1, ONE, ONE, ONE).scaled(np.ma.masked_array(ONE[None], True)), TypeError,
     "sums must not be a masked array"),
    (lambda: PCMLikeNoiseModel().read([0.0], [-1e300], 60.0, normals=[0.0]), ValueError, "drift_state must leave"),
    (lambda: write_json("\ud800/a.json", 1), ValueError, "path or folder must have a name that the system can write"),
    (lambda: load_library(signed=False), ValueError, "source builtin holds no unsigned multiplier"),
    (lambda: new_figure(size=[]), ValueError, r"size must be \(width, height\)"),
    *[(lambda wrong=wrong: error_maps(wrong), TypeError, "multipliers must be several")
      for wrong in (Sly(), np.array(0))],
    (lambda: error_maps([]), ValueError, "multipliers of error_maps must hold at least one"),
    (lambda: fit(net(), None, "quant", STAGES["quant"], on_epoch=3), TypeError, "on_epoch must be a function of"),
    (lambda: net().begin_epoch("x", 0), KeyError, "stage must be one of"),
    (lambda: trained().backward(np.ones((2, 2))), ValueError, r"dlogits must have shape \(3, 2\)"),
    (lambda: make_net("lenet5", (1, 28, 28), 0, rng=RNG), ValueError, "num_classes must be at least 1"),
    (lambda: StageSettings(epochs=2 ** 64 - 1, lr=0.1), ValueError, "epochs must be at most"),
    (lambda: write_json("a\0.json", 1), ValueError, "path or folder must have a name that the system can write"),
    (lambda: quantization.quantize_with_mask(np.ones(2), quantization.QuantizationParameters(1.0), "i4,f8"), KeyError,
     "dtype of quantize_with_mask must be one of float32, float64"),
    (lambda: EvoApprox("\0"), ValueError, "filter_str: no built-in multiplier has"),
    (lambda: corrections.affine_fit(np.eye(2), 1e300 * np.eye(2)), ValueError, "approximate must hold numbers of"),
    (lambda: corrections.remap_weights(3, [1.0]), TypeError, "multiplier must be of type BinaryOperator"),
    (lambda: corrections.mean_compensation([[0, 1]], []), TypeError, "operands must be of type LayerOperands"),
    (lambda: propagation.max_of_two(0, 1, None, 1), TypeError, "mean_b must be an array of real numbers"),
    (lambda: propagation.max_pool([], [1.0, 1.0]), ValueError, r"mean of shape \(0,\) and variance of shape \(2,\)"),
    (lambda: propagation.relu(1e300, 1.0), ValueError, "mean must be at most 1e\\+100 in size"),
    (lambda: propagation.linear([0, 0], np.eye(2), [[1.0]]), ValueError, r"weight must have shape \(m, 2\)"),
    (lambda: propagation.avg_pool([], []), ValueError, r"mean and covariance must have shapes \(k,\) and \(k, k\)"),
    *[(lambda read=read, path=path: read(path), ValueError, f"path must name a file, got '{pathlib.Path(path)}'")
      for read in (read_mantissa_table, read_table, read_netlist) for path in ("/", pathlib.Path(""))],
])
def test_the_argument_is_named(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_records_keep_what_their_checks_return():
    """2 * uint8(200) is 144, and an iterator is read once."""
    moves = CropAndFlip(padding=np.uint8(200)).draw(10 ** 3, np.random.default_rng(0))
    assert moves[:, :2].max() > 360      # 1000 draws from 0 to 400 miss the last tenth with probability 0.9**2000
    assert StageSettings(np.uint8(100), 0.1, step=np.uint8(40)).stretched(np.uint8(250)).milestones == (100, 200)
    gates = [("AND", (np.uint8(2), np.uint8(3)))]
    assert Netlist([("A", 1), ("B", 1)], iter(gates), iter([4])) == Netlist([("A", 1), ("B", 1)], gates, [4])
    assert type(Netlist([("A", 1), ("B", 1)], gates, [np.uint8(4)]).outputs[0]) is int
