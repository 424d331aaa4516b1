"""What statements of one text leave to those after them."""

from __future__ import annotations

from typing import Any


class Scope:
    """Temporary tables, whose loss costs nobody anything, and prepared statements that EXECUTE may run.

    perhaps: tables, columns and schemas made by IF NOT EXISTS, which may have stood there before the text. stopped:
    tables whose triggers a statement has stopped, the empty name for those of the session; restarted: those started
    again since. replaced: policies, with their tables, and materialized views that are dropped, True for IF EXISTS;
    renewed: those of them made anew since, a policy as one that hides no row by itself, a view with its rows.
    enums: types that the text makes as one. opened: tables with a policy that lets everybody see every row. path:
    the first schema that the text has set its search_path to, where that is not public: a bare name is taken for
    one of it. keys: columns and values of the keys of added rows, by table. texts: expressions that the routine
    being read gives its variables. variables: its variables by number. rounds: the variable of the loop around what
    is read, and the texts that it takes.
    """

    def __init__(self) -> None:
        self.path = ""
        self.temporary: set[str] = set()
        self.perhaps: set[tuple[str, ...]] = set()
        self.keys: dict[tuple[str, ...], set[tuple[str, str]]] = {}
        self.prepared: dict[str, Any] = {}
        self.stopped: set[tuple[str, ...]] = set()
        self.restarted: set[tuple[str, ...]] = set()
        self.replaced: dict[tuple[str, ...], bool] = {}
        self.renewed: set[tuple[str, ...]] = set()
        self.enums: set[tuple[str, ...]] = set()
        self.texts: dict[str, list[str]] = {}
        self.variables: list[str] = []
        self.rounds: tuple[str, tuple[str, ...]] = ("", ())
        self.opened: set[tuple[str, ...]] = set()

    def stop(self, parts: tuple[str, ...]) -> None:
        """Note that a table's triggers, or those of the session, no longer run."""
        self.stopped.add(parts)
        self.restarted.discard(parts)

    def start(self, parts: tuple[str, ...]) -> None:
        """Note that they run again, if the text itself has stopped them."""
        if parts in self.stopped:
            self.stopped.remove(parts)
            self.restarted.add(parts)

    def replace(self, parts: tuple[str, ...], perhaps: bool) -> None:
        """Note that a policy or a view is dropped, so that it may be made anew."""
        self.replaced[parts] = perhaps
        self.renewed.discard(parts)

    def harmless(self, parts: tuple[str, ...]) -> bool:
        """Whether the name is that of a temporary table."""
        return parts[:1] == ("pg_temp",) or (len(parts) == 1 and parts[0] in self.temporary)
