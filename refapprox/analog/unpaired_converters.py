"""Conductance converters without pairs: one device holds a weight, or its magnitude.

* Single device, for a technology whose conductance goes both ways: the span of the weights on the span of the device,

      g = g_min + s (w - w_min),     s = (g_max - g_min) / max(w_max - w_min, EPSILON)                  (1)
      w = w_min + (g - g_min) / s                                                                       (2)

* Fusion chip: the magnitude of a weight in one device, its sign outside, every row (output) scaled to the full range,

      g_oi = s_o |w_oi|,             s_o = g_max / max(max_i |w_oi|, ROW_EPSILON)                       (3)
      x_oi = sign(w_oi) g_oi,        w'_oi = b_o x_oi                                                   (4)
      b_o  = sum_i (x_oi - mean x_o) (w_oi - mean w_o) / sum_i (x_oi - mean x_o)^2                      (5)

  b_o is the slope of a regression of the weights asked for on what the devices hold: it calibrates the row, and makes
  up for a common decay.  Undisturbed conductances give b_o = 1 / s_o.  Noise of variance v makes it V / (V + v) times
  as large, V being the variance of the signed conductances in the row: weights come back a little too small.  Where x
  does not vary within a row there is no slope, and b_o is 1 / s_o.

What `objective` and the optimizer score are pairs; these converters can be simulated (`program_weights`,
`monte_carlo_tnmse`).

References
----------
M. J. Rasch et al., "A flexible and fast PyTorch toolkit for simulating training and inference on analog crossbar
arrays", AICAS 2021, doi:10.1109/AICAS51828.2021.9458494 (aihwkit, where both converters come from).
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.analog.checks import check_filled, check_range
from refapprox.analog.converters import EPSILON
from refapprox.validation import check_finite, check_instance, check_real

ROW_EPSILON = 1e-10                     # aihwkit's, for rows of zeros
FUSION_RANGE = (10.0, 40.0)             # uS, what the chip can be told to use


class UnpairedConverter:
    """What converters without pairs share: a range, and one array of conductances."""

    def __init__(self, g_max, g_min):
        self.g_max, self.g_min = check_range(g_max, g_min)

    @property
    def limits(self):
        """Smallest and largest target conductance, uS."""
        return self.g_min, self.g_max

    def __eq__(self, other):
        return type(self) is type(other) and self.limits == other.limits

    def __hash__(self):
        return hash((type(self), self.limits))

    def __repr__(self):
        return f"{type(self).__name__}(g_max={self.g_max:g}, g_min={self.g_min:g})"


class SingleDeviceConductanceConverter(UnpairedConverter):
    """One device per weight: the smallest weight at g_min, the largest at g_max.

    Parameters
    ----------
    g_max, g_min : float, uS
        The defaults are the range of the devices of `ReRamCMONoiseModel`.

    Raises
    ------
    ValueError
        For a range that is not 0 <= g_min < g_max.

    Examples
    --------
    >>> converter = SingleDeviceConductanceConverter(g_max=90, g_min=10)
    >>> g, params = converter.convert_to_conductances([[-1.0, 0.0, 3.0]])
    >>> g[0].tolist(), params["scale_ratio"], params["min"]
    ([[10.0, 30.0, 90.0]], 20.0, -1.0)
    >>> converter.convert_back_to_weights(g, params).tolist()
    [[-1.0, 0.0, 3.0]]
    """

    def __init__(self, g_max: float = 88.199997, g_min: float = 9.0) -> None:
        super().__init__(g_max, g_min)

    def convert_to_conductances(self, weights: ArrayLike) -> tuple[list[NDArray[np.float64]], dict[str, Any]]:
        """Equation (1) of the module.

        Parameters
        ----------
        weights : array of any shape, not empty, finite
            Where all are equal, they are held at g_min.

        Returns
        -------
        conductances : list of one ndarray of the shape of weights, uS
        params : dict
            `scale_ratio` (uS per unit weight) and `min`, the smallest weight.
        """
        weights = check_filled(weights)
        low = float(weights.min())
        scale_ratio = (self.g_max - self.g_min) / max(float(weights.max()) - low, EPSILON)
        return [self.g_min + scale_ratio * (weights - low)], {"scale_ratio": scale_ratio, "min": low}     # (1)

    def convert_back_to_weights(self, conductances: Sequence[ArrayLike],
                                params: Mapping[str, Any]) -> NDArray[np.float64]:
        """Equation (2) of the module.

        Parameters
        ----------
        conductances : list of one array, uS
        params : dict
            What `convert_to_conductances` returned; a ValueError where a key is missing.
        """
        if missing := {"scale_ratio", "min"} - set(check_instance("params", params, Mapping)):
            raise ValueError(f"params must hold scale_ratio and min, got no {' and no '.join(sorted(missing))}.")
        lowest, ratio = (check_real(f"{key} of params", params[key]) for key in ("min", "scale_ratio"))
        if ratio == 0:
            raise ValueError("scale_ratio of params must not be 0: no weight leads there.")
        return lowest + (single_array(conductances) - self.g_min) / ratio                                         # (2)


class FusionConductanceConverter(UnpairedConverter):
    """Magnitudes in single devices, one scale per row, and a regression back: the Fusion chip.

    Parameters
    ----------
    g_max : float, uS
        Within 10 to 40; the conductance of the largest weight of every row. g_min is 0: devices that are not programmed
        count as empty.

    Raises
    ------
    ValueError
        For another range.

    Examples
    --------
    >>> converter = FusionConductanceConverter()
    >>> g, params = converter.convert_to_conductances([[-1.0, 0.5], [0.25, 0.0]])
    >>> g[0].tolist()
    [[40.0, 20.0], [40.0, 0.0]]
    >>> converter.convert_back_to_weights([g[0] / 2], params).tolist()      # a common decay is made up for
    [[-1.0, 0.5], [0.25, 0.0]]
    """

    def __init__(self, g_max: float = 40.0) -> None:
        super().__init__(check_real("g_max", g_max, minimum=FUSION_RANGE[0], maximum=FUSION_RANGE[1]), 0.0)

    def __repr__(self):
        return f"{type(self).__name__}(g_max={self.g_max:g})"

    def convert_to_conductances(self, weights: ArrayLike) -> tuple[list[NDArray[np.float64]], dict[str, Any]]:
        """Equation (3) of the module.

        Parameters
        ----------
        weights : array (out, in), finite, not empty

        Returns
        -------
        conductances : list of one ndarray (out, in), uS
        params : dict
            `original_weights`: signs are not stored in devices, and the way back is a regression on them.
        """
        weights = check_rows(weights)
        scale_ratio = self.row_scales(weights)
        return [np.minimum(np.abs(weights) * scale_ratio, self.g_max)], {"original_weights": weights}     # (3)

    def row_scales(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """s_o of (3): (out, 1), uS per unit weight."""
        weights = check_rows(weights)
        return self.g_max / np.maximum(np.abs(weights).max(axis=1, keepdims=True), ROW_EPSILON)

    def convert_back_to_weights(self, conductances: Sequence[ArrayLike],
                                params: Mapping[str, Any]) -> NDArray[np.float64]:
        """Equations (4) and (5) of the module.

        Parameters
        ----------
        conductances : list of one array (out, in), uS
        params : dict
            What `convert_to_conductances` returned; a ValueError where the weights are missing.
        """
        if "original_weights" not in params:
            raise ValueError(f"params must hold original_weights, whose signs the devices do not hold, got keys "
                             f"{sorted(params)}.")
        weights, conductances = check_rows(params["original_weights"], "params: weights"), single_array(conductances)
        if conductances.shape != weights.shape:
            raise ValueError(f"conductances must have the shape {weights.shape} of the weights, "
                             f"got {conductances.shape}.")
        held = np.sign(weights) * conductances                                                            # (4)
        return held * row_slopes(held, weights, 1 / self.row_scales(weights))


def row_slopes(x, y, otherwise):
    """Slope of the regression (with intercept) of y on x in each row, equation (5); `otherwise` where x is constant."""
    x_spread, y_spread = (v - v.mean(axis=1, keepdims=True) for v in (x, y))
    products = np.sum(x_spread * y_spread, axis=1, keepdims=True)
    squares = np.sum(x_spread**2, axis=1, keepdims=True)
    varies = (x.max(axis=1, keepdims=True) > x.min(axis=1, keepdims=True)) & (squares > 0)
    return np.divide(products, squares, out=np.array(otherwise), where=varies)


def single_array(conductances):
    """The one array of a list of conductances."""
    if len(conductances) != 1:
        raise ValueError(f"conductances must be a list of 1 array, got {len(conductances)}.")
    return check_finite("conductances", conductances[0], dtype=np.float64)


def check_rows(weights, name="weights"):
    """`weights` as a finite float64 matrix (out, in)."""
    weights = check_filled(weights, name)
    if weights.ndim != 2:
        raise ValueError(f"{name} must have the shape (out, in), as every row has a scale of its own, "
                         f"got shape {weights.shape}.")
    return weights
