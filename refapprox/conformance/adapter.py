"""What a framework offers to the suite: a class with the operations that it has.

Every operation takes plain NumPy arrays and Python scalars by keyword, and returns a NumPy array or a number, or
a tuple of them in the order of `OUTPUTS`. An operation that is not defined is reported as not applicable.
Codes are integers; `lut` is int32 (256, 256) in value order, ``lut[x - qmin, w - qmin]`` with the activation x on axis
0, the weight w on axis 1, and qmin = -128 where `signed`, else 0. `error_map` = exact - approximate, same axes.

The signatures below, and those of `analog_operations`, are the specification: derive from `Adapter` and override what
the framework has.
"""
from refapprox.conformance.analog_operations import ANALOG_OUTPUTS, AnalogOperations

OUTPUTS = {      # operation -> the names of its outputs, in order
    "multiply": ("y",), "matmul": ("y",), "linear": ("y",), "conv2d": ("y",), "conv2d_counts": ("fan_in", "opcount"),
    "error_map": ("error_map",), "circuit": ("lut",),
    "error_metrics": ("mae", "wce", "ep", "mre", "wcre", "mse", "bias"),
    "quantize": ("codes",), "quantization_parameters": ("scale", "zero_point"),
    "fake_quantize": ("y",), "fake_quantize_gradient": ("dx",),
    "linear_layer": ("y",), "linear_layer_gradient": ("dx", "dw"),
    "conv2d_layer": ("y",), "conv2d_layer_gradient": ("dx", "dw"),
    "noise_layer": ("y",), "noise_layer_gradient": ("dx", "dsigma"),
    "noise_loss": ("value",), "noise_loss_gradient": ("dsigmas",),
    "float_conv2d": ("y",), "float_conv2d_gradient": ("dx", "dw"),
    "batch_norm": ("y", "running_mean", "running_var"), "batch_norm_gradient": ("dx", "dgamma", "dbeta"),
    "cross_entropy": ("loss", "dlogits"),
    "to_distribution": ("frequencies",), "error_prediction": ("mean", "std"),
    "population_prediction": ("mean", "std"), "error_calculation": ("mean", "std"),
    "get_sample_population": ("fields",), "single_dist_mc": ("mean", "std"),
    "cheapest_within": ("index",), "cluster_features": ("features",),
    "select_multiplier": ("index",), "relative_energy": ("energy",),
    "topk_accuracy": ("accuracies",),
    **ANALOG_OUTPUTS,
}


