"""collect.sql: the questions as a psql script, for hosts that have psql and no Python.

The script is made of the very files that a direct connection asks, so that the two cannot drift apart. psql 11 and
newer runs it against servers from 13 on; it writes one file, and every question in it is a read-only transaction with
the same limits. A question that is refused leaves its error in the file and does not end the rest.

Lines of the file begin with ``#`` (a marker), ``{`` (a row as JSON) or ``!`` (an error's text):

    # triage snapshot 1 …                the first line
    # ask KEY VARIANT {"role": …}        a question begins
    {"oid": 16385, …}                    a row of its answer
    # chunk KEY                          a question that is asked for some tables at a time: these are answered
    # end KEY SQLSTATE CHUNKS            its end, 00000 when nothing went wrong, and how many chunks were asked …
    ! permission denied for …            … else the last error
    # end of snapshot                    the last line; without it the file is cut
"""

from __future__ import annotations

from triage_kit import __version__
from triage_kit.collect import harmless, questions, scope, special, versions
from triage_kit.collect.asking import OPENING
from triage_kit.collect.questions import QUESTIONS, Question
from triage_kit.collect.server import NO_TRANSACTION_TIMEOUT, OLDEST, UNSEEN, Limits, opening

FORMAT = 1
MOST_COUNTED = 2000  # tables, smallest first
MOST_READ = 400 << 20  # bytes that counting may visit, together
DEFAULT_FILE = "triage-snapshot.txt"
CURRENT_LOG = special.CURRENT_LOG.replace("%(json)s", "current_setting('server_version_num')::int >= 150000")

HEAD = rf"""-- collect.sql of triage_kit {__version__}: reads what an investigation of lost rows needs, writes one file.
--
--   psql -X -f collect.sql "host=… dbname=… user=…"
--   psql -X -v out=elsewhere.txt -v schemas=shop,billing -f collect.sql "…"
--
-- Read-only: each question is a BEGIN READ ONLY with time limits. It reads catalogues and counters, the values of
-- sequences, the version tables of migration tools, and counts tables of which the counters prove that they hold no
-- dead row. It never writes to the database; the file may hold statements and settings: keep it like a log.
-- Name the file in case.yaml as `snapshot: {DEFAULT_FILE}`.
\set QUIET 1
\set ON_ERROR_STOP off
\set ON_ERROR_ROLLBACK off
\set AUTOCOMMIT on
\set ECHO none
\set FETCH_COUNT 0
\set SHOW_CONTEXT never
\set VERBOSITY default
\timing off
\pset pager off
\pset format unaligned
\pset tuples_only on
\pset expanded off
\pset footer off
\pset null ''
\encoding UTF8
\if :{{?out}}
\else
  \set out {DEFAULT_FILE}
\endif
\if :{{?schemas}}
\else
  \set schemas ''
\endif
\set oids '{{}}'
\set locked '{{}}'
\set namespaces '{{}}'
\set views '{{}}'
\o :out
\qecho '# triage snapshot {FORMAT} kit {__version__}'
"""
TAIL = r"""
\qecho '# end of snapshot'
\o
\echo 'written to' :out
"""
HERE = "<fitting>"
KEEP_ERROR = "\\set state :LAST_ERROR_SQLSTATE\n\\set message :LAST_ERROR_MESSAGE"
ABOUT = rf"""SELECT pg_catalog.current_setting('server_version_num')::int AS version,
  pg_catalog.current_setting('server_version_num')::int >= {OLDEST} AS known,
  pg_catalog.concat(CASE WHEN pg_catalog.current_setting('server_encoding') = 'SQL_ASCII'
                         THEN 'SET LOCAL client_encoding = ''SQL_ASCII''; ' END,
                    CASE WHEN pg_catalog.current_setting('is_superuser') = 'on'
                         THEN $set${UNSEEN}$set$ END,
                    CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 170000
                         THEN $set${NO_TRANSACTION_TIMEOUT}$set$ END) AS fitting,
  coalesce((SELECT pg_catalog.format('SET LOCAL %I = %L; ', s.name, '{harmless.NO_VIEWS[1]}')
            FROM pg_catalog.pg_settings s WHERE s.name = '{harmless.NO_VIEWS[0]}'), '') AS no_views \gset"""  # noqa: S608
