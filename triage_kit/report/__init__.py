"""From evidence to one page: runs the four notebooks, joins them, exports, and writes findings.json."""

from triage_kit.report.making import Made, make

__all__ = ["Made", "make"]
