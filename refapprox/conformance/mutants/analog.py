"""Wrong converters, devices, compensation and loss."""
import numpy as np

from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.adapters.native import device
from refapprox.conformance.mutants.registry import mutant


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


@mutant("negative conductance")
class NegativeConductance(Composed):
    def program(self, *, model, g_target, z):
        return g_target + device(model).programming_std(g_target) * z

    def read(self, *, model, g_prog, nu, t, z):
        return device(model).read(g_prog, nu, t, np.zeros_like(z)) * (1 + device(model).read_deviation(g_prog, t) * z)


@mutant("coefficients reversed")
class ReversedCoefficients(Composed):
    def program(self, *, model, g_target, z):
        if model != "pcm_like":
            return super().program(model=model, g_target=g_target, z=z)
        return np.maximum(g_target + np.polyval([0.26348, 1.9650, -1.1731], g_target / 25) * z, 0)


@mutant("truncated drift exponent")
class TruncatedExponent(Composed):
    def drift_exponent(self, *, model, g_target, z):
        mean, std = device(model).drift_parameters(g_target)
        return np.maximum(mean + std * z, 0)


@mutant("drift time without t_0")
class NoReferenceTime(Composed):
    def read(self, *, model, g_prog, nu, t, z):
        if t == 0:
            return super().read(model=model, g_prog=g_prog, nu=nu, t=t, z=z)
        return super().read(model=model, g_prog=g_prog, nu=nu, t=t, z=z) * (t / (t + 20.0)) ** -nu


@mutant("read noise of the drifted conductance")
class DriftedReadNoise(Composed):
    def read(self, *, model, g_prog, nu, t, z):
        drifted = device(model).read(g_prog, nu, t, np.zeros_like(z))
        return np.maximum(drifted * (1 + device(model).read_deviation(drifted, t) * z), 0)


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
