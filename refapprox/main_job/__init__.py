"""The whole job: train, quantize, learn the noise, match, retrain, report; resumable after every epoch."""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = ["MainJob", "PRESETS", "RunConfig"]

if TYPE_CHECKING:
    from refapprox.main_job.config import PRESETS, RunConfig
    from refapprox.main_job.job import MainJob
else:
    __getattr__, __dir__ = lazy(__name__)
