"""One look for all figures: legible in grey, drawn without a display, written whole."""
import io

from refapprox import files

MARKERS = "osD^vP*Xd<>hp"
LINES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
GREYS = ("#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00")      # Okabe-Ito: distinct in grey as well
SETTINGS = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
            "grid.color": "#dddddd", "grid.linewidth": 0.6, "axes.axisbelow": True, "figure.dpi": 110,
            "svg.hashsalt": "refapprox"}


def new_figure(rows=1, columns=1, size=(6, 4), **options):
    """(figure, axes) that need no display and no global state."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    with rc_context(SETTINGS):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(rows, columns, **options)


def save(figure, path):
    """Write `figure` to `path`, PNG or SVG by its suffix; returns the path."""
    from matplotlib import rc_context
    buffer = io.BytesIO()
    kind = path.suffix.removeprefix(".")
    with rc_context(SETTINGS):
        figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    files.write_bytes(path, buffer.getvalue())
    return path
