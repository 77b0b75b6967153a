"""One network, several points on the front of energy and accuracy.

Every point s scales what the layers tolerate, allowed_sl = s |sigma_l| std(y_l); all points together use at most n
different multipliers, the instances that a chip has to hold, and the sum of their energies is least (rule (6) of
`assignment` on the rows of all points). The weights are shared; batch norm is a point's own, measured anew or retrained
under its multipliers.

References
----------
E. Trommer, B. Waschneck, A. Kumar, "QoS-Nets: Adaptive Approximate Neural Network Inference", 2024, arXiv:2410.07762.
There the instances come from k-means (`kmeans_assignment`); here from the exact search.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.matching.assignment import limited_assignment
from refapprox.matching.deployment import deploy_multipliers
from refapprox.matching.info import MatchingInfo
from refapprox.matching.problem import AssignmentProblem
from refapprox.matching.selection import matching_info
from refapprox.multipliers.library import check_search_space
from refapprox.validation import check_finite, check_offers


@dataclass
class OperatingPoint:
    """A way to run the network.

    Parameters
    ----------
    scale : float
        Factor on the learned noise levels.
    info : MatchingInfo
        The multiplier of every layer; its energy.
    state : dict of str to array, optional
        What the point has of its own: batch norm, and ranges of activations that moved with it.
    accuracy : float, optional
        On the test set, when it was tested.

    Examples
    --------
    >>> OperatingPoint(1.0, MatchingInfo()).accuracy is None
    True
    """

    scale: float
    info: MatchingInfo
    state: dict[str, NDArray] = field(default_factory=dict)
    accuracy: float | None = None

    def apply(self, model: Any, library: Any) -> None:
        """Put the point into the network: its multipliers and what it has of its own.

        Parameters
        ----------
        model : ApproxNet
        library : mapping of names to multipliers
        """
        deploy_multipliers(model, self.info, library)
        model.load_state(model.state() | self.state)


def operating_points(model: Any, multipliers: Sequence, problem: AssignmentProblem, scales: ArrayLike,
                     max_multipliers: int) -> list[OperatingPoint]:
    """Assign multipliers at every scale of the noise levels, at most `max_multipliers` different ones in all.

    Parameters
    ----------
    model : ApproxNet
    multipliers : sequence of Multiplier
        The columns of `problem`.
    problem : AssignmentProblem
        Of `matching_problem`, at scale 1.
    scales : float array, shape (points,)
        Positive.
    max_multipliers : int

    Returns
    -------
    list of OperatingPoint
        In the order of `scales`.

    Raises
    ------
    ValueError
        If a scale is not positive, or no assignment keeps within what the layers tolerate: put an exact multiplier
        among `multipliers`.

    Examples
    --------
    >>> from refapprox.matching import AssignmentProblem
    >>> problem = AssignmentProblem([[5, 1, 0]], [4], [3], [0.1, 0.5, 1])
    >>> [limited_assignment(scaled(problem, s), 1).choice.tolist() for s in (0.5, 2.0)]
    [[1], [0]]
    """
    multipliers, scales = check_search_space(multipliers), check_finite("scales", scales, ndim=1, dtype=np.float64)
    if not scales.size or scales.min() <= 0:
        raise ValueError(f"scales must be positive, at least one, got {scales.tolist()}.")
    parts = [scaled(problem, scale) for scale in scales.tolist()]
    whole = AssignmentProblem(*(np.concatenate([getattr(part, name) for part in parts])
                                for name in ("stds", "allowed", "opcounts")), problem.costs)
    choices = limited_assignment(whole, max_multipliers).choice.reshape(len(parts), -1)
    points = []
    for scale, part, choice in zip(scales.tolist(), parts, choices, strict=True):
        info = matching_info(model, multipliers, part, part.assignment(choice))
        info.layers = [dataclasses.replace(layer, sigma=scale * layer.sigma) for layer in info.layers]
        points.append(OperatingPoint(scale, info))
    return points


def scaled(problem, scale):
    """`problem` with what the layers tolerate times `scale`."""
    return dataclasses.replace(problem, allowed=scale * problem.allowed)


def tune_batch_norm(model: Any, points: Sequence[OperatingPoint], library: Any, datamodule: Any, *,
                    images: ArrayLike | None = None, epochs: int | None = None) -> None:
    """Give every point a batch norm of its own, and test it; the network ends as it began.

    Parameters
    ----------
    model : ApproxNet
        In the state that all points share.
    points : sequence of OperatingPoint
        `state` and `accuracy` are set.
    library : mapping of names to multipliers
    datamodule : DataModule
    images : array, shape (n, c, h, w), optional
        Measure the statistics of batch norm on them, under the multipliers of the point.
    epochs : int, optional
        Retrain batch norm, and nothing else, for so many epochs.

    Raises
    ------
    TypeError
        If model is no network whose state can be loaded.

    Examples
    --------
    See `examples/operating_points.py`.

    >>> tune_batch_norm(None, [], {}, None)
    """
    points = list(points)
    if not points:
        return
    check_offers("model", model, "load_state")
    start, mode = model.state(), model.mode
    for point in points:
        model.load_state(start)
        deploy_multipliers(model, point.info, library)
        if images is not None:
            model.recalibrate_batch_norm(images)
        if epochs:
            model.train_approx(datamodule, epochs=epochs, trained="batch_norm")
        point.state = {name: array for name, array in model.state().items()
                       if not np.array_equal(array, start[name], equal_nan=True)}
        _, point.accuracy = model.test(datamodule)
    model.load_state(start)
    model.set_mode(mode)
