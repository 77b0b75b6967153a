"""Golden cases that a framework for approximate or analog arithmetic can be held against.

    refapprox conformance run --adapter package.module:Adapter

`Adapter` says which operations there are; `load_suite` has the cases; `run` gives a `Report`. docs/conformance.md.
"""
from refapprox.conformance.adapter import Adapter
from refapprox.conformance.running import Report, Result, run
from refapprox.conformance.suite import Case, Suite, load_case, load_suite

__all__ = ["Adapter", "Case", "Report", "Result", "Suite", "load_case", "load_suite", "run"]
