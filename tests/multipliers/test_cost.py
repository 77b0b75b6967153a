"""Mapping, activity and cost against enumeration in plain Python, and the figures against a real checkout."""
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_netlist import netlists

from refapprox.multipliers.circuits import cost
from refapprox.multipliers.circuits.activity import signal_probabilities, toggle_rates, zero_delay_rates
from refapprox.multipliers.circuits.builder import Builder, simplified
from refapprox.multipliers.circuits.gates import GATES, truth_table
from refapprox.multipliers.circuits.mapping import mapped
from refapprox.multipliers.circuits.netlist import Netlist
from refapprox.multipliers.languages.verilog import source as verilog


def expanded(netlist):
    """The netlist with its adder cells taken apart into two-input gates."""
    builder = Builder(netlist.operands, fold=False)
    wires = [0, 1, *(wire for operand in builder.operands for wire in operand)]
    for kind, inputs in netlist.gates:
        sources = [wires[i] for i in inputs]
        if kind in ("HA", "FA"):
            a, b, *c = sources
            total, carry = builder.gate("XOR", a, b), builder.gate("AND", a, b)
            if c:
                carry = builder.gate("OR", carry, builder.gate("AND", *c, total))
                total = builder.gate("XOR", total, *c)
            wires += [total, carry]
        else:
            wires.append(builder.gate(kind, *sources))
    return builder.netlist([wires[i] for i in netlist.outputs], netlist.signed, netlist.name)


def ripple_adder(bits):
    builder = Builder([("A", bits), ("B", bits)])
    return builder.netlist(builder.add(*builder.operands))


@given(netlists())
def test_mapping_keeps_the_function(netlist):
    assert np.array_equal(mapped(netlist).lut, netlist.lut)


def test_adder_cells_are_found_again_after_taking_them_apart():
    adder = ripple_adder(6)
    assert adder.gate_counts() == {"HA": 1, "FA": 5}
    assert expanded(adder).gate_counts() == {"AND": 11, "OR": 5, "XOR": 11}
    assert mapped(expanded(adder)).gate_counts() == {"HA": 1, "FA": 5}


def test_a_shared_inner_wire_keeps_a_full_adder_apart():
    """p = a ^ b is an output too, so no full adder may swallow it."""
    builder = Builder([("A", 2), ("B", 1)], fold=False)
    (a, b), (c,) = builder.operands
    p = builder.gate("XOR", a, b)
    carry = builder.gate("OR", builder.gate("AND", a, b), builder.gate("AND", p, c))
    shared = builder.netlist([builder.gate("XOR", p, c), carry, p])
    assert "FA" not in mapped(shared).gate_counts()
    assert np.array_equal(mapped(shared).lut, shared.lut)


def test_a_carry_without_its_sum_stays_gates():
    """g | t as in a full adder, but p is read by another gate than the sum's XOR."""
    builder = Builder([("A", 2), ("B", 2)], fold=False)
    (a, b), (c, d) = builder.operands
    p = builder.gate("XOR", a, b)
    carry = builder.gate("OR", builder.gate("AND", a, b), builder.gate("AND", p, c))
    netlist = builder.netlist([carry, builder.gate("NOR", p, d)])
    assert "FA" not in mapped(netlist).gate_counts()
    assert np.array_equal(mapped(netlist).lut, netlist.lut)


def random_distribution(bits, seed):
    weights = np.random.default_rng(seed).random(2 ** bits) ** 3
    return weights / weights.sum()


