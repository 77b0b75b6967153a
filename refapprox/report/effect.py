"""What `refapprox effect` says: tables for the terminal, and one HTML page."""
import math
import textwrap

from refapprox.effects.result import binomial_std
from refapprox.multipliers.costs import STATED
from refapprox.report.page import html_figure, html_table, page, paragraph, provenance
from refapprox.report.text import text_table

WIDTH = 110      # of sentences on a terminal
METRICS = ("MAE%", "WCE%", "EP%", "MRE%", "bias")
NOTES = ("allowed std: the noise level that the layer learned, times the std of its outputs; published: std of the "
         "accumulated error as the published rule predicts it; best: by the best rung that needs no simulation; "
         "simulated and mean: on the operands of 128 training images. All in accumulator units.",
         "only here: test accuracy with the multiplier in this layer alone. "
         "A layer tolerates a multiplier where the published std is at most the allowed one.",
         "nearest known: the circuit whose predicted stds are nearest, layer by layer, and by what factor they differ.")


def percent(share):
    return f"{100 * share:.2f} %"


def kind_of(multiplier):
    """Widths and sign, and where they come from."""
    kind = f"{multiplier.bits_x}x{multiplier.bits_w} bits, {'signed' if multiplier.signed else 'unsigned'}"
    origins = multiplier.info.get("origins", {})
    told = dict.fromkeys(str(origins[key]) for key in ("signed", "bits") if origins.get(key))
    return f"{kind} (as told by {' and '.join(told)})" if told else kind


def layer_rows(effect):
    """Header and one row per layer."""
    header = ("layer", "fan-in", "operations", "allowed std", "published", "best", "simulated", "mean", "only here",
              "verdict")
    return header, [(layer.name, f"{layer.fan_in}", f"{100 * layer.share:.1f} %", *(f"{value:.4g}" for value in (
        layer.allowed_std, layer.published_std, layer.best_std, layer.simulated_std, layer.mean)),
        percent(layer.accuracy), layer_verdict(layer)) for layer in effect.layers]


def layer_verdict(layer):
    """The published rule's word, and where the simulation contradicts it."""
    word = "tolerated" if layer.fits else "too much"
    return word if layer.fits == (layer.simulated_std <= layer.allowed_std) else f"{word}, not as simulated"


def summary_rows(report):
    """Header and one row per multiplier; columns that no multiplier fills are left out."""
    header = ("multiplier", "cost", *METRICS[:3], "layers", "tolerance used", "accuracy", "change", "retrained",
              "nearest known")
    rows = []
    for found in report:
        change = 100 * (found.accuracy - found.exact_accuracy)
        rows.append((found.name, "not known" if math.isnan(found.cost) else f"{found.cost:.3g}",
                     *(f"{found.metrics[key]:.3g}" for key in METRICS[:3]),
                     f"{len(found.tolerated)} of {len(found.layers)}", f"{found.tolerance_used:.3g}",
                     percent(found.accuracy), f"{change:+.2f} ± {100 * found.changed_std:.2f}",
                     "" if found.retrained is None else percent(found.retrained), nearest_text(found.standing)))
    kept = [i for i in range(len(header)) if i == 0 or any(row[i] for row in rows)]
    return tuple(header[i] for i in kept), [tuple(row[i] for i in kept) for row in rows]


def nearest_text(place):
    if place is None:
        return ""
    if place.factor == 1:
        return f"{place.nearest} (the same)"
    return f"{place.nearest} (x {place.factor:.3g})" if math.isfinite(place.factor) else "none"


def cost_sentence(found):
    """What is known of a multiplier's cost, and how well."""
    if math.isnan(found.cost):
        return f"What {found.name} costs is not known: --cost '{found.name}=NUMBER' states it."
    errors = found.cost_errors
    if errors is None:
        told = {STATED: "as stated"}.get(found.multiplier.info["cost"], "as its source tells")
        return f"{found.name} costs {found.cost:.4g} mW, {told}."
    return (f"{found.name} costs about {found.cost:.3g} mW, estimated from its gates; of published circuits half were "
            f"estimated within {100 * errors['median']:.1f} %, nine of ten within {100 * errors['90 %']:.0f} %.")


