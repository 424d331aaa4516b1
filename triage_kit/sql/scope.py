"""What statements of one text leave to those after them."""

from __future__ import annotations

from typing import Any


class Scope:
    """Temporary tables, whose loss costs nobody anything, and prepared statements that EXECUTE may run.

    perhaps: tables made by IF NOT EXISTS, which may have stood there before the text.
    """

    def __init__(self) -> None:
        self.temporary: set[str] = set()
        self.perhaps: set[tuple[str, ...]] = set()
        self.prepared: dict[str, Any] = {}

    def harmless(self, parts: tuple[str, ...]) -> bool:
        """Whether the name is that of a temporary table."""
        return parts[:1] == ("pg_temp",) or (len(parts) == 1 and parts[0] in self.temporary)
