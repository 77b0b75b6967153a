"""A layer as other tools compute it, from real operands to real results; `presets` says which.

The sums of table products are exact integers. Where a tool rounds in float32 on the way, results agree to that
rounding: exactly up to sums of 2**24, with a relative error of about 1e-7 beyond.
"""
import numpy as np

from refapprox.multipliers import Multiplier
from refapprox.multipliers.formats import swap_order
from refapprox.multipliers.formats.orders import negative_quadrant_from_magnitudes
from refapprox.ops import conv2d as exact_conv2d
from refapprox.ops.lut_conv2d import lut_conv2d
from refapprox.ops.lut_matmul import lut_matmul, zero_point_terms
from refapprox.validation import check_array, shown

SIDE = 256      # of the tables that other tools pass around

TILE_DEFECTS = {"tile padding looked up", "tile padding of 8 looked up"}


def layer(preset, x, w, multiplier, geometry, defects, qx=None, qw=None):
    """Real results of real operands: a convolution of a `geometry`, a fully connected layer where it is None.

    Scales and zero points are those that the preset finds where they are None.
    """
    qx, qw = qx or preset.x_parameters(x), qw or preset.w_parameters(w)
    codes = preset.quantize(x, qx), preset.quantize(w, qw)
    if geometry is None:
        return linear_of_codes(preset, *codes, qx, qw, multiplier, defects)
    return conv2d_of_codes(preset, *codes, qx, qw, multiplier, geometry, defects)


def linear_of_codes(preset, x_codes, w_codes, qx, qw, multiplier, defects=frozenset()):
    """Real results (n, m) of codes x (n, k) and w (m, k)."""
    table = table_of(preset, multiplier, defects)
    k = x_codes.shape[1]
    sums = lut_matmul(x_codes, w_codes.T, table) + tile_excess(preset, table, k, defects)
    x_sums, w_sums = x_codes.sum(axis=1)[:, None], w_codes.sum(axis=1)
    return rescaled(preset, sums, x_sums, w_sums, k, qx, qw, np.shape(w_sums))


def conv2d_of_codes(preset, x_codes, w_codes, qx, qw, multiplier, geometry, defects=frozenset()):
    """Real results (n, m, h_out, w_out) of codes x (n, c, h, w) and w (m, c / groups, kh, kw)."""
    table = table_of(preset, multiplier, defects)
    if "transposed table" in defects:
        table = Multiplier(table.name, table.lut.T, table.signed)
    k = w_codes[0].size
    pad_code = 0 if "padding with code 0" in defects else qx.zero_point
    sums = lut_conv2d(x_codes, w_codes, table, pad_code=pad_code, **geometry) + tile_excess(preset, table, k, defects)
    if "patch sums of 1" in defects and is_combined(x_codes, w_codes, geometry):
        one_x, one_w = 1 / qx.scale + k * qx.zero_point, 1 / qw.scale + k * qw.zero_point    # codes of the real sum 1
        return rescaled(preset, sums, one_x, one_w, k, qx, qw, ())
    without_zero_points = qx.zero_point == 0 and not np.any(qw.zero_point)
    if "channel scales along positions" in defects and np.size(qw.scale) > 1 and without_zero_points:
        return scaled_by_position(sums, qx.scale * np.asarray(qw.scale))
    x_sums = patch_sums(x_codes, w_codes, geometry, pad_code)
    w_sums = w_codes.reshape(len(w_codes), -1).sum(axis=1)[:, None, None]
    if "x zero-point term with the wrong sign" in defects:
        sums = sums + 2 * qx.zero_point * w_sums
    return rescaled(preset, sums, x_sums, w_sums, k, qx, qw, (len(w_codes), 1, 1))


def scaled_by_position(sums, scales):
    """Sums (n, m, h_out, w_out) with scale j on position j of every channel, as the defect has it."""
    n, m, *size = sums.shape
    if np.prod(size) != m:
        raise ValueError(f"torchapprox multiplies {m} scales of channels along {np.prod(size)} output positions, "
                         f"which PyTorch refuses.")
    return (sums.reshape(n, m, m) * scales).reshape(sums.shape)


