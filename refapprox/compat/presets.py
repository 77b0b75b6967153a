"""How other tools quantize and multiply, by name: executable statements of what each computes.

    preset       activations                        weights                      y
    torchapprox  affine, [0, 127], min-max          amax / 127.5, [-128, 127]    s_x s_w (sum LUT + zero-point terms)
    tfapprox     nudged affine, [0, 255], half up   the same                     real-valued correction sums, see below
    adapt        amax / 127, [-127, 127]            the same                     s_x s_w sum LUT
    agnapprox    amax / 127, [-127, 127]            the same                     s_x s_w sum LUT

The range is that of the tensor at hand; the tools' histogram observers choose one by other criteria, given which the
rest is the same. tfapprox writes real = s q + m with a real offset m = -s zero_point:

    y = s_x s_w sum LUT + m_w sum x + m_x sum w - k m_x m_w                                             (1)

`preset.linear` and `preset.conv2d` compute a layer so. `defects=` reproduces what a tool is known to do wrong, one
name each, so that a deviation can be bisected; without them the same pipeline is computed as it is meant.

References
----------
E. Trommer, torchapprox, https://github.com/etrommer/torch-approx; F. Vaverka et al., "TFApprox: Towards a Fast
Emulation of DNN Approximate Hardware Accelerators on GPU", DATE 2020, arXiv:2002.09481; D. Danopoulos et al.,
"AdaPT: Fast Emulation of Approximate DNN Accelerators in PyTorch", TCAD 2022, arXiv:2203.04071.
"""
from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.compat import pipelines
from refapprox.multipliers import Multiplier
from refapprox.nets.resnet import NOISE_SEARCH as RESNET_NOISE_SEARCH
from refapprox.nets.resnet import NoiseSearch
from refapprox.quantization import QuantizationParameters
from refapprox.validation import WrongKindError, check_choice, check_finite, shown


