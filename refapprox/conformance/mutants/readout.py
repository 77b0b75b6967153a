"""Wrong readouts of an array."""
import numpy as np

from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.mutants.registry import mutant


class OtherReadout(Composed):
    """Levels and bound of `readout`, put together from `level` and one factor of the step."""

    sides, halving = 2, True

    def level(self, y):
        return np.rint(y)

    def readout(self, *, weights, out_res, out_bound):
        step = self.sides * out_bound * (1 / out_res if out_res > 1 else out_res)
        scale = np.ones((len(weights), 1))
        for _ in range(60):
            y = self.level(weights / scale / step) * step if step else weights / scale
            beyond = np.abs(y).max(axis=1, keepdims=True) > out_bound
            if not (self.halving and beyond.any()):
                break
            scale[beyond] *= 2
        return np.clip(y, -out_bound, out_bound) * scale


@mutant("one side of the range")
class OneSide(OtherReadout):
    sides = 1


@mutant("outputs stop at the bound")
class StopAtTheBound(OtherReadout):
    halving = False
