"""Tables as tools ship them, read from their files: AdaPT's and TransAxx's headers, TFApprox's and ApproxFlow's tables.

    --adapter refapprox.conformance.adapters.table_files:TableFiles:FOLDER

finds them below FOLDER (several with the path separator between them) by their names, checkouts of the tools say.
"""
import os
from pathlib import Path

from refapprox.conformance.adapter import Adapter
from refapprox.multipliers.formats import read_table


class TableFiles(Adapter):
    """`folders` hold the files; `circuit` reads the one that is named after the circuit."""

    def __init__(self, folders):
        self.files = {}
        for folder in folders.split(os.pathsep):
            if not Path(folder).is_dir():
                raise ValueError(f"folders must be existing folders, got {folder!r}.")
            for path in sorted(Path(folder).rglob("*")):
                if path.suffix in (".h", ".bin", ".csv", ".txt"):
                    self.files.setdefault(path.stem, path)
        self.name = f"{len(self.files)} table files"

    def circuit(self, *, release, name):
        if release == "v2022" or name not in self.files:      # the tools that ship tables took them from v1
            raise NotImplementedError(f"no file of {name} of {release}")
        return read_table(self.files[name], signed=name.startswith("mul8s")).lut
