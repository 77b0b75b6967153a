# %% [markdown]
# # Lesson 5: One neuron, the sum of errors
#
# *20 minutes.* A neuron adds many products, and their errors with them. You compute the mean, the spread and the
# whole law of that sum, and see why a multiplier that loses every comparison of lesson 3 can win in a neuron.
#
# ## What is asked
#
# In a network nobody sees a single product. What comes out of a neuron is a sum of $n$ of them, its *fan-in*, and
# so is its error:
#
# $$S = \sum_{i=1}^{n} e(x_i, w_i).$$
#
# One error has the mean $\mu$ and the variance $\sigma^2$ (lesson 1). **What are the mean and the spread of $S$?**
#
# ## The two lines that matter
#
# Means always add up. Variances add up if the products are independent of each other:
#
# $$\begin{aligned}
# \mathrm{E}\,S &= n\,\mu, \\
# \mathrm{Var}\,S &= n\,\sigma^2, \quad\text{so}\quad \mathrm{std}\,S = \sqrt n\,\sigma .
# \end{aligned}$$
#
# The mean grows like $n$, the spread only like $\sqrt n$. Errors of both signs partly cancel in a sum, errors of one
# sign never do.
#
# ## Three products, every number by hand
#
# Take the multiplier of lesson 1, wrong by 2 in one product out of sixteen: $\mu = \tfrac18$, $\sigma^2 =
# \tfrac{15}{64}$. Three products have the mean $\tfrac38$ and the variance $\tfrac{45}{64}$. We know even more: $S$
# is twice the number of wrong products, and that number is binomial. $S = 0$ has probability $(\tfrac{15}{16})^3 =
# \tfrac{3375}{4096}$, and so on.
#
# Now three ways that know nothing of each other. First, all $4^6 = 4096$ neurons there are. `lut_matmul` is a matrix
# product in which every single product is looked up in the table of a multiplier:

# %%
import itertools
from collections import Counter

import numpy as np

from refapprox import Multiplier, exact, load_library, lut_matmul
from refapprox.error_stats import LayerOperands, error_law, error_prediction
from refapprox.lessons import check, show
from refapprox.plotting import MEANING, new_figure


def product(x, w):
    return 7 if x == w == 3 else x * w


kulkarni, right = Multiplier.from_function("2x2", product, signed=False, bits=2), exact(2, False)
operands = np.array(list(itertools.product(range(4), repeat=6)))
x, w = operands[:, None, :3], operands[:, 3:, None]
sums = [(lut_matmul(a, b, right) - lut_matmul(a, b, kulkarni)).item()
        for a, b in zip(x, w, strict=True)]
print("how often each error occurs:", dict(sorted(Counter(sums).items())))
print(f"enumerated:  mean {np.mean(sums):.4f}  std {np.std(sums):.4f}")

# %% [markdown]
# Second, the formula above. The package computes it *per operation*, as the literature does: both numbers are
# divided by $n$, whatever they belong to. So the spread per operation is $\sigma / \sqrt n$, **not** $\sigma$.
# Third, the whole law of the sum, that is the probability of each value, computed exactly. `"single_distribution"`
# says what is random: every operand, drawn anew from one distribution (lesson 6 has other readings):

# %%
uniform, n = np.full(4, 1 / 4), 3
mean, std = error_prediction(kulkarni.error_map, uniform, uniform, fan_in=n)
print(f"per operation: mean {mean:.4f}  std {std:.4f}")
print(f"accumulated:   mean {n * mean:.4f}  std {n * std:.4f}")

layer = LayerOperands.from_distributions(uniform, uniform, fan_in=n)
law = error_law(kulkarni, layer, "single_distribution")
print(f"by its law:    mean {law.mean:.4f}  std {law.std:.4f}   "
      f"4096 P(S = 0) = {4096 * law.pmf[0]:.6g}")

# %% [markdown]
# Two conventions in one line is how mistakes begin. Whenever you read a figure for an error, ask: **per operation, or
# accumulated?**
#
# ## Many products: the bell
#
# Add more and more errors and the law of their sum takes the same shape, whatever the law of one error was. This is
# the central limit theorem. For `mul8s_1KVL`, a signed 8-bit circuit of the built-in library, and the operands of
# lesson 3 (codes from -128 to 127, half of the activations zero):

# %%
codes = np.arange(-128, 128)
weights = np.exp(-(codes / 30) ** 2 / 2)
weights /= weights.sum()
activations = np.where(codes > 0, np.exp(-(codes / 40) ** 2 / 2), 0)
activations *= 0.5 / activations.sum()
activations[codes == 0] = 0.5

