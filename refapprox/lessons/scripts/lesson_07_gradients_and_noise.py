# %% [markdown]
# # Lesson 7: Gradients by hand, and the noise that a network tolerates
#
# *20 minutes.* You write the backward pass of a small network yourself, with a check that finds a wrong gradient. Then
# you give every layer a volume control for noise and let the network learn how loud it may be.
#
# ## What is asked
#
# An approximate multiplier disturbs the outputs of a layer, some layers more, some less (lesson 6). **How much may each
# layer be disturbed?** Trying it out layer by layer, level by level, is endless. Trommer, Waschneck and Kumar (2022)
# ask the network instead: the level of noise becomes a parameter that is trained together with the weights. For that
# one needs its gradient.
#
# ## What a gradient by hand is
#
# A network computes a number, the *loss* $L$, in many small steps. A step takes $x$ and gives $y = f(x)$. Going
# backward it is told $\bar y = \partial L / \partial y$, how the loss reacts to its output, and has to say
# $\bar x = \partial L / \partial x$. That is all there is to know of a step; the steps are then chained.
#
# A layer is a matrix product, $y = x w$. One entry of it is $y_{ij} = \sum_k x_{ik} w_{kj}$, so $x_{ik}$ reaches the
# loss through every $y_{ij}$ of its row, each time with the factor $w_{kj}$:
#
# $$\bar x = \bar y\, w^{\mathsf T}, \qquad \bar w = x^{\mathsf T} \bar y .$$

# %%
import numpy as np

from refapprox import SyntheticDigits
from refapprox.lessons import check, show
from refapprox.ops import cross_entropy
from refapprox.plotting import new_figure


def product(x, w):
    return x @ w


def product_backward(dy, x, w):
    return dy @ w.T, x.T @ dy


# %% [markdown]
# (In the program $\bar y$ is called `dy`, as everywhere in this package.)
#
# ## How to trust it
#
# A gradient says what a small step does to the loss. So take the step. For a direction $v$,
#
# $$\sum \bar x\, v \;\approx\; \frac{L(x + h v) - L(x - h v)}{2 h} .$$
#
# What is $L$? Anything will do; we take $L = \sum \bar y\, y$ with a *random* $\bar y$.

# %%
def agrees(f, gradient, x, dy, rng, h=1e-5):
    """Whether `gradient` is that of sum(dy * f(x)), along a random direction."""
    direction = rng.normal(size=x.shape)
    change = f(x + h * direction) - f(x - h * direction)
    slope = np.sum(dy * change) / (2 * h)
    terms = gradient * direction
    return abs(np.sum(terms) - slope) < 1e-6 * np.sum(np.abs(terms))


rng = np.random.default_rng(0)
x, w, dy = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=(4, 5))
dx, dw = product_backward(dy, x, w)
print("gradient of x", agrees(lambda x: x @ w, dx, x, dy, rng))
print("gradient of w", agrees(lambda w: x @ w, dw, w, dy, rng))
print("one part in a thousand too large:", agrees(lambda x: x @ w, 1.001 * dx, x, dy, rng))

# %% [markdown]
# Why random, and not simply a $\bar y$ of ones? Here is a step that reverses the order of its input, and a backward
# pass that forgot to. Ones cannot tell the difference, as they are the same in any order:

# %%
x = rng.normal(size=6)
for name, dy in (("ones  ", np.ones(6)), ("random", rng.normal(size=6))):
    print(name, "forgotten:", agrees(np.flip, dy, x, dy, rng),
          "  remembered:", agrees(np.flip, np.flip(dy), x, dy, rng))

# %% [markdown]
# ## The noise layer
#
# What a multiplier does to a layer is, seen from outside, noise on its outputs. Put it there on purpose:
#
# $$y = x + \sigma\, s(x)\, \varepsilon, \qquad \varepsilon \sim N(0, 1),$$
#
# with an $\varepsilon$ for every output and $s(x)$ the standard deviation of all outputs together, over the batch. So
# $\sigma$ has no unit: $\sigma = 0.1$ is noise of one tenth of what the outputs vary by themselves. These are the two
# lines that matter:
#
# $$\begin{aligned}
# \bar\sigma &= s \sum \bar y\, \varepsilon, \\
# \bar x &= \bar y + \sigma \Bigl(\sum \bar y\, \varepsilon\Bigr) \frac{x - \mathrm{mean}(x)}{(N - 1)\, s} .
# \end{aligned}$$
#
# The first is plain: $\sigma$ stands there as a factor. The second has a part that is easily forgotten: $x$ moves $s$
# as well. The draw $\varepsilon$ is held fixed, as it is another one in every batch.

