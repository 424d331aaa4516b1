"""Rows as they are stored: pages, row versions, values. Bytes in, texts out; what cannot be read is said to be so."""

from triage_kit.parse.heap.pages import Version, versions
from triage_kit.parse.heap.rows import Column, Unread, read

__all__ = ["Column", "Unread", "Version", "read", "versions"]
