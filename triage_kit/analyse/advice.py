"""Recommendations chosen by what was found, files to review, and the tests that would settle what is open."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse import knowledge
from triage_kit.analyse.context import Context, rows
from triage_kit.analyse.groups import LOSSES, Group
from triage_kit.analyse.mechanisms import Weighed
from triage_kit.analyse.statements import Visibility

LIKELY = 0.1  # a cause that the advice must consider
RIVAL = 0.05  # a mechanism that a check of the storage must rule out
WORTHWHILE = 0.05  # bits below which a check cannot change the ranking


def recommendations(
    findings: Sequence[dict], causes: pd.DataFrame, gaps: pd.DataFrame, settings: pd.DataFrame
) -> pd.DataFrame:
    """Table ``recommendations``: the lines of knowledge/recommendations.yaml whose condition holds."""
    facts = {"loss"} if any(row["status"] in LOSSES for row in findings) else set()
    if findings and all(row["status"] == "intact" for row in findings if row["reported"]) and not facts:
        facts = {"no_loss"}
    facts |= {f"mechanism:{row['mechanism']}" for row in findings if row["mechanism"] != "none"}
    facts |= {f"cause:{row['cause']}" for row in rows(causes) if row["probability"] >= LIKELY}
    facts |= {f"gap:{source}" for source in gaps["source"]}
    facts |= {f"setting:{row['name']}={row['value']}" for row in rows(settings)}
    lines = knowledge.advice()["recommendations"]
    return schemas.frame(
        "recommendations",
        [{key: line[key] for key in ("when", "text", "why")} for line in lines if facts & set(line["if"])],
    )


def next_tests(
    groups: Sequence[Group],
    findings: Sequence[dict],
    causes: pd.DataFrame,
    about: Context,
    visible: Visibility,
    weighed: Sequence[Weighed] = (),
) -> pd.DataFrame:
    """Table ``next_tests``: checks that can still change the ranking, by bits gained a minute.

    The gain is the entropy of what is open (the causes of the largest group, or the undecided tables) times the share
    of cases in which such a check settles it; the share is a judgement.
    """
    open_causes = _entropy(causes[causes["group"] == groups[0].name]["probability"]) if groups else 0.0
    tests = [*_about_causes(groups, visible, open_causes), *_about_transactions(groups, findings, about, open_causes)]
    tests += _about_storage(weighed)
    undecided = [row for row in findings if row["status"] == "undecided"]
    if undecided and not about.has_server:
        names = ", ".join(schemas.qualified(row["schema"], row["table"]) for row in undecided[:8])
        tests.append(
            _test(
                f"Look at {len(undecided)} tables of which no counters were copied: {names}",
                float(len(undecided)),
                2,
                "none",
                "psql --csv -c 'SELECT * FROM pg_stat_user_tables' > stats.csv   # or: triage collector",
            )
        )
    elif undecided:
        name = schemas.qualified(undecided[0]["schema"], undecided[0]["table"])
        tests.append(
            _test(
                f"Count the rows of {len(undecided)} undecided tables, {name} first",
                float(len(undecided)),
                2,
                "a scan prunes dead rows from full pages: copy the files first if rows may have been deleted",
                "counting: exact   # in case.yaml, then: triage collect --again CASE",
            )
        )
    worth = [test for test in tests if test["bits"] >= WORTHWHILE]
    return schemas.frame("next_tests", sorted(worth, key=lambda test: -test["bits"] / test["minutes"]))


def _about_storage(weighed: Sequence[Weighed]) -> list[dict]:
    """The check that tells TRUNCATE from rolled-back inserts where only counters are known.

    Measured on 13 to 18: TRUNCATE gives a table a new relfilenode and sets n_ins_since_vacuum to 0; rolled-back inserts
    leave both, and n_mod_since_analyze stands below n_tup_ins.
    """
    rivals = ("truncate", "rollback")
    torn = [
        each
        for each in weighed
        if each.table.replaced is None
        and each.table.relation["kind"] == "table"
        and all(each.probabilities[word] >= RIVAL for word in rivals)
    ]
    if not torn:
        return []
    names = ", ".join(each.table.name for each in torn[:8])
    literals = ", ".join(
        "'"
        + sql.quote_qualified(each.table.relation["schema"], each.table.relation["name"]).replace("'", "''")
        + "'::regclass"
        for each in torn[:50]
    )
    return [
        _test(
            f"Tell TRUNCATE from rolled-back inserts for {names}: storage that was replaced (relfilenode <> oid) means "
            "TRUNCATE, the original storage with n_mod_since_analyze below n_tup_ins means rollback",
            0.9 * sum(_entropy(pd.Series(list(each.probabilities.values()))) for each in torn),
            1,
            "none",
            "SELECT c.oid::regclass, c.relfilenode <> c.oid AS replaced,"  # noqa: S608 shown, never run
            " pg_relation_size(c.oid), s.n_ins_since_vacuum,"
            " s.n_mod_since_analyze, s.n_tup_ins FROM pg_class c"
            f" JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.oid IN ({literals});",
        )
    ]


def _about_causes(groups: Sequence[Group], visible: Visibility, bits: float) -> list[dict]:
    if not groups or visible.statements:
        return []
    return [
        _test(
            "Ask who held a session on this database in the window, without blame",
            0.5 * bits,
            10,
            "none",
            "SELECT usename, application_name, client_addr, backend_start, state FROM pg_stat_activity WHERE "
            "backend_type = 'client backend';",
        ),
        _test(
            "Search the shell and psql histories of the hosts that reach this database for the statement",
            0.6 * bits,
            15,
            "none",
            "grep -niE 'truncate|delete from|drop table' ~/.psql_history ~/.bash_history ~/.zsh_history",
        ),
    ]


def _about_transactions(groups: Sequence[Group], findings: Sequence[dict], about: Context, bits: float) -> list[dict]:
    found = []
    truncated = [group for group in groups if group.mechanism == "truncate" and group.xid is not None]
    if truncated and (about.version_num or 0) >= 150000:
        found.append(
            _test(
                "Read the commit record of the transaction from WAL: its time, its subtransactions and the old files",
                0.2 * bits,
                5,
                "reads pg_wal only; CREATE EXTENSION writes about 100 kB of WAL",
                "SELECT start_lsn, record_type, description"  # noqa: S608 shown to a reader, never run here
                " FROM pg_get_wal_records_info('START_LSN', 'END_LSN')"
                f" WHERE xid = '{truncated[0].xid}' AND resource_manager = 'Transaction';",
            )
        )
    deleted = [group for group in groups if group.mechanism == "delete"]
    if deleted:
        regclass = _regclass(deleted[0].roots[0], findings)
        found.append(
            _test(
                "Read which transaction deleted the rows, from the dead rows themselves",
                0.2 * bits,
                5,
                "pageinspect prunes nothing; CREATE EXTENSION writes about 100 kB of WAL; superuser only",
                f"SELECT t_xmax, count(*) FROM heap_page_items(get_raw_page({regclass}, 0))"  # noqa: S608 shown only
                " WHERE t_xmax <> 0 GROUP BY 1;",
            )
        )
    return found


def _regclass(name: str, findings: Sequence[dict]) -> str:
    """A table's name as the literal that a function of regclass takes."""
    parts = {schemas.qualified(row["schema"], row["table"]): (row["schema"], row["table"]) for row in findings}
    return "'" + sql.quote_qualified(*parts[name]).replace("'", "''") + "'"


def _entropy(probabilities: pd.Series) -> float:
    """Bits of uncertainty.

    >>> _entropy(pd.Series([0.5, 0.5]))
    1.0
    """
    return -sum(p * log2(p) for p in probabilities if p > 0)


def _test(test: str, bits: float, minutes: float, risk: str, command: str) -> dict:
    return {"test": test, "command": command, "bits": round(bits, 3), "minutes": minutes, "risk": risk}
