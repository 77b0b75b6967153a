"""A multiplying layer as agnapprox's user sees it: attributes of a module around a `network.MultiplyingLayer`."""
import numpy as np

from refapprox.compat.tables import signed_multiplier
from refapprox.multipliers.formats import swap_order


class ApproxOp:
    """What the layer multiplies with in the approximate mode."""

    def __init__(self, layer, name):
        self._layer, self._name = layer, name

    @property
    def lut(self):
        """Product table, int32 (256, 256), two's-complement order; None before one is deployed."""
        return None if self._layer.multiplier is None else swap_order(self._layer.multiplier.lut)

    @lut.setter
    def lut(self, table):
        self._layer.multiplier = None if table is None else signed_multiplier(table, f"table of {self._name}")


class NoisyModule:
    """The published attributes of a layer.

    Attributes
    ----------
    layer : MultiplyingLayer
        The layer itself.
    approx_op : ApproxOp
    stdev : float
        The learned noise level sigma_l; a NumPy scalar, with `item()`.
    opcount : numpy.int64
        Multiplications per sample.
    fan_in : int
    quantize, approximate, noise : bool
        The mode in three flags. `approximate` wins over `noise`, which wins over `quantize`; noise is added to
        quantized products.
    """

    def __init__(self, layer, name):
        self.layer = layer
        self.approx_op = ApproxOp(layer, name)
        self._flags = {"quantize": False, "approximate": False, "noise": False}

    stdev = property(lambda self: self.layer.stdev)
    opcount = property(lambda self: np.int64(self.layer.opcount))
    fan_in = property(lambda self: self.layer.fan_in)
    weight = property(lambda self: self.layer.parameters["weight"].value)

    @stdev.setter
    def stdev(self, value):
        self.layer.stdev = value

    def set_flags(self, quantize, approximate, noise):
        """All three at once; nothing changes where the mode they stand for is refused."""
        mode = "approximate" if approximate else "noise" if noise else "quantized" if quantize else "float"
        self.layer.set_mode(mode)
        self._flags = {"quantize": bool(quantize), "approximate": bool(approximate), "noise": bool(noise)}

    quantize, approximate, noise = (
        property(lambda self, flag=flag: self._flags[flag],
                 lambda self, value, flag=flag: self.set_flags(**self._flags | {flag: value}))
        for flag in ("quantize", "approximate", "noise"))
