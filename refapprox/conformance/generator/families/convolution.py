"""Convolution through a table: geometry, padding that is not free, zero points."""
import numpy as np

from refapprox.conformance.generator import products
from refapprox.conformance.generator.building import exact, listed, make
from refapprox.conformance.generator.draws import integers
from refapprox.conformance.generator.families.tables import operands, reference
from refapprox.conformance.generator.tables import product

DEVIATIONS = {      # mistake -> how `products.conv2d` deviates
    "flipped kernel": {"flipped": True},
    "swapped image axes": {"swapped": True},
    "floor and ceiling of the output size": {"ceiling": True},
    "padding without lookup": {"pad": "skipped"},
    "padding with code 0": {"pad": "code 0"},
    "tile padding looked up": {"tile": 16},
    "tile padding of 8 looked up": {"tile": 8},
    "missing zero-point cross term": {"terms": {"cross": 0}},
    "missing x zero-point term": {"terms": {"x": 0}},
    "missing w zero-point term": {"terms": {"w": 0}},
    "zero-point terms with the wrong sign": {"terms": {"x": -1, "w": -1, "cross": -1}},
    "x zero-point term with the wrong sign": {"terms": {"x": -1}},
    "one zero point for all channels": {"one_zero_point": True},
}
TOGETHER = {"transposed table + padding with code 0": {"look": "transposed table", "pad": "code 0"}}


def together(geometry, x_zero_point):
    """Mistakes that meet in one look-up: those of a padded position that does not hold code 0."""
    return TOGETHER if x_zero_point and any(geometry["padding"]) else {}


def conv_case(case_id, table, x, w, probes, *, x_zero_point=0, w_zero_point=0, **geometry):
    """One convolution with every mistake that can show in it."""
    geometry = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, **geometry}

    def y(geometry=geometry, **how):
        made = products.conv2d(table, x, w, **geometry, x_zero_point=x_zero_point, w_zero_point=w_zero_point, **how)
        return None if made is None else {"y": made}

    mistakes = {how: y(look=how) for how in reference(table)}
    mistakes.update({name: y(**how) for name, how in {**DEVIATIONS, **together(geometry, x_zero_point)}.items()})
    mistakes["dilation ignored"] = y({**geometry, "dilation": (1, 1)})
    if geometry["groups"] > 1 and w.shape[1] * geometry["groups"] == x.shape[1]:
        mistakes["groups interleaved"] = y(interleaved=True)
    if w.shape[2:] == (1, 1) or w.shape[2:] == x.shape[2:]:
        mistakes["patch sums of 1"] = y(real_sums_of_1=True)
    inputs = {**operands(table, x=x, w=w), **listed(geometry),
              "x_zero_point": x_zero_point, "w_zero_point": w_zero_point}
    return make(case_id, "conv2d", inputs, y(), probes=probes, check=exact(), mistakes=mistakes,
                reference="convolution")


def drawn(name, table, x_shape, w_shape):
    """Codes (x, w) over the whole range of the table."""
    qmin = product(table)[2]
    return integers(f"conv {name}", x_shape, qmin, qmin + 255), integers(f"conv w {name}", w_shape, qmin, qmin + 255)


GEOMETRIES = {      # name -> (x shape, w shape, geometry)
    "plain-3x3": ((1, 1, 5, 5), (2, 1, 3, 3), {}),
    "channels": ((2, 3, 4, 4), (2, 3, 3, 3), {}),
    "kernel-1x1": ((1, 3, 3, 3), (2, 3, 1, 1), {}),
    "kernel-2x2": ((1, 2, 4, 4), (2, 2, 2, 2), {}),
    "kernel-4x2": ((1, 1, 6, 5), (2, 1, 4, 2), {}),
    "kernel-1x3": ((1, 2, 4, 5), (1, 2, 1, 3), {}),
    "full-size": ((2, 2, 3, 3), (2, 2, 3, 3), {}),
    "stride-2": ((1, 2, 6, 6), (1, 2, 3, 3), {"stride": (2, 2)}),
    "stride-2x1": ((1, 1, 6, 6), (1, 1, 3, 3), {"stride": (2, 1)}),
    "stride-3-of-7": ((1, 1, 7, 8), (1, 1, 2, 2), {"stride": (3, 3)}),
    "dilation-2": ((1, 1, 6, 6), (2, 1, 3, 3), {"dilation": (2, 2)}),
    "dilation-1x2": ((1, 1, 5, 6), (1, 1, 2, 3), {"dilation": (1, 2)}),
    "groups-2": ((1, 4, 4, 4), (4, 2, 3, 3), {"groups": 2}),
    "groups-3": ((1, 6, 3, 3), (6, 2, 2, 2), {"groups": 3}),
    "depthwise": ((1, 3, 4, 4), (3, 1, 3, 3), {"groups": 3}),
    "depthwise-multiplier-2": ((1, 2, 4, 4), (4, 1, 3, 3), {"groups": 2}),
    "everything": ((1, 4, 7, 6), (4, 2, 2, 3), {"stride": (2, 1), "padding": (1, 2), "dilation": (2, 1), "groups": 2}),
}


