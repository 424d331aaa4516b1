"""What to stop now, what each such step itself destroys, and until when it helps: the recovery clock."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import Context, first, rows
from triage_kit.analyse.grounds import of_answers, of_backups, of_settings
from triage_kit.analyse.groups import Group
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.losses import HARMLESS_PATH, data_directory, literal
from triage_kit.analyse.recovery import wal_segments
from triage_kit.analyse.remains_ways import vacuum_clock
from triage_kit.sql import quote_ident

_CONNECTED = (
    "SELECT pid, usename, application_name, state, query FROM pg_stat_activity WHERE backend_type = 'client backend';"
)
_LISTED = "SELECT name, size, modification FROM pg_ls_logdir() ORDER BY modification;"
_NO_AUTOVACUUM = (
    "-- as a superuser, one line after the other; afterwards the same with RESET autovacuum for SET autovacuum = off:\n"
    "ALTER SYSTEM SET autovacuum = off;\nSELECT pg_reload_conf();"
)
DAMAGED = "the damaged tables"
KEEP_WAL = "Copy pg_wal somewhere else, and keep the server from recycling it"
IN_QUESTION = "the tables in question"  # whether they lost rows is not settled
ELSEWHERE = "/another/disk"
VACUUMED, RECYCLED = "autovacuum may take the dead rows", "the next checkpoint may recycle WAL"
_PATH = re.compile(r"[\w./-]+")  # base/16384/16385, or below pg_tblspc


def freeze_list(
    groups: Sequence[Group],
    findings: Sequence[dict],
    evidence: Mapping[str, pd.DataFrame],
    about: Context,
    proofs: Mapping[str, Sequence[str]],
    ledger: Ledger,
) -> pd.DataFrame:
    """Table ``freeze`` in the order in which to act; empty when nothing is lost.

    ``proofs`` are ids of evidence rows by group; what else a step rests on is entered into the ledger.
    """
    open_ = [row for row in findings if row["status"] == "undecided" and row["reported"]]
    hurt = [row for row in findings if row["actual_from"] == "damaged"]
    if not groups and not open_ and not hurt:
        return schemas.empty("freeze")
    # What is undecided may have been deleted: its dead rows are kept until that is known.
    mechanisms = {group.mechanism for group in groups} | ({"delete"} if open_ else set())
    counted = [row.get("_dead") for row in findings if row["status"] in ("partial", "wiped", "undecided")]
    dead = None if None in counted else sum(counted)  # None: it is not known how many lie there
    damaged = [name for group in groups for name in group.damaged]
    loss = [one for told in proofs.values() for one in list(told)[:2]] or [
        one for row in open_ + hurt for one in row["because"][:2]
    ]
    database = first(evidence["identity"]).get("database")
    which = DAMAGED if damaged or hurt else IN_QUESTION
    named = damaged or _names(open_ + hurt)
    stop = _out_of_sight() if mechanisms == {"hidden"} else _writers(named, database, which)
    steps = [(stop, loss)]
    if (held := _subscriptions(evidence)) and damaged:
        steps.append((held, [*of_answers([("pg_subscription", "replication")], evidence, ledger), *loss]))
    if hurt:
        told = [one for row in hurt for one in row["because"][:1]]
        steps += [(_files(hurt, evidence), told), (_touch_nothing(hurt), told)]
    if mechanisms & {"delete", "cascade_delete"} or ("update" in mechanisms and counted):
        told = "not known" if dead is None else f"{dead}"
        proof = ledger.add("counters", f"dead rows of {which} in all: {told}", "pg_stat_user_tables")
        _, comes = vacuum_clock(damaged or _names(open_), evidence)
        steps.append(({**_autovacuum(dead, which, database), "deadline": comes, "ends": VACUUMED}, [proof, *loss]))
    wal, log = _rests_on(evidence, ledger)
    backups = of_backups(evidence, ledger)
    if mechanisms - {"hidden"} or hurt:
        steps += [
            (_wal(evidence, about, _told_by_wal(mechanisms)), wal),
            (_server(held=any(step["command"] == _NO_AUTOVACUUM for step, _ in steps)), loss),
            (_log(evidence), log),
            (_backups(), backups),
        ]
    else:  # every row stands: nothing is to be saved but what tells who hid them
        steps.append((_log(evidence), log))
    steps.append((_copy(), loss))
    return schemas.frame(
        "freeze",
        [
            {"order": number, **step, "because": tuple(dict.fromkeys(proof))}
            for number, (step, proof) in enumerate(_in_time(steps), 1)
        ],
    )


def _subscriptions(evidence: Mapping[str, pd.DataFrame]) -> dict | None:
    """What a publisher sends is applied by a worker of the server, which no client's setting holds."""
    told = evidence["replication"]
    running = told["kind"].eq("subscription") & told["state"].eq("enabled")
    names = sorted(set(told.loc[running, "name"].dropna()))
    if not names:
        return None
    many = "subscriptions" if len(names) > 1 else "subscription"
    return {
        "action": f"Hold the {many} {', '.join(names)}: what the publisher sends is applied here",
        "why": (
            "a TRUNCATE or DELETE at the publisher takes the rows here again, and neither the end of clients nor "
            "default_transaction_read_only stops its worker"
        ),
        "destroys": (
            "nothing here; the publisher keeps WAL from then on until its disk is full: enable the "
            f"{many} again (ENABLE), or drop the slot there"
        ),
        "command": "\n".join(
            [
                "-- as its owner or a superuser; new sessions are read-only since the first step:",
                "SET default_transaction_read_only = off;",
                *(f"ALTER SUBSCRIPTION {quote_ident(name)} DISABLE;" for name in names),
            ]
        ),
        "deadline": None,
    }


