"""The fully connected layer."""
from refapprox.compat.torchapprox.layers.approx_layer import ApproxLayer, to_array
from refapprox.compat.torchapprox.operators.approxgemm import ApproxGeMM
from refapprox.ops import linear


class ApproxLinear(ApproxLayer):
    """y = x w^T + b; `device` and `dtype` are without effect."""

    def __init__(self, in_features, out_features, bias=True, qconfig=None, device=None, dtype=None, *, rng=None):
        super().__init__((out_features, in_features), bias, qconfig, rng)
        self.in_features, self.out_features = in_features, out_features

    @classmethod
    def from_float(cls, layer, qconfig=None):
        """The layer with the sizes, weight and bias of `layer`, a torch.nn.Linear or what has its attributes."""
        made = cls(layer.in_features, layer.out_features, layer.bias is not None, qconfig)
        made.weight, made.bias = to_array(layer.weight), to_array(layer.bias)
        return made

    @property
    def fan_in(self):
        return self.in_features

    @property
    def opcount(self):
        return self.in_features * self.out_features

    def quant_fwd(self, x_q, w_q):
        return linear.forward(x_q, w_q)[0]

    def approx_fwd(self, x_q, w_q, quant_params):
        return ApproxGeMM.apply(x_q, w_q, self.multiplier, quant_params, self.htp_model, self.traced_inputs)

    def product_backward(self, dy, x_q, w_q):
        return linear.backward(dy, (x_q, w_q))
