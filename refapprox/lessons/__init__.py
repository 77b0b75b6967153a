"""Ten lessons, each a script of 10 to 20 minutes that is a notebook and a page of the site as well.

    from refapprox.lessons import check

`check` says whether an answer to an exercise is right, or what probably went wrong, without giving the answer away;
`show` shows a picture; `write_lessons`, or `refapprox lessons --out DIR`, writes all lessons out as scripts and
notebooks. The lessons themselves are in `scripts/`, which is no package: nothing runs them that only looks for modules.
The answers are computed in `exercises/`.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = ["Verdict", "check", "lesson_paths", "show", "write_lessons"]

if TYPE_CHECKING:
    from refapprox.lessons.checking import check
    from refapprox.lessons.judging import Verdict
    from refapprox.lessons.pictures import show
    from refapprox.lessons.writing import lesson_paths, write_lessons
else:
    __getattr__, __dir__ = lazy(__name__)
