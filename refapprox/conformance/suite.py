"""The cases: read from their folder, every file held against its hash first.

    manifest.json            format, version, families, the SHA-256 of every file, and of all of it (`digest`)
    FAMILY.json              the cases of one family, one a line: inputs and expected outputs

Tables of products are named, and computed by `spec.tables`; `building.export` writes everything literally.
docs/conformance.md describes the format for those who read it without Python.
"""
from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from refapprox import files
from refapprox.conformance.arrays import decode
from refapprox.conformance.building import FORMAT, VERSION, digest, mistaken
from refapprox.conformance.spec import OPERATIONS
from refapprox.conformance.spec.tables import tabulated
from refapprox.validation import UnknownNameError, check_instance

FOLDER = Path(__file__).parent / "cases"


MANIFEST = {"format?": (str, float, None), "version?": (str, float, None), "families": [str], "sha256": {"*": str},
            "digest": str, "*": (dict, list, str, float, bool, None)}
FAMILY_FILE = {"family": str, "cases": [{"id": str, "probes": str, "operation": str, "inputs": dict, "expected": dict,
                                         "question?": str, "check": dict, "*": (dict, list, str, float, None)}]}


@dataclass(frozen=True)
class Case:
    """One question to a framework, and what is right about the answers.

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
    digest : str
        SHA-256 of the suite that it is of.

    Examples
    --------
    >>> case = load_case("energy/exact")
    >>> case.operation, case.expected["refapprox"]["energy"]
    ('relative_energy', 1.0)
    """

    id: str
    probes: str
    operation: str
    raw_inputs: dict
    expected: dict
    question: str
    check: dict
    digest: str

    @property
    def family(self) -> str:
        """The part of the id before the slash."""
        return self.id.split("/")[0]

    @property
    def reference(self) -> str:
        """Where the rule stands in the docs."""
        return f"docs/conformance.md#{OPERATIONS[self.operation].reference}"

    @cached_property
    def mistakes(self) -> dict[str, dict]:
        """name -> outputs of every known mistake that shows here; "a + b" are two that meet in one step."""
        return mistaken(self)

    @property
    def inputs(self) -> dict[str, Any]:
        """The keyword arguments of the operation: fresh arrays at each call."""
        return decoded(self.raw_inputs, f"inputs of the case {self.id}", tabulated)


class Suite:
    """The cases of one folder, in order. Iteration gives every `Case`; ``suite[id]`` one of them.

    Parameters
    ----------
    folder : path-like, optional
        By default the cases that the package ships.

    Raises
    ------
    ValueError
        If a file is missing, was altered, or is of another format.
    KeyError
        From ``suite[id]``, if there is no such case.

    Examples
    --------
    >>> suite = load_suite()
    >>> len(suite.select(["energy"])), suite["energy/free"].family
    (5, 'energy')
    """

    def __init__(self, folder: str | Path = FOLDER):
        self.folder = Path(folder)
        self.manifest = self._checked_manifest()
        self.digest = self.manifest["digest"]
        self._stored = {stored["id"]: stored for family in self.manifest["families"]
                        for stored in files.read_json(self.folder / f"{family}.json", FAMILY_FILE)["cases"]}
        self._cases = {}

    def _checked_manifest(self):
        path = self.folder / "manifest.json"
        if not path.is_file():
            raise ValueError(f"{self.folder} holds no conformance cases: manifest.json is missing.")
        manifest = files.read_json(path, MANIFEST)
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

    def __iter__(self) -> Iterator[Case]:
        return map(self.__getitem__, self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def __getitem__(self, case_id: str) -> Case:
        stored = self.stored(case_id)
        if case_id not in self._cases:
            self._cases[case_id] = Case(stored["id"], stored["probes"], stored["operation"], stored["inputs"],
                                        decoded(stored["expected"], f"expected of the case {case_id}"),
                                        stored.get("question", ""), stored["check"], self.digest)
        return self._cases[case_id]

    def stored(self, case_id: str) -> dict:
        """A case as its file has it."""
        if case_id not in self._stored:
            raise UnknownNameError("case", case_id, self._stored)
        return self._stored[case_id]

    def select(self, patterns: Iterable[str] = ()) -> list[Case]:
        """Cases whose id or family matches one of the shell-style `patterns`; all of them without patterns."""
        patterns = [check_instance("patterns", pattern, str)
                    for pattern in ([patterns] if isinstance(patterns, str) else patterns)]
        chosen = [case for case in self if not patterns or any(
            fnmatch.fnmatch(case.id, pattern) or fnmatch.fnmatch(case.family, pattern) for pattern in patterns)]
        if not chosen:
            raise ValueError(f"no case matches {', '.join(patterns)}: `refapprox conformance list` names what the "
                             f"patterns choose from.")
        return chosen


def decoded(value, where, tables=None):
    """`decode`, whose ValueError names the place."""
    try:
        return decode(value, tables)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{where} cannot be read: {error}") from None


@cache
def load_suite() -> Suite:
    """The suite that the package ships.

    Returns
    -------
    Suite

    Examples
    --------
    >>> len(load_suite()) > 400
    True
    """
    return Suite()


def load_case(case_id: str) -> Case:
    """One case of the shipped suite; its `inputs` are what the operation is called with.

    Parameters
    ----------
    case_id : str
        As `refapprox conformance list` has it.

    Returns
    -------
    Case

    Raises
    ------
    KeyError
        If there is no such case.

    Examples
    --------
    >>> load_case("energy/exact").inputs["cost_max"]
    2.0
    """
    return load_suite()[case_id]
