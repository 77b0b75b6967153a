"""What a tensor of an ONNX graph is while the graph is read: a node of ours, a constant, or codes with their meaning.

Integer tensors are never computed with: codes stand for the real numbers scale (q - zero_point), which a node of ours
computes, and the layers that multiply make the same codes again from them.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refapprox.exchange.onnx_file import OnnxError
from refapprox.quantization import QuantizationParameters, TensorScheme

CODE_RANGES = {"uint8": (0, 255), "int8": (-128, 127)}


BATCH = "batch"      # in place of parameters: codes of the range of the batch at hand


class Real(NamedTuple):
    """Real numbers made by `node`; they lie on the grid of `parameters` where these are given, or `BATCH`."""

    node: str
    parameters: QuantizationParameters | str | None = None


class Codes(NamedTuple):
    """Codes of the real numbers made by `node`, by `parameters` or `BATCH`."""

    node: str
    parameters: QuantizationParameters | str


class Constant(NamedTuple):
    """An array of the file; `parameters` where it holds the real numbers that codes stand for, `axis` its channels."""

    array: NDArray
    parameters: QuantizationParameters | None = None
    axis: int | None = None


class RangeScale(NamedTuple):
    """The scale that DynamicQuantizeLinear found for the values of `node`, times the constant `factor`."""

    node: str
    factor: NDArray | None = None


class RangeZero(NamedTuple):
    """The zero point that DynamicQuantizeLinear found for the values of `node`."""

    node: str


class Sums(NamedTuple):
    """Integer sums of products of the codes of `node` with constant weight codes; a scale makes a layer of them."""

    node: str
    onnx_node: object
    weight: NDArray
    zero_point: NDArray
    dtype: str


@dataclass(frozen=True)
class GivenScheme:
    """A scheme with the scale and zero point that a file gives, whatever the range of the tensor."""

    given: QuantizationParameters

    kind = "given"
    qmin = property(lambda self: self.given.qmin)
    qmax = property(lambda self: self.given.qmax)
    per_channel = property(lambda self: np.ndim(self.given.scale) > 0)

    def parameters(self, low=None, high=None):
        """The given parameters; the bounds are not looked at."""
        return self.given


def code_parameters(node, scale, zero_point, dtype=None):
    """QuantizationParameters of constants `scale` and `zero_point` of an operator, refused with its node."""
    if not isinstance(scale, Constant) or not (zero_point is None or isinstance(zero_point, Constant)):
        raise OnnxError(f"{node} must have a constant scale and zero point.")
    zero = np.zeros(scale.array.shape, np.uint8) if zero_point is None else zero_point.array
    name = dtype or zero.dtype.name
    if name not in CODE_RANGES:
        raise OnnxError(f"{node} must have codes of type uint8 or int8, got {name}.")
    try:
        return QuantizationParameters(plain(scale.array.astype(np.float64)), plain(zero.astype(np.int64)),
                                      *CODE_RANGES[name])
    except ValueError as error:
        raise OnnxError(f"{node}: {error}") from None


def plain(array):
    """A scalar where all entries of a per-tensor parameter are one; (channels,) otherwise."""
    return array.reshape(()) [()] if array.size == 1 else array.ravel()


def moved(parameters, signed):
    """The same real numbers by codes of the other sign: code and zero point moved by 128."""
    low = -128 if signed else 0
    shift = low - parameters.qmin
    return replace(parameters, zero_point=parameters.zero_point + shift, qmin=low, qmax=low + 255)


def batch_scheme(signed):
    """What DynamicQuantizeLinear does with every batch."""
    return TensorScheme("affine", *((-128, 127) if signed else (0, 255)))


def real_bounds(parameters):
    """(low, high) of the real numbers that the codes stand for."""
    scale, zero = np.max(parameters.scale), np.max(parameters.zero_point)
    return float(scale * (parameters.qmin - zero)), float(scale * (parameters.qmax - zero))
