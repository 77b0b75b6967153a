"""Stochastic gradient descent and its learning-rate schedules, with PyTorch's meaning.

    v <- momentum * v + (grad + weight_decay * p)
    p <- p - lr * v

References
----------
PyTorch 2 documentation, torch.optim.SGD (dampening 0, no Nesterov), StepLR, MultiStepLR.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refapprox.validation import check_choice, check_codes, check_integer, check_real

MOST_EPOCHS = 10 ** 6
TRAINED = {      # what a stage may train -> keys of those parameters; None means all
    "all": None,
    "batch_norm": ("gamma", "beta"),
    "biases": ("bias", "beta"),
}


@dataclass(frozen=True)
class StageSettings:
    """Hyperparameters of one training stage.

    The learning rate of epoch e (from 0) is lr * gamma ** (number of drops up to e): a drop every `step` epochs,
    or at each of `milestones`.

    Parameters
    ----------
    epochs : int
    lr : float
        Initial learning rate.
    momentum, weight_decay : float, optional
    step : int, optional
    milestones : tuple of int, optional
    gamma : float, optional
        Factor of a drop.
    sigma_lr : float, optional
        Initial learning rate of the noise levels, `lr` unless given.
    trained : {"all", "batch_norm", "biases"}, optional
        Which parameters change; batch norm counts with its shift among the biases. Its running statistics follow the
        batches whatever is trained.

    Raises
    ------
    TypeError
        If a number is none.
    ValueError
        If a number is out of range.
    KeyError
        If `trained` is unknown.

    Examples
    --------
    >>> StageSettings(epochs=3, lr=0.1, step=1).decay(2)
    0.010000000000000002
    """

    epochs: int
    lr: float
    momentum: float = 0.9
    weight_decay: float = 0.0
    step: int | None = None
    milestones: tuple = ()
    gamma: float = 0.1
    sigma_lr: float | None = None
    trained: str = "all"

    def __post_init__(self):
        for name, value in (
                ("epochs", check_integer("epochs", self.epochs, minimum=0, maximum=MOST_EPOCHS)),
                ("lr", check_real("lr", self.lr, minimum=0.0)),
                ("momentum", check_real("momentum", self.momentum, minimum=0.0, maximum=1.0)),
                ("weight_decay", check_real("weight_decay", self.weight_decay, minimum=0.0)),
                ("step", None if self.step is None else check_integer("step", self.step, minimum=1)),
                ("milestones", tuple(check_codes("milestones", self.milestones, 0, MOST_EPOCHS, ndim=1).tolist())),
                ("gamma", check_real("gamma", self.gamma))):
            object.__setattr__(self, name, value)
        check_choice("trained", self.trained, TRAINED)

    def decay(self, epoch: int) -> float:
        """Factor on the initial learning rate in `epoch`."""
        epoch = check_integer("epoch", epoch, minimum=0)
        drops = epoch // self.step if self.step else sum(epoch >= m for m in self.milestones)
        return self.gamma ** drops

    def stretched(self, epochs: int) -> StageSettings:
        """The same schedule over another number of epochs: the drops move in proportion, to the next whole epoch.

        Parameters
        ----------
        epochs : int
        """
        epochs = check_integer("epochs", epochs, minimum=0, maximum=MOST_EPOCHS)
        drops = range(self.step, self.epochs, self.step) if self.step else self.milestones
        return replace(self, epochs=epochs, step=None,
                       milestones=tuple(-(-drop * epochs // max(self.epochs, 1)) for drop in drops))


class SGD:
    """Momentum SGD over named parameters.

    Parameters
    ----------
    parameters : dict of str to Parameter
    momentum, weight_decay : float, optional

    Examples
    --------
    >>> from refapprox.network import Parameter
    >>> p = Parameter(np.array([1.0]))
    >>> p.grad = np.array([2.0])
    >>> SGD({"p": p}).step({"p": 0.25})
    >>> p.value.tolist()
    [0.5]
    """

    def __init__(self, parameters: dict[str, Any], *, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        self.parameters = parameters
        self.momentum, self.weight_decay = momentum, weight_decay
        self.velocity = {name: np.zeros_like(p.value) for name, p in parameters.items()}

    def step(self, learning_rates: dict[str, float]) -> None:
        """One update with `learning_rates`, a dict of str to float, from each parameter's `grad`."""
        for name, parameter in self.parameters.items():
            velocity, dtype = self.velocity[name], parameter.value.dtype.type
            velocity *= dtype(self.momentum)
            velocity += parameter.grad
            if self.weight_decay:
                velocity += dtype(self.weight_decay) * parameter.value
            parameter.value -= dtype(learning_rates[name]) * velocity
