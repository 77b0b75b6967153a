"""The known mistakes by name: what each one is, where it was seen. Cases store what each would produce.

"Seen in" names published tools or files in which the mistake was found, as far as that is known.
"""

MISTAKES = {
    # ---- tables
    "transposed table": "the weight indexes axis 0, the activation axis 1 (operand order flips between convolution and "
                        "linear layers in torchapprox, AdaPT and TransAxx)",
    "two's-complement order": "bit patterns of signed codes index a table in value order",
    "negative quadrant from magnitudes": "m(-a, -b) is read from m(a, b) (tables converted by AdaPT's notebook)",
    "sign-magnitude table": "sign(x w) m(|x|, |w|) stands for m(x, w)",
    "unsigned codes by sign and magnitude": "codes above 127 are read as negative numbers of magnitude 256 - code "
                                            "(torchapprox's evo.lut)",
    "32768 left in the table": "entries are stored with 32768 added, which is not undone (the recipe for signed tables "
                               "in TFApprox's issue 10)",
    "product not sign-extended": "negative products stand as unsigned 16-bit numbers (sources that declare unsigned "
                                 "types, EvoApproxLib's issue 4)",
    "last entry repeated": "entry (255, 255) repeats the one before it (ApproxFlow's accurate.csv)",
    "circuit of the other release": "the name is looked up in another release of EvoApproxLib, where it denotes "
                                    "another circuit",
    "exact instead of table": "the product x w is used, the table is not",
    # ---- accumulation
    "int16 accumulator": "sums wrap at 16 bits",
    "int16 table": "table entries wrap at 16 bits",
    "float32 accumulator": "sums are rounded to 24 bits",
    "saturating accumulator": "sums stop at the ends of int16",
    "tile padding looked up": "the summed axis is padded to a multiple of 16 with code 0, and the pairs are looked up: "
                              "m(0, 0) is added (CUDA kernels of torchapprox and TransAxx)",
    "tile padding of 8 looked up": "the same with a multiple of 8 (TFApprox's CUDA kernel)",
    # ---- convolution
    "padding without lookup": "padded positions add nothing, although m(code of zero, w) is not 0",
    "padding with code 0": "padded positions hold code 0 instead of the zero point (torchapprox)",
    "flipped kernel": "true convolution instead of cross-correlation",
    "swapped image axes": "vertical and horizontal stride, padding or dilation are exchanged",
    "dilation ignored": "taps are adjacent",
    "floor and ceiling of the output size": "the last, incomplete window is evaluated, too",
    "groups ignored in the fan-in": "fan-in = channels * kh * kw for grouped layers, too (torchapprox's fan_in)",
    "groups interleaved": "output o belongs to group o mod groups",
    "transposed operands": "rows and columns of the weight matrix are exchanged",
    # ---- zero points
    "missing zero-point cross term": "k z_x z_w is not added",
    "missing x zero-point term": "z_x sum w is not subtracted",
    "missing w zero-point term": "z_w sum x is not subtracted",
    "zero-point terms with the wrong sign": "corrections are added instead of subtracted",
    "x zero-point term with the wrong sign": "z_x sum w is added instead of subtracted (torchapprox's convolution)",
    "one zero point for all channels": "the first channel's zero point corrects every channel",
    "channel scales along positions": "the scales of the weights' channels multiply the output positions "
                                      "(torchapprox's convolution without zero points)",
    "patch sums of 1": "1 stands for both real-valued patch sums (TFApprox's kernel of 1x1 and full-size filters)",
    # ---- quantization
    "half-up rounding": "ties go up: floor(v + 1/2)",
    "half away from zero": "ties go away from zero, as C's round()",
    "truncation": "the fraction is cut off",
    "wraparound instead of clipping": "codes out of range wrap",
    "clipping before the zero point": "the range is applied to the code without its zero point",
    "zero point subtracted": "the zero point enters with the wrong sign",
    "range without zero": "an affine range that does not contain zero is not extended to it",
    "symmetric range from one side": "the scale is that of the maximum, a larger minimum is forgotten",
    "one step too many": "the span is divided by the number of codes instead of the number of steps",
    "clipping ignored by the gradient": "the surrogate gradient passes where an operand was clipped",
    "gradient clipped to open range": "the surrogate gradient is 0 at the ends of the range, too",
    "gradient scaled by the scale": "a factor of the quantization scale is left in the gradient, or missing",
    "float operands in the gradient": "the gradient uses operands before fake quantization",
    "gradient of the other operand": "dx and dw are computed with each other's operand",
    # ---- noise
    "ddof": "the other normalization of the spread (N instead of N - 1, or the reverse)",
    "noise not scaled by the spread": "sigma is taken as an absolute level",
    "variance instead of standard deviation": "the spread is not taken the root of",
    "reward with the wrong sign": "the noise term raises the loss",
    "sigma without magnitude": "negative noise levels are punished",
    "opcount ignored": "all layers count alike",
    "no cap": "a layer earns beyond sigma_max",
    # ---- float layers
    "biased running variance": "the running variance takes the biased estimate",
    "momentum reversed": "momentum weighs the old statistics",
    "batch statistics in evaluation": "evaluation normalizes with the batch",
    "batch statistics as constants": "the gradient does not pass through mean and variance",
    "sum instead of mean": "the loss is summed over the batch",
    "gradient without flip": "dx is a correlation with the unflipped kernel",
    # ---- statistics
    "error sign": "approximate - exact instead of exact - approximate (torchapprox's error_map)",
    "relative errors over all pairs": "products of 0 count as pairs without a relative error",
    "products of zero as one": "relative errors are taken to max(1, |exact|), over all pairs",
    "histogram index by wraparound": "bins are indexed by value + min_val, which is right for [-2^k, 2^k - 1] only "
                                     "(agnapprox's to_distribution)",
    "counts instead of frequencies": "the histogram is not normalized",
    "per sum instead of per operation": "the error of the whole sum is returned",
    "missing sqrt(fan_in)": "the spread of one product is returned as that of the mean of fan_in products",
    "root mean square": "the mean is not subtracted",
    "mean of standard deviations": "populations are aggregated by averaging their spreads",
    "between-field variance missing": "the spread of the populations' means is forgotten",
    "pooled distribution": "populations are merged into one distribution",
    "absolute errors": "magnitudes are averaged",
    "subtraction in a narrow dtype": "unsigned operands wrap before they are widened",
    # ---- matching
    "strict inequality": "a candidate that exactly meets the bound is refused",
    "most accurate instead of cheapest": "the smallest error wins",
    "empty selection raises": "an error where no candidate fits (the minimum of an empty selection, "
                              "agnapprox's experiments/qos_experiment.py)",
    "logarithm alone": "ratios above 1 are compressed to log r, so that 1 becomes 0 (qos_experiment.py of agnapprox's "
                       "branch research/qos_nets)",
    "sign of the noise level": "a negative sigma allows nothing",
    "energy relative to the assignment": "the most expensive multiplier assigned is taken for the reference",
    "percent instead of parts": "100 times too large",
    "smallest logits": "the ranking is reversed",
    "k off by one": "the k + 1 largest logits count",
    # ---- analog
    "pairs filled in reverse order": "the last pair carries the small weights",
    "g_min ignored": "conductances start at 0",
    "devices swapped": "positive weights are stored in g-",
    "significance ignored": "pairs are summed without their factors",
    "constant rows lost": "a row of conductances that are all alike has no regression slope, and its weights become 0 "
                          "(aihwkit's Fusion converter)",
    "negative conductance": "noise below zero is not clipped",
    "coefficients reversed": "the programming polynomial is evaluated with its coefficients in the wrong order",
    "truncated drift exponent": "max(0, nu) instead of |nu|",
    "drift time without t_0": "t / t_0 instead of (t + t_0) / t_0",
    "read noise of the drifted conductance": "the relative read noise is that of the drifted device",
    "compensation inverted": "readout / baseline",
    "compensation by the signed mean": "read-out weights cancel before the magnitude is taken",
    "normalized by the norm": "squared errors are divided by the mean square of the weights",
    "sum over times": "the loss is summed over the read-out times",
    "one branch of the fit": "the logarithm goes on where a polynomial takes over",
    "coefficients not rescaled": "the programming polynomial keeps the range that it was fitted in",
    "one fit for all times": "the noise at the first measured time stands for every time",
    "nearest measured time": "a time at which nothing was measured is answered",
    "extrapolated drift list": "the last piece of the list goes on beyond its end",
    "drift list without interpolation": "the exponent jumps from entry to entry of the list",
    "one factor for all columns": "columns share the factor of the array",
    "factors of the rows": "means run over the outputs instead of the inputs",
    "compensation without floor": "mean magnitudes below 1e-4 are taken as they are",
    "programming noise forgotten": "the targets drift instead of what was programmed",
    "drift exponent of the programmed conductance": "the exponent is drawn for the noisy conductance, not the target",
    "no drift compensation": "effective weights are the drifted ones",
    "compensation against the target": "the reference is the weights without programming noise",
    "mean drift exponent": "the factor of the mean exponent stands for the mean factor",
    "read noise forgotten": "the conductance is read without noise",
    "baseline of the configuration": "the loss of the configured strategy, not of the baseline that was passed "
                                     "(aihwkit's get_loss_baseline)",
    "invertibility tested at five points": "curves that misrepresent weights between -1, -1/2, 0, 1/2 and 1 are taken "
                                           "(aihwkit's custom converter)",
    "negative factor accepted": "pairs of negative significance are filled, and weights come back as others (aihwkit's "
                                "pair converters)",
    "one side of the range": "levels are a share of the bound instead of the whole range",
    "outputs stop at the bound": "outputs beyond the bound are cut off, rather than read with a smaller input",
    # ---- search for a strategy
    "quantiles without the ends": "the smallest and the largest weight are cut off",
    "free factors not counted": "dimensions of factors to be found are missing",
    "symmetry ignored": "positive weights get dimensions, or curves lack them",
    "no floor of the range": "the largest weight may take less than 5 % of the range",
    "range share ignored": "the largest weight takes the whole range",
    "range before factors": "the share of the range is looked for in front of the free factors",
    "rows read by columns": "the coordinates are laid out column after column",
    "remaining pairs off by one": "what the other pairs can hold is summed from the wrong pair on",
    "not mirrored": "positive weights copy the conductances of negative ones instead of exchanging them",
    "margin forgotten": "the objective is compared without its margin",
    "difference not relative": "the difference of the losses is not divided by the baseline",
    "stops at zero": "an objective of 0 ends the search, too",
}
