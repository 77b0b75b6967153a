# %% [markdown]
# # Lesson 4: Codes, int8 by hand
#
# *20 minutes.* A multiplier takes integers, a network has real numbers. You turn one into the other by hand,
# compute a neuron in integers, and find that multiplying by zero is not free of error.
#
# ## What is asked
#
# Weights are numbers such as -0.37, activations such as 1.82. A multiplier of eight bits takes whole numbers from
# -128 to
# 127. **Which whole number stands for which real one, and what is lost?**
#
# ## Scale and rounding
#
# A *code* $c$ stands for a real number $r$ by way of a *scale* $s$, the distance between neighboring codes, and a
# *zero point* $z$, the code of zero. The way back and the way there:
#
# $$\begin{aligned}
# r &\approx s\,(c - z), \\
# c &= \operatorname{clip}\bigl(\operatorname{round}(r / s) + z,\; -128,\; 127\bigr).
# \end{aligned}$$
#
# The order is part of the definition: first round, then add the zero point, then clip. By hand, with $s = 0.01$ and
# $z = 0$: the weight 0.5 becomes the code 50, -1.27 becomes -127, 0.0149 becomes 1, and 1.6 does not fit: it
# becomes 127.

# %%
import numpy as np

from refapprox import exact, load_library, lut_matmul
from refapprox.lessons import check, show
from refapprox.plotting import MEANING, new_figure
from refapprox.quantization import dequantize, quantize

weights = np.array([0.5, -1.27, 0.0149, 1.6])
by_hand = np.clip(np.rint(weights / 0.01) + 0, -128, 127)
print("by hand:    ", by_hand)
print("the package:", quantize(weights, scale=0.01, zero_point=0))
print("back again: ", dequantize(quantize(weights, 0.01), 0.01))

# %% [markdown]
# Where a number lies exactly between two codes, it goes to the **even** one. At school halves go up, which makes
# results a little too large on average; here half of them go up and half go down:

# %%
halves = np.array([-1.5, -0.5, 0.5, 1.5, 2.5, 3.5])
print("halves:          ", halves)
at_even, upwards = quantize(halves, scale=1.0), np.floor(halves + 0.5)
for name, rounded in (("to the even code:", at_even), ("halves go up:    ", upwards)):
    print(name, rounded.astype(int), "  mean change", (rounded - halves).mean())

# %% [markdown]
# ## What is lost, and which scale to take
#
# Two things are lost. *Rounding* moves a number by at most $s / 2$. If numbers are spread over many codes, the
# error is uniform between $-s/2$ and $s/2$ and has the mean square $s^2 / 12$. *Clipping* moves what lies outside,
# and by any amount. A small scale rounds finely and clips much; a large one clips nothing and rounds coarsely. Let
# us look for the best one for a thousand numbers from a Gaussian of standard deviation 1:

# %%
rng = np.random.default_rng(0)
numbers = rng.standard_normal(1000)
scales = np.geomspace(0.005, 0.2, 60)


def mean_squared_error(s):
    return np.mean((dequantize(quantize(numbers, s), s) - numbers) ** 2)


loss = [mean_squared_error(s) for s in scales]
largest = np.abs(numbers).max() / 127

figure, axis = new_figure(size=(6.4, 3.8))
axis.loglog(scales, loss, color=MEANING["simulated"], label="measured")
axis.loglog(scales, scales ** 2 / 12, color=MEANING["predicted"], linestyle="--",
            label="rounding alone, s²/12")
axis.axvline(largest, color=MEANING["allowed"], linestyle=":",
             label="largest number gets the code 127")
axis.set(xlabel="scale s", ylabel="mean squared error")
axis.legend(loc="lower right")
show(figure, "lesson_04_scales")

# %%
print(f"smallest loss at s = {scales[np.argmin(loss)]:.4f}")
print(f"the largest number gets the code 127 at s = {largest:.4f};")
print(f"there, measured {mean_squared_error(largest):.2e}, s^2/12 {largest ** 2 / 12:.2e}")

