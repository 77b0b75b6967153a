"""Signed multipliers around an unsigned core, by a named extension.

    sign-magnitude     p = +-m(|x|, |w|): exact negations; |-2**(n-1)| = 2**(n-1) fits the unsigned core
    ones-complement    negative operands and negative products are inverted instead of negated: ~x = -x - 1

`as_wires` are the circuits, `as_function` the same on integers for families without gates.
"""
import numpy as np

from refapprox.validation import check_choice

EXTENSIONS = ("sign-magnitude", "ones-complement")


def negate_if(builder, word, sign, extension):
    """The word inverted where `sign`, and incremented too where the extension is exact."""
    inverted = [builder.gate("XOR", wire, sign) for wire in word]
    if extension == "ones-complement":
        return inverted
    return builder.add(inverted, [], sign, width=len(word))


def as_wires(builder, core, x, w, extension):
    """The signed product word around ``core(builder, x, w)``, which is unsigned and of the same widths."""
    check_choice("extension", extension, EXTENSIONS)
    magnitudes = [negate_if(builder, word, word[-1], extension) for word in (x, w)]
    return negate_if(builder, core(builder, *magnitudes), builder.gate("XOR", x[-1], w[-1]), extension)


def as_function(core, extension):
    """The signed function (x, w) -> product around an unsigned one on int64 arrays."""
    check_choice("extension", extension, EXTENSIONS)
    lost = 1 if extension == "ones-complement" else 0          # an inversion is a negation minus one

    def signed(x, w):
        magnitudes = [np.where(v < 0, -v - lost, v) for v in (x, w)]
        product = core(*magnitudes)
        return np.where((x < 0) != (w < 0), -product - lost, product)
    return signed
