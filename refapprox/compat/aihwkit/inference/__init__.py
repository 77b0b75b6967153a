"""The names of aihwkit.inference."""
from refapprox.compat.aihwkit.inference.compensation.base import BaseDriftCompensation
from refapprox.compat.aihwkit.inference.compensation.drift import (
    GlobalDriftCompensation,
    GlobalDriftCompensationWithExactReference,
    PerColumnDriftCompensation,
)
from refapprox.compat.aihwkit.inference.converter.base import BaseConductanceConverter
from refapprox.compat.aihwkit.inference.converter.conductance import (
    CustomPairConductanceConverter,
    DualPairConductanceConverter,
    NPairConductanceConverter,
    SingleDeviceConductanceConverter,
    SinglePairConductanceConverter,
)
from refapprox.compat.aihwkit.inference.noise.base import BaseNoiseModel
from refapprox.compat.aihwkit.inference.noise.custom import StateIndependentNoiseModel
from refapprox.compat.aihwkit.inference.noise.hermes import HermesNoiseModel
from refapprox.compat.aihwkit.inference.noise.pcm import CustomDriftPCMLikeNoiseModel, PCMLikeNoiseModel
from refapprox.compat.aihwkit.inference.noise.reram import ReRamCMONoiseModel, ReRamWan2022NoiseModel

__all__ = [
    "BaseConductanceConverter", "BaseDriftCompensation", "BaseNoiseModel",
    "CustomDriftPCMLikeNoiseModel", "CustomPairConductanceConverter", "DualPairConductanceConverter",
    "GlobalDriftCompensation", "GlobalDriftCompensationWithExactReference", "HermesNoiseModel",
    "NPairConductanceConverter", "PCMLikeNoiseModel", "PerColumnDriftCompensation", "ReRamCMONoiseModel",
    "ReRamWan2022NoiseModel", "SingleDeviceConductanceConverter", "SinglePairConductanceConverter",
    "StateIndependentNoiseModel",
]
