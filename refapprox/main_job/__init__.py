"""The whole job: train, quantize, learn the noise, match, retrain, report; resumable after every epoch."""
from refapprox.main_job.config import PRESETS, RunConfig
from refapprox.main_job.job import MainJob

__all__ = ["MainJob", "PRESETS", "RunConfig"]
