"""The words for what a statement does, and the value that carries one such finding.

The operations are named after the SQL commands (https://www.postgresql.org/docs/current/sql-commands.html); the second
column says what each can cost: rows, storage (a new, empty or rewritten file, so that nothing old is left to read),
columns, or visibility (the rows stand, but the application no longer sees them). The third is what is lost first when
nothing in the statement prevents it: rows, columns, values (overwritten), visibility, storage; or suspect, where only
a run would tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TEXT_LIMIT = 4000

_TABLE = """
delete                    rows         rows       removes rows, those that its WHERE selects
truncate                  rows,storage rows       empties a table by giving it new storage
update                    visibility   values     changes rows; may mark them as deleted or move them
merge                     visibility   values     changes rows by a join; its DELETE branch is listed as delete besides
insert                    -            -          adds rows
copy_in                   -            -          loads rows
copy_out                  -            -          writes rows out
drop_table                rows,storage rows       removes a table
drop_foreign_table        visibility   visibility removes the local name of a remote table
drop_materialized_view    rows,storage rows       removes a materialized view and its rows
drop_schema               rows,storage rows       removes a schema, with CASCADE all that is in it
drop_database             rows,storage rows       removes a database
drop_tablespace           storage      storage    removes an empty tablespace
drop_owned                rows,storage rows       removes everything that a role owns in the database
drop_extension            rows,columns columns    removes an extension, with CASCADE the columns of its types
drop_type                 columns      columns    removes a type, with CASCADE the columns of that type, never rows
drop_column               columns      columns    removes a column
drop_view                 visibility   -          removes a view
drop_index                -            -          removes an index
drop_sequence             -            -          removes a sequence
drop_function             -            -          removes a function, procedure or aggregate
drop_constraint           -            -          removes a constraint
drop_trigger              -            -          removes a trigger
drop_rule                 -            -          removes a rewrite rule
drop_policy               visibility   visibility removes a row security policy
drop_role                 -            -          removes a role
drop_subscription         -            visibility removes a subscription
drop_other                -            -          removes an object of another kind
alter_column_type         columns,storage columns    changes a column's type, usually by writing the table anew
alter_table               -            -          changes a table in another way
alter_type                -            -          changes a type
alter_policy              visibility   visibility changes a row security policy
add_column                -            -          adds a column
rename_table              visibility   visibility gives a table another name
rename_column             visibility   visibility gives a column another name
rename_schema             visibility   visibility gives a schema another name
rename_database           visibility   visibility gives a database another name
set_schema                visibility   visibility moves a table to another schema
set_search_path           visibility   visibility changes where a role or a database looks for tables
set_unlogged              storage      storage    makes a table that a crash empties
set_logged                storage      -          makes a table crash-safe again
set_tablespace            storage      -          moves a table's storage
detach_partition          visibility   visibility takes a partition, and its rows, out of the parent
attach_partition          -            -          puts a partition into the parent
no_inherit                visibility   visibility takes a child, and its rows, out of an inheritance parent
disable_trigger           -            suspect    stops triggers, those of foreign keys included
enable_row_security       visibility   visibility rows without a policy that allows them disappear for most roles
disable_row_security      -            -          rows are no longer filtered
create_policy             visibility   visibility adds a row security policy
create_table              -            -          makes a table
create_view               -            -          makes a view
create_materialized_view  -            -          makes a materialized view
create_index              -            -          makes an index
create_type               -            -          makes a type
create_function           -            -          makes a function or procedure; what its body does is listed besides
create_trigger            -            -          makes a trigger
create_rule               -            -          makes a rewrite rule; what it does is listed besides
create_schema             -            -          makes a schema
create_database           -            -          makes a database
create_role               -            -          makes a role
create_extension          -            -          makes an extension
create_server             -            -          makes a foreign server
create_collation          -            -          makes a collation
create_tablespace         -            -          makes a tablespace
create_subscription       -            -          makes a subscription
vacuum                    storage      -          removes dead rows for good
vacuum_full               storage      storage    writes a table anew without its dead rows
cluster                   storage      storage    writes a table anew without its dead rows, in index order
reindex                   -            -          writes indexes anew
refresh_materialized_view rows,storage rows       replaces the rows of a materialized view
reset_statistics          -            -          makes counters forget
dynamic                   rows         suspect    runs text that is put together at run time: suspect
call                      -            -          calls a procedure
unparsed                  rows         suspect    begins like a destructive statement, but cannot be read: suspect
upsert                    visibility   values     overwrites rows that are there (INSERT … ON CONFLICT DO UPDATE)
drop_server               visibility   visibility removes a foreign server, with CASCADE its foreign tables
drop_collation            columns      columns    removes a collation, with CASCADE the columns that use it
drop_chunks               rows,storage rows       removes old partitions or chunks through an extension
unlink_large_object       rows         rows       removes a large object or cuts it
reassign_owned            visibility   visibility gives everything of a role to another: who may see what changes
set_access_method         storage      storage    writes a table anew without its dead rows
swallow_inserts           visibility   visibility a rule or a trigger that throws inserted rows away
include                   rows         suspect    runs another file or text that psql makes: what it does is not here
run_program               rows         suspect    runs a program on the host
"""


@dataclass(frozen=True)
class Operation:
    """One word of the vocabulary: what it can cost (rows, storage, columns, visibility), loses, and means."""

    name: str
    costs: frozenset[str]
    loses: str
    meaning: str


def _read(table: str) -> dict[str, Operation]:
    found = {}
    for line in table.strip().splitlines():
        name, costs, loses, meaning = line.split(maxsplit=3)
        found[name] = Operation(name, frozenset(costs.split(",")) - {"-"}, loses.strip("-"), meaning)
    return found


OPERATIONS = _read(_TABLE)


@dataclass(frozen=True)
class Effect:
    """One thing that a statement would do to one object.

    operation: a key of OPERATIONS. object: the name as the text has it, parts joined by dots, without quotes; parts:
    the same as a tuple, to be quoted again. bounded: whether a WHERE limits it, None where there is no such clause
    (a condition that is always true does not limit). cascade: CASCADE was written. how: parsed (by PostgreSQL's
    grammar) or tokens (by words, because the text is cut, broken or too big). line: from 1, of the statement inside
    the text. text: the statement, cut at TEXT_LIMIT. column: the column, trigger, policy or new name that the
    operation is about; of an UPDATE the column that marks rows as deleted. within: do, function, rule or call when the
    statement stands in such a body, else empty. harmless: what the rest of the text says keeps it from costing
    anything: it is rolled back, a type goes without CASCADE, a policy shows more rows. changes: the columns that an
    UPDATE sets. fixed: of a DELETE the columns of its table that the WHERE compares with one value each. overwrites: an
    UPDATE blots out by what persons are known, in the rows that its WHERE picks.
    """

    operation: str
    object: str
    parts: tuple[str, ...] = ()
    bounded: bool | None = None
    cascade: bool = False
    how: str = "parsed"
    line: int = 1
    text: str = ""
    column: str = ""
    within: str = ""
    harmless: bool = False
    changes: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    overwrites: bool = False

    @property
    def loses(self) -> str:
        """What is lost when it runs: rows, columns, values, visibility, storage, suspect, or nothing (empty).

        >>> [Effect("update", "a", bounded=limit).loses for limit in (False, True)]
        ['values', '']
        """
        if self.harmless:
            return ""
        if self.operation == "update":
            return "visibility" if self.column else "" if self.bounded and not self.overwrites else "values"
        if self.operation == "upsert" and self.bounded:
            return ""
        return OPERATIONS[self.operation].loses

    @property
    def costs(self) -> frozenset[str]:
        """What the operation can cost: rows, storage, columns, visibility."""
        return OPERATIONS[self.operation].costs


# What these cost depends on the rest of the text, which a row of an older kit does not hold.
_QUIET = frozenset(("rename_column", "create_policy", "merge", "refresh_materialized_view"))
# Without CASCADE these are refused while anything depends on them, so that nothing is lost.
_BY_CASCADE = frozenset(("drop_schema", "drop_type", "drop_server", "drop_collation"))
# Extensions that bring no table; another one may keep rows in its own (PostGIS, pg_cron, pg_partman). Those of
# PostgreSQL's contrib as of 13 to 18, and pgvector.
_WITHOUT_TABLES = frozenset(
    (
        "adminpack", "amcheck", "autoinc", "bloom", "btree_gin", "btree_gist", "citext", "cube",
        "dblink", "dict_int", "dict_xsyn", "earthdistance", "file_fdw", "fuzzystrmatch", "hstore", "insert_username",
        "intagg", "intarray", "isn", "lo", "ltree", "moddatetime", "old_snapshot", "pageinspect", "pg_buffercache",
        "pg_freespacemap", "pg_logicalinspect", "pg_overexplain", "pg_prewarm", "pg_stat_statements", "pg_surgery",
        "pg_trgm", "pg_visibility", "pg_walinspect", "pgcrypto", "pgrowlocks", "pgstattuple", "postgres_fdw",
        "refint", "seg", "sslinfo", "tablefunc", "tcn", "tsm_system_rows", "tsm_system_time", "unaccent", "uuid-ossp",
        "vector", "xml2",
    )
)  # fmt: skip


def refused(operation: str, parts: Sequence[str]) -> bool:
    """Whether PostgreSQL refuses a DROP without CASCADE as long as it could take anything along.

    >>> [refused(each, ("a",)) for each in ("drop_schema", "drop_table", "drop_extension")]
    [True, False, False]
    >>> refused("drop_extension", ("pg_trgm",))
    True
    """
    if operation == "drop_extension":
        return bool(parts) and parts[-1].lower() in _WITHOUT_TABLES
    return operation in _BY_CASCADE


def lost_by(row: Mapping[str, Any]) -> str:
    """What a row of the evidence table migration_operations loses when it runs; empty where that is nothing.

    The file as a whole told it when it was collected; a bundle that an older kit sealed has the operation alone.

    >>> told = {"operation": "update", "object": "a", "bounded": False, "cascade": None, "how": "parsed"}
    >>> lost_by(told | {"loses": "nothing"}), lost_by(told | {"loses": None})
    ('', 'values')
    """
    if isinstance(row["loses"], str):
        return "" if row["loses"] == "nothing" else row["loses"]
    operation = row["operation"]
    needs_cascade = refused(operation, (row["object"] or "",)) and row["how"] != "python"
    if operation not in OPERATIONS or operation in _QUIET or (needs_cascade and not row["cascade"]):
        return ""
    return Effect(operation, row["object"] or "", bounded=row["bounded"]).loses


_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
# Reserved in PostgreSQL's grammar (appendix C of its documentation): such a name must be quoted wherever it stands.
_RESERVED_WORDS = (
    "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation "
    "column concurrently constraint create cross current_catalog current_date current_role current_schema "
    "current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for "
    "foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral "
    "leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps "
    "placing primary references returning right select session_user similar some symmetric system_user table "
    "tablesample then to trailing true union unique user using variadic verbose when where window with"
)
_RESERVED = frozenset(_RESERVED_WORDS.split())


def quote_ident(name: str) -> str:
    """The name as SQL must write it: quoted when PostgreSQL would fold, split or reserve it.

    >>> quote_ident("assets"), quote_ident("Order"), quote_ident("user"), quote_ident('a"b')
    ('assets', '"Order"', '"user"', '"a""b"')
    """
    if _PLAIN.match(name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def quote_qualified(schema: str | None, table: str) -> str:
    """Schema and table as SQL must write them; without a schema the table alone.

    >>> quote_qualified("migration", "Assets")
    'migration."Assets"'
    """
    return ".".join(quote_ident(part) for part in (schema, table) if part)


# Columns by which applications mark rows as deleted (a time or a flag), and those by which they mark them as alive.
_DELETED = re.compile(
    r"(?i)(?:\A|_)(?:is_?)?(?:soft_?)?(?:deleted?|removed|archived?|trashed|hidden|discarded)(?:_|(?:at|on|by)\Z|\Z)"
)
_ALIVE = re.compile(r"(?i)\A(?:is_?)?(?:active|enabled|visible|alive|live)\Z")


def hides_rows(column: str, null: bool, known: bool | None) -> bool:
    """Whether a column set to NULL, to what is known to be true or false, or else to a value marks rows as deleted.

    >>> hides_rows("deleted_at", False, None), hides_rows("deleted_at", True, None), hides_rows("active", False, False)
    (True, False, True)
    """
    if _DELETED.search(column):
        return not null and known is not False
    return known is False and _ALIVE.match(column) is not None


# Every statement that has one of the costs above contains one of these words; the reverse does not hold.
_SUSPICIOUS = re.compile(
    r"(?i)\b(?:delete|truncate|drop|update|merge|alter|detach|do|call|execute|copy|vacuum|cluster|refresh|policy|rule|"
    r"conflict|reassign|session_replication_role|lo_unlink|lo_truncate\w*|drop_chunks|drop_partition_\w+|"
    r"add_retention_policy|pg_stat\w*_reset\w*)\b"
)


def suspicious(text: str) -> bool:
    """Whether the text holds a word without which no operation can cost anything; cheap, and often wrongly yes.

    >>> suspicious("TRUNCATE a"), suspicious("select 1 from a")
    (True, False)
    """
    return _SUSPICIOUS.search(text) is not None
