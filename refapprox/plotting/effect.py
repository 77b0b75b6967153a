"""The figures of `refapprox effect`."""
import numpy as np

from refapprox.effects.result import binomial_std
from refapprox.multipliers.ranking import pareto_front
from refapprox.plotting.style import MARKERS, MEANING, label_points, new_figure

KINDS = (("published_std", "predicted, published rule", "predicted", "s"),
         ("best_std", "predicted, best rung", "best", "D"),
         ("simulated_std", "simulated", "simulated", "o"))


def layer_errors(effect):
    """Error std of every layer against what the layer allows: below the bar's upper end it tolerates it."""
    figure, axis = new_figure(size=(6.4, 3.6))
    places = np.arange(len(effect.layers))
    allowed = np.array([layer.allowed_std for layer in effect.layers])
    stds = np.array([[getattr(layer, key) for layer in effect.layers] for key, *_ in KINDS])
    positive = np.concatenate([stds[stds > 0], allowed[allowed > 0], [1.0]])
    floor = positive.min() / 3
    axis.bar(places, allowed, width=0.75, color="#fbe3d3", edgecolor=MEANING["allowed"], label="allowed")
    for shift, row, (_, label, meaning, marker) in zip((-0.22, 0, 0.22), stds, KINDS, strict=True):
        axis.plot(places + shift, np.maximum(row, floor * 1.1), linestyle="none", marker=marker, color=MEANING[meaning],
                  markersize=6, markerfacecolor="none" if meaning != "simulated" else None, label=label)
    axis.set(yscale="log", ylim=(floor, positive.max() * 3), ylabel="error std (accumulator units)")
    axis.set_xticks(places, [f"{layer.name}\n{'tolerated' if layer.fits else 'too much'}" for layer in effect.layers])
    axis.grid(False, axis="x")
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=8.5)
    return figure


def accuracies(report):
    """Accuracy with every multiplier everywhere and in single layers, with its binomial spread; exact as a line."""
    effects = list(report)
    figure, axes = new_figure(1, len(effects), size=(1.2 + 3.4 * len(effects), 3.4), sharey=True, squeeze=False)
    for axis, found in zip(axes[0], effects, strict=True):
        names = ["everywhere", *(f"only {layer.name}" for layer in found.layers)]
        shares = np.array([found.accuracy, *(layer.accuracy for layer in found.layers)])
        spread = [binomial_std(share, report.images) for share in shares]
        places = np.arange(len(names))
        axis.axhline(100 * found.exact_accuracy, color=MEANING["exact"], linestyle="--", linewidth=1,
                     label="exact products")
        axis.errorbar(places, 100 * shares, 100 * np.array(spread), linestyle="none", marker="o", capsize=3,
                      color=MEANING["simulated"], label="this multiplier, ± 1 std")
        if found.retrained is not None:
            axis.errorbar([0.25], [100 * found.retrained], [100 * binomial_std(found.retrained, report.images)],
                          linestyle="none", marker="^", capsize=3, color=MEANING["best"], label="retrained")
        axis.set_xticks(places, names, rotation=35, ha="right", rotation_mode="anchor")
        axis.set_title(found.name, fontsize=10)
        axis.grid(False, axis="x")
    axes[0, 0].set_ylabel("test accuracy (%)")
    handles = {}
    for axis in axes[0]:
        handles |= {label: handle for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=3, frameon=False, fontsize=8.5)
    return figure


def standings(effects):
    """Cost against the share of the layers' tolerance that is used: known circuits, their front, the new points.

    `effects` are those of one sign and width with a `standing`. Exact circuits, which use nothing, lie on the lower
    edge; a multiplier of unknown cost is a line across.
    """
    figure, axis = new_figure(size=(6.8, 4.4))
    place = effects[0].standing
    costs, used = np.array(place.costs), np.array(place.tolerance_used)
    everything = np.concatenate([used, [found.tolerance_used for found in effects]])
    floor = everything[everything > 0].min() / 3 if (everything > 0).any() else 0.1
    drawn = np.maximum(used, floor)
    axis.plot(costs, drawn, linestyle="none", marker="o", markerfacecolor="none", color=MEANING["exact"], markersize=5,
              label="known circuits")
    everyone = [*zip(costs, used, strict=True), *((found.cost, found.tolerance_used) for found in effects)]
    front = [everyone[index] for index in pareto_front(everyone)]
    axis.plot([cost for cost, _ in front], [max(share, floor) for _, share in front], drawstyle="steps-post",
              color=MEANING["exact"], linewidth=1, label="front of them all")
    for index, found in enumerate(effects):
        height = max(found.tolerance_used, floor)
        if np.isnan(found.cost):
            axis.axhline(height, color=MEANING["this"], linestyle=":", label=f"{found.name}: cost not known")
        else:
            marker = MARKERS[1 + index % (len(MARKERS) - 1)]
            axis.plot(found.cost, height, linestyle="none", marker=marker, markersize=8,
                      color=MEANING["this"], markeredgecolor="black", label=found.name)
    axis.axhline(1, color=MEANING["allowed"], linewidth=1, linestyle="--", label="what the layers tolerate")
    axis.set(yscale="log", xlabel="cost (mW)",
             ylabel="predicted / allowed error std\n(root mean square over the layers)")
    axis.margins(0.08)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8.5)
    label_points(axis, list(zip(costs, drawn, strict=True)), [short(name) for name in place.names], fontsize=7.5)
    return figure


def short(name):
    """A name without what all circuits of a figure share."""
    return name.removeprefix("mul8s_").removeprefix("mul8u_")
