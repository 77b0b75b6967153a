"""Layers from real numbers to real numbers that multiply through a table, and their declared gradients."""
import numpy as np

from refapprox.conformance.spec.base import TOGETHER, Part, family, operation
from refapprox.conformance.spec.convolution import PLAIN, conv2d, linear
from refapprox.conformance.spec.examples import Example, reals, rounding
from refapprox.conformance.spec.float_layers import convolve_gradient
from refapprox.conformance.spec.quantization import codes, fake, passed
from refapprox.conformance.spec.tables import TABLES, operands

# ---- parts


def along_positions(sums, x_scale, w_scale):
    if np.ndim(w_scale) == 0 or sums[0, 0].size != len(w_scale):
        return scaled.right(sums, x_scale, w_scale)
    return (sums.reshape(*sums.shape[:2], -1) * (x_scale * w_scale)).reshape(sums.shape)


scaled = Part(
    "Sums (n, m, oh, ow) of a convolution times the scales.",
    lambda sums, x_scale, w_scale: sums * (x_scale * np.asarray(w_scale).reshape(-1, 1, 1)), {
    "channel scales along positions": ("the scales of the weights' channels multiply the output positions "
        "(torchapprox's convolution without zero points)", along_positions)})
TOGETHER.append(("transposed table", "channel scales along positions"))      # a factor of a wrong sum


operands_of_gradient = Part("Which operand the gradient multiplies by.", lambda real, faked: faked, {
    "float operands in the gradient": ("the gradient uses operands before fake quantization",
        lambda real, faked: real)})
other_operands = Part("(what dx is made of, what dw is made of).", lambda dy, x, w: (w, x), {
    "gradient of the other operand": ("dx and dw are computed with each other's operand",
        lambda dy, x, w: (x, w) if dy.shape == x.shape == w.shape else (w, x))})
gradients = Part("The gradients as they are handed out.", lambda dx, dw, x_scale: (dx, dw), {
    "gradient scaled by the scale": lambda dx, dw, x_scale: (x_scale * dx, x_scale * dw)})


def limits(signed):
    """All codes of a table."""
    return (-128, 127) if signed else (0, 255)


def per_output(function, w, scale, zero_point, signed):
    """`function` of each output's weights with its own scale and zero point."""
    scales, zero_points = (np.broadcast_to(v, len(w)).tolist() for v in (scale, zero_point))
    return np.stack([function(row, s, z, *limits(signed)) for row, s, z in zip(w, scales, zero_points, strict=True)])


def coded(x, w, signed, x_scale, x_zero_point, w_scale, w_zero_point):
    """The codes of both operands, with the zero points: inputs of `linear` and `conv2d`."""
    return {"x": codes(x, x_scale, x_zero_point, *limits(signed)), "x_zero_point": x_zero_point, "signed": signed,
            "w": per_output(codes, w, w_scale, w_zero_point, signed), "w_zero_point": w_zero_point}


def layer_gradient(product, dy, x, w, signed, x_scale, x_zero_point, w_scale, w_zero_point):
    """(dx, dw) by `product(dy, x, w)` of the fake-quantized operands, 0 where an operand was clipped."""
    x_used = operands_of_gradient(x, fake(x, x_scale, x_zero_point, *limits(signed)))
    w_used = operands_of_gradient(w, per_output(fake, w, w_scale, w_zero_point, signed))
    dx, dw = product(dy, x_used, w_used)
    return gradients(dx * passed(x, x_scale, x_zero_point, *limits(signed)),
                     dw * per_output(passed, w, w_scale, w_zero_point, signed), x_scale)


def matrix_gradient(dy, x, w):
    """dx[i, k] = sum_o dy[i, o] w[o, k]; dw[o, k] = sum_i dy[i, o] x[i, k]."""
    for_dx, for_dw = other_operands(dy, x, w)
    dx = np.array([[sum(dy[i, o] * for_dx[o, c] for o in range(len(w))) for c in range(x.shape[1])]
                   for i in range(len(x))])
    dw = np.array([[sum(dy[i, o] * for_dw[i, c] for i in range(len(x))) for c in range(x.shape[1])]
                   for o in range(len(w))])
    return dx, dw


# ---- operations

RESCALED = rounding(lambda inputs, right: {"y": np.abs(right["y"]).max()}, 16, "an exact integer, rescaled")
SUMMED = rounding(lambda inputs, right: {"dx": 2 * np.abs(inputs["dy"]).max() * 8,
                                         "dw": 3 * np.abs(inputs["dy"]).max() * 8})


@operation("y", "layers", RESCALED)
def linear_layer(*, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point):
    """x_scale * w_scale * linear(quantize(x), quantize(w)) with all codes of the table as the range.

    `w_scale` and `w_zero_point` are numbers, or arrays (m,): one for each output.
    """
    sums = linear(lut=lut, **coded(x, w, signed, x_scale, x_zero_point, w_scale, w_zero_point))
    return sums * (x_scale * np.asarray(w_scale))


