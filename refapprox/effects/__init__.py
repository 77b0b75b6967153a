"""What one multiplier does to a trained network, without training one."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = ["EffectReport", "LayerEffect", "MultiplierEffect", "Standing", "effect"]

if TYPE_CHECKING:
    from refapprox.effects.bench import effect
    from refapprox.effects.result import EffectReport, LayerEffect, MultiplierEffect, Standing
else:
    __getattr__, __dir__ = lazy(__name__)
