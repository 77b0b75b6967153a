"""Fully connected layers and convolutions of codes: geometry, padding that is not free, zero points."""
import numpy as np

from refapprox.conformance.spec.base import TOGETHER, Part, Refused, family, operation
from refapprox.conformance.spec.examples import Example, exact, integers
from refapprox.conformance.spec.tables import (
    entries,
    lowest,
    operands,
    sum_of_products,
    weight_matrix,
    wrapped,
)

# ---- parts of the correction of one output

corrections = Part(
    "What zero points add to a sum of k products.",
    lambda sx, sw, k, zx, zw: k * zx * zw - zx * sw - zw * sx, {
    "missing zero-point cross term": ("k z_x z_w is not added", lambda sx, sw, k, zx, zw: -zx * sw - zw * sx),
    "missing x zero-point term": ("z_x sum w is not subtracted", lambda sx, sw, k, zx, zw: k * zx * zw - zw * sx),
    "missing w zero-point term": ("z_w sum x is not subtracted", lambda sx, sw, k, zx, zw: k * zx * zw - zx * sw),
    "zero-point terms with the wrong sign": ("corrections are added instead of subtracted",
        lambda sx, sw, k, zx, zw: zx * sw + zw * sx - k * zx * zw),
    "x zero-point term with the wrong sign": ("z_x sum w is added instead of subtracted (torchapprox's convolution)",
        lambda sx, sw, k, zx, zw: zx * sw - zw * sx + k * zx * zw)})
factors_of_cross_term = Part("How many products an output sums.", lambda k, groups: k, {
    "cross term over all channels": ("k of k z_x z_w counts the channels of all groups", lambda k, groups: k * groups)})
zero_point_of = Part(
    "The weight's zero point of an output.",
    lambda zero_points, output: int(zero_points[output]) if np.ndim(zero_points) else int(zero_points), {
    "one zero point for all channels": ("the first channel's zero point corrects every channel",
        lambda zero_points, output: int(np.ravel(zero_points)[0]))})
sums_of_codes = Part(
    "(sum x, sum w) behind an output; `whole`: the kernel is 1x1 or as large as the image.",
    lambda x, w, x_zero_point, w_zero_point, whole: (int(sum(x.tolist())), int(sum(w.tolist()))), {
    "patch sums of 1": ("1 stands for both real-valued patch sums (TFApprox's kernel of 1x1 and full-size filters)",
        lambda x, w, zx, zw, whole: (1 + len(x) * zx, 1 + len(w) * zw) if whole
        else sums_of_codes.right(x, w, zx, zw, whole))})
counted = Part(
    "Which taps of a patch are looked up: all, padded positions as any other.",
    lambda inside: np.ones(len(inside), dtype=bool), {
    "padding without lookup": ("padded positions add nothing, although m(code of zero, w) is not 0",
        lambda inside: inside)})
output_of = Part("The corrected sum as it is handed out.", lambda y: y, {
    "int16 output": ("corrected sums wrap at 16 bits", lambda y: wrapped(y, 16))})


def neuron(m, signed, x, w, x_zero_point, w_zero_point, *, inside=None, groups=1, whole=False):
    """One output from its operands x and w, (k,) each."""
    taps = slice(None) if inside is None else counted(inside)
    sums = sum_of_products(m, signed, x[taps], w[taps], len(x))
    x_sum, w_sum = sums_of_codes(x, w, x_zero_point, w_zero_point, whole)
    return output_of(sums + corrections(x_sum, w_sum, factors_of_cross_term(len(x), groups), x_zero_point,
                                        w_zero_point))


# ---- parts of the geometry

axes = Part("(vertical, horizontal) pairs.", lambda stride, padding, dilation: (stride, padding, dilation), {
    "swapped image axes": ("vertical and horizontal stride, padding and dilation are exchanged",
        lambda s, p, d: (s[::-1], p[::-1], d[::-1])),
    "swapped stride": ("vertical and horizontal stride are exchanged", lambda s, p, d: (s[::-1], p, d)),
    "swapped padding": ("vertical and horizontal padding are exchanged", lambda s, p, d: (s, p[::-1], d)),
    "swapped dilation": ("vertical and horizontal dilation are exchanged", lambda s, p, d: (s, p, d[::-1])),
    "dilation ignored": ("taps are adjacent", lambda s, p, d: (s, p, [1, 1]))})