# What the planner would do is asked before a table is read: anything but tuple identifiers could prune dead rows. The
# block fails then, and with it the transaction; a role that may not use plpgsql reads no table.
# No operator here: the query that makes the block runs before any search_path is set, and || may be somebody's own.
GUARD = """pg_catalog.concat('DO ', pg_catalog.quote_literal(pg_catalog.concat('DECLARE plan text; BEGIN EXECUTE ',
  pg_catalog.quote_literal(pg_catalog.concat('EXPLAIN (FORMAT JSON, COSTS OFF) ', s.statement)),
  ' INTO plan; IF plan !~ ''"Tid Scan"'' OR plan ~ ''"({scans})"'' THEN RAISE EXCEPTION',
  ' ''the planner would not read it by tuple identifiers alone''; END IF; END')))"""
FOR_LISTS = {
    "namespaces": f"SELECT oid FROM ({scope.NAMESPACES}) AS n "  # noqa: S608 built of constants
                  "WHERE :'schemas' = '' OR n.name = ANY (string_to_array(:'schemas', ','))",
    "oids": "SELECT oid FROM ({relations}) AS r",
    "views": "SELECT oid FROM ({relations}) AS r WHERE kind IN ('v', 'm')",
    "locked": f"SELECT oid FROM ({scope.LOCKED}) AS l",  # noqa: S608
}  # fmt: skip
# As collect.rows proves it: of these tables the counters show that they hold no dead row.
COUNTABLE = """
SELECT k.oid, k.schema, k."table", k.bytes FROM ({facts} OFFSET 0) AS k
JOIN pg_catalog.pg_stat_all_tables s ON s.relid = k.oid
CROSS JOIN (SELECT greatest(b.stats_reset, a.stats_reset, d.stats_reset) AS reset,
                   pg_catalog.to_timestamp(c.system_identifier >> 32) AS made
            FROM pg_catalog.pg_stat_bgwriter b, pg_catalog.pg_stat_archiver a, pg_catalog.pg_stat_database d,
                 pg_catalog.pg_control_system() c WHERE d.datname = pg_catalog.current_database()) AS since
CROSS JOIN LATERAL (SELECT greatest(s.last_vacuum, s.last_autovacuum) AS vacuumed,
                           s.n_tup_del = 0 AND s.n_tup_upd = 0 AND s.n_tup_ins = s.n_live_tup AS untouched) AS seen
WHERE k.relkind IN ('r', 'm') AND k.access_method = 'heap' AND k.populated AND k.readable AND NOT k.filtered
  AND k.code IS NULL AND k.bytes > 0 AND k.bytes <= {pages} * pg_catalog.current_setting('block_size')::bigint
  AND (k.persistence <> 'u' OR NOT pg_catalog.pg_is_in_recovery()) AND s.n_dead_tup = 0
  AND CASE WHEN since.reset <= since.made + interval '60 seconds' THEN seen.vacuumed IS NOT NULL OR seen.untouched
           ELSE seen.vacuumed > since.reset END
"""


def script() -> str:
    """The whole of collect.sql.

    >>> script().count("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY") > 1
    True
    """
    return "\n".join([HEAD, _set_begin(), _lists(), *map(_asked, QUESTIONS), TAIL]).replace("\n\n\n", "\n\n")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _set_begin() -> str:
    """The opening of a transaction as psql variables, and what this server needs besides."""
    lines = [opening(Limits()), ABOUT]
    for name, bounds, extra in (("begin", Limits(), ""), ("opening", OPENING, ""),
                                ("by_tid", OPENING, harmless.ONLY_BY_TID)):  # fmt: skip
        before, after = opening(bounds, HERE, extra).split(HERE)
        views = " :no_views" if name != "begin" else ""
        lines.append(rf"\set {name} {_literal(before)} :fitting {_literal(after)}{views}")
    every = sorted({start for question in QUESTIONS if question.name != "statements"
                    for start in questions.variants(question.name)})  # fmt: skip
    flags = ", ".join(f"{start} <= :version AS from_{start}" for start in every)
    lines.append(rf"SELECT {flags} \gset")
    return "\n".join([*lines, "COMMIT;"])


