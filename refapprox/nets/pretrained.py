"""Networks that are already trained, so that a multiplier's effect can be seen without training one.

`NAME.npz` beside this file holds a LeNet-5 after the noise search, weights as float16, made by
``tests/tools/make_pretrained.py``.
"""
from pathlib import Path

import numpy as np

from refapprox import files
from refapprox.validation import check_choice

DATASETS = ("synthetic", "mnist")


def pretrained_path(dataset, signed):
    """Where the network for `dataset` with signed or unsigned codes is stored."""
    return Path(__file__).with_name(f"lenet5_{dataset}_{'signed' if signed else 'unsigned'}.npz")


def load_pretrained(dataset, signed):
    """(state, entropy) of a stored network."""
    check_choice("dataset of pretrained", dataset, DATASETS)
    arrays = files.read_npz(pretrained_path(dataset, signed))
    about = files.parse_json(str(arrays.pop("about")), "about of a pretrained network")
    return as_float32(arrays), about["entropy"]


def as_float32(state):
    return {name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in state.items()}
