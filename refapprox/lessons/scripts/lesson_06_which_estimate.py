# %% [markdown]
# # Lesson 6: Which estimate to trust
#
# *20 minutes.* In lesson 5 the operands of a neuron were drawn at random. In a layer of a real network nothing is
# drawn: neighboring pixels are alike, and every neuron keeps its weights. You meet ten estimates of the error of such a
# layer, find out what each of them takes for granted, and see what it costs to believe the wrong one.
#
# ## What is asked
#
# Two people tell you the standard deviation of the error of the same layer with the same multiplier. One says 1003, the
# other 1804. Nobody miscalculated. **Who is right, and what did the other one assume?**
#
# ## A layer, and the truth about it
#
# `LeNet5.pretrained` is a network that comes with the package; it tells drawn digits apart. We send 128 images through
# it and record the integer operands of its first fully connected layer: 128 *receptive fields* (what one neuron sees)
# of 400 activation codes, and the weights of 120 neurons.

# %%
import numpy as np

from refapprox import LeNet5, SyntheticDigits, load_library, lut_matmul
from refapprox.error_stats import RUNGS, LayerOperands, estimate
from refapprox.lessons import check, show
from refapprox.matching import get_feature_maps
from refapprox.plotting import MEANING, new_figure

net, data = LeNet5.pretrained("synthetic"), SyntheticDigits(n_train=240, n_test=1)
maps = get_feature_maps(net, data, rng=np.random.default_rng(0), num_images=128)
layer = maps["linear1"]
print("activations", layer.features.shape, "  weights", layer.weights.shape)

# %% [markdown]
# The truth needs no statistics. Compute all $128 \cdot 120$ outputs twice, with exact products and with those of a
# multiplier, and look at the differences. `mul8s_1L2D` is one of the cheapest of the library.

# %%
library = load_library("builtin")
multiplier = library["mul8s_1L2D"]
x, w = layer.features.astype(np.int64), layer.weights
errors = x @ w - lut_matmul(x, w, multiplier)
truth = errors.std(ddof=0)
print(f"mean of the error {errors.mean():.1f}, standard deviation {truth:.1f}")

# %% [markdown]
# So why estimate at all? Because this costs a pass through the layer for every multiplier, and needs the data. With
# thousands of multipliers, or with nothing but two histograms in a paper, one estimates.

# %% [markdown]
# ## The first estimate: everything is drawn anew
#
# One histogram for all activations of the layer, one for all weights, and 400 independent errors. That is the neuron of
# lesson 5, and the first *rung* of a ladder of estimates.

# %%
operands = LayerOperands.from_codes(x, w)
first = estimate(multiplier, operands, "single_distribution")
off = 100 * (first.accumulated_std / truth - 1)
print(f"one histogram for all: {first.accumulated_std:.1f}, {off:+.0f} %")

# %% [markdown]
# Far too small. Somebody who chooses a multiplier by this number will be surprised by the network. What went wrong?

# %% [markdown]
# ## The two lines that matter
#
# Every estimate answers the question: *what is drawn at random, and what is fixed?* Take a receptive field as given and
# call it $k$. The law of total variance splits the variance of the accumulated error $S$,
#
# $$
# \mathrm{Var}\,S = \underbrace{\mathrm{E}_k\,\mathrm{Var}(S \mid k)}_{\text{within fields}}
#   + \underbrace{\mathrm{Var}_k\,\mathrm{E}(S \mid k)}_{\text{between fields}} .
# $$
#
# If everything is drawn anew, all fields have the same expectation and the second term is 0. In real layers one image
# has many large activations and the next one has few, and a field's whole sum moves with that: the expectations differ
# by $n$ times the difference of the mean errors, so the second term grows with $n^2$ where the first grows with $n$.
#
# Let us see this on a layer so small that paper is enough. The only wrong product is $1 \cdot 1$, which is 4 too small.

# %%
error_map = np.array([[0, 0], [0, 4]])                  # error_map[x, w], exact minus approximate
tiny = LayerOperands.from_codes(x=[[0, 1], [1, 0]], w=[[0, 1], [1, 0]],
                                range_x=(0, 1), range_w=(0, 1))
for rung in ("single_distribution", "exact_data"):
    variance = estimate(error_map, tiny, rung).accumulated_std ** 2
    print(f"{rung:>20}: variance {variance:.0f}")

# %% [markdown]
# On paper: half of all codes are 1, so an error is 4 with probability 1/4: mean 1, variance $16/4 - 1 = 3$, and two
# independent ones have variance 6. In truth, each of the two fields holds one 0 and one 1. Its sum of errors is 4 for
# one neuron and 0 for the other: mean 2, variance 4. Here the operands of a field hold each other in balance, and the
# truth is *smaller*. In the layer of the network they pull the same way, and it is larger.