@given(netlists(), st.integers(0, 99))
def test_signal_probabilities_equal_the_sum_over_all_pairs(netlist, seed):
    x_dist, w_dist = (random_distribution(bits, seed + i) for i, (_, bits) in enumerate(netlist.operands))
    expected = np.zeros(netlist.wire_count)
    for i, px in enumerate(x_dist):
        for j, pw in enumerate(w_dist):
            low_x, low_w = (-(2 ** (b - 1)) if netlist.signed else 0 for _, b in netlist.operands)
            expected += px * pw * np.array(values_of(netlist, i + low_x, j + low_w))
    # sums of at most 64 terms below one
    np.testing.assert_allclose(signal_probabilities(netlist, x_dist, w_dist), expected, atol=64 * 2.3e-16)
    p = signal_probabilities(netlist, x_dist, w_dist)
    assert np.array_equal(zero_delay_rates(netlist, x_dist, w_dist), 2 * p * (1 - p))


def bits_of(netlist, *operands):
    return [value >> i & 1 for (_, bits), value in zip(netlist.operands, operands, strict=True) for i in range(bits)]


def values_of(netlist, *operands):
    """Value of every wire for one pair of Python integers."""
    wires = [0, 1, *bits_of(netlist, *operands)]
    for kind, inputs in netlist.gates:
        wires += truth_table(kind)[sum(wires[w] << i for i, w in enumerate(inputs))]
    return wires


def transitions(netlist, before, after):
    """Transitions of every wire between two operand pairs: all gates are recomputed from the step before."""
    state, counts = values_of(netlist, *before), [0] * netlist.wire_count
    new = [0, 1, *bits_of(netlist, *after), *state[2 + sum(b for _, b in netlist.operands):]]
    while new != state:
        counts = [count + (a != b) for count, a, b in zip(counts, new, state, strict=True)]
        state, new = new, new[:2 + sum(bits for _, bits in netlist.operands)]
        for kind, inputs in netlist.gates:
            new += truth_table(kind)[sum(state[w] << i for i, w in enumerate(inputs))]
    return counts


@pytest.mark.parametrize("signed, seed", [(False, None), (True, 1), (False, 2)])
def test_unit_delay_rates_approach_the_mean_over_all_transitions(signed, seed):
    """A 2x2 adder tree has 256 transitions, so the mean is exact; 65,536 low-discrepancy points come close to it.

    Random points would have a standard error of at most 2 / 256 = 0.008 for counts with a spread of 2; the
    low-discrepancy ones are held to a quarter of it, and the glitches to be told apart are 0.03 and more.
    """
    builder = Builder([("A", 2), ("B", 2)])
    a, b = builder.operands
    rows = [builder.gate("AND", a[0], b[0]), builder.gate("AND", a[1], b[1])]
    netlist = builder.netlist(builder.add(builder.add(a, b), [*rows, builder.gate("XOR", a[0], b[1])]), signed)
    values = np.arange(4) - 2 * signed
    x_dist, w_dist = (np.full(4, 0.25) if seed is None else random_distribution(2, seed + i) for i in range(2))
    expected = np.zeros(netlist.wire_count)
    for x, px in zip(values.tolist(), x_dist, strict=True):
        for w, pw in zip(values.tolist(), w_dist, strict=True):
            for x2, px2 in zip(values.tolist(), x_dist, strict=True):
                for w2, pw2 in zip(values.tolist(), w_dist, strict=True):
                    expected += px * pw * px2 * pw2 * np.array(transitions(netlist, (x, w), (x2, w2)))
    rates = toggle_rates(netlist, x_dist, w_dist)
    assert np.abs(rates - expected).max() < 0.002
    assert (expected - zero_delay_rates(netlist, x_dist, w_dist)).max() > 0.03     # or glitches would go untested


def test_still_operands_cost_static_power_only():
    adder = ripple_adder(4)
    still = np.eye(16)[5]
    assert toggle_rates(adder, still, still).sum() == 0
    figures = cost.cell_figures()
    assert cost.power(adder, still, still) == pytest.approx(figures["HA"]["static"] + 3 * figures["FA"]["static"])
    assert cost.power(adder) > cost.power(adder, still, still)


