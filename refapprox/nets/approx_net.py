"""A network with its hyperparameters and the four training stages."""
import dataclasses

import numpy as np

from refapprox.network import MultiplyingLayer
from refapprox.network.module import load_state_arrays, state_arrays
from refapprox.training import STAGES, evaluate, fit
from refapprox.validation import check_choice, check_real, check_rng


class ApproxNet:
    """A network that goes through the four stages.

    Parameters
    ----------
    model : Sequential
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

    Examples
    --------
    A network of one's own is a `Sequential` and four `StageSettings`; see `examples/own_network.py`.
    """

    def __init__(self, model, input_shape, stages, *, rng, name="ApproxNet", sigma_max=0.5):
        check_rng(rng)
        if missing := STAGES.keys() - stages.keys():
            raise ValueError(f"stages of {name} must have settings for {', '.join(STAGES)}, "
                             f"missing {', '.join(sorted(missing))}.")
        self.model, self.input_shape, self.stages = model, tuple(input_shape), dict(stages)
        self.name, self.sigma_max = name, sigma_max
        self.entropy = int(rng.integers(2 ** 63))
        self.dtype = next(iter(self.named_parameters().values())).value.dtype
        self.mode = "float"
        self.forward(np.zeros((1, *self.input_shape), self.dtype))      # so that every layer knows its opcount

    # ---- structure

    @property
    def noisy_modules(self):
        """[(name, layer)] of the layers that multiply, in order."""
        return [(name, layer) for name, layer in self.model.named_layers() if isinstance(layer, MultiplyingLayer)]

    @property
    def total_ops(self):
        """Multiplications per sample."""
        return sum(layer.opcount for _, layer in self.noisy_modules)

    def named_parameters(self, with_sigma=False):
        """name -> Parameter; the noise levels only where asked for."""
        return {f"{name}.{key}": parameter for name, layer in self.model.named_layers()
                for key, parameter in layer.parameters.items() if with_sigma or key != "sigma"}

    def state(self):
        """name -> array of all parameters and buffers (copies)."""
        return {name: array.copy() for name, array in state_arrays(self.model).items()}

    def load_state(self, state):
        load_state_arrays(self.model, state)

    def set_mode(self, mode):
        """Put every multiplying layer into `mode`: "float", "quantized", "noise" or "approximate"."""
        for _, layer in self.noisy_modules:
            layer.set_mode(mode)
        self.mode = mode

    # ---- computing

    def forward(self, images, *, training=False):
        """Logits (n, classes) of `images` (n, c, h, w)."""
        images = np.asarray(images, dtype=self.dtype)
        if images.shape[1:] != self.input_shape:
            raise ValueError(f"images of {self.name} must have shape (n, {', '.join(map(str, self.input_shape))}), "
                             f"got {images.shape}.")
        return self.model.forward(images, training=training)

    def backward(self, dlogits):
        """Gradients of all parameters; that of the images is not formed."""
        self.model.backward(dlogits, need_dx=False)

    def begin_epoch(self, stage, epoch):
        """Give every layer its noise generator for `epoch` of `stage`; returns the generator for shuffling."""
        key = (list(STAGES).index(stage), epoch)
        for index, (_, layer) in enumerate(self.noisy_modules):
            layer.noise_rng = self._generator(*key, 1 + index)
        return self._generator(*key, 0)

    def _generator(self, *key):
        return np.random.default_rng(np.random.SeedSequence(self.entropy, spawn_key=key))

    # ---- the four stages

    def train_baseline(self, datamodule, epochs=None, test=False, **options):
        """Train with exact float products."""
        return self._train(datamodule, "baseline", epochs, test, **options)

    def train_quant(self, datamodule, epochs=None, test=False, **options):
        """Quantization-aware training: int8 codes, straight-through gradients."""
        return self._train(datamodule, "quant", epochs, test, **options)

    def train_gradient(self, datamodule, lmbd=0.2, initial_noise=0.025, epochs=None, test=False, **options):
        """Noise search: learn each layer's noise level together with the weights."""
        check_real("lmbd", lmbd, minimum=0.0)
        check_real("initial_noise", initial_noise)
        if options.get("progress") is None:
            for _, layer in self.noisy_modules:
                layer.stdev = initial_noise
        return self._train(datamodule, "gradient", epochs, test, lmbd=lmbd, sigma_max=self.sigma_max, **options)

    def train_approx(self, datamodule, epochs=None, test=False, **options):
        """Retrain through the tables of the deployed multipliers."""
        return self._train(datamodule, "approx", epochs, test, **options)

    def _train(self, datamodule, stage, epochs, test, **options):
        """One stage; the test loss and accuracy as (loss, accuracy) where `test`, else None."""
        settings = self.stages[check_choice("stage", stage, STAGES)]
        if epochs is not None:
            settings = dataclasses.replace(settings, epochs=epochs)
        fit(self, datamodule, stage, settings, **options)
        return self.test(datamodule) if test else None

    def test(self, datamodule):
        """(loss, top-1 accuracy) on the test set, in the present mode."""
        loss, (accuracy, *_) = evaluate(self, datamodule.test_batches())
        return loss, accuracy


