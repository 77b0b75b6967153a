"""torchapprox's layers, forward and backward, in NumPy.

The approximate mode computes what torchapprox is meant to compute; what it does wrong (`refapprox.compat.presets`) is
reproduced as far as a layer's `defects` say so.
"""
from refapprox.compat.torchapprox.layers.approx_conv2d import ApproxConv2d
from refapprox.compat.torchapprox.layers.approx_layer import ApproxLayer, InferenceMode
from refapprox.compat.torchapprox.layers.approx_linear import ApproxLinear
from refapprox.compat.torchapprox.layers.approx_wrapper import ApproxWrapper, layer_mapping_dict

__all__ = ["ApproxConv2d", "ApproxLayer", "ApproxLinear", "ApproxWrapper", "InferenceMode", "layer_mapping_dict"]
