"""The kit's vocabulary in words that a reader without PostgreSQL understands."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from triage_kit.plot import style

# mechanism: what it means for the rows; the vocabulary itself stands in schemas and findings.json
MECHANISMS = {
    "none": "nothing happened to the rows",
    "delete": "rows deleted by DELETE",
    "cascade_delete": "rows deleted along with those that they referenced",
    "truncate": "emptied by TRUNCATE",
    "recreate": "dropped or renamed away, another table stands in its place",
    "drop": "the table was dropped",
    "partition_drop": "the partition was dropped or detached",
    "rollback": "rows inserted, but never committed",
    "unlogged_reset": "an unlogged table, emptied by crash recovery",
    "restore": "rows replaced by an older state",
    "new_cluster": "another data directory, which never held the rows",
    "update": "rows moved or marked deleted by UPDATE",
    "column_drop": "a column was dropped, the rows stand",
    "hidden": "the rows stand, the application does not see them",
    "counters_reset": "the counters were reset, no row is gone",
    "unknown": "not known",
}

OLDER = "with older contents"

# The same in the few words that stand above a column or in a bar, and what stands for the causes there.
HEADS = {
    "mechanism": {
        "none": "nothing happened",
        "delete": "DELETE",
        "cascade_delete": "DELETE of what it refers to",
        "truncate": "TRUNCATE",
        "recreate": "made anew",
        "drop": "dropped",
        "partition_drop": "partition dropped",
        "rollback": "never committed",
        "unlogged_reset": "unlogged, emptied by a crash",
        "restore": "older state put back",
        "new_cluster": "new data directory",
        "update": "UPDATE",
        "column_drop": "column dropped",
        "hidden": "hidden",
        "counters_reset": "counters reset",
        "unknown": "not known",
    },
    "cause": {
        "manual_session": "by hand",
        "scheduled_job": "scheduled job",
        "migration": "migration",
        "application": "application",
        "test_run": "test run",
        "restore": "restore",
        "storage_replaced": "storage replaced",
        "crash": "crash",
        "replication": "replication",
        "not_lost": "nothing is lost",
        "unknown": "not known",
    },
}

# Mechanisms of statements that foreign keys lead on; what is not known may be one of them.
LED_ON = frozenset({"delete", "cascade_delete", "truncate", "unknown"})
EMPTYING = frozenset({"delete", "cascade_delete", "truncate", "recreate", "partition_drop"})
WITHOUT_STATEMENT = frozenset({"unlogged_reset", "new_cluster"})
ESTIMATE = "≈"  # before what the server estimates; what has none was counted, or follows from its counters
SURE, EVEN = 0.95, 0.5  # above the first a title says it plainly; below the second it is not even probable
CANDIDATE = 0.05  # a mechanism that is less likely than this is not named


def mechanism(word: object) -> str:
    """What a mechanism did to the rows.

    >>> mechanism("truncate")
    'emptied by TRUNCATE'
    """
    return MECHANISMS.get(str(word), style.visible(word).replace("_", " "))


def head(kind: str, word: object) -> str:
    """A mechanism or a cause in a few words, for a figure.

    >>> head("cause", "manual_session"), head("mechanism", "own_idea")
    ('by hand', 'own idea')
    """
    return HEADS[kind].get(str(word), style.visible(word).replace("_", " "))


def candidates(tables: pd.DataFrame, chances: pd.DataFrame) -> list[tuple[str, float, float]]:
    """Mechanisms that could have taken the rows of some tables, the likeliest first, each with its least and most.

    Parameters
    ----------
    tables : columns schema and table.
    chances : frame mechanism_probabilities. What takes no row (none, unknown, counters_reset) is no candidate, nor is
        what is under 5 % likely for every table.
    """
    mine = chances.merge(tables[["schema", "table"]].drop_duplicates(), on=["schema", "table"])
    mine = mine[~mine["mechanism"].isin(("none", "unknown", "counters_reset"))]
    spread = mine.groupby("mechanism")["probability"].agg(["min", "max", "mean"])
    spread = spread[spread["max"] >= CANDIDATE].sort_values("mean", ascending=False, kind="stable")
    return [(str(word), float(row["min"]), float(row["max"])) for word, row in spread.iterrows()]


# What a mechanism is called beside the one that it hardly differs from: both dropped the table and made it anew.
BESIDE = {
    ("restore", "recreate"): "made anew in another way",
    ("recreate", "restore"): "made anew from an older copy",
}


def rival(word: object, first: object) -> str:
    """A mechanism in words, as the alternative to the likelier one.

    >>> rival("recreate", "restore"), rival("delete", "restore")
    ('made anew in another way', 'rows deleted by DELETE')
    """
    return BESIDE.get((str(first), str(word)), mechanism(word))


def cause(row: Mapping[str, object]) -> str:
    """The title of a cause, or its word when it has none; the open one says that it is open.

    >>> cause({"cause": "unknown", "title": "Something that the evidence does not show"})
    'Not known'
    """
    title = row["title"]
    if row["cause"] == "unknown":
        return "Not known"
    return title if isinstance(title, str) and title else str(row["cause"]).replace("_", " ")


def reached(statement: Mapping[str, object], damaged: int | None = None) -> str:
    """How much of the damage a statement accounts for; ``damaged`` of the tables that were hit held rows.

    >>> reached({"explained": 12, "of": 12, "extra": 0})
    'accounts for all 12 tables that were hit, and for no other'
    >>> reached({"explained": 2, "of": 3, "extra": 1})
    'accounts for 2 of 3 tables that were hit, and would have hit 1 more'
    >>> reached({"explained": 12, "of": 12, "extra": 0}, damaged=6)
    'accounts for all 12 tables that were hit (6 held rows, 6 held none), and for no other'
    """
    of, explained, extra = (_number(statement[key]) for key in ("of", "explained", "extra"))
    if explained == of:
        whole = {1: "the one table that was hit", 2: "both tables that were hit"}.get(
            of, f"all {of:,} tables that were hit"
        )
    else:
        whole = f"{explained:,} of {of:,} tables that were hit"
    if damaged is not None and 0 < damaged < of:
        whole += f" ({damaged:,} held rows, {of - damaged:,} held none)"
    return f"accounts for {whole}, and {f'would have hit {extra:,} more' if extra else 'for no other'}"


def condition(statement: Mapping[str, object], members: pd.DataFrame) -> str:
    """That an inferred DELETE must have had a condition, where old rows are left; else nothing.

    Parameters
    ----------
    statement : a row of ``explaining_statements``.
    members : rows of ``findings``: the tables of its group.
    """
    written = str(statement["text"]).lower()
    seen = pd.notna(statement["observed"]) and statement["observed"]
    left = members.loc[members["mechanism"].isin(["delete", "cascade_delete"]), "old_rows_left"].fillna(0).sum()
    if seen or "delete" not in written or " where " in written or not left:
        return ""
    return "Its condition (WHERE) is not known: it spared the old rows that are left"


def estimated(row: object) -> bool:
    """Whether nobody counted the rows that stand: what is missing is an estimate then, too."""
    return getattr(row, "actual_from", None) == "n_live_tup"


def about(row: object) -> str:
    """The sign before a number of rows that follows from the server's own estimate; nothing before a counted one.

    >>> from types import SimpleNamespace
    >>> about(SimpleNamespace(actual_from="n_live_tup")), about(SimpleNamespace(actual_from="count(*)"))
    ('≈', '')
    """
    return ESTIMATE if estimated(row) else ""


def surely(probability: object) -> str:
    """The word before what is concluded with a probability, in a title; nothing where it is as good as certain.

    >>> [surely(each) for each in (0.99, 0.7, 0.4)]
    ['', 'probably ', 'perhaps ']
    """
    known = float(probability) if pd.notna(probability) else 1.0  # type: ignore[arg-type]
    return "" if known >= SURE else "probably " if known >= EVEN else "perhaps "


def all_stand(row: object) -> bool:
    """Whether nothing of a table is missing though its counters leave another number: that was not to be expected.

    >>> from types import SimpleNamespace
    >>> all_stand(SimpleNamespace(status="intact", expected_rows=600, actual_rows=0, missing_rows=0))
    True
    """
    known = row.status == "intact" and pd.notna(row.expected_rows) and pd.notna(row.actual_rows)  # type: ignore[attr-defined]
    return bool(known and row.expected_rows != row.actual_rows and not row.missing_rows)  # type: ignore[attr-defined]


def as_usual(row: object) -> bool:
    """Whether rows of an intact table went, in no loss of this incident: as a drained queue's do."""
    told = row.status == "intact" and isinstance(row.mechanism, str)  # type: ignore[attr-defined]
    lost = isinstance(row.group, str) and row.group  # type: ignore[attr-defined]
    return bool(told and not lost and row.mechanism in EMPTYING)  # type: ignore[attr-defined]