def affine(low, high, qmin, qmax):
    """[min(low, 0), max(high, 0)] spans [qmin, qmax]; zero point rounded half to even, as in PyTorch."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (qmax - qmin) or 1.0
    return QuantizationParameters(scale, int(np.clip(qmin - np.rint(low / scale), qmin, qmax)), qmin, qmax)


def symmetric(low, high, qmin, qmax):
    """scale = max |x| over half the number of steps: 127.5 for [-128, 127], 127 for [-127, 127]."""
    return QuantizationParameters(2 * max(-low, high, 0.0) / (qmax - qmin) or 1.0, 0, qmin, qmax)


def nudged(low, high, qmin, qmax):
    """scale = (high - low) / steps and the zero point rounded half up, as in TensorFlow.

    A range without zero in it is shifted until it has it at one end, so that values beyond the other end are clipped.
    """
    scale = (high - low) / (qmax - qmin) or 1.0
    return QuantizationParameters(scale, int(np.clip(np.floor(qmin - low / scale + 0.5), qmin, qmax)), qmin, qmax)


@dataclass(frozen=True)
class Preset:
    """A tool's arithmetic.

    Attributes
    ----------
    name : str
    x_range, w_range : (scheme, qmin, qmax)
        `scheme` is a function (low, high, qmin, qmax) -> QuantizationParameters.
    signed : bool
        Of the multipliers it takes.
    rounding : {"half even", "half up"}
    real_sums : bool
        Whether corrections are summed in real numbers, equation (1), instead of codes.
    tile : int
        Products that its GPU kernel sums at a time.
    defects : dict of str to str
        What it is known to do wrong: the name of the mistake in the conformance suite, and what that is in this tool.
    """

    name: str
    x_range: tuple[Callable[..., QuantizationParameters], int, int]
    w_range: tuple[Callable[..., QuantizationParameters], int, int]
    signed: bool = True
    rounding: str = "half even"
    real_sums: bool = False
    tile: int = 1
    defects: dict[str, str] = field(default_factory=dict)

    def x_parameters(self, x: ArrayLike) -> QuantizationParameters:
        """QuantizationParameters of the activations `x`."""
        return parameters_of("x", x, self.x_range)

    def w_parameters(self, w: ArrayLike) -> QuantizationParameters:
        """QuantizationParameters of the weights `w`."""
        return parameters_of("w", w, self.w_range)

    def quantize(self, x: ArrayLike, parameters: QuantizationParameters) -> NDArray[np.int64]:
        """Codes of `x`, rounded as the tool rounds.

        Parameters
        ----------
        x : float array
        parameters : QuantizationParameters
        """
        x = check_finite("x", x, dtype=np.float64)
        if self.rounding == "half even":
            return parameters.quantize(x)
        steps = np.floor(x / parameters.scale_for(x) + parameters.zero_point_for(x) + 0.5)
        return np.clip(steps, parameters.qmin, parameters.qmax).astype(np.int64)

    def linear(self, x: ArrayLike, w: ArrayLike, multiplier: Multiplier, *,
               defects: Collection[str] | str = ()) -> NDArray[np.float64]:
        """Linear layer without bias.

        Parameters
        ----------
        x : float array, shape (n, k)
        w : float array, shape (m, k)
        multiplier : Multiplier
            8 bits, of the signedness that the tool takes.
        defects : iterable of str, or "all", optional

        Returns
        -------
        float64 array, shape (n, m)
        """
        x, w, defects = *operands_of(x, w), self.check_defects(defects)
        if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[1]:
            raise ValueError(f"linear of {self.name} needs x of shape (n, k) and w of shape (m, k), "
                             f"got {x.shape} and {w.shape}.")
        return pipelines.layer(self, x, w, multiplier, None, defects)

    def conv2d(self, x: ArrayLike, w: ArrayLike, multiplier: Multiplier, *, stride: int | tuple[int, int] = 1,
               padding: int | tuple[int, int] = 0, dilation: int | tuple[int, int] = 1, groups: int = 1,
               defects: Collection[str] | str = ()) -> NDArray[np.float64]:
        """Convolution without bias.

        Parameters
        ----------
        x : float array, shape (n, c, h, w)
        w : float array, shape (m, c / groups, kh, kw)
        multiplier, defects
            As of `linear`.
        stride, padding, dilation : int or (vertical, horizontal)
        groups : int

        Returns
        -------
        float64 array, shape (n, m, h_out, w_out)
        """
        geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        return pipelines.layer(self, *operands_of(x, w), multiplier, geometry, self.check_defects(defects))

    def check_defects(self, defects: Collection[str] | str) -> frozenset[str]:
        """`defects` as a frozenset of known names."""
        if isinstance(defects, str) and defects == "all":
            return frozenset(self.defects)
        if isinstance(defects, (str, np.ndarray)):
            raise (ValueError if isinstance(defects, str) else WrongKindError)(
                f"defects of {self.name} must be 'all' or a collection of names, got {shown(defects)}.")
        chosen = frozenset(defects)
        for name in sorted(chosen):
            check_choice(f"defects of {self.name}", name, sorted(self.defects))
        return chosen


def operands_of(x, w):
    return check_finite("x", x, dtype=np.float64), check_finite("w", w, dtype=np.float64)


def parameters_of(name, tensor, tensor_range):
    tensor = check_finite(name, tensor, dtype=np.float64)
    if tensor.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {tensor.shape}.")
    scheme, qmin, qmax = tensor_range
    return scheme(float(tensor.min()), float(tensor.max()), qmin, qmax)


CONV_ORDER = "convolutions look up LUT[w, x], linear layers LUT[x, w]; seen in tables that are not symmetric"
TILES = "the GPU kernel fills its last tile with code 0 on both sides: (-k mod {}) LUT[0, 0] more in each sum"

PRESETS = {preset.name: preset for preset in (
    Preset("torchapprox", (affine, 0, 127), (symmetric, -128, 127), tile=16, defects={
        "transposed table": CONV_ORDER,
        "x zero-point term with the wrong sign": "convolutions add z_x sum w instead of subtracting it",
        "padding with code 0": "padded positions hold code 0, though real zero is the zero point",
        "channel scales along positions": "convolutions without zero points multiply scales of channels along "
                                          "positions, or are refused where these are not as many",
        "tile padding looked up": TILES.format(16)}),
    Preset("tfapprox", (nudged, 0, 255), (nudged, 0, 255), signed=False, rounding="half up", real_sums=True, tile=8,
           defects={
        "patch sums of 1": "1x1 kernels of stride 1, and kernels as large as the image, take 1 for both sums of (1)",
        "tile padding of 8 looked up": TILES.format(8)}),
    Preset("adapt", (symmetric, -127, 127), (symmetric, -127, 127), defects={
        "transposed table": CONV_ORDER,
        "negative quadrant from magnitudes": "its converter stores m(|x|, |w|) where both operands are negative"}),
    Preset("agnapprox", (symmetric, -127, 127), (symmetric, -127, 127)),
)}


def get_preset(name: str) -> Preset:
    """The preset of a tool.

    Parameters
    ----------
    name : "torchapprox", "tfapprox", "adapt" or "agnapprox"

    Returns
    -------
    Preset

    Raises
    ------
    KeyError
        For another name.

    Examples
    --------
    >>> get_preset("adapt").x_parameters([-1.0, 0.5]).scale == 1 / 127
    True
    """
    return PRESETS[check_choice("preset", name, PRESETS)]


# agnapprox 0.1, and the residual networks of its branch research/qos_nets
NOISE_SEARCH = {"agnapprox": NoiseSearch(0.2, 0.5, 0.1),
                **{f"ResNet{depth}": settings for depth, settings in RESNET_NOISE_SEARCH.items()}}
