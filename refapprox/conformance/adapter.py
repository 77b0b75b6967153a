"""What a framework offers to the suite: a class with the operations that it has.

Every operation takes plain NumPy arrays and Python scalars by keyword, and returns a NumPy array or a number, or
a tuple of them in the order of `OUTPUTS`. An operation that is not defined is reported as not applicable.
Codes are integers; `lut` is int32 (256, 256) in value order, ``lut[x - qmin, w - qmin]`` with the activation x on axis
0, the weight w on axis 1, and qmin = -128 where `signed`, else 0. `error_map` = exact - approximate, same axes.
Conductances in uS, times in s after programming; z are standard normals of the targets' shape; devices are ordered
g0+, g0-, g1+, g1-, ...

Signatures and docstrings are those of the definitions in `spec`: derive from `Adapter` and override what the framework
has. docs/conformance.md lists them all.
"""
import inspect
from typing import Any

from refapprox.conformance.spec import OPERATIONS
from refapprox.conformance.spec.arguments import described
from refapprox.validation import suggestion

OUTPUTS = {name: operation.outputs for name, operation in OPERATIONS.items()}      # their names, in order

# what version 1 of the suite asked, and later ones do not: helpers of one vendor's optimizer
REMOVED = ("downsample", "shuffle_rows", "hop_bounds", "partition_parameters", "reformat_x_g",
           "span_of_remaining_pairs", "denormalize", "search_objective", "stop_criterion")


class Adapter:
    """Base class of adapters.

    Attributes
    ----------
    name : str
        How reports call the framework.
    conventions : dict of str to str
        Question where frameworks rightly differ (see docs/conformance.md) -> the answer that the framework is meant to
        give; what is left out may be answered either way, but always the same way.

    Examples
    --------
    >>> import numpy as np
    >>> class Mine(Adapter):
    ...     def relative_energy(self, *, opcounts, costs, cost_max):
    ...         return float((opcounts * costs).sum() / opcounts.sum() / cost_max)
    >>> offers(Mine(), "relative_energy"), offers(Mine(), "matmul")
    (True, False)
    """

    name = "adapter"
    conventions = {}


def not_offered(operation):
    """The method of an adapter that does not have `operation`."""
    def method(self, **inputs):
        raise NotImplementedError(f"{operation.name} is not offered")

    method.__name__, method.__qualname__ = operation.name, f"Adapter.{operation.name}"
    method.__doc__ = described(operation)
    method.__annotations__ = dict.fromkeys([*operation.signature.parameters, "return"], Any)
    parameters = [p.replace(annotation=Any) for p in operation.signature.parameters.values()]
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = inspect.Signature([self, *parameters], return_annotation=Any)
    return method


for _operation in OPERATIONS.values():
    setattr(Adapter, _operation.name, not_offered(_operation))


def offers(adapter, operation):
    """Whether `adapter` defines `operation` itself."""
    method = getattr(type(adapter), operation, None) or getattr(adapter, operation, None)
    return method is not None and method is not getattr(Adapter, operation, None)


def remarks(adapter):
    """What is to be said of methods of `adapter` that the suite never calls: of earlier versions, or misnamed."""
    own, missing = type(adapter), [name for name in OPERATIONS if not offers(adapter, name)]
    found = [f"{name} is no operation of this suite any more" for name in REMOVED if offers(adapter, name)]
    unasked = [name for name in dir(own) if not name.startswith("_") and name not in (*OPERATIONS, *REMOVED)]
    near = {name: suggestion(name, missing, list_few=False) for name in unasked if callable(getattr(own, name))}
    return found + [f"{name} is no operation of this suite and was not called.{close}"
                    for name, close in near.items() if close]
