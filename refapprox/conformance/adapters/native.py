"""refapprox itself: every operation by the package's own functions, tables by any route of the product."""
from functools import lru_cache

import numpy as np

from refapprox import error_stats, matching
from refapprox.conformance.adapters.native_analog import RefapproxAnalog
from refapprox.matching.assignment import cheapest_within
from refapprox.matching.clustering import cluster_features
from refapprox.matching.feature_maps import IntermediateLayerResults
from refapprox.matching.info import LayerInfo, MatchingInfo
from refapprox.multipliers.closed_forms import closed_form, closed_form_names
from refapprox.multipliers.family import from_family
from refapprox.multipliers.multiplier import Multiplier, exact
from refapprox.network import Conv2D, Linear
from refapprox.ops import agn, batch_norm, conv2d, cross_entropy, fake_quantize, noise_loss
from refapprox.ops.lut_conv2d import lut_conv2d
from refapprox.ops.lut_matmul import METHODS, lut_matmul, zero_point_terms
from refapprox.quantization import QuantizationParameters, TensorScheme, quantize
from refapprox.training import topk_accuracy
from refapprox.validation import check_choice

APPROXFLOW = {      # its tables -> (family, whether its rows are the family's weight); None is the exact product
    "accurate": (None, False), "approximate": ("udm", False), "LUT_SDLC": ("sdlc", True),
    "LUT_OU(L.1)": ("ou(1)", False), "LUT_OU(L.3)": ("ou(3)", False)}


class Refapprox(RefapproxAnalog):
    """`method` is the route of the table product."""

    conventions = {"accumulator width": "int64", "order of rounding and zero point": "round, then add",
                   "gradient through std": "std attached", "gradient at sigma_max": "zero at the cap",
                   "equal costs": "last wins", "amplification of the loss": "no amplification",
                   "what drifts": "programmed devices drift"}

    def __init__(self, method="auto"):
        self.method = check_choice("method", method, METHODS)
        self.name = f"refapprox, route {self.method}"

    def multiply(self, *, x, w, lut, signed):
        return table(lut, signed)(x, w)

    def matmul(self, *, x, w, lut, signed):
        return lut_matmul(x, w, table(lut, signed), method=self.method)

    def linear(self, *, x, w, lut, signed, x_zero_point, w_zero_point):
        sums = lut_matmul(x, w.T, table(lut, signed), method=self.method)
        return sums + zero_point_terms(x.sum(axis=1)[:, None], w.sum(axis=1), x.shape[1], x_zero_point, w_zero_point)

    def conv2d(self, *, x, w, lut, signed, stride, padding, dilation, groups, x_zero_point, w_zero_point):
        return lut_conv2d(x, w, table(lut, signed), stride=stride, padding=padding, dilation=dilation, groups=groups,
                          pad_code=x_zero_point, x_zero_point=x_zero_point, w_zero_point=w_zero_point,
                          method=self.method)

    def conv2d_counts(self, *, x_shape, w_shape, **geometry):
        made = Conv2D(x_shape[1], w_shape[0], w_shape[2:], bias=False, rng=np.random.default_rng(0), **geometry)
        made.forward(np.zeros(x_shape, np.float32))
        return made.fan_in, made.opcount

    def error_map(self, *, lut, signed):
        return table(lut, signed).error_map

    def error_metrics(self, *, lut, signed):
        found = table(lut, signed).metrics()
        return tuple(found[key] for key in ("MAE", "WCE", "EP%", "MRE%", "WCRE%", "MSE", "bias"))

    def circuit(self, *, release, name):
        if release == "ApproxFlow":
            specification, transposed = APPROXFLOW[name]
            made = exact(signed=False) if specification is None else from_family(specification, signed=False)
            return made.lut.T if transposed else made.lut
        if name not in closed_form_names(release):
            raise NotImplementedError(f"{name} of {release} has no formula; its sources are not part of refapprox")
        return closed_form(release, name).lut

    def quantize(self, *, x, scale, zero_point, qmin, qmax):
        return quantize(x, scale, zero_point, qmin, qmax)

    def quantization_parameters(self, *, low, high, scheme, qmin, qmax):
        found = TensorScheme(scheme, qmin, qmax).parameters(low, high)
        return found.scale, found.zero_point

    def fake_quantize(self, *, x, scale, zero_point, qmin, qmax):
        return fake_quantize.forward(x, scale, zero_point, qmin, qmax)[0]

    def fake_quantize_gradient(self, *, dy, x, scale, zero_point, qmin, qmax):
        return fake_quantize.backward(dy, fake_quantize.forward(x, scale, zero_point, qmin, qmax)[1])

    def linear_layer(self, **inputs):
        return layer_of(**inputs)[1]

    def linear_layer_gradient(self, *, dy, **inputs):
        return layer_gradient(dy, **inputs)

    conv2d_layer, conv2d_layer_gradient = linear_layer, linear_layer_gradient

    def noise_layer(self, *, x, sigma, eps):
        return agn.forward(x, sigma, eps=eps)[0]

    def noise_layer_gradient(self, *, dy, x, sigma, eps):
        return agn.backward(dy, agn.forward(x, sigma, eps=eps)[1])

    def noise_loss(self, *, sigmas, opcounts, lmbd, sigma_max):
        return noise_loss.forward(sigmas, opcounts / opcounts.sum(), lmbd=lmbd, sigma_max=sigma_max)[0]

    def noise_loss_gradient(self, *, sigmas, opcounts, lmbd, sigma_max):
        return noise_loss.backward(noise_loss.forward(sigmas, opcounts / opcounts.sum(), lmbd=lmbd,
                                                      sigma_max=sigma_max)[1])

    def float_conv2d(self, *, x, w, **geometry):
        return conv2d.forward(x, w, **geometry)[0]

    def float_conv2d_gradient(self, *, dy, x, w, **geometry):
        return conv2d.backward(dy, conv2d.forward(x, w, **geometry)[1])

    def batch_norm(self, *, x, gamma, beta, running_mean, running_var, training, momentum, eps):
        y, running, _ = batch_norm.forward(x, gamma, beta, running_mean, running_var, training=training,
                                           momentum=momentum, eps=eps)
        return (y, *running)

    def batch_norm_gradient(self, *, dy, x, gamma, eps):
        unused = np.ones_like(gamma)
        return batch_norm.backward(dy, batch_norm.forward(x, gamma, unused, unused, unused, training=True, eps=eps)[2])

    def cross_entropy(self, *, logits, labels):
        loss, cache = cross_entropy.forward(logits, labels)
        return loss, cross_entropy.backward(cache)

    def to_distribution(self, *, codes, min_val, max_val):
        return error_stats.to_distribution(codes, min_val, max_val)[1]

    def error_prediction(self, **inputs):
        inputs["emap"] = inputs.pop("error_map")
        return error_stats.error_prediction(**inputs)

    def population_prediction(self, **inputs):
        inputs["emap"] = inputs.pop("error_map")
        return error_stats.population_prediction(**inputs)

    def error_calculation(self, **inputs):
        return error_stats.error_calculation(**inputs)

    def get_sample_population(self, *, features, num_samples, seed):
        return error_stats.get_sample_population(features, num_samples, rng=np.random.default_rng(seed))

    def single_dist_mc(self, *, error_map, x_dist, w_dist, fan_in, num_samples, seed):
        return error_stats.single_dist_mc(error_map, x_dist, w_dist, fan_in, num_samples,
                                          rng=np.random.default_rng(seed))

    def cheapest_within(self, *, costs, stds, allowed):
        found = cheapest_within(costs, stds, allowed)
        return -1 if found is None else found

    def cluster_features(self, *, stds, allowed):
        return cluster_features(stds / allowed)

    def select_multiplier(self, *, features, weights, luts, costs, max_noise, num_samples, seed):
        multipliers = [Multiplier(str(i), lut, True, cost) for i,
                       (lut, cost) in enumerate(zip(luts, costs, strict=True))]
        results = IntermediateLayerResults(features.shape[1], features, features @ weights, weights)
        try:
            name, _ = matching.select_layer_multiplier(results, multipliers, max_noise, num_samples,
                                                       rng=np.random.default_rng(seed))
        except ValueError as error:
            if "no multiplier fits" not in str(error):
                raise
            return -1
        return int(name)

    def relative_energy(self, *, opcounts, costs, cost_max):
        layers = [LayerInfo(str(i), str(i), cost, count)
                  for i, (cost, count) in enumerate(zip(costs.tolist(), opcounts.tolist(), strict=True))]
        return MatchingInfo(layers, cost_max, float(opcounts.sum())).relative_energy_consumption

    def topk_accuracy(self, *, logits, labels, topk):
        return np.array(topk_accuracy(logits, labels, topk))