# %% [markdown]
# To the right of the dotted line nothing is clipped and the loss follows $s^2/12$. To the left it soars. The plain
# rule, to give the largest number the code 127, is close to the best.
#
# ## A zero point
#
# Behind a rectifier nothing is negative. With $z = 0$ the codes below zero would never be used. With $z = -128$ the
# codes -128 to 127 stand for $0$ to $255\,s$, and the scale can be half as large:

# %%
activations = np.array([0.0, 0.3, 1.2, 2.55])
symmetric = quantize(activations, scale=0.02)
affine = quantize(activations, scale=0.01, zero_point=-128)
print("symmetric, s = 0.02, z = 0:   ", symmetric)
print("affine,    s = 0.01, z = -128:", affine)

# %% [markdown]
# Zero itself is always exact, for the zero point is a whole number. That matters: zeros are the most frequent
# numbers in a network, and the margin around an image is made of them.
#
# ## A neuron in whole numbers
#
# A neuron adds products of real numbers. Put codes in their place, with $z_w = 0$ for the weights, as usual:
#
# $$\begin{aligned}
# y = \sum_i r_{x,i}\, r_{w,i} &= s_x s_w \sum_i (x_i - z_x)\, w_i \\
# &= s_x s_w \Bigl(\underbrace{\sum_i x_i w_i}_{\text{multiplier}}
# - \underbrace{z_x \sum_i w_i}_{\text{known before}}\Bigr).
# \end{aligned}$$
#
# The sums are whole numbers. Real numbers come in once, at the end, as the factor $s_x s_w$. Three products, by
# hand and by machine:

# %%
r_x, r_w = np.array([0.3, 0.0, 1.2]), np.array([0.5, -0.25, 0.1])
s_x, z_x, s_w = 0.01, -128, 0.005
x, w = quantize(r_x, s_x, z_x), quantize(r_w, s_w)
print("codes x", x, " w", w)

total = lut_matmul(x[None], w[:, None], exact()).item()
correction = z_x * w.sum()
print(f"sum of products {total}, correction {correction}, "
      f"accumulator {total - correction}")
print(f"result {s_x * s_w * (total - correction):.4f}, "
      f"with real numbers {r_x @ r_w:.4f}")

# %% [markdown]
# ## Another multiplier in the same place
#
# Only the products change, $x_i w_i$ becomes $m(x_i, w_i)$. Scale and correction stay what they are. So the
# accumulator is off by the errors of the products, and by nothing else:
#
# $$\sum_i x_i w_i - \sum_i m(x_i, w_i) = \sum_i e(x_i, w_i).$$
#
# Take `mul8s_1L2D` of lesson 3, which clears two bits of each operand, for the same neuron in both kinds of codes:

# %%
multiplier = load_library()["mul8s_1L2D"]
for name, scale, zero in (("affine", 0.01, -128), ("symmetric", 0.02, 0)):
    codes = quantize(r_x, scale, zero)
    errors = codes * w - multiplier(codes, w)
    print(f"{name}: codes {codes}, errors of the products {errors},")
    print(f"   error of the neuron in real units {scale * s_w * errors.sum():+.4f}")

# %% [markdown]
# Look at the second product. The activation is **zero** in both cases. In symmetric codes that is code 0, and $0
# \cdot w$ is right. In affine codes zero is the code -128, an operand like any other, and here it makes the largest
# error of the three. What a multiplier does to a network depends on the codes it is given, and a framework that
# skips "products with zero" computes something else than the hardware.
#
# **Try it.** Find a zero point for which the neuron has no error at all. Is it a good choice for other activations?
#
# ## Exercises
#
# **4a.** Which codes do the numbers 1.25, 1.75, -70 and 0 get with scale 0.5 and zero point 3, in eight signed
# bits? Answer with the four codes.

# %%
print(check("4a", ...))

# %% [markdown]
# **4b.** A neuron has the activation codes 10, -5, 20 (scale 0.02, zero point -10) and the weight codes 3, -2, 1
# (scale 0.1, zero point 0). What is its output as a real number?

# %%
print(check("4b", ...))

# %% [markdown]
# **4c.** A convolution with a 3×3 kernel runs over an image with a margin of real zeros around it. The activations
# have the zero point 5, and the nine weights of the kernel add up to 12. Which code has to stand in the margin, and
# how much must be subtracted from the sum of the nine products? Two numbers.

# %%
print(check("4c", ...))
