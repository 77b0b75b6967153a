"""What a multiplier costs in a search space: as the caller says, as its file says, or as its gates let expect."""
import math

from refapprox.multipliers.closed_forms import FORM
from refapprox.multipliers.codes import check_cost
from refapprox.multipliers.family import families, family_netlist
from refapprox.validation import UnknownNameError

STATED, TOLD, ESTIMATED = "the caller", "its source", "its gates"      # ``info["cost"]``: where a cost comes from


class UnknownCostError(ValueError):
    """Multipliers whose cost nobody knows; `spoken` says how to state it on the command line."""

    def __init__(self, names):
        self.names = list(names)
        super().__init__(self.text(f"costs={{{self.names[0]!r}: 0.2}}"))

    def text(self, how):
        return (f"the cost of {', '.join(self.names)} is not known: neither a file says it, nor are its gates known. "
                f"Choosing the cheapest multiplier needs it, in mW like the others': say {how}, or "
                f'{{"performance_metric": 0.2}} in its side file.')

    def spoken(self):
        """The message in the words of the command line."""
        return self.text(" ".join(f"--cost {name}=0.2" for name in self.names))


def with_stated_costs(multipliers, costs):
    """`multipliers` as a list with the costs given by name; an UnknownNameError where a cost names none of them."""
    multipliers = list(multipliers)
    names = [multiplier.name for multiplier in multipliers]
    for name in costs:
        if name not in names:
            raise UnknownNameError("multiplier to give a cost", name, names)
    return [with_cost(m, check_cost(f"cost of {m.name}", costs[m.name]), STATED) if m.name in costs else m
            for m in multipliers]


def with_estimated_costs(multipliers, *, required=True):
    """`multipliers` as a list in which costs that are not known are estimated by `cost.power` of their gates.

    ``info["cost"]`` of each says where its cost comes from: `STATED`, `TOLD` or `ESTIMATED`. One that stays without a
    cost although it is `required` is an UnknownCostError.
    """
    found = [estimated(m) if math.isnan(m.performance_metric) else m if m.info.get("cost") else
             with_cost(m, m.performance_metric, TOLD) for m in multipliers]
    unknown = [m.name for m in found if math.isnan(m.performance_metric)]
    if unknown and required:
        raise UnknownCostError(unknown)
    return found


def with_cost(multiplier, cost, origin):
    """The same multiplier with a cost and where it comes from."""
    make = multiplier.to_multiplier if multiplier.has_table else multiplier.to_circuit
    return make(performance_metric=cost, info=multiplier.info | {"cost": origin})


def estimated(multiplier):
    """The same multiplier with the power that its gates let expect; as it is where they are not known."""
    from refapprox.multipliers.circuits import cost
    netlist = known_netlist(multiplier)
    return multiplier if netlist is None else with_cost(multiplier, cost.power(netlist), ESTIMATED)


def known_netlist(operator):
    """The gates of an operator, or None where nobody knows them: a table, a function, a rule without gates."""
    if operator.netlist is not None:
        return operator.netlist
    family = operator.info.get("family", "")
    form = FORM.fullmatch(family)
    if form and operator.bits_x == operator.bits_w:
        name = f"operand_truncated({form[2]})" if form[1] == "T" else f"broken_array({form[2]}, {form[3]})"
        return family_netlist(name, bits=operator.bits, signed=operator.signed)
    if family in families() and families()[family].kind == "circuit":
        return family_netlist(family, bits=operator.bits, signed=operator.signed,
                              extension=operator.info["extension"], **operator.info["parameters"])
    return None
