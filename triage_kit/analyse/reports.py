"""Signals from what people say: which tables they miss rows of, and which they need not name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from triage_kit import schemas
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.scene import FEW, Scene

ALIKE = 1.25  # judgement: rows that refer to others are spread over them so evenly


def _reported(table: Dossier, scene: Scene) -> Observation | None:
    return None if table.balance["actual_rows"] == 0 or _deleted(table) else _named(table, scene)


def _reported_deleted(table: Dossier, scene: Scene) -> Observation | None:
    return _named(table, scene) if table.balance["actual_rows"] != 0 and _deleted(table) else None


def _deleted(table: Dossier) -> bool:
    """Whether deletes of it took rows: none that were rolled back, nor rows that moved to another partition."""
    return (
        not table.relation["is_partition"]
        and bool(table.went)
        and (table.balance["actual_rows"] or 0) < (table.came or 0)
    )


def _reported_empty(table: Dossier, scene: Scene) -> Observation | None:
    return _named(table, scene) if table.balance["actual_rows"] == 0 else None


def _named(table: Dossier, scene: Scene) -> Observation | None:
    if not scene.reported or scene.about.in_recovery:
        return None  # of a standby it says no more than that the standby is not what people look for
    named = table.name in scene.reported and table.name not in scene.namesakes
    named = named or bool(scene.once_partition_of(table.relation) & scene.reported)
    if not named and _goes_without_saying(table, scene):
        return None
    if table.name in scene.below_reported and not named:
        # Who misses rows of the parent does not say of which partition: an empty one is meant, a full one may be.
        if table.balance["actual_rows"] != 0:
            return None
        named = True
    says = "people say that it lost rows" if named else "people do not name it"
    return Observation(("named" if named else "unnamed",), says, "case.yaml", "reported", "case")


def _goes_without_saying(table: Dossier, scene: Scene) -> bool:
    """Whether people who miss rows of another table need not name this one: its rows cannot have outlived theirs.

    A foreign key forbids it, or the search_path that hides the one hides the other.
    """
    if table.name in scene.paths and "shadowed" in scene.paths[table.name].outcomes:
        return table.name not in scene.reported
    above = scene.truncates_from.get(table.name, frozenset()) & scene.reported
    return any((scene.balances.get(name) or {}).get("actual_rows") == 0 or
               (scene.balances.get(name) or {}).get("deletes") for name in above)  # fmt: skip


def _companion(table: Dossier, scene: Scene) -> Observation | None:
    deletes = table.balance["deletes"]
    if deletes and table.name in scene.below_reported and (reached := _by_the_same(table, scene)):
        return Observation(("same",), f"{deletes} deletes are counted; {reached}", "log", table.name, "log")
    if table.net is None or not deletes or deletes < FEW or table.name in scene.reported:
        return None
    if emptied := _beside_emptied(table, scene):
        says = f"{deletes} deletes are counted; {emptied}, a partition of the same table, which people miss rows of, "
        return Observation(("same",), f"{says}was emptied by DELETE", "pg_stat_user_tables", table.name, "counters")
    if together := _in_one_transaction(table, scene):
        return Observation(("always",) if scene.always_missed(table.name) else ("same",), *together, table.name, "wal")
    if (told := _with_its_parent(table, scene)) is not None:
        return told
    named = [name for name in sorted(scene.reported) if (scene.balances.get(name) or {}).get("deletes")]
    same = [name for name in named if scene.balances[name]["deletes"] == deletes]
    if not named:
        return None
    says = f"{deletes} deletes are counted, {'as' if same else 'not as'} in {', '.join(same or named)}"
    return Observation(("same" if same else "no",), says, "pg_stat_user_tables", table.name, "counters")


def _with_its_parent(table: Dossier, scene: Scene) -> Observation | None:
    """Whether as large a share went as of a table that people miss rows of and whose deletes cascade here.

    Each row that goes takes along those that refer to it, which people need not have noticed.
    """
    for name in sorted(scene.reported & scene.cascades_from.get(table.name, frozenset())):
        parent = scene.balances.get(name) or {}
        came, went = parent.get("inserts"), parent.get("deletes")
        if not came or not went or not table.came or not table.went:
            continue
        ours, theirs = table.went / table.came, went / came
        if max(ours, theirs) <= ALIKE * min(ours, theirs):
            says = f"{table.went} of {table.came} rows were deleted, as large a share as {went} of {came} in {name}, "
            says += "which people miss rows of and whose deletes take those rows along that refer to them"
            return Observation(("same",), says, "pg_stat_user_tables", table.name, "counters")
    return None


def _beside_emptied(table: Dossier, scene: Scene) -> str:
    """Another partition of a table that people miss rows of, which DELETE emptied, where most rows of this one went.

    What clears rows up to a day empties the older partitions and thins the one that the day lies in.
    """
    if table.name not in scene.below_reported or 2 * (table.went or 0) < (table.came or 0):
        return ""
    for oid in scene.siblings.get(table.relation["parent_oid"] or 0, ()):
        other = scene.by_oid.get(oid) or {}
        whole = other.get("actual_rows") == 0 and (other.get("deletes") or 0) >= max(other.get("inserts") or 0, FEW)
        if oid != table.oid and whole:
            return schemas.qualified(other["schema"], other["table"])
    return ""


def _in_one_transaction(table: Dossier, scene: Scene) -> tuple[str, str] | None:
    """In words and from where: that the WAL has one transaction delete most here and rows that people miss as well."""
    recorded = scene.wal.deleting(table.oid)
    if not recorded:
        return None
    most = recorded[0]
    for name in sorted(scene.reported & scene.balances.keys()):
        if any(each.xid == most.xid for each in scene.wal.deleting(scene.balances[name]["oid"])):
            says = f"transaction {most.xid} deleted {most.rows} rows here and rows of {name}, which people miss"
            return says, most.source
    return None


def _by_the_same(table: Dossier, scene: Scene) -> str:
    """A DELETE that was seen on a partitioned table which people miss rows of, and that reached this partition too."""
    own = {seen.text for seen in scene.seen.get(table.name, ()) if seen.operation == "delete" and seen.done}
    for name in sorted(scene.reported & scene.cascades_from.get(table.name, frozenset())):
        for seen in scene.seen.get(name, ()):
            if seen.text in own:
                return f"the DELETE on {name}, which people miss rows of, is one on its partitions: {seen.text[:120]}"
    return ""


REPORTS: Mapping[str, Callable[[Dossier, Scene], Observation | None]] = {
    "reported": _reported,
    "reported_empty": _reported_empty,
    "reported_deleted": _reported_deleted,
    "companion": _companion,
}
