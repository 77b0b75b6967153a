"""The analog part of the specification: converters, devices, aged weights, the search for a programming strategy."""

ANALOG_OUTPUTS = {      # operation -> the names of its outputs, in order
    "to_conductances": ("conductances", "scale_ratio"), "from_conductances": ("weights",),
    "unpaired_conductances": ("conductances",), "unpaired_weights": ("weights",),
    "program_verified": ("g_prog",), "read_relaxed": ("g",),
    "program": ("g_prog",), "drift_exponent": ("nu",), "read": ("g",), "read_target": ("g",),
    "custom_drift_exponent": ("nu",), "programming_std": ("std",),
    "drift_compensation": ("alpha",), "column_compensation": ("alphas",), "analog_loss": ("tnmse",),
    "readout": ("y",), "aged_weights": ("programmed", "effective"),
    "expected_loss": ("tnmse",), "loss_baseline": ("tnmse",),
    "downsample": ("weights",), "shuffle_rows": ("weights",), "hop_bounds": ("bounds",),
    "partition_parameters": ("f_lst", "k_w", "x_g"), "reformat_x_g": ("rows", "length"),
    "span_of_remaining_pairs": ("span",), "denormalize": ("f_lst", "g_lst"),
    "search_objective": ("objective",), "stop_criterion": ("stop",),
}


