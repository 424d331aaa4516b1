"""From mechanisms to findings: the status of each table, the rows expected under its mechanism, the rows missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from triage_kit.analyse.applied import notes_versions
from triage_kit.analyse.earlier import rows_then
from triage_kit.analyse.habits import DELETING, EMPTYING, ordinary, repeated, struck
from triage_kit.analyse.mechanisms import Weighed
from triage_kit.analyse.refills import Refill, refilled, rewritten_rows
from triage_kit.analyse.scene import Scene

STANDING = ("none", "rollback", "counters_reset", "column_drop")
UNSEEN = ("hidden", "update")
ANEW = ("recreate", "restore", "new_cluster")  # what stands there now is not what stood there before
# Judgement: a table that holds as many rows again as before it was emptied was rebuilt, seldom overwritten by others.
REBUILT, REBUILT_MISSED = 0.93, 0.75
# Judgement: a dump that was put into an emptied table holds the rows of another day or of another database, however
# many they are; that it was taken just before, or that they are the same for good, is seldom.
RELOADED, RELOADED_MISSED = 0.3, 0.1
# Judgement: a table without the key that all its neighbours have is a log or a staging table; one that was truncated by
# itself, and that nobody misses rows of who misses those of others, is not much more often a loss than not.
BARE = 0.4
# Judgement: a job that drops a table and fills a new one does so every time; where people miss rows of it, that run may
# be the one that lost them.
REMADE, REMADE_MISSED = 0.7, 0.25
# Judgement: the same where it holds as many rows as the table that it is made of.
DERIVED, DERIVED_MISSED = 0.85, 0.65
# Judgement: rows that one transaction deleted here and inserted there were moved; equal numbers alone are a hint that
# must not make a sure loss an open question.
MOVED, MOVED_ALIKE, MOVED_EVEN = 0.94, 0.75, 0.4
# Judgement: what a migration tool notes is written anew by each of its runs (golang-migrate empties its table and
# writes one row, going back deletes a row); one that holds rows, and was not emptied with others, is seldom a loss.
NOTED, NOTED_MISSED = 0.96, 0.6
# Judgement: an older state of a table that nobody misses rows of holds all of them not much more seldom than not.
OLDER_WHOLE = 0.4
# Judgement: of a truncated table whose counters may be late, with and without rows of others that referred to its own.
LATE, LATE_PARENT = 0.5, 0.08
EVEN = 0.54  # below it the evidence does not tell
REPORTS = ("reported", "reported_empty", "reported_deleted")
KEPT = ("oid", "schema", "table", "kind", "inserts", "updates", "deletes", "actual_rows", "actual_from", "bias")


@dataclass(frozen=True)
class Expected:
    """Rows that would stand now had the incident not happened; ``rows`` is None where that is open."""

    rows: int | None
    low: int | None
    high: int | None
    origin: str | None


def conclude(each: Weighed, scene: Scene, because: tuple[str, ...]) -> dict:
    """One row of table ``findings``; group, transaction and dating are added by later steps.

    Keys that begin with an underscore are for those steps and enter no frame.
    """
    status, mechanism, probability, intact, moved = _judge(each, scene)
    expected = expected_rows(each, scene, mechanism)
    row, actual = each.table.balance, each.table.balance["actual_rows"]
    if status == "intact" and (refill := _refill(each, scene, mechanism)) is not None and refill.whole:
        expected = Expected(actual, actual, actual, "what was put back at once")
    missing = None if expected.rows is None or actual is None else max(0, expected.rows - actual)
    if status == "partial" and not missing and each.table.overcounted:
        missing = None  # n_live_tup has rows that the file cannot hold
    return {
        **{key: row[key] for key in KEPT},
        "status": status,
        "status_probability": round(probability, 6),
        "expected_rows": expected.rows,
        "expected_low": expected.low,
        "expected_high": expected.high,
        "expected_from": expected.origin,
        "old_rows_left": _old_rows_left(each, status, mechanism),
        "missing_rows": 0 if status in ("intact", "hidden") else None if status == "undecided" else missing,
        "hidden_rows": _hidden_rows(each, scene, mechanism) if status == "hidden" else 0,
        "columns_lost": scene.columns_lost.get(each.table.name, ()),
        "mechanism": mechanism,
        "probability": round(each.probabilities[mechanism], 6),
        "reported": each.table.name in scene.reported,
        "because": because,
        "_dead": row["dead"],
        "_chances": each.probabilities,
        "_intact": intact,
        "_moved": moved,
    }


def _hidden_rows(each: Weighed, scene: Scene, mechanism: str) -> int | None:
    """Rows that stand and are not seen: those that stand elsewhere, or all of the table."""
    move = scene.moved.get(each.table.name)
    if move is not None and mechanism in EMPTYING:
        return move.count
    return each.table.balance["actual_rows"]


def _judge(each: Weighed, scene: Scene) -> tuple[str, str, float, float, float]:
    """The likeliest status, the likeliest mechanism that leads to it, and how probable that is.

    Last, how probable it is that the table is intact, and that its rows were moved, as is proven, and stand elsewhere.
    """
    shares = {word: _shares(each, scene, word) for word in each.probabilities}
    statuses: dict[str, float] = {}
    for mechanism, probability in each.probabilities.items():
        for status, share in shares[mechanism].items():
            statuses[status] = statuses.get(status, 0.0) + share * probability
    status, intact = max(statuses, key=lambda word: statuses[word]), statuses.get("intact", 0.0)
    move, moved = scene.moved.get(each.table.name), 0.0
    if move is not None and move.proven:  # equal numbers alone say nothing of who lost rows
        moved = sum(each.probabilities[word] * shares[word].get("hidden", 0.0) for word in EMPTYING if word in shares)
    if statuses[status] < EVEN:
        return "undecided", each.mechanism, 1 - statuses[status], intact, moved
    mechanism = each.mechanism
    if status != "undecided" and not shares[mechanism].get(status):
        mechanism = max(shares, key=lambda word: each.probabilities[word] * shares[word].get(status, 0.0))
    return status, mechanism, statuses[status], intact, moved


def _shares(each: Weighed, scene: Scene, mechanism: str) -> dict[str, float]:
    """The statuses that a mechanism may mean: what the act did to the storage does not tell what it was for."""
    status = status_of(each, scene, mechanism)
    if mechanism == "truncate" and status == "intact" and _may_be_late(each, scene):
        share = LATE_PARENT if each.table.name in scene.needed else LATE
        return {"intact": share, "partial": 1 - share}
    if (share := _repeated(each, scene, mechanism, status)) is not None:
        return {"intact": share, status: 1 - share}
    if status == "intact" and mechanism in ("recreate", "restore") and _instead(each, scene):
        return {"intact": OLDER_WHOLE, "partial": 1 - OLDER_WHOLE}
    if status not in ("wiped", "partial"):
        return {status: 1.0}
    missed, name = each.table.name in scene.reported, each.table.name
    if mechanism == "restore" and status == "partial" and not missed and _unknown_before(each, scene):
        return {"intact": OLDER_WHOLE, status: 1 - OLDER_WHOLE}
    if status == "partial" and mechanism in EMPTYING and _noted_anew(each, scene):
        share = NOTED_MISSED if missed else NOTED
        return {"intact": share, status: 1 - share}
    move, refill = scene.moved.get(name), _refill(each, scene, mechanism)
    if move is not None and mechanism in EMPTYING:
        share = MOVED if move.proven else MOVED_ALIKE if move.alike else MOVED_EVEN
        return {"hidden": share, status: 1 - share}
    anew = mechanism in ("recreate", "restore") and status == "partial"
    if anew and scene.remade.get(name) == "derived":
        share = DERIVED_MISSED if missed else DERIVED
        return {"intact": share, status: 1 - share}
    if anew and scene.remade.get(name) == "told":
        share = REMADE_MISSED if missed else REMADE
        return {"intact": share, status: 1 - share}
    if (anew and (name in scene.again or name in scene.remade)) or (refill is not None and refill.whole):
        share = REBUILT_MISSED if missed else REBUILT
        if _from_dump(each, scene):
            share = RELOADED_MISSED if missed else RELOADED
        return {"intact": share, status: 1 - share}
    share = ordinary(each.table, scene, mechanism, status)
    if share is None and mechanism == "truncate" and not missed and _bare_and_alone(name, scene):
        share = BARE
    return {status: 1.0} if share is None else {"intact": share, status: 1 - share}


def _repeated(each: Weighed, scene: Scene, mechanism: str, status: str) -> float | None:
    """How probable it is that nothing was lost, where the table was emptied in the same way before."""
    open_ = mechanism not in (*STANDING, *UNSEEN, "drop", "partition_drop", "unknown") and status != "intact"
    if not open_ or each.table.balance["actual_rows"] is None or each.table.damaged:
        return None
    before = repeated(each.table, scene, mechanism)
    return None if before is None else ordinary(each.table, scene, mechanism, status, before)


def _noted_anew(each: Weighed, scene: Scene) -> bool:
    """Whether a migration tool notes what ran there, and nothing that took rows of other tables emptied it too."""
    with_others = scene.transactions.get(each.table.name, ("", 0))[0] in ("proven", "closure", "named", "shared")
    return _notes(each, scene) and not with_others and not struck(each.table.name, scene)


def _notes(each: Weighed, scene: Scene) -> bool:
    return notes_versions(each.table.name) or each.table.name in scene.noted


def _bare_and_alone(name: str, scene: Scene) -> bool:
    """Whether it lacks the key that all others have, and was emptied by itself while people miss rows of others."""
    keys, shared = scene.keyless.get(name), scene.transactions.get(name, ("", 0))[0]
    return bool(scene.reported) and keys is not None and keys.outcomes == ("bare",) and shared == "alone"


def _may_be_late(each: Weighed, scene: Scene) -> bool:
    """Whether n_live_tup alone says that all rows stand, of a table that was truncated with others that lost theirs.

    A TRUNCATE in the session that goes on inserting leaves n_live_tup too high (measured on 13 to 18); one of an empty
    table that was filled afterwards looks alike.
    """
    row, shared = each.table.balance, scene.transactions.get(each.table.name, ("", 0))[0]
    told = row["actual_from"] == "n_live_tup" and row["actual_rows"] == each.table.came
    return bool(told and each.table.replaced and shared == "proven")


def _unknown_before(each: Weighed, scene: Scene) -> bool:
    """Whether nothing tells how many rows stood before in a table that was made anew, where others are missed."""
    return bool(scene.reported) and not each.table.replaced and rows_before(each, scene) is None


def _refill(each: Weighed, scene: Scene, mechanism: str) -> Refill | None:
    """That the table was filled again by what emptied it, where the mechanism is such an emptying."""
    if mechanism == "truncate":
        told = refilled(each.table)
        return None if told is not None and told.after < told.before and _with_missed(each, scene) else told
    if mechanism != "delete":
        return None
    own = [seen for seen in scene.seen.get(each.table.name, ()) if seen.operation == "delete" and seen.done]
    whole = [seen for seen in own if seen.bounded is False]
    by_source = {"log": 0, "": 0}
    for seen in whole:
        by_source["" if seen.where == "pg_stat_statements" else "log"] += seen.calls
    return rewritten_rows(each.table, max(by_source.values())) if whole and len(whole) == len(own) else None


def _from_dump(each: Weighed, scene: Scene) -> bool:
    """Whether most rows that stand came out of a dump, as far as that is known."""
    copy = scene.dumped.get(each.table.name)
    return copy is not None and (copy.rows is None or 2 * copy.rows >= (each.table.balance["actual_rows"] or 0))


def _instead(each: Weighed, scene: Scene) -> bool:
    """Whether a dump was read into a table that was emptied or dropped: what stood there before is not known."""
    gone = any(seen.done and seen.operation in ("truncate", "drop_table") for seen in scene.effects_on(each.table.name))
    if _all_that_came(each, scene):
        return False
    return (gone or bool(each.table.replaced)) and _from_dump(each, scene)


def _with_missed(each: Weighed, scene: Scene) -> bool:
    """Whether the transaction that emptied it emptied a table that people miss: what it holds since was put back."""
    xids = {scene.transactions[name][1] for name in scene.reported & scene.transactions.keys() - {each.table.name}}
    return each.table.name in scene.transactions and scene.transactions[each.table.name][1] in xids


def status_of(each: Weighed, scene: Scene, mechanism: str) -> str:
    """The status that a mechanism would mean for this table, with the rows that stand."""
    actual = each.table.balance["actual_rows"]
    if _never_looked_at(each) or each.table.damaged:
        return "undecided"
    if mechanism == "none" and scene.about.in_recovery and not actual and each.table.name in scene.reported:
        return "undecided"  # a standby shows what it has replayed; the primary may hold the rows
    if mechanism in STANDING:
        return "intact"
    if mechanism in UNSEEN:
        return "hidden"
    if mechanism == "drop":
        return "missing"
    if mechanism == "partition_drop":
        return "hidden"
    if mechanism == "unknown" or actual is None:
        return "undecided"
    if mechanism in DELETING and each.table.net is not None and actual >= (each.table.came or 0) > 0:
        return "intact"  # every row that ever came stands: what was deleted was rolled back
    if each.table.relation["kind"] == "materialized_view" and actual:
        return "intact"  # a REFRESH replaced its rows, which is what it is for
    if mechanism == "recreate" and actual and _as_many_elsewhere(each, scene):
        return "intact"
    if mechanism in ("recreate", "restore") and actual and each.table.name in scene.copied:
        return "intact"
    if mechanism == "restore" and actual and _all_that_came(each, scene):
        return "intact"
    if mechanism in ANEW and actual and _notes(each, scene):
        return "intact"  # made anew with all others, it holds what its tool wrote into it again
    if mechanism in ANEW and actual and scene.reported:
        return "partial"  # emptied, and filled again with something else
    if each.table.overcounted:
        return "partial" if each.table.most_rows else "wiped"
    expected = expected_rows(each, scene, mechanism)
    low = expected.low if expected.low is not None else 0
    if expected.rows is not None and expected.rows <= actual:
        return "intact"
    if expected.rows is None and low <= actual and not _was_filled(each, scene, mechanism):
        return "intact" if each.table.balance["counters_alive"] else "undecided"
    return "partial" if actual else "wiped"


def _as_many_elsewhere(each: Weighed, scene: Scene) -> bool:
    """Whether it holds as many rows as the older table whose place it took: they were copied over."""
    older = scene.balances.get(scene.elsewhere.get(each.table.name, ""))
    return older is not None and older["actual_rows"] == each.table.balance["actual_rows"]


def _all_that_came(each: Weighed, scene: Scene) -> bool:
    """Whether every row stands that ever came to a table which was emptied and loaded where it is.

    TRUNCATE keeps n_tup_ins (measured on 13 to 18), so that what stood before it would be counted; a crash, a reset or
    another object of the name would begin anew.
    """
    table, about = each.table, scene.about
    whole = about.crashed_at is None and about.counters_reset_at is None and not about.in_recovery
    dropped = any(seen.done and seen.operation == "drop_table" for seen in scene.effects_on(table.name))
    came = table.came if table.counted and not dropped and table.replaced else None
    return whole and came is not None and came == table.balance["actual_rows"] and not table.balance["deletes"]


def _never_looked_at(each: Weighed) -> bool:
    """Whether only the name of the table is known, as from a schema dump."""
    return all(each.table.balance[key] is None for key in ("actual_rows", "inserts", "heap_bytes"))


def expected_rows(each: Weighed, scene: Scene, mechanism: str) -> Expected:
    """What should stand under a mechanism; counted deletes that belong to it are added back where that is known."""
    row, actual = each.table.balance, each.table.balance["actual_rows"]
    low, high = row["expected_low"], row["expected_high"]
    if mechanism in DELETING and each.table.net is not None:
        own, origin = incident_deletes(each, scene)
        if own is None:
            return Expected(None, low, row["inserts"], "counters")
        # Where more rows stand than the counters leave, deletes were rolled back, and those that stand are the measure.
        stood = max(each.table.net, actual or 0) + own
        return Expected(stood, stood, stood, origin)
    if mechanism == "rollback" or (
        mechanism in STANDING + UNSEEN and (low is None or high is None or actual not in range(low, high + 1))
    ):
        return Expected(actual, actual, actual, row["actual_from"])
    if low is not None and mechanism not in ("recreate", "new_cluster", "unlogged_reset", "restore"):
        origin = "baseline" if each.table.goes_on else "counters"
        return Expected(low if low == high else None, low, high, origin)
    stood = rows_before(each, scene)
    if stood is not None:
        return Expected(stood, stood, None, "baseline")
    if mechanism == "restore":
        # Its sequences are the copy's, too, and rows that were deleted since the copy was made stand again: neither
        # numbers given out nor rows that stand bound what stood before.
        return Expected(None, None, None, None)
    return _without_counters(each, mechanism)


def rows_before(each: Weighed, scene: Scene) -> int | None:
    """Rows that stood under this name in the earlier bundle, the same object or another; None without one."""
    then = each.table.then or (scene.earlier.tables.get(each.table.name) if scene.earlier else None)
    return rows_then(then) if then else None


def incident_deletes(each: Weighed, scene: Scene) -> tuple[int | None, str | None]:
    """How many of the counted deletes belong to the incident, and how that is known."""
    name, row = each.table.name, each.table.balance
    own = [
        seen
        for seen in scene.seen.get(name, ())
        if seen.operation == "delete" and seen.outcome not in ("failed", "rolled_back")
    ]
    if each.table.goes_on:
        return each.table.went, "baseline"
    late = scene.wal.deleting(each.table.oid, scene.about.window_start)
    if late:
        large = [change.rows for change in late if change.rows >= late[0].rows / 10]
        # The WAL may begin in the middle of the transaction; one call that was counted whole tells more then.
        once = max((seen.rows for seen in own if seen.rows is not None and seen.calls == 1), default=0)
        if once > sum(large):
            return min(row["deletes"], once), "pg_stat_statements"
        return min(row["deletes"], sum(large)), f"the WAL, {len(large)} transaction{'s' if len(large) != 1 else ''}"
    standing = row["actual_rows"] or 0
    if each.table.net is not None and standing > each.table.net and each.table.vacuumed is False and not row["updates"]:
        # Some of the counted deletes were rolled back: those that were not lie there as dead rows.
        gone = (each.table.came or 0) - standing
        return (min(gone, row["dead"]), "dead rows") if row["dead"] else (gone, "counters")
    whole = {seen.text: seen.rows for seen in own if seen.bounded is False and seen.rows is not None}
    if whole:
        return min(row["deletes"], sum(whole.values())), "pg_stat_statements"
    sources = own + [
        seen
        for parent in scene.cascades_from[name]
        for seen in scene.seen.get(parent, ())
        if seen.operation == "delete" and seen.outcome not in ("failed", "rolled_back")
    ]
    if scene.visible.statements and len({seen.text for seen in sources}) == 1 and (
            sources[0].bounded is False or max(seen.calls for seen in sources) == 1):  # fmt: skip
        return row["deletes"], f"the only DELETE seen that reaches it ({sources[0].where})"
    if each.table.vacuumed and not row["updates"] and row["dead"] and row["dead"] < row["deletes"]:
        return row["dead"], "dead rows since the last vacuum"
    return None, None


def _without_counters(each: Weighed, mechanism: str) -> Expected:
    actual = each.table.balance["actual_rows"]
    marks: Mapping[str, float | None] = {
        "reltuples": each.table.relation["tuples"],
        "sequence": max((s["last_value"] or 0 for s in each.table.sequences if s["increment"] == 1), default=0),
    }
    tuples = marks["reltuples"]
    if mechanism == "unlogged_reset" and tuples is not None and tuples > 0:
        return Expected(None, actual, int(tuples), "reltuples before the crash")
    return Expected(None, actual, int(marks["sequence"] or 0) or None, "sequence" if marks["sequence"] else None)


def _was_filled(each: Weighed, scene: Scene, mechanism: str) -> bool:
    """Whether anything says that rows stood in a table whose counters tell nothing or whose deletes are open."""
    table = each.table
    if mechanism in DELETING and table.balance["counters_alive"]:
        return bool(table.balance["deletes"])
    advanced = any((sequence["last_value"] or 0) > (table.balance["actual_rows"] or 0) for sequence in table.sequences)
    return (
        advanced
        or mechanism == "unlogged_reset"  # what is weighed there is that it held rows
        or (table.relation["tuples"] or 0) > (table.balance["actual_rows"] or 0)
        or any(each.seen[name].outcomes == ("named",) for name in REPORTS if name in each.seen)
        # People miss rows, and this table was replaced the same way: what else stood in it nobody can tell any more.
        or (mechanism in ANEW and bool(scene.reported))
        or (mechanism in ANEW and any(one.rows for one in scene.wal.drops.get(table.name, ()) if one.oid != table.oid))
    )


def _old_rows_left(each: Weighed, status: str, mechanism: str) -> int | None:
    actual = each.table.balance["actual_rows"]
    if status in ("undecided", "missing"):
        return None
    if mechanism in ("truncate", "recreate", "unlogged_reset", "new_cluster") or status == "wiped":
        # Storage was replaced: whatever stands there was written afterwards.
        return 0
    return actual
