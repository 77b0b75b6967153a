"""One look for all figures: legible in grey and for the color-blind, drawn without a display, written whole.

A color means one thing in every figure (`MEANING`). Signed errors are drawn in `ERROR_COLORS`: zero is white, negative
errors go to dark blue and positive ones to orange, which stay apart in grey as well (black and middle grey).
"""
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from refapprox import files
from refapprox.validation import check_finite, check_integer, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 220      # of files: a map of 256 codes then has about two pixels a code; with one they beat against each other
MOST_AXES = 100
MARKERS = "osD^vP*Xd<>hp"
LINES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
GREYS = ("#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00")      # Okabe-Ito: distinct in grey as well
MEANING = {"predicted": "#0072b2", "best": "#009e73", "simulated": "#000000", "allowed": "#d55e00",
           "exact": "#777777", "this": "#cc79a7", "share": "#cccccc", "range": "#cccccc"}
ERROR_COLORS = ["#041c45", "#2f6db3", "#f7f7f7", "#fdae6b", "#d9570b"]      # from negative over zero to positive
SETTINGS = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
            "grid.color": "#dddddd", "grid.linewidth": 0.6, "axes.axisbelow": True, "figure.dpi": 110,
            "svg.hashsalt": "refapprox"}


def error_colors():
    """The diverging color map of signed errors, white at zero."""
    from matplotlib.colors import LinearSegmentedColormap
    return LinearSegmentedColormap.from_list("signed error", ERROR_COLORS)


def draw_signed(axis, values, extent, limit=None):
    """A table of signed values with zero in the middle of the colors; rows are x to the right, columns w upwards.

    Where cells and pixels do not divide evenly neighbors are averaged; with `DPI` no pattern appears that is not there.
    """
    limit = max(np.abs(values).max(), 1) if limit is None else limit
    axis.grid(False)
    image = axis.imshow(np.asarray(values, float).T, origin="lower", cmap=error_colors(), vmin=-limit, vmax=limit,
                        interpolation="antialiased", interpolation_stage="data", extent=extent, aspect="auto")
    axis.set(xlabel="activation x", ylabel="weight w")
    for one in (axis.xaxis, axis.yaxis):
        one.set_major_locator(whole_numbers())
    return image


def whole_numbers():
    """A locator of ticks, of which none is between two codes."""
    from matplotlib.ticker import MaxNLocator
    return MaxNLocator(nbins="auto", steps=[1, 2, 2.5, 5, 10], integer=True)


def label_points(axis, points, names, fontsize=8):
    """Names beside points, moved until none covers another, a line, a marker or the legend, or leaves the axes.

    Returns the texts. Call it last: what is drawn by then is kept clear, and the limits of the axes must not change
    afterwards. Places are tried in rings around each point, nearest first; what fits nowhere is left out.
    """
    figure = axis.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    frame = axis.get_window_extent(renderer)
    positions = axis.transData.transform(np.asarray(points, float))
    taken, texts = occupied(axis), []
    for (x, y), name, point in zip(positions, names, points, strict=True):
        text = axis.annotate(name, point, xytext=(0, 0), textcoords="offset points", fontsize=fontsize,
                             annotation_clip=True)
        box = text.get_window_extent(renderer)
        for dx, dy in places(box.width, box.height):
            wanted = (x + dx, y + dy, x + dx + box.width, y + dy + box.height)
            inside = (frame.x0 <= wanted[0] and wanted[2] <= frame.x1
                      and frame.y0 <= wanted[1] and wanted[3] <= frame.y1)
            if inside and not any(overlap(wanted, other) for other in taken):
                text.set_position((dx * 72 / figure.dpi, dy * 72 / figure.dpi))
                taken.append(wanted)
                texts.append(text)
                break
        else:
            text.remove()
    return texts


def occupied(axis, step=4):
    """Boxes in pixels around the legend and every marker, and along every line, of `axis`."""
    legend = axis.get_legend()
    found = [] if legend is None else [legend.get_window_extent().extents]
    for line in axis.get_lines():
        marker, dpi = line.get_marker() not in (None, "None", ""), axis.figure.dpi
        radius = 1.42 * line.get_markersize() * dpi / 144 + 2 if marker else 2      # to the tip of a diamond
        path = line.get_transform().transform_path(line.get_path())      # of a line with steps: with its corners
        corners = path.vertices[np.isfinite(path.vertices).all(axis=1)]
        found += [(x - radius, y - radius, x + radius, y + radius) for x, y in corners]
        if line.get_linestyle() not in ("None", "none", " ", ""):
            if line.get_drawstyle() == "steps-post":
                corners = np.array([point for (x, y), (x1, _) in zip(corners, corners[1:], strict=False)
                                    for point in ((x, y), (x1, y))] + [corners[-1]])
            for (x0, y0), (x1, y1) in zip(corners, corners[1:], strict=False):
                count = int(max(abs(x1 - x0), abs(y1 - y0)) / step) + 1
                found += [(x - 2, y - 2, x + 2, y + 2) for x, y in zip(np.linspace(x0, x1, count),
                                                                      np.linspace(y0, y1, count), strict=True)]
    return found


def places(width, height):
    """Offsets in pixels of a text's lower left corner from its point: around it, ever farther."""
    for gap in range(6, 60, 4):
        yield from ((gap, gap / 2), (gap, -height - gap / 2), (gap, -height / 2), (-width - gap, gap / 2),
                    (-width - gap, -height - gap / 2), (-width - gap, -height / 2), (-width / 2, gap),
                    (-width / 2, -height - gap))


def overlap(one, other):
    """Whether two boxes (x0, y0, x1, y1) share area."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def new_figure(rows: int = 1, columns: int = 1, size: tuple[float, float] = (6, 4),
               **options: Any) -> "tuple[Figure, Any]":
    """(figure, axes) that need no display and no global state.

    Parameters
    ----------
    rows, columns : int, optional
        Of axes.
    size : (float, float), optional
        Width and height in inches.
    **options
        Further ones of `matplotlib.figure.Figure.subplots`.

    Returns
    -------
    (matplotlib.figure.Figure, axes)
        One axes, or an array of them where there are several.

    Raises
    ------
    TypeError, ValueError
        If a number of axes is not 1 to 100, or size no pair of numbers.

    Examples
    --------
    >>> figure, axes = new_figure(1, 2, sharey=True)
    >>> len(figure.axes) == axes.size == 2
    True
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    rows, columns = (check_integer(name, count, minimum=1, maximum=MOST_AXES)
                     for name, count in (("rows", rows), ("columns", columns)))
    size = check_finite("size", size, ndim=1, dtype=float)
    if size.shape != (2,):
        raise ValueError(f"size must be (width, height) in inches, got {shown(size)}.")
    with rc_context(SETTINGS):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(rows, columns, **options)


def write_to(figure, stream, kind):
    """Write `figure` to a binary stream as "png" or "svg"; the same figure gives the same bytes."""
    from matplotlib import rc_context
    with rc_context(SETTINGS):
        figure.savefig(stream, format=kind, dpi=DPI, metadata={"Date": None} if kind == "svg" else None)


def save(figure, path):
    """Write `figure` to `path`, PNG or SVG by its suffix; returns the path."""
    buffer = io.BytesIO()
    write_to(figure, buffer, path.suffix.removeprefix("."))
    files.write_bytes(path, buffer.getvalue())
    return path
