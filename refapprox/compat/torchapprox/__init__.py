"""torchapprox's names over refapprox: ``approx(a, b, lut)`` and the layers, in NumPy.

Reference: E. Trommer, torchapprox, https://github.com/etrommer/torch-approx.
"""
