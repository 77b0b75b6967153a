"""EvoApproxLib's signed 8-bit multipliers, by formula, under the names of either release.

`EvoApproxLib` is the package that the published tutorial imports, with the names of release v1.1; `EvoApprox` is what
later versions of agnapprox have in its place, with those of v2022. Ten names exist in both, nine of them for another
circuit, so the two must not be mixed.
"""
from refapprox.compat.agnapprox.libs.approxlib import ApproximateMultiplier, ApproxLibrary
from refapprox.compat.lut_order import to_twos_complement
from refapprox.multipliers import MultiplierLibrary, load_library
from refapprox.validation import check_choice

V2022_NAMES = {      # of the circuits that have these names in v1.1
    "mul8s_1KV8": "mul8s_1KV6", "mul8s_1KVA": "mul8s_1KV8", "mul8s_1KVB": "mul8s_1KV9", "mul8s_1KX2": "mul8s_1KVA",
    "mul8s_1L2H": "mul8s_1L2J", "mul8s_1L2D": "mul8s_1L2L", "mul8s_1L1G": "mul8s_1L2N", "mul8s_1KR8": "mul8s_1KVM",
    "mul8s_1KR6": "mul8s_1KVP", "mul8s_1KRC": "mul8s_1KVQ", "mul8s_1KVL": "mul8s_1KX5", "mul8s_1KTY": "mul8s_1KXF",
    "mul8s_1KR3": "mul8s_1L12",
}


class EvoApproxLib(ApproxLibrary):
    """The tutorial's search space: names of release v1.1, power in mW at 45 nm.

    Parameters
    ----------
    source : "builtin" or path, optional
        As in `refapprox.load_library`.
    """

    def __init__(self, source="builtin"):
        self.library = load_library(source)

    def prepare(self, signed=True):
        """The candidates, which are signed: unsigned tables do not fit the signed codes of the layers."""
        if not signed:
            raise ValueError("signed of prepare must be True: the layers multiply signed codes, and the built-in "
                             "multipliers are signed ones.")
        return self.search_space()

    def search_space(self):
        return [candidate(m) for m in self.library]

    def load_lut(self, name):
        """Table of the multiplier called `name`, int32 (256, 256), two's-complement order."""
        return to_twos_complement(self.library.load_lut(name))


class EvoApprox(EvoApproxLib):
    """The same circuits under the names of release v2022.

    Parameters
    ----------
    filter_str : str, optional
        Part of the names to keep.
    metric : {"PDK45_PWR"}, optional
        The cost: power in mW at 45 nm is what is known without the library's files.
    """

    def __init__(self, filter_str="mul8s", metric="PDK45_PWR"):
        check_choice("metric", metric, ("PDK45_PWR",))
        renamed = sorted((V2022_NAMES[m.name], m) for m in load_library())
        kept = [renamed_multiplier(m, name) for name, m in renamed if filter_str in name]
        if not kept:
            raise ValueError(f"no built-in multiplier has {filter_str!r} in its name: they are mul8s_*.")
        self.library, self.metric = MultiplierLibrary(kept, "EvoApproxLib v2022"), metric
        self.names = self.library.names


def renamed_multiplier(multiplier, name):
    return type(multiplier)(name, multiplier.lut, True, multiplier.performance_metric, "v2022", multiplier.info)


def candidate(multiplier):
    return ApproximateMultiplier(multiplier.name, multiplier.performance_metric, multiplier.error_map)
