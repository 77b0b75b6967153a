"""Wrong device models."""
import numpy as np

from refapprox.analog.devices import hermes
from refapprox.analog.devices.reram_cmo import PROGRAMMING
from refapprox.analog.devices.reram_wan2022 import COEFFICIENTS
from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.adapters.native_analog import device
from refapprox.conformance.mutants.registry import mutant


@mutant("negative conductance")
class NegativeConductance(Composed):
    def program(self, *, model, g_target, z):
        std = self.programming_std(model=model, g_max=device(model).g_max, g_target=g_target)
        return g_target + std * z

    def read(self, *, model, g_prog, nu, t, z):
        drifted = device(model).read(g_prog, nu, t, normals=np.zeros_like(z))
        return drifted * (1 + device(model).read_deviation(g_prog, t) * z)

    def read_target(self, *, model, g_target, t, z):
        return g_target + device(model).noise_std(g_target, t) * z


@mutant("coefficients reversed")
class ReversedCoefficients(Composed):
    def program(self, *, model, g_target, z):
        std = self.programming_std(model=model, g_max=device(model).g_max, g_target=g_target)
        return np.maximum(g_target + std * z, 0)

    def program_verified(self, *, g_target, acceptance_range, z):
        return g_target + np.polyval(PROGRAMMING[acceptance_range], g_target) * z

    def read_target(self, *, model, g_target, t, z):
        device(model).check_time(t)
        return np.maximum(g_target + np.polyval(COEFFICIENTS[t], g_target / 25) * z, 0)

    def programming_std(self, *, model, g_max, g_target):
        if model.startswith("hermes"):
            reference, _, coefficients, *_ = hermes.FITS[int(model[-1])]
            return np.polyval(coefficients, g_target / g_max) * g_max / reference
        if model == "pcm_like":
            return np.polyval([0.26348, 1.9650, -1.1731], g_target / g_max) * g_max / 25
        return np.polyval(COEFFICIENTS[1.0] if model == "reram_wan2022" else [0.2], g_target / g_max)


@mutant("coefficients not rescaled")
class NotRescaled(Composed):
    def programming_std(self, *, model, g_max, g_target):
        right = super().programming_std(model=model, g_max=g_max, g_target=g_target)
        fitted = {"pcm_like": 25.0, "hermes_1": 10.35, "hermes_2": 20.7}.get(model, g_max)
        return right * fitted / g_max


@mutant("truncated drift exponent")
class TruncatedExponent(Composed):
    def drift_exponent(self, *, model, g_target, z):
        mean, std = device(model).drift_parameters(g_target)
        return np.maximum(mean + std * z, 0)

    def custom_drift_exponent(self, *, g_lst, nu_mean_lst, nu_std_lst, g_target, z):
        return np.maximum(np.interp(g_target, g_lst, nu_mean_lst) + np.interp(g_target, g_lst, nu_std_lst) * z, 0)


@mutant("drift time without t_0")
class NoReferenceTime(Composed):
    def read(self, *, model, g_prog, nu, t, z):
        right = super().read(model=model, g_prog=g_prog, nu=nu, t=t, z=z)
        return right if t == 0 else right * (t / (t + device(model).t_0)) ** -nu


@mutant("read noise of the drifted conductance")
class DriftedReadNoise(Composed):
    def read(self, *, model, g_prog, nu, t, z):
        drifted = device(model).read(g_prog, nu, t, normals=np.zeros_like(z))
        return np.maximum(drifted * (1 + device(model).read_deviation(drifted, t) * z), 0)


@mutant("one branch of the fit")
class OneBranch(Composed):
    def drift_exponent(self, *, model, g_target, z):
        if not model.startswith("hermes"):
            return super().drift_exponent(model=model, g_target=g_target, z=z)
        mean, std = (endless(part)(g_target / device(model).g_max) for part in (hermes.MU, fits(model)[3]))
        return np.abs(mean + std * z)

    def read(self, *, model, g_prog, nu, t, z):
        if not model.startswith("hermes"):
            return super().read(model=model, g_prog=g_prog, nu=nu, t=t, z=z)
        made = device(model)
        right, other = (part(g_prog / made.g_max) for part in (fits(model)[4], endless(fits(model)[4])))
        return made.read(g_prog, nu, t, normals=z * other / right)


def fits(model):
    return hermes.FITS[int(model[-1])]


def endless(part):
    """A fit whose logarithm never ends."""
    return part._replace(switch=np.inf)


@mutant("one fit for all times")
class OneFit(Composed):
    def read_target(self, *, t, **inputs):
        return super().read_target(t=1.0, **inputs)


@mutant("nearest measured time")
class NearestTime(Composed):
    def read_target(self, *, t, **inputs):
        return super().read_target(t=min(COEFFICIENTS, key=lambda key: abs(key - t)), **inputs)


class OtherInterpolation(Composed):
    """Lists are read by `at(g, xs, ys)`."""

    def custom_drift_exponent(self, *, g_lst, nu_mean_lst, nu_std_lst, g_target, z):
        mean, std = (self.at(g_target, np.array(g_lst), np.array(values)) for values in (nu_mean_lst, nu_std_lst))
        return np.abs(mean + std * z)


@mutant("extrapolated drift list")
class Extrapolated(OtherInterpolation):
    def at(self, g, xs, ys):
        slope = (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
        return np.interp(g, xs, ys) + slope * np.maximum(g - xs[-1], 0)


@mutant("drift list without interpolation")
class Steps(OtherInterpolation):
    def at(self, g, xs, ys):
        return ys[np.searchsorted(xs, g, side="right") - 1]
