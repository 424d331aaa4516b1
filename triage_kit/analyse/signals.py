"""What each signal of knowledge/mechanisms.yaml shows of one table; a function each, None where it cannot be seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd

from triage_kit.analyse.balance import rolled_back
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.earlier import rows_then
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.reports import REPORTS
from triage_kit.analyse.scene import FEW, Scene
from triage_kit.analyse.setting import loaded_once
from triage_kit.analyse.traces import TRACES, in_proportion, taken
from triage_kit.analyse.witnesses import WITNESSES
from triage_kit.schemas import parts

PAGE = 8192
SINCE = ("blind_since", "filters_since")  # row security changed within the window
OF_STORAGE = ("storage", "inserted_since_vacuum", "transaction", "rewritten", "estimate")
# Of what made the object behind the name late: it is no longer the one that held the rows.
YOUNG = {"remade", "remade_together", "swapped", "swapped_schema", "out_of_order", "recent", "recent_together"}
OF_ROWS = ("rows", "live_rows", "dead_rows", "changed_since_analyze")
AUTOVACUUM_ROWS, AUTOVACUUM_SHARE = 50, 0.2  # its defaults, in dead rows and in their share of the table


def observe(table: Dossier, scene: Scene) -> dict[str, Observation]:
    """Every signal that can be seen of the table, by name."""
    # What new storage says counts for nothing where the rows had gone before it, nor a successor's few rows.
    idle = (*OF_STORAGE, *OF_ROWS) if scene.went_with_another(table.name) else OF_STORAGE if table.emptied_first else ()
    looked = {name: look(table, scene) for name, look in LOOKS.items() if name not in idle}
    return {name: observation for name, observation in looked.items() if observation is not None}


def _storage(table: Dossier, scene: Scene) -> Observation | None:
    if table.replaced is None:
        return None
    against = f"{table.then['filenode']} of the earlier bundle" if table.then.get("filenode") else f"oid {table.oid}"
    files = f"relfilenode {table.relation['filenode']} {'<>' if table.replaced else '='} {against}"
    beginning = "replaced" if table.replaced else "original"
    if table.heap_bytes is None:
        return Observation(
            (f"{beginning}_empty", f"{beginning}_filled"), f"{files}; its size is not known", "pg_class", table.name
        )
    ending = "filled" if table.heap_bytes else "empty"
    if table.replaced and ending == "filled" and _young(table, scene) and table.net == table.balance["actual_rows"]:
        # What is put back in place keeps the object, what is made anew has files of its own: either leaves one mark.
        says = f"{files}, heap {table.heap_bytes} bytes: rewritten, in an object that is itself made anew"
        return Observation(("replaced_filled", "original_filled"), says, "pg_class", table.name)
    meaning = "the storage was replaced since" if table.replaced else "the storage is the same"
    return Observation(
        (f"{beginning}_{ending}",), f"{files}, heap {table.heap_bytes} bytes: {meaning}", "pg_class", table.name
    )


def _young(table: Dossier, scene: Scene) -> bool:
    """Whether the object behind the name was surely made after the others, so that its storage tells of it alone."""
    told = _object_age(table, scene)
    return told is not None and set(told.outcomes) <= YOUNG


def _rows(table: Dossier, scene: Scene) -> Observation | None:
    net, actual, row = table.net, table.balance["actual_rows"], table.balance
    if _reset_alone(table, scene):
        says = f"nothing was ever counted in it, and its file holds {table.heap_bytes} bytes: its counters were reset"
        return Observation(("uncounted",), says, "pg_stat_user_tables", table.name, "counters")
    if net is None or actual is None:
        return None
    since = " since the earlier bundle, with those that stood then" if table.goes_on else ""
    failed = f" besides {table.failed} that failed" if table.failed else ""
    counted = str(row["actual_from"]).replace("_", " ")
    says = (
        f"{table.came or 0:,} inserted{failed}, {table.went or 0:,} deleted{since}, {actual:,} rows stand ({counted})"
    )
    outcome = _row_outcome(table.came or 0, table.went or 0, net, actual)
    if table.overcounted:
        room = table.most_rows
        says = f"{says}, but its {table.heap_bytes} bytes hold {room:,} at most"
        return Observation(("short_part" if room else "short_all",), says, "pg_relation_size", table.name, "counters")
    if outcome == "uncounted" and not scene.counting:
        return None  # the counters of all tables are gone: that says nothing of this one
    if table.counted:
        return Observation((outcome,), says, "pg_stat_user_tables", table.name, "counters")
    if outcome == "even" or outcome == "even_after_deletes":
        # Measured: after a TRUNCATE in the session of later inserts n_live_tup keeps the old rows.
        return Observation(
            (outcome, "short_part") if table.replaced and not table.emptied_first else (outcome,),
            says,
            "pg_stat_user_tables",
            table.name,
            "counters",
        )
    return Observation((outcome,), says, "pg_stat_user_tables", table.name, "counters")


def _reset_alone(table: Dossier, scene: Scene) -> bool:
    """Whether its counters say that it was never written to, while its file is not empty and others are counted."""
    about, row = scene.about, table.balance
    if not about.has_server or about.in_recovery or about.crashed_at is not None or not table.heap_bytes:
        return False
    idle = not any(row[key] for key in ("inserts", "updates", "deletes", "live", "dead")) and row["inserts"] is not None
    return idle and table.relation["kind"] == "table" and scene.counting


def _row_outcome(inserts: int, deletes: int, net: int, actual: int) -> str:
    if inserts == 0 and deletes == 0:
        return "uncounted" if actual else "idle"
    if actual > net:
        return "surplus" if actual > inserts else "undeleted" if actual == inserts else "undeleted_part"
    if actual == net:
        if not deletes:
            return "even"
        return "even_after_deletes" if actual else "all_deleted"
    return "short_part" if actual else "short_all"


def _inserted_since_vacuum(table: Dossier, scene: Scene) -> Observation | None:
    since, inserts = table.counters.get("inserted_since_vacuum"), table.balance["inserts"]
    if table.net is None or since is None or not inserts or table.vacuumed is not False:
        return None
    if since < inserts and table.replaced is False:
        return None  # a TRUNCATE before the earlier bundle left it so
    if since == inserts and table.replaced and _late(table):
        return None  # the session that truncated goes on: n_live_tup says the same, and would be counted twice
    says = f"n_ins_since_vacuum is {since:,} of {inserts:,} inserted, and no vacuum ever ran"
    return Observation(("reset" if since < inserts else "kept",), says, "pg_stat_user_tables", table.name, "counters")


def _changed_since_analyze(table: Dossier, scene: Scene) -> Observation | None:
    missing, lost = rolled_back(table.counters), table.undone
    if table.net is None or lost is None or not table.balance["inserts"] or table.failed:
        return None  # `rows` has left them out, and `undone_inserts` has weighed whether they were a load
    says = f"never analysed; n_mod_since_analyze misses {missing} of the counted changes"
    if missing and not lost:
        says = f"{says}, deletes that were rolled back: as many rows stand beyond what the counters leave"
    return Observation(("short" if lost else "whole",), says, "pg_stat_user_tables", table.name, "counters")


def _undone_inserts(table: Dossier, scene: Scene) -> Observation | None:
    """Whether a load was rolled back in a table that rows were deleted from too: neither tells of the other."""
    row = table.balance
    if table.net is None or table.replaced is not False or not row["deletes"] or not table.counted:
        return None
    if table.aborted:
        says = f"{table.failed} of {row['inserts']} counted inserts were rolled back, as counters and rows tell"
        return Observation(("load",), says, "pg_stat_user_tables", table.name, "counters")
    if table.net != row["actual_rows"] or rolled_back(table.counters) is not None:
        return None  # n_mod_since_analyze has told already
    says = "as many rows stand as the counters leave: no load was rolled back"
    return Observation(("no",), says, "pg_stat_user_tables", table.name, "counters")


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
    says = f"{dead:,} dead rows where {gap:,} rows are missing beyond the counted deletes"
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
    told = scene.origins.get(table.name)
    # In an older state of the whole every object is the one that it was, and in a new database, or a schema of which
    # nothing is left, all are young alike.
    anew = scene.went_back or (scene.database is not None and scene.database.outcomes != ("older",))
    anew = anew or scene.without_elders
    return None if told is not None and anew and told.outcomes == ("contemporary",) else told


def _keyless(table: Dossier, scene: Scene) -> Observation | None:
    return scene.keyless.get(table.name)


def _gone_objects(table: Dossier, scene: Scene) -> Observation | None:
    # An older state has the counters of then, and a table with new storage is most often the object that it was.
    if scene.went_back or scene.gone is None or (table.replaced and not _young(table, scene)):
        return None
    if scene.gone.outcomes != ("unaccounted",) or table.name not in scene.late:
        return scene.gone
    says = f"{scene.gone.says}; {table.name} was made later, when those could have been in use"
    return replace(scene.gone, outcomes=("unaccounted_late",), says=says)


def _rebuilt(table: Dossier, scene: Scene) -> Observation | None:
    where = scene.rebuilt.get(parts(table.name)[1].lower())
    if where is None:
        return None  # most losses are in no migration
    says = f"{where} gives the name of {table.name} to another table, after the one that had it"
    return Observation(("written",), says, where, table.name, "migrations")


def _cascade(table: Dossier, scene: Scene) -> Observation | None:
    if table.net is None or not taken(table.balance):
        return None  # none was deleted, or those that were came back when the transaction was rolled back
    parents = [
        (name, scene.balances[name])
        for name in sorted(scene.cascades_from[table.name] - {table.name})
        if name in scene.balances
    ]
    if not parents:
        return Observation(
            ("no_parent",), "no ON DELETE CASCADE leads to it", "pg_constraint", table.name, "foreign keys"
        )
    deleted = [(name, row) for name, row in parents if taken(row)]
    emptied = [name for name, row in deleted if row["actual_rows"] == 0]
    missed = [name for name, _ in deleted if name in scene.reported]
    even = [name for name, row in deleted if in_proportion(row, table.balance)]
    ranks = (
        ("parent_missed", missed), ("parent_emptied", emptied), ("in_proportion", even), ("parent_deleted", deleted),
    )  # fmt: skip
    outcome = next((word for word, names in ranks if names), "parent_whole")
    told = ", ".join(missed or emptied or even or [name for name, _ in deleted or parents])
    fate = {
        "parent_missed": "lost rows by DELETE, and people miss them",
        "parent_emptied": "was emptied by DELETE",
        "in_proportion": "lost rows by DELETE, and as many rows for each went here",
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


def _row_security(table: Dossier, scene: Scene) -> Observation | None:
    told = scene.policies.get(table.name)
    if told is None or told.outcomes[0] not in SINCE or table.name in scene.reported:
        return told
    # People name a table or two of those that one change of row security took out of their sight.
    with_it = [name for name in sorted(scene.reported)
               if name in scene.policies and scene.policies[name].outcomes[0] in SINCE
               and scene.balances[name]["actual_rows"]]  # fmt: skip
    if not with_it:
        return told
    says = f"{told.says}; so was that of {with_it[0]}, whose rows stand and people miss"
    return replace(told, outcomes=("secured_too",), says=says)


def _search_path(table: Dossier, scene: Scene) -> Observation | None:
    told = scene.paths.get(table.name)
    if told is None or told.outcomes != ("shadowed",) or table.name in scene.reported:
        return told
    # Another of its schema is missed for the same reason: the path hides them all.
    schema = table.relation["schema"]
    with_it = [name for name in scene.reported if name in scene.paths and parts(name)[0] == schema]
    return (
        replace(told, outcomes=("shadowed_too",))
        if any("shadowed" in scene.paths[n].outcomes for n in with_it)
        else told
    )


def _dropped_column(table: Dossier, scene: Scene) -> Observation | None:
    told = scene.dropped.get(table.name)
    if told is None or not _late_drop(told):
        return told
    others = [name for name in sorted(scene.reported - {table.name})
              if name in scene.dropped and not _late_drop(scene.dropped[name])]  # fmt: skip
    if not others:
        return told
    deleted = [name for name in others if taken(scene.balances[name])]
    outcome = "beside_deleted" if deleted and taken(table.balance) else "beside"
    says = f"{told.says}; people miss rows of {(deleted or others)[0]} too, which lost no column"
    return replace(told, outcomes=(outcome,), says=says)


def _late_drop(told: Observation) -> bool:
    return set(told.outcomes) <= {"in_window", "recent"}


def _kind(table: Dossier, scene: Scene) -> Observation | None:
    if table.relation["kind"] != "materialized_view":
        return None
    return Observation(("materialized_view",), "only REFRESH changes its rows", "pg_class", table.name)


def _transaction(table: Dossier, scene: Scene) -> Observation | None:
    if table.name not in scene.transactions:
        return None
    outcome, xid = scene.transactions[table.name]
    meaning = {
        "proven": "the same transaction truncated other tables, as their counters prove",
        "named": "the same transaction replaced a table that people miss rows of",
        "closure": "the same transaction replaced exactly the tables that foreign keys lead to",
        "shared": "the same transaction replaced other tables too",
        "alone": "no other table was replaced by the same transaction",
    }[outcome]
    last = xid == scene.clock.top(table.relation["xmin"])
    says = f"pg_class.xmin {xid}" if last else f"transaction {xid}, with which the file went that held its rows"
    return Observation((outcome,), f"{says}: {meaning}", "pg_class" if last else "pg_wal", table.name)


def _bulk_storage(table: Dossier, scene: Scene) -> Observation | None:
    # Where pg_class tells whether this table's storage was replaced, the checkpoints only repeat it.
    return scene.bulk_storage if table.replaced is None and table.net is not None else None


def _dead_deletes(table: Dossier, scene: Scene) -> Observation | None:
    deletes, dead, actual = table.balance["deletes"], table.balance["dead"], table.balance["actual_rows"]
    if table.net is None or not deletes or dead is None or actual is None or table.replaced:
        return None
    if actual > table.net:  # some of the counted deletes were rolled back, and leave no dead row
        deletes = (table.came or 0) - actual
    if deletes <= 0 or (actual and deletes < AUTOVACUUM_ROWS + AUTOVACUUM_SHARE * (actual + deletes)):
        return None  # so few that autovacuum would not have come for them
    dead = max(0, dead - table.failed)  # what was inserted in vain lies there dead as well
    whole = dead >= 0.9 * deletes
    says = f"{deletes:,} rows were deleted, and {dead:,} are counted as dead"
    says += ", what updates and rolled-back inserts left too"
    return Observation(("undisturbed" if whole else "cleared",), says, "pg_stat_user_tables", table.name, "counters")


def _late(table: Dossier) -> bool:
    """Whether n_live_tup still counts most of the rows that are missing, or more than the file can hold."""
    live, actual, net = table.balance["live"], table.balance["actual_rows"], table.net
    if live is not None and table.overcounted:
        return live > (table.most_rows or 0)
    if live is None or actual is None or net is None or not table.counted or net <= actual:
        return False
    return live > actual + (net - actual) / 2


def _live_rows(table: Dossier, scene: Scene) -> Observation | None:
    live, actual, net = table.balance["live"], table.balance["actual_rows"], table.net
    if live is None or actual is None or net is None or not table.counted or net <= actual:
        return None
    says = f"n_live_tup says {live:,} where {actual:,} rows stand: its sessions may not have reported all they did"
    late = _late(table)
    says = says if late else f"n_live_tup says {live:,}, {actual:,} rows stand"
    return Observation(("late" if late else "level",), says, "pg_stat_user_tables", table.name, "counters")


def _writers(table: Dossier, scene: Scene) -> Observation | None:
    actual = table.balance["actual_rows"]
    if table.writers is None or not actual or actual < FEW:
        return None
    first, last = table.writers
    if first != last:
        says = f"its rows were written by transactions from {first} to {last}"
        return Observation(("several",), says, "xmin of its rows", table.name, "rows")
    says = f"transaction {first} wrote every one of its {actual:,} rows"
    if not loaded_once(table):
        return Observation(("single",), says, "xmin of its rows", table.name, "rows")
    if scene.all_loaded:
        says += ", as in the other tables: a restore leaves that, a first load too"
    return Observation(("loaded_all" if scene.all_loaded else "loaded",), says, "xmin of its rows", table.name, "rows")


def _since_then(table: Dossier, scene: Scene) -> Observation | None:
    """Rows of an earlier bundle that are gone although the counters of now cannot tell, or deletes counted since."""
    stood, actual = rows_then(table.then), table.balance["actual_rows"]
    if not table.then or stood is None or actual is None:
        return None
    source = scene.earlier.source if scene.earlier else "baseline"
    if table.net is None:
        says = f"{stood:,} rows stood in the earlier bundle, {actual:,} stand now"
        return Observation(("fewer" if actual < stood else "as_many",), says, source, table.name, "baseline")
    says = f"{table.went or 0:,} rows were deleted since the earlier bundle, in which {stood:,} stood"
    return Observation(("deleted" if table.went else "as_many",), says, source, table.name, "baseline")


def _estimate(table: Dossier, scene: Scene) -> Observation | None:
    """reltuples of an empty table with new storage, once the counters are gone: never counted, or counted as empty."""
    tuples, version = table.relation["tuples"], scene.about.version_num or 0
    if not table.replaced or table.heap_bytes != 0 or table.net is not None or tuples is None or version < 140000:
        return None
    says = f"reltuples is {tuples:g} on storage that was replaced"
    return Observation(("unknown" if tuples < 0 else "counted",), says, "pg_class", table.name)


def _cluster(table: Dossier, scene: Scene) -> Observation | None:
    born, begins = scene.about.initdb_at, scene.log_begins
    if scene.earlier is not None and scene.earlier.other_cluster is not None:
        young = scene.earlier.other_cluster
        says = f"the system identifier is {'not ' if young else ''}that of the earlier bundle"
        return Observation(("younger" if young else "older",), says, "pg_control_system", "system_identifier", "server")
    if born is None and scene.volume_age is not None:
        # A data directory cannot be older than its volume; where initdb's own time is known it says more.
        young, says, source = scene.volume_age
        return Observation(("younger" if young else "older",), says, source, "volume", "server")
    reference = scene.about.noticed_at
    if born is None or (begins is None and reference is None):
        return None
    younger = (begins is not None and begins < born - pd.Timedelta(hours=1)) or (
        (reference is not None and reference < born) or scene.outlived is not None
    )
    idle = not table.balance["inserts"] and table.balance["actual_rows"] == 0 and not table.replaced
    start = scene.about.window_start
    # A data directory is one for all of its tables: that one which people miss is idle in it tells of the others too.
    idle = (idle or scene.missed_idle) and not _in_place(scene)
    younger = younger or (start is not None and start < born and idle)
    says = f"the data directory was made at {born:%Y-%m-%d %H:%M:%S} UTC"
    missed = scene.missed_idle and not _in_place(scene)
    outcome = ("younger_missed" if missed else "younger") if younger else "older"
    if scene.outlived is not None:
        says += f", after statements on this database that are in the log ({scene.outlived})"
    if outcome == "younger_missed":
        says += ", and a table that people miss rows of was never used in it"
    return Observation((outcome,), says, "pg_control_system", "system_identifier", "server")


def _in_place(scene: Scene) -> bool:
    """Whether another database took the name within this data directory, which explains what was never used in it."""
    return scene.database is not None and scene.database.outcomes == ("replaced",)


LOOKS: Mapping[str, Callable[[Dossier, Scene], Observation | None]] = {
    "storage": _storage,
    "rows": _rows,
    "inserted_since_vacuum": _inserted_since_vacuum,
    "changed_since_analyze": _changed_since_analyze,
    "undone_inserts": _undone_inserts,
    "dead_rows": _dead_rows,
    "empty_shape": _empty_shape,
    "sequence": _sequence,
    "object_age": _object_age,
    "keyless": _keyless,
    "gone_objects": _gone_objects,
    "rebuilt": _rebuilt,
    "cascade": _cascade,
    "row_security": _row_security,
    "dropped_column": _dropped_column,
    "kind": _kind,
    "transaction": _transaction,
    "bulk_storage": _bulk_storage,
    "dead_deletes": _dead_deletes,
    "cluster": _cluster,
    "database": lambda table, scene: scene.database,
    "search_path": _search_path,
    "live_rows": _live_rows,
    "writers": _writers,
    "since_then": _since_then,
    "estimate": _estimate,
    **REPORTS,
    **WITNESSES,
    **TRACES,
}
