"""What torchapprox's layers share: modes, table, quantization of the weights, forward and the way back.

A layer is called with fake-quantized activations, their scale and zero point. Going back is straight-through: the
gradient of the exact product of the fake-quantized operands, whatever the table says, and none for weights that were
clipped. As there is no autograd, `backward` is called by hand, on the last forward pass.
"""
from __future__ import annotations

import enum
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.compat.pipelines import signed_multiplier
from refapprox.compat.presets import get_preset
from refapprox.multipliers import exact
from refapprox.multipliers.formats import swap_order
from refapprox.ops import agn, bias
from refapprox.quantization import LayerQuantization, TensorScheme, quantize_with_mask
from refapprox.quantization import QuantizationParameters as NativeParameters
from refapprox.validation import check_array, generator_or_fresh

PRESET = get_preset("torchapprox")
EXACT = exact(8)


class InferenceMode(enum.Enum):
    """What a layer multiplies with."""

    QUANTIZED = "Quantized Mode"
    NOISE = "Noise Mode"
    APPROXIMATE = "Approximate Mode"


@dataclass
class QuantizationParameters:
    """Scales and zero points as the operators take them: arrays of one element, those of w also one an output."""

    x_scale: np.ndarray
    x_zero_point: np.ndarray
    w_scale: np.ndarray
    w_zero_point: np.ndarray


@dataclass
class TracedGeMMInputs:
    """Codes that went through a matrix product: activations of all calls, weights of the first."""

    features: np.ndarray | None
    weights: np.ndarray | None

    def trace(self, x_q, w_q):
        """Add the codes of one call; either may be None."""
        if x_q is not None:
            x_q = np.asarray(x_q, np.float32)
            self.features = x_q if self.features is None else np.concatenate([self.features, x_q])
        if self.weights is None and w_q is not None:
            self.weights = np.asarray(w_q, np.float32)


