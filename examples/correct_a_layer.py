"""What can be done about the error of one layer, and how often it changes the answer.

The last layer of a trained LeNet-5 gets a coarse multiplier. Each correction of `error_stats.corrections` is applied to
the 128 images of the matching; beside what is left of the error stands how many answers flip, predicted from its mean
and covariance (`propagation.top1_flip_probability`, between the likeliest single rival and the sum over rivals) and
counted.

Run it:  python examples/correct_a_layer.py [--multiplier 'operand_truncated(t=6)']
"""
import argparse

import numpy as np

from refapprox import LeNet5, SyntheticDigits
from refapprox.error_stats import LayerOperands, accumulated_errors
from refapprox.error_stats.corrections import (
    affine_fit,
    control_variate,
    control_variate_fit,
    mean_compensation,
    remap_weights,
)
from refapprox.error_stats.propagation import signal_to_noise, top1_flip_probability
from refapprox.matching import get_feature_maps
from refapprox.multipliers import find_multiplier
from refapprox.report import text_table


def corrected_errors(multiplier, operands):
    """Name of a correction -> exact - corrected sums, shape (images, classes), accumulator units."""
    x, w = operands.x.codes, operands.w.codes.T
    exact_sums, errors = x @ w, accumulated_errors(multiplier, operands)
    yield "none", errors
    yield "mean compensation", errors - mean_compensation(multiplier, operands)
    fitted = affine_fit(exact_sums, exact_sums - errors)
    yield "affine, fitted", exact_sums - fitted.alpha * (exact_sums - errors) - fitted.beta
    variate = control_variate(multiplier, operands)
    sums = variate.feature[operands.x.index].sum(axis=1)
    yield "control variate, independent taps", errors - np.outer(sums, variate.coefficient) - variate.offset
    coefficient, offset = control_variate_fit(errors, sums)
    yield "control variate, fitted", errors - np.outer(sums, coefficient) - offset
    table = remap_weights(multiplier, operands.x.pooled)
    remapped = LayerOperands.from_codes(x, table[operands.w.index.T])
    yield "remapped weights", exact_sums - (x @ remapped.w.codes.T - accumulated_errors(multiplier, remapped))


def main(name="operand_truncated(t=6)", dataset=None):
    net, data, multiplier = LeNet5.pretrained("synthetic"), dataset or SyntheticDigits(), find_multiplier(name)
    results = get_feature_maps(net, data, rng=np.random.default_rng(0))["linear3"]
    layer = dict(net.noisy_modules)["linear3"]
    weight, bias = (layer.parameters[part].value for part in ("weight", "bias"))
    scale = (layer.quantization.x_parameters(layer.observer.bounds()).scale
             * layer.quantization.w_parameters(weight).scale)
    logits = results.outputs * scale + bias
    rows, spreads = [], {}
    for correction, errors in corrected_errors(multiplier, LayerOperands.from_codes(results.features, results.weights)):
        mean, covariance = errors.mean(axis=0) * scale, np.cov(errors.T, ddof=0) * scale ** 2
        bounds = np.sum([top1_flip_probability(row, covariance, mean) for row in logits], axis=0)
        flips = int(np.sum((logits - errors * scale).argmax(axis=1) != logits.argmax(axis=1)))
        spreads[correction] = float(errors.std(ddof=0))
        rows.append((correction, f"{errors.mean():+.1f}", f"{spreads[correction]:.1f}",
                     f"{float(signal_to_noise(results.output_std(), spreads[correction])):.0f}",
                     f"{bounds[0]:.1f} to {bounds[1]:.1f}", str(flips)))
    print(f"linear3 of LeNet-5 with {name}, {len(logits)} images; accumulator units")
    print(text_table(("correction", "mean", "std", "signal / error", "flips predicted", "counted"), rows))
    return spreads


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--multiplier", default="operand_truncated(t=6)")
    main(parser.parse_args().multiplier)
