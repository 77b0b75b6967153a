"""One self-contained HTML page: verdict first, then sections; no network, light and dark, phone and paper."""
import base64
import html
import io
import platform
import time
from pathlib import Path

import numpy as np
import scipy

from refapprox._version import __version__

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
WIDEST = 7      # inches: a phone shows such a figure at half its size, and its letters with it


def page(title, verdict, sections, about, *, style="", script=""):
    """The page as text: sentences that say what was found, sections of (heading, HTML), and how it was made.

    `provenance` gives the versions and the date of `about`; `script` is JavaScript that runs at the end.
    """
    found = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in verdict)
    body = "".join(f"<section><h2>{html.escape(heading)}</h2>{content}</section>" for heading, content in sections)
    made = "".join(f"<dt>{html.escape(key)}</dt><dd>{html.escape(str(value))}</dd>" for key, value in about.items())
    return ("<!doctype html><html lang='en'><head><meta charset='utf-8'/>"
            "<meta name='viewport' content='width=device-width, initial-scale=1'/>"
            f"<title>{html.escape(title)}</title><style>{STYLE}{style}</style></head>"
            f"<body><main><h1>{html.escape(title)}</h1><div class='verdict' role='note'>{found}</div>{body}"
            f"<section><h2>How it was made</h2><dl>{made}</dl></section></main>"
            + (f"<script>{script}</script>" if script else "") + "</body></html>\n")


def provenance(**about):
    """`about` with what every page tells besides: versions and the date."""
    return about | {"versions": f"refapprox {__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
                                f"SciPy {scipy.__version__}", "date": time.strftime("%Y-%m-%d %H:%M %z")}


def html_table(header, rows, caption=""):
    """A table in a box of its own that scrolls where the page is narrow."""
    head = "".join(f"<th scope='col'>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (f"<div class='scroll' tabindex='0'><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
            f"</table></div>")


def paragraph(*sentences):
    """Sentences as one small paragraph."""
    return f"<p class='note'>{html.escape(' '.join(sentences))}</p>"


def html_figure(figure, caption):
    """A matplotlib figure as an embedded SVG, with its caption; a wide one scrolls in its box on a phone."""
    from refapprox.plotting.style import write_to
    buffer = io.BytesIO()
    write_to(figure, buffer, "svg")
    text, data = html.escape(caption), base64.b64encode(buffer.getvalue()).decode()
    kind = " class='wide' tabindex='0'" if figure.get_size_inches()[0] > WIDEST else ""
    return (f"<figure{kind}><img alt=\"{text}\" src=\"data:image/svg+xml;base64,{data}\"/>"
            f"<figcaption>{text}</figcaption></figure>")