def front_sentence(found):
    """Where it stands among known circuits."""
    place = found.standing
    if place is None:
        return "No known circuits of this sign and width are at hand to compare with."
    circuits = f"{len(place.names)} known circuits{' (costs estimated from gates)' if place.estimated else ''}"
    if math.isnan(found.cost):
        better = [c for c, u in zip(place.costs, place.tolerance_used, strict=True) if u <= found.tolerance_used]
        limit = f"below {min(better):.3g} mW" if better else "at any cost"
        return f"It would be on the Pareto front of {circuits} {limit}."
    where = "on" if found.name in place.front else "not on"
    return f"It is {where} the Pareto front of cost and tolerance used, beside {circuits}."


def images_sentence(report):
    digits = "MNIST" if report.dataset == "mnist" else "drawn digits"
    exact = sorted({found.exact_accuracy for found in report})
    spread = " and ".join(f"{100 * binomial_std(share, report.images):.2f}" for share in exact)
    return (f"Accuracies on {report.images:,} test images of {digits}: binomial spread ± {spread} points at "
            f"{' and '.join(percent(share) for share in exact)}, the accuracy with exact products. Changes on the same "
            f"images are known better, as printed.")


def retrained_sentence(report):
    if not report.retrain:
        return ""
    exact = sorted({found.exact_retrained for found in report})
    return (f"retrained: after {report.retrain} epoch{'s' if report.retrain > 1 else ''} through the table; exact "
            f"products then have {' and '.join(map(percent, exact))}.")


def text_of(report):
    """Everything for a terminal."""
    parts = []
    for found in report:
        m = found.multiplier
        parts += [f"{found.name}: {kind_of(m)}", "", text_table(*layer_rows(found)), "", found.verdict,
                  f"{cost_sentence(found)} {front_sentence(found)}", ""]
    parts += [text_table(*summary_rows(report)), "", *NOTES, images_sentence(report)]
    parts += filter(None, [retrained_sentence(report)])
    return "\n".join(part if "\n" in part else textwrap.fill(part, WIDTH) for part in parts)


def summary_html(report):
    """The table of all multipliers, for a notebook."""
    return html_table(*summary_rows(report), images_sentence(report))


def page_of(report, **about):
    """The HTML page of a report; `about` says how it was made."""
    from refapprox.plotting import effect as plots
    from refapprox.plotting.multipliers import error_map, error_maps
    effects = list(report)
    sections = [("Side by side" if len(effects) > 1 else "In short", "".join([
        html_table(*summary_rows(report)), paragraph(images_sentence(report), retrained_sentence(report)),
        html_figure(plots.accuracies(report), "Test accuracy with the multiplier everywhere and in single layers")]))]
    for found in effects:
        metrics = [(key, f"{found.metrics[key]:.6g}") for key in found.metrics]
        sections.append((found.name, "".join([
            paragraph(f"{kind_of(found.multiplier)}. {found.verdict}"),
            html_table(*layer_rows(found)), paragraph(*NOTES),
            html_figure(plots.layer_errors(found), f"{found.name}: error std of every layer and what it allows"),
            html_figure(error_map(found.multiplier), f"{found.name}: exact - approximate for all operands"),
            html_table(("metric over all operand pairs", "value"), metrics),
            paragraph(cost_sentence(found), front_sentence(found))])))
    if len(effects) > 1:
        sections.insert(1, ("Error maps", html_figure(error_maps([found.multiplier for found in effects]),
                                                      "exact - approximate for every pair of operands")))
    for kind, group in by_kind(effects).items():
        sections.append((f"Among known circuits, {kind}", html_figure(
            plots.standings(group), "Cost, and how much of what the layers tolerate a multiplier uses; lower left is "
            "better. Exact circuits lie on the lower edge.")))
    one = len(effects) == 1
    title = f"What {effects[0].name} does to a network" if one else f"What {len(effects)} multipliers do to a network"
    return page(title, [found.verdict for found in effects], sections, provenance(**about))


def by_kind(effects):
    """"8x8 signed" -> the effects of that kind that have a standing."""
    kinds = {}
    for found in effects:
        if found.standing is not None:
            m = found.multiplier
            kinds.setdefault(f"{m.bits_x}x{m.bits_w} {'signed' if m.signed else 'unsigned'}", []).append(found)
    return kinds
