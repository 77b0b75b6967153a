"""Adapters for the tests of the runner, and a program that speaks JSON lines. Not a test."""
import json
import sys
import time

import numpy as np

from refapprox.conformance.adapter import Adapter


class Energy(Adapter):
    """Right, and nothing but the energy."""

    name = "energy only"

    def relative_energy(self, *, opcounts, costs, cost_max):
        print("noise on standard output must not disturb the protocol")
        return float((opcounts * costs).sum() / opcounts.sum() / cost_max)


class Misbehaving(Energy):
    """What it does wrong is its argument."""

    def __init__(self, how):
        self.how = how
        if how == "constructor":
            raise RuntimeError("no license")

    def relative_energy(self, *, opcounts, costs, cost_max):
        right = super().relative_energy(opcounts=opcounts, costs=costs, cost_max=cost_max)
        if self.how == "hangs" and opcounts.size == 3:
            time.sleep(60)
        if self.how == "dies" and opcounts.size == 3:
            sys.exit(3)
        if self.how == "raises once" and opcounts.size == 3:
            raise RuntimeError("three layers are too many")
        if self.how == "raises":
            raise KeyError("opcounts")
        if self.how == "mutates":
            opcounts += 1
        if self.how == "mutates dtype":
            opcounts.dtype = np.uint64
        if self.how == "mutates shape":
            opcounts.shape = (1, -1)
        return {"nan": np.nan, "infinite": np.array(np.inf), "shape": np.array([right]), "dtype": int(right),
                "type": [right], "text": "0.4", "none": None, "two": (right, right), "object": np.array(None),
                "complex": np.complex128(right), "half": np.float16(right)}.get(self.how, right)


class MutatesLists(Adapter):
    """Changes what it was given in lists: an array, or a number."""

    def select_multiplier(self, *, luts, **inputs):
        luts[0][0, 0] += 1
        return 0

    def span_of_remaining_pairs(self, *, spans, index):
        return float(sum(spans.pop() for _ in range(len(spans) - index)))


def program(how):
    """Answers like a program in another language would."""
    for line in sys.stdin:
        request = json.loads(line)
        if request["operation"] != "relative_energy":
            print(json.dumps({"id": request.get("id"), "status": "not applicable"}), flush=True)
            continue
        inputs = request["inputs"]
        counts, costs = inputs["opcounts"]["data"], inputs["costs"]["data"]
        energy = sum(n * c for n, c in zip(counts, costs, strict=True)) / sum(counts) / inputs["cost_max"]
        reply = {"right": {"status": "ok", "outputs": {"energy": energy}},
                 "array": {"status": "ok", "outputs": {"energy": {"dtype": "float64", "shape": [], "data": [energy]}}},
                 "garbage": None, "no outputs": {"status": "ok"}, "no status": {"outputs": {"energy": energy}},
                 "bad array": {"status": "ok", "outputs": {"energy": {"dtype": "float8", "shape": [], "data": [1]}}},
                 "nan": {"status": "ok", "outputs": {"energy": {"dtype": "float64", "shape": [], "data": ["nan"]}}},
                 "error": {"status": "error", "message": "out of memory"}}[how]
        print("garbage" if reply is None else json.dumps({"id": request["id"], **reply}), flush=True)


if __name__ == "__main__":
    program(sys.argv[1])
