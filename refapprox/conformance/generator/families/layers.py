"""Layers from real numbers to real numbers, and their declared gradients."""
import numpy as np

from refapprox.conformance.generator import products
from refapprox.conformance.generator.building import listed, make, rounding
from refapprox.conformance.generator.draws import reals
from refapprox.conformance.generator.families.convolution import DEVIATIONS, together
from refapprox.conformance.generator.families.float_layers import convolve_gradient
from refapprox.conformance.generator.families.quantization import DEVIATIONS as CODE_DEVIATIONS
from refapprox.conformance.generator.families.quantization import codes, fake, fake_gradient
from refapprox.conformance.generator.families.tables import operands, reference
from refapprox.conformance.generator.tables import product


def per_channel(function, w, scale, zero_point, *args):
    """`function` of each output's weights with its own scale and zero point."""
    scales, zero_points = (np.broadcast_to(v, w.shape[0]).tolist() for v in (scale, zero_point))
    return np.stack([function(row, s, z, *args) for row, s, z in zip(w, scales, zero_points, strict=True)])


def layer(table, x, w, q, geometry, *, coded=None, transposed=False, by_position=False, **how):
    """x_scale w_scale * (corrected sums of table products of the codes); `coded` is how codes deviate."""
    _, _, qmin = product(table)
    coded = coded or {}
    x_codes = codes(x, q["x_scale"], q["x_zero_point"], qmin, qmin + 255, **coded)
    w_codes = per_channel(lambda *args: codes(*args, **coded), w, q["w_scale"], q["w_zero_point"], qmin, qmin + 255)
    zero_points = {"x_zero_point": q["x_zero_point"], "w_zero_point": q["w_zero_point"]}
    if geometry is None:
        sums = products.linear(table, x_codes, w_codes.T if transposed else w_codes, **zero_points, **how)
        return sums * (q["x_scale"] * np.asarray(q["w_scale"]))
    sums = products.conv2d(table, x_codes, w_codes, **geometry, **zero_points, **how)
    if by_position:
        return (sums.reshape(len(x), len(w), -1) * (q["x_scale"] * q["w_scale"])).reshape(sums.shape)
    return sums * (q["x_scale"] * np.asarray(q["w_scale"]).reshape(-1, 1, 1))


def gradients(table, dy, x, w, q, geometry, *, passes="closed", fake_quantized=True, swapped=False, factor=1.0,
              coded=None):
    """(dx, dw) of the exact product of fake-quantized operands; 0 where an operand was clipped."""
    _, _, qmin = product(table)
    limits, coded = (qmin, qmin + 255), coded or {}
    x_fake, w_fake = x, w
    if fake_quantized:
        x_fake = fake(x, q["x_scale"], q["x_zero_point"], *limits, **coded)
        w_fake = per_channel(lambda *args: fake(*args, **coded), w, q["w_scale"], q["w_zero_point"], *limits)
    if geometry is None:
        dx, dw = matrix_gradient(dy, x_fake, w_fake, swapped)
    else:
        dx, dw = convolve_gradient(dy, x_fake, w_fake, **geometry)
    dx = fake_gradient(dx, x, q["x_scale"], q["x_zero_point"], *limits, passes=passes)
    ones = per_channel(lambda row, s, z: fake_gradient(np.ones_like(row), row, s, z, *limits, passes=passes),
                       w, q["w_scale"], q["w_zero_point"])
    return {"dx": factor * dx, "dw": factor * dw * ones}


def matrix_gradient(dy, x, w, swapped=False):
    """dx[i, k] = sum_o dy[i, o] w[o, k]; dw[o, k] = sum_i dy[i, o] x[i, k]."""
    (n, k), m = x.shape, w.shape[0]
    if swapped:
        if not n == k == m:
            return np.full_like(x, np.inf), np.full_like(w, np.inf)
        x, w = w, x
    dx = np.array([[sum(dy[i, o] * w[o, c] for o in range(m)) for c in range(k)] for i in range(n)])
    dw = np.array([[sum(dy[i, o] * x[i, c] for i in range(n)) for c in range(k)] for o in range(m)])
    return dx, dw


