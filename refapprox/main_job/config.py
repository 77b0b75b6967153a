"""What a run is asked to do, as config.json stores it."""
from __future__ import annotations

import dataclasses
import os
import platform
from dataclasses import dataclass, field

import numpy as np
import scipy

from refapprox._version import __version__
from refapprox.datasets import dataset_names
from refapprox.nets.by_name import NETS
from refapprox.nets.lenet5 import STAGES
from refapprox.ops.threads import cores
from refapprox.optimizer import TRAINED, StageSettings
from refapprox.quantization import RANGES
from refapprox.training import STAGES as TRAINING_STAGES
from refapprox.validation import check_choice, check_flag, check_instance, check_integer, check_real

# A preset is the hyperparameters of the four stages, and how much data it uses: of the drawn digits, and in "smoke" of
# all data, whole batches of training images as long as one pass over them takes no more than so many multiplications.
# The short ones give the noise levels a larger learning rate, so that they travel about as far in fewer steps as in a
# full run.
PRESETS = {
    "smoke": {
        "stages": {
            "baseline": StageSettings(epochs=1, lr=0.05, weight_decay=1e-4),
            "quant": StageSettings(epochs=1, lr=1e-3),
            "gradient": StageSettings(epochs=1, lr=1e-3, sigma_lr=0.05),
            "approx": StageSettings(epochs=1, lr=1e-3),
        },
        "digits": {"n_train": 1500, "n_test": 500}, "multiplications": 1.6e10,
    },
    "quick": {
        "stages": {
            "baseline": StageSettings(epochs=5, lr=0.1, weight_decay=1e-4, step=2, gamma=0.5),
            "quant": StageSettings(epochs=1, lr=1e-3),
            "gradient": StageSettings(epochs=3, lr=1e-3, sigma_lr=5e-3),
            "approx": StageSettings(epochs=3, lr=1e-3, step=2),
        },
        "digits": {},
    },
    "full": {
        "stages": STAGES | {"baseline": dataclasses.replace(STAGES["baseline"], epochs=8)},
        "digits": {},
    },
}


CALIBRATION = 1024      # training images that static ranges are measured on


