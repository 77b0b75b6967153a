"""Other tools' names and argument orders, for people who port code: thin layers over refapprox.

`compat.agnapprox` runs the published tutorial of agnapprox, `compat.torchapprox` has the operators and layers of
torchapprox, forward and backward, `compat.aihwkit` the analog part of aihwkit; `compat.presets` says how each tool
quantizes and multiplies, `compat.bisecting` holds a recorded network against that. Here, and only here, tables are in
two's-complement order where the other tool has them so, and functions make a fresh generator where none is passed.

The packages hold what computes; a file of one line keeps a published import path.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = ["agnapprox", "aihwkit", "bisecting", "evoapproxlib", "lightning", "presets", "torchapprox"]

if TYPE_CHECKING:
    from refapprox.compat import agnapprox, aihwkit, bisecting, evoapproxlib, lightning, presets, torchapprox
else:
    __getattr__, __dir__ = lazy(__name__)
