"""How a crossbar is read out: by a matrix-vector product with every one-hot input, which gives Y, shape (in, out).

For a one-hot input  y = w + w_noise term + out_noise * z, rounded (half to even) to multiples of
step = 2 out_bound out_res, clipped to +-out_bound.  Where |y| exceeds the bound the input of that row is halved,
and the result doubled, until nothing is clipped.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.checks import check_weights
from refapprox.validation import check_choice, check_finite, check_instance, check_real, check_rng


@dataclass(frozen=True)
class PerfectReadout:
    """Y = W.

    Examples
    --------
    >>> PerfectReadout()(np.array([[0.5]])).tolist()
    [[0.5]]
    """

    is_perfect = True

    def __call__(self, weights, *, rng=None):
        return check_finite("weights", weights)


@dataclass(frozen=True, kw_only=True)
class NoisyReadout:
    """Readout with converter noise and resolution; see the module's docstring.

    Parameters
    ----------
    out_noise : float
        Standard deviation of the noise added to every output.
    out_res : float
        Resolution of the output converter: a share of the range, or, above 1, the number of levels;
        0 or less switches the rounding off.
    out_bound : float
    w_noise : float
    w_noise_type : "none", "additive" or "pcm_read"
        The weight noise term: nothing, w_noise * z, or w_noise * sqrt(|w|) * z.

    Raises
    ------
    ValueError
        For negative noise, a bound that is not positive, an unknown type of noise.

    Examples
    --------
    >>> rounded = NoisyReadout(out_noise=0, out_res=1 / 8, out_bound=1)
    >>> rounded(np.array([[0.3, -0.9]]), rng=np.random.default_rng(0)).tolist()      # multiples of 2 out_bound out_res
    [[0.25, -1.0]]
    """

    out_noise: float = 0.06
    out_res: float = 1 / 510
    out_bound: float = 12.0
    w_noise: float = 0.0
    w_noise_type: str = "none"
    is_perfect = False

    def __post_init__(self):
        for name, minimum in (("out_noise", 0), ("w_noise", 0), ("out_res", None), ("out_bound", None)):
            object.__setattr__(self, name, check_real(name, getattr(self, name), minimum=minimum))
        if self.out_bound <= 0:
            raise ValueError(f"out_bound must be positive, got {self.out_bound}.")
        check_choice("w_noise_type", self.w_noise_type, ("none", "additive", "pcm_read"))

    @property
    def step(self) -> float:
        """Distance of two levels of the output converter; 0 for none."""
        share = 1 / self.out_res if self.out_res > 1 else max(self.out_res, 0.0)
        return 2 * self.out_bound * share

    def noise_variance(self, weights: ArrayLike) -> NDArray[np.float64]:
        """Variance of what is added to y before rounding."""
        if self.w_noise_type == "none":
            return np.full(check_finite("weights", weights).shape, self.out_noise**2)
        weights = check_finite("weights", weights, dtype=np.float64)
        grows = np.abs(weights) if self.w_noise_type == "pcm_read" else np.ones(np.shape(weights))
        return self.out_noise**2 + self.w_noise**2 * grows

    def __call__(self, weights, *, rng=None):
        check_rng(rng)
        weights = check_weights(weights)
        if weights.ndim == 0:
            raise ValueError("weights must have at least one dimension, the inputs, got a single number.")
        y = np.array(weights)
        scale = np.ones((len(y), *[1] * (y.ndim - 1)))       # by which the one-hot input of a row is reduced
        pending = np.ones(len(y), dtype=bool)
        while pending.any():
            rows = weights[pending] / scale[pending]
            # Weight noise is inside the product with the input, output noise is added behind it.
            inside = np.sqrt(self.noise_variance(weights[pending]) - self.out_noise**2) / scale[pending]
            read = rows + np.hypot(inside, self.out_noise) * rng.standard_normal(rows.shape)
            if self.step > 0:
                read = np.rint(read / self.step) * self.step
            y[pending] = np.clip(read, -self.out_bound, self.out_bound) * scale[pending]
            clipped = (np.abs(read) > self.out_bound).reshape(len(read), -1).any(axis=1)
            pending[np.flatnonzero(pending)[~clipped]] = False
            scale[pending] *= 2
        return y


PERFECT = PerfectReadout()


def check_readout(readout):
    """`readout`, an instance of one of the readouts of this module."""
    return check_instance("readout", readout, (PerfectReadout, NoisyReadout))
