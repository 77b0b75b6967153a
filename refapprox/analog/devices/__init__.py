"""Device models: how a programmed conductance is scattered, drifts and is read."""
from refapprox._lazy import doors
from refapprox.analog.devices.base import DeviceModel, MeanVariance
from refapprox.analog.devices.drifting import NoiseModel
from refapprox.analog.devices.hermes import HermesNoiseModel
from refapprox.analog.devices.pcm_like import CustomDriftPCMLikeNoiseModel, PCMLikeNoiseModel
from refapprox.analog.devices.reram_cmo import ReRamCMONoiseModel
from refapprox.analog.devices.reram_wan2022 import ReRamWan2022NoiseModel
from refapprox.analog.devices.state_independent import StateIndependentNoiseModel

__all__ = ["CustomDriftPCMLikeNoiseModel", "DeviceModel", "HermesNoiseModel", "MeanVariance", "NoiseModel",
           "PCMLikeNoiseModel", "ReRamCMONoiseModel", "ReRamWan2022NoiseModel", "StateIndependentNoiseModel"]


doors(__name__)
