"""Bisecting a network layer by layer: the first that parts, and the defects that explain it."""
import itertools

import numpy as np
import pytest

from refapprox import load_library
from refapprox.compat.bisecting import RecordedLayer, bisect_layers, defects_seen, layers_of
from refapprox.compat.presets import PRESETS, get_preset
from refapprox.multipliers import from_family
from refapprox.nets import LeNet5
from refapprox.quantization import QuantizationParameters

SIGNED = load_library()["mul8s_1KVL"]      # not symmetric in its operands, and m(0, 0) is not 0
TABLES = {True: SIGNED, False: from_family("truncated", signed=False, k=5)}


def network(preset, defects_of, multiplier):
    """Three layers in a row as a framework with `defects_of` (layer -> names) computes them, recorded."""
    rng, x, recorded = np.random.default_rng(0), np.random.default_rng(1).normal(size=(3, 2, 7, 7)), []
    for name, shape, geometry in (("conv1", (4, 2, 3, 3), {"padding": 1}), ("conv2", (6, 4, 3, 3), {"stride": 2}),
                                  ("linear", (5, 54), None)):
        w = rng.normal(size=shape)
        if geometry is None:
            x = x.reshape(len(x), -1)
            y = preset.linear(x, w, multiplier, defects=defects_of.get(name, ()))
        else:
            y = preset.conv2d(x, w, multiplier, **geometry, defects=defects_of.get(name, ()))
        recorded.append(RecordedLayer(name, x, w, y, geometry=geometry or {}))
        x = np.maximum(y, y.mean())      # any nonlinearity; not 0 at the least, so that zero points are not all 0
    return recorded


def test_a_network_as_meant_agrees():
    for preset in PRESETS.values():
        multiplier = TABLES[preset.signed]
        verdicts = bisect_layers(preset, network(preset, {}, multiplier), multiplier)
        assert [v.name for v in verdicts] == ["conv1", "conv2", "linear"] and all(v.agrees for v in verdicts)
        assert "as meant" in str(verdicts[0])


@pytest.mark.parametrize("defects", [pair for count in (1, 2) for pair in itertools.combinations(
    ["transposed table", "x zero-point term with the wrong sign", "padding with code 0"], count)])
def test_the_first_layer_that_parts_is_named_with_its_defects(defects):
    """Only conv1 is wrong: what follows is computed from wrong activations, rightly, and is not accused."""
    preset = get_preset("torchapprox")
    first, *others = bisect_layers("torchapprox", network(preset, {"conv1": defects}, SIGNED), SIGNED)
    assert not first.agrees and first.explanations == [defects] and all(v.agrees for v in others)
    assert str(first).startswith("conv1: parts by") and str(first).endswith(" + ".join(defects))


def test_a_defect_in_a_later_layer():
    preset = get_preset("torchapprox")
    verdicts = bisect_layers("torchapprox", network(preset, {"conv2": ["transposed table"]}, SIGNED), SIGNED)
    assert [v.agrees for v in verdicts] == [True, False, True]
    assert verdicts[1].explanations == [("transposed table",)]


def test_what_nothing_explains_is_said():
    layers = network(get_preset("adapt"), {}, SIGNED)
    wrong = RecordedLayer("conv1", layers[0].x, layers[0].w, 1.01 * layers[0].y, layers[0].geometry)
    verdict, = bisect_layers("adapt", [wrong], SIGNED)
    assert verdict.explanations == [] and np.isclose(verdict.deviation, 0.01)
    assert "nothing that is known explains it" in str(verdict)
    assert bisect_layers("adapt", [wrong], SIGNED, rtol=0.02)[0].agrees


