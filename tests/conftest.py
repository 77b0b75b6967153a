"""Hypothesis draws the same examples in every run: a test never passes or fails by luck."""
import os

import matplotlib
import pytest
from hypothesis import settings

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
