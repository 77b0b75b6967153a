"""Does the mean of an error dominate its variance in a matrix product? FOLDER may be a checkout of EvoApproxLib.

For independent operands a product of matrices with n terms an entry is off by a sum of n errors of mean mu and variance
s^2 each, so that its mean squared error an entry is

    E dC^2 = n s^2 + n^2 mu^2,    and the mean rules beyond    n* = (s / mu)^2                        (1)

The claim is about the sizes of neural networks. LAYERS has fan-ins of LeNet-5 and ResNet-18; the claim is counted as
holding for a multiplier and a fan-in where n* is below it. Codes are uniform, or as behind a rectifier (half-normal
activations, normal weights, spreads a third of the range).
"""
import numpy as np
from figures import Figure, main
from scipy import stats

from refapprox import load_library
from refapprox.multipliers import from_family

SOURCE = ("A. M. H. H. Alahakoon, H. Saadat, D. Jayasinghe, S. Parameswaran, arXiv:2512.06537, abstract: the mean "
          "error dominates the distortion of matrix products at the sizes of neural networks")
PROTOCOL = "closed form (1); the share of multipliers and fan-ins where n* is below the fan-in"
LAYERS = {"LeNet-5, first layer": 25, "LeNet-5, linear": 400, "ResNet-18, first layer": 27,
          "ResNet-18, 64 channels": 576, "ResNet-18, 512 channels": 4608}
FAMILIES = ("drum(k=4)", "drum(k=6)", "dsm(k=6)", "ssm(m=6)", "mitchell", "iterative_log", "mbm", "realm(segments=8)",
            "roba", "tosam(h=2, t=5)", "udm", "sdlc", "loa(l=6)", "truncated(k=6)", "truncated(k=8)",
            "operand_rounded(t=2)", "ou(level=3)", "compressor")


def distributions(multiplier, law):
    """(p, q) of codes in value order."""
    if law == "uniform":
        return [np.full(2 ** bits, 2.0 ** -bits) for bits in (multiplier.bits_x, multiplier.bits_w)]
    found = []
    for (low, high), side in ((multiplier.range_x, "x"), (multiplier.range_w, "w")):
        codes, center = np.arange(low, high + 1), 0.0 if side == "x" or low < 0 else (low + high) / 2
        density = stats.norm.pdf(codes, center, (high - low) / 6 if low < 0 or side == "w" else high / 3)
        found.append(density * ((codes >= 0) | (side == "w")) / (density * ((codes >= 0) | (side == "w"))).sum())
    return found


def mean_and_variance(multiplier, law):
    p, q = distributions(multiplier, law)
    errors = multiplier.error_map.astype(np.float64)
    mean = p @ errors @ q
    return mean, p @ errors ** 2 @ q - mean ** 2


def candidates(folder):
    """Multipliers that err, of the built-in library, of families, and of the checkout."""
    found = [m for m in load_library() if m.error_map.any()]
    found += [from_family(text, signed=False) for text in FAMILIES]
    if folder is not None:
        found += [m for m in load_library(folder, signed=False, bits=8) if m.error_map.any()]
    return found


def figures(folder):
    multipliers = candidates(folder)
    for law in ("uniform", "behind a rectifier"):
        thresholds = {}
        for multiplier in multipliers:
            mean, variance = mean_and_variance(multiplier, law)
            thresholds[multiplier.name] = variance / mean ** 2 if mean else np.inf
        for name, threshold in thresholds.items():
            yield Figure(f"{law}: {name}, n*", "", threshold, "no figure published")
        for layer, fan_in in LAYERS.items():
            share = np.mean([threshold < fan_in for threshold in thresholds.values()])
            yield Figure(f"{law}: {layer}, n = {fan_in}: share with n* < n", "dominates", float(share),
                         "holds" if share > 0.5 else "differs")


if __name__ == "__main__":
    main("__main__")
