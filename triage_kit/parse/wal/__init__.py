"""Write-ahead log as records: which transaction removed what, and which rows stand in it.

The layouts are those of PostgreSQL's own headers (access/xlogrecord.h, xlog_internal.h, xact.h, heapam_xlog.h,
storage_xlog.h, bufpage.h) for 13 to 18, checked against servers of these majors. Nothing outside is run, and bytes that
are no WAL end the reading with a reason.
"""

from triage_kit.parse.wal.pages import Segment, segment
from triage_kit.parse.wal.reader import Reader
from triage_kit.parse.wal.tally import Span, Tally, Transaction

__all__ = ["Reader", "Segment", "Span", "Tally", "Transaction", "segment"]
