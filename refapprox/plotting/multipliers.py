"""Figures of single multipliers and of libraries."""
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from refapprox.multipliers.operator import BinaryOperator
from refapprox.multipliers.ranking import pareto_front
from refapprox.plotting.style import GREYS, draw_signed, label_points, new_figure, whole_numbers
from refapprox.validation import WrongKindError, check_instance, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure


LABELS = {"power": "power (mW)", "bits": "operand width (bits)", "MAE": "mean absolute error",
          "WCE": "worst-case error", "EP%": "error probability (%)", "MSE": "mean squared error",
          "MAE%": "mean absolute error (% of output codes)", "WCE%": "worst-case error (% of output codes)",
          "MRE%": "mean relative error (%)", "WCRE%": "worst-case relative error (%)",
          "NMED": "mean absolute error / largest product", "bias": "mean error", "variance": "variance of the error"}
BINS = 61


def error_map(multiplier):
    """exact - approximate over both operands."""
    figure, axis = new_figure(size=(5.6, 4.6))
    draw_error_map(figure, axis, multiplier)
    axis.set_title(f"{multiplier.name}: error over the operands")
    return figure


def error_maps(multipliers: "Sequence[BinaryOperator]") -> "Figure":
    """exact - approximate over both operands, one panel per multiplier.

    Parameters
    ----------
    multipliers : list of Multiplier
        Each of at most 8x8 bits.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If something in multipliers is none, or there is none.

    Examples
    --------
    >>> from refapprox import from_family
    >>> figure = error_maps([from_family("drum(k=4)"), from_family("mitchell")])
    >>> [axis.get_title() for axis in figure.axes[:2]]
    ['drum(k=4)_8s', 'mitchell_8s']
    """
    if not isinstance(multipliers, Iterable) or isinstance(multipliers, np.ndarray):
        raise WrongKindError(f"multipliers must be several of them, got {shown(multipliers)}.")
    multipliers = [check_instance("multipliers", multiplier, BinaryOperator) for multiplier in multipliers]
    if not multipliers:
        raise ValueError("multipliers of error_maps must hold at least one, got none.")
    columns = min(len(multipliers), 3)
    rows = -(-len(multipliers) // columns)
    figure, axes = new_figure(rows, columns, size=(3.9 * columns, 3.4 * rows), squeeze=False)
    for axis in axes.flat[len(multipliers):]:
        axis.set_visible(False)
    for axis, multiplier in zip(axes.flat, multipliers, strict=False):
        draw_error_map(figure, axis, multiplier)
        axis.set_title(multiplier.name)
    return figure


def draw_error_map(figure, axis, multiplier, limit=None):
    """One error map with its color bar; the scale is symmetric about zero, up to `limit` or the largest error."""
    (low_x, high_x), (low_w, high_w) = multiplier.range_x, multiplier.range_w
    image = draw_signed(axis, multiplier.error_map, (low_x - 0.5, high_x + 0.5, low_w - 0.5, high_w + 0.5), limit)
    figure.colorbar(image, ax=axis, label="exact - approximate", ticks=whole_numbers())


def error_histogram(multiplier):
    """Share of operand pairs by error; pairs without error are a bar of their own."""
    error = multiplier.error_map.ravel()
    figure, axis = new_figure(size=(6, 4))
    step = max(1, -(-(int(error.max()) - int(error.min()) + 1) // BINS))      # whole numbers: equal counts a bin
    edges = np.arange(error.min(), error.max() + step + 1, step) - 0.5
    inexact = error[error != 0]
    weights = np.full(inexact.size, 100 / error.size)
    axis.hist(inexact, edges, weights=weights, color=GREYS[2], edgecolor="white", linewidth=0.3, label="inexact")
    axis.bar(0, 100 * (error == 0).mean(), width=0.4 * step, color="#eeeeee", edgecolor="black", linewidth=0.8,
             label="exact")
    axis.axvline(error.mean(), color="black", linestyle="--", linewidth=1, label=f"mean {error.mean():.4g}")
    axis.set(xlabel="exact - approximate", ylabel="operand pairs (%)", yscale="log",
             title=f"{multiplier.name}: distribution of the error")
    axis.legend()
    return figure


def error_against_operand(multiplier):
    """Mean error and its range for every value of the activation, and of the weight."""
    figure, axes = new_figure(1, 2, size=(9, 3.8), sharey=True)
    error = multiplier.error_map
    for axis, other, (low, high), name in ((axes[0], 1, multiplier.range_x, "activation x"),
                                           (axes[1], 0, multiplier.range_w, "weight w")):
        values = np.arange(low, high + 1)
        axis.fill_between(values, error.min(axis=other), error.max(axis=other), color="#cccccc", label="all errors",
                          step="mid")
        axis.plot(values, error.mean(axis=other), color="black", linewidth=1.2, label="mean")
        axis.set_xlabel(name)
    axes[0].set_ylabel("exact - approximate")
    axes[0].legend()
    figure.suptitle(f"{multiplier.name}: error against one operand, over all values of the other", fontsize=10)
    return figure


def front(names, figures, x="power", y="MAE%", annotated=14):
    """(figure, names on the front by rising x): circuits in the plane of two `ranking.figures_of`, the front connected.

    Circuits where one of both is nan are left out; fronts of at most `annotated` points carry names.
    """
    points = [(float(f[x]), float(f[y])) for f in figures]
    on_front = pareto_front(points)
    if not on_front:
        raise ValueError(f"no circuit has both {x} and {y}: a front needs figures that are known.")
    array = np.array(points)
    figure, axis = new_figure(size=(7, 4.8))
    axis.plot(*array.T, linestyle="none", marker="o", markerfacecolor="none", markersize=5, color="#777777",
              label=f"{len(points)} circuits")
    axis.plot(*array[on_front].T, drawstyle="steps-post", color="black", marker="s", markersize=4.5, linewidth=1.1,
              label=f"Pareto front, {len(on_front)}")
    positive = array[:, 1][array[:, 1] > 0]
    if positive.size and positive.max() > 30 * positive.min():
        axis.set_yscale("symlog", linthresh=positive.min())      # shows exact circuits, at zero, as well
    axis.set(xlabel=LABELS[x], ylabel=LABELS[y])
    axis.legend()
    if len(on_front) <= annotated:
        label_points(axis, array[on_front], [names[i] for i in on_front])
    return figure, [names[i] for i in on_front]