class ApproxLayer(ABC):
    """What convolution and linear share.

    Parameters
    ----------
    weight_shape : tuple of int
    bias : bool
    qconfig : None, TensorScheme or QuantizationParameters of refapprox.quantization
        How weights are quantized.
    rng : numpy.random.Generator or None
        Draws the initial weights, and noise; a fresh one where it is None.

    Attributes
    ----------
    weight, bias : float array
        bias may be None.
    weight_grad, bias_grad : float arrays, after `backward`
    inference_mode : InferenceMode
    lut : int32 array, shape (256, 256)
        Two's-complement order; exact products unless set.
    htp_model : callable or None
        Computes the sums in the table's place; see `ApproxGeMM.forward`.
    traced_inputs : TracedGeMMInputs or None
    stdev, mean : float
        Of the noise mode: relative to std(y), ddof 1, and absolute.
    training : bool
        Noise is added in training only.
    defects : collection of str
        See `refapprox.compat.presets`.

    Examples
    --------
    >>> from refapprox.compat.torchapprox.layers import ApproxLinear
    >>> layer = ApproxLinear(2, 1, bias=False, rng=np.random.default_rng(0))
    >>> layer.inference_mode.name, layer.lut.shape
    ('QUANTIZED', (256, 256))
    """

    def __init__(self, weight_shape: tuple[int, ...], bias: bool, qconfig: Any,
                 rng: np.random.Generator | None) -> None:
        rng = generator_or_fresh(rng)
        bound = 1 / math.sqrt(math.prod(weight_shape[1:]))
        self.weight = rng.uniform(-bound, bound, weight_shape)
        self.bias = rng.uniform(-bound, bound, weight_shape[0]) if bias else None
        self.weight_grad = self.bias_grad = None
        self.qconfig, self.rng = qconfig, rng
        self.inference_mode = InferenceMode.QUANTIZED
        self.multiplier, self.htp_model, self.traced_inputs = EXACT, None, None
        self.stdev, self.mean, self.training, self.defects = 0.0, 0.0, True, ()
        self._back = None

    @staticmethod
    def default_qconfig() -> None:
        """Scheme of the weights that `qconfig=None` means: symmetric, codes -128 to 127, scale max|w| / 127.5."""
        return None

    @staticmethod
    def accurate_lut() -> NDArray[np.int32]:
        """The exact table, int32 (256, 256), two's-complement order."""
        return swap_order(EXACT.lut)

    @property
    def lut(self) -> NDArray[np.int32]:
        """Table of products, two's-complement order."""
        return swap_order(self.multiplier.lut)

    @lut.setter
    def lut(self, table):
        self.multiplier = signed_multiplier(table, f"lut of {type(self).__name__}")

    @property
    @abstractmethod
    def fan_in(self) -> int:
        """Multiplications per output."""

    @property
    @abstractmethod
    def opcount(self) -> int:
        """Multiplications per sample."""

    @abstractmethod
    def quant_fwd(self, x_q: NDArray[Any], w_q: NDArray[Any]) -> NDArray[Any]:
        """Exact products.

        Parameters
        ----------
        x_q, w_q : float array
            Fake-quantized operands.
        """

    @abstractmethod
    def approx_fwd(self, x_q: NDArray[Any], w_q: NDArray[Any], quant_params: QuantizationParameters) -> NDArray[Any]:
        """Products through the table.

        Parameters
        ----------
        x_q, w_q
            As of `quant_fwd`.
        quant_params : QuantizationParameters
        """

    @abstractmethod
    def product_backward(self, dy: NDArray[Any], x_q: NDArray[Any],
                         w_q: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """(dx, dw) of the exact products.

        Parameters
        ----------
        dy : float array
            Cotangent.
        x_q, w_q
            As of `quant_fwd`.
        """

    def noise_fwd(self, x_q: NDArray[Any], w_q: NDArray[Any]) -> tuple[NDArray[Any], Any]:
        """Exact products and, in training, noise: the output, and what `backward` needs of it.

        Parameters
        ----------
        x_q, w_q
            As of `quant_fwd`.
        """
        y, noise = self.quant_fwd(x_q, w_q), None
        if self.training:
            y, noise = agn.forward(y, float(self.stdev), eps=self.rng.standard_normal(y.shape))
            y = y + self.mean
        return y, noise

    def weight_parameters(self) -> NativeParameters:
        """Scale and zero point of the weights: the preset's, unless `qconfig` gives them or a TensorScheme for them."""
        if self.qconfig is None:
            return PRESET.w_parameters(self.weight)
        if isinstance(self.qconfig, NativeParameters):
            return self.qconfig
        if not isinstance(self.qconfig, TensorScheme):
            raise TypeError(f"qconfig of {type(self).__name__} must be None, a TensorScheme or QuantizationParameters "
                            f"of refapprox.quantization, got {type(self.qconfig).__name__}.")
        return LayerQuantization(w=self.qconfig).w_parameters(self.weight)

    def forward(self, x: ArrayLike, x_scale: Any = None, x_zero_point: Any = None) -> NDArray[np.float64]:
        """Layer output of fake-quantized `x`.

        Parameters
        ----------
        x : float array
        x_scale, x_zero_point : float or array of one element
            Needed in the approximate mode.

        Raises
        ------
        ValueError
            If they are missing there, or `x` does not consist of codes.
        """
        x, qw, noise = check_array("x", x, dtype=np.float64), self.weight_parameters(), None
        w_codes, inside = quantize_with_mask(self.weight, qw, np.float64)
        w = qw.dequantize(w_codes)
        if self.inference_mode is InferenceMode.APPROXIMATE:
            if x_scale is None or x_zero_point is None:
                raise ValueError("the approximate mode needs x_scale and x_zero_point of the activations.")
            y = self.approx_fwd(x, w, QuantizationParameters(x_scale, x_zero_point, qw.scale, qw.zero_point))
        elif self.inference_mode is InferenceMode.NOISE:
            y, noise = self.noise_fwd(x, w)
        else:
            y = self.quant_fwd(x, w)
        self._back = x, w, inside, noise, y.shape
        return y if self.bias is None else bias.forward(y, self.bias)[0]

    __call__ = forward

    def backward(self, dy: ArrayLike) -> NDArray[np.float64]:
        """Gradient dx of the last forward pass, for the cotangent `dy`; weight_grad and bias_grad are set.

        Raises
        ------
        ValueError
            If there was no forward pass, or `dy` has not the shape of its output.
        """
        if self._back is None:
            raise ValueError(f"backward of {type(self).__name__} needs a forward pass first.")
        x, w, inside, noise, shape = self._back
        dy = check_array("dy", dy, dtype=np.float64)
        if dy.shape != shape:
            raise ValueError(f"dy of {type(self).__name__} must have the shape of the output {shape}, got {dy.shape}.")
        if self.bias is not None:
            dy, self.bias_grad = bias.backward(dy)
        if noise is not None:
            dy, _ = agn.backward(dy, noise)
        dx, dw = self.product_backward(dy, x, w)
        self.weight_grad = dw if inside is None else dw * inside
        return dx


def to_array(parameter):
    """A weight or bias of another framework, or an array, as a float64 copy; None stays None."""
    if parameter is None:
        return None
    return np.array(parameter.detach().cpu().numpy() if hasattr(parameter, "detach") else parameter, np.float64)
