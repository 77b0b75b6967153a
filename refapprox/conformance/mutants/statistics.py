"""Wrong error statistics."""
import numpy as np

from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.mutants.registry import mutant
from refapprox.error_stats import population_prediction


class OtherPrediction(Composed):
    """mean and std per operation of every predictor end up as `change(mean, std, fan_in)`."""

    def error_prediction(self, *, fan_in, **inputs):
        return self.change(*super().error_prediction(fan_in=fan_in, **inputs), fan_in)

    def single_dist_mc(self, *, fan_in, **inputs):
        return self.change(*super().single_dist_mc(fan_in=fan_in, **inputs), fan_in)

    def population_prediction(self, *, fan_in, **inputs):
        return self.change(*super().population_prediction(fan_in=fan_in, **inputs), fan_in)


@mutant("error sign")
class ErrorSign(OtherPrediction):
    def change(self, mean, std, fan_in):
        return -mean, std

    def error_map(self, **inputs):
        return -super().error_map(**inputs)

    def error_metrics(self, **inputs):
        *others, bias = super().error_metrics(**inputs)
        return *others, -bias

    def error_calculation(self, *, accurate, approximate, fan_in):
        return super().error_calculation(accurate=approximate, approximate=accurate, fan_in=fan_in)


@mutant("per sum instead of per operation")
class PerSum(OtherPrediction):
    def change(self, mean, std, fan_in):
        return fan_in * mean, fan_in * std

    def error_calculation(self, *, fan_in, **inputs):
        return super().error_calculation(fan_in=1, **inputs)


@mutant("missing sqrt(fan_in)")
class MissingRoot(OtherPrediction):
    def change(self, mean, std, fan_in):
        return mean, std * np.sqrt(fan_in)

    def population_prediction(self, *, error_map, x_multidist, w_dist, fan_in):
        return Composed.population_prediction(self, error_map=error_map, x_multidist=x_multidist, w_dist=w_dist,
                                              fan_in=1)

    def select_multiplier(self, *, max_noise, **inputs):      # spreads too large by sqrt(3), the fan-in of those cases
        return super().select_multiplier(max_noise=max_noise / np.sqrt(inputs["features"].shape[1]), **inputs)


@mutant("root mean square")
class RootMeanSquare(OtherPrediction):
    def change(self, mean, std, fan_in):
        return mean, np.sqrt(std ** 2 + mean ** 2 / fan_in)

    def population_prediction(self, **inputs):
        return super(OtherPrediction, self).population_prediction(**inputs)


class OtherRelative(Composed):
    """MRE% and WCRE% are those of `relative(|e|, |exact|)`, over all pairs."""

    def error_metrics(self, *, lut, signed):
        mae, wce, ep, _, _, *others = super().error_metrics(lut=lut, signed=signed)
        codes = np.arange(256) - 128 * signed
        exact = np.multiply.outer(codes, codes)
        relative = 100 * self.relative(np.abs(exact - lut), np.abs(exact))
        return mae, wce, ep, relative.mean(), relative.max(), *others


@mutant("relative errors over all pairs")
class RelativeOverAll(OtherRelative):
    def relative(self, error, exact):
        return np.divide(error, exact, out=np.zeros(error.shape), where=exact > 0)


@mutant("products of zero as one")
class ZeroAsOne(OtherRelative):
    def relative(self, error, exact):
        return error / np.maximum(exact, 1)


def each_field(error_map, x_multidist, w_dist, fan_in):
    """(means, stds) of the receptive fields."""
    return np.array([population_prediction(error_map, p[None], w_dist, fan_in) for p in x_multidist]).T


@mutant("mean of standard deviations")
class MeanOfSpreads(Composed):
    def population_prediction(self, **inputs):
        means, stds = each_field(**inputs)
        return means.mean(), stds.mean()


@mutant("between-field variance missing")
class WithinOnly(Composed):
    def population_prediction(self, **inputs):
        means, stds = each_field(**inputs)
        return means.mean(), np.sqrt((stds ** 2).mean())


@mutant("pooled distribution")
class Pooled(Composed):
    def population_prediction(self, *, x_multidist, **inputs):
        return super().population_prediction(x_multidist=x_multidist.mean(axis=0, keepdims=True), **inputs)


@mutant("absolute errors")
class AbsoluteErrors(Composed):
    def error_map(self, **inputs):
        return np.abs(super().error_map(**inputs))

    def error_metrics(self, **inputs):
        mae, *others, _ = super().error_metrics(**inputs)
        return mae, *others, mae

    def error_calculation(self, *, accurate, approximate, fan_in):
        error = np.abs(accurate.astype(np.float64) - approximate) / fan_in
        return error.mean(), error.std()


@mutant("subtraction in a narrow dtype")
class NarrowSubtraction(Composed):
    def error_calculation(self, *, accurate, approximate, fan_in):
        error = (accurate - approximate) / fan_in
        return error.mean(), error.std()


@mutant("histogram index by wraparound")
class WrappedHistogram(Composed):
    def to_distribution(self, *, codes, min_val, max_val):
        counts = np.zeros(max_val - min_val + 1)
        np.add.at(counts, codes + min_val, 1)      # negative indices wrap, others beyond the end raise
        return counts / codes.size


@mutant("counts instead of frequencies")
class Counts(Composed):
    def to_distribution(self, *, codes, **inputs):
        return super().to_distribution(codes=codes, **inputs) * codes.size
