# %% [markdown]
# # Lesson 1: One wrong product
#
# *15 minutes.* The smallest approximate multiplier there is gets one of its sixteen products wrong. You meet its
# table, its error map, and the two numbers that everything later is built on: the mean and the variance of an
# error.
#
# ## What is asked
#
# A multiplier is a circuit. One that may be wrong now and then can be smaller and take less energy. Before we can say
# whether that is a good bargain we need an answer to a plain question: **how wrong is it?**
#
# ## Three wires instead of four
#
# Two numbers of two bits, 0 to 3, have sixteen products. The largest one is $3 \cdot 3 = 9$, in binary 1001, and it
# is the only one that needs a fourth output bit: the next smaller one, $2 \cdot 3 = 6 = 110_2$, fits three.
# Kulkarni and others (2011) asked what happens if that one product is given as $7 = 111_2$ instead. The fourth wire
# is gone, and the gates behind it.
#
# A small multiplier is fully described by the table of its products:

# %%
import numpy as np

from refapprox import Multiplier, exact
from refapprox.lessons import check, show
from refapprox.plotting import MEANING, new_figure


def product(x, w):
    return 7 if x == w == 3 else x * w


kulkarni = Multiplier.from_function("2x2", product, signed=False, bits=2)
print("products; row: x from 0 to 3, column: w from 0 to 3")
print(kulkarni.lut)

# %% [markdown]
# We call the left operand $x$, the *activation*, and the right one $w$, the *weight*, because that is what they
# will be in a network. The table is in *value order*: row $x$, column $w$.
#
# ## The error map
#
# The error of a product is what is missing from the exact one:
#
# $$e(x, w) = x \cdot w - m(x, w),$$
#
# *exact minus approximate*, where $m(x, w)$ is what the multiplier gives. Some papers take the difference the other
# way round. Here it is always this way, so that a positive error means a result that is **too small**.

# %%
missing = exact(bits=2, signed=False).lut - kulkarni.lut
print(missing)
print("the multiplier says the same:", (kulkarni.error_map == missing).all())

# %% [markdown]
# As a picture, with $x$ to the right and $w$ upwards, zero is white and what is missing is orange:

# %%
show(kulkarni.plot(), "lesson_01_error_map")

# %% [markdown]
# ## How wrong on average?
#
# That depends on what comes in. If the activation is $x$ with probability $p(x)$ and the weight, independently of it,
# is $w$ with probability $q(w)$, then the mean and the variance of the error are
#
# $$\begin{aligned}
# \mu &= \sum_{x, w} p(x)\, q(w)\, e(x, w), \\
# \sigma^2 &= \sum_{x, w} p(x)\, q(w)\, e(x, w)^2 - \mu^2 .
# \end{aligned}$$
#
# These are the two lines that matter in this lesson. Let all four values be equally likely. By hand: the pair (3, 3)
# comes with probability $\tfrac14 \cdot \tfrac14 = \tfrac1{16}$, its error is 2, all other errors are 0. So
#
# $$\mu = \frac{2}{16} = \frac18, \qquad \sigma^2 = \frac{4}{16} - \frac1{64} = \frac{15}{64} .$$
#
# As a program, word for word, and then as the package computes it:

# %%
def moments(error_map, p, q):
    """Mean and variance of the error of one product."""
    mean = mean_square = 0
    for x in range(len(p)):
        for w in range(len(q)):
            mean += p[x] * q[w] * error_map[x, w]
            mean_square += p[x] * q[w] * error_map[x, w] ** 2
    return mean, mean_square - mean ** 2


uniform = np.full(4, 1 / 4)
mean, variance = moments(kulkarni.error_map, uniform, uniform)
print(f"word for word:  mean {mean:.4f}   variance {variance:.4f}")

known = kulkarni.metrics(uniform, uniform)
print(f"the package:    mean {known['bias']:.4f}   variance {known['variance']:.4f}")
print(f"by hand:        mean {1 / 8:.4f}   variance {15 / 64:.4f}")

# %% [markdown]
# `bias` is the usual name for the mean error of a multiplier.
#
# ## Measure it
#
# There is a third way, which needs no formula: try it out. We draw pairs of operands, multiply, and average the
# errors that we see. The average of $n$ errors is itself random. It scatters around $\mu$ with the standard
# deviation $\sigma / \sqrt n$, so a hundred times more draws give one more digit.

# %%
rng = np.random.default_rng(1)      # the same random numbers each time
draws = 4000
x, w = rng.integers(0, 4, draws), rng.integers(0, 4, draws)
errors = x * w - kulkarni(x, w)
count = np.arange(1, draws + 1)
average = np.cumsum(errors) / count

figure, axis = new_figure(size=(6.4, 3.8))      # MEANING: a color means the same in all figures
spread = 2 * np.sqrt(variance / count)
axis.fill_between(count, mean - spread, mean + spread, color=MEANING["range"],
                  label="mean ± 2 standard deviations")
axis.plot(count, average, color=MEANING["simulated"], linewidth=1,
          label="average of the errors so far")
axis.axhline(mean, color=MEANING["predicted"], linestyle="--",
             label="mean by the formula")
axis.set(xscale="log", xlim=(10, draws), ylim=(-0.3, 0.6),
         xlabel="products drawn", ylabel="error")
axis.legend(loc="upper right")
show(figure, "lesson_01_average")

# %%
print(f"average of {draws} errors {average[-1]:.4f}, "
      f"its standard deviation {np.sqrt(variance / draws):.4f}")

# %% [markdown]
# About nineteen times out of twenty the black line ends inside the grey band. A formula and a measurement that
# agree this way are two *independent* witnesses. This package checks every statistic like that.
#
# ## Another input, another error
#
# In a network the values are not equally likely. Behind a rectifier (ReLU, which sets everything negative to zero)
# half of all activations are zero, and zero times anything is right. Let $p = (\tfrac12, \tfrac16, \tfrac16,
# \tfrac16)$:

# %%
behind_relu = np.array([3, 1, 1, 1]) / 6
for name, p in (("uniform activations", uniform),
                ("behind a rectifier ", behind_relu)):
    known = kulkarni.metrics(p, uniform)
    print(f"{name}: mean {known['bias']:.4f}   variance {known['variance']:.4f}")

# %% [markdown]
# The same circuit is now wrong in one product out of 24 instead of one out of 16. **How wrong a multiplier is, is
# not a property of the multiplier alone.** That is why the published figure of a circuit, computed for operands
# that are all equally likely, says little about what it does in a network.
#
# **Try it.** Let the weights prefer the value 3 and see the mean grow. For which $p$ and $q$ is it largest? For
# which is the multiplier exact?
#
# ## Exercises
#
# A multiplier of two unsigned bits is exact except that $3 \cdot 3 = 7$ **and** that activation 2 times weight 3
# gives 4. Paper and pencil first; then put your answers in the place of the dots. `check` says whether an answer is
# right, and where it is not, what probably went wrong. Numbers may be rounded to three significant digits.
#
# **1a.** What is its error map? Write it as four rows of four numbers.

# %%
print(check("1a", ...))

# %% [markdown]
# **1b.** Activations come from behind a rectifier, 0 with probability $\tfrac12$ and 1, 2, 3 with probability
# $\tfrac16$ each; weights are uniform. What are the mean and the variance of the error of one product?

# %%
print(check("1b", ...))

# %% [markdown]
# **1c.** Now the weight is known: it is 3. Activations are as before. Mean and variance of the error? Why did the
# mean grow?

# %%
print(check("1c", ...))
