"""Every practice incident beside its truth on real servers, by nothing but SQL; takes half an hour, so by itself alone:

``python -m pytest tests/lab/truths.py`` (``-k NAME`` takes one).
"""

import majors
import pytest
from psycopg import sql

from triage_kit.lab.incidents import INCIDENTS
from triage_kit.lab.server import Server
from triage_kit.schemas import parts

TESTED = {major: folder for major, folder in majors.found().items() if major in (13, 18)}
SEEN = (
    "SELECT n.nspname, c.relname, c.relfilenode <> c.oid AS replaced, coalesce(s.n_tup_ins, 0), "
    "coalesce(s.n_tup_upd, 0), coalesce(s.n_tup_del, 0), c.relpersistence FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid "
    "WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_|^information_schema$'"
)


@pytest.mark.parametrize("major", TESTED)
@pytest.mark.parametrize("name", INCIDENTS)
def test_server_shows_what_the_truth_says(name, major, tmp_path):
    incident = INCIDENTS[name]
    if incident.since > major:
        pytest.skip(f"needs PostgreSQL {incident.since}")
    with Server(incident.settings, binaries=TESTED[major]) as server:
        database = incident.build(server, tmp_path)["database"]["name"]
        with server.connect(database) as connection:
            seen = {(schema, table): rest for schema, table, *rest in connection.execute(SEEN).fetchall()}
            count = sql.SQL("SELECT count(*) FROM {}")
            rows = {pair: connection.execute(count.format(sql.Identifier(*pair))).fetchone()[0] for pair in seen}
    contradictions = [
        (table, said)
        for table, told in incident.truth["tables"].items()
        for said in _contradicted(told, seen.get(parts(table)), rows.get(parts(table)))
    ]
    assert contradictions == []


def _contradicted(told: dict, seen: list | None, rows: int | None) -> list[str]:
    """What a truth says and the server does not show; counters that were lost speak for nobody."""
    if told["status"] == "missing" or seen is None:
        return [] if (told["rows"] is None) == (seen is None) else [f"{told['rows']} rows, the server has {rows}"]
    replaced, inserts, updates, deletes, persistence = seen
    counted = inserts + updates + deletes > 0
    found = [] if told["rows"] in (None, rows) else [f"{told['rows']} rows, the server has {rows}"]
    wrong = {
        "truncate": not replaced,
        "delete": counted and deletes < (told["missing_rows"] or 0),
        "cascade_delete": counted and deletes < (told["missing_rows"] or 0),
        "update": counted and not updates and not deletes,
        "rollback": counted and inserts <= (rows or 0),
        "unlogged_reset": persistence != "u",
    }
    return [*found, *([f"{told['mechanism']}, the server shows {seen}"] if wrong.get(told["mechanism"]) else [])]
