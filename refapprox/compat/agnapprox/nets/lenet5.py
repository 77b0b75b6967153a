"""LeNet-5 under agnapprox's layer names."""
import numpy as np

from refapprox import nets
from refapprox.compat.agnapprox.nets.approxnet import ApproxNet

LAYER_NAMES = {"conv1": "model.conv1.0", "conv2": "model.conv2.0"}      # the linear layers follow the rule


class LeNet5(ApproxNet):
    """`refapprox.nets.LeNet5` with the published names.

    Parameters
    ----------
    rng : numpy.random.Generator, optional
        Initial weights, shuffling and noise; a fresh one where it is None.
    """

    def __init__(self, *, rng=None):
        super().__init__(nets.LeNet5(rng=np.random.default_rng() if rng is None else rng), LAYER_NAMES)