def test_cost_of_a_ripple_adder_by_hand():
    table = {c: {"area": 10.0 ** i, "static": 1.0, "energy": 0.0, "delay": 1.0 + i} for i, c in enumerate(cost.CLASSES)}
    adder = ripple_adder(3)                                        # HA -> FA -> FA
    assert cost.area(adder, table) == 10 ** 5 + 2 * 10 ** 6
    assert cost.delay(adder, table) == 6 + 7 + 7
    assert cost.power(adder, figures=table) == 3
    assert cost.cost(adder)["gates"] == {"HA": 1, "FA": 2}
    energy = {c: {**cell, "static": 0.0, "energy": 1.0} for c, cell in table.items()}
    assert cost.power(adder, figures=energy) == pytest.approx(toggle_rates(adder)[8:].sum())


def test_a_circuit_without_gates_is_free():
    wires = Netlist([("A", 2), ("B", 2)], [], [2, 4])
    assert cost.cost(wires) == {"gates": {}, "area": 0.0, "delay": 0.0, "power": 0.0}


def test_every_gate_kind_has_figures():
    assert set(cost.CLASS) == set(GATES) and set(cost.cell_figures()) == set(cost.CLASSES)
    for cell in cost.cell_figures().values():
        assert set(cell) == {"area", "static", "energy", "delay"} and min(cell.values()) >= 0


@pytest.mark.parametrize("x_dist, message", [
    (np.full(8, 0.125), "x_dist must have 16 entries"), (np.ones(16), "x_dist must sum to 1"),
    (np.full(16, np.nan), "x_dist must be finite"),
])
def test_wrong_distributions_are_refused(x_dist, message):
    with pytest.raises(ValueError, match=message):
        cost.power(ripple_adder(4), x_dist)


def test_activity_needs_two_operands_and_enumeration_small_ones():
    with pytest.raises(ValueError, match="needs two operands, got 1"):
        toggle_rates(Netlist([("A", 2)], [], [2]))
    with pytest.raises(ValueError, match="Use toggle_rates"):
        signal_probabilities(ripple_adder(9))
    assert toggle_rates(ripple_adder(12)).sum() > 12


def test_verilog_in_either_form_costs_the_same():
    adder = ripple_adder(5)
    text = verilog.write(expanded(adder))
    assert cost.area(verilog.read(text)) == cost.area(adder)
    assert simplified(verilog.read(text)).gate_counts() != adder.gate_counts()


def test_transition_densities_by_hand(load_example):
    """Operand bits move half a time a cycle; XOR passes every move on, AND those beside a one, a carry beside a XOR."""
    netlist = Netlist([("A", 2), ("B", 1)], [("AND", (2, 3)), ("XOR", (2, 3)), ("FA", (2, 3, 4)), ("AND", (5, 6))], [9])
    assert load_example("fit_cell_figures").transition_densities(netlist).tolist() == [
        0, 0, 0.5, 0.5, 0.5, 0.5, 1.0, 1.5, 0.75, 0.5 * 0.5 + 0.25 * 1.0]


@pytest.mark.slow
def test_the_committed_figures_are_those_of_the_script(load_example, capsys):
    if os.pathsep not in os.environ.get("REFAPPROX_EVOAPPROX_DIR", ""):
        pytest.skip("REFAPPROX_EVOAPPROX_DIR does not name both releases of EvoApproxLib, v1.1 and v2022")
    script = load_example("fit_cell_figures")
    made = script.main([])
    assert made["cells"] == cost.cell_figures()
    assert made["power_errors"] == {kind: cost.power_errors(*widths) for kind, widths in
                                    (("8x8", (8, 8)), ("all multipliers", (7, 7)))}
    for block in capsys.readouterr().out.split("power, leave-one-out")[1:]:
        medians = {line.split("median")[0].strip(): float(line.split("median")[1].split("%")[0])
                   for line in block.splitlines() if "median" in line}
        others = [medians[name] for name in ("published area, straight line", "published area, power law",
                                             "cell counts, no activity")]
        assert medians["cell counts and activity"] < min(others)
        assert medians["published area and mean activity, power law"] < medians["published area, power law"]
