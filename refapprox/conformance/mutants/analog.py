"""Wrong converters, compensation and loss, wrong weights after a while."""
import numpy as np

from refapprox import analog
from refapprox.analog.hypercube import Hypercube
from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.adapters.native_analog import device, factor_of
from refapprox.conformance.mutants.registry import mutant
from refapprox.conformance.mutants.strategies import strategy


@mutant("pairs filled in reverse order")
class ReversedPairs(Composed):
    def to_conductances(self, *, f_lst, **inputs):
        conductances, scale = super().to_conductances(f_lst=f_lst[::-1], **inputs)
        pairs = conductances.reshape(-1, 2, *conductances.shape[1:])
        return (pairs[::-1] if inputs["converter"] == "n_pair" else pairs).reshape(conductances.shape), scale


@mutant("g_min ignored")
class NoFloor(Composed):
    def to_conductances(self, *, g_min, **inputs):
        return super().to_conductances(g_min=0.0, **inputs)

    def unpaired_conductances(self, *, g_min, **inputs):
        return super().unpaired_conductances(g_min=0.0, **inputs)

    def unpaired_weights(self, *, g_min, **inputs):
        return super().unpaired_weights(g_min=0.0, **inputs)

    def denormalize(self, **inputs):
        return strategy(FromZero, **inputs)


class FromZero(Hypercube):
    def _line(self, delta):
        bottom, top = super()._line(delta)
        return bottom - self.g_min, top


@mutant("devices swapped")
class SwappedDevices(Composed):
    def to_conductances(self, **inputs):
        conductances, scale = super().to_conductances(**inputs)
        return conductances.reshape(-1, 2, *conductances.shape[1:])[:, ::-1].reshape(conductances.shape), scale

    def from_conductances(self, **inputs):
        return -super().from_conductances(**inputs)


@mutant("significance ignored")
class NoSignificance(Composed):
    def from_conductances(self, *, f_lst, **inputs):
        return super().from_conductances(f_lst=[1.0] * len(f_lst), **inputs)


@mutant("constant rows lost")
class ConstantRowsLost(Composed):
    def unpaired_weights(self, *, conductances, weights, converter, **inputs):
        right = super().unpaired_weights(conductances=conductances, weights=weights, converter=converter, **inputs)
        held = np.sign(weights) * conductances
        return np.where((converter == "fusion") & (np.ptp(held, axis=1, keepdims=True) == 0), 0.0, right)


@mutant("compensation inverted")
class InvertedCompensation(Composed):
    def drift_compensation(self, *, baseline, readout):
        return super().drift_compensation(baseline=readout, readout=baseline)


@mutant("compensation by the signed mean")
class SignedCompensation(Composed):
    def drift_compensation(self, *, baseline, readout):
        return max(abs(baseline.mean()), 1e-4) / max(abs(readout.mean()), 1e-4)


@mutant("normalized by the norm")
class NormalizedByNorm(Composed):
    def analog_loss(self, *, weights, effective):
        return ((effective - weights) ** 2).mean() / (weights ** 2).mean()


@mutant("sum over times")
class SumOverTimes(Composed):
    def analog_loss(self, *, weights, effective):
        return super().analog_loss(weights=weights, effective=effective) * len(effective)


@mutant("one factor for all columns")
class OneFactor(Composed):
    def column_compensation(self, *, baseline, readout):
        return np.full(baseline.shape[1], factor_of(analog.GlobalDriftCompensation(), baseline, readout))


@mutant("factors of the rows")
class RowFactors(Composed):
    def column_compensation(self, *, baseline, readout):
        return super().column_compensation(baseline=baseline.T, readout=readout.T)


@mutant("compensation without floor")
class NoCompensationFloor(Composed):
    def column_compensation(self, *, baseline, readout):
        return np.abs(baseline).mean(axis=0) / np.abs(readout).mean(axis=0)

    def drift_compensation(self, *, baseline, readout):
        return np.abs(baseline).sum() / np.abs(readout).sum()


