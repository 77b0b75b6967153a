# %% [markdown]
# # Lesson 9: Checking a framework, and a planted bug
#
# *15 minutes.* Somebody hands you a framework that simulates approximate multipliers. Its pictures look right, its
# accuracies look plausible, and one of its lines is wrong. You find the line with a suite of golden cases, and mend it.
#
# ## What is asked
#
# A wrong simulation seldom crashes. It gives numbers, and a network is so good at living with errors that the numbers
# look fine. **How do you find out that a framework computes something else than it says, and what?**
#
# ## Golden cases
#
# A *golden case* is one call of one operation with small inputs and the right answer. refapprox has hundreds, for
# everything that multiplies approximately. Each is made to probe one thing:

# %%
import inspect
import subprocess
import sys

import numpy as np

from refapprox import Multiplier
from refapprox.conformance import load_suite, run
from refapprox.lessons import check, show
from refapprox.lessons.planted import Framework
from refapprox.ops.lut_conv2d import lut_conv2d
from refapprox.plotting import MEANING, new_figure

suite = load_suite()
first = {}
for case in suite.select():
    first.setdefault(case.family, case)
print(len(suite), "cases in", len(first), "families; the first one of every third family:")
for case in list(first.values())[::3]:
    print(f"{case.id}:\n     {case.probes[:68]}")

# %% [markdown]
# ## An adapter
#
# The suite cannot know how your framework is called. An *adapter* tells it: a class with one method for each operation
# that the framework has. Here is the one that you were handed. It does sums of products and convolutions through a
# table of products, `lut[x - low, w - low]`, where `low` is the smallest code. Read it before you go on. Do you see the
# mistake?

# %%
print(inspect.getsource(Framework))

# %% [markdown]
# ## Run it
#
# These are the two lines that matter:

# %%
report = run(suite.select(), Framework())
for status in ("passed", "failed", "not applicable"):
    print(report.count(status), status)

# %% [markdown]
# *Not applicable* means that the adapter has no such operation. It is no pass: a framework of which nothing applies has
# not been checked.
#
# From the shell, the same, and in any language, since a program may answer JSON lines instead
# (`refapprox conformance run --program ./mine`). It ends with a code that a test server understands: 0 is fine, 1 is a
# failure. Here it stops at the first one:

# %%
command = ("refapprox conformance run --adapter refapprox.lessons.planted:Framework "
           "--select conv2d* --maxfail 1")
print(command)
done = subprocess.run([sys.executable, "-m", *command.split()], capture_output=True, text=True)
print(done.stdout, "exit code", done.returncode)

# %% [markdown]
# ## Read the diagnosis
#
# A failure has the case and what it probes, what was found and what was expected, and a few lines that reproduce it.
# And it has a *likely* mistake: the suite knows more than a hundred mistakes that people made, computes what each would
# have answered, and tells you which of these answers yours is. Look at where the failures are and what explains them:

# %%
for result in report.failures:
    print(f"{result.case.id}:\n     {result.message}")
print("explained by", report.likely_mistakes)

# %% [markdown]
# So plain convolutions pass and padded ones fail. The framework says: outside the image is zero, and zero times
# anything is zero. For exact products that is true, and nobody would notice. But in hardware a padded position is an
# operand like any other: it goes through the multiplier, and a multiplier need not give 0 for $0 \cdot w$.
#
# The smallest case that shows it: an image of zeros and a multiplier whose product is always one too large.

# %%
one_more = Multiplier.from_function("one more", lambda x, w: x * w + 1)
geometry = {"stride": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1,
            "x_zero_point": 0, "w_zero_point": 0}


def both(side):
    """Outputs for an image of zeros: as they should be, and as the framework has them."""
    image, kernel = np.zeros((1, 1, side, side), np.int64), np.zeros((1, 1, 3, 3), np.int64)
    theirs = Framework().conv2d(x=image, w=kernel, lut=one_more.lut, signed=True, **geometry)
    return lut_conv2d(image, kernel, one_more, padding=1)[0, 0], theirs[0, 0]


right, theirs = both(side=4)
print("right:", right, "the framework:", theirs, sep="\n")

# %% [markdown]
# The inside is right and the rim is not: a fingerprint. How much of a picture is rim?

# %%
sides = (28, 14, 7, 4, 2)
wrong = [100 * np.mean(np.not_equal(*both(side))) for side in sides]
figure, axis = new_figure(size=(6.4, 3.2))
axis.bar([f"{side} × {side}" for side in sides], wrong, color=MEANING["this"])
axis.set(xlabel="output of a 3 × 3 convolution with padding 1",
         ylabel="outputs that are wrong (%)", ylim=(0, 100))
show(figure, "lesson_09_rim")

# %% [markdown]
# In the first layer of a network it hardly shows. In a late layer, where pictures are small, all of it is wrong.
#
# ## Mend it
#
# Your turn. Derive a class from `Framework`, with a `conv2d` in which padded positions are looked up. The last line
# says how many cases still fail.

# %%
class Mended(Framework):
    name = "mended framework"
    # def conv2d(self, *, x, w, lut, signed, stride, padding, dilation, groups, x_zero_point, w_zero_point):
    #     ...


again = run(suite.select(["conv2d*", "matmul"]), Mended())
print("still wrong:", len(again.failures), "cases")

# %% [markdown]
# One thing will trip you up: with affine codes, real zero is not the code 0. What does a padded position hold then?
# (You met the answer in exercise 4c.)
#
# ## Keep it
#
# A check that runs once finds the bugs of today. In the tests of your framework these lines make every case a test:
#
# ```
# from refapprox.conformance.pytest_cases import conformance_test
# test_conformance = conformance_test("mypackage.adapter:MyAdapter")
# ```
#
# **Try it.** `refapprox.conformance.mutants.Mutant("transposed table")` is an adapter that makes a mistake of your
# choice. Run the suite on it: which families notice? Would an accuracy have told you?
#
# ## Exercises
#
# A signed multiplier returns $x w + 1$ for every pair of operands. A 3 × 3 convolution with padding 1 runs over a 4 × 4
# image.
#
# **9a.** A framework skips padded positions. By how much are its outputs too small in a corner, on an edge (not a
# corner), and in the middle?

# %%
print(check("9a", ...))

# %% [markdown]
# **9b.** `refapprox.lessons.planted` holds another framework, `SecondFramework`, with another mistake. Which one?
# Answer with the name that the suite has for it.

# %%
print(check("9b", ...))
