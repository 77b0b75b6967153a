"""Figures. matplotlib is imported only when one is drawn.

What has a figure of its own draws it itself (`plot`). `error_maps` compares several multipliers; `new_figure` and
`MEANING` are for further figures that look alike.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = ["MEANING", "error_maps", "new_figure"]

if TYPE_CHECKING:
    from refapprox.plotting.multipliers import error_maps
    from refapprox.plotting.style import MEANING, new_figure
else:
    __getattr__, __dir__ = lazy(__name__)
