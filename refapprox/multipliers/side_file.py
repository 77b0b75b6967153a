"""The JSON file beside a table or a circuit, which says what that file does not say of itself.

    {"name": "mine", "signed": true, "order": "value", "performance_metric": 0.21}

``mine.json`` speaks for ``mine.npy``, ``mine.v``, ``mine.c`` and so on; for an npz file it may hold one such object for
each table, under the table's name. Every key is optional.

| key | value |
|---|---|
| name | text |
| signed | true or false |
| bits | one width, or [8, 4] |
| order | "value" or "code" |
| operation | "mul" or "add" |
| transposed | true where the row of the table is the weight |
| performance_metric | the cost, such as the power in mW, not negative |
| release | text: the release of the library that gives the name its meaning |
| format | one of `formats.FORMATS` |
| provenance | anything: where the multiplier comes from |
"""
import json
import math
from pathlib import Path

from refapprox import files
from refapprox.multipliers.codes import check_cost
from refapprox.validation import check_choice

KEYS = ("name", "signed", "bits", "order", "operation", "transposed", "performance_metric", "release", "format",
        "provenance")


def beside(source):
    """The path of the side file of `source`, or None where there is none."""
    path = Path(str(source))
    side = path.with_suffix(".json") if path.suffix not in ("", ".json") else None
    return side if side is not None and side.is_file() else None


def read(path):
    """The checked content of a side file; a file that describes no multiplier, such as a netlist, says nothing.

    A ValueError names file and key where a value is of a wrong kind, and keys that are not known.
    """
    content = files.read_json(path)
    if isinstance(content, dict) and "modules" in content:          # a netlist of Yosys
        return {}
    return check(content, path)


def check(content, where):
    """`content`, a JSON object with known keys; nested ones describe the tables of an npz file."""
    if not isinstance(content, dict):
        raise ValueError(f"{where} must hold a JSON object, got {type(content).__name__}.")
    for key, value in content.items():
        if key not in KEYS and isinstance(value, dict):
            check(value, f"{where}, {key}")
        else:
            check_choice(f"key of {where}", key, KEYS)
            check_value(key, value, where)
    return content


def check_value(key, value, where):
    """A ValueError where `value` cannot stand under `key`."""
    label = f"{key!r} of {where}"
    if key in ("name", "release", "format") and not isinstance(value, str):
        raise ValueError(f"{label} must be text, got {json.dumps(value)}.")
    if key in ("signed", "transposed") and not isinstance(value, bool):
        raise ValueError(f"{label} must be true or false, got {json.dumps(value)}.")
    if key == "order":
        check_choice(label, value, ("value", "code"))
    if key == "operation":
        check_choice(label, value, ("mul", "add"))
    if key == "bits":
        widths = value if isinstance(value, list) and len(value) == 2 else [value]
        if not all(isinstance(width, int) and not isinstance(width, bool) and 1 <= width <= 64 for width in widths):
            raise ValueError(f"{label} must be one width or two, from 1 to 64, got {json.dumps(value)}.")
    if key == "performance_metric":
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"{label} must be a number, got {json.dumps(value)}.")
        check_cost(label, value)


def write(path, multiplier, **more):
    """Write the side file of a table at `path`: all that is known of `multiplier`, and `more`."""
    about = {"name": multiplier.name, "signed": multiplier.signed, "bits": [multiplier.bits_x, multiplier.bits_w]}
    about |= {"release": multiplier.release} if multiplier.release else {}
    if not math.isnan(multiplier.performance_metric):
        about["performance_metric"] = multiplier.performance_metric
    provenance = provenance_of(multiplier)
    about |= ({"provenance": provenance} if provenance else {}) | more
    side = Path(path).with_suffix(".json")
    files.write_json(side, about)
    return side


def provenance_of(multiplier):
    """Where a multiplier comes from, as far as its `info` says so in JSON."""
    info = multiplier.info
    kept = {key: info[key] for key in ("family", "parameters", "extension", "reference", "published", "cost")
            if info.get(key)}
    if "file" in info:
        kept["file"] = Path(info["file"]).name
    return info.get("provenance", {}) | kept if isinstance(info.get("provenance", {}), dict) else info["provenance"]
