"""The families that `families` knows: what each is called, what it takes, and where it comes from."""
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from refapprox.multipliers.circuits import compressors, dropping, recoding
from refapprox.multipliers.rules import logarithmic, rounding, segments

REQUIRED = object()


@dataclass(frozen=True)
class Parameter:
    """One parameter: an integer from `minimum` to ``maximum(bits)``, a real in that range, or one of `choices`."""

    name: str
    minimum: int = 0
    maximum: Callable = None
    default: object = REQUIRED
    choices: tuple = ()
    real: bool = False

    def described(self, bits):
        """Name and range in words."""
        if self.choices:
            return f"{self.name}, one of {', '.join(self.choices)}"
        return f"{self.name}, {self.minimum} to {self.maximum(bits)} at {bits} bits"


@dataclass(frozen=True)
class Family:
    """A family: `function` builds wires ("circuit") or computes integers ("rule")."""

    name: str
    kind: str
    function: Callable
    parameters: tuple
    rule: str
    reference: str
    native_signed: bool = False
    check: Callable = None


def power_of_two(*, bits, segments):
    if segments & segments - 1:
        raise ValueError(f"segments of realm must be a power of two, got {segments}.")


def fraction_inside(*, bits, h, t):
    if h > t:
        raise ValueError(f"h of tosam must be at most t, got h={h}, t={t}.")


def static_segments(*, bits, m):
    if 2 * m < bits:
        raise ValueError(f"m of ssm must be at least half the width, {-(-bits // 2)} at {bits} bits, or the segments "
                         f"leave bits out; got {m}.")


def three_segments(*, bits, m):
    gap = bits - m - (bits - m) // 2
    if m < gap:
        raise ValueError(f"m of essm must be at least {gap} at {bits} bits, or the segments leave bits out; got {m}.")


def whole(bits):
    return bits


def below(bits):
    return bits - 1


def columns(bits):
    return 2 * bits


FAMILIES = {family.name: family for family in (
    Family("exact", "circuit", dropping.exact,
           (Parameter("tree", default="dadda", choices=("dadda", "wallace", "array")),),
           "x * w by a Dadda or Wallace tree or a carry-save array", "Dadda 1965; Wallace 1964", True),
    Family("truncated", "circuit", dropping.truncated,
           (Parameter("k", 0, columns), Parameter("correction", default="none",
                                                  choices=("none", "constant", "variable"))),
           "columns below k dropped, their mean or twice the cells of column k - 1 added",
           "Schulte and Swartzlander 1993; King and Swartzlander 1997", True),
    Family("broken_array", "circuit", dropping.broken_array, (Parameter("h", 0, whole), Parameter("v", 0, columns)),
           "B(h, v): cells x_i w_j with i >= h, i + j >= v", "Mahdiani et al. 2010", True),
    Family("perforated", "circuit", dropping.perforated, (Parameter("j", 0, below), Parameter("k", 0, whole)),
           "rows j .. j + k - 1 of w dropped", "Zervakis et al. 2016", True),
    Family("operand_truncated", "circuit", dropping.operand_truncated, (Parameter("t", 0, below),),
           "T(t): both operands rounded down to multiples of 2**t", "EvoApproxLib", True),
    Family("operand_rounded", "circuit", dropping.operand_rounded, (Parameter("t", 0, below),),
           "both operands rounded to the nearest multiple of 2**t, halves up, saturated", "classic", True),
    Family("operand_jammed", "circuit", dropping.operand_jammed, (Parameter("t", 0, below),),
           "low t bits of both operands replaced by 10...0", "classic", True),
    Family("loa", "circuit", dropping.lower_part_or, (Parameter("l", 0, columns),),
           "Dadda tree, low l bits of the last addition ORed", "Mahdiani et al. 2010", True),
    Family("compressor", "circuit", compressors.compressor_tree,
           (Parameter("cell", default="momeni2", choices=tuple(compressors.COMPRESSORS)),
            Parameter("columns", 0, columns, default=None)),
           "4:2 compressor tree, approximate cells in columns below `columns` (all)",
           "Momeni et al. 2015; Venkatachalam and Ko 2017", True),
    Family("udm", "circuit", recoding.underdesigned, (), "2x2 blocks with 3 * 3 = 7, exact additions",
           "Kulkarni et al. 2011"),
    Family("sdlc", "circuit", recoding.significance_driven, (),
           "rows 2 r, 2 r + 1 ORed in columns up to n - 1 + r, the rest added", "Qiqieh et al. 2017"),
    Family("drum", "rule", segments.drum, (Parameter("k", 2, whole),),
           "k bits from the leading one on, the last set to one where bits were cut", "Hashemi et al. 2015"),
    Family("dsm", "rule", segments.dsm, (Parameter("k", 1, whole),), "k bits from the leading one on",
           "Narayanamoorthy et al. 2015"),
    Family("letam", "rule", segments.letam, (Parameter("t", 1, whole),),
           "t bits from the leading one on, a one appended", "Vahdat et al. 2017"),
    Family("ssm", "rule", segments.ssm, (Parameter("m", 1, whole),), "high or low m bits",
           "Narayanamoorthy et al. 2015", check=static_segments),
    Family("essm", "rule", segments.essm, (Parameter("m", 1, whole),), "high, middle or low m bits",
           "Narayanamoorthy et al. 2015", check=three_segments),
    Family("mitchell", "rule", logarithmic.mitchell, (), "sum of linearized logarithms", "Mitchell 1962"),
    Family("iterative_log", "rule", logarithmic.iterative, (Parameter("c", 0, whole, default=1),),
           "2**K + A, repeated c times on the residues", "Babic et al. 2011"),
    Family("mbm", "rule", logarithmic.mbm,
           (Parameter("c", 0, lambda bits: 1, default=Fraction(5, 64), real=True),), "Mitchell + c 2**K",
           "Saadat et al. 2018"),
    Family("realm", "rule", logarithmic.realm, (Parameter("segments", 1, lambda bits: 64),),
           "Mitchell + 2**K s_ij, segments x segments corrections", "Saadat et al. 2020", check=power_of_two),
    Family("alm_loa", "rule", logarithmic.alm_loa, (Parameter("m", 0, below),),
           "Mitchell, low m fraction bits added by OR", "Liu et al. 2018"),
    Family("alm_soa", "rule", logarithmic.alm_soa, (Parameter("m", 0, below),),
           "Mitchell, low m fraction bits of the sum set to one", "Liu et al. 2018"),
    Family("roba", "rule", rounding.roba, (), "r_x w + r_w x - r_x r_w, r the nearest power of two",
           "Zendegani et al. 2017"),
    Family("tosam", "rule", rounding.tosam, (Parameter("h", 0, whole), Parameter("t", 0, whole)),
           "2**K (1 + x_t + w_t + (x_h + 2**-(h+1)) (w_h + 2**-(h+1)))", "Vahdat et al. 2019", check=fraction_inside),
    Family("etm", "rule", rounding.etm, (), "high halves exactly, low halves a run of ones", "Kyaw et al. 2010"),
    Family("ou", "rule", rounding.ou, (Parameter("level", 0, whole),), "tangent planes of 2**level parts an axis",
           "Chen et al. 2020"),
)}
