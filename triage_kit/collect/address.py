"""How the case's words become libpq's connection parameters, and what a failed login is called.

The case says where the server is by URL, by the name of an environment variable that holds the URL, or by a libpq
service; everything else (PGPASSWORD, PGPASSFILE, ~/.pgpass, PGSSLMODE …) is libpq's own business. A password goes from
there into libpq and nowhere else: no message below holds the text that it was found in.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass

import psycopg
from psycopg import conninfo, pq

from triage_kit.errors import CaseError, LoginRefused, SourceError, Unreachable
from triage_kit.redact import redact

APPLICATION = "triage_kit"
# A dead peer is noticed by the kernel; a peer that is silent but alive by the session's own clock.
NETWORK = {
    "connect_timeout": "10",
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
FROM_ENVIRONMENT = {"connect_timeout": "PGCONNECT_TIMEOUT"}
DRIVER = re.compile(r"^\s*(postgres(?:ql)?)\+\w+://")
OWN_LIMIT = re.compile(r"too many connections for (?:role|database)", re.IGNORECASE)
CLOSED = re.compile(r"invalid database|not currently accepting connections", re.IGNORECASE)
# A standby's recovery may end a session while it still begins; libpq gives no SQLSTATE then.
RECOVERY = re.compile(r"conflict with recovery", re.IGNORECASE)
# A broken line speaks of SSL, too, and with sslmode=prefer a refused password is followed by a second try without it.
UNLIKE = re.compile(
    r"(?!.*(?:password|SSL SYSCALL|closed unexpectedly))"
    r"(?=.*(?:\bSSL\b|\bTLS\b|certificate|channel binding|no encryption))",
    re.IGNORECASE | re.DOTALL,
)
OUR_KEY = re.compile(r"private key|client certificate|certificate file", re.IGNORECASE)
THEIR_NAME = re.compile(r"certificate verify failed|does not match host name|root certificate", re.IGNORECASE)
NO_SLOT = re.compile(r"too many clients|too many connections|connection slots", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """Where a connection goes, free of secrets; parts that libpq only learns from a service file are missing."""

    host: str
    port: str
    database: str
    role: str
    service: str | None = None

    def __str__(self) -> str:
        if self.service:
            return f"the libpq service {self.service!r}"
        return f"database {self.database!r} at {self.host}, port {self.port}, as role {self.role!r}"

    @property
    def short(self) -> str:
        """``host:port/database`` for the head of a report."""
        return f"{self.host}:{self.port}/{self.database}"


def parameters(url: str | None = None, url_env: str | None = None, service: str | None = None) -> dict[str, str]:
    """Connection parameters of libpq for what the case names; with nothing named, libpq's own defaults hold.

    Raises CaseError when a URL cannot be read, SourceError when the variable is not set.

    >>> parameters(url="postgresql://triage@db.internal:5433/shop")["port"]
    '5433'
    """
    found: dict[str, str] = {"service": service} if service else {}
    if url_env:
        url = os.environ.get(url_env)
        if not url:
            raise SourceError(
                f"the environment variable {url_env}, which database.url_env names, is not set; "
                "set it to a URL as postgresql://role@host:5432/database"
            )
    if url:
        found = _parsed(url, "database.url" if not url_env else f"the environment variable {url_env}")
    for key, value in NETWORK.items():
        if not os.environ.get(FROM_ENVIRONMENT.get(key, "")):
            found.setdefault(key, value)
    return found | {"application_name": APPLICATION}


def _parsed(url: str, where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    with contextlib.suppress(psycopg.ProgrammingError):  # its message repeats the URL
        found = {key: str(value) for key, value in conninfo.conninfo_to_dict(DRIVER.sub(r"\1://", url)).items()}
    # An @ or a / that is not escaped inside a password makes libpq take its end for host, port or database.
    cut = any("@" in found.get(key, "") for key in ("host", "port", "dbname"))
    if not found or cut or not f"{found.get('port', '')}0".replace(",", "").isdecimal():
        raise CaseError(
            f"{where} holds no connection URL that libpq can read (its text is not shown, it may hold a password); "
            "write postgresql://role@host:5432/database, and inside a name or a password %40 for @, %2F for /, %3A "
            "for : and %25 for %"
        )
    return found


def target(wanted: dict[str, str]) -> Target:
    """What the parameters, the PG* variables and libpq's defaults say of the server, before it is asked."""
    defaults = {
        entry.keyword.decode(): entry.val.decode(errors="replace") for entry in pq.Conninfo.get_defaults() if entry.val
    }
    # libpq reads a service before the PG* variables, so what the service may say is not known here.
    unknown = "see the service" if wanted.get("service") or defaults.get("service") else None

    def one(key: str, default: str) -> str:
        return wanted.get(key) or unknown or defaults.get(key) or default

    role = one("user", "the account's name")
    host = wanted.get("host") or wanted.get("hostaddr") or unknown or defaults.get("host") or defaults.get("hostaddr")
    return Target(
        host=_host(host),
        port=one("port", "5432"),
        database=one("dbname", role),
        role=role,
        service=wanted.get("service") or defaults.get("service"),
    )


def connected(connection: psycopg.Connection) -> Target:
    """The same of a connection that stands: what libpq really used."""
    info = connection.info
    return Target(host=_host(info.host), port=str(info.port), database=info.dbname, role=info.user)


def _host(host: str | None) -> str:
    # The folder of a socket is a path of that machine and says nothing to the reader of a report.
    return "local socket" if not host or host.startswith(("/", "@")) else host