class OtherAging(Composed):
    """Weights as they are read later are those of `drifted(...)`."""

    def aged_weights(self, *, weights, model, f_lst, g_max, g_min, t, z_program, z_drift, z_read):
        converter = analog.NPairConductanceConverter(f_lst, g_max, g_min)
        conductances, params = converter.convert_to_conductances(weights)
        target, made = np.array(conductances), device(model, g_max=g_max)
        start = made.program(target, normals=z_program)
        programmed = converter.convert_back_to_weights(start, params)
        kept = made.drift_state(self.drifting(target, start), normals=z_drift)
        read = converter.convert_back_to_weights(made.read(self.aging(target, start), kept, t, normals=z_read), params)
        return programmed, read * self.factor(weights, programmed, read)

    def drifting(self, target, start):
        return target

    def aging(self, target, start):
        return start

    def factor(self, weights, programmed, read):
        return factor_of(analog.GlobalDriftCompensation(), programmed, read)


@mutant("drift exponent of the programmed conductance")
class ExponentOfProgrammed(OtherAging):
    def drifting(self, target, start):
        return start


@mutant("programming noise forgotten")
class ForgottenProgramming(OtherAging):
    def aging(self, target, start):
        return target

    def aging_device(self, model, g_max):
        return device(model, g_max=g_max, **{"noise_scale" if model == "reram_wan2022" else "prog_noise_scale": 0})


@mutant("no drift compensation")
class NoCompensation(OtherAging):
    def factor(self, weights, programmed, read):
        return 1.0


@mutant("compensation against the target")
class ExactReference(OtherAging):
    def factor(self, weights, programmed, read):
        return factor_of(analog.GlobalDriftCompensation(), weights, read)


@mutant("mean drift exponent")
class MeanExponent(Composed):
    def aging_device(self, model, g_max):
        right = super().aging_device(model, g_max)
        if model == "reram_wan2022":
            return right
        steady = type("Steady", (type(right),), {"drift_parameters": lambda self, g: (
            right.drift_parameters(g)[0], np.zeros(np.shape(g)))})
        return steady(**{key: value for key, value in vars(right).items() if key != "prog_coeff"})


@mutant("read noise forgotten")
class ForgottenRead(Composed):
    def read_relaxed(self, *, z_read, **inputs):
        return super().read_relaxed(z_read=np.zeros_like(z_read), **inputs)

    def aging_device(self, model, g_max):
        return device(model, g_max=g_max, **({} if model == "reram_wan2022" else {"read_noise_scale": 0}))


@mutant("baseline of the configuration")
class ConfiguredBaseline(Composed):
    def loss_baseline(self, *, baseline, configured, **inputs):
        return super().loss_baseline(baseline=configured, configured=configured, **inputs)


@mutant("invertibility tested at five points")
class FivePoints(Composed):
    def to_conductances(self, *, converter, f_lst, g_max, g_min, g_lst, weights):
        if converter != "custom":
            return super().to_conductances(weights=weights, converter=converter, f_lst=f_lst, g_max=g_max, g_min=g_min,
                                           g_lst=g_lst)
        made = analog.CustomPairConductanceConverter(f_lst, g_lst, g_max, g_min, invertibility_test=False)
        few = np.linspace(-1, 1, 5)
        if np.abs(made.convert_back_to_weights(*made.convert_to_conductances(few)) - few).max() > 1e-4:
            raise ValueError("g_lst is not invertible")
        conductances, params = made.convert_to_conductances(weights)
        return np.array(conductances), params["scale_ratio"]


@mutant("negative factor accepted")
class NegativeFactor(Composed):
    def to_conductances(self, *, weights, f_lst, g_max, g_min, **inputs):
        if min(f_lst) > 0:
            return super().to_conductances(weights=weights, f_lst=f_lst, g_max=g_max, g_min=g_min, **inputs)
        spans = np.array(f_lst) * (g_max - g_min)
        scale, before = spans.sum() / np.abs(weights).max(), np.cumsum(spans) - spans
        wanted = np.stack([np.maximum(weights * scale, 0), np.maximum(weights * -scale, 0)])
        shares = (wanted - before.reshape(-1, *[1] * wanted.ndim)) / np.reshape(f_lst, (-1, *[1] * wanted.ndim))
        return np.clip(shares + g_min, g_min, g_max).reshape(-1, *weights.shape), scale