def _lists() -> str:
    """Schemas, relations, views and locked relations as psql variables, and as answers of their own."""
    relations = _bound(scope.RELATIONS)
    parts = [_single("scope.namespaces", "scope", f"SELECT * FROM ({scope.NAMESPACES}) AS n "  # noqa: S608
                     "WHERE :'schemas' = '' OR n.name = ANY (string_to_array(:'schemas', ','))")]  # fmt: skip
    for name, query in FOR_LISTS.items():
        query = query.replace("{relations}", relations)
        text = f"SELECT coalesce(array_agg(x.oid), '{{}}')::text AS {name} FROM ({query}) AS x"  # noqa: S608
        parts.append(f":begin;\n{text} \\gset\nCOMMIT;")
    parts += [_single("scope.relations", "scope", relations), _single("scope.locked", "scope", scope.LOCKED)]
    return "\n".join(parts)


def _asked(question: Question) -> str:
    """One question with what belongs to it, in the words of psql."""
    name = question.name
    if name == "statements":
        return _statements()
    body = "\n".join(_by_version(name, lambda variant, sql: _answer(question, variant, sql)))
    more = {
        "identity": lambda: _single("identity.control", "identity", special.CONTROL),
        "relations": lambda: _chunked("relations.views", "relations", special.VIEWS, "views", 50),
        "sequences": _sequence_values,
        "log_files": lambda: _single("log_files.current", "log_files", CURRENT_LOG),
        "version_tables": _version_rows,
        "row_counts": _counts,
    }.get(name)
    return f"\\echo 'asking' {name}\n{body}" + (f"\n{more()}" if more else "")


def _by_version(name: str, write: object) -> list[str]:
    """The variants of a question, newest first, between \\if and \\endif."""
    starts = sorted(questions.variants(name), reverse=True)
    lines = []
    for number, start in enumerate(starts):
        last = number == len(starts) - 1
        if len(starts) > 1:
            word = r"\elif" if number else r"\if"
            lines.append(r"\else" if last else f"{word} :from_{start}")
        lines.append(write(*questions.load(name, start)))
    return [*lines, r"\endif"] if len(starts) > 1 else lines


def _answer(question: Question, variant: str, sql: str) -> str:
    if question.chunk:
        return _chunked(question.name, variant, sql, "oids", question.chunk)
    return _single(question.name, variant, _bound(sql))


def _bound(sql: str) -> str:
    """A query of the kit with psql's variables for the driver's parameters."""
    names = ", ".join(f"'{tool}'" for tool in sorted({tool.table for tool in versions.TOOLS}))
    for parameter in ("oids", "locked", "namespaces"):
        sql = sql.replace(f"%({parameter})s", f":'{parameter}'")
    return sql.replace("%(names)s", f"ARRAY[{names}]").replace("%%", "%").strip()


def _mark(key: str, variant: str) -> str:
    return (f"SELECT '# ask {key} {variant} ' || pg_catalog.json_build_object('role', current_user, "
            "'at', pg_catalog.clock_timestamp())::text;")  # fmt: skip


def _end(key: str) -> str:
    return f"\\qecho '# end' {key} :state :chunks\n\\qecho '!' :message"


def _fresh() -> str:
    return "\\set LAST_ERROR_SQLSTATE 00000\n\\set LAST_ERROR_MESSAGE ''\n\\set chunks 0"


def _single(key: str, variant: str, sql: str) -> str:
    """One query in one transaction."""
    rows = f"SELECT pg_catalog.row_to_json(q) FROM (\n{sql.strip()}\n) AS q;"  # noqa: S608 built of constants
    return f"{_fresh()}\n:begin;\n{_mark(key, variant)}\n{rows}\n{KEEP_ERROR}\nCOMMIT;\n{_end(key)}"


