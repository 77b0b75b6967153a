"""refapprox: what happens to a neural network when its multiplications are not exact?

A reference implementation in NumPy and SciPy: approximate multipliers as tables of products, a convolutional
network with explicit int8 quantization and hand-written gradients that learns how much error each layer tolerates,
error statistics in closed form confirmed by Monte Carlo and simulation, the cheapest multiplier per layer, and
the analog counterpart in noisy, drifting conductances. It is an oracle: exact where numbers are integers,
derived where they are not, and never fast at the price of being wrong.

What it is not for: training large networks (it runs on a CPU, in NumPy, and knows convolutions, linear layers and
pooling, no transformers), deployment on hardware, or synthesis of circuits (areas and delays are estimates from gate
counts). A framework does those; refapprox is what its numbers are held against.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy
from refapprox._version import __version__

__all__ = [
    "Circuit", "LeNet5", "MNIST", "Multiplier", "MultiplierLibrary", "Netlist", "SyntheticDigits", "UnknownNameError",
    "WrongKindError", "__version__", "analog", "closed_form", "compat", "conformance", "datasets", "effect", "effects",
    "error_stats", "exact", "exchange", "export_onnx", "families", "from_family", "lessons", "load_library",
    "load_onnx", "lut_matmul", "main_job", "matching", "multipliers", "nets", "network", "ops", "plotting",
    "quantization", "read_circuit", "testing",
]

if TYPE_CHECKING:
    from refapprox import (
        analog,
        compat,
        conformance,
        datasets,
        effects,
        error_stats,
        exchange,
        lessons,
        main_job,
        matching,
        multipliers,
        nets,
        network,
        ops,
        plotting,
        quantization,
        testing,
    )
    from refapprox.datasets import MNIST, SyntheticDigits
    from refapprox.effects import effect
    from refapprox.exchange import export_onnx, load_onnx
    from refapprox.multipliers import (
        Circuit,
        Multiplier,
        MultiplierLibrary,
        Netlist,
        closed_form,
        exact,
        families,
        from_family,
        load_library,
        read_circuit,
    )
    from refapprox.nets import LeNet5
    from refapprox.ops.lut_matmul import lut_matmul
    from refapprox.validation import UnknownNameError, WrongKindError
else:
    __getattr__, __dir__ = lazy(__name__)
