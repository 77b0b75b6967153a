"""Stochastic gradient descent and its learning-rate schedules, with PyTorch's meaning.

    v <- momentum * v + (grad + weight_decay * p)
    p <- p - lr * v

References
----------
PyTorch 2 documentation, torch.optim.SGD (dampening 0, no Nesterov), StepLR, MultiStepLR.
"""
from dataclasses import dataclass

import numpy as np

from refapprox.validation import check_integer, check_real


@dataclass(frozen=True)
class StageSettings:
    """Hyperparameters of one training stage.

    The learning rate of epoch e (from 0) is lr * gamma ** (number of drops up to e): a drop every `step` epochs,
    or at each of `milestones`. `sigma_lr` is the initial learning rate of the noise levels, `lr` where None.
    """

    epochs: int
    lr: float
    momentum: float = 0.9
    weight_decay: float = 0.0
    step: int | None = None
    milestones: tuple = ()
    gamma: float = 0.1
    sigma_lr: float | None = None

    def __post_init__(self):
        check_integer("epochs", self.epochs, minimum=0)
        check_real("lr", self.lr, minimum=0.0)
        check_real("momentum", self.momentum, minimum=0.0, maximum=1.0)
        check_real("weight_decay", self.weight_decay, minimum=0.0)
        if self.step is not None:
            check_integer("step", self.step, minimum=1)

    def decay(self, epoch):
        """Factor on the initial learning rate in `epoch`."""
        drops = epoch // self.step if self.step else sum(epoch >= m for m in self.milestones)
        return self.gamma ** drops


class SGD:
    """Momentum SGD over named parameters.

    Parameters
    ----------
    parameters : dict of str to Parameter
    momentum, weight_decay : float
    """

    def __init__(self, parameters, *, momentum=0.0, weight_decay=0.0):
        self.parameters = parameters
        self.momentum, self.weight_decay = momentum, weight_decay
        self.velocity = {name: np.zeros_like(p.value) for name, p in parameters.items()}

    def step(self, learning_rates):
        """One update with `learning_rates`, a dict of str to float, from each parameter's `grad`."""
        for name, parameter in self.parameters.items():
            velocity, dtype = self.velocity[name], parameter.value.dtype.type
            velocity *= dtype(self.momentum)
            velocity += parameter.grad
            if self.weight_decay:
                velocity += dtype(self.weight_decay) * parameter.value
            parameter.value -= dtype(learning_rates[name]) * velocity
