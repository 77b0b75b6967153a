"""A network with its hyperparameters and the four training stages."""
from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refapprox.datasets import DataModule
from refapprox.network import BatchNorm, Layer, MultiplyingLayer, Parameter
from refapprox.network.folding import fold_batch_norm
from refapprox.network.module import load_state_arrays, state_arrays
from refapprox.optimizer import StageSettings
from refapprox.training import STAGES, evaluate, fit
from refapprox.validation import (
    check_choice,
    check_finite,
    check_integer,
    check_numbers,
    check_real,
    check_rng,
    check_sizes,
)

MOST_CLASSES = 10 ** 6


class ApproxNet:
    """A network that goes through the four stages.

    Parameters
    ----------
    model : Layer
        A `Sequential`, say.
    input_shape : tuple of int
        Shape of one sample, (c, h, w).
    stages : dict of str to StageSettings
        Hyperparameters for "baseline", "quant", "gradient" and "approx".
    rng : numpy.random.Generator
        Gives the entropy from which every epoch's shuffling and every layer's noise derive, so that a stage
        repeated from the same state makes the same bits.
    name : str, optional
    sigma_max : float, optional
        Cap of the noise levels in the noise loss.

    Attributes
    ----------
    preparation : list of dict
        What was done besides training, for reports: ranges calibrated, batch norms folded or recalibrated.

    Raises
    ------
    TypeError
        If rng is no Generator.
    ValueError
        If settings of a stage are missing.

    Examples
    --------
    A network of one's own is a `Sequential` and four `StageSettings`; see `examples/own_network.py`.

    >>> from refapprox.network import Flatten, Linear, Sequential
    >>> from refapprox.optimizer import StageSettings
    >>> rng = np.random.default_rng(0)
    >>> stages = dict.fromkeys(("baseline", "quant", "gradient", "approx"), StageSettings(epochs=1, lr=0.1))
    >>> net = ApproxNet(Sequential(flatten=Flatten(), linear=Linear(4, 2, rng=rng)), (1, 2, 2), stages, rng=rng)
    >>> net.forward(np.zeros((3, 1, 2, 2))).shape, net.total_ops
    ((3, 2), 8)
    """

    def __init__(self, model: Layer, input_shape: tuple[int, ...], stages: dict[str, StageSettings], *,
                 rng: np.random.Generator, name: str = "ApproxNet", sigma_max: float = 0.5) -> None:
        check_rng(rng)
        if missing := STAGES.keys() - stages.keys():
            raise ValueError(f"stages of {name} must have settings for {', '.join(STAGES)}, "
                             f"missing {', '.join(sorted(missing))}.")
        self.model, self.stages = model, dict(stages)
        self.input_shape = check_sizes("input_shape", input_shape, minimum=1)
        self.name, self.sigma_max, self.preparation = name, sigma_max, []
        self.entropy = int(rng.integers(2 ** 63))
        self.dtype = next(iter(self.named_parameters().values())).value.dtype
        self.mode, self._logits_shape = "float", None
        try:
            self.forward(np.zeros((1, *self.input_shape), self.dtype))      # so that every layer knows its opcount
        except ValueError as error:
            raise ValueError(f"input_shape must fit the model, got {self.input_shape}: {error}") from error

    # ---- structure

    @property
    def noisy_modules(self) -> list[tuple[str, MultiplyingLayer]]:
        """[(name, layer)] of the layers that multiply, in order."""
        return [(name, layer) for name, layer in self.model.named_layers() if isinstance(layer, MultiplyingLayer)]

    @property
    def batch_norms(self) -> list[tuple[str, BatchNorm]]:
        """[(name, layer)] of the batch norms, in order."""
        return [(name, layer) for name, layer in self.model.named_layers() if isinstance(layer, BatchNorm)]

    @property
    def total_ops(self) -> int:
        """Multiplications per sample."""
        return sum(layer.opcount for _, layer in self.noisy_modules)

    def named_parameters(self, with_sigma: bool = False) -> dict[str, Parameter]:
        """name -> Parameter; the noise levels only where asked for."""
        return {f"{name}.{key}": parameter for name, layer in self.model.named_layers()
                for key, parameter in layer.parameters.items() if with_sigma or key != "sigma"}

    def state(self) -> dict[str, NDArray]:
        """name -> array of all parameters and buffers (copies)."""
        return {name: array.copy() for name, array in state_arrays(self.model).items()}

    def load_state(self, state: dict[str, NDArray]) -> None:
        """Take over what `state` of a network of the same architecture returned."""
        load_state_arrays(self.model, state)

    def set_mode(self, mode: str) -> None:
        """Put every multiplying layer into `mode`: "float", "quantized", "noise" or "approximate"."""
        for _, layer in self.noisy_modules:
            layer.set_mode(mode)
        self.mode = mode

    def use_workers(self, workers: int) -> None:
        """Share the work of every layer among so many threads; no bit depends on it.

        Parameters
        ----------
        workers : int
            At most one a core is used. Set BLAS to one thread beside them, or they wait for each other.
        """
        self.model.use_workers(workers)

    # ---- computing

    def forward(self, images: ArrayLike, *, training: bool = False) -> NDArray:
        """Logits (n, classes) of images (n, c, h, w).

        Parameters
        ----------
        images : array, shape (n, c, h, w)
        training : bool, optional
            Keep what `backward` needs, and use the statistics of the batch.
        """
        images = check_finite("images", images, dtype=self.dtype)
        if images.shape[1:] != self.input_shape:
            raise ValueError(f"images of {self.name} must have shape (n, {', '.join(map(str, self.input_shape))}), "
                             f"got {images.shape}.")
        if not len(images):
            raise ValueError(f"images of {self.name} must hold at least one, got shape {images.shape}.")
        logits = self.model.forward(images, training=training)
        if training:
            self._logits_shape = logits.shape
        return logits

    def backward(self, dlogits: NDArray) -> None:
        """Gradients of all parameters; that of the images is not formed."""
        dlogits = check_finite("dlogits", check_numbers("dlogits", dlogits, shape=self._logits_shape))
        self.model.backward(dlogits, need_dx=False)

    def begin_epoch(self, stage: str, epoch: int) -> np.random.Generator:
        """Give every layer its noise generator for `epoch` of `stage`; returns the generator for shuffling.

        Parameters
        ----------
        stage : str
        epoch : int
            From 0.
        """
        epoch = check_integer("epoch", epoch, minimum=0)
        key = (list(STAGES).index(check_choice("stage", stage, STAGES)), epoch)
        for index, (_, layer) in enumerate(self.noisy_modules):
            layer.noise_rng = self._generator(*key, 1 + index)
        return self._generator(*key, 0)

    def _generator(self, *key):
        return np.random.default_rng(np.random.SeedSequence(self.entropy, spawn_key=key))

    # ---- as networks are deployed

    def calibrate(self, images: ArrayLike, source: str = "given images", batch_size: int = 128) -> None:
        """Measure the range of every layer's activations over `images`, in float; with ``ranges="static"`` they stay.

        Parameters
        ----------
        images : array, shape (n, c, h, w)
        source : str, optional
            What they are, for the report: "1024 training images".
        batch_size : int, optional
        """
        mode = self.mode
        for _, layer in self.noisy_modules:
            layer.observer.range[:] = np.nan
            layer.calibrating = True
        self.set_mode("float")
        try:
            self._see(images, batch_size)
        finally:
            for _, layer in self.noisy_modules:
                layer.calibrating = False
            self.set_mode(mode)
        self.preparation.append({"step": "calibrate", "images": len(images), "source": source})

    def recalibrate_batch_norm(self, images: ArrayLike, source: str = "given images", batch_size: int = 128) -> None:
        """Measure the running statistics of every batch norm anew, in the present mode: under the deployed multipliers.

        Mean and variance are the averages of those of the batches. Nothing is trained.

        Parameters
        ----------
        images : array, shape (n, c, h, w)
        source : str, optional
            What they are, for the report.
        batch_size : int, optional
            What is left over is spread over the batches.
        """
        if not self.batch_norms:
            raise ValueError(f"{self.name} must have batch norm for it to be recalibrated, it has none.")
        for _, layer in self.batch_norms:
            layer.batches_seen = 0
        try:
            self._see(images, batch_size)
        finally:
            for _, layer in self.batch_norms:
                layer.batches_seen = None
        self.preparation.append({"step": "recalibrate batch norm", "images": len(images), "source": source,
                                 "mode": self.mode})

    def _see(self, images, batch_size):
        """Forward passes over `images` in batches, none of them smaller than half of `batch_size`."""
        count = max(1, round(len(images) / check_integer("batch_size", batch_size, minimum=1)))
        for rows in np.array_split(np.arange(len(images)), count):
            self.forward(images[rows[0]:rows[-1] + 1])

    def fold_batch_norm(self) -> list[str]:
        """Fold every batch norm that follows a multiplying layer into it; float results stay, but for rounding.

        What deployed networks do before they are quantized. The noise level of a layer is relative to its outputs,
        which folding scales channel by channel: fold before the noise search.

        Returns
        -------
        list of str
            The batch norms that are gone.
        """
        folded = fold_batch_norm(self.model)
        self.preparation.append({"step": "fold batch norm", "layers": folded})
        return folded

    # ---- the four stages

    def train_baseline(self, datamodule: DataModule, epochs: int | None = None, test: bool = False, **options: Any
                       ) -> tuple | None:
        """Train with exact float products.

        Parameters
        ----------
        datamodule : DataModule
        epochs : int, optional
            Instead of those of `stages`.
        test : bool, optional
            Return (loss, accuracy) on the test set.
        **options
            Of `training.fit`: `progress`, `on_epoch`, `on_batch`.
        """
        return self._train(datamodule, "baseline", epochs, test, **options)

    def train_quant(self, datamodule: DataModule, epochs: int | None = None, test: bool = False, **options: Any
                    ) -> tuple | None:
        """Quantization-aware training: integer codes, straight-through gradients.

        Parameters
        ----------
        datamodule, epochs, test, **options
            As of `train_baseline`.
        """
        return self._train(datamodule, "quant", epochs, test, **options)

    def train_gradient(self, datamodule: DataModule, lmbd: float = 0.2, initial_noise: float = 0.025,
                       epochs: int | None = None, test: bool = False, **options: Any) -> tuple | None:
        """Noise search: learn each layer's noise level together with the weights.

        Parameters
        ----------
        datamodule : DataModule
        lmbd : float, optional
            Weight of the noise term in the loss.
        initial_noise : float, optional
            Noise level at the start.
        epochs, test, **options
            As of `train_baseline`.
        """
        lmbd = check_real("lmbd", lmbd, minimum=0.0)
        initial_noise = check_real("initial_noise", initial_noise)
        if options.get("progress") is None:
            for _, layer in self.noisy_modules:
                layer.stdev = initial_noise
        return self._train(datamodule, "gradient", epochs, test, lmbd=lmbd, sigma_max=self.sigma_max, **options)

    def train_approx(self, datamodule: DataModule, epochs: int | None = None, test: bool = False, **options: Any
                     ) -> tuple | None:
        """Retrain through the tables of the deployed multipliers.

        Parameters
        ----------
        datamodule, epochs, test
            As of `train_baseline`.
        **options
            As of `train_baseline`, and `trained`: "all", "batch_norm" or "biases".
        """
        return self._train(datamodule, "approx", epochs, test, **options)

    def _train(self, datamodule, stage, epochs, test, trained=None, **options):
        """One stage; the test loss and accuracy as (loss, accuracy) where `test`, else None."""
        settings = self.stages[check_choice("stage", stage, STAGES)]
        changes = {"epochs": epochs, "trained": trained}
        settings = dataclasses.replace(settings, **{key: value for key, value in changes.items() if value is not None})
        fit(self, datamodule, stage, settings, **options)
        return self.test(datamodule) if test else None

    def test(self, datamodule: DataModule) -> tuple[float, float]:
        """(loss, top-1 accuracy) on the test set, in the present mode."""
        loss, (accuracy, *_) = evaluate(self, datamodule.test_batches())
        return loss, accuracy


def check_task(input_shape, num_classes):
    """(channels, height, width) of images, and the number of their classes, as integers."""
    return (check_sizes("input_shape", input_shape, minimum=1, count=3),
            check_integer("num_classes", num_classes, minimum=1, maximum=MOST_CLASSES))


def he_normal(net, rng):
    """Initial weights for rectifiers, variance 2 / fan_in: K. He et al., ICCV 2015, arXiv:1502.01852."""
    for _, layer in net.noisy_modules:
        weight = layer.parameters["weight"].value
        weight[...] = rng.normal(0, np.sqrt(2 / layer.fan_in), weight.shape)
