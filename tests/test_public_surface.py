"""Every public name tells what it takes, gives and raises, with an example; and the walk that says so can fail."""
from dataclasses import dataclass

from numpy.typing import ArrayLike

from tests.tools.public_surface import class_gaps, function_gaps, gaps, packages


def test_every_public_name_is_documented_and_annotated():
    missing = gaps()
    assert not missing, "\n".join(f"{name}: {'; '.join(lacks)}" for name, lacks in missing.items())


def test_every_name_in_all_is_there():
    for name, package in packages().items():
        assert len(set(package.__all__)) == len(package.__all__), name
        assert not [public for public in package.__all__ if not hasattr(package, public)], name


def complete(x: float, *rest: int, scale: float = 1.0) -> float:
    """Something.

    Parameters
    ----------
    x, scale : float
        Two numbers.
    *rest : int
        More.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Where x is negative.

    Examples
    --------
    >>> complete(1.0)
    1.0
    """
    if x < 0:
        raise ValueError(f"x must not be negative, got {x}.")
    return x * scale + sum(rest)


def test_the_walk_finds_each_kind_of_gap():
    def bare(x, y=1):
        return x

    def checks(x: int) -> None:
        """Something.

        Parameters
        ----------
        z : int
        """
        check_integer("x", x)      # noqa: F821 (never called)

    def unreadable(path: ArrayLike, log: object = complete) -> None:
        """Something.

        Parameters
        ----------
        path, log

        Examples
        --------
        >>> unreadable(1)
        """

    assert function_gaps(complete) == []
    assert [gap.split(":")[0] for gap in function_gaps(unreadable)] == ["signature"]
    assert function_gaps(bare) == ["docstring"]
    bare.__doc__ = "Something."
    assert function_gaps(bare) == ["Parameters: x, y", "Returns", "Example", "annotations: x, y, return"]
    assert function_gaps(checks) == ["Parameters: x", "Raises", "Example"]


def test_the_walk_looks_into_classes():
    @dataclass
    class Bare:
        x: int

    class Told:
        """Something.

        Parameters
        ----------
        x : int

        Examples
        --------
        >>> Told(1).x
        1
        """

        def __init__(self, x: int) -> None:
            self.x = x

        def silent(self):
            return self.x

        def many(self, first: int, second: int) -> int:
            """Something."""
            return first + second

    class Base:
        def many(self, first: int, second: int) -> int:
            """Something.

            Parameters
            ----------
            first, second : int
            """

    class Overrides(Base):
        """Something.

        Examples
        --------
        >>> Overrides().many(1, 2)
        2
        """

        def many(self, first: int, second: int) -> int:
            return second

    class TakesMore(Overrides):
        __doc__ = Overrides.__doc__

        def many(self, first: int, second: int, third: int) -> int:
            return third

    assert class_gaps(Bare) == ["docstring"]
    assert class_gaps(Told) == ["silent: docstring", "many: Parameters: first, second"]
    assert class_gaps(Overrides) == [] and class_gaps(TakesMore) == ["many: Parameters: third"]
