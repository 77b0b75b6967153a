"""Error metrics against loops over operand pairs, under distributions, and against EvoApproxLib's headers."""
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refapprox.multipliers import Circuit, Multiplier, from_family
from refapprox.multipliers.languages.verilog import source as verilog
from refapprox.multipliers.metrics import error_metrics


def by_definition(multiplier, p, q):
    """Every metric as a sum over pairs in plain Python; p and q are the probabilities of the codes."""
    low_x, low_w = multiplier.range_x[0], multiplier.range_w[0]
    rows = [(p[x - low_x] * q[w - low_w], x * w, x * w - int(multiplier(x, w)))
            for x in range(low_x, low_x + len(p)) for w in range(low_w, low_w + len(q))]
    rows = [row for row in rows if row[0] > 0]
    relative = [(weight, abs(e) / abs(exact)) for weight, exact, e in rows if exact]
    mae, bias = sum(weight * abs(e) for weight, _, e in rows), sum(weight * e for weight, _, e in rows)
    wce = max(abs(e) for _, _, e in rows)
    codes = 2 ** (multiplier.bits_x + multiplier.bits_w)
    return {
        "MAE": mae, "MAE%": 100 * mae / codes, "WCE": wce, "WCE%": 100 * wce / codes, "bias": bias,
        "EP%": 100 * sum(weight for weight, _, e in rows if e), "MSE": sum(weight * e * e for weight, _, e in rows),
        "variance": sum(weight * (e - bias) ** 2 for weight, _, e in rows),
        "WCRE%": 100 * max((r for _, r in relative), default=0),
        "MRE%": 100 * sum(w * r for w, r in relative) / sum(w for w, _ in relative) if relative else 0,
        "NMED": mae / max(low_x * low_w, (low_x + len(p) - 1) * (low_w + len(q) - 1), -low_x * (low_w + len(q) - 1)),
    }


def distribution(draw, size):
    weights = np.array(draw(st.lists(st.integers(0, 5), min_size=size, max_size=size))) + 0.0
    weights[draw(st.integers(0, size - 1))] += 1
    return weights / weights.sum()


