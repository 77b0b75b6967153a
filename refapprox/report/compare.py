"""Several runs in one table and on one page."""
import math

from refapprox.main_job.summary import differing_options, groups_over_seeds, mean_and_spread
from refapprox.report.effect import percent
from refapprox.report.page import html_figure, html_table, page, paragraph, provenance
from refapprox.report.run import ACCURACIES
from refapprox.report.text import text_table


def run_rows(summaries):
    """Header and one row a run: what differs in its options, then its numbers."""
    options = differing_options(summaries)
    kept = [key for key, _ in ACCURACIES if any(key in summary.results for summary in summaries)]
    header = ("run", *(f"--{name.replace('_', '-')}" for name in options), "energy",
              *(key.replace("_", " ") for key in kept))
    rows = []
    for summary in summaries:
        energy = summary.results.get("relative_energy")
        name = summary.path if summary.step == "done" else f"{summary.path} (not finished: {summary.step} is next)"
        rows.append((name, *(str(getattr(summary.config, option)) for option in options),
                     "" if energy is None else f"{energy:.3f}",
                     *(percent(summary.results[key]) if key in summary.results else "" for key in kept)))
    return header, rows


def seed_rows(summaries):
    """Header and one row a group of runs that differ in the seed alone: mean ± std over the seeds."""
    rows = []
    for group in groups_over_seeds(summaries):
        if len(group) > 1:
            cells = [", ".join(str(summary.config.seed) for summary in group)]
            mean, spread, _ = mean_and_spread(group, "relative_energy")
            cells.append("" if math.isnan(mean) else f"{mean:.3f} ± {spread:.3f}")
            for key in ("quantized", "deployed", "retrained"):
                mean, spread, _ = mean_and_spread(group, key)
                cells.append("" if math.isnan(mean) else f"{100 * mean:.2f} ± {100 * spread:.2f} %")
            rows.append((f"{group[0].config.multipliers}, lmbd {group[0].config.lmbd:g}", *cells))
    return ("search space", "seeds", "energy", "quantized", "deployed", "retrained"), rows


def assignment_tables(summaries):
    """Header and one row a layer, its multiplier in every matched run; a table for each set of layers."""
    networks = {}
    for summary in summaries:
        if summary.matching is not None:
            networks.setdefault(tuple(layer.name for layer in summary.matching.layers), []).append(summary)
    return [(("layer", *(run.path for run in runs)),
             [(name, *(run.matching.layers[i].multiplier_name for run in runs)) for i, name in enumerate(names)])
            for names, runs in networks.items()]


def verdict(summaries):
    """Two sentences: which run is the most accurate, and which the cheapest."""
    finished = [s for s in summaries if "retrained" in s.results]
    if not finished:
        return ["None of these runs has been retrained yet; refapprox run --resume RUN goes on with one."]
    best = max(finished, key=lambda s: s.results["retrained"])
    cheapest = min(finished, key=lambda s: s.results["relative_energy"])
    sentences = [f"After retraining {best.path} is the most accurate: {percent(best.results['retrained'])} at a "
                 f"relative energy of {best.results['relative_energy']:.3f}."]
    if cheapest is best:
        return [*sentences, "It is also the one that takes the least energy."]
    lost = 100 * (best.results["retrained"] - cheapest.results["retrained"])
    return [*sentences, f"{cheapest.path} takes the least energy, {cheapest.results['relative_energy']:.3f}, with "
                        f"{lost:.2f} points less."]


def text_of(summaries):
    """Everything for a terminal."""
    parts = [*verdict(summaries), "", text_table(*run_rows(summaries))]
    for rows in (seed_rows(summaries), *assignment_tables(summaries)):
        if rows[1]:
            parts += ["", text_table(*rows)]
    return "\n".join(parts)


def page_of(summaries, **about):
    """The HTML page."""
    from refapprox.plotting.run import energy_against_accuracy
    sections = [("Runs", html_table(*run_rows(summaries)) + paragraph(
        "energy: of the multiplications, relative to the costliest multiplier of each run's search space; accuracies "
        "are those on the test set."))]
    if seed_rows(summaries)[1]:
        sections.append(("Over seeds", html_table(*seed_rows(summaries)) + paragraph(
            "mean ± standard deviation (ddof 1) over runs that differ in the seed alone.")))
    if any("retrained" in summary.results for summary in summaries):
        sections.append(("Energy and accuracy", html_figure(
            energy_against_accuracy(summaries),
            "Test accuracy after retraining over relative energy; upper left is better")))
    if tables := assignment_tables(summaries):
        sections.append(("Assignments", "".join(html_table(*table) for table in tables)))
    return page(f"{len(summaries)} runs compared", verdict(summaries), sections, provenance(**about))
