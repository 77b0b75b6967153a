"""Figures. matplotlib is imported only when one is drawn.

What has a figure of its own draws it itself (`plot`); `new_figure` and `MEANING` are for further ones that look alike.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = ["MEANING", "new_figure"]

if TYPE_CHECKING:
    from refapprox.plotting.style import MEANING, new_figure
else:
    __getattr__, __dir__ = lazy(__name__)
