"""One neuron of three products with a multiplier that gets a single product wrong: every number by hand.

The multiplier has two unsigned bits and says 3 * 3 = 7 (it then fits three output bits: Kulkarni et al., 2011).
Operands are independent, 0 to 3 equally likely. By hand:

    one product     wrong with probability 1/4 * 1/4 = 1/16, then by exact - approximate = 9 - 7 = 2
                    mean      mu = 2/16 = 1/8
                    variance  s2 = 4/16 - (1/8)^2 = 15/64
    three products  mean      3 * 1/8 = 3/8
                    variance  3 * 15/64 = 45/64,  std = 0.8385
                    the error is 2 * (number of wrong products), which is Binomial(3, 1/16):
                    P(0) = (15/16)^3 = 3375/4096,  P(2) = 675/4096,  P(4) = 45/4096,  P(6) = 1/4096

Run it:  python examples/one_neuron.py
"""
import itertools
import math
from collections import Counter

import numpy as np

from refapprox import Multiplier, exact, lut_matmul
from refapprox.error_stats import error_prediction, single_dist_mc

FAN_IN = 3


def main():
    kulkarni = Multiplier.from_function("2x2", lambda x, w: 7 if (x, w) == (3, 3) else x * w, signed=False, bits=2)
    print("products of the multiplier (row: x, column: w)", kulkarni.lut, sep="\n")
    print("error map, exact - approximate", kulkarni.error_map, sep="\n")

    print("\n1. By the closed form (per operation; times the fan-in it is the neuron's)")
    uniform = np.full(4, 1 / 4)
    mean, std = error_prediction(kulkarni.error_map, uniform, uniform, FAN_IN)
    print(f"   mean {FAN_IN * mean:.4f} = 3/8        std {FAN_IN * std:.4f} = sqrt(45/64)")
    assert math.isclose(FAN_IN * mean, 3 / 8) and math.isclose(FAN_IN * std, math.sqrt(45 / 64))

    print("\n2. By enumerating all 4**6 = 4096 neurons")
    operands = np.array(list(itertools.product(range(4), repeat=2 * FAN_IN)))
    x, w = operands[:, None, :FAN_IN], operands[:, FAN_IN:, None]
    errors = np.array([int((lut_matmul(a, b, exact(2, False)) - lut_matmul(a, b, kulkarni)).item())
                       for a, b in zip(x, w, strict=True)])
    print(f"   mean {errors.mean():.4f}              std {errors.std(ddof=0):.4f}")
    counts = dict(sorted(Counter(errors.tolist()).items()))
    print(f"   how often each error occurs: {counts}")
    assert counts == {0: 3375, 2: 675, 4: 45, 6: 1}
    assert math.isclose(errors.mean(), 3 / 8) and math.isclose(errors.std(ddof=0), math.sqrt(45 / 64))

    print("\n3. By Monte Carlo, 100,000 neurons")
    draws = 100_000
    mean, std = single_dist_mc(kulkarni.error_map, uniform, uniform, FAN_IN, draws, rng=np.random.default_rng(0))
    standard_error = math.sqrt(45 / 64 / draws)
    print(f"   mean {FAN_IN * mean:.4f} +- {standard_error:.4f}    std {FAN_IN * std:.4f}")
    assert abs(FAN_IN * mean - 3 / 8) < 5 * standard_error      # the seed is fixed: this passes always or never


if __name__ == "__main__":
    main()
