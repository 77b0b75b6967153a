"""How long a netlist of 400 gates takes to become an 8x8 table: `python tests/benchmarks/netlist_lut.py`."""
import time

import numpy as np

from refapprox.multipliers import family_netlist
from refapprox.multipliers.circuits.builder import Builder
from refapprox.multipliers.circuits.gates import GATES


def random_netlist(gates, rng):
    """Gates of all kinds with two or three inputs, each reading any wires before it."""
    builder = Builder([("A", 8), ("B", 8)], fold=False)
    kinds = [kind for kind in GATES if GATES[kind].inputs > 1]
    for _ in range(gates):
        kind = kinds[rng.integers(len(kinds))]
        builder.emit(kind, *(int(i) for i in rng.integers(2, builder.next_wire, GATES[kind].inputs)))
    return builder.netlist(range(builder.next_wire - 16, builder.next_wire), name=f"{gates} random gates")


def main():
    for netlist in (random_netlist(400, np.random.default_rng(3)), family_netlist("exact", signed=False)):
        netlist.tabulate()
        times = []
        for _ in range(200):
            start = time.perf_counter()
            netlist.tabulate()
            times.append(1e3 * (time.perf_counter() - start))
        print(f"{netlist.name}: {len(netlist.gates)} gates, table of 65,536 products: "
              f"median {np.median(times):.2f} ms, best {min(times):.2f} ms of 200")


if __name__ == "__main__":
    main()
