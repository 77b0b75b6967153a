"""Lesson 7: the gradients of a noise level, of its reward, and where the two balance."""
import numpy as np

from refapprox.lessons.judging import Answers
from refapprox.ops import agn, noise_loss

X, SIGMA, EPS, DY = np.array([0.0, 2.0, 4.0]), 0.25, np.array([1.0, 0.0, -1.0]), np.array([3.0, 5.0, 1.0])
LEVELS, SHARES, LMBD, CAP = np.array([-0.1, 0.6]), np.array([0.75, 0.25]), 0.4, 0.5


def gradient_of_sigma():
    """The gradient of the noise level of three outputs."""
    _, right = agn.backward(DY, agn.forward(X, SIGMA, eps=EPS)[1])
    along = float(DY @ EPS)
    return Answers(right, {
        "The spread here is that of a sample: divide by N - 1 under the root.": float(X.std(ddof=0)) * along,
        "The noise is a share of the spread of the outputs: the factor s(x) is missing.": along,
        "Sigma is what is differentiated by; it must not stand in its own gradient as a factor.": SIGMA * right,
        "That is the variance of the outputs as a factor. It has to be their standard deviation.":
            float(X.var(ddof=1)) * along,
        "Multiply what comes from behind with the draw, output by output, and then sum.": right / along * DY.sum()})


def reward(levels, cap=CAP):
    """Gradient of the reward term."""
    return noise_loss.backward(noise_loss.forward(levels, SHARES, lmbd=LMBD, sigma_max=cap)[1])


def gradient_of_the_reward():
    """The gradient of the reward term with respect to both noise levels."""
    right = reward(LEVELS)
    without_cap = reward(LEVELS, cap=10.0)
    return Answers(tuple(right.tolist()), {
        "The first layer has a negative sigma: its noise grows when sigma falls, and so does the reward.":
            (-float(right[0]), float(right[1])),
        "The second layer is beyond the cap: nothing is paid there, so nothing pulls.":
            (float(right[0]), float(without_cap[1])),
        "Two things: the first sigma is negative, and the second one is beyond the cap.":
            tuple(reward(np.abs(LEVELS), cap=10.0).tolist()),
        "Every layer is paid by its share of the multiplications; the shares are missing.":
            (float(right[0] / SHARES[0]), float(right[1])),
        "The factor lambda is missing.": (float(right[0] / LMBD), float(right[1]))})


def balance():
    """The level at which the reward of a quarter of the multiplications balances a rise of sigma squared."""
    share, curvature = 0.25, 2.0
    pull = -float(noise_loss.backward(noise_loss.forward([0.01, 0.01], [share, 1 - share], lmbd=LMBD)[1])[0])
    return Answers(pull / curvature, {
        "Slopes balance, and that of a square has a factor 2. (The parabola of the lesson has one half in it.)":
            pull,
        "The reward of a layer has its share of the multiplications as a factor.": LMBD / curvature,
        "That is the share alone; how much is paid depends on lambda, too.": share / curvature})


EXERCISES = {"7a": gradient_of_sigma, "7b": gradient_of_the_reward, "7c": balance}
