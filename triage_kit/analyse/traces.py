"""Signals of what people overlook: a state put back, children that went along, a column that flipped for every row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from triage_kit.analyse.balance import rolled_back
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.lineage import rewritten_columns
from triage_kit.analyse.marks import marks_deletion
from triage_kit.analyse.scene import FEW, Scene
from triage_kit.analyse.witnesses import took_along

MOST, ONCE, SOME = 0.9, 1.05, 0.2
FLAG_TYPES = ("bool", "timestamp", "date")


def _older_state(table: Dossier, scene: Scene) -> Observation | None:
    return scene.older


def _older_shape(table: Dossier, scene: Scene) -> Observation | None:
    """In a data directory that went back, an unused table looks as it looked then, whatever came afterwards."""
    if scene.older is None or not scene.went_back or table.balance["actual_rows"] is None:
        return None
    idle = not table.balance["inserts"] and table.balance["actual_rows"] == 0 and not table.replaced
    says = "never used in the state that was put back" if idle else "its rows are those of the state that was put back"
    return Observation(("unused" if idle else "in_use",), says, scene.older.source, table.name, "server")


def _children(table: Dossier, scene: Scene) -> Observation | None:
    """Whether tables that its DELETE reaches are missed by people and lost rows in proportion to its own."""
    if not table.went or not table.balance["inserts"]:
        return None
    below = sorted(scene.cascades_to.get(table.name, frozenset()) & scene.reported - {table.name})
    missed = [name for name in below if in_proportion(table.balance, scene.balances.get(name))]
    if not missed:
        return None
    said = f"ON DELETE CASCADE leads to {', '.join(missed)}, which people miss rows of"
    says = f"{said}, and of those about as large a share went"
    return Observation(("missed",), says, "pg_constraint", table.name, "foreign keys")


def taken(row: Mapping) -> int:
    """How many of the counted deletes can have been committed at most: what was rolled back is counted and stands.

    >>> taken({"inserts": 50, "deletes": 40, "actual_rows": 50}), taken({"inserts": 50, "deletes": 9, "actual_rows": 0})
    (0, 9)
    """
    inserts, deletes, actual = row["inserts"], row["deletes"] or 0, row.get("actual_rows")
    if inserts is None or actual is None or inserts < deletes:
        return deletes  # rows that stood before the counters began
    return min(deletes, max(0, inserts - actual))


def in_proportion(parent: Mapping, child: Mapping | None) -> bool:
    """Whether the child lost as many rows for each deleted row of the parent as it has for each row of the parent.

    >>> in_proportion({"inserts": 12, "deletes": 3}, {"inserts": 96, "deletes": 24})
    True
    """
    if child is None or None in (parent["inserts"], parent["deletes"], child["inserts"], child["deletes"]):
        return False
    if not all((parent["inserts"], taken(parent), child["inserts"], taken(child))):
        return False
    usual = child["inserts"] / parent["inserts"]
    return bool(usual / 2 <= taken(child) / taken(parent) <= usual * 2)


def _mass_update(table: Dossier, scene: Scene) -> Observation | None:
    actual, updates = table.balance["actual_rows"], table.balance["updates"]
    if table.net is None or not actual or updates is None or (table.relation["is_partition"] and not updates):
        return None  # an UPDATE that moves rows to another partition counts none
    standing = [column for column in table.columns if not column["dropped"]]
    marks = [column["name"] for column in standing if marks_deletion(column["name"])]
    flags = [column["name"] for column in standing if str(column["type"] or "").startswith(FLAG_TYPES)]
    outcome = "no"
    if marks and updates >= MOST * actual:
        outcome = "marked"
    elif marks and updates >= max(FEW, SOME * actual):
        outcome = "marked_some"
    elif flags and actual >= FEW and MOST * actual <= updates <= ONCE * actual:
        outcome = "flipped"
    says = (
        f"{updates} updates for {actual} rows; columns that mark deletion or a tenant: {', '.join(marks) or 'none'}; "
        f"that can be switched: {', '.join(flags[:4]) or 'none'}"
    )
    return Observation((outcome,), says, "pg_stat_user_tables", table.name, "counters")


def _share_deleted(table: Dossier, scene: Scene) -> Observation | None:
    """How many of the rows that ever came were deleted, while others stand: ordinary life seldom takes nearly all."""
    actual, came, went = table.balance["actual_rows"], table.came, table.went
    if not actual or not came or not went or came < FEW or table.replaced or table.net is None:
        return None
    if not table.net <= actual < came:
        return None
    went = came - actual  # rolled-back deletes are counted too
    if any(took_along(table, each.xid, scene) for each in scene.wal.deleting(table.oid)[:1]):
        return None  # by how few of its own rows went their transaction is not to be judged
    share = went / came
    outcome = "most" if share >= 0.75 else "many" if share >= 0.2 else "few"
    says = f"{went:,} of {came:,} rows that came were deleted, {actual:,} stand"
    return Observation((outcome,), says, "pg_stat_user_tables", table.name, "counters")


def _deleted_since_crash(table: Dossier, scene: Scene) -> Observation | None:
    """Deletes that a table counts since a crash set its counters to zero: they took rows that stood before it, if any.

    Where none of them was committed, as n_mod_since_analyze tells, they say nothing.
    """
    crashed, counted = scene.about.crashed_at, table.counters
    deletes = table.balance["deletes"]
    if crashed is None or scene.about.in_recovery or not deletes or deletes < FEW or table.relation["is_partition"]:
        return None
    if table.relation["kind"] != "table" or table.net is not None or rolled_back(counted) == deletes:
        return None
    says = f"{deletes:,} rows were deleted since the crash at {crashed:%Y-%m-%d %H:%M:%S} UTC began its counters anew"
    return Observation(("deleted",), says, "pg_stat_user_tables", table.name, "counters")


def _persistence(table: Dossier, scene: Scene) -> Observation | None:
    if table.relation["persistence"] is None:
        return None
    if table.relation["persistence"] != "unlogged":
        return Observation(("logged",), "a logged table: crash recovery keeps its rows", "pg_class", table.name)
    since = table.balance["inserts"]  # a crash begins them anew
    stands = table.balance["actual_rows"] if table.balance["actual_rows"] is not None else table.balance["live"]
    if scene.about.crashed_at is not None and stands and since is not None and since >= stands:
        return _refilled_unlogged(table, since)
    if scene.about.crashed_at is not None and table.heap_bytes == 0 and (table.relation["tuples"] or 0) > 0:
        says = (
            f"an unlogged table: its {table.relation['tuples']:g} rows were counted in this storage, which is empty "
            f"since the server recovered from a crash at {scene.about.crashed_at:%Y-%m-%d %H:%M:%S} UTC"
        )
        return Observation(("unlogged_counted",), says, "pg_class", table.name)
    filled = (table.relation["tuples"] or 0) > 0 or any(sequence["last_value"] for sequence in table.sequences)
    if scene.about.crashed_at is not None and table.balance["actual_rows"] in (0, None) and (filled or table.replaced):
        says = (
            "an unlogged table, and the server recovered from a crash at "
            f"{scene.about.crashed_at:%Y-%m-%d %H:%M:%S} UTC"
        )
        return Observation(("unlogged_crashed",), says, "pg_class", table.name)
    if scene.about.crashed_at is not None and table.balance["actual_rows"] == 0:
        says = "an unlogged table, empty since the server crashed; nothing is left that would tell whether it held rows"
        return Observation(("unlogged_blank",), says, "pg_class", table.name)
    return Observation(("unlogged",), "an unlogged table: crash recovery would empty it", "pg_class", table.name)


def _refilled_unlogged(table: Dossier, since: int) -> Observation:
    """An unlogged table whose rows all came after the crash that emptied it: one in use now was in use before."""
    says = f"an unlogged table, emptied when the server crashed: {since} rows came since, and no other stands"
    return Observation(("unlogged_crashed",), says, "pg_class", table.name)


def _rewritten(table: Dossier, scene: Scene) -> Observation | None:
    xid = table.relation["xmin"]
    if not table.replaced or not table.columns or not xid:
        return None
    if names := rewritten_columns(table):
        says = f"transaction {xid}, which gave it new storage, wrote column {', '.join(names[:4])} too"
        return Observation(("columns",), says, "pg_attribute", table.name)
    says = f"transaction {xid}, which gave it new storage, wrote none of its columns"
    return Observation(("storage_only",), says, "pg_attribute", table.name)


TRACES: Mapping[str, Callable[[Dossier, Scene], Observation | None]] = {
    "refused": lambda table, scene: scene.refused.get(table.name),
    "older_state": _older_state,
    "older_shape": _older_shape,
    "children": _children,
    "mass_update": _mass_update,
    "share_deleted": _share_deleted,
    "deleted_since_crash": _deleted_since_crash,
    "persistence": _persistence,
    "rewritten": _rewritten,
}
