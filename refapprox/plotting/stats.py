"""The figures of `refapprox stats`."""
import numpy as np

from refapprox.plotting.run import FEW_LAYERS, legend_of_layers, with_legend
from refapprox.plotting.style import GREYS, MARKERS, label_points, new_figure


def ladder_scatter(comparison, titles):
    """Predicted against simulated std, log-log, one panel an estimator, one marker per layer.

    `titles` maps an estimator to the title of its panel.
    """
    estimators, layers = list(comparison.predicted), len(comparison.simulated)
    columns = min(4, len(estimators))
    rows = -(-len(estimators) // columns)
    figure, axes = new_figure(rows, columns, size=with_legend((2.9 * columns, 2.9 * rows + 0.5), layers), sharex=True,
                              sharey=True, squeeze=False)
    values = np.concatenate([s[s > 0] for s in comparison.simulated.values()])
    limits = (values.min() / 2, values.max() * 2) if values.size else (0.5, 2.0)
    for axis, estimator in zip(axes.flat, estimators, strict=False):
        for index, (layer, simulated) in enumerate(comparison.simulated.items()):
            inexact = simulated > 0
            axis.plot(simulated[inexact], comparison.predicted[estimator][layer][inexact], linestyle="none",
                      marker=MARKERS[index % len(MARKERS)], markerfacecolor="none", markersize=4.5,
                      color=GREYS[index % len(GREYS)], label=layer)
        axis.plot(limits, limits, color="black", linewidth=0.8)
        axis.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
        axis.set_title(f"{titles[estimator]}\nmean error {100 * comparison.mean_error(estimator):.2g} %", fontsize=9)
    for axis in axes.flat[len(estimators):]:
        axis.set_visible(False)
    for axis in axes.flat[max(0, len(estimators) - columns):len(estimators)]:
        axis.tick_params(labelbottom=True)      # where the panel below is empty, too
    if layers <= FEW_LAYERS:
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=layers, frameon=False)
    else:
        legend_of_layers(figure, axes[0, 0], layers)
    figure.supxlabel("simulated std of the accumulated error (accumulator units)", fontsize=10)
    figure.supylabel("predicted std (accumulator units)", fontsize=10)
    return figure


def error_histograms(laws):
    """Accumulated error of every layer: simulation, exact law of independent activations, Gaussian."""
    rows = max(1, round(len(laws) ** 0.5))
    columns = -(-len(laws) // rows)
    figure, axes = new_figure(rows, columns, size=(3.7 * columns, 3.0 * rows + 0.4), squeeze=False)
    for axis, (name, found) in zip(axes.flat, laws.items(), strict=False):
        draw_histogram(axis, found)
        axis.set_title(f"{name}, {found.multiplier}", fontsize=9)
    for axis in axes.flat[len(laws):]:
        axis.set_visible(False)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=min(3, columns),
                  frameon=False)
    figure.supxlabel("accumulated error, exact - approximate (accumulator units)", fontsize=10)
    figure.supylabel("probability density", fontsize=10)
    return figure


def draw_histogram(axis, found, bins=60):
    low, high = found.mean - 4.5 * found.std, found.mean + 4.5 * found.std
    width = max(1, round((high - low) / bins))      # whole numbers, so that every bin holds as many values
    edges = np.arange(np.floor(low), high + 2 * width, width) - 0.5
    axis.hist(found.errors.ravel(), edges, density=True, color="#cccccc", label="simulation")
    sums = np.histogram(found.law.values, edges, weights=found.law.pmf)[0]
    axis.stairs(sums / width, edges, color=GREYS[2], linewidth=1.2, label="exact law, independent activations")
    x = np.linspace(low, high, 400)
    axis.plot(x, np.exp(-0.5 * ((x - found.mean) / found.std) ** 2) / (found.std * np.sqrt(2 * np.pi)), "--",
              color=GREYS[1], linewidth=1.2, label="Gaussian of the same mean and std")
    axis.tick_params(labelsize=8)
    axis.locator_params(axis="x", nbins=5)


def energy_accuracy(points, front):
    """Test accuracy over relative energy for every lmbd: after retraining, with the Pareto front, and before it."""
    figure, (after, before) = new_figure(2, 1, size=(6, 5.6), sharex=True)
    energies = [point.relative_energy for point in points]
    retrained, deployed = ([100 * getattr(point, name) for point in points] for name in ("retrained", "deployed"))
    after.plot(energies, retrained, "o", color="black")
    after.plot([point.relative_energy for point in front], [100 * point.retrained for point in front], "-",
               color="black", linewidth=0.8, label="Pareto front")
    before.plot(energies, deployed, "s", color="#777777", markerfacecolor="none")
    after.set_ylabel("test accuracy, retrained (%)")
    before.set_ylabel("test accuracy, deployed (%)")
    before.set_xlabel("energy of the multiplications, relative to the exact multiplier")
    after.legend(title="lmbd beside each point")
    for axis, accuracies in ((after, retrained), (before, deployed)):
        axis.margins(y=0.25)
        label_points(axis, list(zip(energies, accuracies, strict=True)), [f"{point.lmbd:g}" for point in points])
    return figure
