"""What a multiplier does to a network, as numbers: layer by layer, and as a whole."""
from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

from refapprox.multipliers.circuits.cost import power_errors
from refapprox.multipliers.costs import ESTIMATED
from refapprox.multipliers.multiplier import Multiplier


def binomial_std(share, count):
    """Standard error of a share that was counted in `count` independent images."""
    return math.sqrt(share * (1 - share) / count)


@dataclass(frozen=True)
class LayerEffect:
    """One multiplier in one layer. Stds and the mean are those of the accumulated error, in accumulator units.

    Attributes
    ----------
    name : str
    fan_in : int
    share : float
        Part of all multiplications of the network.
    sigma : float
        Learned noise level, relative to the std of the layer's outputs.
    allowed_std : float
        |sigma| times that std: what the layer tolerates.
    published_std, best_std : float
        Predicted by the published rule and by the best rung that needs no simulation.
    simulated_std : float
    mean : float
        Mean of exact - approximate, which the rule does not look at.
    fits : bool
        Whether the published rule takes the multiplier here.
    accuracy : float
        On the test images with the multiplier in this layer only.

    Examples
    --------
    >>> layer = LayerEffect("fc", 84, 0.1, 0.02, allowed_std=50.0, published_std=40.0, best_std=44.0,
    ...                     simulated_std=45.0, mean=3.0, fits=True, accuracy=0.98)
    >>> layer.simulated_std <= layer.allowed_std
    True
    """

    name: str
    fan_in: int
    share: float
    sigma: float
    allowed_std: float
    published_std: float
    best_std: float
    simulated_std: float
    mean: float
    fits: bool
    accuracy: float


@dataclass(frozen=True)
class Standing:
    """Where a multiplier stands among known circuits of its sign and width.

    Attributes
    ----------
    names, costs, tolerance_used : lists
        The known circuits; the last is sqrt(mean_l (predicted std / allowed std)^2), by the published prediction.
    nearest : str
        The one whose predicted stds are nearest, layer by layer.
    factor : float
        exp of the root mean square of ln(std / its std) over the layers: by how much they differ; 1 for equals.
    front : list of str
        Names on the Pareto front of cost and `tolerance_used`, the new one included where its cost is known.
    estimated : bool
        Whether the costs of the known circuits are estimated from their gates, and not published ones.

    Examples
    --------
    >>> place = Standing(["a", "b"], [0.1, 0.2], [2.0, 0.5], nearest="b", factor=1.3, front=["a", "b"])
    >>> place.front
    ['a', 'b']
    """

    names: list
    costs: list
    tolerance_used: list
    nearest: str
    factor: float
    front: list
    estimated: bool = False