def _in_time(steps: Sequence[tuple[dict, Sequence[str]]]) -> list[tuple[dict, Sequence[str]]]:
    """The steps in their order, each with the nearest deadline of those that come after it: it must be done by then."""
    timed: list[tuple[dict, Sequence[str]]] = []
    nearest, ends = None, None
    for step, proof in reversed(steps):
        own = step["deadline"]
        if own is not None and (nearest is None or own <= nearest):
            nearest, ends = own, step.get("ends")
        timed.insert(0, ({**step, "deadline": nearest, "ends": ends}, proof))
    return timed


def _names(findings: Sequence[dict]) -> list[str]:
    return [schemas.qualified(row["schema"], row["table"]) for row in findings]


def _files(hurt: Sequence[dict], evidence: Mapping[str, pd.DataFrame]) -> dict:
    """Copy what is left of the files, those first that only a running server still holds."""
    paths = {row["oid"]: row["path"] for row in rows(evidence["storage"])}
    mine = [paths.get(row["oid"]) or "" for row in hurt]
    held = [f"-lname '*{path}*(deleted)'" for path in mine if _PATH.fullmatch(path)][:6]
    look = f"find /proc/[0-9]*/fd {' -o '.join(held)} | xargs -r ls -l" if held else ""
    return {
        "action": "Look for the damaged files while the server still runs, then copy the whole data directory",
        "why": (
            f"files of {_some(_names(hurt))} are missing, cut or unreadable; one that was deleted under a running "
            "server lives on as long as a process has it open, and a wrong mount, a backup or a standby may hold it"
        ),
        "destroys": (
            "nothing; stopping or restarting the server first would close deleted files for good, and restarting it "
            "may end in a recovery that fails"
        ),
        "command": (
            (
                f"-- on the server, in a shell, as root: {look}\n-- each file that is listed can be copied from there\n"
                if look
                else ""
            )
            + f"-- then, on the server, in a shell, with a folder that has room in place of {ELSEWHERE}: "
            f"cp -a {data_directory(evidence)} {ELSEWHERE}/\n-- and every tablespace"
        ),
        "deadline": None,
    }


def _touch_nothing(hurt: Sequence[dict]) -> dict:
    return {
        "action": (
            f"Run no VACUUM, REINDEX, TRUNCATE, CLUSTER or DROP on {_some(_names(hurt))}, never set "
            "zero_damaged_pages, and switch autovacuum off for the whole server"
        ),
        "why": "each of them writes over what is left, or takes the broken state for the right one",
        "destroys": "nothing when done server-wide; switch it on again: without it the server ends in wraparound",
        "command": _NO_AUTOVACUUM,
        "deadline": None,
    }


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _rests_on(evidence: Mapping[str, pd.DataFrame], ledger: Ledger) -> tuple[list[str], list[str]]:
    """Evidence rows behind the steps that keep WAL and log: what the server has of them, and what removes it."""
    wal = of_answers([("pg_ls_waldir", "wal_files")], evidence, ledger)
    wal += of_settings(["checkpoint_timeout"], evidence, ledger)
    log = of_answers([("pg_ls_logdir", "log_files")], evidence, ledger)
    return wal, log + of_settings(["log_truncate_on_rotation"], evidence, ledger)


