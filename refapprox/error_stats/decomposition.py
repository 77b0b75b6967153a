"""The few lines from which every rung follows: an error map split by what causes the error.

Under the pooled operand distributions p and q,

    e(x, w) = mu + a(x) + b(w) + d(x, w)                                                            (D)

with a(x) = E_w e - mu the share of the activation alone, b(w) = E_x e - mu that of the weight alone, and d their
interaction; E_x a = E_w b = E_x d = E_w d = 0. The three parts are uncorrelated under p and q, with variances
alpha, beta and delta that add up to the variance of one error.

This is the analysis of variance of a two-way table (R. A. Fisher); see docs/error_statistics.md.
"""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Decomposition:
    """Equation (D) for a stack of error maps."""

    mean: np.ndarray             # mu, (multipliers,)
    x_part: np.ndarray           # a, (multipliers, codes of x)
    w_part: np.ndarray           # b, (multipliers, codes of w)
    interaction: np.ndarray      # d, (multipliers, codes of x, codes of w)
    x_variance: np.ndarray       # alpha = E a^2, (multipliers,)
    w_variance: np.ndarray       # beta = E b^2
    interaction_variance: np.ndarray      # delta = E d^2


def decompose(emaps, x_dist, w_dist):
    """Split float64 `emaps` (multipliers, x, w) under the distributions of their operands."""
    given_x = emaps @ w_dist
    given_w = x_dist @ emaps
    mean = given_x @ x_dist
    x_part = given_x - mean[:, np.newaxis]
    w_part = given_w - mean[:, np.newaxis]
    interaction = emaps - given_x[:, :, np.newaxis] - w_part[:, np.newaxis, :]
    return Decomposition(mean, x_part, w_part, interaction, x_part ** 2 @ x_dist, w_part ** 2 @ w_dist,
                         (interaction ** 2 @ w_dist) @ x_dist)


def quadratic_form(vectors, matrix):
    """v^T matrix v for each row v; not negative where the matrix is positive semidefinite."""
    return np.maximum(((vectors @ matrix) * vectors).sum(axis=-1), 0)
