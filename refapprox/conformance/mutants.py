"""An adapter for any known mistake: the specification, evaluated under it.

    refapprox conformance run --adapter "refapprox.conformance.mutants:Mutant:transposed table"

shows what a diagnosis looks like, and what a framework of one's own would have to answer to be diagnosed so.
"""
from refapprox.conformance.adapter import Adapter
from refapprox.conformance.comparing import is_refusal
from refapprox.conformance.spec import MISTAKES, OPERATIONS
from refapprox.validation import check_choice


class Mutant(Adapter):
    """What the definitions answer, slowly: right without a mistake, else as the mistake has it.

    Parameters
    ----------
    mistake : str, optional
        A name of `spec.MISTAKES`; "a + b" for two at once; "" for none.

    Raises
    ------
    ValueError
        If a mistake is not known.

    Examples
    --------
    >>> import numpy as np
    >>> Mutant("gradient scaled by the scale").fake_quantize_gradient(
    ...     dy=np.ones(2), x=np.array([0.25, 9.0]), scale=0.5, zero_point=0, qmin=-8, qmax=7).tolist()
    [0.5, 0.0]
    """

    def __init__(self, mistake: str = ""):
        self.mistakes = [check_choice("mistake", name, MISTAKES) for name in mistake.split(" + ") if name]
        self.name = f"mutant: {mistake}" if mistake else "specification"


def evaluated(operation):
    """The method of a Mutant for `operation`."""
    def method(self, **inputs):
        outputs, evaluation = operation.evaluate(inputs, self.mistakes)
        if outputs is not None and is_refusal(outputs):
            raise ValueError(evaluation.reason)
        if outputs is None or any(isinstance(value, str) for value in outputs.values()):      # a hash for a table
            raise NotImplementedError(f"{operation.name} has no answer here")
        values = tuple(outputs.values())
        return values if len(values) > 1 else values[0]
    return method


for _operation in OPERATIONS.values():
    setattr(Mutant, _operation.name, evaluated(_operation))
