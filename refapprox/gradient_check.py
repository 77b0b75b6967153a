"""Is a hand-written gradient the derivative of what it claims to differentiate?

For a function y = f(x), a cotangent D and the loss L(x) = sum(D * f(x)), a gradient g of L must satisfy, along any
direction v,

    sum(g * v) = (L(x + h v) - L(x - h v)) / (2 h) + error                             (1)
    |error| <= h^2/6 |L'''| + eps/h * sum |D * f|                                      (2)

The first term truncates, the second rounds; h = eps**(1/3) balances them near 1e-10. A *random* cotangent and a
*random* direction see a flipped kernel or a transposed matrix, to which sums of ones are blind.

Reference: W. H. Press et al., Numerical Recipes, 3rd ed., section 5.7.
"""
import numpy as np

from refapprox.validation import check_rng

EPS = np.finfo(np.float64).eps
STEP = np.cbrt(EPS)
RTOL = 1e-6      # of sum |g * v|; the truncation of (2) is 6e-12 |L'''|, the rest is room for strong curvature


def gradient_agrees(forward, backward, inputs, *, rng, rtol=RTOL):
    """Whether `backward` is the vector-Jacobian product of `forward`, by (1).

    Parameters
    ----------
    forward : callable
        ``forward(*inputs) -> (y, cache)``.
    backward : callable
        ``backward(dy, cache) -> gradient``, or a tuple of gradients, one for each of `inputs`.
    inputs : sequence of float64 arrays
        Away from kinks by more than about ``6e-6`` times a standard-normal deviate.
    rng : numpy.random.Generator
        Draws the cotangent and two directions for each input.
    rtol : float, optional
        Relative to sum |g * v|, so that cancellation in sum(g * v) excuses nothing.

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If an input is not float64, or a gradient does not have the shape of its input.

    Examples
    --------
    >>> forward = lambda x: (x**2, x)
    >>> x = np.array([1.0, 2.0])
    >>> gradient_agrees(forward, lambda dy, x: 2 * x * dy, [x], rng=np.random.default_rng(0))
    True
    >>> gradient_agrees(forward, lambda dy, x: 2.001 * x * dy, [x], rng=np.random.default_rng(0))
    False
    """
    check_rng(rng)
    inputs = list(inputs)
    y, cache = forward(*inputs)
    dy = rng.normal(size=np.shape(y))
    gradients = backward(dy, cache)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    rounding = 8 * EPS / STEP * np.abs(dy * y).sum()      # (2); 8 covers the sums inside one output
    for position, (x, gradient) in enumerate(zip(inputs, gradients, strict=True)):
        check_input(position, x, gradient)

        def loss(x, position=position):
            return np.sum(dy * forward(*inputs[:position], x, *inputs[position + 1:])[0])

        anywhere, size = rng.normal(size=(2, *x.shape))
        for direction in (anywhere, np.copysign(size, gradient)):
            slope = (loss(x + STEP * direction) - loss(x - STEP * direction)) / (2 * STEP)
            terms = gradient * direction
            if not abs(terms.sum() - slope) <= rtol * np.abs(terms).sum() + rounding:          # (1)
                return False
    return True


def check_input(position, x, gradient):
    if x.dtype != np.float64:
        raise ValueError(f"input {position} of gradient_agrees must be float64, got {x.dtype}: "
                         "differences in float32 prove nothing.")
    if np.shape(gradient) != x.shape:
        raise ValueError(f"gradient {position} must have the shape of its input {x.shape}, got {np.shape(gradient)}.")
