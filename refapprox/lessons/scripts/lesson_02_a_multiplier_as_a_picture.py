# %% [markdown]
# # Lesson 2: A multiplier as a picture
#
# *20 minutes.* A multiplier in three forms: as gates, as a table and as a picture of its errors. You leave out gates
# and predict by hand what that costs, and you meet the metrics that papers print.
#
# ## What is asked
#
# In lesson 1 one product out of sixteen was wrong, and we could look at it. A multiplier of eight bits has 65,536
# products. How do we see what is wrong with so many, and which numbers say it in short?
#
# ## Gates
#
# Multiplication in binary is what you learned at school, only simpler: a digit is 0 or 1, so every digit of $w$
# selects $x$ or nothing, shifted to its place. Digit $x_i$ times digit $w_j$ is an AND gate, its place is $i + j$,
# and the rest is addition:
#
# $$x \cdot w = \sum_{i, j} x_i\, w_j\, 2^{\,i + j} .$$
#
# Every term of this sum is a *cell*. The half adders (HA) and full adders (FA) that add the cells are what costs
# most. Here is the multiplier of lesson 1 beside an exact one:

# %%
import numpy as np

from refapprox.lessons import check, show
from refapprox.multipliers import family_netlist, from_family
from refapprox.plotting import MEANING, error_maps, new_figure

for name in ("exact", "udm"):
    print(f"{name:6s}", family_netlist(name, bits=2, signed=False).gate_counts())

# %% [markdown]
# Four AND gates make the cells in both. The exact one adds the two cells of place 1 with a half adder, whose carry
# goes into another one. The approximate one (`udm`, the "underdesigned multiplier" of Kulkarni) takes a single OR
# gate instead: it is right unless both cells are 1, which happens for $3 \cdot 3$ only.
#
# ## Leave out cells
#
# The plainest approximation is to leave out cells of little weight: all those with $i + j < k$. Such a multiplier is
# called *truncated*. For eight bits and $k = 6$, the hollow cells are missing:

# %%
BITS, K = 8, 6
figure, axis = new_figure(size=(6.4, 3.4))
for j in range(BITS):
    for i in range(BITS):
        kept = i + j >= K
        axis.plot(i + j, j, "o", markersize=9,
                  color=MEANING["predicted" if kept else "exact"],
                  markerfacecolor=MEANING["predicted"] if kept else "none")
axis.set(xlabel="place of the cell, i + j", ylabel="digit j of w",
         xticks=range(2 * BITS - 1), yticks=range(BITS),
         title=f"cells of a truncated multiplier, k = {K}")
axis.invert_xaxis()
axis.grid(False)
show(figure, "lesson_02_cells")

# %%
for name in ("exact", "truncated(k=4)", "truncated(k=6)", "truncated(k=8)"):
    netlist = family_netlist(name, bits=BITS, signed=False)
    print(f"{name:15s}", netlist.gate_counts())

# %% [markdown]
# ## Predict the error on paper
#
# The error is what is missing: the sum of the cells that were left out. So we know without trying
#
# - that it is never negative;
# - that it is **largest** where all those cells are 1. Place $c$ has $c + 1$ of them, each worth $2^c$:
#
#   $$e_{\max} = \sum_{c = 0}^{k - 1} (c + 1)\, 2^c ,$$
#
#   which is 1 + 4 + 12 + 32 + 80 + 192 = 321 for $k = 6$;
# - that its **mean** is a quarter of that, if all operands are equally likely: a cell is 1 where both its digits are,
#   with probability $\tfrac12 \cdot \tfrac12$. That gives $321 / 4 = 80.25$.
#
# Now we make the table of 65,536 products from the gates and look:

# %%
truncated = from_family("truncated(k=6)", bits=BITS, signed=False)
error = truncated.error_map
print("table", truncated.lut.shape, " smallest error", error.min(),
      " largest", error.max(), " mean", error.mean())

# %% [markdown]
# ## The error map
#
# Every error is one point of the picture: $x$ to the right, $w$ upwards.

# %%
show(truncated.plot(), "lesson_02_truncated")

# %% [markdown]
# Read it as you would read a map. The pattern repeats every 64 codes, because only the six lowest digits of $x$ and
# $w$ take part in the cells that are missing. Within one square it grows to the upper right, where all those digits
# are one. There is no blue anywhere: no result is too large.
#
# Other designs have other faces. `drum(k=5)` keeps the five leading digits of each operand, wherever they are;
# `mitchell` adds logarithms:

