"""Wrong search spaces, wrong strategies at their points, wrong objectives."""
import numpy as np

from refapprox.analog.hypercube import KW_MIN, Hypercube, Strategies
from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.mutants.registry import mutant


def strategy(cube, *, x, f_lst, nbins, symmetric, use_max_kw, g_max, g_min, g_err, f_min, f_max, largest_weight):
    """(factors, curves) at the point x of a search space of class `cube`."""
    space = cube(f_lst, g_max, g_min, nbins=nbins, symmetric=symmetric, use_max_kw=use_max_kw, f_min=f_min, f_max=f_max,
                 g_err=g_err / (g_max - g_min), layout="equispaced")
    found = space.denormalize(x[None])
    return found.factors[0], found.conductances[0]


@mutant("quantiles without the ends")
class MiddleQuantiles(Composed):
    def downsample(self, *, weights, shape):
        at = (np.arange(np.prod(shape)) + 0.5) / np.prod(shape)
        return np.quantile(weights, at, method="hazen").reshape(shape)


@mutant("free factors not counted")
class FactorsNotCounted(Composed):
    def hop_bounds(self, *, f_lst, **inputs):
        return super().hop_bounds(f_lst=[1.0 if f is None else f for f in f_lst], **inputs)


@mutant("symmetry ignored")
class SymmetryIgnored(Composed):
    def hop_bounds(self, *, symmetric, **inputs):
        return super().hop_bounds(symmetric=False, **inputs)

    def reformat_x_g(self, *, symmetric, **inputs):
        return super().reformat_x_g(symmetric=False, **inputs)


class NoFloorCube(Hypercube):
    def partition(self, x):
        factors, top, x_g = super().partition(x)
        full = factors.sum(axis=1) * (self.g_max - self.g_min)
        return factors, (top - KW_MIN * full) / (1 - KW_MIN), x_g


@mutant("no floor of the range")
class NoRangeFloor(Composed):
    def partition_parameters(self, *, g_max, g_min, largest_weight, **inputs):
        factors, k_w, x_g = super().partition_parameters(g_max=g_max, g_min=g_min, largest_weight=largest_weight,
                                                         **inputs)
        full = factors.sum() * (g_max - g_min) / largest_weight
        return factors, (k_w - KW_MIN * full) / (1 - KW_MIN), x_g

    def denormalize(self, **inputs):
        return strategy(NoFloorCube, **inputs)


@mutant("range share ignored")
class WholeRange(Composed):
    def partition_parameters(self, *, g_max, g_min, largest_weight, **inputs):
        factors, _, x_g = super().partition_parameters(g_max=g_max, g_min=g_min, largest_weight=largest_weight,
                                                       **inputs)
        return factors, factors.sum() * (g_max - g_min) / largest_weight, x_g


@mutant("range before factors")
class RangeFirst(Composed):
    def partition_parameters(self, *, x, f_lst, use_max_kw, **inputs):
        if not use_max_kw:
            x = np.concatenate([np.roll(x[:f_lst.count(None) + 1], -1), x[f_lst.count(None) + 1:]])
        return super().partition_parameters(x=x, f_lst=f_lst, use_max_kw=use_max_kw, **inputs)


@mutant("rows read by columns")
class ColumnsFirst(Composed):
    def reformat_x_g(self, *, x_g, pairs, symmetric):
        rows, length = super().reformat_x_g(x_g=x_g, pairs=pairs, symmetric=symmetric)
        return x_g.reshape(rows.shape, order="F"), length


class OffByOneCube(Hypercube):
    def denormalize(self, x):
        factors, top, x_g = self.partition(x)
        rows, spans, left = self.reformat(x_g), factors * (self.g_max - self.g_min), top[:, None] * self.grid
        curves = np.empty((len(x), 2 * self.n_pairs, self.n_columns))
        for j in range(self.n_pairs):
            rest, span = spans[:, j:].sum(axis=1, keepdims=True), spans[:, j:j + 1]      # from j + 1 on would be right
            low, high = np.maximum(left - rest, -span), np.minimum(left + rest, span)
            taken = low + (rows[:, 2 * j + 1] if j < self.n_pairs - 1 else 1) * (high - low)
            left, delta = left - taken, taken / factors[:, j:j + 1]
            bottom, ceiling = self._line(delta)
            plus = np.clip(bottom + rows[:, 2 * j] * (ceiling - bottom), self.g_min, self.g_max)
            curves[:, 2 * j], curves[:, 2 * j + 1] = plus, np.clip(plus - delta, self.g_min, self.g_max)
        u, curves = self._in_order(np.broadcast_to(self.grid, (len(x), self.n_columns)), curves)
        return Strategies(factors, u, curves, top)


@mutant("remaining pairs off by one")
class RemainingOffByOne(Composed):
    def span_of_remaining_pairs(self, *, spans, index):
        return super().span_of_remaining_pairs(spans=spans, index=index + 1)

    def denormalize(self, **inputs):
        return strategy(OffByOneCube, **inputs)


@mutant("not mirrored")
class NotMirrored(Composed):
    def denormalize(self, *, nbins, symmetric, **inputs):
        factors, curves = super().denormalize(nbins=nbins, symmetric=symmetric, **inputs)
        if not symmetric:
            return factors, curves
        exchanged = curves.reshape(-1, 2, curves.shape[1])[:, ::-1].reshape(curves.shape)
        return factors, np.concatenate([curves[:, :nbins - 1], exchanged[:, nbins - 1:]], axis=1)


@mutant("margin forgotten")
class MarginForgotten(Composed):
    def search_objective(self, *, loss_margin, **inputs):
        return super().search_objective(loss_margin=0.0, **inputs)


@mutant("difference not relative")
class AbsoluteDifference(Composed):
    def search_objective(self, *, weights, effective, baseline_effective, loss_margin):
        loss, baseline = (self.analog_loss(weights=weights, effective=e) for e in (effective, baseline_effective))
        return loss - baseline + loss_margin


@mutant("stops at zero")
class StopsAtZero(Composed):
    def stop_criterion(self, *, objective):
        return int(objective <= 0)
