"""Solutions of docs/exercises.md, every number checked with refapprox.

Run it:  python examples/exercise_solutions.py
"""
import math

import numpy as np

from refapprox import Multiplier, exact
from refapprox.error_stats import error_prediction
from refapprox.ops.lut_conv2d import lut_conv2d


def one_wrong_product():
    wrong = {(3, 3): 7, (2, 3): 4}
    m = Multiplier.from_function("two wrong", lambda x, w: wrong.get((x, w), x * w), signed=False, bits=2)
    # a) 9 - 7 = 2 at (3, 3) and 6 - 4 = 2 at (2, 3); zero elsewhere.
    assert m.error_map[3, 3] == m.error_map[2, 3] == 2 and np.count_nonzero(m.error_map) == 2
    # b) each has the probability 1/6 * 1/4 = 1/24: mean 2 * 2/24 = 1/6, variance 4 * 2/24 - 1/36 = 11/36.
    x_dist, w_dist = np.array([3, 1, 1, 1]) / 6, np.full(4, 1 / 4)
    mean, std = error_prediction(m.error_map, x_dist, w_dist, 1)
    assert math.isclose(mean, 1 / 6) and math.isclose(std ** 2, 11 / 36)
    # c) mean 4/6, variance 44/36, std sqrt(11)/3 = 1.106. error_prediction is per operation: times the fan-in.
    mean, std = error_prediction(m.error_map, x_dist, w_dist, 4)
    assert math.isclose(4 * mean, 2 / 3) and math.isclose(4 * std, math.sqrt(11) / 3)
    # d) Only weight 3 errs: given it, P(x in {2, 3}) = 1/3, so mean 2/3 and variance 4/3 - 4/9 = 8/9 a product;
    #    two of the four weights are 3: mean 4/3, variance 16/9. Half of the weights are the bad one, not a quarter.
    per_weight = [error_prediction(m.error_map, x_dist, np.eye(4)[w], 1) for w in (3, 3, 0, 1)]
    assert math.isclose(sum(mean for mean, _ in per_weight), 4 / 3)
    assert math.isclose(sum(std ** 2 for _, std in per_weight), 16 / 9)


def a_layer_that_stands_noise():
    allowed = 0.1 * 50                                                   # a) 5
    stds = [math.sqrt(25) * s for s in (1.2, 0.8, 0.1)]                  # b) 6, 4, 0.5
    assert np.allclose(stds, [6, 4, 0.5])
    cost = min(c for c, std in zip((0.2, 0.4, 0.9), stds, strict=True) if std <= allowed)
    assert cost == 0.4      # c) the second; the first one needs sigma = 6/50 = 0.12
    assert math.isclose(stds[0] / 50, 0.12)
    assert math.isclose(0.8 * 0.4 / 0.9 + 0.2 * 0.9 / 0.9, 0.32 / 0.9 + 0.2)      # d) 0.556


def padding_is_not_free():
    m = Multiplier.from_function("one more", lambda x, w: x * w + 1)
    rng = np.random.default_rng(0)
    x, w = rng.integers(-50, 50, (1, 1, 4, 4)), rng.integers(-50, 50, (1, 1, 3, 3))
    difference = (lut_conv2d(x, w, m, padding=1) - lut_conv2d(x, w, exact(), padding=1))[0, 0]
    assert (difference == 9).all()                                       # a) nine products, one more each
    # b) It adds 1 only where a tap is inside: 4 of 9 in a corner, 6 on an edge, 9 inside, so 5, 3 and 0 too little.
    inside = lut_conv2d(np.ones_like(x), np.ones_like(w), exact(), padding=1)[0, 0]
    assert (9 - inside)[0, 0] == 5 and (9 - inside)[0, 1] == 3 and (9 - inside)[1, 1] == 0
    # c) Code 5, the code of real zero. sum (x - z)(w - 0) = sum LUT[x, w] - z * sum w, with z = 5 and w symmetric.
    affine = lut_conv2d(x + 5, w, exact(), padding=1, pad_code=5, x_zero_point=5)
    assert np.array_equal(affine, lut_conv2d(x, w, exact(), padding=1))


def main():
    for solution in (one_wrong_product, a_layer_that_stands_noise, padding_is_not_free):
        solution()
        print(f"{solution.__name__.replace('_', ' ')}: every number holds")


if __name__ == "__main__":
    main()
