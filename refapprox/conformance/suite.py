"""The cases: read from their folder, every file held against its hash first.

    manifest.json            format, version, families, tables, the SHA-256 of every file, and of all of it (`digest`)
    FAMILY.json              the cases of one family, one a line
    tables/NAME.npy          tables of products, int32 (256, 256), value order

docs/conformance.md describes the format for those who read it without Python.
"""
import fnmatch
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.conformance.arrays import decode

FOLDER = Path(__file__).parent / "cases"
FORMAT = "refapprox-conformance"
VERSION = 1


@dataclass(frozen=True)
class Case:
    """One question to a framework, and what is right and wrong about the answers.

    Attributes
    ----------
    id : str
        "family/what", stable over versions.
    probes : str
        What it probes, a sentence.
    operation : str
    raw_inputs : dict
        The inputs as in the file; `inputs` decodes them afresh.
    expected : dict of str to dict
        Outputs (name -> ndarray) under every convention; a single one is called "refapprox".
    question : str
        What the conventions differ about; "" where there is one.
    check : dict
        How outputs are compared; see `comparing`.
    mistakes : dict of str to dict
        Outputs that a known mistake would have produced here.
    reference : str
        Where the rule stands in the docs.
    """

    id: str
    probes: str
    operation: str
    raw_inputs: dict
    expected: dict
    question: str
    check: dict
    mistakes: dict
    reference: str
    suite: "Suite"

    family = property(lambda self: self.id.split("/")[0])

    @property
    def inputs(self):
        """The keyword arguments of the operation: fresh arrays at each call."""
        return decode(self.raw_inputs, self.suite.table)


class Suite:
    """The cases of one folder, in order. Iteration gives every `Case`; ``suite[id]`` one of them.

    Raises
    ------
    ValueError
        If a file is missing, was altered, or is of another format.
    """

    def __init__(self, folder=FOLDER):
        self.folder = Path(folder)
        self.manifest = self._checked_manifest()
        self.digest = self.manifest["digest"]
        self._tables, self._cases = {}, {}
        for family in self.manifest["families"]:
            for stored in files.read_json(self.folder / f"{family}.json")["cases"]:
                case = self._case(stored)
                self._cases[case.id] = case

    def _checked_manifest(self):
        path = self.folder / "manifest.json"
        if not path.is_file():
            raise ValueError(f"{self.folder} holds no conformance cases: manifest.json is missing.")
        manifest = files.read_json(path)
        if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
            raise ValueError(f"{path} must have the format {FORMAT}, version {VERSION}, "
                             f"got {manifest.get('format')}, {manifest.get('version')}.")
        if manifest.get("digest") != digest(manifest):
            raise ValueError(f"{path} was altered: its content does not have the digest that it states.")
        for name, stated in manifest["sha256"].items():
            part = self.folder / name
            if not part.is_file():
                raise ValueError(f"{part} is missing.")
            found = hashlib.sha256(files.read_bytes(part)).hexdigest()
            if found != stated:
                raise ValueError(f"{part} was altered: its SHA-256 is {found[:16]}..., "
                                 f"the manifest states {stated[:16]}....")
        return manifest

    def _case(self, stored):
        return Case(stored["id"], stored["probes"], stored["operation"], stored["inputs"],
                    decode(stored["expected"]), stored.get("question", ""), stored["check"],
                    decode(stored.get("mistakes", {})), stored["reference"], self)

    def __iter__(self):
        return iter(self._cases.values())

    def __len__(self):
        return len(self._cases)

    def __getitem__(self, case_id):
        if case_id not in self._cases:
            raise ValueError(f"the suite has no case {case_id!r}; `refapprox conformance list` names them all.")
        return self._cases[case_id]

    def table(self, name):
        """Table `name`, int32 (256, 256), value order, read-only."""
        if name not in self._tables:
            path = self.folder / "tables" / f"{name}.npy"
            if f"tables/{name}.npy" not in self.manifest["sha256"]:
                raise ValueError(f"the suite has no table {name!r}.")
            self._tables[name] = files.read_npy(path).astype(np.int32)
            self._tables[name].flags.writeable = False
        return self._tables[name]

    def select(self, patterns=()):
        """Cases whose id or family matches one of the shell-style `patterns`; all of them without patterns."""
        chosen = [case for case in self if not patterns or any(
            fnmatch.fnmatch(case.id, pattern) or fnmatch.fnmatch(case.family, pattern) for pattern in patterns)]
        if not chosen:
            raise ValueError(f"no case matches {', '.join(patterns)}; `refapprox conformance list` names them all.")
        return chosen


def digest(manifest):
    """SHA-256 of the manifest without its digest, as compact JSON with sorted keys."""
    content = {key: value for key, value in manifest.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@cache
def load_suite():
    """The suite that the package ships."""
    return Suite()


def load_case(case_id):
    """One case of the shipped suite; its `inputs` are what the operation is called with."""
    return load_suite()[case_id]
