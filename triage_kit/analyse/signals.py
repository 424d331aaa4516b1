"""What each signal of knowledge/mechanisms.yaml shows of one table; a function each, None where it cannot be seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from triage_kit.analyse.balance import rolled_back
from triage_kit.analyse.context import Context
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.statements import Seen, Visibility

PAGE = 8192
DELETION_MARKS = (
    "deleted",
    "deleted_at",
    "deleted_on",
    "is_deleted",
    "removed_at",
    "archived_at",
    "archived",
    "tenant_id",
    "is_active",
    "active",
)


@dataclass(frozen=True)
class Scene:
    """What the signals of one table need of the others."""

    about: Context
    transactions: Mapping[str, tuple[str, int]]  # table -> (closure, shared or alone; xid)
    youngest: frozenset[str]
    reported: frozenset[str]
    below_reported: frozenset[str]  # partitions of a table that people name
    seen: Mapping[str, Sequence[Seen]]
    cascades_from: Mapping[str, frozenset[str]]  # table -> tables whose DELETE reaches it
    truncates_from: Mapping[str, frozenset[str]]
    balances: Mapping[str, dict]
    visible: Visibility
    dropped_in_window: Mapping[str, str]  # table -> why the dropped column belongs to the incident
    log_begins: pd.Timestamp | None
    bypasses: frozenset[str]  # roles that row security does not touch
    partition_stems: Mapping[tuple[str, str], set[str]] = field(default_factory=dict)  # parents by (schema, stem)
    volume_age: tuple[bool, str, str] | None = None  # of the data volume: younger than the data?, words, source
    bulk_storage: Observation | None = None  # what the checkpoints of the log say of new storage


def observe(table: Dossier, scene: Scene) -> dict[str, Observation]:
    """Every signal that can be seen of the table, by name."""
    looked = {name: look(table, scene) for name, look in LOOKS.items()}
    return {name: observation for name, observation in looked.items() if observation is not None}


def _storage(table: Dossier, scene: Scene) -> Observation | None:
    if table.replaced is None:
        return None
    files = f"relfilenode {table.relation['filenode']} {'<>' if table.replaced else '='} oid {table.oid}"
    beginning = "replaced" if table.replaced else "original"
    if table.heap_bytes is None:
        return Observation(
            (f"{beginning}_empty", f"{beginning}_filled"), f"{files}; its size is not known", "pg_class", table.name
        )
    ending = "filled" if table.heap_bytes else "empty"
    meaning = (
        "the storage was replaced since the table was created" if table.replaced else "the storage is the original one"
    )
    return Observation(
        (f"{beginning}_{ending}",), f"{files}, heap {table.heap_bytes} bytes: {meaning}", "pg_class", table.name
    )


def _rows(table: Dossier, scene: Scene) -> Observation | None:
    net, actual, row = table.net, table.balance["actual_rows"], table.balance
    if net is None or actual is None:
        return None
    says = f"{row['inserts']} inserted, {row['deletes']} deleted, {actual} rows stand ({row['actual_from']})"
    outcome = _row_outcome(row["inserts"], row["deletes"], net, actual)
    if table.counted:
        return Observation((outcome,), says, "pg_stat_user_tables", table.name, "counters")
    if outcome == "even" or outcome == "even_after_deletes":
        # Measured: after a TRUNCATE in the session of later inserts n_live_tup keeps the old rows.
        return Observation(
            (outcome, "short_part") if table.replaced else (outcome,),
            says,
            "pg_stat_user_tables",
            table.name,
            "counters",
        )
    return Observation((outcome,), says, "pg_stat_user_tables", table.name, "counters")


def _row_outcome(inserts: int, deletes: int, net: int, actual: int) -> str:
    if inserts == 0 and deletes == 0:
        return "uncounted" if actual else "idle"
    if actual > net:
        return "surplus"
    if actual == net:
        if not deletes:
            return "even"
        return "even_after_deletes" if actual else "all_deleted"
    return "short_part" if actual else "short_all"


def _inserted_since_vacuum(table: Dossier, scene: Scene) -> Observation | None:
    since, inserts = table.counters.get("inserted_since_vacuum"), table.balance["inserts"]
    if table.net is None or since is None or not inserts or table.vacuumed is not False:
        return None
    says = f"n_ins_since_vacuum is {since} of {inserts} inserted, and no vacuum ever ran"
    return Observation(("reset" if since < inserts else "kept",), says, "pg_stat_user_tables", table.name, "counters")


def _changed_since_analyze(table: Dossier, scene: Scene) -> Observation | None:
    lost = rolled_back(table.counters)
    if table.net is None or lost is None or not table.balance["inserts"]:
        return None
    says = f"never analysed; n_mod_since_analyze misses {lost} of the counted changes"
    return Observation(("short" if lost else "whole",), says, "pg_stat_user_tables", table.name, "counters")


def _dead_rows(table: Dossier, scene: Scene) -> Observation | None:
    actual, dead = table.balance["actual_rows"], table.balance["dead"]
    if (
        table.net is None
        or actual is None
        or not table.counted
        or dead is None
        or table.vacuumed is not False
        or table.net - actual <= 0
    ):
        return None
    gap = table.net - actual
    says = f"{dead} dead rows where {gap} rows are missing beyond the counted deletes"
    return Observation(
        ("explain_gap" if dead >= gap else "none_left",), says, "pg_stat_user_tables", table.name, "counters"
    )


def _empty_shape(table: Dossier, scene: Scene) -> Observation | None:
    if table.heap_bytes != 0 or table.storage.get("fsm_bytes") is None or table.replaced:
        return None  # new storage looks fresh whatever emptied it: `storage` has weighed that already
    fsm, key = table.storage["fsm_bytes"], table.storage.get("primary_key_bytes")
    vacuumed = bool(fsm) or (key or 0) > PAGE
    says = (
        f"an empty heap with a free space map of {fsm} bytes and a primary key of "
        f"{key if key is not None else 'no'} bytes"
    )
    return Observation(("vacuumed" if vacuumed else "fresh",), says, "pg_relation_size", table.name)


def _sequence(table: Dossier, scene: Scene) -> Observation | None:
    owned = [sequence for sequence in table.sequences if sequence["readable"]]
    if not owned or table.net is not None or table.balance["actual_rows"] != 0:
        return None
    last = max((sequence["last_value"] or 0 for sequence in owned), default=0)
    says = f"its sequence stands at {last}" if last else "its sequence was never used"
    return Observation(("advanced" if last else "unused",), says, "pg_sequences", owned[0]["name"])


def _object_age(table: Dossier, scene: Scene) -> Observation | None:
    if table.created_xid is None or not table.balance["counters_alive"] or table.balance["inserts"]:
        return None  # counters older than nothing: a table with a history is not new
    youngest = table.name in scene.youngest
    says = (
        f"created by transaction {table.created_xid}, {'the last' if youngest else 'not the last'} that made "
        "tables in its schema"
    )
    return Observation(("youngest" if youngest else "contemporary",), says, "pg_attribute", table.name)


def _cascade(table: Dossier, scene: Scene) -> Observation | None:
    if table.net is None or not table.balance["deletes"]:
        return None
    parents = [
        (name, scene.balances[name])
        for name in sorted(scene.cascades_from[table.name] - {table.name})
        if name in scene.balances
    ]
    if not parents:
        return Observation(
            ("no_parent",), "no ON DELETE CASCADE leads to it", "pg_constraint", table.name, "foreign keys"
        )
    deleted = [(name, row) for name, row in parents if row["deletes"]]
    emptied = [name for name, row in deleted if row["actual_rows"] == 0]
    outcome = "parent_emptied" if emptied else "parent_deleted" if deleted else "parent_whole"
    told = ", ".join(emptied or [name for name, _ in deleted or parents])
    fate = {
        "parent_emptied": "was emptied by DELETE",
        "parent_deleted": "lost rows by DELETE",
        "parent_whole": "lost none",
    }[outcome]
    return Observation(
        (outcome,),
        f"ON DELETE CASCADE leads here from {told}, which {fate}",
        "pg_constraint",
        table.name,
        "foreign keys",
    )


def _persistence(table: Dossier, scene: Scene) -> Observation | None:
    if table.relation["persistence"] is None:
        return None
    if table.relation["persistence"] != "unlogged":
        return Observation(("logged",), "a logged table: crash recovery keeps its rows", "pg_class", table.name)
    filled = (table.relation["tuples"] or 0) > 0 or any(sequence["last_value"] for sequence in table.sequences)
    if scene.about.crashed_at is not None and table.balance["actual_rows"] in (0, None) and (filled or table.replaced):
        says = (
            "an unlogged table, and the server recovered from a crash at "
            f"{scene.about.crashed_at:%Y-%m-%d %H:%M:%S} UTC"
        )
        return Observation(("unlogged_crashed",), says, "pg_class", table.name)
    return Observation(("unlogged",), "an unlogged table: crash recovery would empty it", "pg_class", table.name)


def _row_security(table: Dossier, scene: Scene) -> Observation | None:
    if table.relation["row_security"] is None:
        return None
    if not table.relation["row_security"]:
        return Observation(("absent",), "row security is off", "pg_class", table.name)
    role = scene.about.app_role
    owner = table.relation["owner"] == role and not table.relation["force_row_security"]
    if role is not None and (role in scene.bypasses or owner):
        return Observation(("absent",), f"row security is on, {role} is exempt", "pg_class", table.name)
    names = ", ".join(policy["name"] for policy in table.policies) or "no policy: nobody but the owner sees a row"
    return Observation(("filters",), f"row security is on: {names}", "pg_policy", table.name)


def _mass_update(table: Dossier, scene: Scene) -> Observation | None:
    actual, updates = table.balance["actual_rows"], table.balance["updates"]
    if table.net is None or not actual or updates is None:
        return None
    marks = [
        column["name"] for column in table.columns if column["name"].lower() in DELETION_MARKS and not column["dropped"]
    ]
    marked = bool(marks) and updates >= 0.9 * actual
    says = f"{updates} updates for {actual} rows; columns that mark deletion or a tenant: {', '.join(marks) or 'none'}"
    return Observation(("marked" if marked else "no",), says, "pg_stat_user_tables", table.name, "counters")


def _dropped_column(table: Dossier, scene: Scene) -> Observation | None:
    if not any(column["xmin"] for column in table.columns):
        return None  # a schema dump names the columns that stand, and no other
    dropped = [column for column in table.columns if column["dropped"]]
    if not dropped:
        return Observation(("none",), "no column was ever dropped", "pg_attribute", table.name)
    why = scene.dropped_in_window.get(table.name)
    places = ", ".join(str(column["position"]) for column in dropped)
    says = f"column at position {places} was dropped" + (f": {why}" if why else "")
    return Observation(("in_window" if why else "earlier",), says, "pg_attribute", table.name)


def _reported(table: Dossier, scene: Scene) -> Observation | None:
    if not scene.reported:
        return None
    named = table.name in scene.reported
    if table.name in scene.below_reported and not named:
        # Who misses rows of the parent does not say of which partition: an empty one is meant, a full one may be.
        if table.balance["actual_rows"] != 0:
            return None
        named = True
    says = "people say that it lost rows" if named else "people do not name it"
    return Observation(("named" if named else "unnamed",), says, "case.yaml", "reported", "case")


def _transaction(table: Dossier, scene: Scene) -> Observation | None:
    if table.name not in scene.transactions:
        return None
    outcome, xid = scene.transactions[table.name]
    meaning = {
        "closure": "the same transaction replaced exactly the tables that foreign keys lead to",
        "shared": "the same transaction replaced other tables too",
        "alone": "no other table was replaced by the same transaction",
    }[outcome]
    return Observation((outcome,), f"pg_class.xmin {xid}: {meaning}", "pg_class", table.name)


def _bulk_storage(table: Dossier, scene: Scene) -> Observation | None:
    # Where pg_class tells whether this table's storage was replaced, the checkpoints only repeat it.
    return scene.bulk_storage if table.replaced is None and table.net is not None else None


def _statement(table: Dossier, scene: Scene) -> Observation | None:
    best = _worst_effect(table, scene)
    if best is not None:
        outcome, seen = best
        return Observation((outcome,), f"seen, {seen.outcome}: {seen.text[:200]}", seen.where, table.name, "log")
    if not scene.visible.statements:
        return None
    return Observation(
        ("none_seen",), f"no destructive statement on it was seen; {scene.visible.why}", "log", table.name, "log"
    )


def _worst_effect(table: Dossier, scene: Scene) -> tuple[str, Seen] | None:
    def effects(tables: frozenset[str], *operations: str) -> list[Seen]:
        return [
            s
            for name in sorted(tables)
            for s in scene.seen.get(name, ())
            if s.operation in operations and s.outcome not in ("failed", "rolled_back")
        ]

    own = frozenset({table.name})
    truncates = [
        s
        for s in effects(scene.truncates_from[table.name] | own, "truncate")
        # A TRUNCATE that was committed gives new storage: where the old one stands, it was rolled back.
        if (s.cascade or s.table == table.name) and table.replaced is not False
    ]
    deletes = effects(own, "delete", "merge")
    choices = [
        ("truncate", truncates),
        ("delete_all", [s for s in deletes if s.bounded is False]),
        ("drop", effects(own, "drop_table", "rename_table")),
        ("delete_parent", effects(scene.cascades_from[table.name] - own, "delete")),
        ("update_all", [s for s in effects(own, "update") if s.bounded is False]),
        ("delete_some", deletes),
    ]
    return next(((outcome, found[0]) for outcome, found in choices if found), None)


def _detached(table: Dossier, scene: Scene) -> Observation | None:
    if not scene.partition_stems or table.relation["is_partition"]:
        return None
    taken = [s for s in scene.seen.get(table.name, ()) if s.operation == "detach_partition"]
    done = [s for s in taken if s.outcome not in ("failed", "rolled_back")]
    if done:
        return Observation(
            ("seen",), f"seen, {done[0].outcome}: {done[0].text[:200]}", done[0].where, table.name, "log"
        )
    name = table.relation["name"]
    stem = name.rstrip("0123456789")
    parents = scene.partition_stems.get((table.relation["schema"], stem), ()) if stem != name else ()
    if parents:
        says = f"it is named like the partitions of {', '.join(sorted(parents))} and is none"
        return Observation(("alike",), says, "pg_inherits", table.name)
    return Observation(("no",), "nothing speaks of a detached partition", "pg_inherits", table.name)


def _dead_deletes(table: Dossier, scene: Scene) -> Observation | None:
    deletes, dead = table.balance["deletes"], table.balance["dead"]
    if table.net is None or not deletes or dead is None or table.balance["actual_rows"] != 0 or table.replaced:
        return None
    whole = dead >= 0.9 * deletes
    says = f"{dead} of {deletes} deleted rows are still counted as dead"
    return Observation(("undisturbed" if whole else "cleared",), says, "pg_stat_user_tables", table.name, "counters")


def _cluster(table: Dossier, scene: Scene) -> Observation | None:
    born, begins = scene.about.initdb_at, scene.log_begins
    if born is None and scene.volume_age is not None:
        # A data directory cannot be older than its volume; where initdb's own time is known it says more.
        young, says, source = scene.volume_age
        return Observation(("younger" if young else "older",), says, source, "volume", "server")
    reference = scene.about.noticed_at
    if born is None or (begins is None and reference is None):
        return None
    younger = (begins is not None and begins < born - pd.Timedelta(hours=1)) or (
        reference is not None and reference < born
    )
    idle = not table.balance["inserts"] and table.balance["actual_rows"] == 0 and not table.replaced
    start = scene.about.window_start
    younger = younger or (start is not None and start < born and idle)
    says = f"the data directory was made at {born:%Y-%m-%d %H:%M:%S} UTC"
    return Observation(("younger" if younger else "older",), says, "pg_control_system", "system_identifier", "server")


LOOKS: Mapping[str, Callable[[Dossier, Scene], Observation | None]] = {
    "storage": _storage,
    "rows": _rows,
    "inserted_since_vacuum": _inserted_since_vacuum,
    "changed_since_analyze": _changed_since_analyze,
    "dead_rows": _dead_rows,
    "empty_shape": _empty_shape,
    "sequence": _sequence,
    "object_age": _object_age,
    "cascade": _cascade,
    "persistence": _persistence,
    "row_security": _row_security,
    "mass_update": _mass_update,
    "dropped_column": _dropped_column,
    "reported": _reported,
    "transaction": _transaction,
    "bulk_storage": _bulk_storage,
    "detached": _detached,
    "dead_deletes": _dead_deletes,
    "statement": _statement,
    "cluster": _cluster,
}
