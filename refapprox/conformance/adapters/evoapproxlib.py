"""EvoApproxLib itself: tables from the C sources of a checkout, which are parsed and not executed.

    --adapter "refapprox.conformance.adapters.evoapproxlib:EvoApproxLib:v1.1=PATH,v2022=PATH"
"""
from pathlib import Path

from refapprox.conformance.adapter import Adapter
from refapprox.multipliers import read_circuit


class EvoApproxLib(Adapter):

    def __init__(self, checkouts):
        entries = [entry.partition("=") for entry in checkouts.split(",")]
        if not all(separator and path for _, separator, path in entries):
            raise ValueError(f"checkouts must read release=path,release=path, got {checkouts!r}.")
        self.sources = {release: {source.stem: source for source in sorted(Path(path).rglob("mul8*.c"))}
                        for release, _, path in entries}
        self.name = f"EvoApproxLib {' and '.join(self.sources)}, from its C sources"

    def circuit(self, *, release, name):
        if release not in self.sources:
            raise NotImplementedError(f"no checkout of release {release} was given")
        # the name says whether a circuit is signed; the types of some sources are unsigned for signed ones
        return read_circuit(self.sources[release][name], signed=name.startswith("mul8s")).to_multiplier().lut