def test_scales_of_the_framework_are_taken():
    """By the channel, and with a zero point of its own: the definition of the layer, with exact products."""
    rng, scales = np.random.default_rng(2), np.array([0.01, 0.02])
    qx, qw = QuantizationParameters(0.05, 7, 0, 127), QuantizationParameters(scales, np.array([0, 0]))
    x, w = rng.normal(size=(3, 4)), 0.3 * rng.normal(size=(2, 4))
    exact = load_library()["mul8s_1KV8"]
    y = qx.dequantize(qx.quantize(x)) @ qw.dequantize(qw.quantize(w)).T
    verdict, = bisect_layers("torchapprox", [RecordedLayer("fc", x, w, y, qx=qx, qw=qw)], exact, rtol=1e-12)
    assert verdict.agrees
    verdict, = bisect_layers("torchapprox", [RecordedLayer("fc", x, w, y)], exact)
    assert not verdict.agrees


def test_scales_by_position_where_they_can_be():
    """Four channels and 2 x 2 positions; with 2 x 3 the tool refuses, and no explanation is made up."""
    rng, scales = np.random.default_rng(5), np.array([0.5, 1.0, 2.0, 4.0])
    qx, qw = QuantizationParameters(1.0, 0), QuantizationParameters(scales, np.zeros(4, int))
    x = rng.integers(-9, 9, (1, 1, 3, 4)).astype(float)
    w = scales[:, None, None, None] * rng.integers(-9, 9, (4, 1, 2, 2))
    square = RecordedLayer("conv", x[..., :3], w, qx=qx, qw=qw)
    y = square.computed(get_preset("torchapprox"), SIGNED)
    wrong = (y.reshape(4, 4) / scales[:, None] * scales).reshape(y.shape)      # scale j on position j
    verdict, = bisect_layers("torchapprox", [RecordedLayer("conv", x[..., :3], w, wrong, {}, qx, qw)], SIGNED)
    assert verdict.explanations == [("channel scales along positions",)]
    wide = RecordedLayer("conv", x, w, qx=qx, qw=qw)
    with pytest.raises(ValueError, match="multiplies 4 scales of channels along 6 output positions"):
        wide.computed(get_preset("torchapprox"), SIGNED, frozenset(["channel scales along positions"]))
    doubled = RecordedLayer("conv", x, w, 2 * wide.computed(get_preset("torchapprox"), SIGNED), {}, qx, qw)
    assert bisect_layers("torchapprox", [doubled], SIGNED)[0].explanations == []
    assert defects_seen("torchapprox", [square, wide], SIGNED)["channel scales along positions"] == ["conv", "conv"]


def test_where_each_defect_shows():
    net = LeNet5(rng=np.random.default_rng(3))
    layers = layers_of(net, np.random.default_rng(4).normal(size=(2, 1, 28, 28)).astype(np.float32))
    assert [layer.name for layer in layers] == [name for name, _ in net.noisy_modules]
    assert not any("forward" in vars(layer) for _, layer in net.noisy_modules)
    seen = defects_seen("torchapprox", layers, SIGNED)
    assert seen["transposed table"] == [layers[0].name, layers[1].name]
    # only the images have negative values; what follows a ReLU has the zero point 0
    assert seen["x zero-point term with the wrong sign"] == seen["padding with code 0"] == [layers[0].name]
    assert defects_seen("agnapprox", layers, SIGNED) == {}


@pytest.mark.parametrize("change, message", [
    ({"y": None}, "layer fc has no output y"),
    ({"y": np.zeros((2, 3))}, r"y of fc must have shape \(3, 2\), got \(2, 3\)"),
    ({"y": np.full((3, 2), np.nan)}, "y of fc must be finite"),
    ({"w": np.zeros((2, 4, 1, 1))}, "layer fc needs x of shape"),
    ({"x": np.zeros((3, 4, 1, 1)), "w": np.zeros((2, 4, 1, 1)), "geometry": {"strides": 2}},
     "geometry of fc has stride, padding, dilation, groups, got strides")])
def test_bad_records_are_refused(change, message):
    record = {"name": "fc", "x": np.ones((3, 4)), "w": np.ones((2, 4)), "y": np.zeros((3, 2))} | change
    with pytest.raises(ValueError, match=message):
        bisect_layers("torchapprox", [RecordedLayer(**record)], SIGNED)