@dataclass(frozen=True)
class MultiplierEffect:
    """One multiplier in every layer of a network.

    Attributes
    ----------
    multiplier : Multiplier
    layers : list of LayerEffect
    accuracy, exact_accuracy : float
        On the test images with this multiplier everywhere, and with exact products of the same codes.
    changed_std : float
        Standard error of accuracy - exact_accuracy: both saw the same images.
    tolerance_used : float
        sqrt(mean_l (published std / allowed std)^2).
    metrics : dict
    standing : Standing or None
        None where no known circuits of this sign and width are at hand.
    retrained, exact_retrained : float or None
        Accuracy after the same retraining, through this multiplier's table and with exact products.

    Examples
    --------
    >>> import refapprox
    >>> found = refapprox.effect("mul8s_1KR3", images=100)[0]
    >>> found.tolerated, found.accuracy < 0.5
    ([], True)
    """

    multiplier: Multiplier
    layers: list
    accuracy: float
    exact_accuracy: float
    changed_std: float
    tolerance_used: float
    metrics: dict
    standing: Standing | None = None
    retrained: float | None = None
    exact_retrained: float | None = None

    @property
    def name(self) -> str:
        """Of the multiplier."""
        return self.multiplier.name

    @property
    def cost(self) -> float:
        """In mW beside the built-in multipliers; nan where nobody knows."""
        return self.multiplier.performance_metric

    @property
    def cost_errors(self) -> dict[str, float] | None:
        """{"median": ..., "90 %": ...} of |relative error| where the cost is estimated from gates, else None."""
        m = self.multiplier
        return power_errors(m.bits_x, m.bits_w) if m.info.get("cost") == ESTIMATED else None

    @property
    def tolerated(self) -> list[str]:
        """Names of the layers that tolerate it."""
        return [layer.name for layer in self.layers if layer.fits]

    @property
    def verdict(self) -> str:
        """What it does to the accuracy, which layers tolerate it, and where the images contradict that."""
        change = 100 * (self.accuracy - self.exact_accuracy)
        if abs(change) <= 200 * self.changed_std or change == 0:
            what = "which these images cannot tell from exact products"
        else:
            what = (f"{abs(change):.2f} ± {100 * self.changed_std:.2f} points {'less' if change < 0 else 'more'} than "
                    f"with those")
        first = (f"With {self.name} everywhere {100 * self.accuracy:.2f} % of the images are right "
                 f"({100 * self.exact_accuracy:.2f} % with exact products), {what}.")
        refused = [layer for layer in self.layers if not layer.fits]
        if not refused:
            return f"{first} Every layer tolerates it.{self._contradiction}"
        worst = max(refused, key=lambda layer: (layer.allowed_std == 0, layer.published_std / (layer.allowed_std or 1)))
        tolerated = f"tolerate it: {', '.join(self.tolerated)}" if self.tolerated else "tolerates it"
        count = f"{len(self.tolerated)} of {len(self.layers)} layers" if self.tolerated else "No layer"
        return (f"{first} {count} {tolerated}; {worst.name} allows an error std of {worst.allowed_std:.4g} and gets "
                f"{worst.published_std:.4g}.{self._contradiction}")

    @property
    def _contradiction(self):
        """A sentence on the layer that by itself costs most of those which the rule lets tolerate it, or none."""
        layer = min((layer for layer in self.layers if layer.fits), key=lambda layer: layer.accuracy, default=None)
        if layer is None or self.exact_accuracy - layer.accuracy <= 2 * self.changed_std:
            return ""
        return (f" Yet {layer.name}, which tolerates it by the rule, alone costs "
                f"{100 * (self.exact_accuracy - layer.accuracy):.2f} points: the rule looks at the std of the error, "
                f"not at its mean, {layer.mean:.4g} here.")


@dataclass(frozen=True)
class EffectReport:
    """What `refapprox.effect` found; a sequence of `MultiplierEffect`.

    Attributes
    ----------
    dataset : str
    images : int
        Test images behind every accuracy.
    retrain : int
        Epochs of retraining; 0 for none.
    effects : list of MultiplierEffect

    Examples
    --------
    >>> import refapprox
    >>> report = refapprox.effect(["mul8s_1L2H", "mul8s_1KR3"], images=100)
    >>> [found.name for found in report if len(found.tolerated) == len(found.layers)]
    ['mul8s_1L2H']
    """

    dataset: str
    images: int
    retrain: int = 0
    effects: list = field(default_factory=list)

    def __len__(self):
        return len(self.effects)

    def __iter__(self):
        return iter(self.effects)

    def __getitem__(self, index):
        return self.effects[index]

    def __str__(self):
        from refapprox.report.effect import text_of
        return text_of(self)

    def _repr_html_(self):
        from refapprox.report.effect import summary_html
        return summary_html(self)

    def as_document(self) -> dict:
        """Everything as plain numbers and text for JSON; nan becomes None, tables stay out."""
        def effect(found):
            m = found.multiplier
            about = {"name": m.name, "signed": m.signed, "bits_x": m.bits_x, "bits_w": m.bits_w, "cost": found.cost,
                     "cost_from": m.info.get("cost", "nobody")}
            rest = {f.name: getattr(found, f.name) for f in dataclasses.fields(found) if f.name != "multiplier"}
            rest["layers"] = [dataclasses.asdict(layer) for layer in found.layers]
            rest["standing"] = None if found.standing is None else dataclasses.asdict(found.standing)
            return {"multiplier": about, **rest, "verdict": found.verdict}
        return {"dataset": self.dataset, "images": self.images, "retrain": self.retrain,
                "effects": [effect(found) for found in self.effects]}
