"""How messages that carry evidence begin where lc_messages is another language; English ones stand in ``messages``.

The beginnings tell the messages of PostgreSQL 15's catalogues apart (src/backend/po: German, Spanish, French, Italian,
Japanese, Georgian, Korean, Russian, Swedish, Ukrainian, simplified Chinese), in all languages at once; a few are those
of the last Turkish catalogue. % is
anything, $ the message's end.
"""

from __future__ import annotations

from collections.abc import Iterator

from triage_kit.parse.translations import server, sessions, statements, storage

# The first beginning that fits tells the subject, so that their order counts, across the tables.
_ORDER = (
    "relation_truncated_at_end process_killed shutdown_request startup_failed all_terminated archive_recovery "
    "autovacuum autoanalyze lock_timeout statement_timeout checkpoint_complete checkpoint_starting "
    "connection_authenticated connection_authorized connection_received unique_violation aborted_transaction "
    "new_cluster no_such_database ready shutdown interrupted not_shut_down deadlock disconnection drop_cascade "
    "foreign_key_violation redo undefined_table listening lock_wait promotion unlogged_reset no_such_role "
    "administrator_ended session_lost_to_crash idle_timeout truncate_cascade worker_exited startup"
)


def _lines() -> Iterator[str]:
    tables: dict[str, list[str]] = {}
    for module in (sessions, server, storage, statements):
        for line in module.TABLE.strip("\n").split("\n"):
            if not line.startswith(" "):
                tables[line] = found = []
            found.append(line)
    for subject in _ORDER.split():
        yield from tables[subject]


# subject of messages.TABLE, then one beginning a line.
TABLE = "\n".join(["", *_lines(), ""])
