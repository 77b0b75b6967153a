"""Real numbers <-> integer codes: rounding, schemes and ranges, and batch norm folded into the weights."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "RANGES", "SCHEMES", "BatchObserver", "LayerQuantization", "MinMaxObserver", "MovingAverageObserver",
    "QuantizationParameters", "TensorScheme", "dequantize", "fold_batch_norm", "quantize", "quantize_with_mask",
]

if TYPE_CHECKING:
    from refapprox.quantization.codes import QuantizationParameters, dequantize, quantize, quantize_with_mask
    from refapprox.quantization.folding import fold_batch_norm
    from refapprox.quantization.observers import BatchObserver, MinMaxObserver, MovingAverageObserver
    from refapprox.quantization.schemes import RANGES, SCHEMES, LayerQuantization, TensorScheme
else:
    __getattr__, __dir__ = lazy(__name__)
