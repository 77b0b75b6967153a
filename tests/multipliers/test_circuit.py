"""Wide multipliers and adders: values, dtypes, sampled metrics, and the table that is never made."""
import numpy as np
import pytest

from refapprox import Circuit, Multiplier, exact
from refapprox.multipliers.codes import memory_text


def product(x, w):
    return x * w


def truncated(x, w):
    return (x >> 2 << 2) * (w >> 2 << 2)


def test_results_are_elementwise_broadcast_and_evaluated_in_blocks():
    sizes = []

    def func(x, w):
        sizes.append(x.size)
        return x * w - 1

    circuit = Circuit("minus one", func, 16, 12)
    x = np.arange(-300, 300)[:, None]
    w = np.arange(-150, 150)
    assert np.array_equal(circuit(x, w), x * w - 1)
    assert sizes == [2 ** 16, 2 ** 16, 600 * 300 - 2 ** 17]
    assert circuit(3, 4) == 11 and circuit([], 1).shape == (0,)


def test_64_bit_products_are_unsigned_where_they_must_be():
    top = 2 ** 32 - 1

    def func(x, w):
        return x.astype(np.uint64) * w.astype(np.uint64)

    circuit = Circuit("exact", func, 32, 32, signed=False)
    assert int(circuit(top, top)) == top ** 2 and circuit.dtype == np.uint64
    assert circuit.metrics(num_samples=1000, rng=np.random.default_rng(0))["WCE"] == 0
    nothing = Circuit("zero", lambda x, w: 0 * x, 32, 32, signed=False)
    assert nothing.metrics(num_samples=100, rng=np.random.default_rng(0))["WCRE%"] == 100
    signed = Circuit("negated", lambda x, w: -x * w, 32, 32)
    assert signed.metrics(num_samples=100, rng=np.random.default_rng(0))["WCRE%"] == 200


def test_metrics_of_all_pairs_equal_the_tables():
    circuit = Circuit("T(2)", truncated, 7, 8)
    assert circuit.metrics() == circuit.to_multiplier().metrics()
    swapped = Circuit("T(2)", lambda x, w: x * (w >> 2 << 2), 7, 8)
    assert swapped.metrics() != circuit.metrics()


def test_sampled_metrics_need_a_generator_and_come_near_the_exhaustive_ones():
    circuit = Circuit("T(2)", truncated, 9, 7)        # as many pairs as 8x8, but no table
    with pytest.raises(TypeError, match="numpy.random.Generator"):
        circuit.metrics(num_samples=1000)
    n, every = 40_000, circuit.metrics()
    sampled = circuit.metrics(num_samples=n, rng=np.random.default_rng(1))
    # mean of n bounded errors: 6 standard errors with the exact variance, false alarm about 2e-9;
    # it would see a bias of 12 standard errors, here 14 of 149, for certain
    spread = np.sqrt(every["variance"] / n)
    assert abs(sampled["bias"] - every["bias"]) < 6 * spread < 0.1 * every["MAE"]
    assert sampled["WCE"] <= every["WCE"]


def test_an_adder_is_measured_against_the_sum():
    adder = Circuit("or", lambda x, w: x | w, 4, 4, signed=False, operation="add")
    assert adder.output_bits == 5
    metrics = adder.metrics()
    assert metrics["WCE"] == 15 and metrics["MAE"] == sum(x & w for x in range(16) for w in range(16)) / 256
    with pytest.raises(ValueError, match="is an adder"):
        adder.to_multiplier()


def test_a_table_is_made_up_to_8_bits_and_refused_above_with_its_size():
    assert np.array_equal(Circuit("e", product, 8, 8).to_multiplier().lut, exact().lut)
    assert isinstance(Circuit("e", product, 8, 2, signed=False).to_multiplier(), Multiplier)
    with pytest.raises(ValueError, match="16x16 bits would take 16 GiB"):
        _ = Circuit("e", product, 16, 16).lut
    assert memory_text(4 * 2 ** 24) == "64 MiB" and memory_text(3) == "3 bytes"


@pytest.mark.parametrize("arguments, message", [
    ({"bits_x": 33}, "bits_x of c must be at most 32"), ({"bits_w": 0}, "bits_w of c must be at least 1"),
    ({"operation": "div"}, "one of mul, add"), ({"output_bits": 65}, "at most 64"),
])
def test_a_wrong_circuit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Circuit(**{"name": "c", "func": product, "bits_x": 9, "bits_w": 9} | arguments)


def test_wrong_operands_and_wrong_functions_are_named():
    circuit = Circuit("c", product, 9, 9, signed=False)
    with pytest.raises(ValueError, match="x of c must lie in"):
        circuit(-1, 0)
    for func in (lambda x, w: x / 2, lambda x, w: 3):
        with pytest.raises(ValueError, match="func of c must return integers of shape"):
            Circuit("c", func, 9, 9)([1, 2], 1)
