"""The script that checks published figures of 16-bit circuits: on narrow ones, whose figures are known exactly."""
import os

import numpy as np
import pytest
from c_dialects import composite

from refapprox import Circuit
from refapprox.multipliers import from_family, read_circuit

PAIRS = 2 ** 16


@pytest.fixture(scope="module")
def script(load_example):
    return load_example("evoapprox_wide_figures")


def published_circuit(signed=False, family="truncated(k=6)", **changed):
    """An 8x8 multiplier as a circuit whose header has its true figures, four digits, times what `changed` says."""
    table = from_family(family, signed=signed)
    metrics = table.metrics()
    figures = {key: f"{metrics[key] * changed.get(key, 1):.4f}"
               for key in ("MAE", "MAE%", "WCE", "WCE%", "WCRE%", "EP%", "MRE%", "MSE")}
    return Circuit("published", lambda x, w: table(x, w), 8, 8, signed, info={"published": figures})


@pytest.mark.parametrize("signed", [False, True])
def test_all_pairs_in_blocks_give_the_metrics_of_the_table(script, signed):
    circuit, said = published_circuit(signed), []
    found = script.metrics_of_all_pairs(circuit, said.append)
    exact = circuit.metrics(num_samples=PAIRS)
    assert all(found[key] == pytest.approx(exact[key], rel=1e-12) for key in found) and len(found) == 8
    assert len(said) == 1 and "published: about" in said[0]


def test_squares_of_wide_errors_are_summed_exactly(script):
    """Errors of 30 bits: their squares leave int64 when 2**16 of them are summed."""
    circuit = Circuit("far", lambda x, w: x * w - 2 ** 30 - x, 10, 16, False, output_bits=32)
    found = script.metrics_of_all_pairs(circuit, lambda text: None)
    assert found["MSE"] == sum((2 ** 30 + x) ** 2 for x in range(2 ** 10)) / 2 ** 10


def test_true_figures_pass_a_sample_and_wrong_ones_do_not(script):
    """(1) is at most 2 % of each mean here but MRE%: figures 4 % off are certain to be seen; false alarms 5e-6."""
    refused, resolution = script.check_sample(published_circuit(), 4 * PAIRS, np.random.default_rng(0))
    assert not refused and max(value for key, value in resolution.items() if key != "MRE%") < 0.02
    for key, factor in [("MAE", 1.04), ("MAE%", 0.9), ("EP%", 0.96), ("MSE", 1.04), ("MSE", 0.96), ("WCE", 0.99),
                        ("WCE%", 0.9), ("WCRE%", 0.5)]:
        refused, _ = script.check_sample(published_circuit(**{key: factor}), 4 * PAIRS, np.random.default_rng(1))
        assert key in refused, key


def test_a_percentage_of_a_rounded_mean_is_explained(script, capsys):
    circuit = published_circuit(family="truncated(k=3)")                          # MAE 4.25
    circuit.info["published"]["MAE%"] = f"{100 * 4 / 2 ** 16:.5f}"
    assert "MAE%" in script.check_sample(circuit, 4 * PAIRS, np.random.default_rng(2))[0]
    circuit.info["published"]["MAE"] = "4"
    assert not script.check_sample(circuit, 4 * PAIRS, np.random.default_rng(2))[0]
    assert "rounded twice" in capsys.readouterr().out


@pytest.mark.slow
def test_no_published_16_bit_figure_is_refused(script, capsys):
    folders = [f for f in os.environ.get("REFAPPROX_EVOAPPROX_DIR", "").split(os.pathsep) if f]
    if not folders:
        pytest.skip("REFAPPROX_EVOAPPROX_DIR is not set: no checkout of EvoApproxLib here")
    for folder in folders:
        assert script.main([folder]) == 0, capsys.readouterr().out


def test_quarters_of_a_source_make_its_error(script, tmp_path):
    """What the structure adds up is what the circuit computes: equal errors at 2**12 operand pairs of 16 bits."""
    file = tmp_path / "mul16u_G.c"
    file.write_text(composite("mul16u_G"))
    circuit = read_circuit(file)
    (low_low, low_high), (high_low, high_high) = np.reshape(script.quarters_of(file), (2, 2, 256, 256))
    x, w = circuit.sample_operands(2 ** 12, rng=np.random.default_rng(0))
    x0, x1, w0, w1 = x & 255, x >> 8, w & 255, w >> 8
    error = low_low[x0, w0] + ((low_high[x0, w1] + high_low[x1, w0]) << 8) + (high_high[x1, w1] << 16)
    assert np.array_equal(error, circuit.exact(x, w) - circuit(x, w)) and error.any()
    figures = script.figures_by_structure(circuit)
    assert figures["EP"] > 0 and figures["MAE"] >= abs(figures["bias"])
