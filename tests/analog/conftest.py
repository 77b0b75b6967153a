"""Golden data of the analog part: numbers that aihwkit 1.2.0 printed, in a folder outside the repository."""
import json
import os
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def golden():
    """Loader: golden("converters") -> (arrays, settings); skips by name when the folder is absent."""
    folder = Path(os.environ.get("REFAPPROX_ANALOG_GOLDEN", REPOSITORY.parent / "shared" / "analog" / "golden"))

    def load(name):
        path = folder / f"{name}.npz"
        if not path.exists():
            pytest.skip(f"golden data {name}.npz is absent: set REFAPPROX_ANALOG_GOLDEN to the folder with it")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        return arrays, json.loads(str(arrays.pop("meta_json")))

    return load
