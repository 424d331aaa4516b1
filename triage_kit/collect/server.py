"""The session: one connection that can only read, and bounds every read.

Each read is a transaction of its own, ``BEGIN READ ONLY; SET LOCAL …; query; COMMIT``. Nothing is set for the session:
a transaction pooler refuses startup options and hands a plain SET on to its next client. SQLAlchemy's own first
questions run under the same rules.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
import sqlalchemy
from psycopg.rows import dict_row
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.pool import NullPool

from triage_kit.collect import address, deadline, values
from triage_kit.errors import SourceError, Unreachable
from triage_kit.redact import redact

OLDEST = 130000
LOST = ("08", "57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04")
STATUS = {
    "42501": "refused",
    "55P03": "skipped",
    "57014": "failed",
    "58P01": "unavailable",
    "0A000": "unavailable",
    "55000": "unavailable",
    "42P01": "unavailable",
    "42883": "unavailable",
    "42703": "unavailable",
}
CANCELED = "57014"
FORBIDDEN = "42501"
# A standby's recovery cancels a statement that is in its way, and ends a session that has a transaction open between
# two (PostgreSQL documentation, Hot Standby, Handling Query Conflicts); nothing that only reads meets it elsewhere.
IN_THE_WAY = "40001"
CONFLICTS = 5
IDLE_TOO_LONG = "57P05"  # idle_session_timeout ended the session between two questions: nothing is wrong with it
NOBODYS_WILL = (IDLE_TOO_LONG, IN_THE_WAY)  # a session that ended so may be made anew as often as it happens
FOREIGN_BYTES = ("22021", "22P05")  # a text that cannot be turned into the client's encoding
# pg_stat_statements forgets its rarest entries, a single TRUNCATE first, to make room for new ones: a superuser's reads
# make none but these first commands.
UNSEEN = "SET LOCAL pg_stat_statements.track = 'none'; "
NO_TRANSACTION_TIMEOUT = "SET LOCAL transaction_timeout = 0; "
AS_BYTES = "SET LOCAL client_encoding = 'SQL_ASCII'; "
UNCONVERTED = ("SQL_ASCII", "MULE_INTERNAL")  # encodings that the server cannot send as UTF-8
HELD_AS_SENT = (*UNCONVERTED, "UTF8")
GRACE = 10.0
BEGINNINGS = 20  # of one transaction


class Refused(SourceError):
    """One read was not answered; ``status`` is a word of the table ``questions``, ``sqlstate`` the server's code."""

    def __init__(self, reason: str, status: str, sqlstate: str | None) -> None:
        super().__init__(reason)
        self.status, self.sqlstate = status, sqlstate


@dataclass(frozen=True)
class Limits:
    """Bounds of one read: milliseconds of the statement, and of waiting for a lock.

    A wait for ACCESS SHARE ends after half a second, and what a read of tables holds it holds for less than one.
    """

    statement: int = 15_000
    lock: int = 500
    idle: int = 10_000


@dataclass(frozen=True)
class Capabilities:
    """What differs between servers and cannot be left to the variants of a query, by name."""

    version_num: int
    in_recovery: bool

    def prunes_on_read(self) -> bool:
        """Whether a SELECT may remove dead rows: a standby never does (measured on PostgreSQL 13 to 18)."""
        return not self.in_recovery

    def writes_json_log(self) -> bool:
        """Whether the log may be written as JSON: 15."""
        return self.version_num >= 150_000

    def reports_counters_when_idle(self) -> bool:
        """Whether an idle session reports what it changed within a minute: 15; before, only at its next command."""
        return self.version_num >= 150_000

    def holds_unlogged_rows(self) -> bool:
        """Whether unlogged tables and sequences can be read: a standby has none of their rows."""
        return not self.in_recovery


class _Dialect(PGDialect_psycopg):
    driver = "triage_kit"
    supports_statement_cache = True

    def initialize(self, connection: sqlalchemy.Connection) -> None:
        # SQLAlchemy asks for version, schema and isolation level when it first connects.
        cursor, driver = connection.connection.cursor(), connection.connection.driver_connection
        try:
            cursor.execute(_begin(Limits(), driver))
        except psycopg.errors.InsufficientPrivilege:  # as in Session._begin
            driver.unseen = False
            cursor.execute("ROLLBACK")
            cursor.execute(_begin(Limits(), driver))
        super().initialize(connection)
        cursor.execute("COMMIT")


