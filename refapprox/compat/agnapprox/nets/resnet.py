"""Residual networks under agnapprox's layer names."""
import numpy as np

from refapprox import nets
from refapprox.compat.agnapprox.nets.approxnet import ApproxNet
from refapprox.nets.resnet import NOISE_SEARCH
from refapprox.validation import check_choice


class ResNet(ApproxNet):
    """`refapprox.nets.ResNet` with the published names, for CIFAR-10's shape unless told otherwise.

    Parameters
    ----------
    resnet_size : {"ResNet8", "ResNet14", "ResNet20", "ResNet32"}, optional
    rng : numpy.random.Generator, optional
        A fresh one where it is None.
    **options
        `input_shape`, `num_classes`, `width` of `refapprox.nets.ResNet`.
    """

    def __init__(self, resnet_size="ResNet8", *, rng=None, **options):
        depths = {f"ResNet{depth}": depth for depth in NOISE_SEARCH}
        depth = depths[check_choice("resnet_size", resnet_size, depths)]
        net = nets.ResNet(depth, rng=np.random.default_rng() if rng is None else rng, **options)
        super().__init__(net, {name: f"model.{name.replace('.residual.main', '')}" for name, _ in net.noisy_modules})
        self.sigma_max = 0.5      # of release 0.1, whose noise search does not depend on the depth
