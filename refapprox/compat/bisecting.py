"""Where a framework's network first parts from the arithmetic it is meant to have, and which known defects explain it.

A developer records what goes into and comes out of every layer that multiplies. Each layer is then computed by a preset
from the *recorded* input, so that a mistake in one layer does not spread to the next:

    layers = [RecordedLayer("conv1", x, w, y, geometry={"padding": 2}), RecordedLayer("linear", x, w, y)]
    for verdict in bisect_layers("torchapprox", layers, multiplier):
        print(verdict)

`defects_seen` asks the other way round: in which layers of a network a defect shows at all, so that one knows where to
look.
"""
from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.compat import pipelines
from refapprox.compat.presets import Preset, get_preset
from refapprox.multipliers import Multiplier
from refapprox.quantization import QuantizationParameters
from refapprox.validation import check_finite

GEOMETRY = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


@dataclass(frozen=True)
class RecordedLayer:
    """A layer of a framework's network, as it ran once.

    Attributes
    ----------
    name : str
    x : float array, shape (n, k) or (n, c, h, w)
        What went in.
    w : float array, shape (m, k) or (m, c / groups, kh, kw)
        Its weights.
    y : float array or None
        What came out, before the bias.
    geometry : dict
        stride, padding, dilation, groups of a convolution, where they are not 1, 0, 1, 1.
    qx, qw : QuantizationParameters or None
        The framework's scales and zero points; those of the preset for `x` and `w` where they are None.
    """

    name: str
    x: ArrayLike
    w: ArrayLike
    y: ArrayLike | None = None
    geometry: dict[str, Any] = field(default_factory=dict)
    qx: QuantizationParameters | None = None
    qw: QuantizationParameters | None = None

    def computed(self, preset: Preset, multiplier: Multiplier,
                 defects: Collection[str] = frozenset()) -> NDArray[np.float64]:
        """The layer's output by `preset`.

        Parameters
        ----------
        preset : Preset
        multiplier : Multiplier
        defects : collection of str, optional
            Known ones, which are to be reproduced.
        """
        x, w = (check_finite(f"{part} of {self.name}", getattr(self, part), dtype=np.float64) for part in "xw")
        if (x.ndim, w.ndim) not in ((2, 2), (4, 4)):
            raise ValueError(f"layer {self.name} needs x of shape (n, k) and w of shape (m, k), or (n, c, h, w) and "
                             f"(m, c / groups, kh, kw), got {x.shape} and {w.shape}.")
        if unknown := sorted(set(self.geometry) - set(GEOMETRY)):
            raise ValueError(f"geometry of {self.name} has {', '.join(GEOMETRY)}, got {', '.join(unknown)}.")
        geometry = None if x.ndim == 2 else GEOMETRY | self.geometry
        return pipelines.layer(preset, x, w, multiplier, geometry, defects, self.qx, self.qw)


@dataclass(frozen=True)
class Verdict:
    """What became of one layer.

    Attributes
    ----------
    name : str
    deviation : float
        max |y - meant| / max |meant|.
    agrees : bool
        The deviation is within the tolerance: the layer computes what is meant.
    explanations : list of tuple of str
        The smallest sets of known defects that reproduce the output; empty where it agrees, or where nothing known
        explains it.
    """

    name: str
    deviation: float
    agrees: bool
    explanations: list[tuple[str, ...]]

    def __str__(self):
        if self.agrees:
            return f"{self.name}: as meant (deviation {self.deviation:.1e})"
        because = " or ".join(" + ".join(names) for names in self.explanations) or "nothing that is known explains it"
        return f"{self.name}: parts by {self.deviation:.1e}: {because}"


