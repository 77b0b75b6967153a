"""A small stand-in for aihwkit.simulator.configs: what the analog part reads of a hardware configuration.

Settings that are not there are refused, by an AttributeError or TypeError, rather than ignored.
"""
from dataclasses import dataclass, field

from refapprox.analog.compensation import GlobalDriftCompensation
from refapprox.analog.readout import PERFECT, NoisyReadout, PerfectReadout
from refapprox.compat.aihwkit.inference import PCMLikeNoiseModel
from refapprox.validation import shown


@dataclass(slots=True)
class IOParameters:
    """Readout settings, with upstream's defaults; `w_noise_type` is "NONE", "ADDITIVE_CONSTANT" or "PCM_READ"."""

    is_perfect: bool = False
    inp_res: float = 1 / 126
    inp_bound: float = 1.0
    out_res: float = 1 / 510
    out_bound: float = 12.0
    out_noise: float = 0.06
    w_noise: float = 0.0
    w_noise_type: str = "NONE"

    def readout(self) -> PerfectReadout | NoisyReadout:
        """The readout of `refapprox.analog` that these settings mean for one-hot inputs."""
        if self.is_perfect:
            return PERFECT
        kinds = {"NONE": "none", "ADDITIVE_CONSTANT": "additive", "PCM_READ": "pcm_read"}
        name = getattr(self.w_noise_type, "name", self.w_noise_type)
        if name not in kinds:
            raise ValueError(f"w_noise_type must be one of {', '.join(kinds)}, got {shown(name)}.")
        return NoisyReadout(out_noise=self.out_noise, out_res=self.out_res, out_bound=self.out_bound,
                            w_noise=self.w_noise, w_noise_type=kinds[name])


@dataclass(slots=True)
class MappingParameter:
    """Mapping settings. Scaling is off while strategies are optimized, as upstream."""

    max_input_size: int = 512
    max_output_size: int = 512
    weight_scaling_omega: float = 0.0
    weight_scaling_columnwise: bool = False
    learn_out_scaling: bool = False
    out_scaling_columnwise: bool = False


@dataclass(slots=True)
class InferenceRPUConfig:
    """What the optimizer needs to know of the hardware; `forward.is_perfect` is upstream's default False."""

    noise_model: object = field(default_factory=PCMLikeNoiseModel)
    drift_compensation: object = field(default_factory=GlobalDriftCompensation)
    forward: IOParameters = field(default_factory=IOParameters)
    mapping: MappingParameter = field(default_factory=MappingParameter)