@st.composite
def cases(draw):
    bits_x, bits_w, signed = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.booleans())
    shape = 2 ** bits_x, 2 ** bits_w
    flat = draw(st.lists(st.integers(-70, 70), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    return (Multiplier("drawn", np.reshape(flat, shape), signed), distribution(draw, shape[0]),
            distribution(draw, shape[1]))


@given(cases())
def test_metrics_equal_sums_over_pairs(case):
    multiplier, p, q = case
    uniform = [np.full(side, 1 / side) for side in multiplier.lut.shape]
    # sums of at most 64 terms, each within a few units of rounding of the definition's
    assert multiplier.metrics() == pytest.approx(by_definition(multiplier, *uniform), rel=1e-12, abs=1e-12)
    assert multiplier.metrics(p, q) == pytest.approx(by_definition(multiplier, p, q), rel=1e-12, abs=1e-12)
    assert multiplier.metrics(x_dist=p) == pytest.approx(by_definition(multiplier, p, uniform[1]), rel=1e-12, abs=1e-12)


def test_uniform_distributions_change_nothing():
    multiplier, uniform = from_family("drum(k=4)"), np.full(256, 1 / 256)
    assert multiplier.metrics(uniform, uniform) == pytest.approx(multiplier.metrics(), rel=1e-12)


def test_a_distribution_picks_the_operands_that_count():
    """B(0, 4) is exact for multiples of 16; the bias under p and q is the sum of 2**(i + j) P(x_i) P(w_j) dropped."""
    multiplier = from_family("broken_array(0, 4)", signed=False)
    sixteens = np.where(np.arange(256) % 16 == 0, 1 / 16, 0)
    assert multiplier.metrics(x_dist=sixteens)["MAE"] == 0
    rng = np.random.default_rng(2)
    p, q = (weights / weights.sum() for weights in rng.random((2, 256)))
    ones_x, ones_w = ([dist[np.arange(256) >> i & 1 == 1].sum() for i in range(8)] for dist in (p, q))
    dropped = sum(2 ** (i + j) * ones_x[i] * ones_w[j] for i in range(4) for j in range(4 - i))
    assert multiplier.metrics(p, q)["bias"] == pytest.approx(dropped, rel=1e-12)


def test_circuits_are_measured_under_distributions_too():
    """All pairs where they fit, else a sample: sixteens times anything is exact in B(0, 4), at any width."""
    table = from_family("broken_array(0, 4)", bits=5)
    circuit = Circuit("the same", lambda x, w: table.lut[x + 16, w + 16].astype(np.int64), 5, 5)
    rng = np.random.default_rng(3)
    p, q = (weights / weights.sum() for weights in rng.random((2, 32)))
    assert circuit.metrics(x_dist=p, w_dist=q) == pytest.approx(table.metrics(p, q), rel=1e-12)
    wide = from_family("broken_array(0, 4)", bits=12, signed=False)
    sixteens = np.where(np.arange(4096) % 16 == 0, 1 / 256, 0)
    assert wide.metrics(num_samples=4096, rng=rng, x_dist=sixteens)["WCE"] == 0
    assert wide.metrics(num_samples=4096, rng=rng, w_dist=np.eye(4096)[7])["WCE"] == 15 + 7 * 2 + 3 * 4
    with pytest.raises(ValueError, match="w_dist must have 4096 entries"):
        wide.metrics(num_samples=4096, rng=rng, w_dist=q)


@pytest.mark.parametrize("arguments, message", [
    (([1.0], None), "x_dist must have 256 entries"), ((None, np.full(256, 0.5)), "w_dist must sum to 1"),
    ((None, np.eye(256)), "w_dist must be a non-empty array of 1 dimension"),
])
def test_wrong_distributions_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_family("exact").metrics(*arguments)


def other_denominator(exact, error, bits):
    return error_metrics(np.where(exact == 0, 1, exact), error, bits)


def flipped(exact, error, bits):
    return error_metrics(exact, -error, bits)


def largest_product(exact, error, bits):
    return error_metrics(exact, error, np.log2(np.abs(exact).max()))


@pytest.mark.parametrize("mutant, metric", [(other_denominator, "MRE%"), (flipped, "bias"), (largest_product, "MAE%")])
def test_other_conventions_are_told_apart(mutant, metric):
    m = from_family("truncated(k=8, correction=constant)", signed=False)
    assert abs(mutant(m.exact_products, m.error_map, 16)[metric] - m.metrics()[metric]) > 1e-6


# printed otherwise than their circuit: MAE 36.535 as 36, and MAE% computed from a MAE that was rounded to 1.2 or 4.2
EXCEPTIONS = {("1KRC", "MAE"), ("1KVQ", "MAE"), ("1KVA", "MAE%"), ("1KVB", "MAE%"), ("1KV8", "MAE%"), ("1KV9", "MAE%")}
HEADER = re.compile(r"^// (MAE%|MAE|WCE%|WCE|WCRE%|EP%|MRE%|MSE) = ([\d.e]+)", re.MULTILINE)


def circuits_8x8():
    for folder in filter(None, os.environ.get("REFAPPROX_EVOAPPROX_DIR", "").split(os.pathsep)):
        release = "v2022" if next(Path(folder).glob("mult*/8x8_signed/*/mul8s_1KV6.v"), None) else "v1.1"
        yield from ((release, path) for path in
                    {path.stem: path for path in sorted(Path(folder).glob("mult*/8x8_*/*/*.v"))}.values()
                    if not path.stem.endswith("_pdk45"))


def printed(value):
    """(value, half a unit of its last digit) of a figure such as 3.08, 2016 or 72829.102e2."""
    mantissa, _, exponent = value.partition("e")
    scale = 10.0 ** int(exponent or 0)
    return float(mantissa) * scale, 0.5 * scale * 10.0 ** -len(mantissa.partition(".")[2])


def test_headers_of_every_8x8_circuit_are_reproduced():
    found = list(circuits_8x8())
    if not found:
        pytest.skip("REFAPPROX_EVOAPPROX_DIR is not set: no checkout of EvoApproxLib here")
    for release, path in found:
        text, name = path.read_text(), path.stem.partition("_")[2]
        metrics = verilog.read(text, signed="mul8s" in path.stem).to_multiplier().metrics()
        figures = HEADER.findall(text)
        assert len(figures) == 8, path
        for key, figure in figures:
            value, half = printed(figure)
            exception = (name, key) in EXCEPTIONS and (release == "v2022") == (name in ("1KVQ", "1KV8", "1KV9"))
            within = abs(metrics[key] - value) <= half * (1 + 1e-9)
            assert within != exception, (release, path.stem, key, metrics[key])
