"""The operations of a network, one a file: `forward` returns (y, cache), `backward` the gradients for a cotangent `dy`.

Arguments are arrays, or what NumPy makes arrays of. Integers of any width count as their values: they are widened
before anything is computed. Layers (`refapprox.network`) own parameters and state; the functions here are pure.
`lut_matmul` and `lut_conv2d` multiply integer codes through the table of a multiplier.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "add", "agn", "avg_pool2d", "batch_norm", "bias", "conv2d", "cross_entropy", "fake_quantize", "flatten",
    "linear", "lut_conv2d", "lut_matmul", "max_pool2d", "noise_loss", "relu", "subsample",
]

if TYPE_CHECKING:
    from refapprox.ops import (
        add,
        agn,
        avg_pool2d,
        batch_norm,
        bias,
        conv2d,
        cross_entropy,
        fake_quantize,
        flatten,
        linear,
        lut_conv2d,
        lut_matmul,
        max_pool2d,
        noise_loss,
        relu,
        subsample,
    )
else:
    __getattr__, __dir__ = lazy(__name__)
