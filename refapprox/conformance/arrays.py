"""Values of a case as JSON: what the case files hold and what goes over a pipe.

An array is ``{"dtype": "int64", "shape": [2, 2], "data": [1, 2, 3, 4]}``: flat, row-major; dtype is one of `DTYPES`.
Floats are the shortest decimal that reads back as the same float64; nan and the infinities, which JSON lacks, are
the strings "nan", "inf" and "-inf". Numbers, strings, booleans, null and lists of them stand for themselves.
``{"table": "probe_s8"}`` is a table of the suite; `decode` is told how to look it up.
"""
import math

import numpy as np

from refapprox.validation import shown

DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")


def encode(value):
    """`value` as what `json.dumps` takes; arrays become objects, dictionaries are encoded item by item."""
    if isinstance(value, np.ndarray):
        if value.dtype.name not in DTYPES:
            raise ValueError(f"an array must have one of the dtypes {', '.join(DTYPES)}, got {value.dtype}.")
        data = value.ravel().tolist()
        if value.dtype.kind == "f":
            data = [number if math.isfinite(number) else str(number) for number in data]
        return {"dtype": value.dtype.name, "shape": list(value.shape), "data": data}
    if isinstance(value, np.generic):
        return encode(value.item())
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def decode(value, tables=None):
    """What `encode` encoded: arrays are fresh and writable. `tables` looks a ``{"table": name}`` up by name."""
    if isinstance(value, dict):
        if set(value) == {"dtype", "shape", "data"}:
            return decode_array(value)
        if set(value) == {"table"}:
            return np.array(tables(value["table"]))
        return {key: decode(item, tables) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item, tables) for item in value]
    return value


def decode_array(value):
    """The ndarray of ``{"dtype": ..., "shape": ..., "data": ...}``, or a ValueError that says what is wrong."""
    dtype, shape, data = value["dtype"], value["shape"], value["data"]
    if dtype not in DTYPES:
        raise ValueError(f"dtype of an array must be one of {', '.join(DTYPES)}, got {shown(dtype)}.")
    if not isinstance(shape, list) or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise ValueError(f"shape of an array must be a list of sizes, got {shown(shape)}.")
    if not isinstance(data, list) or len(data) != math.prod(shape):
        came = f"{len(data)} values" if isinstance(data, list) else repr(data)[:40]
        raise ValueError(f"data of an array of shape {shape} must be a flat list of {math.prod(shape)} values, "
                         f"got {came}.")
    try:
        if np.dtype(dtype).kind == "f":
            data = [float(number) for number in data]
        elif any(type(number) is not (bool if dtype == "bool" else int) for number in data):
            raise ValueError(f"not every value is of {dtype}")
        elif dtype != "bool" and data and not np.iinfo(dtype).min <= min(data) <= max(data) <= np.iinfo(dtype).max:
            raise ValueError(f"not every value fits {dtype}")
        return np.array(data, dtype=dtype).reshape(shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"data of an array must be values of {dtype}: {error}.") from None
