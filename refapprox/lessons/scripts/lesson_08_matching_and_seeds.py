# %% [markdown]
# # Lesson 8: Matching and retraining, and what a seed changes
#
# *20 minutes.* What the lessons before found comes together: what each layer tolerates (7), what each multiplier does
# to it (6), what it costs (3). You assign multipliers to the layers of a network, retrain it through their tables, and
# then do everything five times, because one run proves little.
#
# ## What is asked
#
# A library holds 13 multipliers, from 0.052 to 0.425 mW. A network has three layers. **Which layer gets which
# multiplier, what does the network lose, what can retraining win back, and how sure can you be of the answer?**
#
# ## The rule, for one layer
#
# A layer has learned that its outputs may be disturbed by $\sigma_l$ times their own standard deviation. Multiplier $m$
# disturbs them by an accumulated error of standard deviation $\mathrm{std}_l(m)$. Two lines that matter:
#
# $$\begin{aligned}
# \text{allowed:}\quad & \mathrm{std}_l(m) \le |\sigma_l| \cdot \mathrm{std}(\text{outputs of } l), \\
# \text{chosen:}\quad & \text{the cheapest } m \text{ that is allowed.}
# \end{aligned}$$
#
# We look at it in LeNet-5, which comes with its noise levels trained:

# %%
import numpy as np

from refapprox import LeNet5, SyntheticDigits, load_library
from refapprox.lessons import check, show
from refapprox.matching import deploy_multipliers, get_feature_maps, predicted_stds, select_multipliers
from refapprox.nets import ApproxNet, StageSettings
from refapprox.network import BatchNorm, Conv2D, Flatten, Linear, ReLU, Sequential
from refapprox.plotting import MEANING, new_figure

library = load_library("builtin")
space = library.search_space()
lenet, few = LeNet5.pretrained("synthetic"), SyntheticDigits(n_train=240, n_test=1)
layer = get_feature_maps(lenet, few, rng=np.random.default_rng(0))["linear2"]
sigma = abs(dict(lenet.noisy_modules)["linear2"].stdev)
allowed = sigma * layer.output_std()
print(f"sigma {sigma:.4f}, std of the outputs {layer.output_std():.0f}: allowed {allowed:.0f}")

stds = predicted_stds(layer, space, rng=np.random.default_rng(0), estimator="exact_data")
for std, m in sorted(zip(stds, space, strict=True), key=lambda pair: pair[1].performance_metric):
    verdict = "allowed" if std <= allowed else ""
    print(f"{m.name}  {m.performance_metric:.3f} mW  error {std:7.1f}  {verdict}")

# %% [markdown]
# The first one in this list that is allowed is chosen. `select_multipliers` does this for all layers of a network.
#
# ## A network of our own
#
# Small enough that five trainings take seconds: two convolutions and a linear layer for drawn digits. `StageSettings`
# says how long and how fast each of the four stages trains.

# %%
STAGES = {"baseline": StageSettings(epochs=4, lr=0.1),
          "quant": StageSettings(epochs=1, lr=1e-3),
          "gradient": StageSettings(epochs=2, lr=2e-3, sigma_lr=5e-3),
          "approx": StageSettings(epochs=1, lr=2e-3)}


def small_network(rng):
    model = Sequential(
        conv1=Conv2D(1, 6, 5, stride=2, padding=2, bias=False, rng=rng),
        bn1=BatchNorm(6), relu1=ReLU(),
        conv2=Conv2D(6, 12, 5, stride=2, padding=2, bias=False, rng=rng),
        bn2=BatchNorm(12), relu2=ReLU(),
        flatten=Flatten(), linear=Linear(12 * 7 * 7, 10, rng=rng))
    return ApproxNet(model, (1, 28, 28), STAGES, rng=rng, name="small network")


# %% [markdown]
# ## All of it, once
#
# 1. **baseline**: train with exact products of real numbers;
# 2. **quantized**: go on with integer codes (lesson 4), because those are what a multiplier multiplies;
# 3. **noise search**: let every layer find its $\sigma_l$ (lesson 7);
# 4. **matching**: the rule above, for every layer;
# 5. **deployed**: every layer takes its products from the table of its multiplier;
# 6. **retrained**: train through the tables. A table has no slope, so backward pretends that the products were exact.
#    Strange, but it works: the weights see what the errors do to the loss and move out of their way.

# %%
data = SyntheticDigits(n_train=1800, n_test=1000, batch_size=32)


def whole_run(seed, lmbd=0.5):
    """(assignment, test accuracy in percent after each stage) for one seed."""
    rng = np.random.default_rng(seed)
    net, accuracy = small_network(rng), {}
    _, accuracy["baseline"] = net.train_baseline(data, test=True)
    _, accuracy["quantized"] = net.train_quant(data, test=True)
    net.train_gradient(data, lmbd=lmbd, initial_noise=0.05)
    assignment = select_multipliers(net, data, space, rng=rng)
    deploy_multipliers(net, assignment, library)
    _, accuracy["deployed"] = net.test(data)
    _, accuracy["retrained"] = net.train_approx(data, test=True)
    return assignment, {stage: 100 * value for stage, value in accuracy.items()}