def explain(error: psycopg.Error, wanted: dict[str, str], timeout: float = 5.0) -> SourceError:
    """The refusal that a failed connection means: LoginRefused when a server answered, else Unreachable.

    libpq gives no SQLSTATE for it and servers answer in their own language, so the server is asked once more
    by PQping, which needs no login and tells "answered" from "rejects everybody" from "silent".
    """
    named, said = target(wanted), _reason(error)
    ping, late = _ping(wanted, timeout), isinstance(error, psycopg.errors.ConnectionTimeout)
    if ping == pq.Ping.NO_ATTEMPT:
        return SourceError(
            f"no connection was tried to {named}: {said}; correct the connection parameters, "
            "the service file or the PG* variables"
        )
    if UNLIKE.match(said):
        return LoginRefused(f"the two sides do not agree on encryption at {named}: {said}; {_encryption(said)}")
    if ping == pq.Ping.REJECT:
        return Unreachable(
            f"the server of {named} takes no connections at the moment: {said}; it starts, recovers or "
            "shuts down: read its log, wait, and run the command again"
        )
    if ping == pq.Ping.NO_RESPONSE:
        locked = "; if it runs, somebody may hold a lock on its catalogue: look at pg_locks from a session that stands"
        return Unreachable(
            f"no server answered for {named}: {said}; check host and port, that the server runs, and "
            f"that no firewall stands between{locked if late else ''}"
        )
    if late:
        # The server answered the ping and took the password or asked for none; a session reads the catalogue before
        # it says that it is ready.
        return Unreachable(
            f"the server answers at {named} and no session began: {said}; somebody may hold a lock on the catalogue "
            "(VACUUM FULL, REINDEX SYSTEM), or the machine is overloaded: look at pg_locks from a session that stands "
            "and at the server's log, wait, and run the command again"
        )
    if CLOSED.search(said):
        return LoginRefused(
            f"the server lets nobody into {named}: {said}. A database that is called invalid is what an interrupted "
            "DROP DATABASE left, and part of its files may still stand: copy the data directory before anybody drops "
            "it, whatever the server hints. One that takes no connections is opened by ALTER DATABASE … "
            "ALLOW_CONNECTIONS true"
        )
    if OWN_LIMIT.search(said):
        return LoginRefused(
            f"the server refused {named}: {said}; this limit is the role's or the database's own: close one of its "
            "sessions, come as a superuser, whom it does not stop, or raise it with ALTER ROLE or ALTER DATABASE … "
            "CONNECTION LIMIT"
        )
    if NO_SLOT.search(said):
        return LoginRefused(
            f"the server of {named} has no free connection slot: {said}; close an idle session, or "
            "come as a role that may use the reserved slots (superuser_reserved_connections)"
        )
    return LoginRefused(
        f"the server refused {named}: {said}; check role, database, password (PGPASSWORD, a passfile "
        "or a service file) and the server's pg_hba.conf"
    )


def _encryption(said: str) -> str:
    """What to do about two sides that do not agree on encryption."""
    if THEIR_NAME.search(said):
        return (
            "its certificate is not the one that was expected: name the root that signed it by sslrootcert, and the "
            "host that it is issued for by host. Ask whoever runs the server before you lower sslmode: with a wrong "
            "certificate somebody may stand between"
        )
    if OUR_KEY.search(said):
        return (
            "the server wants to know us by a certificate: name it by sslcert and its key, which only you may read, by "
            "sslkey, and the key's passphrase by sslpassword in a service file or in the URL that database.url_env "
            "points to, never in case.yaml"
        )
    return (
        "say what the server wants, which its pg_hba.conf tells, by sslmode, sslrootcert and channel_binding in the "
        "URL, the service file or PGSSLMODE"
    )


# What PgBouncer says to BEGIN where its pool_mode is statement.
STATEMENT_POOL = re.compile(r"(?i)statement pooling|transaction blocks not allowed")
TIME_LIMITS = "look for idle_session_timeout and transaction_timeout in pg_db_role_setting, or come as another role"


def ended(error: psycopg.Error, wanted: dict[str, str]) -> Unreachable:
    """What it means that a connection stood and was lost before it answered anything."""
    if STATEMENT_POOL.search(_reason(error)):
        return Unreachable(
            f"the pooler at {target(wanted)} takes no transactions: {_reason(error)}. Every read of the kit is one, so "
            "that it can be read-only and bounded: connect to the server itself, or to a pool whose pool_mode is "
            "transaction or session"
        )
    return Unreachable(
        f"the server let us in at {target(wanted)} and ended the session before the first answer: {_reason(error)}; it "
        "crashes or shuts down (read its log), or a time limit of the role or database is too short to ask anything: "
        f"{TIME_LIMITS}"
    )


def _ping(wanted: dict[str, str], timeout: float) -> int:
    patient = wanted | {"connect_timeout": str(max(2, int(timeout)))}
    try:
        return pq.PGconn.ping(conninfo.make_conninfo("", **patient).encode())
    except psycopg.Error:
        return pq.Ping.NO_ATTEMPT


def _reason(error: psycopg.Error) -> str:
    said = " ".join(str(error).split())
    for prefix in ("connection failed: ", "connection is bad: "):
        said = said.removeprefix(prefix)
    said = re.sub(r'connection to server (?:at|on socket) "[^"]*"(?: \([^)]*\))?(?:, port \d+)? failed: ', "", said)
    said = re.sub(r'password retrieved from file "[^"]*"', "the password came from a passfile", said)
    return redact(said).rstrip(" .;") or "no reason was given"