output_size = Part(
    "floor((size + 2 p - d (k - 1) - 1) / s) + 1 along one axis.",
    lambda size, kernel, stride, padding, dilation: (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1, {
    "floor and ceiling of the output size": ("the last, incomplete window is evaluated, too",
        lambda size, k, s, p, d: -(-(size + 2 * p - d * (k - 1) - 1) // s) + 1)})
group_of = Part(
    "Which group of channels an output sees.",
    lambda output, outputs, groups: output // (outputs // groups), {
    "groups interleaved": ("output o belongs to group o mod groups", lambda output, outputs, groups: output % groups)})
kernel_of = Part("Whose weights an output takes.", lambda output, outputs, groups: output, {
    "weights of groups shifted": ("every group takes the weights of the next one",
        lambda output, outputs, groups: (output + outputs // groups) % outputs if groups > 1 else output)})
tap = Part("Which position of the patch the kernel's element (i, j) meets.", lambda i, j, height, width: (i, j), {
    "flipped kernel": ("true convolution instead of cross-correlation",
        lambda i, j, height, width: (height - 1 - i, width - 1 - j))})
padding_code = Part("What padded positions hold.", lambda zero_point: zero_point, {
    "padding with code 0": ("padded positions hold code 0 instead of the zero point (torchapprox)",
        lambda zero_point: 0)})
TOGETHER.append(("transposed table", "padding with code 0"))      # a padded position is looked up by both


def patches(x_shape, w_shape, stride, padding, dilation, groups):
    """(output's index, whose weights it takes, positions of its taps in x, which of them lie inside) one by one.

    Taps come in the order of a kernel's elements. A padding is an int for both sides of an axis, or (before, after).
    """
    stride, padding, dilation = axes(stride, padding, dilation)
    (n, _, *size), (m, per_group, *kernel) = x_shape, w_shape
    sides = [np.broadcast_to(pad, 2) for pad in padding]
    height, width = (output_size(*axis) for axis in zip(
        size + np.sum(sides, axis=1), kernel, stride, (0, 0), dilation, strict=True))
    if min(height, width) < 1:
        raise Refused("the kernel is larger than the image")
    taps = np.array([(c, *tap(i, j, *kernel)) for c, i, j in np.ndindex(per_group, *kernel)])
    for image, o, p, q in np.ndindex(n, m, height, width):
        channels = group_of(o, m, groups) * per_group + taps[:, 0]
        rows = p * stride[0] - sides[0][0] + taps[:, 1] * dilation[0]
        columns = q * stride[1] - sides[1][0] + taps[:, 2] * dilation[1]
        inside = (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
        yield (image, o, p, q), kernel_of(o, m, groups), (image, channels, rows, columns), inside


def values_at(x, positions, inside, pad):
    """Elements of x at the positions, `pad` outside."""
    image, channels, rows, columns = positions
    values = x[image, channels, np.where(inside, rows, 0), np.where(inside, columns, 0)]
    return np.where(inside, values, pad)


def filled(outputs, dtype):
    """The array of {index: value}; the last index is that of its last element."""
    y = np.zeros([last + 1 for last in max(outputs)], dtype=dtype)
    for index, value in outputs.items():
        y[index] = value
    return y


# ---- operations


@operation("y", "linear", exact())
def linear(*, x, w, lut, signed, x_zero_point, w_zero_point):
    """Integer accumulators of a fully connected layer, x (n, k), w (m, k) -> y (n, m):

    y[i, o] = sum_k lut[x[i, k], w[o, k]] - z_x sum_k w[o, k] - z_w sum_k x[i, k] + k z_x z_w

    `w_zero_point` is an int, or an integer array (m,).
    """
    m, w = entries(lut, signed), weight_matrix(w)
    return np.array([[neuron(m, signed, row, weights, x_zero_point, zero_point_of(w_zero_point, o))
                      for o, weights in enumerate(w)] for row in x], dtype=np.int64)


@operation("y", "convolution", exact())
def conv2d(*, x, w, lut, signed, stride, padding, dilation, groups, x_zero_point, w_zero_point):
    """Integer accumulators of a convolution, x (n, c, h, w), w (m, c / groups, kh, kw) -> y (n, m, oh, ow).

    As `linear` over each patch; a padded position holds the code `x_zero_point` and goes through the table like
    any other. Cross-correlation; stride, padding, dilation are (vertical, horizontal) lists.
    """
    m, pad, y = entries(lut, signed), padding_code(x_zero_point), {}
    whole = w.shape[2:] == (1, 1) or w.shape[2:] == x.shape[2:]
    for index, o, positions, inside in patches(x.shape, w.shape, stride, padding, dilation, groups):
        y[index] = neuron(m, signed, values_at(x, positions, inside, pad), w[o].ravel(), x_zero_point,
                          zero_point_of(w_zero_point, index[1]), inside=inside, groups=groups, whole=whole)
    return filled(y, np.int64)


fan_in_of = Part("Multiplications per output.", lambda w_shape, groups: w_shape[1] * w_shape[2] * w_shape[3], {
    "groups ignored in the fan-in": ("fan-in = channels * kh * kw for grouped layers, too (torchapprox's fan_in)",
        lambda w_shape, groups: groups * fan_in_of.right(w_shape, groups))})


@operation("fan_in opcount", "counts", exact())
def conv2d_counts(*, x_shape, w_shape, stride, padding, dilation, groups):
    """(multiplications per output, multiplications per sample) of a convolution, integers."""
    stride, padding, dilation = axes(stride, padding, dilation)
    height, width = (output_size(*axis) for axis in zip(x_shape[2:], w_shape[2:], stride, padding, dilation,
                                                        strict=True))
    return fan_in_of(w_shape, groups), w_shape[0] * height * width * w_shape[1] * w_shape[2] * w_shape[3]


# ---- examples

PLAIN = {"stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1}


def drawn(key, table, x_shape, w_shape):
    """Codes x and w over the whole range of the table."""
    low = lowest(table)
    return {"x": integers(f"conv {key}", x_shape, low, low + 255),
            "w": integers(f"conv w {key}", w_shape, low, low + 255)}


def convolved(name, table, codes, probes, *, x_zero_point=0, w_zero_point=0, **geometry):
    return Example(name, conv2d, {**codes, **operands(table), **PLAIN, **geometry, "x_zero_point": x_zero_point,
                                  "w_zero_point": w_zero_point}, probes)


@family("linear")
def fully_connected():
    """The weight of a layer is (outputs, inputs); the activation still indexes axis 0 of the table."""
    for name, table, (n, k, m) in (("wide", "probe_s8", (2, 3, 5)), ("square", "broken_s8", (3, 4, 4)),
                                   ("inexact-at-zero", "offset_s8", (2, 6, 3)), ("unsigned", "probe_u8", (2, 5, 3)),
                                   ("one-output", "broken_s8", (4, 20, 1))):
        low = lowest(table)
        yield Example(name, linear, {"x": integers(f"linear {name}", (n, k), low, low + 255),
                                     "w": integers(f"linear w {name}", (m, k), low, low + 255), **operands(table),
                                     "x_zero_point": 0, "w_zero_point": 0},
                      f"fully connected layer of {k} inputs and {m} outputs, table {table}")


GEOMETRIES = {      # name -> (x shape, w shape, geometry)
    "plain-3x3": ((1, 1, 5, 5), (2, 1, 3, 3), {}),
    "channels": ((2, 3, 4, 4), (2, 3, 3, 3), {}),
    "kernel-1x1": ((1, 3, 3, 3), (2, 3, 1, 1), {}),
    "kernel-2x2": ((1, 2, 4, 4), (2, 2, 2, 2), {}),
    "kernel-4x2": ((1, 1, 6, 5), (2, 1, 4, 2), {}),
    "kernel-1x3": ((1, 2, 4, 5), (1, 2, 1, 3), {}),
    "full-size": ((2, 2, 3, 3), (2, 2, 3, 3), {}),
    "stride-2": ((1, 2, 6, 6), (1, 2, 3, 3), {"stride": [2, 2]}),
    "stride-2x1": ((1, 1, 6, 6), (1, 1, 3, 3), {"stride": [2, 1]}),
    "stride-3-of-7": ((1, 1, 7, 8), (1, 1, 2, 2), {"stride": [3, 3]}),
    "dilation-2": ((1, 1, 6, 6), (2, 1, 3, 3), {"dilation": [2, 2]}),
    "dilation-1x2": ((1, 1, 5, 6), (1, 1, 2, 3), {"dilation": [1, 2]}),
    "groups-2": ((1, 4, 4, 4), (4, 2, 3, 3), {"groups": 2}),
    "groups-3": ((1, 6, 3, 3), (6, 2, 2, 2), {"groups": 3}),
    "depthwise": ((1, 3, 4, 4), (3, 1, 3, 3), {"groups": 3}),
    "depthwise-multiplier-2": ((1, 2, 4, 4), (4, 1, 3, 3), {"groups": 2}),
    "everything": ((1, 4, 7, 6), (4, 2, 2, 3), {"stride": [2, 1], "padding": [1, 2], "dilation": [2, 1], "groups": 2}),
}


@family("conv2d")
def geometries():
    """Geometry, on tables that are exact at zero or name their entry."""
    image, kernel = np.zeros((1, 1, 3, 3), np.int64), 2 ** np.arange(4).reshape(1, 1, 2, 2)
    image[0, 0, 1, 1] = 1
    yield convolved("which-tap", "exact_s8", {"x": image, "w": kernel},
                    "one pixel is 1, the kernel holds powers of two: each output names the tap that met the pixel")
    for index, (name, (x_shape, w_shape, geometry)) in enumerate(GEOMETRIES.items()):
        table = ("probe_s8", "broken_s8", "broken_u8")[index % 3]
        yield convolved(name, table, drawn(name, table, x_shape, w_shape), f"geometry {name}, table {table}",
                        **geometry)


@family("conv2d_padding")
def paddings():
    """Padded positions hold the code of zero and go through the table: m(code of zero, w) is not 0 here."""
    zeros = np.zeros((1, 1, 2, 2), np.int64)
    yield convolved("zeros", "offset_s8", {"x": zeros, "w": zeros}, "zeros everywhere: each output is 4 m(0,0)",
                    padding=[1, 1])
    for name, padding, zero_point, kernel in (("one", [1, 1], 0, (3, 3)), ("two", [2, 2], 0, (3, 3)),
                                              ("vertical", [1, 0], 0, (3, 3)), ("even-kernel", [1, 1], 0, (2, 2)),
                                              ("zero-point", [1, 1], 3, (3, 3)),
                                              ("negative-zero-point", [1, 1], -128, (3, 3))):
        yield convolved(name, "offset_s8", drawn(f"padding {name}", "offset_s8", (1, 2, 3, 4), (2, 2, *kernel)),
                        f"padding {tuple(padding)} with zero point {zero_point}: padded positions hold it and are "
                        "looked up", padding=padding, x_zero_point=zero_point)
    for name, table, x_shape, w_shape, probes, inputs in (
            ("unsigned", "offset_u8", (1, 1, 3, 3), (1, 1, 3, 3), "unsigned codes, zero point 100",
             {"padding": [1, 1], "x_zero_point": 100}),
            ("strided", "offset_s8", (1, 1, 4, 5), (2, 1, 3, 3), "padding with stride (2, 1)",
             {"padding": [1, 1], "stride": [2, 1]}),
            ("depthwise", "offset_s8", (1, 2, 3, 3), (2, 1, 3, 3), "padding of a depthwise convolution",
             {"padding": [1, 1], "groups": 2, "x_zero_point": -7})):
        yield convolved(name, table, drawn(f"padding {name}", table, x_shape, w_shape), probes, **inputs)
    for name, x_shape, w_shape, geometry in (
            ("kernel-1x1", (1, 2, 2, 3), (3, 2, 1, 1), {"padding": [1, 2]}),
            ("kernel-1x1-strided", (1, 2, 3, 3), (2, 2, 1, 1), {"padding": [1, 1], "stride": [2, 2]}),
            ("dilated", (1, 1, 5, 5), (2, 1, 3, 3), {"padding": [2, 2], "dilation": [2, 2]}),
            ("groups", (1, 4, 3, 3), (4, 2, 2, 2), {"padding": [1, 1], "groups": 2}),
            ("even-kernel-strided", (1, 1, 4, 5), (2, 1, 4, 2), {"padding": [2, 1], "stride": [2, 1]}),
            ("depthwise-dilated", (1, 3, 4, 4), (3, 1, 3, 3), {"padding": [2, 1], "dilation": [2, 1], "groups": 3}),
            ("everything", (1, 4, 5, 6), (4, 2, 2, 3),
             {"stride": [2, 1], "padding": [1, 2], "dilation": [2, 1], "groups": 2})):
        yield convolved(name, "offset_s8", drawn(f"padding {name}", "offset_s8", x_shape, w_shape),
                        f"padding of geometry {name}, zero point 5", x_zero_point=5, **geometry)


@family("zero_points")
def affine_codes():
    """Affine codes: the sums of codes and the cross term, per tensor and per output channel."""
    channels = np.array([4, -3, 0])
    for name, zx, zw in (("activation", 5, 0), ("weight", 0, -6), ("both", 5, -6), ("per-channel", 0, channels),
                         ("both-per-channel", -128, channels)):
        zero_points = {"x_zero_point": zx, "w_zero_point": zw}
        what = f"zero points {zx} of x and {np.array(zw).tolist()} of w in a"
        yield convolved(f"conv2d-{name}", "broken_s8", drawn(f"zp {name}", "broken_s8", (1, 2, 3, 3), (3, 2, 2, 2)),
                        f"{what} convolution", **zero_points)
        yield Example(f"linear-{name}", linear, {**drawn(f"zpl {name}", "offset_s8", (2, 5), (3, 5)),
                                                 **operands("offset_s8"), **zero_points},
                      f"{what} fully connected layer")
    for name, x_shape, w_shape in (("1x1", (1, 2, 2, 3), (3, 2, 1, 1)), ("full-size", (2, 2, 3, 2), (3, 2, 3, 2))):
        yield convolved(f"conv2d-{name}", "exact_s8", drawn(f"zp {name}", "exact_s8", x_shape, w_shape),
                        f"a {name} kernel still needs the sums of its operands", x_zero_point=9, w_zero_point=-4)
        yield convolved(f"conv2d-unsigned-{name}", "offset_u8", drawn(f"zp unsigned {name}", "offset_u8", x_shape,
                                                                      w_shape),
                        f"unsigned codes and a {name} kernel", x_zero_point=100, w_zero_point=30)
    yield convolved("conv2d-padded", "exact_s8", drawn("zp padded", "exact_s8", (1, 1, 3, 3), (2, 1, 3, 3)),
                    "padded positions count in the sum of activations", x_zero_point=9, w_zero_point=-4, padding=[1, 1])
    yield convolved("conv2d-groups", "broken_s8", drawn("zp groups", "broken_s8", (1, 4, 3, 3), (4, 2, 2, 2)),
                    "sums run over the channels of the own group", x_zero_point=3, w_zero_point=np.array([1, 2, 3, 4]),
                    groups=2)


@family("counts")
def counted_products():
    """Multiplications per output and per sample."""
    for name in ("plain-3x3", "stride-2x1", "groups-2", "depthwise", "depthwise-multiplier-2", "everything"):
        x_shape, w_shape, geometry = GEOMETRIES[name]
        yield Example(name, conv2d_counts, {"x_shape": list(x_shape), "w_shape": list(w_shape), **PLAIN, **geometry},
                      f"fan-in and multiplications per sample, {name}")
