"""Networks in and out: ONNX, with the extra `onnx`."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = ["OnnxError", "export_onnx", "load_onnx"]

if TYPE_CHECKING:
    from refapprox.exchange.onnx_export import export_onnx
    from refapprox.exchange.onnx_file import OnnxError
    from refapprox.exchange.onnx_import import load_onnx
else:
    __getattr__, __dir__ = lazy(__name__)