def table(lut, signed):
    """The multiplier of a table: one object for all cases that share it, so that it is factorized once."""
    return table_of_bytes(np.ascontiguousarray(lut, dtype=np.int32).tobytes(), signed)


@lru_cache(maxsize=32)
def table_of_bytes(content, signed):
    return Multiplier("table", np.frombuffer(content, dtype=np.int32).reshape(256, 256), signed)


class Given:
    """Quantization parameters that are given rather than observed."""

    def __init__(self, x, w):
        self.x, self.w = x, w

    def x_parameters(self, bounds):
        return self.x

    def w_parameters(self, weight):
        return self.w


def layer_of(x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point, **geometry):
    """A layer of refapprox.network in mode "approximate", and its output."""
    multiplier, rng = table(lut, signed), np.random.default_rng(0)
    if w.ndim == 4:
        made = Conv2D(x.shape[1], w.shape[0], w.shape[2:], bias=False, rng=rng, dtype=np.float64, **geometry)
    else:
        made = Linear(x.shape[1], w.shape[0], bias=False, rng=rng, dtype=np.float64)
    made.parameters["weight"].value[...] = w
    limits = multiplier.range_x
    made.quantization = Given(QuantizationParameters(x_scale, x_zero_point, *limits),
                              QuantizationParameters(w_scale, w_zero_point, *limits))
    made.multiplier = multiplier
    made.set_mode("approximate")
    return made, made.forward(x, training=True)


def layer_gradient(dy, **inputs):
    made, _ = layer_of(**inputs)
    return made.backward(dy), made.parameters["weight"].grad
