"""Wrong selections, energies and rankings."""
import numpy as np

from refapprox.conformance.adapters.composed import Composed
from refapprox.conformance.mutants.registry import mutant


@mutant("strict inequality")
class StrictInequality(Composed):
    def cheapest_within(self, *, allowed, **inputs):
        return super().cheapest_within(allowed=np.nextafter(allowed, -np.inf), **inputs)

    def select_multiplier(self, *, max_noise, **inputs):
        return -1 if max_noise == 0 else super().select_multiplier(max_noise=max_noise, **inputs)


@mutant("most accurate instead of cheapest")
class MostAccurate(Composed):
    def cheapest_within(self, *, costs, stds, allowed):
        return super().cheapest_within(costs=stds, stds=stds, allowed=allowed)

    def select_multiplier(self, *, luts, costs, **inputs):
        codes = np.arange(-128, 128)
        spread = [np.abs(np.multiply.outer(codes, codes) - lut).sum() for lut in luts]
        order = np.argsort(np.argsort(spread)).astype(np.float64)
        return super().select_multiplier(luts=luts, costs=order, **inputs)


@mutant("empty selection raises")
class EmptyRaises(Composed):
    def cheapest_within(self, *, costs, stds, allowed):
        return min((cost, -i) for i, cost in enumerate(costs) if stds[i] <= allowed)[1] * -1


@mutant("logarithm alone")
class LogarithmAlone(Composed):
    def cluster_features(self, *, stds, allowed):
        right = super().cluster_features(stds=stds, allowed=allowed)
        return np.where(stds >= allowed, right - 1, right)


@mutant("sign of the noise level")
class SignedNoise(Composed):
    def select_multiplier(self, *, max_noise, **inputs):
        return -1 if max_noise < 0 else super().select_multiplier(max_noise=max_noise, **inputs)


@mutant("energy relative to the assignment")
class RelativeToAssignment(Composed):
    def relative_energy(self, *, costs, cost_max, **inputs):
        return super().relative_energy(costs=costs, cost_max=costs.max(), **inputs)


@mutant("percent instead of parts")
class Percent(Composed):
    def relative_energy(self, **inputs):
        return 100 * super().relative_energy(**inputs)

    def topk_accuracy(self, **inputs):
        return 100 * super().topk_accuracy(**inputs)


@mutant("smallest logits")
class SmallestLogits(Composed):
    def topk_accuracy(self, *, logits, **inputs):
        return super().topk_accuracy(logits=-logits, **inputs)


@mutant("k off by one")
class KOffByOne(Composed):
    def topk_accuracy(self, *, logits, labels, topk):
        return super().topk_accuracy(logits=logits, labels=labels, topk=[min(k + 1, logits.shape[1]) for k in topk])
