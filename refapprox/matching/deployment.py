"""Putting an assignment into a network, or one multiplier everywhere."""


def deploy_multipliers(model, matching_result, library):
    """Give every layer the multiplier that `matching_result` names; the mode becomes "approximate".

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
    for (_, layer), multiplier in zip(model.noisy_modules, chosen, strict=True):
        layer.multiplier = multiplier
    model.set_mode("approximate")


def deploy_uniform(model, multiplier):
    """Give every layer the same multiplier; the mode becomes "approximate"."""
    for _, layer in model.noisy_modules:
        layer.multiplier = multiplier
    model.set_mode("approximate")


def nearest_uniform(matching_result, multipliers):
    """The multiplier whose relative cost is nearest the energy of `matching_result`; the cheaper one of equals."""
    energy = matching_result.relative_energy_consumption
    return min(multipliers, key=lambda m: (abs(m.performance_metric / matching_result.metric_max - energy),
                                           m.performance_metric))