def _writers(names: Sequence[str], database: str | None, which: str = DAMAGED) -> dict:
    tables = _some(names)
    return {
        "action": f"Stop what writes to {which}: jobs, imports, migrations",
        "why": (
            f"what took the rows may run again, and new rows in {tables} mix with what may come back. Best where "
            "they are started; the command holds the ordinary clients of the database from the server's side: a "
            "scheduler within the server, or a session that sets it otherwise, goes on"
        ),
        "destroys": (
            "the open transactions of the sessions that it ends, and what pg_stat_activity tells of them: keep what "
            "the first line prints. No row goes; but no ordinary client can write to this database from then on, so "
            "tell the owner of the application first"
        ),
        "command": (
            f"-- first, and keep what it prints:\n{_CONNECTED}\n"
            f"-- as the owner of the database or a superuser:\n{_read_only(database)}\n"
            "-- as a member of pg_signal_backend; sessions of superusers take a superuser:\n"
            f"{_end_sessions(database)}\n"
            "-- only when what came back is compared, writers go on by (the ways back do so for their own session):\n"
            f"-- {_writable(database)};"
        ),
        "deadline": None,
    }


def _read_only(database: str | None) -> str:
    """Whoever connects from now on only reads; pg_class stays as it is, which a REVOKE or a lock would not leave it."""
    setting = "SET default_transaction_read_only = on"
    if database:
        return f"ALTER DATABASE {quote_ident(database)} {setting};"
    run = f"EXECUTE format('ALTER DATABASE %I {setting}', current_database())"
    return f"DO $$ BEGIN {run}; END $$;"


def _end_sessions(database: str | None) -> str:
    """Ends the sessions of the damaged database, whichever this one is connected to."""
    here = literal(database) if database else "current_database()"
    return (
        f"SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {here} AND backend_type = "  # noqa: S608 quoted
        "'client backend' AND pid <> pg_backend_pid();"
    )


def _writable(database: str | None) -> str:
    """Undoes ``_read_only``, in a session that is read-only itself by then."""
    name = quote_ident(database) if database else "…"
    return f"SET default_transaction_read_only = off; ALTER DATABASE {name} RESET default_transaction_read_only"


def _out_of_sight() -> dict:
    """Every row stands: writers need not stop, but what hid the rows must not go on."""
    return {
        "action": "Hold deployments, migrations and clean-up scripts until it is known what hid the rows",
        "why": "it may hide more, and a clean-up that takes the rows for gone may remove them",
        "destroys": "nothing",
        "command": f"-- it holds nothing, but says whom to ask: who is connected now\n{_CONNECTED}",
        "deadline": None,
    }


def _autovacuum(dead: int | None, which: str = DAMAGED, database: str | None = None) -> dict:
    name = quote_ident(database) if database else "…"
    still = "deleted rows may still lie in their pages" if not dead else f"{dead:,} dead rows still lie in their pages"
    return {
        "action": f"Switch autovacuum off for the whole server, and do not SELECT from {which}",
        "why": (
            f"{still} and can be read with pageinspect; a vacuum, or a mere SELECT on full pages, removes them, the "
            "application's SELECTs too, although it can write nothing: where no other way back is sure, keep all but "
            f"superusers out by ALTER DATABASE {name} CONNECTION LIMIT 0, which is an outage (-1 afterwards)"
        ),
        "destroys": (
            "nothing when done server-wide; ALTER TABLE … SET (autovacuum_enabled = off) would overwrite "
            "pg_class.xmin, the trace of the transaction. Switch it on again: without it the server ends in "
            "wraparound"
        ),
        "command": _NO_AUTOVACUUM,
        "deadline": None,
    }


def _told_by_wal(mechanisms: set[str]) -> str:
    """What the WAL of this server tells of the loss: not every loss left its rows there."""
    if mechanisms == {"unlogged_reset"}:
        return (
            "tells what ran before and after the crash; its rows are those that were written while a table was logged"
        )
    if mechanisms == {"new_cluster"}:
        return "tells what ran since this data directory was made; the lost rows were never in it"
    return "names the transaction, and rows are read out of it"


