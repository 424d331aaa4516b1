"""Reads a big log fast: entries that matter whole and exact, everything else only counted.

A block of bytes is cut at the beginning of an entry; one pass of a compiled matcher tells which lines begin an ordinary
entry (a statement, a duration, a connection) and which hold a word without which no statement can cost anything. Only
what is left goes through the plain parsers, so that what comes out is what they would have given.
"""

from triage_kit.parse.scan.ranges import Scanned, Source, merged, ranges, scan, scan_range
from triage_kit.parse.scan.significance import significant

__all__ = ["Scanned", "Source", "merged", "ranges", "scan", "scan_range", "significant"]