def _chunked(key: str, variant: str, sql: str, oids: str, size: int) -> str:
    """One query for so many relations at a time, each in a transaction of under a second."""
    # psql 18 knows no SQLSTATE of what \gexec ran: the first chunk is asked directly and tells why it is refused.
    template = (f"SELECT pg_catalog.row_to_json(q)::text FROM (\n{sql.strip()}\n) AS q "  # noqa: S608
                f"UNION ALL SELECT '# chunk {key}'").replace("%%", "%")  # fmt: skip
    chunk = f"(n.place OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog./) {size}"
    generator = f"""SELECT :'opening', pg_catalog.replace(pg_catalog.replace($triage_kit${template}$triage_kit$,
  '%(oids)s', pg_catalog.quote_literal(c.oids)), '%(locked)s', pg_catalog.quote_literal(:'locked')), 'COMMIT'
FROM (SELECT pg_catalog.array_agg(n.oid ORDER BY n.place)::text AS oids
      FROM pg_catalog.unnest(:'{oids}'::oid[]) WITH ORDINALITY AS n (oid, place)
      WHERE n.place OPERATOR(pg_catalog.>) {size} GROUP BY {chunk} ORDER BY {chunk}) AS c \\gexec"""  # noqa: S608
    first = template.replace("%(oids)s", ":'first'").replace("%(locked)s", ":'locked'")
    return f"""{_fresh()}
:begin;
{_mark(key, variant)}
SELECT coalesce((:'{oids}'::oid[])[1:{size}], '{{}}')::text AS first,
  greatest(1, (pg_catalog.cardinality(:'{oids}'::oid[]) + {size} - 1) / {size}) AS chunks \\gset
COMMIT;
:opening;
{first};
{KEEP_ERROR}
COMMIT;
{generator}
{_end(key)}"""


def _each(key: str, variant: str, statements: str, opening: str) -> str:
    """Statements that a query makes, each in a transaction of its own; the query runs in one itself."""
    guard = GUARD.format(scans="|".join(sorted(harmless.SCANS))) + ", " if opening == "by_tid" else ""
    return f"""{_fresh()}
\\set todo '{{}}'
:begin;
{_mark(key, variant)}
SELECT coalesce(pg_catalog.array_agg(s.statement), '{{}}')::text AS todo FROM (
{statements.strip()}
) AS s \\gset
{KEEP_ERROR}
COMMIT;
SELECT :'{opening}', {guard}s.statement, 'COMMIT' FROM pg_catalog.unnest(:'todo'::text[]) AS s (statement) \\gexec
{_end(key)}"""  # noqa: S608 built of constants


def _statements() -> str:
    """pg_stat_statements, by the version of the extension and wherever it was put."""
    starts = sorted(questions.variants("statements"), reverse=True)
    codes = ", ".join(f"'{code}'" for code in special.FOREIGN_BYTES)
    number = "(split_part(e.version, '.', 1)::int * 10000 + split_part(e.version, '.', 2)::int * 100)"
    flags = ", ".join(f"coalesce(max({number}), 0) >= {start} AS statements_{start}" for start in starts)
    lines = ["\\echo 'asking' statements", *(f"\\set statements_{start} f" for start in starts),
             _single("statements.extension", "statements", special.STATEMENTS), ":begin;",
             f"SELECT max(e.schema) AS statements_schema, {flags} FROM ({special.STATEMENTS}) AS e \\gset",  # noqa: S608
             "COMMIT;"]  # fmt: skip
    for place, start in enumerate(starts):
        variant, sql = questions.load("statements", start)
        word = r"\elif" if place else r"\if"
        whole, bare = (_bound(text).replace("{schema}", ':"statements_schema"')
                       for text in (sql, special.without_texts(sql)))  # fmt: skip
        lines += [f"{word} :statements_{start}", _single("statements", variant, whole),
                  f":begin;\nSELECT :'state' IN ({codes}) AS foreign_bytes \\gset\nCOMMIT;\n\\if :foreign_bytes",
                  _single("statements.bare", variant, bare), r"\endif"]  # fmt: skip
    return "\n".join([*lines, r"\endif"])


def _sequence_values() -> str:
    # OFFSET 0: without it the planner asks has_sequence_privilege of relations that are none.
    sql = _bound(questions.load("sequences", OLDEST)[1])
    statements = f"""SELECT pg_catalog.format('SELECT pg_catalog.json_build_object(''oid'', %s, ''value'','
  ' CASE WHEN s.is_called THEN s.last_value END) FROM %I.%I AS s', q.oid, q.schema, q.name) AS statement
FROM (
{sql}
OFFSET 0) AS q WHERE q.readable AND q.oid <> ALL (:'locked'::oid[])"""  # noqa: S608 built of constants
    return _each("sequences.values", "sequences", statements, "opening")


