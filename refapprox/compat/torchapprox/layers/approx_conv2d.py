"""The convolution."""
import math

from refapprox.compat.torchapprox.layers.approx_layer import ApproxLayer, to_array
from refapprox.compat.torchapprox.operators.conv2d import ApproxConv2dOp, Conv2dArgs
from refapprox.ops import conv2d
from refapprox.ops.patches import geometry, pair


class ApproxConv2d(ApproxLayer):
    """Convolution of (n, c, h, w); zero padding only, `device` and `dtype` are without effect.

    `fan_in` is that of the groups, which the published one ignores.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
                 padding_mode="zeros", qconfig=None, device=None, dtype=None, *, rng=None):
        if padding_mode != "zeros":
            raise ValueError(f"padding_mode of ApproxConv2d must be 'zeros', got {padding_mode!r}.")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair("kernel_size of ApproxConv2d", kernel_size, 1)
        self.stride, self.padding, self.dilation = (
            pair(f"{name} of ApproxConv2d", value, least)
            for name, value, least in (("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)))
        super().__init__((out_channels, in_channels // groups, *self.kernel_size), bias, qconfig, rng)
        self._opcount = None

    @classmethod
    def from_float(cls, layer, qconfig=None):
        """The layer with the geometry, weight and bias of `layer`, a torch.nn.Conv2d or what has its attributes."""
        made = cls(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding,
                   layer.dilation, layer.groups, layer.bias is not None, layer.padding_mode, qconfig)
        made.weight, made.bias = to_array(layer.weight), to_array(layer.bias)
        return made

    from_conv2d = from_super = from_float

    @property
    def fan_in(self):
        return math.prod(self.weight.shape[1:])

    @property
    def opcount(self):
        """Multiplications per sample; known after the first forward pass."""
        if self._opcount is None:
            raise ValueError("opcount of ApproxConv2d is known after the first forward pass only.")
        return self._opcount

    @property
    def conv_args(self):
        """The settings as `ApproxConv2dOp` takes them."""
        return Conv2dArgs(self.in_channels, self.out_channels, self.kernel_size, self.stride, self.padding,
                          self.dilation, self.groups)

    def output_dims(self, x):
        """(height, width) of the output for images `x`."""
        return geometry("ApproxConv2d", self.kernel_size, self.stride, self.padding,
                        self.dilation).output_size(*x.shape[2:])

    def forward(self, x, x_scale=None, x_zero_point=None):
        """As `ApproxLayer.forward`."""
        y = super().forward(x, x_scale, x_zero_point)
        self._opcount = self.fan_in * math.prod(y.shape[1:])
        return y

    __call__ = forward

    def quant_fwd(self, x_q, w_q):
        return conv2d.forward(x_q, w_q, **self.conv_args.backward_args())[0]

    def approx_fwd(self, x_q, w_q, quant_params):
        return ApproxConv2dOp.apply(x_q, w_q, quant_params, self.conv_args, self.htp_model, self.output_dims(x_q),
                                    self.multiplier, self.traced_inputs, defects=self.defects)

    def product_backward(self, dy, x_q, w_q):
        return conv2d.backward(dy, conv2d.prepare(x_q, w_q, **self.conv_args.backward_args()))
