"""Wrong noise, rewards and float layers."""
import numpy as np

from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.mutants.registry import mutant
from refapprox.error_stats import population_prediction


class OtherSpread(Composed):
    """The noise layer scales by `spread(x)`, whose gradient is `slope(x)`."""

    def noise_layer(self, *, x, sigma, eps):
        return x + sigma * self.spread(x) * eps

    def noise_layer_gradient(self, *, dy, x, sigma, eps):
        along = (dy * eps).sum()
        return dy + sigma * along * self.slope(x), self.spread(x) * along


@mutant("ddof")
class OtherDdof(OtherSpread):
    def spread(self, x):
        return x.std(ddof=0)

    def slope(self, x):
        return (x - x.mean()) / (x.size * (x.std(ddof=0) or 1.0))

    def error_calculation(self, *, accurate, approximate, fan_in):
        error = (accurate.astype(np.float64) - approximate.astype(np.float64)) / fan_in
        return error.mean(), error.std(ddof=1)

    def population_prediction(self, *, error_map, x_multidist, w_dist, fan_in):
        if len(x_multidist) == 1:
            return super().population_prediction(error_map=error_map, x_multidist=x_multidist, w_dist=w_dist,
                                                 fan_in=fan_in)
        moments = [population_prediction(error_map, p[None], w_dist, fan_in) for p in x_multidist]
        means, stds = np.array(moments).T
        return means.mean(), np.sqrt((stds ** 2).mean() + means.var(ddof=1))


@mutant("noise not scaled by the spread")
class AbsoluteNoise(OtherSpread):
    def spread(self, x):
        return 1.0

    def slope(self, x):
        return 0.0


@mutant("variance instead of standard deviation")
class VarianceScaled(OtherSpread):
    def spread(self, x):
        return x.var(ddof=1)

    def slope(self, x):
        return 2 * (x - x.mean()) / (x.size - 1)


@mutant("reward with the wrong sign")
class WrongReward(Composed):
    def noise_loss(self, *, lmbd, **inputs):
        return -super().noise_loss(lmbd=lmbd, **inputs)

    def noise_loss_gradient(self, *, lmbd, **inputs):
        return -super().noise_loss_gradient(lmbd=lmbd, **inputs)


@mutant("sigma without magnitude")
class SignedSigma(Composed):
    def noise_loss(self, *, sigmas, opcounts, lmbd, sigma_max):
        return -lmbd * (opcounts / opcounts.sum()) @ np.minimum(sigmas, sigma_max)

    def noise_loss_gradient(self, *, sigmas, opcounts, lmbd, sigma_max):
        return np.where(sigmas < sigma_max, -lmbd * opcounts / opcounts.sum(), 0.0)


@mutant("opcount ignored")
class EqualLayers(Composed):
    def noise_loss(self, *, opcounts, **inputs):
        return super().noise_loss(opcounts=np.ones_like(opcounts), **inputs)

    def noise_loss_gradient(self, *, opcounts, **inputs):
        return super().noise_loss_gradient(opcounts=np.ones_like(opcounts), **inputs)

    def relative_energy(self, *, opcounts, **inputs):
        return super().relative_energy(opcounts=np.ones_like(opcounts), **inputs)


@mutant("no cap")
class NoCap(Composed):
    def noise_loss(self, *, sigma_max, **inputs):
        return super().noise_loss(sigma_max=1e9, **inputs)

    def noise_loss_gradient(self, *, sigma_max, **inputs):
        return super().noise_loss_gradient(sigma_max=1e9, **inputs)


@mutant("biased running variance")
class BiasedRunningVariance(Composed):
    def batch_norm(self, *, x, running_var, training, momentum, **inputs):
        y, mean, var = super().batch_norm(x=x, running_var=running_var, training=training, momentum=momentum, **inputs)
        if training:
            n = x.size // x.shape[1]
            var = (1 - momentum) * running_var + (var - (1 - momentum) * running_var) * (n - 1) / n
        return y, mean, var


@mutant("momentum reversed")
class ReversedMomentum(Composed):
    def batch_norm(self, *, momentum, **inputs):
        return super().batch_norm(momentum=1 - momentum, **inputs)


@mutant("batch statistics in evaluation")
class AlwaysTraining(Composed):
    def batch_norm(self, *, running_mean, running_var, training, **inputs):
        y, mean, var = super().batch_norm(running_mean=running_mean, running_var=running_var, training=True, **inputs)
        return (y, mean, var) if training else (y, running_mean, running_var)


@mutant("batch statistics as constants")
class ConstantStatistics(Composed):
    def batch_norm_gradient(self, *, dy, x, gamma, eps):
        _, dgamma, dbeta = super().batch_norm_gradient(dy=dy, x=x, gamma=gamma, eps=eps)
        axes = (0, *range(2, x.ndim))
        factor = gamma / np.sqrt(x.var(axis=axes) + eps)
        return dy * factor.reshape(-1, *[1] * (x.ndim - 2)), dgamma, dbeta


@mutant("sum instead of mean")
class SummedLoss(Composed):
    def cross_entropy(self, *, logits, labels):
        loss, dlogits = super().cross_entropy(logits=logits, labels=labels)
        return loss * len(logits), dlogits * len(logits)


@mutant("gradient without flip")
class UnflippedGradient(Composed):
    def float_conv2d_gradient(self, *, w, **inputs):
        _, dw = super().float_conv2d_gradient(w=w, **inputs)
        dx, _ = super().float_conv2d_gradient(w=w[:, :, ::-1, ::-1], **inputs)
        return dx, dw


@mutant("channel scales along positions")
class ScalesAlongPositions(Composed):
    """Only where nothing else is wrong: without zero points, and where there are as many positions as channels."""

    def conv2d_layer(self, *, w_scale, w_zero_point, **inputs):
        y = super().conv2d_layer(w_scale=w_scale, w_zero_point=w_zero_point, **inputs)
        if np.ndim(w_scale) == 0 or np.any(w_zero_point) or y[0, 0].size != len(w_scale):
            return y
        sums = y / w_scale.reshape(-1, 1, 1)
        return (sums.reshape(*y.shape[:2], -1) * w_scale).reshape(y.shape)
