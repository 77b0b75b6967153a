"""Golden cases that a framework for approximate or analog arithmetic can be held against.

    refapprox conformance run --adapter package.module:Adapter

`spec` defines every operation, `Adapter` says which there are; `load_suite` has the cases; `run` gives a `Report`.
docs/conformance.md.
"""
from typing import TYPE_CHECKING

from refapprox._lazy import lazy

__all__ = ["Adapter", "Case", "Report", "Result", "Suite", "load_case", "load_suite", "run"]

if TYPE_CHECKING:
    from refapprox.conformance.adapter import Adapter
    from refapprox.conformance.running import Report, Result, run
    from refapprox.conformance.suite import Case, Suite, load_case, load_suite
else:
    __getattr__, __dir__ = lazy(__name__)
