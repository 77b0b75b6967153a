"""The tables of a run as text, and the whole run as one self-contained HTML page."""
import base64
import html

from refapprox import files
from refapprox.report.text import text_table

ACCURACIES = (("baseline", "baseline"), ("quantized", "quantized"),
              ("deployed", "approximate, before retraining"), ("retrained", "approximate, after retraining"),
              ("uniform_deployed", "uniform, before retraining"), ("uniform_retrained", "uniform, after retraining"))
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
    energies = {"deployed": "relative_energy", "retrained": "relative_energy",
                "uniform_deployed": "uniform_relative_energy", "uniform_retrained": "uniform_relative_energy"}
    rows = []
    for key, title in ACCURACIES:
        if key in results:
            energy = results[energies[key]] if key in energies else 1.0
            if key.startswith("uniform"):
                title += f" ({results['uniform_multiplier']})"
            rows.append((title, f"{100 * results[key]:.2f} %", f"{energy:.3f}"))
    return ("network", "test accuracy", "relative energy"), rows


def text_report(info, results):
    """Both tables of a run, with what their columns mean."""
    return "\n".join([text_table(*layer_rows(info)), *COLUMNS, "", text_table(*accuracy_rows(results))])


def html_table(header, rows):
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
td,th{padding:.25rem .75rem;border-bottom:1px solid #ccc;text-align:right}
td:first-child,th:first-child{text-align:left}
figure{margin:2rem 0}img{max-width:100%}figcaption{color:#555}"""


def write_html_report(path, title, info, results, figures):
    """One page with both tables and `figures`, a dict of caption to PNG path, embedded."""
    parts = [html_table(*layer_rows(info)),
             f"<p>{'.<br>'.join(map(html.escape, COLUMNS))}.</p>",
             html_table(*accuracy_rows(results))]
    for caption, png in figures.items():
        data = base64.b64encode(png.read_bytes()).decode()
        text = html.escape(caption)
        parts.append(f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
                     f"<figcaption>{text}</figcaption></figure>")
    files.write_text(path, f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(title)}</title>"
                           f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>{''.join(parts)}</html>")
