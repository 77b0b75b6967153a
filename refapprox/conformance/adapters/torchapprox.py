"""torchapprox: its CPU kernel and its layers, as they are called in its own tests.

Its tables are indexed by bit pattern (two's complement) and its kernel takes `lut[first operand, second operand]`.
In its fully connected layer the activation is the first operand, in its convolution the weight is: `operands` says
what this adapter makes of it,

    "native"    one table for all layers, activation on axis 0, as a user of the package would load it
    "untwisted" the transposed table for convolutions, which is what a user who knows has to do
    "evoapprox" tables that its own utils.evoapprox makes of the circuit
"""
import sys
import types

import numpy as np

from refapprox.conformance.adapter import Adapter
from refapprox.validation import check_choice


class TorchApprox(Adapter):
    """Its operators on real operands whose codes are the case's, and its layers' fake quantization in front."""

    conventions = {"accumulator width": "int32 wraparound"}

    def __init__(self, operands="native"):
        import torch
        import torchapprox
        from torchapprox.layers.approx_layer import QuantizationParameters
        from torchapprox.operators.approxgemm import ApproxGeMM
        from torchapprox.operators.backend import approx
        from torchapprox.operators.conv2d import ApproxConv2dOp, Conv2dArgs
        self.operands = check_choice("operands", operands, ("native", "untwisted", "evoapprox"))
        self.torch, self.approx, self.gemm, self.convolution = torch, approx, ApproxGeMM, ApproxConv2dOp
        self.Conv2dArgs, self.QuantizationParameters = Conv2dArgs, QuantizationParameters
        version = getattr(torchapprox, "__version__", "0.2.0")
        self.name = f"torchapprox {version} (CPU kernel, operands {operands}), PyTorch {torch.__version__}"

    def table(self, lut, signed, transposed=False):
        """The table by bit pattern."""
        if self.operands == "evoapprox":
            with_name = circuit_module(lut, signed)
            made = self.evoapprox().lut(with_name).astype(np.int32)
            return self.torch.tensor(np.ascontiguousarray(made.T if transposed else made))
        lut = np.roll(lut, (-128, -128), axis=(0, 1)) if signed else lut
        return self.torch.tensor(np.ascontiguousarray(lut.T if transposed else lut))

    def codes(self, array, signed):
        return self.torch.tensor(array.astype(np.int8 if signed else np.uint8))

    def error_map(self, *, lut, signed):
        return self.evoapprox().error_map(circuit_module(lut, signed))

    def conv2d_counts(self, *, x_shape, w_shape, groups, **geometry):
        from torchapprox.layers import ApproxConv2d, ApproxLayer
        layer = ApproxConv2d(x_shape[1], w_shape[0], tuple(w_shape[2:]), groups=groups, bias=False,
                             **{key: tuple(value) for key, value in geometry.items()},
                             qconfig=ApproxLayer.default_qconfig())
        layer(self.torch.zeros(x_shape))
        return layer.fan_in, layer.opcount

    @staticmethod
    def evoapprox():
        sys.modules.setdefault("evoapproxlib", types.ModuleType("evoapproxlib"))
        from torchapprox.utils import evoapprox
        return evoapprox

    def multiply(self, *, x, w, lut, signed):
        table = self.table(lut, signed)
        products = [self.approx(self.codes(np.array([[[a]]]), signed), self.codes(np.array([[b]]), signed),
                                table).item()
                    for a, b in zip(x.flat, w.flat, strict=True)]
        return np.array(products).reshape(x.shape)

    def matmul(self, *, x, w, lut, signed):
        return self.approx(self.codes(x[None], signed), self.codes(w, signed), self.table(lut, signed))[0].numpy()

    def linear(self, *, x, w, lut, signed, x_zero_point, w_zero_point):
        x, w = self.shifted(x, w, x_zero_point, w_zero_point)
        return whole(self.gemm.apply(x, w, self.table(lut, signed),
                                     self.parameters(1.0, x_zero_point, 1.0, w_zero_point), None, None))

    def conv2d(self, *, x, w, lut, signed, x_zero_point, w_zero_point, **geometry):
        x, w = self.shifted(x, w, x_zero_point, w_zero_point)
        return whole(self.convolve(x, w, lut, signed, self.parameters(1.0, x_zero_point, 1.0, w_zero_point), geometry))

    def shifted(self, x, w, x_zero_point, w_zero_point):
        """The real operands, scale 1, whose codes are `x` and `w`: its operators quantize by themselves."""
        return self.real(x - x_zero_point), self.real(w - np.reshape(w_zero_point, (-1, *[1] * (w.ndim - 1))))

    def linear_layer(self, **inputs):
        return self.layer(**inputs)[0].detach().numpy()

    def linear_layer_gradient(self, *, dy, **inputs):
        y, *leaves = self.layer(**inputs)
        return tuple(gradient.numpy() for gradient in self.torch.autograd.grad(y, leaves, self.real(dy)))

    conv2d_layer, conv2d_layer_gradient = linear_layer, linear_layer_gradient

    def layer(self, *, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point, **geometry):
        """(y, x, w): fake-quantized operands into the approximate operator, as its layers do."""
        torch, low = self.torch, -128 if signed else 0
        scales, zero_points = (np.broadcast_to(v, len(w)).copy() for v in (w_scale, w_zero_point))
        x, w = self.real(x).requires_grad_(), self.real(w).requires_grad_()
        x_fake = torch.fake_quantize_per_tensor_affine(x, x_scale, x_zero_point, low, low + 255)
        w_fake = torch.fake_quantize_per_channel_affine(w, torch.tensor(scales).float(),
                                                        torch.tensor(zero_points).int(),
                                                        0, low, low + 255)
        parameters = self.parameters(x_scale, x_zero_point, w_scale, w_zero_point)
        if geometry:
            return self.convolve(x_fake, w_fake, lut, signed, parameters, geometry), x, w
        return self.gemm.apply(x_fake, w_fake, self.table(lut, signed), parameters, None, None), x, w

    def convolve(self, x, w, lut, signed, parameters, geometry):
        stride, padding, dilation = (tuple(geometry[key]) for key in ("stride", "padding", "dilation"))
        size = [(s + 2 * p - d * (k - 1) - 1) // step + 1 for s, p, d, k, step in
                zip(x.shape[2:], padding, dilation, w.shape[2:], stride, strict=True)]
        args = self.Conv2dArgs(x.shape[1], w.shape[0], tuple(w.shape[2:]), stride, padding, dilation,
                               geometry["groups"])
        table = self.table(lut, signed, transposed=self.operands == "untwisted")
        return self.convolution.apply(x, w, parameters, args, None, tuple(size), table, None)

    def parameters(self, x_scale, x_zero_point, w_scale, w_zero_point):
        """One number for a tensor, or one for each output, as its layers hold them."""
        w_scale, w_zero_point = np.broadcast_arrays(np.atleast_1d(w_scale), w_zero_point)
        return self.QuantizationParameters(self.real([x_scale]), self.real([x_zero_point]), self.real(w_scale.copy()),
                                           self.real(w_zero_point.copy()))

    def real(self, array):
        return self.torch.tensor(np.asarray(array), dtype=self.torch.float32)


def circuit_module(lut, signed):
    """Name of a stand-in for one circuit of the evoapproxlib package: `calc` returns the product's bit pattern."""
    name, low, mask = f"mul8{'s' if signed else 'u'}_case", -128 if signed else 0, 0xFFFF if signed else -1
    module = types.ModuleType(f"evoapproxlib.{name}")
    module.calc = lambda x, w: int(lut[x - low, w - low]) & mask
    sys.modules[f"evoapproxlib.{name}"] = module
    return name


def whole(y):
    """Integers of an accumulator that the operator hands out as float32."""
    return np.rint(y.detach().numpy().astype(np.float64)).astype(np.int64)