def bisect_layers(preset: str | Preset, layers: Sequence[RecordedLayer], multiplier: Multiplier, *,
                  rtol: float = 1e-5) -> list[Verdict]:
    """Verdict of every layer, in order; the first that does not agree is where to look.

    Parameters
    ----------
    preset : str or Preset
        See `refapprox.compat.presets`.
    layers : sequence of RecordedLayer
        With `y`.
    multiplier : Multiplier
    rtol : float, optional
        Deviations up to ``rtol * max |meant|`` count as rounding; the default is meant for float32.

    Returns
    -------
    list of Verdict

    Raises
    ------
    ValueError
        If a layer has no output, or one of another shape than its input and weights give.

    Examples
    --------
    >>> from refapprox import load_library
    >>> rng, multiplier = np.random.default_rng(0), load_library()["mul8s_1KVL"]
    >>> x, w = rng.random((2, 3, 5, 5)), rng.normal(size=(4, 3, 3, 3))
    >>> y = get_preset("torchapprox").conv2d(x, w, multiplier, defects=["transposed table"])
    >>> print(*bisect_layers("torchapprox", [RecordedLayer("conv1", x, w, y)], multiplier))
    conv1: parts by 1.1e-01: transposed table
    """
    preset = get_preset(preset) if isinstance(preset, str) else preset
    return [verdict_of(preset, layer, multiplier, rtol) for layer in layers]


def verdict_of(preset, layer, multiplier, rtol):
    """The Verdict of one layer."""
    if layer.y is None:
        raise ValueError(f"layer {layer.name} has no output y to be held against the preset.")
    meant = layer.computed(preset, multiplier)
    y = check_finite(f"y of {layer.name}", layer.y, dtype=np.float64)
    if y.shape != meant.shape:
        raise ValueError(f"y of {layer.name} must have shape {meant.shape}, got {y.shape}.")
    size = np.abs(meant).max() or 1.0
    deviation = float(np.abs(y - meant).max() / size)
    if deviation <= rtol:
        return Verdict(layer.name, deviation, True, [])
    for count in range(1, len(preset.defects) + 1):
        found = [names for names in itertools.combinations(preset.defects, count)
                 if deviation_with(y, layer, preset, multiplier, names) <= rtol * size]
        if found:
            return Verdict(layer.name, deviation, False, found)
    return Verdict(layer.name, deviation, False, [])


def deviation_with(y, layer, preset, multiplier, defects):
    """max |y - layer with defects|; infinite where the tool would have refused to compute it."""
    try:
        return np.abs(y - layer.computed(preset, multiplier, frozenset(defects))).max()
    except ValueError:
        return np.inf


def defects_seen(preset: str | Preset, layers: Sequence[RecordedLayer], multiplier: Multiplier, *,
                 rtol: float = 1e-5) -> dict[str, list[str]]:
    """defect -> names of the layers whose output it changes, in order: the first is where a network parts.

    Parameters
    ----------
    preset, layers, multiplier, rtol
        As of `bisect_layers`; the layers need no output.

    Returns
    -------
    dict of str to list of str

    Examples
    --------
    >>> from refapprox import load_library
    >>> rng = np.random.default_rng(0)
    >>> layer = RecordedLayer("conv1", rng.random((2, 3, 5, 5)), rng.normal(size=(4, 3, 3, 3)))
    >>> defects_seen("adapt", [layer], load_library()["mul8s_1KVL"])
    {'transposed table': ['conv1'], 'negative quadrant from magnitudes': []}
    """
    preset = get_preset(preset) if isinstance(preset, str) else preset
    meant = [layer.computed(preset, multiplier) for layer in layers]
    return {defect: [layer.name for layer, right in zip(layers, meant, strict=True)
                     if deviation_with(right, layer, preset, multiplier, [defect]) > rtol * np.abs(right).max()]
            for defect in preset.defects}


def layers_of(net: Any, images: ArrayLike) -> list[RecordedLayer]:
    """RecordedLayers, without outputs, of a `refapprox` network: what reaches each layer that multiplies.

    Parameters
    ----------
    net : refapprox.nets.ApproxNet
        In the mode it is in.
    images : float array, shape (n, c, h, w)
    """
    recorded = []
    try:
        for name, layer in net.noisy_modules:
            layer.forward = recording(name, layer, layer.forward, recorded)      # hides the method of the class
        net.forward(images)
    finally:
        for _, layer in net.noisy_modules:
            vars(layer).pop("forward", None)
    return recorded


def recording(name, layer, forward, recorded):
    """`forward`, noting what it is called with."""
    def noted(x, **options):
        weight = layer.parameters["weight"].value.copy()
        recorded.append(RecordedLayer(name, np.array(x), weight, geometry=dict(getattr(layer, "geometry", {}))))
        return forward(x, **options)

    return noted
