"""LeNet-5 with batch norm, as in the agnapprox tutorial: 61.9 K parameters for MNIST.

References
----------
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE
86 (11), 1998, doi:10.1109/5.726791. Hyperparameters of the stages: E. Trommer et al., arXiv:2208.07265, tutorial.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from refapprox.multipliers import exact
from refapprox.nets.approx_net import ApproxNet, check_task
from refapprox.network import BatchNorm, Conv2D, Flatten, Linear, MaxPool2D, ReLU, Sequential
from refapprox.optimizer import StageSettings
from refapprox.quantization import LayerQuantization

STAGES = {
    "baseline": StageSettings(epochs=10, lr=0.1, weight_decay=1e-4, step=5, gamma=0.75),
    "quant": StageSettings(epochs=1, lr=1e-3),
    "gradient": StageSettings(epochs=3, lr=1e-3),
    "approx": StageSettings(epochs=5, lr=1e-3, step=2),
}


class LeNet5(ApproxNet):
    """LeNet-5.

    Parameters
    ----------
    input_shape : tuple (c, h, w), optional
        MNIST's unless given; at least 12 x 12.
    num_classes : int, optional
    rng : numpy.random.Generator
        Initial weights, shuffling and noise.
    stages : dict of str to StageSettings, optional
    quantization : LayerQuantization, optional
    dtype : float32 or float64, optional

    Raises
    ------
    TypeError
        If rng is no Generator.
    ValueError
        If the images are too small.

    Examples
    --------
    >>> net = LeNet5(rng=np.random.default_rng(0))
    >>> [layer.fan_in for _, layer in net.noisy_modules]
    [25, 150, 400, 120, 84]
    """

    def __init__(self, input_shape: tuple = (1, 28, 28), num_classes: int = 10, *, rng: np.random.Generator,
                 stages: dict[str, StageSettings] | None = None, quantization: LayerQuantization | None = None,
                 dtype: DTypeLike = np.float32) -> None:
        layer = {"rng": rng, "dtype": dtype, "quantization": quantization}
        (channels, height, width), num_classes = check_task(input_shape, num_classes)
        if min(height, width) < 12:
            raise ValueError(f"input_shape of LeNet5 must be at least 12 x 12 pixels, got {height} x {width}.")
        pixels = (height // 2 - 4) // 2 * ((width // 2 - 4) // 2)      # of the last map
        model = Sequential(
            conv1=Conv2D(channels, 6, 5, padding=2, bias=False, **layer), bn1=BatchNorm(6, dtype=dtype), relu1=ReLU(),
            pool1=MaxPool2D(2),
            conv2=Conv2D(6, 16, 5, bias=False, **layer), bn2=BatchNorm(16, dtype=dtype), relu2=ReLU(),
            pool2=MaxPool2D(2),
            flatten=Flatten(),
            linear1=Linear(16 * pixels, 120, bias=False, **layer), bn3=BatchNorm(120, dtype=dtype), relu3=ReLU(),
            linear2=Linear(120, 84, bias=False, **layer), bn4=BatchNorm(84, dtype=dtype), relu4=ReLU(),
            linear3=Linear(84, num_classes, **layer),
        )
        super().__init__(model, input_shape, stages or STAGES, rng=rng, name="LeNet5")

    @classmethod
    def pretrained(cls, dataset: str = "synthetic", *, signed: bool = True,
                   quantization: LayerQuantization | None = None,
                   stages: dict[str, StageSettings] | None = None) -> LeNet5:
        """A LeNet-5 that the package ships, trained up to the learned noise levels, in mode "quantized".

        Parameters
        ----------
        dataset : {"synthetic", "mnist"}
            What it was trained on, with seed 0; normalized as `SyntheticDigits` and `MNIST` do.
        signed : bool, optional
            Codes it was trained with: symmetric int8, or affine codes in [0, 255] for unsigned multipliers.
        quantization : LayerQuantization, optional
            Other codes than those it was trained with, such as narrower ones; the observed ranges stay.
        stages : dict of str to StageSettings, optional
            For going on with the training, which then draws the same batches in every process.

        Raises
        ------
        ValueError
            If there is no network for this data set.

        Examples
        --------
        >>> net = LeNet5.pretrained("synthetic")
        >>> net.mode, [name for name, layer in net.noisy_modules]
        ('quantized', ['conv1', 'conv2', 'linear1', 'linear2', 'linear3'])
        """
        from refapprox.nets.pretrained import load_pretrained
        state, entropy = load_pretrained(dataset, signed)
        codes = LayerQuantization.for_multiplier(exact(8, signed)) if quantization is None else quantization
        net = cls(rng=np.random.default_rng(entropy), stages=stages, quantization=codes)
        net.load_state(state)
        net.entropy = entropy
        net.set_mode("quantized")
        return net