def conv2d():
    """Geometry, on tables that are exact at zero or name their entry."""
    image, kernel = np.zeros((1, 1, 3, 3), np.int64), 2 ** np.arange(4).reshape(1, 1, 2, 2)
    image[0, 0, 1, 1] = 1
    yield conv_case("conv2d/which-tap", "exact_s8", image, kernel,
                    "one pixel is 1, the kernel holds powers of two: each output names the tap that met the pixel")
    for index, (name, (x_shape, w_shape, geometry)) in enumerate(GEOMETRIES.items()):
        table = ("probe_s8", "broken_s8", "broken_u8")[index % 3]
        x, w = drawn(name, table, x_shape, w_shape)
        yield conv_case(f"conv2d/{name}", table, x, w, f"geometry {name}, table {table}", **geometry)


def padding():
    """Padded positions hold the code of zero and go through the table: m(code of zero, w) is not 0 here."""
    zeros = np.zeros((1, 1, 2, 2), np.int64)
    yield conv_case("conv2d_padding/zeros", "offset_s8", zeros, zeros, "zeros everywhere: each output is 4 m(0,0)",
                    padding=(1, 1))
    for name, padding_, zero_point, kernel in (("one", (1, 1), 0, (3, 3)), ("two", (2, 2), 0, (3, 3)),
                                               ("vertical", (1, 0), 0, (3, 3)), ("even-kernel", (1, 1), 0, (2, 2)),
                                               ("zero-point", (1, 1), 3, (3, 3)),
                                               ("negative-zero-point", (1, 1), -128, (3, 3))):
        x, w = drawn(f"padding {name}", "offset_s8", (1, 2, 3, 4), (2, 2, *kernel))
        yield conv_case(f"conv2d_padding/{name}", "offset_s8", x, w,
                        f"padding {padding_} with zero point {zero_point}: padded positions hold it and are looked up",
                        padding=padding_, x_zero_point=zero_point)
    x, w = drawn("padding unsigned", "offset_u8", (1, 1, 3, 3), (1, 1, 3, 3))
    yield conv_case("conv2d_padding/unsigned", "offset_u8", x, w, "unsigned codes, zero point 100", padding=(1, 1),
                    x_zero_point=100)
    x, w = drawn("padding strided", "offset_s8", (1, 1, 4, 5), (2, 1, 3, 3))
    yield conv_case("conv2d_padding/strided", "offset_s8", x, w, "padding with stride (2, 1)", padding=(1, 1),
                    stride=(2, 1))
    x, w = drawn("padding depthwise", "offset_s8", (1, 2, 3, 3), (2, 1, 3, 3))
    yield conv_case("conv2d_padding/depthwise", "offset_s8", x, w, "padding of a depthwise convolution", padding=(1, 1),
                    groups=2, x_zero_point=-7)
    for name, x_shape, w_shape, geometry in (
            ("kernel-1x1", (1, 2, 2, 3), (3, 2, 1, 1), {"padding": (1, 2)}),
            ("kernel-1x1-strided", (1, 2, 3, 3), (2, 2, 1, 1), {"padding": (1, 1), "stride": (2, 2)}),
            ("dilated", (1, 1, 5, 5), (2, 1, 3, 3), {"padding": (2, 2), "dilation": (2, 2)}),
            ("groups", (1, 4, 3, 3), (4, 2, 2, 2), {"padding": (1, 1), "groups": 2}),
            ("even-kernel-strided", (1, 1, 4, 5), (2, 1, 4, 2), {"padding": (2, 1), "stride": (2, 1)}),
            ("depthwise-dilated", (1, 3, 4, 4), (3, 1, 3, 3), {"padding": (2, 1), "dilation": (2, 1), "groups": 3}),
            ("everything", (1, 4, 5, 6), (4, 2, 2, 3),
             {"stride": (2, 1), "padding": (1, 2), "dilation": (2, 1), "groups": 2})):
        x, w = drawn(f"padding {name}", "offset_s8", x_shape, w_shape)
        yield conv_case(f"conv2d_padding/{name}", "offset_s8", x, w, f"padding of geometry {name}, zero point 5",
                        x_zero_point=5, **geometry)