# %% [markdown]
# ## The ladder
#
# Between one histogram for all and the data themselves there are many ways to know a part of the truth. refapprox has
# ten, as a ladder; each rung states the assumption under which it is exact.

# %%
for name, rung in RUNGS.items():
    print(f"{rung.label:>2} {name}:\n     {rung.assumption}")

# %% [markdown]
# All of them on our layer, for the 12 inexact multipliers of the library: by how much is each estimate off?

# %%
inexact = [m for m in library if np.any(m.error_map)]
simulated = estimate(inexact, operands, "simulation").accumulated_std
off = {name: 100 * (estimate(inexact, operands, name).accumulated_std / simulated - 1)
       for name in RUNGS}
print("off by, on average (%), and from ... to")
for name, values in off.items():
    print(f"{RUNGS[name].label:>2} {name:<21}{np.abs(values).mean():5.1f}   "
          f"{values.min():+6.1f} {values.max():+6.1f}")

# %%
figure, axis = new_figure(size=(7, 4))
for place, values in enumerate(off.values()):
    axis.plot(values, np.full(len(values), place), "o", color=MEANING["predicted"],
              markerfacecolor="none")
axis.axvline(0, color=MEANING["simulated"])
axis.set_yticks(range(len(RUNGS)), [f"{name}  {RUNGS[name].label}" for name in RUNGS])
axis.invert_yaxis()
axis.set_xlabel("predicted std against the simulated one (%); one circle per multiplier")
show(figure, "lesson_06_ladder")

# %% [markdown]
# Read it from the top.
#
# - **1** knows nothing of fields and misses what varies between them.
# - **2** is the published estimate (Trommer, Waschneck and Kumar, 2022). It knows the histogram of every field.
#   **3** knows the field's contents: 2 draws them once more from their own histogram and so counts the spread of a
#   field twice.
# - **4** fixes the weights of each neuron instead; **5** fixes both sides and leaves open only which activation meets
#   which weight.
# - **4t**, **5e** and **5t** tell the positions of a field apart, which are called *taps*. **5t** knows how they rise
#   and fall together. That is what was missing: it is within one percent of the truth, without another look at the
#   data.
# - **6** is the data itself, but computed by one matrix product instead of a look-up for each product. It equals **7**,
#   the simulation that looks every product up, to the last digit.

# %% [markdown]
# ## What a wrong estimate costs
#
# A layer gets the cheapest multiplier whose error it tolerates. How a network learns what it tolerates is lesson 7;
# this one has learned it, as a share of the standard deviation of the layer's own outputs. Which multiplier does each
# estimate choose, and what does that one really do?

# %%
allowed = abs(dict(net.noisy_modules)["linear1"].stdev) * layer.output_std()
print(f"allowed is a standard deviation of {allowed:.0f}")
space = library.search_space()
really = estimate(space, operands, "simulation").accumulated_std
for name in ("single_distribution", "population", "correlated_taps", "exact_data"):
    found = estimate(space, operands, name).accumulated_std
    fitting = [i for i in range(len(space)) if found[i] <= allowed]
    best = min(fitting, key=lambda i: space[i].performance_metric)
    print(f"{name}: {space[best].name}, {space[best].performance_metric:.3f} mW,")
    print(f"     promised {found[best]:.0f}, really {really[best]:.0f}")

# %% [markdown]
# The first two take a multiplier that is cheaper, and break their promise: the error is larger than promised, and
# larger than the layer tolerates. The third keeps it, and it needed no data for that, only a histogram for each
# position and a matrix of covariances.
#
# **Try it.**
#
# - Take another layer: "conv1", "conv2", "linear2", "linear3". In "conv1" most fields see an empty corner of the image.
#   Which rung profits from knowing the field?
# - Shuffle the activations of every field with `rng.permuted(x, axis=1)`, so that which activation meets which weight
#   is random. Which rung is right now, and why?
#
# ## Exercises
#
# **6a.** For a layer of fan-in 400, a function that follows the paper reports a standard deviation of 2.5 *per single
# operation*: it is that of the accumulated error divided by the fan-in. What is the standard deviation of the
# accumulated error?

# %%
print(check("6a", ...))

# %% [markdown]
# **6b.** Paper and pencil. Take the tiny layer, with other codes: its fields are (0, 0) and (1, 1), and so are the
# weights of its two neurons. The wrong product stays. What is the variance of the accumulated error, first if every
# code is drawn anew from the histogram of all, then in truth?

# %%
print(check("6b", ...))

# %% [markdown]
# **6c.** You may keep one histogram for each receptive field and one for all weights, nothing else. The contents of a
# field are what they are, and you are ready to believe that weights are drawn at random. Which rung do you take? Answer
# with its name in `RUNGS`.

# %%
print(check("6c", ...))
