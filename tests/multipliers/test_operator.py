"""One protocol: a table, a function and gates answer alike wherever a multiplier is asked for."""
import numpy as np
import pytest

from refapprox import Circuit, lut_matmul
from refapprox.multipliers import BinaryOperator, family_netlist, identify, lint_lut
from refapprox.multipliers.known import fingerprint

NETLIST = family_netlist("broken_array(h=2,v=5)")
TABLE = NETLIST.to_multiplier()
FUNCTION = Circuit(TABLE.name, lambda x, w: TABLE(x, w), 8, 8)
ALIKE = [TABLE, FUNCTION, NETLIST]
P = np.arange(256) / np.arange(256).sum()


@pytest.mark.parametrize("operator", ALIKE, ids=["table", "function", "gates"])
def test_all_answer_alike(operator):
    assert isinstance(operator, BinaryOperator) and operator.has_table and not operator.is_sampled(10)
    assert np.array_equal(operator.lut, TABLE.lut) and operator.lut.dtype == np.int32
    assert operator.lut is operator.lut and not operator.lut.flags.writeable        # computed once
    assert operator.metrics(P, None) == TABLE.metrics(P) and operator.lut_hash == TABLE.lut_hash
    assert np.array_equal(operator.error_map, TABLE.error_map) and operator.factorization.rank == 4
    assert np.array_equal(operator.transposed().lut, TABLE.lut.T)
    assert (operator.range_x, operator.range_w, operator.bits, operator.qmin) == ((-128, 127), (-128, 127), 8, -128)
    assert fingerprint(operator) == fingerprint(TABLE) and identify(operator) == identify(TABLE) != []
    assert [f.message for f in lint_lut(operator)] == [f.message for f in lint_lut(TABLE)]
    other = operator.to_multiplier("other", performance_metric=0.5, release="r")
    assert (other.name, other.performance_metric, other.release) == ("other", 0.5, "r")
    assert operator.to_multiplier().name == TABLE.name
    assert np.isnan(operator.performance_metric) and operator.operation == "mul" and operator.release == ""


@pytest.mark.parametrize("method", ["auto", "index", "factored", "gather"])
@pytest.mark.parametrize("operator", ALIKE[1:], ids=["function", "gates"])
def test_products_of_matrices_take_all_of_them(operator, method):
    rng = np.random.default_rng(3)
    x, w = rng.integers(-128, 128, (5, 30)), rng.integers(-128, 128, (30, 4))
    assert np.array_equal(lut_matmul(x, w, operator, method=method), lut_matmul(x, w, TABLE, method="index"))


def test_without_a_table():
    wide, adder = family_netlist("exact", bits=9), Circuit("adder", lambda x, w: x + w, 4, 4, operation="add")
    for operator, message in ((wide, "9x9 bits would take 1 MiB of int32"), (adder, "adder is an adder")):
        assert not operator.has_table
        with pytest.raises(ValueError, match=message):
            _ = operator.lut
        with pytest.raises(ValueError, match=message):
            operator.to_multiplier()
    with pytest.raises(TypeError, match="rng must be a numpy.random.Generator"):
        wide.metrics(num_samples=1000)
    assert wide.metrics(num_samples=1000, rng=np.random.default_rng(0))["MAE"] == 0
    assert adder.metrics()["MAE"] == 0
    sums = family_netlist("exact", bits=4, signed=False)
    with pytest.raises(ValueError, match="must have two operands"):
        type(sums)([("A", 2)], [], [2]).metrics()