def deleted_as_usual(row: object) -> bool:
    """Whether rows were deleted from a table of which none is missing, by everyday work.

    >>> from types import SimpleNamespace
    >>> queue = {"status": "intact", "group": None, "deletes": 200}
    >>> [deleted_as_usual(SimpleNamespace(**queue, mechanism=each)) for each in ("delete", "none", "rollback")]
    [True, True, False]
    """
    told = row.status == "intact" and row.mechanism in ("none", "delete")  # type: ignore[attr-defined]
    lost = isinstance(row.group, str) and row.group  # type: ignore[attr-defined]
    return bool(told and not lost and pd.notna(row.deletes) and row.deletes)  # type: ignore[attr-defined]


def about_all(tables: pd.DataFrame) -> str:
    """The same before a sum over some tables, for rows of ``findings``."""
    return ESTIMATE if (tables["actual_from"] == "n_live_tup").any() else ""


def gone(row: object) -> str:
    """What became of a damaged table's rows, for a row of ``findings``.

    >>> from types import SimpleNamespace
    >>> gone(SimpleNamespace(status="partial", missing_rows=64, old_rows_left=0, actual_rows=2, hidden_rows=0))
    'emptied, 64 rows missing, 2 newer rows there'
    """
    if row.status == "hidden":
        hidden = row.hidden_rows if pd.notna(row.hidden_rows) and row.hidden_rows else row.actual_rows
        return "rows hidden" if pd.isna(hidden) else f"{style.things(int(hidden), 'row')} hidden"
    newer, former = refilled(row), former_rows(row)
    said = [
        _deed(row.actual_rows) if former is not None else "emptied" if newer else str(row.status),
        _lacking(row, newer),
        f"{style.things(former, 'old row')} in the WAL" if former else "",
        f"{about(row)}{style.things(newer, 'newer row')} there" if newer else "",
    ]
    return ", ".join(each for each in said if each)


