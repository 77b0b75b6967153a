"""One multiplier, or two side by side, on a page to play with: no server, no network, everything computed in it.

Its script follows `multipliers.metrics` and `error_stats`; the tests compare its numbers with the package's.
"""
import base64
import html
import json
from pathlib import Path

import numpy as np

from refapprox.multipliers.codes import codes
from refapprox.plotting.multipliers import LABELS
from refapprox.report.page import page, paragraph, provenance

FAN_IN, MAX_FAN_IN = 64, 512
HERE = Path(__file__)


def page_of(multipliers, distributions=(), **about):
    """The page, as text, of one or two multipliers with tables, of one sign and one pair of widths.

    `distributions` (name, x_dist, w_dist) in value order are to choose from, beside uniform and half-normal operands;
    `about` tells how it was made.
    """
    if not 1 <= len(multipliers) <= 2:
        raise ValueError(f"multipliers of a page must be one or two, got {len(multipliers)}.")
    first = multipliers[0]
    for other in multipliers[1:]:
        if (other.signed, other.bits_x, other.bits_w) != (first.signed, first.bits_x, first.bits_w):
            raise ValueError(f"{first.name} and {other.name} must have one sign and one width to be compared.")
    choices = [*standard_distributions(first), *distributions]
    data = {"multipliers": [{"name": html.escape(m.name), "lut": packed(m.lut)} for m in multipliers],
            "bits_x": first.bits_x, "bits_w": first.bits_w, "x_min": first.range_x[0], "w_min": first.range_w[0],
            "fan_in": FAN_IN, "colors": color_stops(),
            "distributions": [{"name": name, "x": np.asarray(x).tolist(), "w": np.asarray(w).tolist()}
                              for name, x, w in choices]}
    names = " and ".join(m.name for m in multipliers)
    stored = json.dumps(data).replace("<", "\\u003c")
    sections = [
        ("Choose", controls(first, [name for name, *_ in choices])),
        ("Error of every product", maps(multipliers)),
        ("Metrics under the chosen operands", "<div class='scroll' tabindex='0'><table id='metrics'></table></div>"
         + paragraph("; ".join(f"{key}: {LABELS[key]}" for key in first.metrics()) + ".")),
        ("The accumulated error of a neuron", SUMS + f"<script type='application/json' id='data'>{stored}</script>"),
    ]
    kind = f"{first.bits_x}x{first.bits_w} bits, {'signed' if first.signed else 'unsigned'}"
    verdict = [*(f"{m.name}, {kind}: {wrongness(m.metrics())}" for m in multipliers),
               "Move over the map, choose operands, cut low bits, and see what a neuron accumulates."]
    return page(names, verdict, sections, provenance(**about), style=text_of("multiplier.css"),
                script=text_of("multiplier.js"))


def wrongness(metrics):
    """How often and how far a multiplier is off, over all operands alike."""
    return (f"wrong in {metrics['EP%']:.6g} % of all products, by {metrics['MAE']:.6g} on average and "
            f"{metrics['WCE']:.6g} at most.")


SUMS = ("<p class='note'>The sum of the errors of independent products: its exact law as bars, the Gaussian of the "
        "same mean and standard deviation as a line. The distance is Kolmogorov's: by how much the Gaussian misjudges "
        "the probability of any half-line at most.</p><div id='histogram'></div>"
        "<div class='scroll' tabindex='0'><table id='sums'></table></div>")


def packed(table):
    """A table as base64 of little-endian int32."""
    return base64.b64encode(table.astype("<i4").tobytes()).decode()


def text_of(name):
    return HERE.with_name(name).read_text(encoding="utf-8")


def standard_distributions(multiplier):
    """(name, x_dist, w_dist) of uniform operands, and of activations after a rectifier with weights around zero."""
    sizes = 2 ** multiplier.bits_x, 2 ** multiplier.bits_w
    x, w = codes(multiplier.bits_x, multiplier.signed), codes(multiplier.bits_w, multiplier.signed)
    zero = 0 if multiplier.signed else (w[0] + w[-1] + 1) // 2      # the weight code that stands for zero
    rectified = np.where(x >= 0, np.exp(-0.5 * (3 * x / x[-1]) ** 2), 0.0)
    around = np.exp(-0.5 * (3 * (w - zero) / max(w[-1] - zero, 1)) ** 2)
    return [("uniform", *(np.full(size, 1 / size) for size in sizes)),
            ("after ReLU (half-normal), weights normal", rectified / rectified.sum(), around / around.sum())]


def layer_distributions(multiplier, dataset="synthetic"):
    """(name, x_dist, w_dist) of every layer of the shipped LeNet-5 with the codes of `multiplier`."""
    from refapprox.datasets import SyntheticDigits
    from refapprox.matching import get_feature_maps
    from refapprox.matching.prediction import layer_operands
    from refapprox.nets import LeNet5
    from refapprox.quantization import LayerQuantization
    quantization = LayerQuantization.for_multiplier(multiplier)
    net = LeNet5.pretrained(dataset, signed=multiplier.signed, quantization=quantization)
    maps = get_feature_maps(net, SyntheticDigits(n_train=1200, n_test=10), rng=np.random.default_rng(0))
    found = []
    for name, results in maps.items():
        operands = layer_operands(results, [multiplier], None, None)
        found.append((f"{name} of LeNet-5 on the drawn digits", operands.x.pooled, operands.w.pooled))
    return found


def color_stops():
    """The colors of signed errors, from negative to positive, as [red, green, blue] up to 255."""
    from refapprox.plotting.style import ERROR_COLORS
    return [[int(text[i:i + 2], 16) for i in (1, 3, 5)] for text in ERROR_COLORS]


def controls(multiplier, names):
    """The form that chooses operands, fan-in and cut bits."""
    options = "".join(f"<option>{html.escape(name)}</option>" for name in names)
    sliders = (("fan-in", "products per neuron", 1, MAX_FAN_IN, FAN_IN),
               ("cut-x", "low bits of x that are cut", 0, multiplier.bits_x - 1, 0),
               ("cut-w", "low bits of w that are cut", 0, multiplier.bits_w - 1, 0))
    ranges = "".join(f"<label>{text}: <output id='{name}-value'>{start}</output>"
                     f"<input id='{name}' type='range' min='{low}' max='{high}' value='{start}'></label>"
                     for name, text, low, high, start in sliders)
    return f"<div class='controls'><label>operands<select id='distribution'>{options}</select></label>{ranges}</div>"


def maps(multipliers):
    """One canvas per multiplier, and the place where the chosen product is read."""
    figures = "".join(
        f"<figure><canvas id='map{index}' tabindex='0' role='img' aria-label='error map of {html.escape(m.name)}; "
        f"arrow keys move'></canvas><figcaption>{html.escape(m.name)}: activation x to the right, weight w upwards"
        f"</figcaption></figure>" for index, m in enumerate(multipliers))
    return (f"<div class='maps'>{figures}</div><p class='note' id='scale'></p>"
            "<div class='scroll' tabindex='0'><table id='readout' aria-live='polite'></table></div>"
            "<p class='note'>With the keyboard: Tab to a map, then the arrow keys; with Shift 16 codes at a time.</p>")
