"""Pictures of a lesson: a file beside a script, in place in a notebook and on a page of the site."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from refapprox.plotting.style import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A picture that was written to `path`."""

    path: Path

    def __repr__(self):
        return f"picture: {self.path}"

    def _repr_svg_(self):
        return self.path.read_text(encoding="utf-8")


def show(figure: Figure, name: str) -> Picture:
    """Write a figure to ``name.svg`` in the current folder, say so, and show it where a notebook runs.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        As the `plot` of a multiplier gives it.
    name : str
        Of the file, without its ending; a path, where it is to lie elsewhere.

    Returns
    -------
    Picture
        Which a notebook shows when it stands in the last line of a cell.

    Examples
    --------
    >>> import tempfile
    >>> from refapprox import exact
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     picture = show(exact(bits=2).plot(), f"{folder}/exact")      # doctest: +ELLIPSIS
    picture: ...exact.svg
    """
    picture = Picture(save(figure, Path(f"{name}.svg")))
    print(picture)
    return picture