registry.register("postgresql.triage_kit", __name__, "_Dialect")


class Session:
    """One connection to the server of a case; use it with ``with``.

    ``wanted`` holds libpq parameters as ``address.parameters`` makes them. After the connection stands, ``target`` says
    what was reached. Raises LoginRefused, Unreachable or SourceError when it cannot be made.
    """

    def __init__(self, wanted: Mapping[str, str], patience: float = 15.0) -> None:
        self.wanted = dict(wanted)
        self.patience = patience
        self.target = address.target(self.wanted)
        self.reconnections = 0
        self._lost = False  # once already, by more than a time limit or a standby's recovery
        self._known: dict[str, bool] = {}
        self._made = False
        self._engine = sqlalchemy.create_engine(
            "postgresql+triage_kit://",
            creator=self._open,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            use_native_hstore=False,
            execution_options={"no_parameters": True},
        )
        self._connection: sqlalchemy.Connection | None = None

    def __enter__(self) -> Session:
        self._connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def version(self) -> str:
        """The server's version as it was told when the connection was made, as ``18.6``."""
        return self._driver().info.parameter_status("server_version") or "unknown"

    def read(
        self,
        query: str,
        parameters: Mapping[str, object] | None = None,
        limits: Limits | None = None,
        extra: str = "",
        plan: Callable[[list[dict]], None] | None = None,
    ) -> list[dict]:
        """Rows of one query as dictionaries, read in a transaction of its own.

        ``parameters`` are psycopg's (``%(name)s``), ``extra`` holds further SET LOCAL commands, ``plan`` gets what
        EXPLAIN says of the query before it runs, and may raise. A connection that is lost is made anew once, within
        ``patience`` seconds, and the query asked again; a few times where a standby's recovery ended it. Raises Refused
        when the server does not answer this query, Unreachable when the connection is lost for good.
        """
        ask = functools.partial(self._whole, query, parameters, limits or Limits(), extra, plan)
        conflicts, others = 0, 0
        while True:
            try:
                return ask()
            except _Lost as error:
                lost = error
            if lost.sqlstate == IN_THE_WAY:
                conflicts += 1
            else:
                others += 1
            if conflicts > CONFLICTS or others > 1:
                raise Unreachable(self._gone(str(lost)))
            self._reconnect(lost)

    def knows(self, setting: str) -> bool:
        """Whether the server has a setting of this name: some came with minor releases."""
        if setting not in self._known:
            found = self.read("SELECT FROM pg_catalog.pg_settings s WHERE s.name = %(name)s", {"name": setting})
            self._known[setting] = bool(found)
        return self._known[setting]

    def close(self) -> None:
        """End the connection; a second call does nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError, psycopg.Error, OSError):
                connection.invalidate()
                connection.close()
        self._engine.dispose()

    def _open(self) -> psycopg.Connection:
        try:
            connection = self._opened("utf8")
        except psycopg.OperationalError as error:
            # A MULE_INTERNAL database lets nobody in who wants UTF-8; servers say so in their own language.
            if "MULE_INTERNAL" not in str(error):
                raise
            connection = self._opened("sql_ascii")
        self._made = True
        return connection

    def _opened(self, encoding: str) -> psycopg.Connection:
        return deadline.Connection.connect(
            autocommit=True,
            prepare_threshold=None,
            context=values.adapters(),
            **self.wanted | {"client_encoding": encoding},
        )

    def _connect(self) -> None:
        until = time.monotonic() + self.patience
        while True:
            self._made = False
            try:
                self._connection = self._engine.connect()
                self.target = address.connected(self._driver())
                return
            except sqlalchemy.exc.DBAPIError as error:
                problem = error.orig
            except psycopg.Error as error:
                problem = error
            # Somebody who cancels whatever runs too long has hit the first questions of the driver, or a standby's
            # recovery the session that began: nothing is wrong.
            state, said = getattr(problem, "sqlstate", None), str(problem)
            passes = state in (CANCELED, IN_THE_WAY) or address.RECOVERY.search(said)
            if not passes or time.monotonic() > until:
                break
            time.sleep(0.05)
        # Outside, so that no traceback reaches the driver's message.
        raise address.ended(problem, self.wanted) if self._made else address.explain(problem, self.wanted)

    def _reconnect(self, lost: _Lost) -> None:
        self.close()
        until = time.monotonic() + self.patience
        if lost.sqlstate not in NOBODYS_WILL:
            if self._lost:
                raise Unreachable(self._gone(str(lost)))
            self._lost = True
        self.reconnections += 1
        while True:
            try:
                return self._connect()
            except Unreachable as error:
                if time.monotonic() > until:
                    raise Unreachable(self._gone(f"{lost}; then {error}")) from None
            time.sleep(0.5)

    def _gone(self, lost: str) -> str:
        # The server closes first and psycopg may have no code by then: what it had said is all that is left, and at
        # times not even that.
        advice = f"; {address.TIME_LIMITS}" if "timeout" in lost else ""
        if "unexpectedly" in lost:
            advice = f" If the server itself is well, {address.TIME_LIMITS}"
        return f"the connection to {self.target} was lost in the middle and could not be kept: {lost}{advice}"

    def _driver(self) -> deadline.Connection:
        return self._connection.connection.driver_connection

    def _whole(
        self,
        query: str,
        parameters: Mapping[str, object] | None,
        bounds: Limits,
        extra: str,
        plan: Callable[[list[dict]], None] | None,
    ) -> list[dict]:
        """Ask, and once more for the bytes as they are where one text of many cannot be turned into UTF-8."""
        try:
            return _in_spite_of_recovery(functools.partial(self._ask, query, parameters, bounds, extra, plan))
        except Refused as error:
            if error.sqlstate not in FOREIGN_BYTES or not query.isascii() or self._server_encoding() in HELD_AS_SENT:
                raise
        return _in_spite_of_recovery(functools.partial(self._ask, query, parameters, bounds, extra + AS_BYTES, plan))

    def _ask(
        self,
        query: str,
        parameters: Mapping[str, object] | None,
        bounds: Limits,
        extra: str,
        plan: Callable[[list[dict]], None] | None,
    ) -> list[dict]:
        if self._connection is None:
            raise _Lost("it is closed")
        problem: SourceError | None = None
        try:
            with deadline.running(self._driver(), bounds.statement / 1000 + GRACE):
                self._begin(bounds, extra)
                if plan is not None:
                    plan(self._rows("EXPLAIN (FORMAT JSON, COSTS OFF) " + query, parameters))
                rows = self._rows(query, parameters)
                self._connection.exec_driver_sql("COMMIT")
                return rows
        except Refused as error:
            problem = error
        except UnicodeError as error:
            problem = Refused(f"a name cannot be written in this database's encoding: {error.reason}", "failed", None)
        except sqlalchemy.exc.DBAPIError as error:
            problem = self._refusal(error)
        except psycopg.Error as error:
            problem = self._refusal(error)
        except (sqlalchemy.exc.InvalidRequestError, OSError) as error:
            problem = _Lost(redact(" ".join(str(error).split())))
        if isinstance(problem, Refused):
            self._roll_back()
        raise problem

    def _begin(self, bounds: Limits, extra: str) -> None:
        """Begin a transaction with the kit's own bounds.

        Until they are set the role's own statement_timeout holds: one of a millisecond cancels a busy server's BEGIN,
        or comes late and is then called a user's request (met 5 times in 20,000). Nothing was asked yet: once more.
        Who was a superuser at login may be none any more, or was never told apart by a pooler.
        """
        for left in reversed(range(BEGINNINGS)):
            try:
                self._connection.exec_driver_sql(_begin(bounds, self._driver(), extra) + self._encoding())
                return
            except sqlalchemy.exc.DBAPIError as error:
                state = getattr(error.orig, "sqlstate", None)
                if not left or state not in (CANCELED, FORBIDDEN) or (state == FORBIDDEN and not self._driver().unseen):
                    raise
                self._driver().unseen &= state != FORBIDDEN
            self._roll_back()
            if self._connection is None:
                raise _Lost("it broke before anything was asked")

    def _encoding(self) -> str:
        # A database in SQL_ASCII holds any bytes, and the server refuses to send them as anything else.
        return AS_BYTES if self._server_encoding() in UNCONVERTED else ""

    def _server_encoding(self) -> str | None:
        return self._driver().info.parameter_status("server_encoding")

    def _rows(self, query: str, parameters: Mapping[str, object] | None) -> list[dict]:
        if self._encoding() and not query.isascii():  # names go back as the bytes that they came as
            with self._driver().cursor(row_factory=dict_row) as cursor:
                cursor.execute(query.encode("utf-8", "surrogateescape"), parameters)
                return cursor.fetchall()
        if parameters is None:
            result = self._connection.exec_driver_sql(query)
        else:
            result = self._connection.exec_driver_sql(
                query, dict(parameters), execution_options={"no_parameters": False}
            )
        return [dict(row) for row in result.mappings()]

    def _refusal(self, error: Exception) -> SourceError:
        orig = getattr(error, "orig", error)
        sqlstate = getattr(orig, "sqlstate", None)
        said = getattr(getattr(orig, "diag", None), "message_primary", None) or str(orig)
        reason = redact(" ".join(said.split()))
        if self._driver_closed() or (sqlstate or "").startswith(LOST):
            return _Lost(reason, sqlstate)
        return Refused(reason, STATUS.get(sqlstate or "", "failed"), sqlstate)

    def _driver_closed(self) -> bool:
        return self._connection.invalidated or self._connection.closed or self._driver().closed

    def _roll_back(self) -> None:
        until = time.monotonic() + self.patience
        while True:
            try:
                with deadline.running(self._driver(), GRACE):
                    self._connection.exec_driver_sql("ROLLBACK")
                return
            except sqlalchemy.exc.DBAPIError as error:
                # A cancel that comes late hits the ROLLBACK instead: the session is whole.
                if getattr(error.orig, "sqlstate", None) == CANCELED and time.monotonic() < until:
                    continue
            except (sqlalchemy.exc.SQLAlchemyError, psycopg.Error, OSError):
                pass
            self.close()  # the next read finds the connection lost and makes a new one
            return


class _Lost(SourceError):
    """The connection broke while a query ran; nothing is known of the query."""

    def __init__(self, reason: str, sqlstate: str | None = None) -> None:
        super().__init__(reason)
        self.sqlstate = sqlstate


def _in_spite_of_recovery(ask: Callable[[], list[dict]]) -> list[dict]:
    """Ask; and again where a standby cancelled it because its recovery wanted what the question looked at."""
    for _ in range(CONFLICTS):
        try:
            return ask()
        except Refused as error:
            if error.sqlstate != IN_THE_WAY:
                raise
    return ask()


def _begin(bounds: Limits, driver: deadline.Connection, extra: str = "") -> str:
    unseen = UNSEEN if driver.unseen and driver.info.parameter_status("is_superuser") == "on" else ""
    return opening(bounds, unseen + (NO_TRANSACTION_TIMEOUT if driver.info.server_version >= 170_000 else ""), extra)


def opening(bounds: Limits, fitting: str = "", extra: str = "") -> str:
    """What begins a transaction: read-only, bounded, and with every setting that changes what an answer looks like.

    ``fitting`` holds SET LOCAL commands that this server and role need, ``extra`` those of one question.
    """
    # READ COMMITTED by name: a hot standby refuses SERIALIZABLE where that is the default. A role's own
    # transaction_timeout would end the whole session in the middle of an answer; the bounds below hold without it.
    # With the little work_mem of some roles an answer would go through temporary files, which temp_file_limit forbids
    # and a full disk does not take (met with 64 kB). Behind a pooler, what another client left on the connection holds
    # for us too: its role, and settings that change how names and values are written.
    return (
        "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; "
        f"SET LOCAL role TO DEFAULT; {fitting}SET LOCAL search_path = pg_catalog, pg_temp; "
        f"SET LOCAL statement_timeout = {bounds.statement}; SET LOCAL lock_timeout = {bounds.lock}; "
        f"SET LOCAL idle_in_transaction_session_timeout = {bounds.idle}; "
        "SET LOCAL quote_all_identifiers = off; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; "
        "SET LOCAL intervalstyle = 'postgres'; SET LOCAL transform_null_equals = off; "
        "SET LOCAL work_mem = '16MB'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL timezone = 'UTC'; "
        f"SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off; {extra}"
    )


def quoted(*names: str) -> str:
    """A name, qualified by the names before it, as SQL reads it whatever it holds.

    >>> quoted("public", 'a"b')
    '"public"."a""b"'
    """
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def in_chunks(items: Sequence, size: int) -> list[list]:
    """The items in lists of at most ``size``.

    >>> in_chunks([1, 2, 3], 2)
    [[1, 2], [3]]
    """
    return [list(items[start : start + size]) for start in range(0, len(items), size)]