# %%
def noisy(x, sigma, eps):
    return x + sigma * x.std(ddof=1) * eps


def noisy_backward(dy, x, sigma, eps):
    s, along = x.std(ddof=1), np.sum(dy * eps)
    return dy + sigma * along * (x - x.mean()) / ((x.size - 1) * s), s * along


x, sigma = rng.normal(2, 3, (4, 5)), np.array(0.3)
dy, eps = rng.normal(size=(2, 4, 5))
dx, dsigma = noisy_backward(dy, x, sigma, eps)
print("gradient of x    ", agrees(lambda x: noisy(x, sigma, eps), dx, x, dy, rng))
print("gradient of sigma", agrees(lambda s: noisy(x, s, eps), dsigma, sigma, dy, rng))
print("without its second part", agrees(lambda x: noisy(x, sigma, eps), dy, x, dy, rng))

# %% [markdown]
# ## Why noise should grow at all
#
# Training makes the loss small, and noise makes it larger, so $\sigma$ would be trained to 0. It needs a reward:
#
# $$L = \text{cross entropy} - \lambda \sum_l c_l\, |\sigma_l| ,$$
#
# where $c_l$ is the share of layer $l$ in all multiplications of the network: noise in a layer that multiplies a lot
# is worth more, because there a cheap multiplier saves more. (So that no layer runs away, nothing is paid beyond
# $|\sigma_l| = 0.5$.)
#
# Where does this come to rest? Noise of mean zero does no harm to first order: it pushes the loss up as often as down.
# What remains is a parabola, $\tfrac12 a_l \sigma_l^2$, where $a_l$ says how sensitive the layer is. The reward pulls
# with $\lambda c_l$, the cross entropy pushes with $a_l \sigma_l$, and they balance at
#
# $$|\sigma_l| = \frac{\lambda\, c_l}{a_l} .$$
#
# A layer becomes loud if it multiplies much and minds little. Both are found without asking anybody.
#
# ## A network, forward and backward
#
# Two layers on drawn digits, 784 pixels to 32 neurons to 10 classes, each with its noise. The backward pass is the
# forward pass read from the bottom to the top.

# %%
FAN_IN, OUTPUTS = np.array([784, 32]), np.array([32, 10])
SHARES = FAN_IN * OUTPUTS / np.sum(FAN_IN * OUTPUTS)
data = SyntheticDigits(n_train=2400, n_test=1000, batch_size=32)


def forward(p, x, eps):
    y1 = x @ p["w1"]
    hidden = np.maximum(noisy(y1, p["sigma"][0], eps[0]) + p["b1"], 0)
    y2 = hidden @ p["w2"]
    return noisy(y2, p["sigma"][1], eps[1]) + p["b2"], (y1, hidden, y2)


def gradients(p, x, labels, eps, lmbd):
    logits, (y1, hidden, y2) = forward(p, x, eps)
    dlogits = cross_entropy.backward(cross_entropy.forward(logits, labels)[1])
    dy2, dsigma2 = noisy_backward(dlogits, y2, p["sigma"][1], eps[1])
    dhidden, dw2 = product_backward(dy2, hidden, p["w2"])
    dbefore = dhidden * (hidden > 0)
    dy1, dsigma1 = noisy_backward(dbefore, y1, p["sigma"][0], eps[0])
    _, dw1 = product_backward(dy1, x, p["w1"])
    reward = -lmbd * SHARES * np.sign(p["sigma"]) * (np.abs(p["sigma"]) < 0.5)
    return {"w1": dw1, "b1": dbefore.sum(axis=0), "w2": dw2, "b2": dlogits.sum(axis=0),
            "sigma": np.array([dsigma1, dsigma2]) + reward}


# %% [markdown]
# The check works for the whole chain as well. Here for all 784 · 32 weights of the first layer at once, with a shorter
# step, because no rectifier may switch on the way:

# %%
p = {"w1": rng.normal(0, 0.05, (784, 32)), "b1": np.zeros(32),
     "w2": rng.normal(0, 0.25, (32, 10)), "b2": np.zeros(10), "sigma": np.full(2, 0.025)}
x = data.test.images[:20].reshape(20, -1).astype(float)
labels = data.test.labels[:20]
eps = [rng.normal(size=(20, 32)), rng.normal(size=(20, 10))]


def loss_of(w1):
    return cross_entropy.forward(forward(p | {"w1": w1}, x, eps)[0], labels)[0]


