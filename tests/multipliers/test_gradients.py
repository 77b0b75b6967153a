"""Slopes of tables against their definitions, and against the gradient tables that their authors ship."""
import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from refapprox import Multiplier, exact, from_family
from refapprox.multipliers.gradients import (
    TableGradient,
    difference_gradient,
    regression_gradient,
    straight_through_gradient,
)

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "reproductions"))
from appmult_gradients import tables_of


def by_definition(multiplier, half, slip=False):
    """(1) to (3), entry by entry; with `slip` the extremes of dm/dx come from row w, of dm/dw from column x."""
    lut, size = multiplier.lut.astype(float), len(multiplier.lut)

    def smooth(line, at):
        return np.mean(line[max(at - half, 0):at + half + 1])

    gx, gw = np.empty(lut.shape), np.empty(lut.shape)
    for x in range(size):
        for w in range(size):
            for table, line, at, other in ((gx, lut[:, w], x, lut[w]), (gw, lut[x], w, lut[:, x])):
                if half < at < size - 1 - half:
                    table[x, w] = (smooth(line, at + 1) - smooth(line, at - 1)) / 2
                else:
                    extremes = other if slip and table is gx else line
                    table[x, w] = (extremes.max() - extremes.min()) / size
    return gx, gw


def lopsided(bits=5, seed=0):
    """A table without symmetry, noisy, so that rows and columns cannot be exchanged unseen."""
    rng = np.random.default_rng(seed)
    x = np.arange(2 ** bits)
    return Multiplier("lopsided", np.outer(x, x) + rng.integers(-9, 10, (2 ** bits, 2 ** bits)) * (x > 7)[:, None],
                      signed=False)


@pytest.mark.parametrize("half", [1, 3, 9, 40])
def test_differences_are_the_definition(half):
    multiplier = lopsided()
    gradient = difference_gradient(multiplier, half)
    expected = by_definition(multiplier, half)
    assert np.allclose(gradient.x, expected[0], rtol=0, atol=1e-9)      # sums of 32 numbers below 2**10
    assert np.allclose(gradient.w, expected[1], rtol=0, atol=1e-9)


def test_the_known_slip_differs_and_only_at_the_edges():
    multiplier = lopsided()
    right, slip = difference_gradient(multiplier, 3), difference_gradient(multiplier, 3, edges="appmult")
    assert np.allclose(slip.x, by_definition(multiplier, 3, slip=True)[0], rtol=0, atol=1e-9)
    inner = slice(4, 28)
    assert np.array_equal(slip.x[inner], right.x[inner]) and not np.allclose(slip.x, right.x)
    assert not np.allclose(difference_gradient(multiplier, 3, edges="approxtorch").x, right.x)


def test_the_exact_product_has_its_own_slopes():
    for signed in (False, True):
        table, own = exact(6, signed), straight_through_gradient(exact(6, signed))
        inner = slice(5, -5)
        assert np.allclose(difference_gradient(table, 4).x[inner], own.x[inner])
        assert np.allclose(regression_gradient(table).x, own.x) and np.allclose(regression_gradient(table).w, own.w)


def test_regression_is_the_line_of_polyfit():
    multiplier = lopsided()
    p = np.random.default_rng(3).dirichlet(np.ones(32))
    found = regression_gradient(multiplier, x_dist=p)
    for w in (0, 5, 31):
        line = np.polyfit(np.arange(32), multiplier.lut[:, w], 1, w=np.sqrt(p))
        assert np.allclose(found.x[:, w], line[0])
    with pytest.raises(ValueError, match="two codes"):
        regression_gradient(multiplier, x_dist=np.eye(32)[3])


def test_factors_rebuild_the_tables():
    gradient = difference_gradient(from_family("drum", k=4), 8)
    for side in "xw":
        u, v = gradient.factors(side)
        assert np.allclose(u @ v.T, getattr(gradient, side), atol=1e-6 * np.abs(gradient.x).max())
    assert gradient.factors("x")[0].shape[1] < 128
    assert TableGradient(np.zeros((2, 2)), np.zeros((2, 2))).factors("x")[0].shape == (2, 0)


# ---- the tables that the authors ship: fetched where present, their digests and means committed

SHIPPED = Path(__file__).with_name("appmult_gradients.json")
FACTOR = 16
ROOT = os.environ.get("REFAPPROX_APPMULT_DIR", "")


def shipped_files(root):
    """(path relative to `root`, half window) of every file of products with gradients behind them."""
    return [(path.relative_to(root).as_posix(), int(path.stem.rsplit("_", 1)[1]))
            for path in sorted(Path(root).rglob("*lutfp+bp_avg_*.txt"))]


def summary(path, half):
    """What is committed of one file: its digest, the means of its gradients, and which edge rules give its tables."""
    products, grad_a, grad_b = tables_of(path)
    multiplier = Multiplier(path.stem, products.astype(int), signed=False)
    rules = [edges for edges in ("published", "appmult")
             if close(difference_gradient(multiplier, half, edges=edges).x, grad_a)]
    assert close(difference_gradient(multiplier, half).w, grad_b)
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "mean_x": float(grad_a.mean()) / FACTOR,
            "mean_w": float(grad_b.mean()) / FACTOR, "edges": rules}


def close(ours, theirs):
    """Theirs are 16 times the gradient, rounded to integers, from float32 means of products below 2**16: half a unit
    of rounding, and 16 differences of two means that are off by 2**16 * 2**-24 * log2(65) at most."""
    return bool(np.abs(FACTOR * ours - theirs).max() <= 0.5 + FACTOR * 2 ** -8 * 7)


def test_every_shipped_gradient_table_is_computed():
    """12 of 15 are those of the slip and not those of the paper; the 3 whose multiplier is symmetric are both."""
    recorded = json.loads(SHIPPED.read_text())
    assert len(recorded) == 15
    assert sum(entry["edges"] == ["appmult"] for entry in recorded.values()) == 12
    assert sum(entry["edges"] == ["published", "appmult"] for entry in recorded.values()) == 3
    if not ROOT:
        pytest.skip("REFAPPROX_APPMULT_DIR is not set: no checkout of changmg/AppMult-Aware-Retraining here")
    assert {name: summary(Path(ROOT) / name, half) for name, half in shipped_files(ROOT)} == recorded


if __name__ == "__main__":      # python tests/multipliers/test_gradients.py CHECKOUT: the recorded file again
    SHIPPED.write_text(json.dumps({name: summary(Path(sys.argv[1]) / name, half)
                                   for name, half in shipped_files(sys.argv[1])}, indent=1) + "\n")