@operation("dx dw", "straight-through", SUMMED)
def linear_layer_gradient(*, dy, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point):
    """Straight-through (dx, dw): the gradient of the exact product of the fake-quantized operands, 0 where an
    operand was clipped."""
    return layer_gradient(matrix_gradient, dy, x, w, signed, x_scale, x_zero_point, w_scale, w_zero_point)


@operation("y", "layers", RESCALED)
def conv2d_layer(*, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point, stride, padding, dilation, groups):
    """As `linear_layer`, for the convolution of `conv2d`."""
    sums = conv2d(lut=lut, **coded(x, w, signed, x_scale, x_zero_point, w_scale, w_zero_point), stride=stride,
                  padding=padding, dilation=dilation, groups=groups)
    if x_zero_point or np.any(w_zero_point):
        return scaled.right(sums, x_scale, w_scale)
    return scaled(sums, x_scale, w_scale)


@operation("dx dw", "straight-through", SUMMED)
def conv2d_layer_gradient(*, dy, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point, stride, padding,
                          dilation, groups):
    """As `linear_layer_gradient`, for the convolution of `conv2d`."""
    def product(dy, x, w):
        return convolve_gradient(dy, x, w, stride=stride, padding=padding, dilation=dilation, groups=groups)

    return layer_gradient(product, dy, x, w, signed, x_scale, x_zero_point, w_scale, w_zero_point)


# ---- examples

SETTINGS = {      # name -> (table, x shape, w shape, quantization, geometry or None for linear)
    "linear-symmetric": ("broken_s8", (3, 4), (2, 4), (0.03125, 0, 0.0078125, 0), None),
    "linear-affine": ("offset_s8", (2, 5), (3, 5), (0.015625, -20, 0.0078125, 0), None),
    "linear-square": ("exact_s8", (3, 3), (3, 3), (0.0078125, 0, 0.0078125, 0), None),
    "linear-square-affine": ("offset_s8", (4, 4), (4, 4), (0.015625, 11, 0.0078125, 0), None),
    "linear-per-channel": ("broken_s8", (2, 4), (3, 4), (0.03125, 7, [0.0078125, 0.015625, 0.00390625], [0, 3, -5]),
                           None),
    "linear-unsigned": ("broken_u8", (2, 4), (3, 4), (0.015625, 64, 0.0078125, 128), None),
    "conv2d-symmetric": ("broken_s8", (1, 2, 4, 4), (2, 2, 3, 3), (0.03125, 0, 0.0078125, 0), {"padding": [1, 1]}),
    "conv2d-affine": ("offset_s8", (1, 2, 4, 4), (2, 2, 2, 2), (0.015625, -20, 0.0078125, 0),
                      {"padding": [1, 1], "stride": [2, 2]}),
    "conv2d-per-channel": ("broken_s8", (1, 4, 3, 3), (2, 2, 2, 2), (0.03125, 5, [0.0078125, 0.015625], [4, -4]),
                           {"groups": 2}),
    # as many channels as positions: what runs along the wrong axis is not refused
    "conv2d-channel-scales": ("exact_s8", (1, 2, 3, 3), (4, 2, 2, 2),
                              (0.03125, 0, [0.0078125, 0.015625, 0.01171875, 0.03125], [0, 0, 0, 0]), {}),
    "conv2d-channel-scales-depthwise": ("broken_s8", (2, 2, 2, 3), (2, 1, 2, 2),
                                        (0.03125, 0, [0.0078125, 0.015625], [0, 0]), {"groups": 2}),
}


def settings():
    """(name, table, inputs of the layer, its operation, that of its gradient)."""
    for name, (table, x_shape, w_shape, (x_scale, zx, w_scale, zw), geometry) in SETTINGS.items():
        w_scale, zw = (np.array(v) if isinstance(v, list) else v for v in (w_scale, zw))
        inputs = {"x": reals(f"layer {name}", x_shape, -3, 3), "w": reals(f"layer w {name}", w_shape, -1.25, 1.25),
                  **operands(table), "x_scale": x_scale, "x_zero_point": zx, "w_scale": w_scale, "w_zero_point": zw}
        if geometry is None:
            yield name, table, inputs, linear_layer, linear_layer_gradient
        else:
            yield name, table, inputs | PLAIN | geometry, conv2d_layer, conv2d_layer_gradient


@family("layers")
def forward():
    for name, table, inputs, layer, _ in settings():
        yield Example(name, layer, inputs, f"quantize, accumulate through {table}, correct, rescale: {name}")


@family("straight_through")
def backward():
    """The table has no say in it."""
    for name, table, inputs, layer, gradient in settings():
        signed, m, _ = TABLES[table]
        shape = layer(**inputs | {"lut": np.zeros((256, 256), np.int32)}).shape
        yield Example(name, gradient, {"dy": reals(f"dy {name}", shape, -2, 2), **inputs},
                      f"straight-through gradient of the exact product, 0 where clipped: {name}")
