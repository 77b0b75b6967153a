"""What one multiplier does to a trained network, without training one."""
from refapprox.effects.effect import effect
from refapprox.effects.result import EffectReport, LayerEffect, MultiplierEffect, Standing

__all__ = ["EffectReport", "LayerEffect", "MultiplierEffect", "Standing", "effect"]