assignment, accuracy = whole_run(seed=0)
for layer in assignment.layers:
    print(f"{layer.name:>6}: sigma {layer.sigma:+.3f}, {layer.multiplier_name}, "
          f"error {layer.predicted_std:.0f} of {layer.allowed_std:.0f}")
for stage, value in accuracy.items():
    print(f"{stage:>9}: {value:.1f} % right")
print(f"energy, relative to exact multipliers: {assignment.relative_energy_consumption:.3f}")

# %% [markdown]
# A third of the energy, and after retraining the network is as good as before. A nice result. Would you publish it?
# (Your numbers may differ a little: another processor adds up in another order, and training makes small differences
# larger.)
#
# ## All of it, five times
#
# Initial weights, the order of the images and the noise are random. Only the seed changes:

# %%
runs = {0: (assignment, accuracy)} | {seed: whole_run(seed) for seed in range(1, 5)}
print("seed  " + " -> ".join(accuracy) + ", energy")
for seed, (assignment, accuracy) in runs.items():
    print(f"{seed:4}  " + " -> ".join(f"{value:.1f}" for value in accuracy.values())
          + f", {assignment.relative_energy_consumption:.3f}: "
          + " ".join(layer.multiplier_name.removeprefix("mul8s_") for layer in assignment.layers))

# %%
stages = list(accuracy)
figure, axis = new_figure(size=(6.4, 3.8))
for _, values in runs.values():
    axis.plot(stages, [values[stage] for stage in stages], "-o", color=MEANING["simulated"],
              markerfacecolor="none", linewidth=0.7)
axis.set_ylabel("test accuracy (%), one line per seed")
show(figure, "lesson_08_seeds")

# %% [markdown]
# Look at a run that fell deep. Its noise search came out a little bolder, so the second convolution was allowed
# the cheapest multiplier of all, and before retraining the network has lost much of what it knew. The others lost
# little. With a single seed you would have told one of two opposite stories.
#
# ## What may be said
#
# With $n$ runs, the mean $\bar a$ is known up to its *standard error*,
#
# $$\bar a \pm \frac{s}{\sqrt n}, \qquad s^2 = \frac{1}{n - 1} \sum_i (a_i - \bar a)^2$$
#
# with $n - 1$, because the runs are a sample of all runs that might have been. A second thing scatters: a test set is a
# sample too. With $t$ images and accuracy $a$, counting the right ones has standard deviation $\sqrt{a (1 - a) / t}$,
# here about 0.8 percent. A smaller difference says nothing.

# %%
n = len(runs)
for stage in stages:
    values = np.array([values[stage] for _, values in runs.values()])
    spread = values.std(ddof=1)
    print(f"{stage:>9}: mean {values.mean():.1f} ± {spread / np.sqrt(n):.1f}, spread {spread:.1f}")
gain = np.array([values["retrained"] - values["quantized"] for _, values in runs.values()])
error = gain.std(ddof=1) / np.sqrt(n)
print(f"retrained less quantized, run by run: {gain.mean():+.1f} ± {error:.1f}")

# %% [markdown]
# Differences are taken *run by run*: a seed that is good at one stage is good at the next one as well, and in the
# difference that cancels. That retraining brings the networks back is certain; by how much they are better or worse
# than quantized ones, five runs hardly say. And before retraining no single figure describes the runs: only their
# spread does.
#
# **Try it.** Take `lmbd=0.2` or `lmbd=1.0`: what do energy and spread do? Put the cheapest multiplier of all,
# `mul8s_1KR3`, into every layer (`refapprox.matching.deploy_uniform`): does retraining still help?
#
# ## Exercises
#
# Outputs of a layer have mean 0 and standard deviation 50 in accumulator units; it learned $\sigma = 0.1$. Three
# multipliers cost 0.2, 0.4 and 0.9; over this layer's operands, fan-in 25, the standard deviation of one product's
# error is 1.2, 0.8 and 0.1, and errors are independent.
#
# **8a.** What is the standard deviation of the accumulated error for each of the three?

# %%
print(check("8a", ...))

# %% [markdown]
# **8b.** The rule chooses one of them. This layer makes 80 % of all multiplications, the rest of the network uses the
# multiplier of cost 0.9. What is the energy of the network, relative to using that one everywhere?

# %%
print(check("8b", ...))

# %% [markdown]
# **8c.** Five seeds gave test accuracies of 93.3, 90.8, 94.0, 95.2 and 93.7 %. Give the mean and its standard error.

# %%
print(check("8c", ...))
