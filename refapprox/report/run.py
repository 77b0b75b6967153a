"""The tables of a run as text, and the whole run as one self-contained HTML page."""
from refapprox.report.page import html_figure, html_table, page, paragraph, provenance
from refapprox.report.text import text_table

ACCURACIES = (("baseline", "baseline"), ("quantized", "quantized"),
              ("deployed", "approximate, before retraining"),
              ("recalibrated", "approximate, batch norm recalibrated"),
              ("retrained", "approximate, after retraining"), ("uniform_deployed", "uniform, before retraining"),
              ("uniform_recalibrated", "uniform, batch norm recalibrated"),
              ("uniform_retrained", "uniform, after retraining"))
COLUMNS = ("sigma: noise that the layer tolerates, relative to the std of its output; allowed std = |sigma| * that std",
           "a multiplier fits where its predicted std of the accumulated error is no larger; both in accumulator units",
           "relative cost and energy: 1 is the costliest multiplier of the search space",
           "uniform: the one multiplier for all layers whose cost is nearest the energy of the matched network",
           "in the noise search (gradient) the training loss includes the reward for noise and may be negative")


def layer_rows(info):
    """Header and one row per layer of a MatchingInfo; standard deviations in accumulator units."""
    header = ("layer", "fan-in", "operations", "sigma", "predicted std", "allowed std", "multiplier", "relative cost")
    rows = [(layer.name, f"{layer.fan_in}", f"{100 * layer.relative_opcount(info.opcount):.1f} %",
             f"{layer.sigma:+.4f}", f"{layer.predicted_std:.4g}", f"{layer.allowed_std:.4g}", layer.multiplier_name,
             f"{layer.relative_energy_consumption(info.metric_max):.3f}") for layer in info.layers]
    return header, rows


def accuracy_rows(results):
    """Header and one row an evaluation on the test set."""
    rows = []
    for key, title in ACCURACIES:
        if key in results:
            matched = "uniform_relative_energy" if key.startswith("uniform") else "relative_energy"
            energy = 1.0 if key in ("baseline", "quantized") else results[matched]
            if key.startswith("uniform"):
                title += f" ({results['uniform_multiplier']})"
            rows.append((title, f"{100 * results[key]:.2f} %", f"{energy:.3f}"))
    return ("network", "test accuracy", "relative energy"), rows


def text_report(info, results):
    """Both tables of a run, with what their columns mean."""
    return "\n".join([text_table(*layer_rows(info)), *COLUMNS, "", text_table(*accuracy_rows(results))])


def verdict(info, results):
    """Two sentences: what the matching saves and costs, and what one multiplier everywhere would have."""
    energy, names = results["relative_energy"], dict.fromkeys(layer.multiplier_name for layer in info.layers)
    change = 100 * (results.get("retrained", results["deployed"]) - results["quantized"])
    after = "after retraining" if "retrained" in results else "before retraining"
    first = (f"The multiplications take {100 * (1 - energy):.1f} % less energy than with the costliest multiplier of "
             f"the search space, and the test accuracy {after} differs from that of the quantized network by "
             f"{change:+.2f} points; the layers take "
             f"{', '.join(names)}.")
    if "uniform_retrained" not in results:
        return [first]
    against = 100 * (results["retrained"] - results["uniform_retrained"])
    return [first, f"The one multiplier everywhere whose energy is nearest, {results['uniform_multiplier']} with "
                   f"{results['uniform_relative_energy']:.3f} against {energy:.3f}, ends {abs(against):.2f} points "
                   f"{'lower' if against >= 0 else 'higher'}."]


def page_of(title, info, results, figures, **about):
    """The HTML page of a run; `figures` maps captions to matplotlib figures."""
    pictures = list(figures.items())
    sections = [
        ("Accuracy and energy", html_table(*accuracy_rows(results)) + html_figure(pictures[0][1], pictures[0][0])),
        ("Layers", html_table(*layer_rows(info)) + "".join(paragraph(f"{column}.") for column in COLUMNS)),
        ("How it got there", "".join(html_figure(figure, caption) for caption, figure in pictures[1:])),
    ]
    return page(title, verdict(info, results), sections, provenance(**about))
