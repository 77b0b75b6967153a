"""Layers own parameters and remember what their gradient needs; containers chain them.

A layer computes with the pure functions of `refapprox.ops`. `forward(x, training=True)` keeps the caches that
`backward(dy)` consumes; `backward` returns the gradient of the input and stores those of the parameters.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refapprox.ops import add
from refapprox.validation import check_array, check_integer

NOTHING = object()      # no forward pass to go back through; None is a cache like any other


class Parameter:
    """An array that training changes, and the gradient of the loss with respect to it.

    Parameters
    ----------
    value : ndarray

    Attributes
    ----------
    grad : ndarray or None
        After a backward pass.

    Examples
    --------
    >>> Parameter(np.zeros(3)).value.shape
    (3,)
    """

    def __init__(self, value: np.ndarray) -> None:
        self.value = check_array("value of Parameter", value)
        self.grad = None


class Layer:
    """One step of a network.

    Attributes
    ----------
    parameters : dict of str to Parameter
    buffers : dict of str to ndarray
        State that is stored with the network but not trained, such as running statistics.
    workers : int
        Threads that share a layer's work, 1 unless `use_workers` says otherwise; no bit depends on it.

    Examples
    --------
    A layer of one's own has `forward` and `backward`:

    >>> class Double(Layer):
    ...     def forward(self, x, *, training=False):
    ...         return 2 * x
    ...     def backward(self, dy, *, need_dx=True):
    ...         return 2 * dy
    >>> Double().forward(3.0)
    6.0
    """

    workers = 1

    def __init__(self) -> None:
        self.parameters = {}
        self.buffers = {}
        self._cache = NOTHING

    def children(self) -> Iterable[tuple[str, Layer]]:
        """Pairs (name, layer) one level below."""
        return ()

    def named_layers(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """Pairs (dotted name, layer) of all leaves, in order of definition."""
        children = list(self.children())
        if not children:
            yield prefix, self
        for name, child in children:
            yield from child.named_layers(f"{prefix}.{name}" if prefix else name)

    def use_workers(self, workers: int) -> None:
        """Share the work of this layer, and of all below it, among so many threads; at most one a core is used.

        Parameters
        ----------
        workers : int

        Raises
        ------
        TypeError, ValueError
            If workers is no integer, or below 1.
        """
        self.workers = check_integer("workers", workers, minimum=1)
        for _, child in self.children():
            child.use_workers(workers)

    def forward(self, x: NDArray, *, training: bool = False) -> NDArray:
        """Outputs for `x`; with `training` what `backward` needs is kept.

        Parameters
        ----------
        x : array
        training : bool, optional
            Keep what `backward` needs.
        """
        raise TypeError(f"{type(self).__name__} does not define forward.")

    def backward(self, dy: NDArray, *, need_dx: bool = True) -> NDArray | None:
        """Gradient of the input for the cotangent `dy`, None unless `need_dx`; those of the parameters are stored.

        Parameters
        ----------
        dy : array, shape of the outputs
        need_dx : bool, optional
        """
        raise TypeError(f"{type(self).__name__} does not define backward.")

    def remembered(self) -> Any:
        """The cache of the last training forward pass; it serves one backward pass."""
        if self._cache is NOTHING:
            raise ValueError(f"backward of {type(self).__name__} needs a forward pass with training=True before it.")
        cache, self._cache = self._cache, NOTHING
        return cache


class Sequential(Layer):
    """Layers one after the other: ``Sequential(conv1=Conv2D(...), relu1=ReLU(), ...)``.

    Parameters
    ----------
    **layers : Layer
        By name, in order.

    Raises
    ------
    ValueError
        If there is no layer.

    Examples
    --------
    >>> from refapprox.network import Flatten, ReLU
    >>> Sequential(relu=ReLU(), flatten=Flatten()).forward(np.full((1, 2, 1, 1), -1.0)).tolist()
    [[0.0, 0.0]]
    """

    def __init__(self, **layers: Layer) -> None:
        super().__init__()
        if not layers:
            raise ValueError("Sequential needs at least one layer, got none.")
        self.layers = layers

    def children(self) -> Iterable[tuple[str, Layer]]:
        """The layers with their names."""
        return self.layers.items()

    def forward(self, x: NDArray, *, training: bool = False) -> NDArray:
        for layer in self.layers.values():
            x = layer.forward(x, training=training)
        return x

    def backward(self, dy: NDArray, *, need_dx: bool = True) -> NDArray | None:
        first, *later = self.layers.values()
        for layer in reversed(later):
            dy = layer.backward(dy)
        return first.backward(dy, need_dx=need_dx)


class Residual(Layer):
    """y = main(x) + shortcut(x); without a shortcut the input itself is added.

    Parameters
    ----------
    main : Layer
    shortcut : Layer, optional

    Examples
    --------
    >>> from refapprox.network import ReLU
    >>> Residual(ReLU()).forward(np.array([-1.0, 2.0])).tolist()
    [-1.0, 4.0]
    """

    def __init__(self, main: Layer, shortcut: Layer | None = None) -> None:
        super().__init__()
        self.main, self.shortcut = main, shortcut

    def children(self) -> Iterable[tuple[str, Layer]]:
        """"main" and, where there is one, "shortcut"."""
        yield "main", self.main
        if self.shortcut is not None:
            yield "shortcut", self.shortcut

    def forward(self, x: NDArray, *, training: bool = False) -> NDArray:
        main = self.main.forward(x, training=training)
        side = x if self.shortcut is None else self.shortcut.forward(x, training=training)
        y, cache = add.forward(main, side, workers=self.workers)
        if training:
            self._cache = cache
        return y

    def backward(self, dy: NDArray, *, need_dx: bool = True) -> NDArray | None:
        dmain, dside = add.backward(dy, self.remembered())
        dx = self.main.backward(dmain, need_dx=need_dx)
        if self.shortcut is not None:
            dside = self.shortcut.backward(dside, need_dx=need_dx)
        return add.forward(dx, dside, workers=self.workers)[0] if need_dx else None


def state_arrays(network):
    """name -> array of every parameter ("layer.weight") and buffer of `network`; views, not copies."""
    state = {}
    for name, layer in network.named_layers():
        state |= {f"{name}.{key}": parameter.value for key, parameter in layer.parameters.items()}
        state |= {f"{name}.{key}": buffer for key, buffer in layer.buffers.items()}
    return state


def load_state_arrays(network, state):
    """Copy `state`, made by `state_arrays` of a network of the same architecture, into `network`."""
    own = state_arrays(network)
    if missing := sorted(own.keys() ^ state.keys()):
        raise ValueError(f"state does not fit the network: {', '.join(missing)} stand on one side only.")
    for name, target in own.items():
        source = check_array(f"state of {name}", state[name])
        if source.shape != target.shape or source.dtype != target.dtype:
            raise ValueError(f"state of {name} must be {target.dtype} of shape {target.shape}, "
                             f"got {source.dtype} of shape {source.shape}.")
    for name, target in own.items():
        target[...] = state[name]