dw1 = gradients(p, x, labels, eps, lmbd=0)["w1"]
print("gradient of w1", agrees(loss_of, dw1, p["w1"], 1.0, rng, h=1e-6))

# %% [markdown]
# Now train: first the weights, without noise; then everything together, for three values of $\lambda$ and three seeds.

# %%
def train(p, rng, epochs, lr, lmbd=None):
    """Gradient descent with momentum; without `lmbd` there is no noise. Returns |sigma| after every batch."""
    p, levels = dict(p), [np.abs(p["sigma"])]
    velocity = {name: np.zeros_like(value) for name, value in p.items()}
    for _ in range(epochs):
        for images, labels in data.train_batches(rng):
            x = images.reshape(len(images), -1).astype(float)
            eps = [rng.normal(size=(len(x), m)) * (lmbd is not None) for m in OUTPUTS]
            for name, gradient in gradients(p, x, labels, eps, lmbd or 0).items():
                velocity[name] = 0.9 * velocity[name] + gradient
                p[name] = p[name] - lr * velocity[name]
            levels.append(np.abs(p["sigma"]))
    return p, np.array(levels)


def accuracy(p):
    x = data.test.images.reshape(len(data.test.images), -1)
    quiet = [np.zeros((len(x), m)) for m in OUTPUTS]
    return np.mean(forward(p, x, quiet)[0].argmax(axis=1) == data.test.labels)


trained, _ = train(p, np.random.default_rng(0), epochs=4, lr=0.01)
print(f"trained without noise: {100 * accuracy(trained):.1f} % right")
LAMBDAS = (0.1, 0.3, 1.0)
curves = {}
for lmbd in LAMBDAS:
    for seed in range(3):
        found, curve = train(trained, np.random.default_rng(seed), epochs=4, lr=0.005, lmbd=lmbd)
        curves[lmbd, seed] = curve
        print(f"lambda {lmbd}, seed {seed}: |sigma| {curve[-1].round(3)}, "
              f"{100 * accuracy(found):.1f} % right")

# %%
figure, axes = new_figure(1, 2, size=(8, 3.6), sharey=True)
for layer, axis in enumerate(axes):
    for lmbd, color, line in zip(LAMBDAS, ("#e69f00", "#0072b2", "#000000"), (":", "--", "-"),
                                 strict=True):
        for seed in range(3):
            axis.plot(curves[lmbd, seed][:, layer], line, color=color, linewidth=1,
                      label=f"λ = {lmbd}" if seed == 0 else None)
    axis.set_title(f"layer {layer + 1}, {100 * SHARES[layer]:.1f} % of the multiplications",
                   fontsize=10)
    axis.set_xlabel("batches")
axes[0].set_ylabel("|σ|")
axes[0].legend(loc="center right")
show(figure, "lesson_07_noise_levels")

# %% [markdown]
# The first layer makes nearly all multiplications: it is paid well, and the larger $\lambda$, the louder it becomes.
# The second is paid for 1.3 % and decides between ten classes: it stays quiet. The accuracy hardly moves, since the
# weights learn to live with the noise while it grows. And three seeds give three levels: what is learned from random
# draws scatters.
#
# The sign of $\sigma$ means nothing; noise with $-\sigma$ is the same noise. Some of the levels pass through zero and
# come back on the other side.
#
# **Try it.** Give both layers the same share, `SHARES = np.array([0.5, 0.5])`. Does the second layer become as loud as
# the first? Add noise of level 0.5 to one layer of `trained` at a time and measure the accuracy: which layer minds?
#
# ## Exercises
#
# **7a.** Paper and pencil. Three outputs $x = (0, 2, 4)$ of a noise layer with $\sigma = 0.25$; the draw was
# $\varepsilon = (1, 0, -1)$, and from behind comes $\bar y = (3, 5, 1)$. What is $\bar\sigma$?

# %%
print(check("7a", ...))

# %% [markdown]
# **7b.** Two layers make 75 % and 25 % of the multiplications; $\lambda = 0.4$, $\sigma = (-0.1, 0.6)$, and nothing is
# paid beyond $|\sigma| = 0.5$. What is the gradient of the *reward term of the loss* with respect to the two $\sigma$?

# %%
print(check("7b", ...))

# %% [markdown]
# **7c.** The cross entropy of a network rises by $\sigma^2$ when the outputs of one of its layers get noise of level
# $\sigma$. The layer makes a quarter of the multiplications, $\lambda = 0.4$. At which $|\sigma|$ does training come to
# rest?

# %%
print(check("7c", ...))