library = load_library()
figure, axes = new_figure(1, 3, size=(8, 3))
for axis, n in zip(axes, (1, 10, 100), strict=True):
    layer = LayerOperands.from_distributions(activations, weights, fan_in=n)
    law = error_law(library["mul8s_1KVL"], layer, "single_distribution")
    edges = law.mean + law.std * np.linspace(-4, 4, 41)
    width = edges[1] - edges[0]
    axis.hist(law.values, edges, weights=law.pmf / width, color=MEANING["range"],
              label="law of the sum")
    bell = np.exp(-((edges - law.mean) / law.std) ** 2 / 2) / law.std / np.sqrt(2 * np.pi)
    axis.plot(edges, bell, color=MEANING["predicted"], label="Gaussian")
    axis.set(title=f"n = {n}", xlabel="error of the neuron", yticks=[])
    print(f"n = {n:3d}: mean {law.mean:8.2f}   std {law.std:8.2f}")
axes[0].legend(fontsize=8)
show(figure, "lesson_05_bell")

# %% [markdown]
# With one product half of the errors are exactly zero; with a hundred only the bell is left. Two numbers, mean and
# standard deviation, then say everything. That is why they are what this package predicts. From $n = 1$ to $n =
# 100$ the mean grew by a factor of 100, the standard deviation by a factor of 10.
#
# ## Bias against spread
#
# How large is the error of a neuron, all in all? Take the root of its mean square, in which bias and spread come
# together:
#
# $$\sqrt{\mathrm{E}\,S^2} = \sqrt{(n \mu)^2 + n \sigma^2} .$$
#
# For small $n$ the second term rules, for large $n$ the first one does, unless $\mu$ is zero. Here are `mul8s_1L2D` and
# `mul8s_1KTY`, the two rivals of lesson 3. By the mean absolute and the mean squared error of a product `mul8s_1KTY`
# is the worse one, and it costs more:

# %%
fan_ins = np.geomspace(1, 1000, 61)
figure, axis = new_figure(size=(6.4, 4))
for name, color, style in (("mul8s_1L2D", MEANING["predicted"], "-"),
                           ("mul8s_1KTY", MEANING["allowed"], "--")):
    metrics = library[name].metrics(activations, weights)
    bias, variance = metrics["bias"], metrics["variance"]
    size = np.sqrt((fan_ins * bias) ** 2 + fan_ins * variance)
    axis.loglog(fan_ins, size, style, color=color, label=name)
    print(name)
    for n in (1, 100):
        print(f"   n = {n:3d}: mean {n * bias:7.1f}   std {np.sqrt(n * variance):6.1f}   "
              f"root mean square {np.sqrt((n * bias) ** 2 + n * variance):7.1f}")
axis.set(xlabel="fan-in n", ylabel="root mean square of the error")
axis.legend(loc="upper left")
show(figure, "lesson_05_bias_and_spread")

# %% [markdown]
# The lines cross below ten products. In a neuron of 100, the multiplier without bias is less than half as wrong as
# the other one. **What counts in a network are bias and spread over its own operands**, not the figures over all
# operands, and not the mean absolute error.
#
# A fair remark: a known mean is easy to take away. Subtract $n \mu$ once per neuron, for nothing, and only the
# spread is left; then `mul8s_1L2D` is the better one again. A network that is trained with a multiplier learns that
# by itself (lesson 8).
#
# ## Are they independent?
#
# The second line needed that. In a layer weights are not drawn anew for each image: they stay. Activations of
# neighboring pixels resemble each other. Lesson 6 looks at a real layer and asks how wrong the simple formula is
# there. Exercise 5b is a first taste.
#
# **Try it.** How large must $n$ be for `mul8s_1KVL` until its bias makes half of its mean square? First by the
# formula, then with the picture.
#
# ## Exercises
#
# 5a and 5b are about the multiplier of the exercises in lesson 1: two unsigned bits, exact except that $3 \cdot 3 =
# 7$ and that activation 2 times weight 3 gives 4. Activations are 0 with probability $\tfrac12$ and 1, 2, 3 with
# probability $\tfrac16$ each.
#
# **5a.** A neuron adds four independent products, weights uniform. Mean and standard deviation of its error?

# %%
print(check("5a", ...))

# %% [markdown]
# **5b.** The four weights of the neuron are known: 3, 3, 0, 1. Mean and *variance* of its error now?

# %%
print(check("5b", ...))

# %% [markdown]
# **5c.** A layer has eight outputs in all. They were computed with exact and with approximate products, and the errors
# are 0, 2, 0, 4, 0, 0, 2, 0. What is the standard deviation of the error over this layer? (These eight are the whole
# layer, not a sample of something larger.)

# %%
print(check("5c", ...))
