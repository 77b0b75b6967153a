"""Figures of the analog part, each function returns one; `save_all` writes those of one optimization."""
from pathlib import Path

import numpy as np

from refapprox.analog.devices import NoiseModel
from refapprox.analog.objective import aged_moments, expected_factors, expected_nmse
from refapprox.plotting.style import GREYS, LINES, new_figure, save

UNITS = ((31536000.0, "y"), (86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def time_label(t):
    """A time in the largest unit that it fills.

    >>> time_label(2592000.0)
    '30 d'
    """
    for seconds, unit in UNITS:
        if t >= seconds:
            return f"{t / seconds:g} {unit}"
    return f"{t:g} s"


def band(axis, x, mean, std, label, number):
    """A line with its band of one standard deviation."""
    shade = GREYS[number % len(GREYS)]
    axis.plot(x, mean, linestyle=LINES[number % len(LINES)], color=shade, label=label)
    axis.fill_between(x, mean - std, mean + std, color=shade, alpha=0.15, linewidth=0)


def plot_device(device, t_steps):
    """Programmed conductance, drift exponent and conductance over time against the target, with bands of 1 sigma."""
    from refapprox.analog.moments import folded_mean

    figure, axes = new_figure(1, 3, size=(10.8, 2.9))
    g = np.linspace(0, device.g_max, 201)
    start = device.programmed_moments(g)
    band(axes[0], g, start.mean - g, np.sqrt(start.variance), "after programming", 0)
    axes[0].set(title="Programming error", ylabel="programmed - target (µS)")
    if isinstance(device, NoiseModel):
        mean, std = device.drift_parameters(g)
        middle = device.drift_scale * folded_mean(mean, std)
        band(axes[1], g, middle, device.drift_scale * np.sqrt(mean**2 + std**2 - folded_mean(mean, std) ** 2),
             "exponent", 0)
        axes[1].set(title="Drift exponent", ylabel=r"$\nu$")
    else:
        axes[1].set_axis_off()
        axes[1].text(0.5, 0.5, "no drift exponent", ha="center", va="center")
    for number, t in enumerate(t_steps):
        found = device.read_moments(g, t)
        band(axes[2], g, found.mean, np.sqrt(found.variance), time_label(t), number)
    axes[2].set(title="Conductance as read", ylabel="conductance (µS)")
    axes[2].legend(fontsize=7, title="after", title_fontsize=7)
    for axis in axes:
        axis.set_xlabel("target conductance (µS)")
    return figure


def plot_strategies(converters):
    """g(w) of every device of each strategy; `converters` maps a name to a converter."""
    figure, axes = new_figure(1, len(converters), size=(3.6 * len(converters), 3.2), squeeze=False)
    for axis, (name, converter) in zip(axes[0], converters.items(), strict=True):
        u = np.union1d(np.linspace(-1, 1, 401), converter.breakpoints)
        for slot, curve in enumerate(converter.conductances_at(u)):
            pair, sign = slot // 2, "+-"[slot % 2]
            axis.plot(u, curve, linestyle=LINES[slot % 2], color=GREYS[pair % len(GREYS)],
                      label=f"$g_{{{pair}}}^{sign}$, f = {converter.f_lst[pair]:.3g}")
        axis.set(title=name, xlabel="weight / max |W|", ylabel="conductance (µS)",
                 ylim=(-0.03 * converter.g_max, 1.05 * converter.g_max))
        axis.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
    return figure


def plot_weight_errors(converters, weights, device, t_steps, compensation):
    """Error of the effective weight against the target: mean and band of 1 sigma, a panel for each time."""
    figure, axes = new_figure(1, len(t_steps), size=(2.9 * len(t_steps), 2.9), sharey=True, squeeze=False)
    u = np.linspace(-1, 1, 401)
    for number, (name, converter) in enumerate(converters.items()):
        found = aged_moments(converter, u, device, t_steps)
        factors = expected_factors(converter, weights, device, t_steps, compensation)
        for step, (axis, alpha) in enumerate(zip(axes[0], factors, strict=True), start=1):
            band(axis, u, alpha * found.mean[step] - u, alpha * np.sqrt(found.variance[step]), name, number)
    for axis, t in zip(axes[0], t_steps, strict=True):
        axis.set(title=f"after {time_label(t)}", xlabel="target weight / max |W|")
    axes[0, 0].set_ylabel("error / max |W|")
    axes[0, 0].legend(fontsize=7)
    return figure


def plot_loss_over_time(converters, weights, device, t_steps, compensation):
    """Normalized mean squared error against time, dense in time where the device model allows it."""
    figure, axis = new_figure(size=(4.8, 3.4))
    dense = isinstance(device, NoiseModel) and len(t_steps) > 1
    times = np.geomspace(max(min(t_steps), 1e-3), max(t_steps), 13) if dense else np.array(t_steps)
    for number, (name, converter) in enumerate(converters.items()):
        losses = expected_nmse(converter, weights, device, times, compensation, finite_array=False)
        axis.plot(times, losses, linestyle=LINES[number % len(LINES)], color=GREYS[number % len(GREYS)], label=name)
        axis.plot(t_steps, expected_nmse(converter, weights, device, t_steps, compensation, finite_array=False), "o",
                  markersize=4, color=GREYS[number % len(GREYS)])
    axis.set(xscale="log", xlabel="time after programming (s)", ylabel="mean squared error / max |W|²",
             title="Expected loss over time (dots: optimized times)")
    axis.set_ylim(bottom=0)
    axis.legend(fontsize=8)
    return figure


def plot_convergence(result):
    """Best expected loss against generation."""
    figure, axis = new_figure(size=(4.8, 3.4))
    axis.axhline(result.baseline, color=GREYS[0], linestyle=LINES[0], label="baseline")
    axis.axhline(result.plain, color=GREYS[1], linestyle=LINES[1], label="best plain factors")
    axis.plot([line.number for line in result.history], [line.best for line in result.history], color=GREYS[2],
              linestyle=LINES[2], label="best of the population")
    axis.plot([len(result.history)], [result.best], "*", color=GREYS[2], markersize=9, label="optimized")
    axis.set(xlabel="generation", ylabel="expected loss (tnmse)", title=f"Convergence ({result.stop_reason})")
    axis.legend(fontsize=8)
    return figure


def save_all(result, weights, device, t_steps, compensation, folder):
    """Write the five figures of an optimization as PNG into `folder`; returns their paths."""
    strategies = {"baseline": result.baseline_converter, "best plain factors": result.plain_converter,
                  "optimized": result.converter}
    figures = {
        "device": plot_device(device, t_steps),
        "strategies": plot_strategies(strategies),
        "weight_errors": plot_weight_errors({name: strategies[name] for name in ("baseline", "optimized")},
                                            weights, device, t_steps, compensation),
        "loss_over_time": plot_loss_over_time(strategies, weights, device, t_steps, compensation),
        "convergence": plot_convergence(result),
    }
    return [save(figure, Path(folder) / f"{name}.png") for name, figure in figures.items()]
