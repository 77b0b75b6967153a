"""A failure as a few lines that can be pasted."""
import re

import numpy as np

LITERAL_ELEMENTS = 200      # inputs up to this size are written out, so that the snippet says what went in


def reproduction(result, source):
    """Python lines, or a shell line for a program, that call the one operation on the case's inputs.

    `source` is "package.module:Class[:argument]" or the command of a program; "" leaves the adapter to the reader.
    """
    case = result.case
    if source and not re.match(r"[\w.]+:\w+(:|$)", source):
        return f"refapprox conformance show {case.id} --request | {source}"
    module, name, *argument = source.split(":", 2) if source else ("", "adapter")
    made = f"{name}({repr(argument[0]) if argument else ''})" if source else name
    origin = f"from {module} import {name}" if source else "adapter = ...      # the one that was tested"
    inputs = case.inputs
    literal = {key: value for key, value in inputs.items() if not large(value)}
    lines = ["import numpy as np", "from refapprox.conformance import load_case",
             origin, f'case = load_case("{case.id}")']
    passed = [f"{key}={written(value)}" if key in literal else f'{key}=case.inputs["{key}"]' for key,
              value in inputs.items()]
    call = f"{made}.{case.operation}("
    return "\n".join([*lines, f"print({call}", *(f"    {item}," for item in passed), "))", "print(case.expected)"])


def large(value):
    if isinstance(value, (list, tuple)):
        return any(large(item) for item in value)
    return isinstance(value, np.ndarray) and value.size > LITERAL_ELEMENTS


def written(value):
    """`value` as Python source."""
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()!r}, dtype=np.{value.dtype.name})"
    return repr(value)
