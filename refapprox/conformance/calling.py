"""One call of one operation, with everything that can go wrong named: the run goes on.

A call ends in an outcome, a dict with the key "status":

    ok               "outputs": name -> ndarray
    not applicable   the adapter does not offer the operation
    refused          it raised one of REFUSALS, as for wrong arguments: "message", "traceback"
    error            it raised something else
    mutated inputs   an input array was changed: "message" names it
    wrong type       not an ndarray or number, or the wrong number of outputs
"""
import copy
import numbers
import traceback

import numpy as np

from refapprox.conformance.adapter import OUTPUTS, offers
from refapprox.conformance.arrays import DTYPES

REFUSALS = (ValueError, IndexError, TypeError, OverflowError, AssertionError)


def call(adapter, operation, inputs):
    """The outcome of ``adapter.operation(**inputs)``; `inputs` are decoded values owned by this call."""
    if not offers(adapter, operation):
        return {"status": "not applicable"}
    kept = copy.deepcopy(inputs)
    try:
        returned = getattr(adapter, operation)(**inputs)
    except NotImplementedError as error:
        return {"status": "not applicable", "message": str(error)}
    except Exception as error:
        status = "refused" if isinstance(error, REFUSALS) else "error"
        return {"status": status, "message": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    changed = [name for name, before in kept.items() if not same(before, inputs.get(name))]
    if changed:
        return {"status": "mutated inputs", "message": f"the call changed its input {', '.join(changed)}."}
    return named_outputs(OUTPUTS[operation], returned)


def same(before, after):
    """Whether an input is still what it was: an array, nan included, or a list of what may be changed."""
    if isinstance(before, list):
        return (isinstance(after, list) and len(before) == len(after)
                and all(same(*items) for items in zip(before, after, strict=True)))
    if not isinstance(before, np.ndarray):
        return before is after or before == after
    return (before.shape == after.shape and before.dtype == after.dtype
            and before.tobytes() == np.ascontiguousarray(after).tobytes())


def named_outputs(names, returned):
    """The outcome for what an operation returned."""
    values = returned if isinstance(returned, tuple) else (returned,)
    if len(values) != len(names):
        return wrong_type(f"must return {len(names)} output(s) ({', '.join(names)}), got {len(values)}.")
    outputs = {}
    for name, value in zip(names, values, strict=True):
        plain = isinstance(value, (np.ndarray, np.generic, numbers.Real))
        if not plain or np.asarray(value).dtype.name not in DTYPES:
            came = f"{type(value).__name__} of dtype {value.dtype}" if plain and hasattr(value,
                                                                                         "dtype") else type(value)
            return wrong_type(f"output {name} must be a NumPy array or a number, got {came}.")
        outputs[name] = np.array(value)
    return {"status": "ok", "outputs": outputs}


def wrong_type(message):
    return {"status": "wrong type", "message": message}