class AnalogOperations:
    """Part of `Adapter`. Conductances in uS, times in s after programming; z are standard normals of the targets'
    shape; devices are ordered g0+, g0-, g1+, g1-, ..."""

    def to_conductances(self, *, weights, converter, f_lst, g_max, g_min, g_lst):
        """(conductances (2P, ...) in uS, scale_ratio in uS per unit weight); `converter` "single", "n_pair" or
        "custom" (then g_lst holds 2P curves over equispaced weights, else null)."""
        raise NotImplementedError

    def from_conductances(self, *, conductances, f_lst, scale_ratio):
        """sum_j f_j (g_j+ - g_j-) / scale_ratio."""
        raise NotImplementedError

    def unpaired_conductances(self, *, weights, converter, g_max, g_min):
        """Conductances (out, in) in uS of (out, in) weights, one device each; `converter` "single_device" or "fusion"
        (magnitudes, every row scaled by itself)."""
        raise NotImplementedError

    def unpaired_weights(self, *, conductances, weights, converter, g_max, g_min):
        """The weights that `conductances` stand for, once programmed for `weights` by `unpaired_conductances`."""
        raise NotImplementedError

    def program_verified(self, *, g_target, acceptance_range, z):
        """Conductance of CMO/HfOx resistive memory after write and verify to `acceptance_range` (0.2 or 2 %)."""
        raise NotImplementedError

    def read_relaxed(self, *, g_prog, t, z_relax, z_read):
        """Conductance of such a device t seconds later, within 9 to 88.199997 uS, for standard normals z of either
        noise; at t = 0 what was programmed."""
        raise NotImplementedError

    def program(self, *, model, g_target, z):
        """Conductance after programming `g_target` (uS), for standard normals z; `model` "pcm_like",
        "state_independent", "hermes_1", "hermes_2" (devices a polarity) or "reram_wan2022", all at their own range."""
        raise NotImplementedError

    def drift_exponent(self, *, model, g_target, z):
        """Drift exponent of devices programmed to `g_target`, for standard normals z; "reram_wan2022" has none."""
        raise NotImplementedError

    def read(self, *, model, g_prog, nu, t, z):
        """Conductance read t seconds after programming, for standard normals z."""
        raise NotImplementedError

    def read_target(self, *, model, g_target, t, z):
        """Conductance t seconds after programming `g_target`, of a `model` ("reram_wan2022") that redraws it around
        the target at the times that were measured; another time must be refused."""
        raise NotImplementedError

    def custom_drift_exponent(self, *, g_lst, nu_mean_lst, nu_std_lst, g_target, z):
        """|mean + std z|, both interpolated linearly in the lists at g_target (uS), the end values beyond them."""
        raise NotImplementedError

    def programming_std(self, *, model, g_max, g_target):
        """Standard deviation in uS, before clipping, of programming devices of a range that ends at `g_max`."""
        raise NotImplementedError

    def drift_compensation(self, *, baseline, readout):
        """alpha = max(mean |baseline|, 1e-4) / max(mean |readout|, 1e-4) of read-out weights."""
        raise NotImplementedError

    def analog_loss(self, *, weights, effective):
        """mean_t mean ((effective[t] - weights) / max|weights|)^2."""
        raise NotImplementedError

    def column_compensation(self, *, baseline, readout):
        """`drift_compensation` of each column (output) of (in, out) weights -> (out,)."""
        raise NotImplementedError

    def readout(self, *, weights, out_res, out_bound):
        """Weights (in, out) as read with one-hot inputs, without noise: rounded (half to even) to multiples of 2
        out_bound out_res (1 / out_res where that is above 1; not at all where it is 0), at most out_bound; a row beyond
        that is read with half the input, and doubled, until it is not."""
        raise NotImplementedError

    def aged_weights(self, *, weights, model, f_lst, g_max, g_min, t, z_program, z_drift, z_read):
        """(programmed, effective) weights: pairs filled in order, programmed, read t seconds later, globally
        compensated against the programmed ones; normals (2P, *weights.shape) for each of the three draws."""
        raise NotImplementedError

    def expected_loss(self, *, model, weights, f_lst, g_max, g_min, t_steps):
        """Expectation of `analog_loss` over all draws, pairs filled in order, without compensation."""
        raise NotImplementedError

    def loss_baseline(self, *, weights, baseline, configured, g_lst, nu_lst, t_steps):
        """Loss, without amplification, of the strategy with factors `baseline` (0 to 25 uS), in devices without noise
        whose drift exponent is interpolated in lists; the configuration holds the one with factors `configured`."""
        raise NotImplementedError

    # ---- search for a strategy; a point x of the unit hypercube holds the free factors (None in f_lst), then the share
    # of the range unless `use_max_kw`, then 2P - 1 rows of positions and shares

    def downsample(self, *, weights, shape):
        """Quantiles of all weights in `shape`, ascending: linear interpolation with both ends kept."""
        raise NotImplementedError

    def shuffle_rows(self, *, weights, seed):
        """The rows of `weights` in random order."""
        raise NotImplementedError

    def hop_bounds(self, *, f_lst, nbins, symmetric, use_max_kw):
        """(dimensions, 2): lower and upper bounds of the search space."""
        raise NotImplementedError

    def partition_parameters(self, *, x, f_lst, g_max, g_min, f_min, f_max, use_max_kw, largest_weight):
        """(factors, uS per unit weight, rest of x): f = x_f (f_max - f_min) + f_min, and the largest weight takes a
        share 0.05 + 0.95 x_kw of sum f (g_max - g_min)."""
        raise NotImplementedError

    def reformat_x_g(self, *, x_g, pairs, symmetric):
        """(rows (2 pairs - 1, columns), length of a conductance curve)."""
        raise NotImplementedError

    def span_of_remaining_pairs(self, *, spans, index):
        """Sum of the spans from pair `index` on."""
        raise NotImplementedError

    def denormalize(self, *, x, f_lst, nbins, symmetric, use_max_kw, g_max, g_min, g_err, f_min, f_max, largest_weight):
        """(factors (P,), curves (2P, 2 nbins - 1) in uS over equispaced weights) of a point; `g_err` in uS."""
        raise NotImplementedError

    def search_objective(self, *, weights, effective, baseline_effective, loss_margin):
        """(loss - baseline) / baseline + loss_margin, from effective weights at several times."""
        raise NotImplementedError

    def stop_criterion(self, *, objective):
        """1 where a search ends: once the objective is negative; else 0."""
        raise NotImplementedError
