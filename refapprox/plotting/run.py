"""The figures of a run."""
import numpy as np

from refapprox.plotting.style import GREYS, LINES, MARKERS, MEANING, label_points, new_figure

FEW_LAYERS = 10      # whose names fit into a figure
COLUMN = 28          # names in a column beside it


def training_curves(records):
    """Loss and validation accuracy of every epoch, one curve per step."""
    epochs = [r for r in records if "epoch" in r]
    steps = list(dict.fromkeys(r["step"] for r in epochs))
    figure, (loss, accuracy) = new_figure(2, 1, size=(7, 5), sharex=True)
    for step in steps:
        x = [i for i, r in enumerate(epochs, start=1) if r["step"] == step]
        rows = [epochs[i - 1] for i in x]
        first = step == steps[0]
        loss.plot(x, [r["loss"] for r in rows], "-o", color=MEANING["simulated"], markersize=4,
                  label="training, noise term included" if first else None)
        loss.plot(x, [r["val_loss"] for r in rows], "--s", color=MEANING["predicted"], markersize=4,
                  label="validation" if first else None)
        accuracy.plot(x, [100 * r["val_accuracy"] for r in rows], "--s", color=MEANING["predicted"], markersize=4)
        loss.annotate(step, (np.mean(x), 1.02), xycoords=("data", "axes fraction"), fontsize=8, rotation=40,
                      ha="left", va="bottom")
        for axis in (loss, accuracy):
            axis.axvline(x[0] - 0.5, color="#999999", linewidth=0.8)
    loss.set_ylabel("loss")
    loss.legend()
    accuracy.set_ylabel("validation accuracy (%)")
    accuracy.set_xlabel("epoch, all stages")
    accuracy.set_xlim(left=0.5, right=len(epochs) + 0.5)
    accuracy.xaxis.get_major_locator().set_params(integer=True)
    return figure


def legend_of_layers(figure, axis, count):
    """The names of `count` layers: in the figure where they are few, else in columns beside it."""
    if count <= FEW_LAYERS:
        axis.legend()
    else:
        figure.legend(*axis.get_legend_handles_labels(), loc="outside right upper", fontsize=6,
                      ncols=-(-count // COLUMN))


def with_legend(size, count):
    """`size` with room beside it for the names of `count` layers."""
    width, height = size
    columns = 0 if count <= FEW_LAYERS else -(-count // COLUMN)
    return width + 2.6 * columns, max(height, 0.16 * min(count, COLUMN))


def sigma_curves(records, initial_noise):
    """Noise level of every layer over the epochs of the noise search."""
    levels = [r["sigma"] for r in records if "sigma" in r]
    figure, axis = new_figure(size=with_legend((6, 4), len(levels[0])))
    for index, name in enumerate(levels[0]):
        axis.plot(range(len(levels) + 1), [initial_noise, *(abs(level[name]) for level in levels)],
                  linestyle=LINES[index % len(LINES)], marker=MARKERS[index % len(MARKERS)],
                  color=GREYS[index % len(GREYS)], markersize=5, label=name)
    axis.set_xlabel("epoch of the noise search")
    axis.set_ylabel("|sigma| (noise std / std of the outputs)")
    axis.xaxis.get_major_locator().set_params(integer=True)
    legend_of_layers(figure, axis, len(levels[0]))
    return figure


def energy_bars(info):
    """The tutorial's two panels: relative energy and relative operation count of every layer."""
    figure, (energy, operations) = new_figure(2, 1, size=(max(6.2, 0.3 * len(info.layers)), 5.6))
    places = range(len(info.layers))
    costs = [layer.relative_energy_consumption(info.metric_max) for layer in info.layers]
    energy.bar(places, costs, color="#b7d3e8", edgecolor=MEANING["predicted"])
    average = info.relative_energy_consumption
    energy.axhline(average, color=MEANING["allowed"], linestyle="--", label=f"whole network {average:.3f}")
    name_bars(energy, [layer.multiplier_name for layer in info.layers])
    name_bars(operations, [layer.name for layer in info.layers])
    energy.set_ylabel("energy of a multiplication,\nrelative to the largest")
    energy.set_ylim(0, 1.05 * max(costs))
    operations.bar(places, [layer.relative_opcount(info.opcount) for layer in info.layers], color=MEANING["share"],
                   edgecolor="black")
    operations.set_ylabel("share of multiplications")
    for axis in (energy, operations):
        axis.grid(False, axis="x")
    figure.legend(loc="outside upper center", frameon=False)
    return figure


def name_bars(axis, names, line=70):
    """Names under bars, upright where more characters than a `line` holds would touch each other."""
    axis.set_xticks(range(len(names)), names, rotation=0 if len("  ".join(names)) <= line else 90,
                    fontsize=8 if len(names) <= FEW_LAYERS else 6)


def predicted_against_simulated(error_stds):
    """std of the accumulated error: prediction against simulation, a marker per layer, a point per multiplier."""
    figure, axis = new_figure(size=with_legend((5.5, 5), len(error_stds)))
    points = []
    for index, (layer, stds) in enumerate(error_stds.items()):
        pairs = np.array([(s["simulated"], s["predicted"]) for s in stds.values() if s["simulated"] > 0])
        if len(pairs):
            points.append(pairs)
            axis.loglog(*pairs.T, linestyle="none", marker=MARKERS[index % len(MARKERS)], markerfacecolor="none",
                        color=GREYS[index % len(GREYS)], label=layer)
    if points:
        low, high = np.concatenate(points).min() / 1.5, np.concatenate(points).max() * 1.5
        axis.plot((low, high), (low, high), color="black", linewidth=0.8)
        legend_of_layers(figure, axis, len(error_stds))
    axis.set_xlabel("simulated std of the accumulated error (accumulator units)")
    axis.set_ylabel("predicted std (accumulator units)")
    return figure


def energy_against_accuracy(summaries):
    """Test accuracy after retraining over relative energy, one point a run that has both, named beside it."""
    found = [s for s in summaries if "retrained" in s.results]
    points = [(s.results["relative_energy"], 100 * s.results["retrained"]) for s in found]
    figure, axis = new_figure(size=(6.4, 4))
    axis.plot(*zip(*points, strict=True), "o", color=MEANING["simulated"])
    axis.set(xlabel="energy of the multiplications, relative to the costliest multiplier",
             ylabel="test accuracy, retrained (%)")
    axis.margins(0.15)
    label_points(axis, points, [s.path.rstrip("/").rpartition("/")[2] for s in found])
    return figure
