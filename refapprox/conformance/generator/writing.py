"""The suite as files: one case a line, tables as npy, hashes in the manifest."""
import hashlib
import io
import json
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.conformance.generator.families import FAMILIES
from refapprox.conformance.generator.tables import TABLES, tabulate
from refapprox.conformance.mistakes import MISTAKES
from refapprox.conformance.suite import FORMAT, VERSION, digest


def write_suite(folder):
    """Write every file of the suite into `folder`; the manifest comes last."""
    folder = Path(folder)
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    contents = {f"tables/{name}.npy": npy(tabulate(name)) for name in TABLES}
    contents.update({f"{family}.json": family_file(family, list(make())) for family, make in FAMILIES.items()})
    for name, content in contents.items():
        files.write_bytes(folder / name, content)
    manifest = {"format": FORMAT, "version": VERSION, "families": list(FAMILIES),
                "tables": {name: {"signed": signed, "what": what} for name, (signed, _, what) in TABLES.items()},
                "mistakes": MISTAKES,
                "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}}
    files.write_json(folder / "manifest.json", {**manifest, "digest": digest(manifest)})


def npy(array):
    """`array` as an npy file, version 1.0."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array, array.dtype.newbyteorder("<")), version=(1, 0))
    return buffer.getvalue()


def family_file(family, cases):
    """One family as JSON with one case a line; ids must be unique and of the family."""
    ids = [case["id"] for case in cases]
    if len(set(ids)) != len(ids) or not all(case_id.startswith(f"{family}/") for case_id in ids):
        raise ValueError(f"ids of family {family} must be unique and start with {family}/.")
    lines = ",\n".join(json.dumps(case, allow_nan=False, separators=(",", ":")) for case in cases)
    return f'{{"family": "{family}", "cases": [\n{lines}\n]}}\n'.encode()
