"""refapprox: what happens to a neural network when its multiplications are not exact?

A reference implementation in NumPy and SciPy: approximate multipliers as tables of products, a convolutional
network with explicit int8 quantization and hand-written gradients that learns how much error each layer stands,
error statistics in closed form confirmed by Monte Carlo and simulation, the cheapest multiplier per layer, and
the analog counterpart in noisy, drifting conductances. It is an oracle: exact where numbers are integers,
derived where they are not, and never fast at the price of being wrong.
"""
from refapprox._version import __version__
from refapprox.multipliers import Circuit, Multiplier, MultiplierLibrary, exact, load_library
from refapprox.ops.lut_matmul import lut_matmul

__all__ = ["Circuit", "Multiplier", "MultiplierLibrary", "__version__", "exact", "load_library", "lut_matmul"]