# %%
others = [from_family(name, bits=BITS, signed=False)
          for name in ("drum(k=5)", "mitchell")]
show(error_maps(others), "lesson_02_two_maps")

# %% [markdown]
# The errors of `drum` have both signs and are larger where the products are; small operands are multiplied exactly.
# `mitchell` is exact where one operand is a power of two, and always too small elsewhere.
#
# ## Metrics: a map in one number
#
# A picture cannot be sorted. Papers print these, with $e = x w - m(x, w)$ and the mean over all pairs of operands
# (or, if $p$ and $q$ are known, weighted by the probability of each pair):
#
# | metric | what it is |
# |---|---|
# | EP | error probability: share of pairs with $e \ne 0$ |
# | MAE | mean absolute error, the mean of the size of $e$ |
# | WCE | worst-case error, the largest size of $e$ |
# | bias | mean error, the mean of $e$ with its sign |
# | MSE | mean squared error, the mean of $e^2$ |
# | variance | mean of $(e - \text{bias})^2$, which is $\text{MSE} - \text{bias}^2$ |
# | MRE | mean relative error, the mean of the size of $e / (x w)$ where $x w \ne 0$ |
#
# MAE% and WCE% are these divided by the number of output codes, $2^{16}$ for eight bits, times 100. Each is a line of
# NumPy:

# %%
own = {"EP%": 100 * (error != 0).mean(),
       "MAE": np.abs(error).mean(),
       "WCE": np.abs(error).max(),
       "bias": error.mean(),
       "MSE": (error.astype(float) ** 2).mean(),
       "variance": error.var(ddof=0)}
package = truncated.metrics()
for name, value in own.items():
    print(f"{name:9s} by hand {value:12.5f}   metrics() {package[name]:12.5f}")

# %% [markdown]
# ## Two multipliers with the same MAE
#
# No metric says everything. `roba` rounds the operands to powers of two in a clever way. It and a truncated one are
# almost equally wrong, if MAE is asked:

# %%
pair = [from_family(name, bits=BITS, signed=False)
        for name in ("truncated(k=8)", "roba")]
for m in pair:
    values = m.metrics()
    print(f"{m.name:18s}", *(f"{key} {values[key]:9.3f}  "
                             for key in ("MAE", "bias", "MRE%")))

figure, axes = new_figure(1, 2, size=(7.4, 3), sharey=True)
for axis, m in zip(axes, pair, strict=True):
    axis.hist(m.error_map.ravel(), bins=np.arange(-4150, 4151, 100),
              weights=np.full(2 ** 16, 100 / 2 ** 16), color=MEANING["predicted"])
    axis.axvline(m.error_map.mean(), color="black", linestyle="--", linewidth=1)
    axis.set(title=m.name, xlabel="exact - approximate", xlim=(-4200, 4200))
axes[0].set_ylabel("pairs (%)")
show(figure, "lesson_02_same_mae")

# %% [markdown]
# All errors of the truncated one have the same sign, so that its bias *is* its MAE. Errors of the other one have
# both signs and nearly cancel. As long as we look at one product it makes no difference. A neuron adds hundreds of
# products, and then it makes all the difference: this is lesson 5.
#
# **Try it.** Change `drum(k=5)` to `drum(k=3)`, or take any other family (`refapprox.multipliers.families()` lists
# them with their rules), and say what its map will look like before you draw it. On the command line,
# `refapprox multipliers show "drum(k=5)" --html page.html` makes a page on which you can point at single products.
#
# ## Exercises
#
# The multiplier of all three is `truncated(k=4)`, unsigned, eight bits, operands equally likely. Paper first.
#
# **2a.** What is its largest error?

# %%
print(check("2a", ...))

# %% [markdown]
# **2b.** What is its bias?

# %%
print(check("2b", ...))

# %% [markdown]
# **2c.** What share of all products is wrong? (A product is right if *every* missing cell is 0. Think of the lowest
# digit of $x$ that is 1, say digit $a$, and of the lowest one of $w$, digit $b$: which of the missing cells is the
# first to be 1?) Give it as a number between 0 and 1.

# %%
print(check("2c", ...))
