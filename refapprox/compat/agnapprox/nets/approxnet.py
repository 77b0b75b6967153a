"""agnapprox's modes, defaults and log lines around a `refapprox.nets.ApproxNet`."""
from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox import nets
from refapprox.compat.agnapprox.datamodules import native_datamodule
from refapprox.compat.agnapprox.functions import tracked_run
from refapprox.compat.lightning import Trainer, check_trainer_options
from refapprox.compat.pipelines import signed_multiplier
from refapprox.multipliers.formats import swap_order
from refapprox.training import STAGES
from refapprox.validation import check_choice

logger = logging.getLogger(__name__)

# published mode -> (native stage, quantize, approximate, noise)
MODES = {"baseline": ("baseline", False, False, False), "qat": ("quant", True, False, False),
         "gradient_search": ("gradient", True, False, True), "approx": ("approx", False, True, False)}


class ApproxOp:
    """What the layer multiplies with in the approximate mode."""

    def __init__(self, layer, name):
        self._layer, self._name = layer, name

    @property
    def lut(self):
        """Product table, int32 (256, 256), two's-complement order; None before one is deployed."""
        return None if self._layer.multiplier is None else swap_order(self._layer.multiplier.lut)

    @lut.setter
    def lut(self, table):
        self._layer.multiplier = None if table is None else signed_multiplier(table, f"table of {self._name}")


class NoisyModule:
    """The published attributes of a layer.

    Attributes
    ----------
    layer : MultiplyingLayer
        The layer itself.
    approx_op : ApproxOp
    stdev : float
        The learned noise level sigma_l; a NumPy scalar, with `item()`.
    opcount : numpy.int64
        Multiplications per sample.
    fan_in : int
    quantize, approximate, noise : bool
        The mode in three flags. `approximate` wins over `noise`, which wins over `quantize`; noise is added to
        quantized products.
    """

    def __init__(self, layer, name):
        self.layer = layer
        self.approx_op = ApproxOp(layer, name)
        self._flags = {"quantize": False, "approximate": False, "noise": False}

    stdev = property(lambda self: self.layer.stdev)
    opcount = property(lambda self: np.int64(self.layer.opcount))
    fan_in = property(lambda self: self.layer.fan_in)
    weight = property(lambda self: self.layer.parameters["weight"].value)

    @stdev.setter
    def stdev(self, value):
        self.layer.stdev = value

    def set_flags(self, quantize, approximate, noise):
        """All three at once; nothing changes where the mode they stand for is refused."""
        mode = "approximate" if approximate else "noise" if noise else "quantized" if quantize else "float"
        self.layer.set_mode(mode)
        self._flags = {"quantize": bool(quantize), "approximate": bool(approximate), "noise": bool(noise)}

    quantize, approximate, noise = (
        property(lambda self, flag=flag: self._flags[flag],
                 lambda self, value, flag=flag: self.set_flags(**self._flags | {flag: value}))
        for flag in ("quantize", "approximate", "noise"))


