"""What is known of a layer's activations and weights, from full integer codes down to one histogram each.

An estimator that needs more than what it was given says so.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.validation import WrongKindError, check_codes, check_distribution, check_integer, shown

INT8 = (-128, 127)
BLOCK_BINS = 1 << 22      # histogram bins held at once while pairs are counted: 32 MiB
MAX_BINS = 1 << 24        # codes of one histogram: 128 MiB


@dataclass(frozen=True, eq=False, repr=False)
class OperandStatistics:
    """One side of a layer's products: the activations, grouped by receptive field, or the weights, by neuron.

    Made by one of the four constructors. Attributes that the input does not determine raise a ValueError.

    Parameters
    ----------
    size : int
        Number of codes.
    code_range : (int, int), optional
        (qmin, qmax), where it is known.
    codes_or_none : int64 array, shape (groups, fan_in), optional
    local_or_none : float64 array, shape (groups, size), optional
    taps_or_none : float64 array, shape (fan_in, size), optional
    pooled_or_none : float64 array, shape (size,), optional
        What the constructors keep of what they were given.

    Examples
    --------
    >>> side = OperandStatistics.from_codes([[0, 1], [1, 1]], code_range=(0, 1))
    >>> side.pooled.tolist(), side.local.tolist(), side.taps.tolist()
    ([0.25, 0.75], [[0.5, 0.5], [0.0, 1.0]], [[0.5, 0.5], [0.0, 1.0]])
    """

    size: int
    code_range: tuple[int, int] | None = None
    codes_or_none: NDArray[np.int64] | None = None
    local_or_none: NDArray[np.float64] | None = None
    taps_or_none: NDArray[np.float64] | None = None
    pooled_or_none: NDArray[np.float64] | None = field(default=None)

    @classmethod
    def from_codes(cls, codes: ArrayLike, code_range: tuple[int, int] = INT8,
                   name: str = "codes") -> OperandStatistics:
        """Full codes: receptive fields, or the transposed weight matrix.

        Parameters
        ----------
        codes : integer array, shape (groups, fan_in)
        code_range : (int, int), optional
            (qmin, qmax).
        name : str, optional
            Of the codes, in messages.
        """
        qmin, qmax = check_code_range("code_range" if name == "codes" else f"range_{name}", code_range)
        codes = check_codes(name, codes, qmin, qmax)
        if codes.ndim != 2 or codes.size == 0:
            raise ValueError(f"{name} must be a non-empty matrix of integer codes, got shape {codes.shape}.")
        return cls(qmax - qmin + 1, (qmin, qmax), codes_or_none=codes)

    @classmethod
    def from_distribution(cls, distribution: ArrayLike, name: str = "distribution") -> OperandStatistics:
        """One distribution for all.

        Parameters
        ----------
        distribution : float array, shape (codes,)
        name : str, optional
            In messages.
        """
        distribution = check_distribution(name, distribution)
        return cls(distribution.size, pooled_or_none=distribution)

    @classmethod
    def from_local(cls, distributions: ArrayLike, name: str = "local distributions") -> OperandStatistics:
        """One distribution for each group, receptive field or neuron.

        Parameters
        ----------
        distributions : float array, shape (groups, codes)
        name : str, optional
            In messages.
        """
        distributions = check_distribution(name, distributions, ndim=2)
        return cls(distributions.shape[1], local_or_none=distributions)

    @classmethod
    def from_taps(cls, distributions: ArrayLike, name: str = "tap distributions") -> OperandStatistics:
        """One distribution for each position within the field.

        Parameters
        ----------
        distributions : float array, shape (fan_in, codes)
        name : str, optional
            In messages.
        """
        distributions = check_distribution(name, distributions, ndim=2)
        return cls(distributions.shape[1], taps_or_none=distributions)

    @property
    def codes(self) -> NDArray[np.int64]:
        """Integer codes, shape (groups, fan_in)."""
        return required(self.codes_or_none, "the integer codes themselves")

    @cached_property
    def index(self) -> NDArray[np.int64]:
        """codes - qmin: rows or columns of an error map."""
        return self.codes - self.code_range[0]

    @cached_property
    def local(self) -> NDArray[np.float64]:
        """Distribution within each group, shape (groups, size)."""
        if self.codes_or_none is not None:
            return count_codes(self.codes, *self.code_range) / self.codes.shape[1]
        return required(self.local_or_none, "codes or one distribution per group")

    @cached_property
    def taps(self) -> NDArray[np.float64]:
        """Distribution at each position, over the groups, shape (fan_in, size)."""
        if self.codes_or_none is not None:
            return count_codes(self.codes.T, *self.code_range) / self.codes.shape[0]
        return required(self.taps_or_none, "codes or one distribution per position")

    @cached_property
    def pooled(self) -> NDArray[np.float64]:
        """Distribution over everything, shape (size,)."""
        if self.codes_or_none is not None:
            return np.bincount(self.index.ravel(), minlength=self.size) / self.codes.size
        if self.pooled_or_none is not None:
            return self.pooled_or_none
        return (self.taps_or_none if self.local_or_none is None else self.local_or_none).mean(axis=0)

    @cached_property
    def pairs(self) -> NDArray[np.float64]:
        """Mean over groups of p p^T, p the group's distribution, shape (size, size).

        The law of two codes drawn with replacement from one random group.
        """
        if self.codes_or_none is None:
            local = required(self.local_or_none, "codes or one distribution per group")
            return local.T @ local / len(local)
        groups, fan_in = self.codes.shape
        total = np.zeros((self.size, self.size))
        block = max(1, BLOCK_BINS // self.size)
        for start in range(0, groups, block):
            counts = count_codes(self.codes[start:start + block], *self.code_range).astype(np.float64)
            total += counts.T @ counts
        return total / (groups * fan_in ** 2)

    @cached_property
    def occurring(self) -> NDArray[np.int64]:
        """Rows or columns of an error map that matter: where `pooled` is positive."""
        return np.flatnonzero(self.pooled)

    @property
    def occurring_pooled(self) -> NDArray[np.float64]:
        """`pooled` of the codes that occur."""
        return self.pooled[self.occurring]

    @cached_property
    def occurring_pairs(self) -> NDArray[np.float64]:
        """`pairs` of the codes that occur."""
        return self.pairs[np.ix_(self.occurring, self.occurring)]


@dataclass(frozen=True, eq=False, repr=False)
class LayerOperands:
    """Activations and weights of one layer.

    Parameters
    ----------
    x, w : OperandStatistics
    fan_in : int, optional
        Products per output; taken from the codes or taps where they are given.

    Examples
    --------
    >>> layer = LayerOperands.from_codes(x=[[1, 2], [0, 3]], w=[[1], [-1]])
    >>> layer.fan_in, layer.x.pooled[128:132].tolist()
    (2, [0.25, 0.25, 0.25, 0.25])
    """

    x: OperandStatistics
    w: OperandStatistics
    fan_in: int | None = None

    def __post_init__(self):
        lengths = [side.codes_or_none.shape[1] for side in (self.x, self.w) if side.codes_or_none is not None]
        lengths += [len(side.taps_or_none) for side in (self.x, self.w) if side.taps_or_none is not None]
        lengths += [] if self.fan_in is None else [check_fan_in(self.fan_in)]
        if not lengths:
            raise ValueError("fan_in must be given: distributions alone do not tell it.")
        if len(set(lengths)) > 1:
            raise ValueError(f"x, w and fan_in must agree on the products per output, got {lengths}.")
        object.__setattr__(self, "fan_in", lengths[0])

    @classmethod
    def from_codes(cls, x: ArrayLike, w: ArrayLike, *, range_x: tuple[int, int] = INT8,
                   range_w: tuple[int, int] = INT8) -> LayerOperands:
        """Full codes, as `x @ w` takes them.

        Parameters
        ----------
        x : integer array, shape (fields, fan_in)
            Activation codes; every row is what one output sums over.
        w : integer array, shape (fan_in, neurons)
        range_x, range_w : (int, int), optional
            (qmin, qmax) of either side; int8 by default.
        """
        return cls(OperandStatistics.from_codes(x, range_x, "x"),
                   OperandStatistics.from_codes(np.transpose(w), range_w, "w"))

    @classmethod
    def from_distributions(cls, x_dist: ArrayLike, w_dist: ArrayLike, fan_in: int | None) -> LayerOperands:
        """Distributions alone.

        Parameters
        ----------
        x_dist, w_dist : float arrays, shape (codes,) or (groups, codes)
            One distribution for all, or one for each field and one for each neuron.
        fan_in : int
        """
        return cls(*(OperandStatistics.from_distribution(dist, name) if np.ndim(dist) == 1 else
                     OperandStatistics.from_local(dist, name)
                     for dist, name in ((x_dist, "x_dist"), (w_dist, "w_dist"))), fan_in)


def required(value, what):
    if value is None:
        raise ValueError(f"operands of this estimate must include {what}; use a lower rung, or give them.")
    return value


def check_fan_in(fan_in):
    """`fan_in` as an int of at least 1."""
    return check_integer("fan_in", fan_in, minimum=1)


def count_codes(codes, min_val, max_val, name="tensor"):
    """Histogram of each row of integer `codes`, int64 of shape (rows, max_val - min_val + 1).

    Parameters
    ----------
    codes : integer array, shape (rows, length), length at least 1
    min_val, max_val : int
        Smallest and largest code. A code outside is refused.
    """
    min_val = check_integer("min_val", min_val)
    max_val = check_integer("max_val", max_val, minimum=min_val)
    bins = max_val - min_val + 1
    if bins > MAX_BINS:
        raise ValueError(f"max_val must leave at most 2**24 codes from min_val = {min_val} on, got {bins}.")
    codes = check_codes(name, codes, min_val, max_val)
    if codes.ndim != 2 or codes.size == 0:
        raise ValueError(f"{name} must be a non-empty array of shape (rows, length), got shape {codes.shape}.")
    rows = codes.shape[0]
    bin_of = codes - min_val + bins * np.arange(rows)[:, np.newaxis]
    return np.bincount(bin_of.ravel(), minlength=rows * bins).reshape(rows, bins)


def check_code_range(name, code_range):
    """(qmin, qmax) of integers."""
    if not isinstance(code_range, (tuple, list)) or len(code_range) != 2:
        raise WrongKindError(f"{name} must be (qmin, qmax), got {shown(code_range)}.")
    return check_integer(f"qmin of {name}", code_range[0]), check_integer(f"qmax of {name}", code_range[1])