def rescaled(preset, sums, x_sums, w_sums, k, qx, qw, channels):
    """Real results from sums of table products and sums of codes; `channels` is the shape of one value per channel."""
    scale_w, zero_w = (np.reshape(v, channels) if np.ndim(v) else v for v in (qw.scale, qw.zero_point))
    if not preset.real_sums:
        return qx.scale * scale_w * (sums + zero_point_terms(x_sums, w_sums, k, qx.zero_point, zero_w))
    m_x, m_w = -qx.scale * qx.zero_point, -scale_w * zero_w
    real_x, real_w = qx.scale * x_sums + k * m_x, scale_w * w_sums + k * m_w
    return qx.scale * scale_w * sums + m_w * real_x + m_x * real_w - k * m_x * m_w                  # presets (1)


def patch_sums(x_codes, w_codes, geometry, pad_code):
    """Sum of the activation codes behind every output, int64 (n, m, h_out, w_out) or (n, 1, h_out, w_out)."""
    groups = geometry["groups"]
    ones = np.ones((groups, *w_codes.shape[1:]))
    # sums of k codes are far below 2**53, where float64 is exact; padding by shifting the codes' origin
    sums, _ = exact_conv2d.forward(x_codes.astype(np.float64) - pad_code, ones, **geometry)
    sums = sums.astype(np.int64) + w_codes[0].size * pad_code
    return sums if groups == 1 else np.repeat(sums, len(w_codes) // groups, axis=1)


def table_of(preset, multiplier, defects):
    """`multiplier` if the tool takes its signedness, its table changed as "negative quadrant from magnitudes" says."""
    if multiplier.signed != preset.signed or multiplier.bits_x != 8 or multiplier.bits_w != 8:
        raise ValueError(f"{preset.name} takes {'signed' if preset.signed else 'unsigned'} 8x8-bit multipliers, "
                         f"got {shown(multiplier)}.")
    if "negative quadrant from magnitudes" not in defects:
        return multiplier
    return Multiplier(f"{multiplier.name} as converted by {preset.name}",
                      negative_quadrant_from_magnitudes(multiplier.lut))


def tile_excess(preset, table, k, defects):
    """What a GPU kernel that looks up its padding adds to each sum of k products."""
    zero_x, zero_w = -table.range_x[0], -table.range_w[0]
    return (-k % preset.tile) * int(table.lut[zero_x, zero_w]) if defects & TILE_DEFECTS else 0


def is_combined(x_codes, w_codes, geometry):
    """Whether TFApprox takes its combined kernel: 1x1 with stride 1, or as large as an image that is not padded."""
    stride, padding = (np.broadcast_to(geometry[key], 2).tolist() for key in ("stride", "padding"))
    kernel, image = list(w_codes.shape[2:]), list(x_codes.shape[2:])
    return kernel == [1, 1] and stride == [1, 1] or kernel == image and padding == [0, 0]


def signed_multiplier(lut, name):
    """Multiplier of a signed table in two's-complement order; one that is a Multiplier already is returned as it is.

    Whole numbers in a floating dtype are taken, as the other tools take them.
    """
    if isinstance(lut, Multiplier):
        return lut
    lut = check_side(lut)
    if lut.dtype.kind == "f":
        if not np.array_equal(lut, np.rint(lut)):
            raise ValueError(f"lut of {name} must hold whole numbers.")
        lut = lut.astype(np.int64)
    return Multiplier(name, swap_order(lut))


def check_side(lut):
    """`lut` as an array of shape (256, 256)."""
    lut = check_array("lut", lut)
    if lut.shape != (SIDE, SIDE):
        raise ValueError(f"lut, a table in two's-complement order, must have shape (256, 256), got {lut.shape}: "
                         f"the other tools know 8x8 bits only.")
    return lut
