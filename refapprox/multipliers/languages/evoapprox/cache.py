"""Parsed circuits and their tables on disk, by the hash of the source that they came from.

The folder is ``$REFAPPROX_CACHE_DIR``, by default ``refapprox`` in ``$XDG_CACHE_HOME`` or ``~/.cache``; an empty
``REFAPPROX_CACHE_DIR`` switches the cache off. Entries are npz files without pickle. One that cannot be read is made
anew, and a folder that cannot be written to costs time, nothing else.
"""
import hashlib
import os
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox._version import __version__
from refapprox.multipliers.circuits.netlist import Netlist

FORMAT = 1      # of an entry; a new number makes old entries unknown


def folder():
    """The folder of the cache, or None where it is switched off."""
    chosen = os.environ.get("REFAPPROX_CACHE_DIR")
    if chosen is not None:
        return Path(chosen) if chosen else None
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "refapprox"
    except RuntimeError:                             # there is no home directory
        return None


def key_of(content, *settings):
    """The key of what `content` (bytes) gives when it is read with `settings`."""
    head = repr((FORMAT, __version__, *settings)).encode()
    return hashlib.sha256(head + b"\0" + content).hexdigest()


def load(key):
    """(netlist, lut or None) stored under `key`, or None."""
    place = folder()
    if place is None:
        return None
    try:
        stored = files.read_npz(place / f"{key}.npz")
        widths = [int(width) for width in stored["widths"]]
        operands = list(zip(stored["operands"].tolist(), widths, strict=True))
        gates = [(kind, [wire for wire in wires if wire >= 0])
                 for kind, wires in zip(stored["kinds"].tolist(), stored["inputs"].tolist(), strict=True)]
        netlist = Netlist(operands, gates, stored["outputs"].tolist(), bool(stored["signed"]), str(stored["name"]))
        return netlist, stored.get("lut")
    except (OSError, ValueError, KeyError, TypeError):
        return None


def store(key, netlist, lut=None):
    """Keep a netlist, and its table if there is one, under `key`."""
    place = folder()
    if place is None:
        return
    inputs = np.full((len(netlist.gates), 3), -1, dtype=np.int32)
    for row, gate in zip(inputs, netlist.gates, strict=True):
        row[:len(gate.inputs)] = gate.inputs
    arrays = {
        "operands": np.array([name for name, _ in netlist.operands]),
        "widths": np.array([bits for _, bits in netlist.operands]),
        "kinds": np.array([gate.kind for gate in netlist.gates], dtype="U8"), "inputs": inputs,
        "outputs": np.array(netlist.outputs), "signed": np.array(netlist.signed), "name": np.array(netlist.name),
    }
    if lut is not None:
        small = lut.astype(np.int16 if netlist.signed else np.uint16)
        arrays["lut"] = small if np.array_equal(small, lut) else lut
    try:
        place.mkdir(parents=True, exist_ok=True)
        files.write_npz(place / f"{key}.npz", arrays)
    except OSError:
        return
