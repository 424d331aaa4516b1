"""Commands for this server: restore beside, never over; then bring back the lost rows alone.

The lines of one way back are for one shell, in their order. psql and pg_dump log in as PGHOST, PGPORT, PGUSER and so on
say; every name is quoted, and a variable that is not set ends the line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

import networkx as nx
import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import first, rows
from triage_kit.analyse.losses import HARMLESS_PATH, Loss, literal, pattern, written
from triage_kit.analyse.target import Target

PORT = 54329
NEW = 'NEW="${TMPDIR:-/var/tmp}/triage-recovered"  # a new place, beside this server; run as the account of the server'
QUIET = (
    "hot_standby = off",
    "recovery_target_inclusive = off",
    "recovery_target_action = promote",
    "archive_mode = off",
    "max_logical_replication_workers = 0",
    "shared_preload_libraries = ''",  # no scheduler of the old server may run its jobs there
    "primary_conninfo = ''",
    "listen_addresses = ''",
)
# The freeze list made every new session of the damaged database read-only: this shell's own ones write in spite of it.
WRITES = 'export PGOPTIONS="${PGOPTIONS-} -c default_transaction_read_only=off"  # all others stay read-only'
_COPY = re.compile(r"""\bcp\s+(?:-\w+\s+)*["']?%p["']?\s+(?P<to>"[^"]*%f"|'[^']*%f'|\S*%f)""")


def restore_command(evidence: Mapping[str, pd.DataFrame]) -> str | None:
    """What fetches a segment again, told by archive_command, else by the case's copies; None where neither tells.

    ``cp`` is turned round; pgBackRest, Barman and WAL-G have their own counterparts.
    """
    settings = {row["name"]: row["value"] for row in rows(evidence["settings"])}
    command = settings.get("archive_command") or ""
    if "pgbackrest" in command:
        stanza = re.search(r"--stanza[= ](\S+)", command)
        # It refuses to fetch for another folder than its configuration names; the command runs in the restored one.
        return f'pgbackrest{f" --stanza={stanza[1]}" if stanza else ""} --pg1-path="$PWD" archive-get %f "%p"'
    if "barman-wal-archive" in command:
        words = command.split()
        return " ".join(["barman-wal-restore", *words[1:-1], "%f", "%p"]) if len(words) > 2 else None
    if "wal-g" in command or "wal-push" in command:
        return 'wal-g wal-fetch %f "%p"'
    if (found := _COPY.search(command)) and HARMLESS_PATH.fullmatch(
        place := found["to"].strip("\"'").replace("%f", "")
    ):
        return f'cp "{place}%f" "%p"'
    for row in rows(evidence["wal_archive"]):
        source = row["source"]
        if source and HARMLESS_PATH.fullmatch(source) and not source.endswith((".txt", ".json", ".log")):
            return f'cp "{source if source.startswith("/") else "$CASE/" + source}/%f" "%p"'
    return None


def case_folder(*paths: str) -> tuple[str, ...]:
    """The line that says where the case's files are, where a path among them is relative."""
    told = "CASE=${CASE:-$PWD}  # the folder of case.yaml, or where the copies are"
    return (told,) if any(path and not path.startswith("/") for path in paths) else ()


def place(path: str) -> str:
    """A path of the case as a word of the shell.

    >>> place("dumps/a b.dump"), place("/srv/x")
    ('"${CASE:?}"/\\'dumps/a b.dump\\'', '/srv/x')
    """
    return shlex.quote(path) if path.startswith("/") else f'"${{CASE:?}}"/{shlex.quote(path)}'


def start_beside(target: Target, restore: str | None, evidence: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Set the restored copy to stop before the loss, start it without a network, and wait until it has got there.

    ``restore`` is None where the tool that restored it has set restore_command itself.
    """
    words = [shlex.quote(line) for line in QUIET]
    if target.setting:
        words.append(shlex.quote(f"{target.setting[0]} = '{target.setting[1]}'"))
    fetch = f"restore_command = '{(restore or '').replace(chr(39), chr(39) * 2)}'"
    if restore is None:
        pass
    elif "$CASE" in fetch:
        words.append('"' + fetch.replace('"', '\\"').replace("$CASE", "${CASE:?}") + '"')
    else:
        words.append(shlex.quote(fetch))
    return (
        *_outside_configuration(evidence),
        f"printf '%s\\n' {' '.join(words)} >> \"${{NEW:?}}/postgresql.auto.conf\"",
        'touch "${NEW:?}/recovery.signal"',
        *started(),
    )


def started() -> tuple[str, str]:
    """Start the restored copy, and wait until its target is reached: pg_ctl does not wait for the end of a recovery."""
    return (
        f'pg_ctl --pgdata="${{NEW:?}}" --options="-p {PORT} -k ${{NEW:?}}" --log="${{NEW:?}}.log" --wait start',
        f'until psql -X --host="${{NEW:?}}" --port={PORT} --dbname=postgres '
        '--command="SELECT 1 / (NOT pg_is_in_recovery())::int" > /dev/null 2>&1; do '
        'pg_ctl --pgdata="${NEW:?}" status > /dev/null || break; sleep 1; done  # until the target is reached',
    )


def _outside_configuration(evidence: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Debian and others keep the configuration outside of the data directory, so that no base backup holds it."""
    settings = {row["name"]: row["value"] for row in rows(evidence["settings"])}
    data, config = settings.get("data_directory"), settings.get("config_file")
    if not data or not config or config.startswith(data.rstrip("/") + "/"):
        return ()
    files = [settings.get(name) for name in ("config_file", "hba_file", "ident_file")]
    return (f"cp {' '.join(shlex.quote(path) for path in files if path)} \"${{NEW:?}}/\"  # not in the data directory",
            "printf '%s\\n' \"data_directory = '${NEW:?}'\" \"hba_file = '${NEW:?}/pg_hba.conf'\" "
            "\"ident_file = '${NEW:?}/pg_ident.conf'\" >> \"${NEW:?}/postgresql.conf\"")  # fmt: skip


def bring_back(lost: Loss, evidence: Mapping[str, pd.DataFrame], source: str, tables: Sequence[str]) -> tuple[str, ...]:
    """Copy the lost rows out of the restored database into this one; rows that stand here already are left alone.

    ``source`` holds the options by which psql and pg_dump reach the restored database. Sequences are left out of the
    copy, since theirs are older, and are set past the rows that came back.
    """
    database = shlex.quote(first(evidence["identity"]).get("database") or "DATABASE")
    own, older = _sequences(evidence), _for_older(evidence)
    absent = [name for name in tables if lost.found.get(name, {}).get("status") == "missing"]
    names = parents_first([name for name in tables if name not in absent], evidence)
    lines = []
    into = f"psql -X --set=ON_ERROR_STOP=1 --single-transaction --quiet --dbname={database} > /dev/null"
    if absent:
        chosen = " ".join(f"--table={pattern(name)}" for name in absent)
        lines.append(f"pg_dump {source} {chosen}{older} | {into}")
    if names:
        # Parents before children; many rows to a statement, so that rows of one table may refer to each other; columns
        # by name, since 13 refuses generated ones among many rows, and the table may have got others since.
        dumps = "; ".join(
            f"pg_dump {source} --data-only --column-inserts --rows-per-insert=1000 --on-conflict-do-nothing "
            f"--table={pattern(name)}"
            + "".join(f" --exclude-table={pattern(each['name'])}" for each in own.get(name, ()))
            + older
            for name in names
        )
        lines.append(f"{{ {dumps}; }} | {into}")
    for name in names:
        for each in own.get(name, ()):
            if each["column"]:
                lines.append(_past(name, each, database))
    return (WRITES, *lines) if lines else ()


def _for_older(evidence: Mapping[str, pd.DataFrame]) -> str:
    """What takes out of a dump the setting that pg_dump of 17 and later writes and an older server refuses."""
    major = str(first(evidence["identity"]).get("version") or "").partition(".")[0]
    newer = not major.isdigit() or int(major) >= 17
    return "" if newer else " | sed '1,40{/^SET transaction_timeout = 0;$/d;}'"


def parents_first(names: Sequence[str], evidence: Mapping[str, pd.DataFrame]) -> list[str]:
    """Tables in an order in which foreign keys let their rows in; those of a circle as they come."""
    tables = {row["oid"]: schemas.qualified(row["schema"], row["name"]) for row in rows(evidence["relations"])}
    keys = nx.DiGraph()
    keys.add_nodes_from(names)
    for row in rows(evidence["constraints"]):
        parent, child = tables.get(row["referenced_oid"]), tables.get(row["table_oid"])
        if row["kind"] == "foreign_key" and parent in keys and child in keys and parent != child:
            keys.add_edge(parent, child)
    circles = nx.condensation(keys)
    order = nx.lexicographical_topological_sort(circles, key=lambda node: min(circles.nodes[node]["members"]))
    return [name for node in order for name in sorted(circles.nodes[node]["members"])]


def _past(name: str, each: dict, database: str) -> str:
    column, sequence = written(each["column"]), written(each["name"])
    query = (f"SELECT setval({literal(sequence)}, greatest((SELECT max({column}) FROM {written(name)}), "  # noqa: S608
             f"(SELECT last_value FROM {sequence})))")  # fmt: skip
    return f"psql -X --set=ON_ERROR_STOP=1 --dbname={database} --command={shlex.quote(query)}"


def _sequences(evidence: Mapping[str, pd.DataFrame]) -> dict[str, list[dict]]:
    tables = {row["oid"]: schemas.qualified(row["schema"], row["name"]) for row in rows(evidence["relations"])}
    found: dict[str, list[dict]] = {}
    for row in rows(evidence["sequences"]):
        if row["table_oid"] in tables:
            name = schemas.qualified(row["schema"], row["name"])
            column = schemas.qualified("", row["column"]).lstrip(".") if row["column"] else None
            found.setdefault(tables[row["table_oid"]], []).append({"name": name, "column": column})
    return found
