"""Weights in noisy, drifting conductances, and how to program them so that they stay true over time.

Converters split a weight over pairs of devices, device models say what becomes of a conductance, the objective scores
a strategy in closed form and by simulation, the optimizer looks for a better one.  This part knows nothing of networks.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = [
    "AgedWeights", "ApproximationWarning", "ConductanceConverter", "CustomDriftPCMLikeNoiseModel",
    "CustomPairConductanceConverter", "DeviceModel", "DriftCompensation", "DualPairConductanceConverter",
    "FusionConductanceConverter", "GlobalDriftCompensation", "GlobalDriftCompensationWithExactReference",
    "HermesNoiseModel", "Hypercube", "LossEstimate", "NPairConductanceConverter", "NoDriftCompensation",
    "NoiseModel", "NoisyReadout", "NotInvertibleError", "OptimizationResult", "PCMLikeNoiseModel",
    "PerColumnDriftCompensation", "PerfectReadout", "PopulationLoss", "ProgrammedWeights", "RaggedCurvesError",
    "ReRamCMONoiseModel", "ReRamWan2022NoiseModel", "SingleDeviceConductanceConverter",
    "SinglePairConductanceConverter", "StateIndependentNoiseModel", "WeightProgrammingOptimizer", "aged_moments",
    "downsample", "expected_nmse", "expected_tnmse", "monte_carlo_tnmse", "program_weights",
]

if TYPE_CHECKING:
    from refapprox.analog.aging import AgedWeights, ProgrammedWeights, program_weights
    from refapprox.analog.checks import NotInvertibleError, RaggedCurvesError
    from refapprox.analog.compensation import (
        DriftCompensation,
        GlobalDriftCompensation,
        GlobalDriftCompensationWithExactReference,
        NoDriftCompensation,
        PerColumnDriftCompensation,
    )
    from refapprox.analog.converters import (
        ConductanceConverter,
        DualPairConductanceConverter,
        NPairConductanceConverter,
        SinglePairConductanceConverter,
    )
    from refapprox.analog.custom_converter import CustomPairConductanceConverter
    from refapprox.analog.devices import (
        CustomDriftPCMLikeNoiseModel,
        DeviceModel,
        HermesNoiseModel,
        NoiseModel,
        PCMLikeNoiseModel,
        ReRamCMONoiseModel,
        ReRamWan2022NoiseModel,
        StateIndependentNoiseModel,
    )
    from refapprox.analog.finite_array import ApproximationWarning
    from refapprox.analog.hypercube import Hypercube
    from refapprox.analog.monte_carlo import LossEstimate, monte_carlo_tnmse
    from refapprox.analog.objective import aged_moments, expected_nmse, expected_tnmse
    from refapprox.analog.optimizer import WeightProgrammingOptimizer
    from refapprox.analog.population import PopulationLoss
    from refapprox.analog.quantiles import downsample
    from refapprox.analog.readout import NoisyReadout, PerfectReadout
    from refapprox.analog.result import OptimizationResult
    from refapprox.analog.unpaired_converters import FusionConductanceConverter, SingleDeviceConductanceConverter
else:
    __getattr__, __dir__ = lazy(__name__)
