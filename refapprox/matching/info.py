"""An assignment of multipliers to layers, and its energy.

    E = sum_l (opcount_l / sum opcount) * metric_l / metric_max                                     (1)

is the energy of the multiplications relative to the most expensive multiplier of the search space.
"""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from os import PathLike

import numpy as np

from refapprox import files


@dataclass
class LayerInfo:
    """What was assigned to a layer, and why.

    Attributes
    ----------
    name, multiplier_name : str
    multiplier_performance_metric : float
        Cost of one multiplication.
    opcount : float
        Multiplications per sample.
    fan_in : int
    sigma : float
        The learned noise level.
    predicted_std, allowed_std : float
        Of the accumulated error, accumulator units.

    Examples
    --------
    >>> layer = LayerInfo("conv1", "mul8s_1L2H", 0.301, opcount=117600)
    >>> layer.relative_opcount(235200), layer.relative_energy_consumption(0.602)
    (0.5, 0.5)
    """

    name: str
    multiplier_name: str
    multiplier_performance_metric: float
    opcount: float
    fan_in: int = 0
    sigma: float = float("nan")
    predicted_std: float = float("nan")
    allowed_std: float = float("nan")

    def relative_opcount(self, total_opcount: float) -> float:
        """Share of all multiplications."""
        if total_opcount == 0:
            raise ValueError("total_opcount must not be 0.")
        return self.opcount / total_opcount

    def relative_energy_consumption(self, metric_max: float) -> float:
        """Cost of one multiplication relative to `metric_max`."""
        if metric_max == 0:
            raise ValueError("metric_max must not be 0.")
        return self.multiplier_performance_metric / metric_max


@dataclass
class MatchingInfo:
    """An assignment of multipliers to layers.

    Attributes
    ----------
    layers : list of LayerInfo
    metric_max : float
        Largest cost in the search space, the fallback included.
    opcount : float
        Multiplications of all layers.

    Examples
    --------
    >>> layers = [LayerInfo("conv1", "cheap", 0.25, opcount=3), LayerInfo("linear", "exact", 1.0, opcount=1)]
    >>> MatchingInfo(layers, metric_max=1.0, opcount=4).relative_energy_consumption
    0.4375
    """

    layers: list[LayerInfo] = field(default_factory=list)
    metric_max: float = float("nan")
    opcount: float = float("nan")

    @property
    def relative_energy_consumption(self) -> float:
        """Equation (1)."""
        return sum(layer.relative_opcount(self.opcount) * layer.relative_energy_consumption(self.metric_max)
                   for layer in self.layers)

    def save(self, path: str | PathLike[str]) -> None:
        """Write as JSON; nan becomes null."""
        document = dataclasses.asdict(self)
        document["relative_energy_consumption"] = self.relative_energy_consumption
        files.write_json(path, without_nan(document))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> MatchingInfo:
        """Read what `save` wrote; a ValueError that names the place where the file says something else."""
        document = files.read_json(path, SCHEMA)
        layers = [LayerInfo(**{name: nan_for_none(value) for name, value in layer.items()})
                  for layer in document["layers"]]
        return cls(layers, nan_for_none(document["metric_max"]), nan_for_none(document["opcount"]))


NUMBER = (float, None)      # nan has no form in JSON: null stands for it
SCHEMA = {"layers": [{"name": str, "multiplier_name": str, "multiplier_performance_metric": float, "opcount": float,
                      "fan_in?": int, "sigma?": NUMBER, "predicted_std?": NUMBER, "allowed_std?": NUMBER}],
          "metric_max": NUMBER, "opcount": NUMBER, "relative_energy_consumption?": NUMBER}


def nan_for_none(value):
    return float("nan") if value is None else value


def without_nan(value):
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
