"""Commands for this server: restore beside, never over.

The lines of one way back are for one shell, in their order. psql and pg_dump log in as PGHOST, PGPORT, PGUSER and so on
say; every name is quoted, and a variable that is not set ends the line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

import pandas as pd

from triage_kit.analyse.context import rows
from triage_kit.analyse.losses import HARMLESS_PATH
from triage_kit.analyse.target import Target

PORT = 54329
NEW = 'NEW="${TMPDIR:-/var/tmp}/triage-recovered"  # a new place, beside this server; run as the account of the server'
# No network, no archiving, and no scheduler of the old server that would run its jobs there.
ALONE = (
    "archive_mode = off",
    "max_logical_replication_workers = 0",
    "shared_preload_libraries = ''",
    "primary_conninfo = ''",
    "listen_addresses = ''",
)
QUIET = ("hot_standby = off", "recovery_target_inclusive = off", "recovery_target_action = promote", *ALONE)
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


def start_copy() -> tuple[str, ...]:
    """Start the copy of a data directory as it stands, without a network: it recovers itself as after a crash."""
    words = " ".join(shlex.quote(line) for line in ALONE)
    return (
        f"printf '%s\\n' {words} >> \"${{NEW:?}}/postgresql.auto.conf\"",
        'rm -f "${NEW:?}/standby.signal" "${NEW:?}/recovery.signal"',
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
