"""The names of aihwkit.inference: converters, noise models, drift compensations."""
from refapprox._lazy import doors
from refapprox.compat.aihwkit.inference.compensation import (
    BaseDriftCompensation,
    GlobalDriftCompensation,
    GlobalDriftCompensationWithExactReference,
    PerColumnDriftCompensation,
)
from refapprox.compat.aihwkit.inference.converter import (
    BaseConductanceConverter,
    CustomPairConductanceConverter,
    DualPairConductanceConverter,
    NPairConductanceConverter,
    SingleDeviceConductanceConverter,
    SinglePairConductanceConverter,
)
from refapprox.compat.aihwkit.inference.noise import (
    BaseNoiseModel,
    CustomDriftPCMLikeNoiseModel,
    HermesNoiseModel,
    PCMLikeNoiseModel,
    ReRamCMONoiseModel,
    ReRamWan2022NoiseModel,
    StateIndependentNoiseModel,
)

__all__ = [
    "BaseConductanceConverter", "BaseDriftCompensation", "BaseNoiseModel",
    "CustomDriftPCMLikeNoiseModel", "CustomPairConductanceConverter", "DualPairConductanceConverter",
    "GlobalDriftCompensation", "GlobalDriftCompensationWithExactReference", "HermesNoiseModel",
    "NPairConductanceConverter", "PCMLikeNoiseModel", "PerColumnDriftCompensation", "ReRamCMONoiseModel",
    "ReRamWan2022NoiseModel", "SingleDeviceConductanceConverter", "SinglePairConductanceConverter",
    "StateIndependentNoiseModel",
]


doors(__name__)