class Adapter(AnalogOperations):
    """Base class of adapters. `conventions` maps a question where frameworks rightly differ (see
    docs/conformance.md) to the answer that the framework is meant to give; what is left out may be answered either
    way, but always the same way."""

    name = "adapter"
    conventions = {}

    # ---- products through a table

    def multiply(self, *, x, w, lut, signed):
        """Elementwise table products of codes `x` and `w` of one shape -> y, integers of that shape."""
        raise NotImplementedError

    def matmul(self, *, x, w, lut, signed):
        """y[i, j] = sum_k lut[x[i, k], w[k, j]] for x (n, k), w (k, m) -> y (n, m), integers."""
        raise NotImplementedError

    def linear(self, *, x, w, lut, signed, x_zero_point, w_zero_point):
        """Integer accumulators of a fully connected layer, x (n, k), w (m, k) -> y (n, m):

        y[i, o] = sum_k lut[x[i, k], w[o, k]] - z_x sum_k w[o, k] - z_w sum_k x[i, k] + k z_x z_w

        `w_zero_point` is an int, or an integer array (m,).
        """
        raise NotImplementedError

    def conv2d(self, *, x, w, lut, signed, stride, padding, dilation, groups, x_zero_point, w_zero_point):
        """Integer accumulators of a convolution, x (n, c, h, w), w (m, c / groups, kh, kw) -> y (n, m, oh, ow).

        As `linear` over each patch; a padded position holds the code `x_zero_point` and goes through the table like
        any other. Cross-correlation; stride, padding, dilation are (vertical, horizontal) lists.
        """
        raise NotImplementedError

    def conv2d_counts(self, *, x_shape, w_shape, stride, padding, dilation, groups):
        """(multiplications per output, multiplications per sample) of a convolution, integers."""
        raise NotImplementedError

    def error_map(self, *, lut, signed):
        """exact - approximate of a whole table -> (256, 256) integers."""
        raise NotImplementedError

    def error_metrics(self, *, lut, signed):
        """MAE, WCE, EP%, MRE%, WCRE%, MSE and bias over all operand pairs, of exact - approximate; relative errors over
        the pairs with a product that is not 0."""
        raise NotImplementedError

    def circuit(self, *, release, name):
        """The table, value order, of a circuit of EvoApproxLib `release` ("v1.1" or "v2022", row = first C parameter),
        or of ApproxFlow (`release` "ApproxFlow")."""
        raise NotImplementedError

    # ---- quantization

    def quantize(self, *, x, scale, zero_point, qmin, qmax):
        """clip(round_half_even(x / scale) + zero_point, qmin, qmax) -> integer codes."""
        raise NotImplementedError

    def quantization_parameters(self, *, low, high, scheme, qmin, qmax):
        """(scale, zero_point) for values in [low, high], `scheme` "symmetric" (max(|low|, |high|) / qmax) or "affine"
        ([min(low, 0), max(high, 0)] spans [qmin, qmax])."""
        raise NotImplementedError

    def fake_quantize(self, *, x, scale, zero_point, qmin, qmax):
        """scale * (quantize(x) - zero_point)."""
        raise NotImplementedError

    def fake_quantize_gradient(self, *, dy, x, scale, zero_point, qmin, qmax):
        """Straight-through: dy where the code before clipping lies in [qmin, qmax], else 0."""
        raise NotImplementedError

    # ---- real-valued layers that multiply through the table: quantize, accumulate, correct, rescale; no bias

    def linear_layer(self, *, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point):
        """x_scale * w_scale * linear(quantize(x), quantize(w)) with all codes of the table as the range.

        `w_scale` and `w_zero_point` are numbers, or arrays (m,): one for each output.
        """
        raise NotImplementedError

    def linear_layer_gradient(self, *, dy, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point):
        """Straight-through (dx, dw): the gradient of the exact product of the fake-quantized operands, 0 where an
        operand was clipped."""
        raise NotImplementedError

    def conv2d_layer(self, *, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point, stride, padding,
                     dilation, groups):
        """As `linear_layer`, for the convolution of `conv2d`."""
        raise NotImplementedError

    def conv2d_layer_gradient(self, *, dy, x, w, lut, signed, x_scale, x_zero_point, w_scale, w_zero_point, stride,
                              padding, dilation, groups):
        """As `linear_layer_gradient`, for the convolution of `conv2d`."""
        raise NotImplementedError

    # ---- noise

    def noise_layer(self, *, x, sigma, eps):
        """x + sigma * std(x) * eps for a given standard-normal draw; std over the whole tensor, ddof 1."""
        raise NotImplementedError

    def noise_layer_gradient(self, *, dy, x, sigma, eps):
        """(dx, dsigma) of `noise_layer`, the draw held fixed."""
        raise NotImplementedError

    def noise_loss(self, *, sigmas, opcounts, lmbd, sigma_max):
        """-lmbd * sum_l opcounts[l] / sum(opcounts) * min(|sigmas[l]|, sigma_max)."""
        raise NotImplementedError

    def noise_loss_gradient(self, *, sigmas, opcounts, lmbd, sigma_max):
        """Gradient of `noise_loss` for every sigma."""
        raise NotImplementedError

    # ---- float layers

    def float_conv2d(self, *, x, w, stride, padding, dilation, groups):
        """Convolution of real x (n, c, h, w) and w (m, c / groups, kh, kw), zero padding."""
        raise NotImplementedError

    def float_conv2d_gradient(self, *, dy, x, w, stride, padding, dilation, groups):
        """(dx, dw) of `float_conv2d`."""
        raise NotImplementedError

    def batch_norm(self, *, x, gamma, beta, running_mean, running_var, training, momentum, eps):
        """Batch normalization of (n, c) or (n, c, h, w) -> (y, new running_mean, new running_var)."""
        raise NotImplementedError

    def batch_norm_gradient(self, *, dy, x, gamma, eps):
        """(dx, dgamma, dbeta) of `batch_norm` in training."""
        raise NotImplementedError

    def cross_entropy(self, *, logits, labels):
        """(loss, dlogits): softmax cross-entropy, mean over the batch."""
        raise NotImplementedError

    # ---- error statistics, per single operation

    def to_distribution(self, *, codes, min_val, max_val):
        """Relative frequency of every code from min_val to max_val; a code outside must be refused."""
        raise NotImplementedError

    def error_prediction(self, *, error_map, x_dist, w_dist, fan_in):
        """(mean, std) per operation: mu, sqrt(sum p q (e - mu)^2 / fan_in)."""
        raise NotImplementedError

    def population_prediction(self, *, error_map, x_multidist, w_dist, fan_in):
        """(mean, std) per operation from K activation distributions (K, codes): law of total variance, ddof 0."""
        raise NotImplementedError

    def error_calculation(self, *, accurate, approximate, fan_in):
        """(mean, std) of (accurate - approximate) / fan_in, ddof 0."""
        raise NotImplementedError

    def get_sample_population(self, *, features, num_samples, seed):
        """`num_samples` rows of `features` (fields, fan_in), drawn with replacement."""
        raise NotImplementedError

    def single_dist_mc(self, *, error_map, x_dist, w_dist, fan_in, num_samples, seed):
        """(mean, std) per operation from `num_samples` drawn sums of fan_in independent errors."""
        raise NotImplementedError

    # ---- matching

    def cheapest_within(self, *, costs, stds, allowed):
        """Index of the cheapest candidate with std <= allowed; -1 where there is none."""
        raise NotImplementedError

    def cluster_features(self, *, stds, allowed):
        """Features by which layers are clustered: r = stds / allowed where r <= 1, else 1 + log r."""
        raise NotImplementedError

    def select_multiplier(self, *, features, weights, luts, costs, max_noise, num_samples, seed):
        """Published rule: the cheapest with fan_in * std of `population_prediction` <= |max_noise| * std(features @
        weights), ddof 0; features (fields, k), weights (k, m), signed codes, `luts` a list of tables.
        Index, or -1 where there is none."""
        raise NotImplementedError

    def relative_energy(self, *, opcounts, costs, cost_max):
        """sum_l opcounts[l] / sum(opcounts) * costs[l] / cost_max."""
        raise NotImplementedError

    def topk_accuracy(self, *, logits, labels, topk):
        """Part of the samples in [0, 1] whose label is among the k largest logits, for every k in `topk`."""
        raise NotImplementedError


def offers(adapter, operation):
    """Whether `adapter` defines `operation` itself."""
    method = getattr(type(adapter), operation, None) or getattr(adapter, operation, None)
    return method is not None and method is not getattr(Adapter, operation, None)