def counts():
    """Multiplications per output and per sample."""
    for name, (x_shape, w_shape, geometry) in GEOMETRIES.items():
        if name not in ("plain-3x3", "stride-2x1", "groups-2", "depthwise", "depthwise-multiplier-2", "everything"):
            continue
        geometry = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, **geometry}
        height, width = products.output_sizes(x_shape[2:], w_shape[2:], *(geometry[key] for key in
                                                                          ("stride", "padding", "dilation")))
        fan_in = w_shape[1] * w_shape[2] * w_shape[3]
        opcount = fan_in * w_shape[0] * height * width
        yield make(f"counts/{name}", "conv2d_counts",
                   {"x_shape": list(x_shape), "w_shape": list(w_shape), **listed(geometry)},
                   {"fan_in": fan_in, "opcount": opcount}, probes=f"fan-in and multiplications per sample, {name}",
                   check=exact(), reference="counts",
                   mistakes={"groups ignored in the fan-in": {"fan_in": fan_in * geometry["groups"],
                                                              "opcount": opcount}})


def zero_points():
    """Affine codes: the sums of codes and the cross term, per tensor and per output channel."""
    channels = np.array([4, -3, 0])
    for name, zx, zw in (("activation", 5, 0), ("weight", 0, -6), ("both", 5, -6), ("per-channel", 0, channels),
                         ("both-per-channel", -128, channels)):
        x, w = drawn(f"zp {name}", "broken_s8", (1, 2, 3, 3), (3, 2, 2, 2))
        yield conv_case(f"zero_points/conv2d-{name}", "broken_s8", x, w,
                        f"zero points {zx} of x and {np.array(zw).tolist()} of w in a convolution",
                        x_zero_point=zx, w_zero_point=zw)
        x, w = drawn(f"zpl {name}", "offset_s8", (2, 5), (3, 5))

        def y(x=x, w=w, zx=zx, zw=zw, **how):
            return {"y": products.linear("offset_s8", x, w, zx, zw, **how)}

        names = [mistake for mistake in DEVIATIONS if "zero" in mistake]
        yield make(f"zero_points/linear-{name}", "linear",
                   {**operands("offset_s8", x=x, w=w), "x_zero_point": zx, "w_zero_point": zw}, y(),
                   probes=f"zero points {zx} of x and {np.array(zw).tolist()} of w in a fully connected layer",
                   check=exact(), reference="zero-points",
                   mistakes={**{mistake: y(**DEVIATIONS[mistake]) for mistake in names},
                             **{how: y(look=how) for how in reference("offset_s8")},
                             "tile padding looked up": y(tile=16), "tile padding of 8 looked up": y(tile=8)})
    for name, x_shape, w_shape in (("1x1", (1, 2, 2, 3), (3, 2, 1, 1)), ("full-size", (2, 2, 3, 2), (3, 2, 3, 2))):
        x, w = drawn(f"zp {name}", "exact_s8", x_shape, w_shape)
        yield conv_case(f"zero_points/conv2d-{name}", "exact_s8", x, w,
                        f"a {name} kernel still needs the sums of its operands", x_zero_point=9, w_zero_point=-4)
        x, w = drawn(f"zp unsigned {name}", "offset_u8", x_shape, w_shape)
        yield conv_case(f"zero_points/conv2d-unsigned-{name}", "offset_u8", x, w,
                        f"unsigned codes and a {name} kernel", x_zero_point=100, w_zero_point=30)
    x, w = drawn("zp padded", "exact_s8", (1, 1, 3, 3), (2, 1, 3, 3))
    yield conv_case("zero_points/conv2d-padded", "exact_s8", x, w,
                    "padded positions count in the sum of activations", x_zero_point=9, w_zero_point=-4, padding=(1, 1))
    x, w = drawn("zp groups", "broken_s8", (1, 4, 3, 3), (4, 2, 2, 2))
    yield conv_case("zero_points/conv2d-groups", "broken_s8", x, w, "sums run over the channels of the own group",
                    x_zero_point=3, w_zero_point=np.array([1, 2, 3, 4]), groups=2)
