"""Bytes or text in, records or Unparsed out: logs and migrations. No files, no frames, nothing is executed."""

from triage_kit.parse.entry import Entry, Unparsed
from triage_kit.parse.formats import FORMATS, detect_format, parse
from triage_kit.parse.kinds import classify
from triage_kit.parse.outcomes import Outcomes
from triage_kit.parse.prefix import check_prefix, infer_prefix
from triage_kit.parse.times import Clock

__all__ = [
    "FORMATS",
    "Clock",
    "Entry",
    "Outcomes",
    "Unparsed",
    "check_prefix",
    "classify",
    "detect_format",
    "infer_prefix",
    "parse",
]