class ApproxNet:
    """A network under agnapprox's names.

    Parameters
    ----------
    net : refapprox.nets.ApproxNet
        What computes. Your own network is described as a native one, not as a torch module.
    layer_names : dict of str to str, optional
        Published names of the native net's layers; "model." and the native name where a layer is not in it.

    Attributes
    ----------
    noisy_modules : list of (str, NoisyModule)
    mode : {"baseline", "qat", "gradient_search", "approx"}
    epochs : dict
        Default epochs of each mode.
    lmbd, sigma_max : float
    name : str
    topk : tuple of int

    Raises
    ------
    TypeError
        If `net` is another network.

    Examples
    --------
    >>> net = ApproxNet(nets.LeNet5(rng=np.random.default_rng(0)))
    >>> net.mode, [name for name, _ in net.noisy_modules][:2]
    ('baseline', ['model.conv1', 'model.conv2'])
    """

    def __init__(self, net: nets.ApproxNet, layer_names: dict[str, str] | None = None) -> None:
        if not isinstance(net, nets.ApproxNet):
            raise TypeError(f"net must be a refapprox.nets.ApproxNet, got {type(net).__name__}.")
        names = layer_names or {}
        self.net, self.name, self.topk, self.lmbd = net, net.name, (1,), 0.0
        self.epochs = {mode: net.stages[stage].epochs for mode, (stage, *_) in MODES.items()}
        self.noisy_modules = [(name, NoisyModule(layer, name)) for name, layer in
                              ((names.get(native, f"model.{native}"), layer) for native, layer in net.noisy_modules)]
        self._mode = "baseline"

    @property
    def model(self) -> Any:
        """The layers."""
        return self.net.model

    @property
    def total_ops(self) -> np.int64:
        """Multiplications per sample."""
        return np.int64(self.net.total_ops)

    @property
    def sigma_max(self) -> float:
        """Cap of the noise levels in the noise loss."""
        return self.net.sigma_max

    @sigma_max.setter
    def sigma_max(self, value: float) -> None:
        self.net.sigma_max = value

    def modules(self) -> Iterator[Any]:
        """Every module that has settings: the multiplying layers as NoisyModule, then the other layers."""
        multiplying = {id(module.layer) for _, module in self.noisy_modules}
        yield from (module for _, module in self.noisy_modules)
        yield from (layer for _, layer in self.net.model.named_layers() if id(layer) not in multiplying)

    @property
    def mode(self) -> str:
        """What the layers multiply with; an unknown mode is a ValueError, "approx" without tables too."""
        return self._mode

    @mode.setter
    def mode(self, new_mode: str) -> None:
        stage, *flags = MODES[check_choice("mode", new_mode, MODES)]
        bare = [name for name, module in self.noisy_modules if module.approx_op.lut is None]
        if new_mode == "approx" and bare:
            raise ValueError(f"mode 'approx' needs a table in every layer, {', '.join(bare)} have none: "
                             f"call deploy_multipliers, or set approx_op.lut.")
        for _, module in self.noisy_modules:
            module.set_flags(*flags)
        self.net.set_mode(STAGES[stage])
        self._mode = new_mode

    def forward(self, features: ArrayLike) -> NDArray[np.floating]:
        """Logits of images (n, c, h, w), evaluated: no noise, running statistics."""
        return self.net.forward(features)

    __call__ = forward

    # ---- the four stages

    def train_baseline(self, datamodule: Any, **kwargs: Any) -> None:
        """Train with float products.

        Parameters
        ----------
        datamodule : ApproxDataModule or refapprox DataModule
        **kwargs
            Of every stage: `epochs`, `test`, `log_mlflow`, and those options of Trainer that change no result.
        """
        self._train(datamodule, "baseline", "Baseline Model", **kwargs)

    def train_quant(self, datamodule: Any, **kwargs: Any) -> None:
        """Quantization-aware training.

        Parameters
        ----------
        datamodule, **kwargs
            As of `train_baseline`.
        """
        self._train(datamodule, "qat", "QAT Model", **kwargs)

    def train_gradient(self, datamodule: Any, lmbd: float = 0.2, initial_noise: float = 0.1, **kwargs: Any) -> None:
        """Learn the noise levels; they are logged after every epoch.

        Parameters
        ----------
        datamodule, **kwargs
            As of `train_baseline`.
        lmbd : float, optional
            Weight of the noise term in the loss.
        initial_noise : float, optional
            Noise level that every layer starts with.
        """
        self.lmbd = lmbd
        noise = {"lmbd": lmbd, "initial_noise": initial_noise}
        self._train(datamodule, "gradient_search", "Gradient Search", noise, **kwargs)

    def train_approx(self, datamodule: Any, name_ext: str | None = None, **kwargs: Any) -> None:
        """Retrain through the deployed tables.

        Parameters
        ----------
        datamodule, **kwargs
            As of `train_baseline`.
        name_ext : str, optional
            Goes into the name of the tracked run.
        """
        self._train(datamodule, "approx", f"Approximate Retraining{name_ext or ''}", **kwargs)

    def _train(self, datamodule, mode, run_name, native_options=None, *, epochs=None, log_mlflow=False, test=False,
               **trainer_options):
        check_trainer_options(trainer_options)
        self.mode = mode
        train = getattr(self.net, f"train_{MODES[mode][0]}")
        with tracked_run(self.name, run_name, log_mlflow) as track:
            def on_epoch(progress):
                record = progress.record
                metrics = {"train_loss": record["loss"], "val_loss": record["val_loss"],
                           "val_acc_top1": record["val_accuracy"]}
                if mode == "gradient_search":
                    self._log_noise(progress.epoch - 1)
                    metrics |= {f"sigma_l.{name}": float(module.stdev) for name, module in self.noisy_modules}
                track(progress.epoch, metrics)

            train(native_datamodule(datamodule), epochs=self.epochs[mode] if epochs is None else epochs,
                  on_epoch=on_epoch, **(native_options or {}))
            if test:
                Trainer().test(self, datamodule)

    def _log_noise(self, epoch):
        width = max(len(name) for name, _ in self.noisy_modules)
        logger.info("Epoch: %d", epoch)
        for name, module in self.noisy_modules:
            logger.info("Layer: %*s | sigma_l: %+.3f", width, name, module.stdev)
