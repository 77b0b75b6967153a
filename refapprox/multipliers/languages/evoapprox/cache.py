"""Parsed circuits on disk, by the hash of the source that they came from.

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

FORMAT = 2      # of an entry; a new number makes old entries unknown


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
    """(netlist, note) stored under `key`, or None; a changed entry counts as none."""
    place = folder()
    if place is None:
        return None
    try:
        stored = files.read_npz(place / f"{key}.npz")
        if str(stored.pop("digest")) != digest(stored):
            return None
        widths = [int(width) for width in stored["widths"]]
        operands = list(zip(stored["operands"].tolist(), widths, strict=True))
        gates = [(kind, [wire for wire in wires if wire >= 0])
                 for kind, wires in zip(stored["kinds"].tolist(), stored["inputs"].tolist(), strict=True)]
        netlist = Netlist(operands, gates, stored["outputs"].tolist(), bool(stored["signed"]), str(stored["name"]))
        return netlist, str(stored["note"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def digest(arrays):
    """SHA-256 over names, kinds and bytes of all arrays of an entry."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        total.update(f"{name} {array.dtype} {array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def store(key, netlist, note=""):
    """Keep a netlist, and a text on it, under `key`."""
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
        "note": np.array(note),
    }
    try:
        place.mkdir(parents=True, exist_ok=True)
        files.write_npz(place / f"{key}.npz", arrays | {"digest": np.array(digest(arrays))})
    except OSError:
        return
