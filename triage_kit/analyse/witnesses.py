"""Signals from statements, sessions, triggers and names of partitions: what somebody was seen doing to a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.scene import Scene
from triage_kit.analyse.statements import Seen

MOST = 0.9
DROPS = ("drop_table", "rename_table", "drop_schema", "rename_schema", "drop_database", "rename_database")
_THEN_COPY = {"drop": "drop_copy", "truncate": "truncate_copy", "delete_all": "delete_copy"}
WITHOUT_ROWS = ("truncate", *DROPS)  # pg_stat_statements counts none for them


def _statement(table: Dossier, scene: Scene) -> Observation | None:
    best = _worst_effect(table, scene)
    if best is not None:
        outcome, seen = best
        outcome = _THEN_COPY.get(outcome, outcome) if table.name in scene.loaded else outcome
        return Observation((outcome,), f"seen, {seen.outcome}: {seen.text[:200]}", seen.where, table.name, "log")
    if table.name in scene.loaded:
        return scene.loaded[table.name]
    if not scene.visible.statements or scene.went_back:
        return None
    return Observation(
        ("none_seen",), f"no destructive statement on it was seen; {scene.visible.why}", "log", table.name, "log"
    )


def _dump(table: Dossier, scene: Scene) -> Observation | None:
    if table.name not in scene.loaded:
        return None
    copy = scene.dumped.get(table.name)
    if copy is None:
        return Observation(("other",), "no COPY into it is written as pg_dump writes it", "log", table.name, "log")
    if copy.repeated:
        return None  # a load that is done again and again may be written so
    return Observation(
        ("dump",), f"as a dump is put back, {copy.says}: {copy.text[:160]}", copy.where, table.name, "log"
    )


def _worst_effect(table: Dossier, scene: Scene) -> tuple[str, Seen] | None:
    def effects(tables: frozenset[str], *operations: str) -> list[Seen]:
        return [
            s
            for name in sorted(tables)
            for s in scene.seen.get(name, ())
            if s.operation in operations and s.done and (s.rows != 0 or s.operation in WITHOUT_ROWS)
        ]

    own = frozenset({table.name})
    truncates = [
        s
        for s in effects(scene.truncates_from[table.name] | own, "truncate")
        # A TRUNCATE that was committed gives new storage: where the old one stands, it was rolled back.
        if (s.cascade or s.table == table.name)
        and table.replaced is not False
        # Nor does one count that found the table empty.
        and not (table.emptied_first or scene.went_with_another(table.name))
    ]
    # Every row that a DELETE takes is counted, rolled-back ones too: where none is, it found none or was refused.
    vain = table.net is not None and table.replaced is False and not table.balance["deletes"] and not _short(table)
    deletes = [] if vain else effects(own, "delete", "merge")
    texts = {s.text for s in deletes}  # a DELETE on a partitioned table is one on its partitions, and no cascade
    # A cascade counts what it takes as well, and neither TRUNCATE nor a rewrite takes that back (measured).
    spared = table.net is not None and not table.balance["deletes"] and not _short(table)
    upstream = frozenset() if spared else scene.cascades_from[table.name] - own
    above = [s for s in effects(upstream, "delete") if s.text not in texts]
    choices = [
        ("truncate", truncates),
        ("delete_all", [s for s in deletes if s.bounded is False]),
        ("drop", effects(own, *DROPS)),
        ("delete_parent", above),
        ("update_all", effects(own, "update")),  # one without WHERE, or one that marks rows as gone
        ("delete_some", deletes),
    ]
    return next(((outcome, found[0]) for outcome, found in choices if found), None)


def _short(table: Dossier) -> bool:
    """Whether fewer rows stand than the counters leave: a session that still runs may not have reported its deletes."""
    actual = table.balance["actual_rows"]
    return actual is not None and table.net is not None and actual < table.net


def _detached(table: Dossier, scene: Scene) -> Observation | None:
    taken = [s for s in scene.seen.get(table.name, ()) if s.operation in ("detach_partition", "no_inherit")]
    if not (scene.partition_stems or taken) or table.relation["parent_oid"]:
        return None
    done = [s for s in taken if s.outcome not in ("failed", "rolled_back")]
    if done:
        return Observation(
            ("seen",), f"seen, {done[0].outcome}: {done[0].text[:200]}", done[0].where, table.name, "log"
        )
    parents = scene.once_partition_of(table.relation)
    if parents and table.relinked_xid:
        says = f"it is named like the partitions of {', '.join(sorted(parents))} and is none, and transaction "
        says += f"{table.relinked_xid} wrote all of its columns anew, long after they were made"
        return Observation(("let_go",), says, "pg_attribute", table.name)
    if parents:
        says = f"it is named like the partitions of {', '.join(sorted(parents))} and is none"
        return Observation(("alike",), says, "pg_inherits", table.name)
    return Observation(("no",), "nothing speaks of a detached partition", "pg_inherits", table.name)


def _busy(table: Dossier, scene: Scene) -> Observation | None:
    if table.name in scene.busy:
        return scene.busy[table.name]
    late = table.balance["live"] is not None and table.net is not None and table.balance["actual_rows"] is not None
    late = late and table.balance["actual_rows"] < table.net <= table.balance["live"]
    return scene.busy.get("") if late else None


def _trigger(table: Dossier, scene: Scene) -> Observation | None:
    return scene.triggers.get(table.name) if table.balance["deletes"] else None


FEW_BELOW = 20  # judgement: fewer rows that went along are an ordinary delete's
# PostgreSQL documentation, autovacuum_vacuum_scale_factor: the share of a table from which the server itself takes its
# dead rows for many; what is deleted day by day seldom takes so much in one transaction.
AT_ONCE = 0.2


def _wal(table: Dossier, scene: Scene) -> Observation | None:
    """What the WAL that was read did to the table; its silence counts where it reaches back to the window."""
    if table.relation["kind"] == "materialized_view":
        return None  # every REFRESH commits the removal of its old file
    changes, start = scene.wal.changes.get(table.oid, ()), scene.about.window_start
    deleting = scene.wal.deleting(table.oid)
    rows, most = sum(each.rows for each in deleting), max((each.rows for each in deleting), default=0)
    undone = [each for each in changes if each.operation == "insert" and each.outcome == "rolled_back"]
    removed = [each for each in changes if each.operation == "removed" and each.outcome == "committed"]
    where = f"transaction {deleting[0].xid} deleted {most} of {rows} rows" if deleting else ""
    came = any(each.operation == "insert" and each.outcome == "committed" and each.rows for each in changes)
    gone = [each for each in scene.wal.drops.get(table.name, ()) if each.oid != table.oid]
    if scene.went_with_another(table.name):
        took = scene.chains[table.name].took
        says = next((each.says() for each in gone if took and scene.clock.full(each.xid) == took.xid), gone[-1].says())
        return Observation(("other_dropped",), says, "wal_dropped", table.name, "wal")
    removed = [] if table.emptied_first else removed
    if removed and table.replaced and (table.heap_bytes or undone or not (came or _short(table))):
        # Every rewrite commits that too, of an empty table as well: `storage` has weighed it already. Where rows had
        # been committed, that the WAL knows of no import that was rolled back is news.
        return None
    if removed:
        says = f"transaction {removed[-1].xid} committed the removal of its old file"
        return Observation(("replaced",), says, removed[-1].source, table.name, "wal")
    if rows and rows >= (table.balance["actual_rows"] or 0):
        return Observation(("deleted",), where, deleting[0].source, table.name, "wal")
    if undone and (table.aborted or not table.failed) and not (table.aborted and rows):
        says = f"transaction {undone[0].xid} inserted {sum(each.rows for each in undone)} rows and was rolled back"
        return Observation(("rolled_back",), says, undone[0].source, table.name, "wal")
    if rows and (below := took_along(table, deleting[0].xid, scene)):
        return Observation(("deleted",), f"{where}, and by ON DELETE CASCADE {below}", deleting[0].source, table.name,
                           "wal")  # fmt: skip
    if rows:
        stood = (table.balance["actual_rows"] or 0) + most
        mass = most >= FEW_BELOW and most >= AT_ONCE * stood
        where += f", of {stood} that stood" if mass else ""
        return Observation(("deleted_mass" if mass else "deleted_some",), where, deleting[0].source, table.name, "wal")
    # A table that is made anew with its rows, as migrations of some tools do, holds what the one before held.
    if gone and not 0 < gone[-1].rows <= (table.balance["actual_rows"] or 0):
        return Observation(("other_dropped",), gone[-1].says(), "wal_dropped", table.name, "wal")
    if scene.wal.begins is not None and not scene.went_back and start is not None and scene.wal.begins <= start:
        says = f"the WAL since {scene.wal.begins:%Y-%m-%d %H:%M:%S} UTC removes none of its rows"
        return Observation(("nothing",), says, "wal", table.name, "wal")
    return None


def took_along(table: Dossier, xid: int, scene: Scene) -> str:
    """A table below of which the same transaction deleted more rows than stand there now, in words; else nothing.

    Few rows of the table itself are no ordinary delete then.
    """
    for name in sorted(scene.cascades_to.get(table.name, ())):
        below = scene.balances.get(name) or {}
        took = [each.rows for each in scene.wal.deleting(below.get("oid") or 0) if each.xid == xid]
        if took and took[0] >= max(FEW_BELOW, below.get("actual_rows") or 0):
            return f"{took[0]} of {name}, where {below.get('actual_rows')} stand"
    return ""


def _row_movement(table: Dossier, scene: Scene) -> Observation | None:
    """Whether the transaction that deleted most rows of a partition inserted as many into its siblings."""
    deleting = scene.wal.deleting(table.oid)
    if not table.relation["is_partition"] or not deleting:
        return None
    siblings = scene.siblings.get(table.relation["parent_oid"], ())
    arrived = sum(each.rows for oid in siblings if oid != table.oid for each in scene.wal.changes.get(oid, ())
                  if each.operation == "insert" and each.xid == deleting[0].xid)  # fmt: skip
    moved = arrived >= MOST * deleting[0].rows
    says = (
        f"transaction {deleting[0].xid} took {deleting[0].rows} rows out and put {arrived} into other partitions "
        "of the same table"
    )
    return Observation(("moved" if moved else "stayed",), says, deleting[0].source, table.name, "wal")


WITNESSES: Mapping[str, Callable[[Dossier, Scene], Observation | None]] = {
    "statement": _statement,
    "dump": _dump,
    "detached": _detached,
    "session": _busy,
    "trigger": _trigger,
    "wal": _wal,
    "row_movement": _row_movement,
}
