# %% [markdown]
# # Lesson 3: Designs and their costs
#
# *15 minutes.* Thirteen multipliers that somebody else designed, what each costs and how wrong it is. You find those
# worth a look, the Pareto front, and see that the answer changes with the metric and with the operands.
#
# ## What is asked
#
# A wrong multiplier is only interesting if it is cheaper. **Which of many designs should one consider at all?**
#
# ## Three costs of a circuit
#
# - **Area**: the sum of the areas of its gates. It is what the chip costs.
# - **Delay**: the longest path from an input to an output. It limits the clock.
# - **Power**: every gate takes a little all the time, and more whenever its output changes. Where there is a battery,
#   this is the one that counts.
#
# For the truncated multipliers of lesson 2, estimated from their gates:

# %%
import numpy as np

from refapprox import load_library
from refapprox.lessons import check, show
from refapprox.multipliers import family_netlist
from refapprox.multipliers.circuits import area, delay, power

for name in ("exact", "truncated(k=4)", "truncated(k=6)", "truncated(k=8)"):
    netlist = family_netlist(name, bits=8, signed=False)
    print(f"{name:15s} area {area(netlist):6.1f} um^2   "
          f"power {power(netlist):.3f} mW   delay {delay(netlist):.2f} ns")

# %% [markdown]
# These are estimates. They add up figures of single gates that were fitted to published circuits of a 45 nm
# process; they rank designs, they do not describe a chip.
#
# Power depends on the operands as well: what does not change costs little. With half of the activations zero, as
# behind a rectifier, the same exact multiplier takes less:

# %%
half_zeros = np.full(256, 0.5 / 255)
half_zeros[0] = 0.5
netlist = family_netlist("exact", bits=8, signed=False)
print(f"operands uniform              {power(netlist):.3f} mW")
print(f"half of the activations zero  {power(netlist, half_zeros):.3f} mW")

# %% [markdown]
# ## A library
#
# EvoApproxLib is a collection of circuits found by evolution: a program changed gates at random and kept what was
# cheaper or less wrong (Mrazek and others, 2017). Thirteen of its signed 8-bit multipliers come with this package.
# Their power is what the authors published after synthesis:

# %%
library = load_library("builtin")
by_cost = sorted(library, key=lambda m: m.performance_metric)
for m in by_cost:
    metrics = m.metrics()
    print(f"{m.name}  {m.performance_metric:.3f} mW   "
          f"MAE {metrics['MAE%']:.4f} %   EP {metrics['EP%']:5.1f} %")

# %% [markdown]
# From 0.052 to 0.425 mW, eight times less for a mean error of 3 %. The last one is exact: it is what all others are
# measured against.
#
# Some turned out to be plain: `mul8s_1L2D` rounds both operands down to multiples of four and multiplies these.
# Others leave out cells, like the multipliers of lesson 2. So we can make their gates ourselves and hold our
# estimate against the published figure:

# %%
plain = {"mul8s_1L2D": "operand_truncated(t=2)",
         "mul8s_1L2H": "operand_truncated(t=1)",
         "mul8s_1KVL": "broken_array(h=2, v=5)",
         "mul8s_1KVB": "broken_array(h=0, v=3)"}
for name, family in plain.items():
    netlist = family_netlist(family)
    same = (netlist.lut == library[name].lut).all()
    published = library[name].performance_metric
    print(f"{name} = {family}, same table: {same}")
    print(f"   published {published:.3f} mW   estimated {power(netlist):.3f} mW")

# %% [markdown]
# The tables are the same, the estimates are lower: one table can be made of different gates, and ours are others
# than those that were synthesized. The order of the four is the same. Trust a figure as far as you know where it
# comes from, and compare figures of one origin only.
#
# ## Who is beaten
#
# Take two designs. If one is cheaper and less wrong than the other, nobody needs the other. In general:
#
# > A design is **dominated** if another one costs no more and errs no more, and is better in at least one of the two.
#
# What nothing dominates is the **Pareto front**. Go through the designs from the cheapest to the dearest; one is on
# the front exactly if it is less wrong than all that were cheaper. These are the lines that matter:


# %%
def pareto_front(designs, error):
    """Those that are less wrong than everything cheaper; `designs` rise in cost."""
    front = []
    for m in designs:
        if not front or error(m) < error(front[-1]):
            front.append(m)
    return front


front = pareto_front(by_cost, lambda m: m.metrics()["MAE%"])
print(len(front), "on the front; not on it:",
      *[m.name for m in by_cost if m not in front])

# %%
show(library.plot("power", "MAE%"), "lesson_03_front")

# %% [markdown]
# Only `mul8s_1KTY` is dominated: `mul8s_1L2D` is cheaper and its mean absolute error is smaller.
#
# ## Another question, another front
#
# Is `mul8s_1KTY` useless then? Ask for the error *probability* instead:

# %%
show(library.plot("power", "EP%"), "lesson_03_front_by_probability")

# %% [markdown]
# Now it is on the front, and six others are not. A front belongs to a metric. It belongs to operands as well.
# Take activations as they come from behind a rectifier, half of them zero and the others never negative, and weights
# that are mostly small:

# %%
codes = np.arange(-128, 128)
weights = np.exp(-(codes / 30) ** 2 / 2)
weights /= weights.sum()
activations = np.where(codes > 0, np.exp(-(codes / 40) ** 2 / 2), 0)
activations *= 0.5 / activations.sum()
activations[codes == 0] = 0.5

for name in ("mul8s_1L2D", "mul8s_1KTY"):
    uniform, real = library[name].metrics(), library[name].metrics(activations, weights)
    print(name)
    print(f"   uniform:             MAE {uniform['MAE']:6.1f}   bias {uniform['bias']:6.2f}")
    print(f"   behind a rectifier:  MAE {real['MAE']:6.1f}   bias {real['bias']:6.2f}")

# %% [markdown]
# Both became less wrong, because real operands are small. But look at the bias. Over all operands both are nearly
# free of it; behind a rectifier `mul8s_1L2D` has one of more than twenty units, and `mul8s_1KTY` still has none.
# You will meet these two again in lesson 5, where the dominated one wins.
#
# **Try it.** Draw the front for `WCE%`, or of a library with a design of your own: `load_library(["builtin",
# "operand_jammed(t=2)"])`. (A design has a place in the picture if its cost is known; give it with
# `costs={"operand_jammed(t=2)": 0.2}`.)
#
# ## Exercises
#
# **3a.** Six designs, (cost, error): A (0.43, 0), B (0.40, 0.5), C (0.30, 0.5), D (0.30, 0.9), E (0.12, 2.0),
# F (0.15, 2.5). Which are on the front? Answer with their letters in alphabetical order, such as `"ABF"`.

# %%
print(check("3a", ...))

# %% [markdown]
# **3b.** You may use a multiplier of the library whose mean absolute error, over uniform operands, is below 0.1 %
# (MAE%). Which one do you take? Answer with its name.

# %%
print(check("3b", ...))

# %% [markdown]
# **3c.** `mul8s_1L2D` clears the two lowest bits of both operands and multiplies what is left. Activations are
# uniform over 0, 1, ..., 127, weights uniform over all codes from -128 to 127. What is the bias? (Paper: what does
# clearing two bits take away from an operand on average? Then use that the operands are independent.)

# %%
print(check("3c", ...))
