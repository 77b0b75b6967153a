"""Phase-change memory, fitted to a million devices in 90 nm; and the same with the user's own drift law.

With x = g / g_max, all conductances in uS:

    sigma(g) = (0.26348 + 1.9650 x - 1.1731 x^2) g_max / 25
    mu(g)    = clip(-0.0155 log x + 0.0244, 0.049, 0.1)
    sd(g)    = clip(-0.0125 log x - 0.0059, 0.008, 0.045)
    q(G_0)   = min(0.2, 0.0088 x_0^-0.65),  x_0 = G_0 / g_max (the programmed value, not the target)

x is floored at 1e-7 inside the logarithms, x_0^0.65 at 1e-3: part of the published model.

References
----------
S. R. Nandakumar et al., "Phase-change memory models for deep learning training and inference", ICECS 2019,
doi:10.1109/ICECS46596.2019.8964852.
N. Li et al., "Optimization of projected phase change memory for analog in-memory computing inference",
Advanced Electronic Materials 9, 2201190 (2023), doi:10.1002/aelm.202201190 (device-specific drift).
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.devices.base import check_std, conductances
from refapprox.analog.devices.drifting import NoiseModel
from refapprox.validation import shown

PROG_COEFF = (0.26348, 1.9650, -1.1731)       # ascending powers of x, uS at g_max = 25
PROG_COEFF_G_MAX = 25.0
LOG_FLOOR = 1e-7


@dataclass(frozen=True, kw_only=True)
class PCMLikeNoiseModel(NoiseModel):
    """Phase-change memory; see the module's docstring.

    Parameters
    ----------
    prog_coeff : sequence of float, optional
        Polynomial of sigma in x, ascending powers, in uS. The default one is rescaled by g_max / 25; the
        caller's own refers to `prog_coeff_g_max_reference`, by default g_max itself (no rescaling).
    prog_coeff_g_max_reference : float, uS, optional
    g_max, prog_noise_scale, drift_scale, read_noise_scale, t_0, t_read
        See `NoiseModel`.

    Raises
    ------
    ValueError
        As of `NoiseModel`; when it is used, for coefficients that give a negative standard deviation.

    Examples
    --------
    >>> model = PCMLikeNoiseModel()
    >>> bool(np.isclose(model.programming_std(25.0), 0.26348 + 1.9650 - 1.1731))
    True
    >>> model.drift_exponent([25.0], normals=[0.0]).tolist()     # without noise: mu
    [0.049]
    """

    prog_coeff: Sequence[float] | None = None
    prog_coeff_g_max_reference: float | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.prog_coeff_g_max_reference is None:
            self._keep("prog_coeff_g_max_reference", PROG_COEFF_G_MAX if self.prog_coeff is None else self.g_max)
        if self.prog_coeff is None:
            self._keep("prog_coeff", PROG_COEFF)
        self._keep_positive("prog_coeff_g_max_reference")
        self._keep_coefficients("prog_coeff")

    def programming_std(self, g_target: ArrayLike) -> NDArray[np.float64]:
        """sigma(g) in uS, without prog_noise_scale."""
        g_target = conductances("g_target", g_target)
        sigma = polynomial.polyval(g_target / self.g_max, self.prog_coeff)
        return check_std(sigma * self.g_max / self.prog_coeff_g_max_reference, g_target)

    def drift_parameters(self, g_target: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(mu, sd) of the drift exponent."""
        log_x = np.log(np.maximum(conductances("g_target", g_target) / self.g_max, LOG_FLOOR))
        return (np.clip(-0.0155 * log_x + 0.0244, 0.049, 0.1), np.clip(-0.0125 * log_x - 0.0059, 0.008, 0.045))

    def relative_read_noise(self, g_prog: NDArray[np.float64]) -> NDArray[np.float64]:
        """q(G_0)."""
        return np.minimum(0.2, 0.0088 / np.maximum((conductances("g_prog", g_prog, 0) / self.g_max) ** 0.65, 1e-3))

    def read_kinks(self) -> tuple[float, ...]:
        """Where q reaches its cap of 0.2, uS."""
        return (self.g_max * (0.0088 / 0.2) ** (1 / 0.65),)


@dataclass(frozen=True, kw_only=True)
class CustomDriftPCMLikeNoiseModel(PCMLikeNoiseModel):
    """PCMLike with mean and spread of the drift exponent interpolated in the caller's own lists.

    Parameters
    ----------
    custom_drift_model : dict of three equally long sequences
        `g_lst` (uS, strictly increasing), `nu_mean_lst`, `nu_std_lst`. Targets outside g_lst get the value at
        its end; g_lst must therefore reach g_max, or it would be extrapolated in silence.
    prog_coeff, prog_coeff_g_max_reference
        See `PCMLikeNoiseModel`.
    g_max, prog_noise_scale, drift_scale, read_noise_scale, t_0, t_read
        See `NoiseModel`.

    Raises
    ------
    ValueError
        For other keys, lists of unequal lengths, a g_lst that does not increase or does not reach g_max, and negative
        spreads.

    Examples
    --------
    >>> lists = {"g_lst": [0, 25], "nu_mean_lst": [0.08, 0.04], "nu_std_lst": [0.03, 0.01]}
    >>> model = CustomDriftPCMLikeNoiseModel(custom_drift_model=lists)
    >>> round(model.drift_exponent(12.5, normals=0.0).item(), 12)
    0.06
    """

    custom_drift_model: Mapping[str, Sequence[float]] | None = None

    def __post_init__(self):
        super().__post_init__()
        wanted = {"g_lst", "nu_mean_lst", "nu_std_lst"}
        model = self.custom_drift_model
        if isinstance(model, tuple):           # dataclasses.replace passes what is stored
            model = dict(model)
        if not isinstance(model, Mapping) or set(model) != wanted:
            came = sorted(model) if isinstance(model, Mapping) else model
            raise ValueError(f"custom_drift_model must be a dict with the keys {sorted(wanted)}, got {shown(came)}.")
        lists = {key: conductances(f"{key} of custom_drift_model", model[key]) for key in sorted(wanted)}
        lengths = {key: values.shape for key, values in lists.items()}
        if len(set(lengths.values())) != 1 or lists["g_lst"].ndim != 1 or len(lists["g_lst"]) < 2:
            raise ValueError(f"custom_drift_model must hold three lists of one length >= 2, got shapes {lengths}.")
        if (np.diff(lists["g_lst"]) <= 0).any():
            raise ValueError(f"g_lst of custom_drift_model must increase strictly, got {lists['g_lst'].tolist()}.")
        if lists["nu_std_lst"].min() < 0:
            raise ValueError(f"nu_std_lst of custom_drift_model must not be negative, got "
                             f"{lists['nu_std_lst'].tolist()}.")
        if lists["g_lst"][-1] < self.g_max:
            raise ValueError(f"g_lst of custom_drift_model must reach g_max={self.g_max}, "
                             f"got a last conductance of {lists['g_lst'][-1]}.")
        frozen = tuple((key, tuple(values.tolist())) for key, values in lists.items())      # hashable
        self._keep("custom_drift_model", frozen)

    def drift_parameters(self, g_target: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(mu, sd) of the drift exponent, from the lists."""
        g_target, lists = conductances("g_target", g_target), dict(self.custom_drift_model)
        return tuple(np.interp(g_target, lists["g_lst"], lists[key]) for key in ("nu_mean_lst", "nu_std_lst"))
