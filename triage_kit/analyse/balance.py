"""Expected against actual rows, with bounds and with what makes the numbers lie.

Inserts minus deletes is a biased estimate: PostgreSQL counts rolled-back work like committed work, TRUNCATE is in no
counter, a crash sets everything to zero and a standby counts nothing (measured on 13 to 18). So every table gets a low
and a high bound, the origin of its actual number and the reasons for doubt in words.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import Context, rows
from triage_kit.analyse.earlier import Earlier, carried_on, rows_then

COUNTED = ("table", "materialized_view", "foreign_table", "partitioned")


def row_balance(evidence: Mapping[str, pd.DataFrame], about: Context, before: Earlier | None = None) -> pd.DataFrame:
    """One row a table of the schemas in scope (table ``balance``), by schema and name.

    Takes ``relations``, ``table_counters``, ``storage`` and ``row_counts``; where an earlier bundle knows the table,
    the rows of then and what was counted since are expected instead of everything that was ever counted.
    """
    counters = {row["oid"]: row for row in rows(evidence["table_counters"])}
    sizes = {row["oid"]: row for row in rows(evidence["storage"])}
    counts = {row["oid"]: row for row in rows(evidence["row_counts"])}
    relations = rows(evidence["relations"])
    then = before.standing() if before else {}
    names = {row["oid"]: schemas.qualified(row["schema"], row["name"]) for row in relations}
    found = []
    for relation in relations:
        if relation["kind"] in COUNTED:
            oid = relation["oid"]
            parent = names.get(relation["parent_oid"]) if relation["is_partition"] else None
            row = _balance(relation, parent, counters.get(oid), sizes.get(oid, {}), counts.get(oid, {}), about)
            if oid in then:
                _since_then(row, then[oid], before)
            found.append(row)
    _add_up_partitions(found)
    return schemas.frame("balance", sorted(found, key=lambda row: (row["schema"], row["table"])))


def _balance(relation: dict, parent: str | None, counted: dict | None, size: dict, count: dict, about: Context) -> dict:
    row = {
        "oid": relation["oid"],
        "schema": relation["schema"],
        "table": relation["name"],
        "kind": relation["kind"],
        "parent": parent,
        "heap_bytes": size.get("heap_bytes"),
        "counters_since": about.counters_since,
    }
    counted = counted or {}
    row |= {key: counted.get(key) for key in ("inserts", "updates", "deletes", "live", "dead")}
    row["actual_rows"], row["actual_from"] = _known(row, relation, count, about)
    if row["actual_from"] == "damaged":
        row["heap_bytes"] = None  # the size of a file that is not there is no size
    row["counters_alive"] = _alive(row, about) and not blank(row)
    # A crash empties an unlogged table and begins its counters anew: they count every row that stands.
    from_empty = relation["persistence"] == "unlogged" and about.crashed_at is not None and not about.in_recovery
    if row["actual_from"] is None and (row["counters_alive"] or from_empty) and row["live"] is not None:
        row["actual_rows"], row["actual_from"] = row["live"], "n_live_tup"
    row["expected_low"], row["expected_high"] = _expected(row, counted)
    row["bias"] = tuple(_bias(row, counted, about))
    if row["actual_from"] == "damaged":
        row["bias"] = (f"damaged, not empty: {count['reason']}", *row["bias"])
    return row


def _since_then(row: dict, then: dict, before: Earlier | None) -> None:
    """Expect the rows of the earlier bundle and what was counted since, where the counters go on from those of then."""
    stood = rows_then(then)
    if stood is None or row["kind"] == "materialized_view":
        return
    when = f" of {before.at:%Y-%m-%d %H:%M:%S} UTC" if before and before.at is not None else ""
    if row["counters_alive"] and carried_on(then, row["inserts"], row["deletes"]):
        stands = max(0, stood + row["inserts"] - then["inserts"] - (row["deletes"] - then["deletes"]))
        row["expected_low"] = row["expected_high"] = stands
        row["bias"] = (f"{stood} rows stood in the earlier bundle{when}; what was counted since is added",)
    elif not row["counters_alive"]:
        row["bias"] = (*row["bias"], f"{stood} rows stood in the earlier bundle{when}")


def _known(row: dict, relation: dict, count: dict, about: Context) -> tuple[int | None, str | None]:
    """Rows that somebody counted, or that an empty file proves; never an estimate."""
    if row["kind"] == "partitioned":
        return None, "sum of its partitions"
    if count.get("method") == "damaged":
        return None, "damaged"
    if count.get("rows") is not None:
        return count["rows"], count["method"]
    # A standby has no file of an unlogged table, whatever the primary holds.
    blind = row["kind"] == "foreign_table" or (about.in_recovery and relation["persistence"] == "unlogged")
    return (0, "empty_file") if row["heap_bytes"] == 0 and not blind else (None, None)


def blank(row: Mapping[str, object]) -> bool:
    """Whether the counters of a table know of nothing while its file is not empty: they were reset.

    Their n_live_tup counts no row that stood before.
    """
    return bool(row["heap_bytes"]) and not any(row[key] for key in ("inserts", "updates", "deletes", "live", "dead"))


def _alive(row: dict, about: Context) -> bool:
    if row["inserts"] is None or row["deletes"] is None or about.in_recovery or about.crashed_at is not None:
        return False
    if row["kind"] == "materialized_view":
        return False  # every REFRESH counts as emptying it and inserting its rows anew
    actual = row["actual_rows"] if row["actual_rows"] is not None else row["live"]
    if not about.has_server:
        # Counters out of a file: nothing says that they were reset but rows that they cannot explain; the bias says so.
        return actual is None or actual <= row["inserts"] - row["deletes"]
    if about.counters_reset_at is None:
        return True
    # A reset may have meant one table only: rows that the counters cannot explain tell which.
    return row["inserts"] > 0 and actual is not None and actual <= row["inserts"] - row["deletes"]


def rolled_back(counted: dict) -> int | None:
    """Changes that were counted but never committed, of a table that was never analysed; None when that cannot be told.

    Measured on 13 to 18: n_mod_since_analyze leaves out rolled-back rows, n_tup_ins keeps them.

    >>> rolled_back({"inserts": 115, "updates": 0, "deletes": 0, "changed_since_analyze": 0, "analyzes": 0,
    ...              "autoanalyzes": 0, "last_analyze": None, "last_autoanalyze": None})
    115
    """
    needed = ("analyzes", "autoanalyzes", "changed_since_analyze", "inserts", "updates", "deletes")
    if any(counted.get(name) is None for name in needed) or counted["analyzes"] or counted["autoanalyzes"]:
        return None
    total = counted["inserts"] + counted["updates"] + counted["deletes"]
    return max(0, total - counted["changed_since_analyze"])


def _expected(row: dict, counted: dict) -> tuple[int | None, int | None]:
    if not row["counters_alive"]:
        return None, None
    net = max(0, row["inserts"] - row["deletes"])
    lost = rolled_back(counted)
    if not lost:
        return net, net
    if not row["updates"] and not row["deletes"]:
        return max(0, net - lost), max(0, net - lost)
    return max(0, net - lost), min(row["inserts"], net + min(lost, row["deletes"]))


def _bias(row: dict, counted: dict, about: Context) -> list[str]:
    words = []
    if about.in_recovery:
        words.append("a standby counts no writes of its primary")
    if about.crashed_at is not None:
        words.append(f"a crash set all counters to zero at {about.crashed_at:%Y-%m-%d %H:%M:%S} UTC")
    if about.counters_reset_at is not None and not row["counters_alive"]:
        words.append(f"statistics were reset at {about.counters_reset_at:%Y-%m-%d %H:%M:%S} UTC")
    if row["counters_alive"] and row["inserts"]:
        lost = rolled_back(counted)
        if lost:
            words.append(f"{lost} counted change{' was' if lost == 1 else 's were'} rolled back")
        elif lost is None:
            words.append(f"rolled-back inserts count as expected; {_why_not_told(counted)}")
    if not about.has_server and row["inserts"] is not None:
        words.append("the age of the counters is unknown: no server said whether they were reset")
        if not row["counters_alive"]:
            words.append("more rows stand than the counters can explain")
    if row["actual_from"] == "n_live_tup":
        words.append("not counted: n_live_tup is an estimate")
    return words


def _why_not_told(counted: dict) -> str:
    if counted.get("analyzes") or counted.get("autoanalyzes"):
        return "an ANALYZE cleared the counter that would tell"
    return "n_mod_since_analyze, which would tell, is not known"


def _add_up_partitions(found: list[dict]) -> None:
    # From the leaves up: a partitioned child of a partitioned parent is summed before its parent asks for it.
    by_name = {schemas.qualified(row["schema"], row["table"]): row for row in found}
    children: dict[str, list[dict]] = {}
    for row in found:
        if row["parent"] is not None:
            children.setdefault(row["parent"], []).append(row)

    def total(row: dict, depth: int = 0) -> dict:
        below = children.get(schemas.qualified(row["schema"], row["table"]), [])
        if row["kind"] == "partitioned" and below and depth < 64:
            parts = [total(child, depth + 1) for child in below]
            for key in (
                "inserts",
                "updates",
                "deletes",
                "live",
                "dead",
                "actual_rows",
                "expected_low",
                "expected_high",
                "heap_bytes",
            ):
                values = [part[key] for part in parts]
                row[key] = None if any(value is None for value in values) else sum(values)
        return row

    for name in sorted(by_name):
        total(by_name[name])
