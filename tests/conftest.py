"""Hypothesis draws the same examples in every run: a test never passes or fails by luck."""
import gc
import importlib.util
import json
import os
import tracemalloc
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import settings
from small_network import small_net, stripes

pytest_plugins = ["refapprox.testing.pytest_plugin"]

gc.set_threshold(700, 10, 100)      # what tests hold lives on: looking through all of it took a ninth of the time
matplotlib.use("Agg")
settings.register_profile("default", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("thorough", deadline=None, derandomize=False, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def data_dir():
    """The folder with MNIST, or a skip that says what is missing."""
    folder = os.environ.get("REFAPPROX_DATA_DIR")
    if not folder:
        pytest.skip("REFAPPROX_DATA_DIR is not set: no MNIST here")
    return folder


@pytest.fixture(scope="session")
def load_example():
    """name -> the module of examples/NAME.py, or tests/tools/NAME.py, loaded anew, its neighbors in reach."""
    def load(name):
        here = Path(__file__).resolve().parent
        path = next(path for path in (here.parent / "examples" / f"{name}.py", here / "tools" / f"{name}.py")
                    if path.exists())
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(path.parent)
            spec.loader.exec_module(module)
        return module
    return load


@pytest.fixture
def peak_memory():
    """run -> (bytes that it held at most beside what existed before, its result); the smaller of two measurements.

    Once in 1,500 calls CPython rebuilds its table of interned strings, 1.9 MB, meanwhile: the new one counts, the
    release of the old one does not, since it was made before. Two measurements in a row do not both meet that.
    """
    def measure(run):
        peaks = []
        for _ in range(2):
            tracemalloc.start()
            result = run()
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        return min(peaks), result
    return measure


@pytest.fixture
def data():
    return stripes()


@pytest.fixture
def make_net():
    return small_net


@pytest.fixture(scope="session")
def searched():
    """(net, data) after baseline, quantization and noise search. Tests must leave its state as it is."""
    net, data = small_net(), stripes()
    net.train_baseline(data, epochs=3)
    net.train_quant(data)
    net.train_gradient(data)
    return net, data


@pytest.fixture(scope="session")
def golden():
    """Loader of what aihwkit 1.2.0 printed: golden("converters") -> (arrays, settings); skips where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "analog" / "golden"
    folder = Path(os.environ.get("REFAPPROX_ANALOG_GOLDEN", beside))

    def load(name):
        path = folder / f"{name}.npz"
        if not path.exists():
            pytest.skip(f"golden data {name}.npz is absent: set REFAPPROX_ANALOG_GOLDEN to the folder with it")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        return arrays, json.loads(str(arrays.pop("meta_json")))

    return load