def _wal(evidence: Mapping[str, pd.DataFrame], about: Context, tells: str) -> dict:
    segments = wal_segments(evidence["wal_files"])
    settings = {row["name"]: row for row in rows(evidence["settings"])}
    keeps = (
        f"{len(segments)} {'files are' if len(segments) > 1 else 'file is'} there, the oldest is {segments[0]}"
        if segments
        else "its files were not listed"
    )
    return {
        "action": KEEP_WAL,
        "why": (f"the WAL, the server's change log, {tells}; every checkpoint may recycle its oldest files; {keeps}"),
        "destroys": "nothing; the replication slot keeps WAL until it is dropped, so watch the disk",
        "command": (
            f"-- on the server, in a shell, first, with a folder that has room in place of {ELSEWHERE}: "
            f"cp -a {data_directory(evidence)}/pg_wal {ELSEWHERE}/\n"
            "-- then, as a role with REPLICATION or a superuser; it keeps what comes after the last checkpoint:\n"
            "-- and is given up by: SELECT pg_drop_replication_slot('triage_hold')\n"
            "SELECT pg_create_physical_replication_slot('triage_hold', true);"
        ),
        "deadline": _next_checkpoint(about, evidence, settings.get("checkpoint_timeout", {}).get("value")),
        "ends": RECYCLED,
    }


def _next_checkpoint(about: Context, evidence: Mapping[str, pd.DataFrame], timeout: str | None) -> pd.Timestamp | None:
    last = evidence["identity"]["checkpoint_at"]
    if not len(last) or pd.isna(last.iloc[0]) or timeout is None or not str(timeout).isdigit():
        return None
    return last.iloc[0] + pd.Timedelta(seconds=int(timeout))


def _server(held: bool) -> dict:
    """Nothing that clears traces; ``held``: a step before this one has switched autovacuum off."""
    itself = "" if held else "; autovacuum does both by itself, unless it is switched off meanwhile"
    return {
        "action": "Do not restart, vacuum, analyze or reset statistics, and do not rebuild the container or volume",
        "why": (
            "a crash or an immediate stop sets every counter to zero, and VACUUM, ANALYZE and CLUSTER overwrite "
            f"the traces{itself}"
        ),
        "destroys": "nothing" if held else "nothing; switch it on again: without it the server ends in wraparound",
        "command": "" if held else _NO_AUTOVACUUM,
        "deadline": None,
    }


def _log(evidence: Mapping[str, pd.DataFrame]) -> dict:
    settings = {row["name"]: row["value"] for row in rows(evidence["settings"])}
    truncating = settings.get("log_truncate_on_rotation") == "on"
    return {
        "action": "Copy the server's log (and the container's) before it rotates",
        "why": "it names sessions, failed statements and checkpoints"
        + ("; this server overwrites old files on rotation" if truncating else ""),
        "destroys": "nothing",
        "command": (f"-- as a member of pg_monitor:\n{_LISTED}{_log_copied(settings, evidence)}"),
        "deadline": None,
    }


def _log_copied(settings: Mapping[str, str | None], evidence: Mapping[str, pd.DataFrame]) -> str:
    """Copying the folder of the log, by its name where the server told it."""
    folder, data = settings.get("log_directory"), settings.get("data_directory")
    here = f"-- then, on the server, in a shell, with a folder that has room in place of {ELSEWHERE}"
    if folder and HARMLESS_PATH.fullmatch(folder) and (folder.startswith("/") or data):
        whole = shlex.quote(folder) if folder.startswith("/") else f"{data_directory(evidence)}/{shlex.quote(folder)}"
        return f"  {here}: cp -a {whole} {ELSEWHERE}/"
    asked = "SELECT current_setting('data_directory'), current_setting('log_directory');"
    return f"\n{asked}  {here} and the folder that this names for LOG_DIRECTORY: cp -a LOG_DIRECTORY {ELSEWHERE}/"


def _backups() -> dict:
    return {
        "action": "Stop the expiry of backups, snapshots and archived WAL",
        "why": "retention may delete the last good one while you look",
        "destroys": "nothing; it costs space",
        "command": "",
        "deadline": None,
    }


def _copy() -> dict:
    return {
        "action": (
            "Take a copy of the present state before any attempt to recover, and restore beside it, never over it"
        ),
        "why": "a recovery that goes wrong must not cost the rows that still stand",
        "destroys": (
            "dead rows on full pages, if it is a logical dump: that reads every table. Where rows were deleted rather "
            "than truncated, take an atomic snapshot of the volume instead: files copied one by one do not fit together"
        ),
        "command": "",
        "deadline": None,
    }
