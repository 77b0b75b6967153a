"""Writes refapprox/multipliers/known.json from checkouts of both releases of EvoApproxLib.

    python tests/tools/make_known_circuits.py CHECKOUT_OF_V1.1 CHECKOUT_OF_V2022

For every circuit: its fingerprint, its published power, and the closed form T(t) or B(h, v) that it equals on all
operand pairs up to 2**16 of them, else on the 2**16 of the fingerprint. (Those of 12x12 bits are compared on
2**20 pairs by ``pytest -m slow tests/multipliers/test_evoapprox_checkout.py``.)
"""
import json
import sys

import numpy as np

from refapprox.files import write_text
from refapprox.multipliers.closed_forms import from_form
from refapprox.multipliers.codes import all_pairs
from refapprox.multipliers.known import DATA, RELEASES, fingerprint, spread_operands
from refapprox.multipliers.languages.evoapprox.checkout import read_checkout

SCREEN = 512         # operand pairs that sort out most candidates


def candidates(circuit):
    """Forms in order of preference; B(h, v) with v <= h drops nothing that B(h, 0) would not."""
    yield from (f"T({t})" for t in range(min(circuit.bits_x, circuit.bits_w)))
    for h in range(circuit.bits_x):
        for v in [0, *range(h + 1, circuit.bits_x + circuit.bits_w - 1)]:
            yield f"B({h}, {v})"


def closed_form_of(circuit):
    if circuit.operation != "mul":
        return ""
    x, w = all_pairs(circuit) if circuit.bits_x + circuit.bits_w <= 16 else spread_operands(circuit)
    some = np.arange(SCREEN) * (x.size // SCREEN) + x.size // (2 * SCREEN)
    expected = circuit(x[some], w[some])
    for form in candidates(circuit):
        function = from_form(form, bits_x=circuit.bits_x, bits_w=circuit.bits_w, signed=circuit.signed)
        if np.array_equal(function(x[some], w[some]), expected) and np.array_equal(function(x, w), circuit(x, w)):
            return form
    return ""


def main():
    lines = []
    for release, checkout in zip(RELEASES, sys.argv[1:], strict=True):
        entries = []
        for circuit in read_checkout(checkout, release=release):
            form = closed_form_of(circuit)
            if form and circuit.has_table and circuit.signed:
                print(release, circuit.name, form)
            entry = [fingerprint(circuit), circuit.performance_metric, form]
            entries.append(f"  {json.dumps(circuit.name)}: {json.dumps(entry)}")
        lines.append(f" {json.dumps(release)}: {{\n" + ",\n".join(sorted(entries)) + "\n }")
        print(f"{release}: {len(entries)} circuits, {sum(bool(e.split(', ')[2] != chr(34) * 2 + ']') for e in entries)}"
              f" by formula")
    write_text(DATA, "{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
