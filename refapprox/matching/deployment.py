"""Putting an assignment into a network, or one multiplier everywhere."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from refapprox.matching.info import MatchingInfo
from refapprox.multipliers import BinaryOperator, MultiplierLibrary
from refapprox.validation import check_offers

if TYPE_CHECKING:
    from refapprox.nets.approx_net import ApproxNet

Library = MultiplierLibrary | Mapping[str, BinaryOperator]

def deploy_multipliers(model: ApproxNet, matching_result: MatchingInfo, library: Library, *,
                       gradient: Callable | None = None) -> None:
    """Give every layer the multiplier that `matching_result` names; the mode becomes "approximate".

    Parameters
    ----------
    model : ApproxNet
    matching_result : MatchingInfo
    library : MultiplierLibrary or mapping of str to multipliers
    gradient : callable, optional
        Gives the slopes that training takes for a multiplier's table, such as
        ``lambda m: difference_gradient(m, 16)``; training is straight-through unless given.

    Raises
    ------
    ValueError
        If the layers are not those of the model in its order.
    KeyError
        If a name is not in the library.

    Examples
    --------
    >>> from refapprox import LeNet5, load_library
    >>> from refapprox.matching import LayerInfo
    >>> net = LeNet5(rng=np.random.default_rng(0))
    >>> layers = [LayerInfo(name, "mul8s_1L2H", 0.3, layer.opcount) for name, layer in net.noisy_modules]
    >>> deploy_multipliers(net, MatchingInfo(layers, 0.4, net.total_ops), load_library())
    >>> net.mode, net.noisy_modules[0][1].multiplier.name
    ('approximate', 'mul8s_1L2H')
    """
    expected = [name for name, _ in check_offers("model", model, "noisy_modules").noisy_modules]
    given = [info.name for info in matching_result.layers]
    if given != expected:
        raise ValueError(f"layers of the matching result must be {expected}, in this order, got {given}.")
    put_in(model, [library[info.multiplier_name] for info in matching_result.layers], gradient)


def deploy_uniform(model: ApproxNet, multiplier: BinaryOperator, *, gradient: Callable | None = None) -> None:
    """Give every layer the same multiplier; the mode becomes "approximate".

    Parameters
    ----------
    model : ApproxNet
    multiplier : Multiplier
    gradient : callable, optional
        As of `deploy_multipliers`.

    Examples
    --------
    >>> from refapprox import LeNet5, exact
    >>> net = LeNet5(rng=np.random.default_rng(0))
    >>> deploy_uniform(net, exact())
    >>> net.mode, {layer.multiplier.name for _, layer in net.noisy_modules}
    ('approximate', {'exact8s'})
    """
    put_in(model, [multiplier] * len(model.noisy_modules), gradient)


def put_in(model, multipliers, gradient):
    """One of `multipliers` for each layer that multiplies, with its slopes."""
    slopes = {} if gradient is None else {id(m): gradient(m) for m in multipliers}
    for (_, layer), multiplier in zip(model.noisy_modules, multipliers, strict=True):
        layer.multiplier, layer.gradient = multiplier, slopes.get(id(multiplier))
    model.set_mode("approximate")


def nearest_uniform(matching_result: MatchingInfo, multipliers: Iterable[BinaryOperator]) -> BinaryOperator:
    """The multiplier whose relative cost is nearest the energy of an assignment; the cheaper one of equals.

    Parameters
    ----------
    matching_result : MatchingInfo
    multipliers : iterable of Multiplier

    Returns
    -------
    Multiplier

    Raises
    ------
    ValueError
        If there are none.

    Examples
    --------
    >>> from refapprox import load_library
    >>> from refapprox.matching import LayerInfo
    >>> half = MatchingInfo([LayerInfo("conv1", "any", 0.2, opcount=1)], metric_max=0.4, opcount=1)
    >>> library = load_library()
    >>> abs(nearest_uniform(half, library).performance_metric - 0.2) < 0.05
    True
    """
    energy = matching_result.relative_energy_consumption
    multipliers = list(multipliers)
    if not multipliers:
        raise ValueError("multipliers must hold at least one, got none.")
    for i, multiplier in enumerate(multipliers):
        check_offers(f"multipliers[{i}]", multiplier, "performance_metric")
    return min(multipliers, key=lambda m: (abs(m.performance_metric / matching_result.metric_max - energy),
                                           m.performance_metric))