SETTINGS = {      # name -> (table, x shape, w shape, quantization, geometry or None for linear)
    "linear-symmetric": ("broken_s8", (3, 4), (2, 4), (0.03125, 0, 0.0078125, 0), None),
    "linear-affine": ("offset_s8", (2, 5), (3, 5), (0.015625, -20, 0.0078125, 0), None),
    "linear-square": ("exact_s8", (3, 3), (3, 3), (0.0078125, 0, 0.0078125, 0), None),
    "linear-square-affine": ("offset_s8", (4, 4), (4, 4), (0.015625, 11, 0.0078125, 0), None),
    "linear-per-channel": ("broken_s8", (2, 4), (3, 4), (0.03125, 7, [0.0078125, 0.015625, 0.00390625], [0, 3, -5]),
                           None),
    "linear-unsigned": ("broken_u8", (2, 4), (3, 4), (0.015625, 64, 0.0078125, 128), None),
    "conv2d-symmetric": ("broken_s8", (1, 2, 4, 4), (2, 2, 3, 3), (0.03125, 0, 0.0078125, 0), {"padding": (1, 1)}),
    "conv2d-affine": ("offset_s8", (1, 2, 4, 4), (2, 2, 2, 2), (0.015625, -20, 0.0078125, 0),
                      {"padding": (1, 1), "stride": (2, 2)}),
    "conv2d-per-channel": ("broken_s8", (1, 4, 3, 3), (2, 2, 2, 2), (0.03125, 5, [0.0078125, 0.015625], [4, -4]),
                           {"groups": 2}),
    # as many channels as positions: what runs along the wrong axis is not refused
    "conv2d-channel-scales": ("exact_s8", (1, 2, 3, 3), (4, 2, 2, 2),
                              (0.03125, 0, [0.0078125, 0.015625, 0.01171875, 0.03125], [0, 0, 0, 0]), {}),
    "conv2d-channel-scales-depthwise": ("broken_s8", (2, 2, 2, 3), (2, 1, 2, 2),
                                        (0.03125, 0, [0.0078125, 0.015625], [0, 0]), {"groups": 2}),
}


def settings():
    for name, (table, x_shape, w_shape, (x_scale, zx, w_scale, zw), geometry) in SETTINGS.items():
        x, w = reals(f"layer {name}", x_shape, -3, 3), reals(f"layer w {name}", w_shape, -1.25, 1.25)
        w_scale, zw = (np.array(v) if isinstance(v, list) else v for v in (w_scale, zw))
        q = {"x_scale": x_scale, "x_zero_point": zx, "w_scale": w_scale, "w_zero_point": zw}
        if geometry is not None:
            geometry = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, **geometry}
        inputs = {**operands(table, x=x, w=w), **q}
        inputs.update(listed(geometry or {}))
        yield name, table, x, w, q, geometry, inputs


def code_mistakes(outputs):
    """What mistaken codes lead to; codes that could leave the table are left out."""
    return {name: outputs(coded=how) for name, how in CODE_DEVIATIONS.items()
            if name != "clipping before the zero point"}


IN_LINEAR = [name for name in DEVIATIONS if "zero point" in name or "zero-point" in name or "tile" in name]


def layers():
    """Forward."""
    for name, table, x, w, q, geometry, inputs in settings():
        def y(table=table, x=x, w=w, q=q, geometry=geometry, **how):
            made = layer(table, x, w, q, geometry, **how)
            return {"y": made}

        mistakes = {**{how: y(look=how) for how in reference(table)}, **code_mistakes(y),
                    **{how: y(**DEVIATIONS[how]) for how in (DEVIATIONS if geometry else IN_LINEAR)},
                    **({name: y(**how) for name, how in together(geometry, q["x_zero_point"]).items()}
                       if geometry else {})}
        if geometry is None and w.shape[0] == w.shape[1]:
            mistakes["transposed operands"] = y(transposed=True)
        right = y()
        if geometry and np.ndim(q["w_scale"]) and not np.any(q["w_zero_point"]):
            mistakes["channel scales along positions"] = y(by_position=True)
            if not np.array_equal(y(look="transposed table")["y"], right["y"]):      # no symmetric table
                mistakes["transposed table + channel scales along positions"] = y(look="transposed table",
                                                                                  by_position=True)
        yield make(f"layers/{name}", f"{name.split('-')[0]}_layer", inputs, right,
                   probes=f"quantize, accumulate through {table}, correct, rescale: {name}",
                   check=rounding({"y": np.abs(right["y"]).max()}, 16, "an exact integer, rescaled"),
                   mistakes=mistakes, reference="layers")


def straight_through():
    """Backward: the table has no say in it."""
    for name, table, x, w, q, geometry, inputs in settings():
        y_shape = layer(table, x, w, q, geometry).shape
        dy = reals(f"dy {name}", y_shape, -2, 2)

        def gradient(dy=dy, table=table, x=x, w=w, q=q, geometry=geometry, **how):
            return gradients(table, dy, x, w, q, geometry, **how)

        right = gradient()
        mistakes = {**code_mistakes(gradient), "clipping ignored by the gradient": gradient(passes="all"),
                    "gradient clipped to open range": gradient(passes="open"),
                    "float operands in the gradient": gradient(fake_quantized=False),
                    "gradient scaled by the scale": gradient(factor=q["x_scale"])}
        if geometry is None and x.shape == w.shape and x.shape[0] == x.shape[1]:
            mistakes["gradient of the other operand"] = gradient(swapped=True)
        yield make(f"straight_through/{name}", f"{name.split('-')[0]}_layer_gradient", {"dy": dy, **inputs}, right,
                   probes=f"straight-through gradient of the exact product, 0 where clipped: {name}",
                   check=rounding({"dx": 2 * np.abs(dy).max() * 8, "dw": 3 * np.abs(dy).max() * 8}, 64),
                   mistakes=mistakes, reference="straight-through")
