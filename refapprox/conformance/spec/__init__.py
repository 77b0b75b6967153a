"""Every operation of the suite, defined once: what is right, how it goes wrong, on which inputs that shows.

One file a subject. Nothing in here imports the code that the cases check: plain Python and NumPy arrays as containers,
integers exact, moments in fractions. From these files follow `Adapter`'s signatures, the cases, mistaken answers,
mutants, and the slow definitions that tests hold the fast code against:

>>> import numpy as np
>>> from refapprox.conformance.spec import OPERATIONS
>>> exact = np.multiply.outer(np.arange(-128, 128), np.arange(-128, 128))
>>> x, w = np.array([[3, -5]]), np.array([[7], [2]])
>>> OPERATIONS["matmul"](x=x, w=w, lut=exact, signed=True).item()
11
>>> inputs = {"x": x, "w": w, "lut": exact, "signed": True}
>>> OPERATIONS["matmul"].evaluate(inputs, ["32768 left in the table"])[0]["y"].item()
65547
"""
# isort: off
# families come in the order in which a reader meets the subjects
from refapprox.conformance.spec import tables, convolution, quantization, layers, noise, multipliers  # noqa: F401
from refapprox.conformance.spec import statistics, matching, converters, devices, aging  # noqa: F401
# isort: on
from refapprox.conformance.spec.base import FAMILIES, MISTAKES, OPERATIONS, QUESTIONS

__all__ = ["FAMILIES", "MISTAKES", "OPERATIONS", "QUESTIONS"]
