"""Adapters for the tests of the runner, and a program that speaks JSON lines. Not a test."""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

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

    def loss_baseline(self, *, t_steps, **inputs):
        return float(t_steps.pop())


class Hanging(Energy):
    """Starts a process, writes both numbers into a file, and never answers."""

    def __init__(self, path):
        self.path = Path(path)

    def relative_energy(self, **inputs):
        child = subprocess.Popen(["sleep", "600"])
        written = self.path.with_suffix(".part")
        written.write_text(f"{os.getpid()} {child.pid}")
        written.rename(self.path)
        time.sleep(600)


def hostile(how, request, energy):
    """What is written instead of the reply to one case."""
    right = {"id": request["id"], "status": "ok", "outputs": {"energy": energy}}
    array = {"dtype": "float64", "shape": [], "data": [energy]}
    if how == "dies":
        sys.exit(7)
    if how == "hangs":
        time.sleep(60)
    if how == "no newline":
        for _ in range(200):
            sys.stdout.write("x" * 2 ** 20)
    if how == "not UTF-8":
        sys.stdout.buffer.write(b'{"status": "\xff\xfe"}\n')
        sys.stdout.flush()
        return None
    return {"bool": json.dumps(right | {"outputs": {"energy": {**array, "dtype": "bool", "data": [True]}}}),
            "bare": json.dumps(right | {"outputs": energy}), "list": json.dumps(right | {"outputs": [energy]}),
            "deep": "[" * 100_000 + "]" * 100_000,
            "surrogate": json.dumps({"id": request["id"], "status": "error", "message": "lone \ud800 surrogate"}),
            "control": json.dumps({"id": request["id"], "status": "error", "message": "\x00 \x1b[31m \x07",
                                   "traceback": "\x1b]0;title\x07"}),
            "another id": json.dumps(right | {"id": "energy/free"}),
            "two": json.dumps(right) + "\n" + json.dumps(right),
            "digits": json.dumps(right).replace(str(energy), "9" * 6000),
            "huge shape": json.dumps(right | {"outputs": {"energy": {**array, "shape": [0, 10 ** 30], "data": []}}}),
            "number": "17", "message": json.dumps({"id": request["id"], "status": "error", "message": [17]})}[how]


def program(how):
    """Answers like a program in another language would."""
    for line in sys.stdin:
        request = json.loads(line)
        if how == "hostile description" and request["operation"] == "describe":
            print(json.dumps({"status": "ok", "name": ["\ud800", "\x1b"], "conventions": {"equal costs": [1]},
                              "remarks": 3}), flush=True)
            continue
        if request["operation"] != "relative_energy":
            print(json.dumps({"id": request.get("id"), "status": "not applicable"}), flush=True)
            continue
        inputs = request["inputs"]
        counts, costs = inputs["opcounts"]["data"], inputs["costs"]["data"]
        energy = sum(n * c for n, c in zip(counts, costs, strict=True)) / sum(counts) / inputs["cost_max"]
        if how.startswith("hostile ") and how != "hostile description" and len(counts) == 3:
            if (written := hostile(how.removeprefix("hostile "), request, energy)) is not None:
                print(written, flush=True)
            continue
        reply = {"right": {"status": "ok", "outputs": {"energy": energy}},
                 "array": {"status": "ok", "outputs": {"energy": {"dtype": "float64", "shape": [], "data": [energy]}}},
                 "integers": {"status": "ok", "outputs": {"energy": int(energy) if energy == int(energy) else energy}},
                 "garbage": None, "no outputs": {"status": "ok"}, "no status": {"outputs": {"energy": energy}},
                 "bad array": {"status": "ok", "outputs": {"energy": {"dtype": "float8", "shape": [], "data": [1]}}},
                 "nan": {"status": "ok", "outputs": {"energy": {"dtype": "float64", "shape": [], "data": ["nan"]}}},
                 "error": {"status": "error", "message": "out of memory"}}[
                     "right" if how.startswith("hostile") else how]
        print("garbage" if reply is None else json.dumps({"id": request["id"], **reply}), flush=True)


if __name__ == "__main__":
    program(sys.argv[1])
