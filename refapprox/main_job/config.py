"""What a run is asked to do, as config.json stores it."""
import dataclasses
import os
import platform
from dataclasses import dataclass, field

import numpy as np
import scipy

from refapprox._version import __version__
from refapprox.nets.lenet5 import STAGES
from refapprox.optimizer import StageSettings
from refapprox.validation import check_choice, check_flag, check_instance, check_integer, check_real

DATASETS = ("synthetic", "mnist")

# A preset is the hyperparameters of the four stages, and how much of the drawn digits it uses. The short ones give
# the noise levels a larger learning rate, so that they travel about as far in fewer steps as in a full run.
PRESETS = {
    "smoke": {
        "stages": {
            "baseline": StageSettings(epochs=1, lr=0.05, weight_decay=1e-4),
            "quant": StageSettings(epochs=1, lr=1e-3),
            "gradient": StageSettings(epochs=1, lr=1e-3, sigma_lr=0.05),
            "approx": StageSettings(epochs=1, lr=1e-3),
        },
        "digits": {"n_train": 1500, "n_test": 500},
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


@dataclass(frozen=True)
class RunConfig:
    """Options of `refapprox run`; see its --help."""

    dataset: str = "synthetic"
    data_dir: str | None = None
    preset: str = "quick"
    lmbd: float = 0.2
    initial_noise: float = 0.025
    multipliers: str = "builtin"
    seed: int = 0
    uniform: bool = True
    costs: dict = field(default_factory=dict)
    signed: bool | None = None
    bits: int | None = None
    circuit: dict = field(default_factory=dict)      # further arguments of read_circuit

    def __post_init__(self):
        checked = {"dataset": check_choice("dataset", self.dataset, DATASETS),
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
                   "costs": {check_instance("costs", name, str): check_real(f"costs[{name!r}]", cost)
                             for name, cost in check_instance("costs", self.costs, dict).items()}}
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def stages(self):
        return PRESETS[self.preset]["stages"]


def environment():
    """What the numbers of a run may depend on besides its options."""
    blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    threads = {key: os.environ[key] for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
               if key in os.environ}
    return {"refapprox": __version__, "python": platform.python_version(), "numpy": np.__version__,
            "scipy": scipy.__version__, "machine": platform.machine(), "cores": os.cpu_count(),
            "blas": {key: blas.get(key) for key in ("name", "version")}, "threads": threads}
