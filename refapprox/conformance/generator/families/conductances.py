"""The plain definitions of the analog part: weights to conductances and back, phase-change memory for given draws."""
import math

import numpy as np

EPSILON = 1e-7


def fill(weights, f_lst, g_max, g_min, *, reverse=False, floor=True, swapped=False):
    """Pairs filled one after the other; (conductances, scale)."""
    span = g_max - (g_min if floor else 0.0)
    base = g_min if floor else 0.0
    scale = math.fsum(f * span for f in f_lst) / max(float(np.abs(weights).max()), EPSILON)
    order = list(range(len(f_lst)))[::-1] if reverse else list(range(len(f_lst)))
    conductances = np.empty((2 * len(f_lst), *weights.shape))
    below = 0.0
    for j in order:
        for sign in (0, 1):
            target = scale * (-weights if sign != swapped else weights)
            share = (np.maximum(target, 0.0) - below) / f_lst[j]
            conductances[2 * j + sign] = base + np.minimum(np.maximum(share, 0.0), span)
        below += f_lst[j] * span
    return {"conductances": conductances, "scale_ratio": scale}


def interpolated(weights, f_lst, g_lst):
    """Each device's curve at the normalized weight, piecewise linear over equispaced breakpoints."""
    n = len(g_lst[0])
    totals = [math.fsum(f * (g_lst[2 * j][i] - g_lst[2 * j + 1][i]) for j, f in enumerate(f_lst)) for i in range(n)]
    largest = float(np.abs(weights).max())
    conductances = np.empty((len(g_lst), *weights.shape))
    for at in np.ndindex(weights.shape):
        position = (weights[at] / largest + 1) / 2 * (n - 1)
        left = min(int(position), n - 2)
        part = position - left
        for device, curve in enumerate(g_lst):
            conductances[(device, *at)] = curve[left] * (1 - part) + curve[left + 1] * part
    return {"conductances": conductances, "scale_ratio": max(map(abs, totals)) / max(largest, EPSILON)}


def back(conductances, f_lst, scale_ratio, *, significance=True, sign=1):
    weights = sum((f if significance else 1.0) * (conductances[2 * j] - conductances[2 * j + 1]) for j,
                  f in enumerate(f_lst))
    return {"weights": sign * weights / scale_ratio}


def one_device(weights, g_max, g_min):
    """The smallest weight at g_min, the largest at g_max."""
    low, high = float(weights.min()), float(weights.max())
    return {"conductances": np.array([[g_min + (g_max - g_min) * (w - low) / (high - low) for w in row]
                                      for row in weights.tolist()])}


def one_device_back(conductances, weights, g_max, g_min):
    low, high = float(weights.min()), float(weights.max())
    return {"weights": np.array([[low + (high - low) * (g - g_min) / (g_max - g_min) for g in row]
                                 for row in conductances.tolist()])}


def magnitudes(weights, g_max):
    """Magnitudes, the largest of each row at g_max."""
    return {"conductances": np.array([[g_max * abs(w) / max(map(abs, row)) for w in row] for row in weights.tolist()])}


def regressed(conductances, weights, g_max, *, lost=False):
    """Each row by the slope of a regression of its weights on its signed conductances; `lost`: 0 where it has none."""
    rows = []
    for held, wanted in zip((np.sign(weights) * conductances).tolist(), weights.tolist(), strict=True):
        n, x_sum, y_sum = len(held), math.fsum(held), math.fsum(wanted)
        spread = n * math.fsum(x * x for x in held) - x_sum * x_sum
        if len(set(held)) == 1:
            slope = 0.0 if lost else max(map(abs, wanted)) / g_max
        else:
            slope = (n * math.fsum(x * y for x, y in zip(held, wanted, strict=True)) - x_sum * y_sum) / spread
        rows.append([slope * x for x in held])
    return {"weights": np.array(rows)}


G_MAX, T_0, T_READ = 25.0, 20.0, 250e-9


def programmed(g, z, *, clip=True, reverse=False):
    """max(0, g + sigma z), sigma = 0.26348 + 1.9650 x - 1.1731 x^2, x = g / 25."""
    c = (0.26348, 1.9650, -1.1731)[::-1] if reverse else (0.26348, 1.9650, -1.1731)
    x = g / G_MAX
    noisy = g + (c[0] + c[1] * x + c[2] * x * x) * z
    return {"g_prog": np.maximum(noisy, 0.0) if clip else noisy}


def exponent(g, z, *, folded=True):
    """|mu + sd z| with mu, sd clipped logarithms of x."""
    nu = []
    for value, draw in zip(g.tolist(), z.tolist(), strict=True):
        log = math.log(max(value / G_MAX, 1e-7))
        mu = min(max(-0.0155 * log + 0.0244, 0.049), 0.1)
        sd = min(max(-0.0125 * log - 0.0059, 0.008), 0.045)
        nu.append(abs(mu + sd * draw) if folded else max(mu + sd * draw, 0.0))
    return {"nu": np.array(nu)}


def read_out(g_prog, nu, t, z, *, clip=True, offset=True, of_drifted=False):
    """max(0, G_d (1 + q sqrt(log((T + t_read) / (2 t_read))) z)), G_d = G_0 (T / t_0)^-nu, T = t + t_0."""
    read = []
    total = t + T_0
    for g, exponent_, draw in zip(g_prog.tolist(), nu.tolist(), z.tolist(), strict=True):
        drifted = g * ((total if offset else t) / T_0) ** -exponent_
        x = (drifted if of_drifted else g) / G_MAX
        q = min(0.2, 0.0088 / max(x ** 0.65, 1e-3))
        value = drifted * (1 + q * math.sqrt(math.log((total + T_READ) / (2 * T_READ))) * draw)
        read.append(max(value, 0.0) if clip else value)
    return {"g": np.array(read)}
