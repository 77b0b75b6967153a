"""Images as bytes, normalized where they are looked at, and moved at random for training.

    image[channel] = (pixel[channel] / 255 - mean[channel]) / std[channel]                        (1)

60,000 color images of 32 x 32 take 184 MB as bytes and 740 MB as float32.
"""
from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from refapprox.validation import (
    WrongKindError,
    check_array,
    check_codes,
    check_finite,
    check_flag,
    check_integer,
    check_rng,
)


class NormalizedImages:
    """What looks like a float32 array of images and keeps bytes: indexing by images normalizes those that it takes.

    Parameters
    ----------
    pixels : uint8 array, shape (n, c, h, w)
    mean, std : float arrays, shape (c,)
        Of pixels in [0, 1].

    Raises
    ------
    TypeError
        If the pixels are no integers.
    ValueError
        If the pixels are no bytes, the shapes do not match, or a std is not positive.

    Examples
    --------
    >>> images = NormalizedImages(np.full((2, 1, 1, 1), 255, np.uint8), [0.5], [0.25])
    >>> images[:1].tolist(), images.shape
    ([[[[2.0]]]], (2, 1, 1, 1))
    """

    dtype = np.dtype(np.float32)

    def __init__(self, pixels: ArrayLike, mean: ArrayLike, std: ArrayLike) -> None:
        self.pixels = check_array("pixels", pixels, kinds="iu", ndim=4, dtype=np.uint8)
        mean, std = (check_finite(name, value, ndim=1, dtype=np.float64) for name, value in
                     (("mean", mean), ("std", std)))
        if mean.shape != std.shape or mean.shape != self.pixels.shape[1:2] or not (std > 0).all():
            raise ValueError(f"mean and std must hold one number per channel, std positive, for pixels of shape "
                             f"{self.pixels.shape}, got {mean.tolist()} and {std.tolist()}.")
        gray = np.arange(256) / 255
        self.table = ((gray - mean[:, None]) / std[:, None]).astype(np.float32)      # one value per gray level, (1)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, c, h, w)."""
        return self.pixels.shape

    @property
    def ndim(self) -> int:
        """Four."""
        return self.pixels.ndim

    @property
    def size(self) -> int:
        """Pixels of all images and channels."""
        return self.pixels.size

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        """Images of `rows`, whatever picks them: a number, a slice, an array."""
        try:
            return self.normalized(self.pixels[rows])
        except (TypeError, ValueError) as error:
            raise WrongKindError(f"rows must pick images: {error}") from None

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray:
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)

    def first(self, n: int) -> NormalizedImages:
        """The first `n` images, still bytes."""
        found = copy(self)
        found.pixels = self.pixels[:n]
        return found

    def normalized(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images (..., c, h, w) of `pixels`, by (1)."""
        pixels = check_codes("pixels", pixels, 0, 255, dtype=np.uint8)
        if pixels.ndim < 3 or pixels.shape[-3] != len(self.table):
            raise ValueError(f"pixels must have shape (..., {len(self.table)}, h, w), got {pixels.shape}.")
        images = np.empty(pixels.shape, np.float32)
        for channel, table in enumerate(self.table):
            images[..., channel, :, :] = table[pixels[..., channel, :, :]]
        return images


@dataclass(frozen=True)
class CropAndFlip:
    """Training images moved by up to `padding` pixels, the border black, and mirrored every other time.

    Parameters
    ----------
    padding : int, optional
        Largest move in pixels, up, down, left and right.
    flip : bool, optional
        Mirror left and right with probability 1/2.

    Raises
    ------
    TypeError
        If padding is no integer, or flip no bool.
    ValueError
        If padding is negative.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, CVPR 2016, arXiv:1512.03385, section 4.2.

    Examples
    --------
    >>> moves = CropAndFlip(padding=1)
    >>> moves.apply(np.array([[[[1, 2], [3, 4]]]], np.uint8), np.array([[0, 2, 0]])).tolist()
    [[[[0, 0], [2, 0]]]]
    """

    padding: int = 4
    flip: bool = True

    def __post_init__(self):
        object.__setattr__(self, "padding", check_integer("padding of CropAndFlip", self.padding, minimum=0))
        object.__setattr__(self, "flip", check_flag("flip of CropAndFlip", self.flip))

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """How `n` images are moved: rows (top, left, mirrored), the first two in [0, 2 padding].

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator
        """
        moves = check_rng(rng).integers(0, 2 * self.padding + 1, (n, 3))
        moves[:, 2] = rng.integers(0, 2, n) if self.flip else 0
        return moves

    def apply(self, pixels: NDArray, moves: NDArray[np.int64]) -> NDArray:
        """`pixels` (n, c, h, w) moved by `moves` (n, 3), as `draw` makes them.

        Parameters
        ----------
        pixels : array, shape (n, c, h, w)
        moves : int array, shape (n, 3)
        """
        pixels = check_array("pixels", pixels, ndim=4)
        moves = check_codes("moves", moves, 0, 2 * self.padding, ndim=2)
        if moves.shape != (len(pixels), 3):
            raise ValueError(f"moves must have shape ({len(pixels)}, 3), got {moves.shape}.")
        n, c, h, w = pixels.shape
        border = (self.padding, self.padding)
        padded = np.pad(pixels, ((0, 0), (0, 0), border, border))
        top, left, mirrored = moves.T
        columns = np.where(mirrored[:, None], np.arange(w)[::-1], np.arange(w)) + left[:, None]
        rows = np.arange(h) + top[:, None]
        return padded[np.arange(n)[:, None, None, None], np.arange(c)[:, None, None], rows[:, None, :, None],
                      columns[:, None, None, :]]
