"""LeNet-5 with batch norm, as in the agnapprox tutorial: 61.9 K parameters.

References
----------
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE
86 (11), 1998, doi:10.1109/5.726791. Hyperparameters of the stages: E. Trommer et al., arXiv:2208.07265, tutorial.
"""
import numpy as np

from refapprox.nets.approx_net import ApproxNet
from refapprox.network import BatchNorm, Conv2D, Flatten, Linear, MaxPool2D, ReLU, Sequential
from refapprox.optimizer import StageSettings

STAGES = {
    "baseline": StageSettings(epochs=10, lr=0.1, weight_decay=1e-4, step=5, gamma=0.75),
    "quant": StageSettings(epochs=1, lr=1e-3),
    "gradient": StageSettings(epochs=3, lr=1e-3),
    "approx": StageSettings(epochs=5, lr=1e-3, step=2),
}


class LeNet5(ApproxNet):
    """LeNet-5 for (1, 28, 28) images and 10 classes.

    Parameters
    ----------
    rng : numpy.random.Generator
        Initial weights, shuffling and noise.
    stages : dict of str to StageSettings, optional
    quantization : LayerQuantization, optional
    dtype : float32 or float64
    """

    def __init__(self, *, rng, stages=None, quantization=None, dtype=np.float32):
        layer = {"rng": rng, "dtype": dtype, "quantization": quantization}
        model = Sequential(
            conv1=Conv2D(1, 6, 5, padding=2, bias=False, **layer), bn1=BatchNorm(6, dtype=dtype), relu1=ReLU(),
            pool1=MaxPool2D(2),
            conv2=Conv2D(6, 16, 5, bias=False, **layer), bn2=BatchNorm(16, dtype=dtype), relu2=ReLU(),
            pool2=MaxPool2D(2),
            flatten=Flatten(),
            linear1=Linear(400, 120, bias=False, **layer), bn3=BatchNorm(120, dtype=dtype), relu3=ReLU(),
            linear2=Linear(120, 84, bias=False, **layer), bn4=BatchNorm(84, dtype=dtype), relu4=ReLU(),
            linear3=Linear(84, 10, **layer),
        )
        super().__init__(model, (1, 28, 28), stages or STAGES, rng=rng, name="LeNet5")
