"""Results for people: tables as text, and self-contained HTML pages."""
from refapprox._lazy import doors
from refapprox.report.text import text_table

__all__ = ["text_table"]


doors(__name__)