@dataclass(frozen=True)
class RunConfig:
    """Options of `refapprox run`.

    Parameters
    ----------
    dataset : {"synthetic", "mnist"}, optional
    data_dir : path, optional
        Where the files of MNIST are.
    preset : {"smoke", "quick", "full"}, optional
        Epochs and learning rates of the four stages.
    lmbd, initial_noise : float, optional
        Weight of the noise term, and noise level at the start of the search: those published for the network unless
        given.
    multipliers : str, optional
        Sources of the search space, with commas between them.
    seed : int, optional
        Of data, weights and draws.
    uniform : bool, optional
        Whether to compare with one multiplier everywhere.
    costs : dict of str to float, optional
        Cost of multipliers whose files tell none, by name.
    signed : bool, optional
    bits : int, optional
        Which multipliers of the sources are meant.
    circuit : dict, optional
        Further arguments of `read_circuit`, where sources are circuits.
    net : str, optional
    epochs : dict of str to int, optional
        Epochs of a stage in place of the preset's.
    images : int, optional
        The first so many training images; unless given all of them, in "smoke" as many as go quickly.
    ranges : str, optional
        How the ranges of activations are found.
    fold : bool, optional
        Whether batch norm is folded into the weights before codes are learned.
    recalibrate : int, optional
        Training images on which batch norm is measured again under the multipliers.
    retrain : str, optional
        Which parameters the last stage trains.

    Examples
    --------
    >>> RunConfig(preset="smoke").stages["baseline"].epochs
    1
    """

    dataset: str = "synthetic"
    data_dir: str | None = None
    preset: str = "quick"
    lmbd: float | None = None
    initial_noise: float | None = None
    multipliers: str = "builtin"
    seed: int = 0
    uniform: bool = True
    costs: dict = field(default_factory=dict)
    signed: bool | None = None
    bits: int | None = None
    circuit: dict = field(default_factory=dict)      # what else is stated of files: order, top, ...
    net: str = "lenet5"
    epochs: dict = field(default_factory=dict)      # stage -> epochs in place of the preset's
    images: int | None = None
    ranges: str = "moving"
    fold: bool = False
    recalibrate: int = 0                            # training images for batch norm under the multipliers
    retrain: str = "all"

    def __post_init__(self):
        published = NETS[check_choice("net", self.net, NETS)].noise_search
        for name, value in (("lmbd", published[0]), ("initial_noise", published[1])):
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        checked = {"dataset": check_choice("dataset", self.dataset, dataset_names()),
                   "preset": check_choice("preset", self.preset, PRESETS),
                   "lmbd": check_real("lmbd", self.lmbd, minimum=0.0),
                   "initial_noise": check_real("initial_noise", self.initial_noise),
                   "seed": check_integer("seed", self.seed, minimum=0),
                   "uniform": check_flag("uniform", self.uniform),
                   "multipliers": check_instance("multipliers", self.multipliers, str),
                   "data_dir": None if self.data_dir is None else str(check_instance("data_dir", self.data_dir,
                                                                                     (str, os.PathLike))),
                   "signed": None if self.signed is None else check_flag("signed", self.signed),
                   "bits": None if self.bits is None else check_integer("bits", self.bits, minimum=1),
                   "circuit": check_instance("circuit", self.circuit, dict),
                   "costs": {check_instance("costs", name, str): check_real(f"costs[{name!r}]", cost)
                             for name, cost in check_instance("costs", self.costs, dict).items()},
                   "epochs": {check_choice("a stage of epochs", stage, TRAINING_STAGES):
                              check_integer(f"epochs of {stage}", epochs, minimum=0)
                              for stage, epochs in check_instance("epochs", self.epochs, dict).items()},
                   # matching looks at 128 images
                   "images": None if self.images is None else check_integer("images", self.images, minimum=128),
                   "ranges": check_choice("ranges", self.ranges, RANGES), "fold": check_flag("fold", self.fold),
                   "recalibrate": check_integer("recalibrate", self.recalibrate, minimum=0),
                   "retrain": check_choice("retrain", self.retrain, TRAINED)}
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if self.fold and (self.recalibrate or self.retrain == "batch_norm"):
            raise ValueError(f"fold leaves no batch norm to {'recalibrate' if self.recalibrate else 'retrain'}: "
                             "choose one of the two.")

    @property
    def stages(self) -> dict[str, StageSettings]:
        """Settings of the four stages: the preset's for LeNet-5; for other networks the published ones, which a short
        preset cuts to its own epochs. Epochs that were asked for stretch the schedule of the learning rate."""
        stages = whole = PRESETS[self.preset]["stages"]
        if self.net != "lenet5":
            short, whole = stages, NETS[self.net].stages
            if self.preset != "full":
                whole = {name: dataclasses.replace(settings, sigma_lr=short[name].sigma_lr)
                         for name, settings in whole.items()}
            stages = whole if self.preset == "full" else {name: cut(settings, short[name].epochs)
                                                          for name, settings in whole.items()}
        stages = stages | {name: whole[name].stretched(epochs) for name, epochs in self.epochs.items()}
        return stages | {"approx": dataclasses.replace(stages["approx"], trained=self.retrain)}


def cut(settings, epochs):
    """`settings` for a few epochs: the same learning rate, without its drops."""
    return dataclasses.replace(settings, epochs=epochs, step=None, milestones=())


def environment():
    """What the numbers of a run may depend on besides its options."""
    blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    threads = {key: os.environ[key] for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
               if key in os.environ}
    return {"refapprox": __version__, "python": platform.python_version(), "numpy": np.__version__,
            "scipy": scipy.__version__, "machine": platform.machine(), "cores": os.cpu_count(), "workers": cores(),
            "blas": {key: blas.get(key) for key in ("name", "version")}, "threads": threads}