def _lacking(row: object, newer: int) -> str:
    """How many rows are missing as far as that is known, or that the contents differ and not the number."""
    if pd.notna(row.missing_rows) and (row.missing_rows or newer or row.status != "partial"):  # type: ignore[attr-defined]
        return f"{about(row)}{style.things(int(row.missing_rows), 'row')} missing"  # type: ignore[attr-defined]
    if pd.notna(row.missing_rows):  # type: ignore[attr-defined]
        return "as many rows as before, with other contents"
    most = at_most(row)
    told = [
        f"{style.things(most, 'row')} missing at most" if most else "",
        f"probably about {likely(row):,} missing"
        if likely(row)
        else OLDER
        if older(row) and not former_rows(row)
        else "",
    ]
    return ", ".join(filter(None, told))


def _deed(stand: object) -> str:
    """That a table was dropped, and that another one stands under its name, where one does."""
    return "dropped" if pd.isna(stand) else "dropped and made anew"  # type: ignore[call-overload]


def former_rows(row: object) -> int | None:
    """How many rows the WAL holds of the table that was dropped from this name; None where it names none."""
    held = getattr(row, "former_rows", None)
    return None if pd.isna(held) else int(held)  # type: ignore[arg-type]


def older(row: object) -> bool:
    """Whether an older state stands in the table: then its contents differ, and numbers of rows need not.

    >>> from types import SimpleNamespace
    >>> older(SimpleNamespace(status="partial", mechanism="restore"))
    True
    """
    return bool(row.status == "partial" and getattr(row, "mechanism", None) == "restore")  # type: ignore[attr-defined]


def likely_before(row: object) -> str:
    """How many rows probably stood before, where only a copy's count tells; nothing where none does."""
    more = likely(row)
    return f"probably about {int(row.actual_rows) + more:,}" if more and pd.notna(row.actual_rows) else ""  # type: ignore[attr-defined]


def likely(row: object) -> int | None:
    """How many rows are probably missing, where only a copy's count tells: it holds so many more than stand."""
    more = getattr(row, "likely_missing", None)
    return None if pd.isna(more) else int(more)  # type: ignore[call-overload]


def likely_all(lost: pd.DataFrame) -> str:
    """The same of some rows of ``findings`` whose number is not known; nothing where one of them has none."""
    each = [likely(row) for row in lost[lost["missing_rows"].isna()].itertuples()]
    if not each or None in each:
        return ""
    told = (
        " and ".join(f"{more:,}" for more in each if more is not None)
        if len(each) < 4
        else f"{sum(map(_number, each)):,}"
    )
    return f"probably about {told} are missing: a copy holds so many more than stand, and nothing else tells"


def at_most(row: object) -> int | None:
    """How many rows a table can lack whose number is not known, where that has a bound."""
    high, stand = getattr(row, "expected_high", None), row.actual_rows  # type: ignore[attr-defined]
    return max(int(high - stand), 0) if pd.notna(high) and pd.notna(stand) else None


def refilled(row: object) -> int:
    """How many rows stand in a table of whose old rows none is left: it was emptied, and written to again."""
    if row.status != "partial" or pd.isna(row.old_rows_left) or row.old_rows_left or pd.isna(row.actual_rows):
        return 0
    return int(row.actual_rows)


def spared(findings: pd.DataFrame) -> int:
    """How many tables were hit with damaged ones and held no row that could be lost."""
    return int((findings["group"].notna() & ~findings["status"].isin(style.DAMAGED)).sum())


def hidden_rows(findings: pd.DataFrame) -> int:
    """How many rows stand that the application does not see."""
    own = findings.loc[findings["status"] == "hidden"]
    return int(own["hidden_rows"].where(own["hidden_rows"].fillna(0) > 0, own["actual_rows"]).fillna(0).sum())


def capital(words: object) -> str:
    """The words with a capital letter at their start, unless that is a literal name.

    >>> capital("copy pg_wal first"), capital("archive_mode is off"), capital("`wal:` names it")
    ('Copy pg_wal first', 'archive_mode is off', '`wal:` names it')
    """
    said = style.visible(words)
    literal = set(said.split(maxsplit=1)[0]) & set("_.=/") if said.strip() else set()
    return said if literal else said[:1].upper() + said[1:]


def _number(value: object) -> int:
    return 0 if pd.isna(value) else int(value)  # type: ignore[call-overload]
