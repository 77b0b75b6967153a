"""What all rungs of the ladder take and give, said once: their docstrings tell only what is their own."""
import inspect
from collections.abc import Callable
from typing import TypeVar

Estimator = TypeVar("Estimator", bound=Callable)
SECTIONS = """
Parameters
----------
emaps : Multiplier, error map, or a sequence of them
operands : LayerOperands
    {needs}{parameters}

Returns
-------
ErrorEstimate
    Entries for each multiplier where a sequence was given.

Raises
------
ValueError
    If the error maps do not fit the operands, or these do not hold what the rung needs.

Examples
--------
>>> from refapprox.error_stats import LayerOperands
>>> layer = LayerOperands.from_codes([[0, 1], [1, 1]], [[1, 0], [1, 1]], range_x=(0, 1), range_w=(0, 1))
>>> found = {name}([[0, 0], [0, 2]], layer)
>>> round(float(found.accumulated_mean), 9), round(float(found.accumulated_std) ** 2, 9)
({mean}, {variance})
"""


def rung(needs: str, *, mean: float, variance: float, parameters: str = "") -> Callable[[Estimator], Estimator]:
    """Decorator of an estimator: its docstring gets the sections that all of them share.

    `needs` is what of the operands it takes; `mean` and `variance` are its answer for the example, whose data have the
    errors 2 and 2, 4 and 2; `parameters` documents those of its own.
    """
    def documented(estimator):
        told = {"needs": needs, "parameters": parameters and f"\n{inspect.cleandoc(parameters)}", "mean": mean,
                "variance": variance, "name": estimator.__name__}
        if estimator.__doc__:      # python -OO has none
            estimator.__doc__ = inspect.cleandoc(estimator.__doc__) + "\n" + SECTIONS.format(**told)
        return estimator
    return documented
