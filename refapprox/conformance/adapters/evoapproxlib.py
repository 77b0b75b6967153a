"""EvoApproxLib itself: tables from the C sources of a checkout, which are parsed and not executed.

    --adapter "refapprox.conformance.adapters.evoapproxlib:EvoApproxLib:v1.1=PATH,v2022=PATH"
"""
from refapprox.conformance.adapter import Adapter
from refapprox.multipliers.library import load_library


class EvoApproxLib(Adapter):

    def __init__(self, checkouts):
        entries = [entry.partition("=") for entry in checkouts.split(",")]
        if not all(separator and path for _, separator, path in entries):
            raise ValueError(f"checkouts must read release=path,release=path, got {checkouts!r}.")
        self.libraries = {(release, kind): load_library(path, signed=kind == "s", bits=8)
                          for release, _, path in entries for kind in "su"}
        self.name = f"EvoApproxLib {' and '.join(release for release, _, _ in entries)}, from its C sources"

    def circuit(self, *, release, name):
        kind = name[4:5]      # of mul8s_..., mul8u_...
        if (release, kind) not in self.libraries:
            raise NotImplementedError(f"no checkout of release {release} was given")
        return self.libraries[release, kind].load_lut(name)
