"""Putting an assignment into a network, or one multiplier everywhere."""


def deploy_multipliers(model, matching_result, library, *, gradient=None):
    """Give every layer the multiplier that `matching_result` names; the mode becomes "approximate".

    `gradient`, a function of a multiplier such as ``lambda m: difference_gradient(m, 16)``, gives the slopes that
    training takes for its table; by default training is straight-through.

    Raises
    ------
    ValueError
        If the layers are not those of the model in its order, or a name is not in the library.
    """
    expected = [name for name, _ in model.noisy_modules]
    given = [info.name for info in matching_result.layers]
    if given != expected:
        raise ValueError(f"layers of the matching result must be {expected}, in this order, got {given}.")
    chosen = [library[info.multiplier_name] for info in matching_result.layers]
    put_in(model, chosen, gradient)


def deploy_uniform(model, multiplier, *, gradient=None):
    """Give every layer the same multiplier; the mode becomes "approximate". `gradient` as of `deploy_multipliers`."""
    put_in(model, [multiplier] * len(model.noisy_modules), gradient)


def put_in(model, multipliers, gradient):
    """One of `multipliers` for each layer that multiplies, with its slopes."""
    slopes = {} if gradient is None else {id(m): gradient(m) for m in multipliers}
    for (_, layer), multiplier in zip(model.noisy_modules, multipliers, strict=True):
        layer.multiplier, layer.gradient = multiplier, slopes.get(id(multiplier))
    model.set_mode("approximate")


def nearest_uniform(matching_result, multipliers):
    """The multiplier whose relative cost is nearest the energy of `matching_result`; the cheaper one of equals."""
    energy = matching_result.relative_energy_consumption
    return min(multipliers, key=lambda m: (abs(m.performance_metric / matching_result.metric_max - energy),
                                           m.performance_metric))
