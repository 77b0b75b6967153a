"""agnapprox's network around a `refapprox.nets.ApproxNet`: its names, modes, defaults and log lines."""
import logging

import numpy as np

from refapprox import nets
from refapprox.compat.agnapprox.datamodules import native_datamodule
from refapprox.compat.agnapprox.nets.noisy_module import NoisyModule
from refapprox.compat.agnapprox.tracking import tracked_run
from refapprox.compat.lightning import Trainer, check_trainer_options
from refapprox.training import STAGES
from refapprox.validation import check_choice

logger = logging.getLogger(__name__)

# published mode -> (native stage, quantize, approximate, noise)
MODES = {"baseline": ("baseline", False, False, False), "qat": ("quant", True, False, False),
         "gradient_search": ("gradient", True, False, True), "approx": ("approx", False, True, False)}


class ApproxNet:
    """A network under agnapprox's names.

    Parameters
    ----------
    net : refapprox.nets.ApproxNet
        What computes. A network of one's own is described as a native one, not as a torch module.
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
    """

    def __init__(self, net, layer_names=None):
        if not isinstance(net, nets.ApproxNet):
            raise TypeError(f"net must be a refapprox.nets.ApproxNet, got {type(net).__name__}.")
        names = layer_names or {}
        self.net, self.name, self.topk, self.lmbd = net, net.name, (1,), 0.0
        self.epochs = {mode: net.stages[stage].epochs for mode, (stage, *_) in MODES.items()}
        self.noisy_modules = [(name, NoisyModule(layer, name)) for name, layer in
                              ((names.get(native, f"model.{native}"), layer) for native, layer in net.noisy_modules)]
        self._mode = "baseline"

    model = property(lambda self: self.net.model, doc="The layers.")
    total_ops = property(lambda self: np.int64(self.net.total_ops), doc="Multiplications per sample.")
    sigma_max = property(lambda self: self.net.sigma_max, doc="Cap of the noise levels in the noise loss.")

    @sigma_max.setter
    def sigma_max(self, value):
        self.net.sigma_max = value

    def modules(self):
        """Every module that has settings: the multiplying layers as NoisyModule, then the other layers."""
        multiplying = {id(module.layer) for _, module in self.noisy_modules}
        yield from (module for _, module in self.noisy_modules)
        yield from (layer for _, layer in self.net.model.named_layers() if id(layer) not in multiplying)

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, new_mode):
        stage, *flags = MODES[check_choice("mode", new_mode, MODES)]
        bare = [name for name, module in self.noisy_modules if module.approx_op.lut is None]
        if new_mode == "approx" and bare:
            raise ValueError(f"mode 'approx' needs a table in every layer, {', '.join(bare)} have none: "
                             f"call deploy_multipliers, or set approx_op.lut.")
        for _, module in self.noisy_modules:
            module.set_flags(*flags)
        self.net.set_mode(STAGES[stage])
        self._mode = new_mode

    def forward(self, features):
        """Logits of images (n, c, h, w), evaluated: no noise, running statistics."""
        return self.net.forward(features)

    __call__ = forward

    # ---- the four stages

    def train_baseline(self, datamodule, **kwargs):
        """Train with float products. Keywords of every stage: `epochs`, `test`, `log_mlflow`, options of Trainer."""
        self._train(datamodule, "baseline", "Baseline Model", **kwargs)

    def train_quant(self, datamodule, **kwargs):
        """Quantization-aware training."""
        self._train(datamodule, "qat", "QAT Model", **kwargs)

    def train_gradient(self, datamodule, lmbd=0.2, initial_noise=0.1, **kwargs):
        """Learn the noise levels; they are logged after every epoch."""
        self.lmbd = lmbd
        noise = {"lmbd": lmbd, "initial_noise": initial_noise}
        self._train(datamodule, "gradient_search", "Gradient Search", noise, **kwargs)

    def train_approx(self, datamodule, name_ext=None, **kwargs):
        """Retrain through the deployed tables. `name_ext` goes into the name of the tracked run."""
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