def _by_place(select: str) -> str:
    """A template for format(): OID, schema and name of the one table, which is read by its tuple identifiers."""
    places = harmless.PLACES.replace("%(oids)s", "'{%1$s}'")
    return f"{places}{select} FROM ONLY %2$I.%3$I AS r WHERE {harmless.EVERY_PLACE}"


def _counts() -> str:
    """Tables of which the counters prove that they hold no dead row, counted by tuple identifiers all the same."""
    facts = _bound(questions.load("row_counts", OLDEST)[1])
    countable = COUNTABLE.format(facts=facts, pages=harmless.PAGES)
    count = _by_place("SELECT pg_catalog.json_build_object('oid', %1$s, 'rows', pg_catalog.count(*), 'asked_at', "
                      "pg_catalog.clock_timestamp())")  # fmt: skip
    statements = f"""SELECT pg_catalog.format($triage_kit${count}$triage_kit$, b.oid, b.schema, b."table") AS statement
FROM (SELECT c.*, pg_catalog.sum(c.bytes) OVER (ORDER BY c.bytes, c.oid) AS together FROM (
{countable.strip()}
) AS c) AS b WHERE b.together <= {MOST_READ} ORDER BY b.bytes, b.oid LIMIT {MOST_COUNTED}"""  # noqa: S608
    return _each("row_counts.exact", "row_counts", statements, "by_tid")


def _version_rows() -> str:
    """The rows of the version tables that are small and readable, by the tool whose columns they have."""
    facts = _bound(questions.load("version_tables", OLDEST)[1])
    tools = ",\n  ".join(
        "({}, {}, {}, {}, {}, {}, {}, '{{{}}}'::text[], '{{{}}}'::text[])".format(place, *(
            "'" + part.replace("'", "''") + "'" if part else "NULL::text" for part in (
                tool.name, tool.table, tool.version, tool.at, tool.group, tool.told)), ",".join(tool.needs),
            ",".join(tool.shape))
        for place, tool in enumerate(versions.TOOLS))  # fmt: skip
    read = _by_place("SELECT pg_catalog.json_build_object('oid', %1$s, 'version', pg_catalog.left(%4$s, 300), "
                     "'applied_at', %5$s)") + f" LIMIT {versions.MOST_ROWS}"  # fmt: skip
    statements = f"""SELECT pg_catalog.format($triage_kit${read}$triage_kit$, f.oid, f.schema, f."table",
  CASE WHEN t.told IS NOT NULL AND t.needs OPERATOR(pg_catalog.<@) f.plain THEN t.told
    ELSE CASE WHEN t.grouped IS NULL THEN '' ELSE pg_catalog.format('r.%I::text || '' '' || ', t.grouped) END
      || pg_catalog.format('r.%I::text', t.version) END,
  CASE WHEN t.at = ANY (f.instants) THEN pg_catalog.format('r.%I', t.at) ELSE 'NULL::timestamptz' END) AS statement
FROM (
{facts}
OFFSET 0) AS f
CROSS JOIN LATERAL (SELECT k.* FROM (VALUES
  {tools}
) AS k (place, tool, "table", version, at, grouped, told, needs, shape)
  WHERE (k."table" = f."table" AND k.version = ANY (f.columns) AND (k.grouped IS NULL OR k.grouped = ANY (f.columns)))
    OR (pg_catalog.right(f."table", pg_catalog.length(k."table") + 1) OPERATOR(pg_catalog.=) ('_' || k."table")
      AND k.shape OPERATOR(pg_catalog.<@) f.columns)
  ORDER BY k.place LIMIT 1) AS t
WHERE f.readable AND f.code IS NULL AND t.version = ANY (f.plain) AND (t.grouped IS NULL OR t.grouped = ANY (f.plain))
  AND f.bytes <= {versions.MOST_BYTES}"""  # noqa: S608 built of constants
    return _each("version_tables.rows", "version_tables", statements, "by_tid")
