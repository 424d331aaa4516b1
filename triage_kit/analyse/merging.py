"""Rows of a copy back into the damaged tables, none of them twice, and nothing that stands changed.

Parents come before children, so that foreign keys let the rows in; generated columns are left out, identities keep
their numbers, and sequences are set past them afterwards. A table without a key, or whose key is deferrable, is refused
or doubled by ON CONFLICT (PostgreSQL documentation, INSERT): its rows are compared. A migration tool's own notes stay
out: they say what ran before the copy was made. A table that refers to itself is filled by one statement, after which
its keys are checked; the keys of tables that refer to each other are checked at the commit (``circles``).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby

import networkx as nx
import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse import circles, comparing, consumers, declared, orphans
from triage_kit.analyse.applied import notes_versions
from triage_kit.analyse.context import first, rows
from triage_kit.analyse.forms import Form
from triage_kit.analyse.forms import forms as forms_of
from triage_kit.analyse.losses import Loss, literal, pattern, relations_of, remarked, written

# The freeze list made every new session of the damaged database read-only: this shell's own ones write in spite of it.
# Row security must not hide rows that stand from the comparison, which would put them in again.
WRITES = (
    'export PGOPTIONS="${PGOPTIONS-} -c default_transaction_read_only=off -c row_security=off"  # all others stay '
    "read-only"
)
IN_PSQL = ("SET default_transaction_read_only = off;", "SET row_security = off;")
MOST_COUNTED = 40  # tables whose numbers of rows one query tells
MOST_MERGED = 30  # tables whose statements a page holds
MOST_NAMED = 4
PIPED = "triage_rows"  # the temporary table through which rows of a copy come
_AS_FILE = re.compile(r"[\w-]{1,80}")  # a name that is in the name of its file as it stands
TOOLS = "as `alembic stamp`, `manage.py migrate --fake`, `prisma migrate resolve` or `flyway baseline` do"


def bring_back(lost: Loss, evidence: Mapping[str, pd.DataFrame], source: str, tables: Sequence[str]) -> tuple[str, ...]:
    """Copy the lost rows out of the restored database into this one; rows that stand here already are left alone.

    ``source`` holds the options by which psql and pg_dump reach the restored database, ``tables`` are those that it
    holds: of migration tools' notes among them both sides are shown, and nothing is written. Sequences are left out of
    the copy, since theirs are older, and are set past the rows that came back.
    """
    database = f"--dbname={shlex.quote(first(evidence['identity']).get('database') or 'DATABASE')}"
    names = [name for name in tables if not notes_versions(name)]
    noted = [name for name in tables if notes_versions(name)]
    own, older = _sequences(evidence), _for_older(evidence)
    absent = [name for name in names if lost.found.get(name, {}).get("status") == "missing"]
    ordered = parents_first([name for name in names if name not in absent], evidence)
    forms, round_ = forms_of(ordered, evidence, lost.parts), circles.of(ordered, evidence)
    lines: list[str] = []
    into = f"psql -X --set=ON_ERROR_STOP=1 --single-transaction --quiet {database}"
    if absent:
        chosen = " ".join(f"--table={pattern(name)}" for name in absent)
        lines.append(f"pg_dump {source} {chosen}{older} | {into} > /dev/null")
    held = orphans.conditions(ordered, evidence, lambda _: PIPED)
    held = {name: each for name, each in held.items() if forms[name].kind == "table" and forms[name].columns}
    for alone, group in groupby(ordered, key=lambda name: forms[name].by_itself or name in held):
        if alone:
            lines += [_through_pipe(forms[name], source, into, held.get(name, "")) for name in group]
            continue
        # Many rows to a statement for speed; columns by name, since 13 refuses generated ones among many rows, and the
        # table may have got others since.
        dumps = "; ".join(
            f"pg_dump {source} --data-only --column-inserts --rows-per-insert=1000 --on-conflict-do-nothing "
            f"--table={pattern(name)}"
            + "".join(f" --exclude-table-data={pattern(each['name'])}" for each in own.get(name, ()))
            + older
            for name in group
        )
        lines.append(f"{{ {dumps}; }} | {into} > /dev/null")
    lines += [f"psql -X --set=ON_ERROR_STOP=1 {database} --command={shlex.quote(each.removesuffix(';'))}"
              for each in sequence_lines(ordered, evidence)]  # fmt: skip
    if lines:
        late, again = ([f"psql -X --set=ON_ERROR_STOP=1 {database} --command={shlex.quote(each)}" for each in told]
                       for told in (circles.late(round_), circles.again(round_)))  # fmt: skip
        told = [f"# {each}" for each in (*_beware(ordered, evidence, lost), *circles.told(round_))]
        lines = [*told, WRITES, *late, *lines, *again, *_made_anew(lost, names, database)]
        lines += _counts(names, source, database)
        lines += comparing.piped(comparing.shown(forms, lost.renewed()), source, into, PIPED)
    return (*lines, *_left_out(noted, evidence, source, database))


def _named_beside(suffix: str, name: str) -> str:
    schema, table = schemas.parts(name)
    return sql.quote_qualified(schema, table + suffix)


def _loaded(names: Sequence[str], evidence: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """A table beside each one that stands, and the rows of its file into it.

    It has the columns and nothing else: a value that could not be read is NULL in the file, and LIKE would refuse it by
    the NOT NULL of ours (PostgreSQL documentation, CREATE TABLE).
    """
    forms = forms_of(names, evidence)
    for name in names:
        schema, table = schemas.parts(name)
        beside = _named_beside("_salvaged", name)
        if not (_AS_FILE.fullmatch(schema) and _AS_FILE.fullmatch(table)):
            yield f"-- for {remarked(name)}: the lines that the salvage prints, since its file has another name"
            continue
        listed, file = _listed(forms[name].columns), literal(f"salvaged/{schema}.{table}.csv")
        yield f"CREATE TABLE {beside} AS SELECT {listed} FROM {written(name)} WITH NO DATA;"  # noqa: S608 quoted names
        yield f"\\copy {beside} ({listed}) FROM {file} (FORMAT csv, HEADER)"


def _parts(lost: Loss, names: Sequence[str]) -> list[declared.Part]:
    """What of the tables that a way back fills went with the rows, and the foreign keys that led to them."""
    return [each for each in lost.parts if each.table in names or each.referenced in names]


def _made_anew(lost: Loss, names: Sequence[str], database: str) -> Iterator[str]:
    """Keys, numbering, indexes and triggers that went with the rows, in the shell, when the rows are in."""
    parts = _parts(lost, names)
    yield from (f"# {remarked(each)}" for each in declared.remarks(parts))
    for each in declared.anew(parts):
        yield f"psql -X --set=ON_ERROR_STOP=1 --quiet {database} --command={shlex.quote(each)} > /dev/null"


def merged(
    names: Sequence[str],
    evidence: Mapping[str, pd.DataFrame],
    suffix: str,
    lost: Loss,
    wait: bool = False,
) -> Iterator[str]:
    """Statements that put the rows of tables beside (their names end in ``suffix``) into those that stand.

    Rows are told apart by a key that the tables have lost, too. Those that stand under a key with other values are
    shown in the end.
    ``wait`` leaves rows whose parents are not there beside, and those that lack a value that must not be NULL;
    otherwise the first of them ends it all with an error, as it should where the tables beside are dropped afterwards.
    """
    standing = relations_of(evidence)
    ordered = parents_first([name for name in names if name in standing and not notes_versions(name)], evidence)
    forms, round_ = forms_of(ordered, evidence, lost.parts), circles.of(ordered, evidence)
    whole = {name: told for name, each in forms.items() if (told := _whole(each))}
    held = orphans.conditions(ordered, evidence, partial(_named_beside, suffix), whole) if wait else {}
    rings = orphans.circling(ordered, evidence) if wait else []
    done: set[str] = set()
    yield from (f"-- {each}" for each in circles.told(round_))
    yield from (f"{each};" for each in circles.late(round_))
    for name in ordered:
        beside, condition = _named_beside(suffix, name), held.get(name, "")
        if ring := next((each for each in rings if name in each), None):
            if all(each not in done for each in ring):
                yield from (f"{each};" for each in orphans.marked(ring, partial(_named_beside, suffix), held))
            condition = f"NOT triage_old.{orphans.WAITS}"
        done.add(name)
        yield f"{_insert(forms[name], beside, condition)};"
        if condition:
            lacks = ["their parents"] if condition != whole.get(name) else []
            lacks += ["a value that must not be NULL"] if name in whole else []
            yield orphans.waiting(name, beside, condition, f"wait beside for {' or '.join(lacks)}")
    if round_:
        yield "SET CONSTRAINTS ALL IMMEDIATE;"  # a key cannot be set back while its checks are to come
    yield from (f"{each};" for each in circles.again(round_))
    yield from sequence_lines(ordered, evidence)
    if renewed := comparing.shown(forms, lost.renewed()):
        yield f"-- {comparing.SAYS}:"
        yield from (f"{comparing.query(form, _named_beside(suffix, form.name))};" for form in renewed)


def out_of_salvage(lost: Loss, names: Sequence[str], evidence: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """What follows when ``triage salvage`` has written its files: they are loaded beside, and merged from there."""
    standing = relations_of(evidence)
    kept = [name for name in names if not notes_versions(name)]
    own, gone = ([name for name in kept if (name in standing) == there] for there in (True, False))
    lines: list[str] = []
    if gone:
        more = f" and {len(gone) - 4} more" if len(gone) > 4 else ""
        named = remarked(", ".join(gone[:4]))
        lines.append(f"# {named}{more} must be made anew by the migrations before rows can go back there")
    if len(own) > MOST_MERGED:
        lines.append(f"# then into each of {len(own)} tables, parents first, what the one beside has, OVERRIDING "
                     "SYSTEM VALUE and ON CONFLICT DO NOTHING; setval() of their sequences in the end")  # fmt: skip
    elif own:
        lines += [
            "# it writes salvaged/*.csv; look at salvaged/*.unread.csv, where it is: what it names is NULL in the rows."
            " Then, in psql started in the same folder, load them into tables beside and put them back; leave out the "
            "lines of a table of which no row was found. Rows that lack a value that must not be NULL wait beside: set "
            "it there, and run the lines from BEGIN on again:",
            *(f"-- {each}" for each in _beware(own, evidence, lost, beside=True)), *IN_PSQL,
            *_loaded(own, evidence),
            "BEGIN;", *merged(own, evidence, "_salvaged", lost, wait=True),
            "COMMIT;  -- or ROLLBACK; where the counts are not what they should be",
            *in_psql(lost, own),
        ]  # fmt: skip
    return (*lines, *_without_notes((*names, *lost.notes)))


def in_psql(lost: Loss, names: Sequence[str]) -> Iterator[str]:
    """The same for psql: each statement by itself, so that one that is refused undoes no other."""
    parts = _parts(lost, names)
    yield from (f"-- {remarked(each)}" for each in declared.remarks(parts))
    yield from (f"{each};" for each in declared.anew(parts))


def _beware(
    names: Sequence[str], evidence: Mapping[str, pd.DataFrame], lost: Loss, beside: bool = False
) -> Iterator[str]:
    """What may go wrong though every statement succeeds, or why one is refused, each in a sentence."""
    if told := consumers.beware(consumers.worked_off(names, evidence)):
        yield f"beware: {told}"
    forms = forms_of(names, evidence, lost.parts)
    bare = [name for name in names if forms[name].kind == "table" and not forms[name].key
            and lost.found.get(name, {}).get("status") == "partial"]  # fmt: skip
    if bare:
        yield (
            f"beware: {few(bare)} {'has' if len(bare) == 1 else 'have'} no key: a row that was changed since the copy "
            "was made comes back beside its newer version; look for both before anybody works with them"
        )
    for parent, children in _without_parents(names, evidence, lost).items():
        yield (
            f"beware: {few(children)} {'refers' if len(children) == 1 else 'refer'} to {remarked(parent)}, which lost "
            "rows that this does not bring back: as long as these are not there, rows that refer to them are "
            + ("left in the tables beside, and counted" if beside else "left out, and counted")
        )


def few(names: Sequence[str]) -> str:
    """Names as a remark tells them, the first of many."""
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return remarked(", ".join(names[:MOST_NAMED])) + more


def _without_parents(names: Sequence[str], evidence: Mapping[str, pd.DataFrame], lost: Loss) -> dict[str, list[str]]:
    """Damaged tables that are not among those that are filled, with the ones among these that refer to them."""
    found: dict[str, list[str]] = {}
    left = [name for name in lost.tables if name not in names and not notes_versions(name)]
    for child, parent, _ in circles.keys([*names, *left], evidence):
        if child in names and parent in left and child not in found.setdefault(parent, []):
            found[parent].append(child)
    return {parent: children for parent, children in found.items() if children}


def _without_notes(names: Sequence[str]) -> list[str]:
    """That the tables of migration tools are left out, and why."""
    noted = [name for name in names if notes_versions(name)]
    if not noted:
        return []
    named = remarked(", ".join(noted))
    return [
        f"# {named} {'is' if len(noted) == 1 else 'are'} left out: a migration tool notes there what has "
        "run, and by the notes of an older copy it runs a migration again or skips one. Before the next deployment set "
        f"it with the tool itself, {TOOLS}, to what this database has really run"
    ]


def _left_out(names: Sequence[str], evidence: Mapping[str, pd.DataFrame], source: str, database: str) -> Iterator[str]:
    """The notes of migration tools: what the copy says and what stands, to be compared by people."""
    told, standing = _without_notes(names), relations_of(evidence)
    yield from told
    for name in names:
        query = shlex.quote(f"SELECT * FROM {written(name)}")  # noqa: S608 quoted name
        yield f"psql -X {source} --command={query}"
        if name in standing:
            yield f"psql -X {database} --command={query}"


def _counts(names: Sequence[str], source: str, database: str) -> Iterator[str]:
    """How many rows the copy and the tables hold, so that what is compared is told."""
    if not 0 < len(names) <= MOST_COUNTED:
        return
    query = shlex.quote(" UNION ALL ".join(f"SELECT {literal(name)}, count(*) FROM {written(name)}" for name in names))  # noqa: S608
    yield "# compare how many rows the copy has and how many stand now:"
    yield f"psql -X {source} --command={query}"
    yield f"psql -X {database} --command={query}"


def _through_pipe(form: Form, source: str, into: str, condition: str) -> str:
    """Rows of one table through a temporary one, from which those that do not stand and find their parents go in."""
    listed, here = _listed(form.columns), written(form.name)
    steps = [
        f"CREATE TEMP TABLE {PIPED} AS SELECT {listed} FROM {here} WITH NO DATA",  # noqa: S608 quoted names
        f"COPY {PIPED} FROM STDIN (ENCODING 'UTF8')",
        _insert(form, PIPED, condition),
    ]
    if condition:
        steps.append(orphans.waiting(form.name, PIPED, condition, "are left out, for their parents are not here"))
    out = f"COPY (SELECT {listed} FROM {here}) TO STDOUT (ENCODING 'UTF8')"  # noqa: S608 quoted names
    commands = " ".join(f"--command={shlex.quote(each)}" for each in steps)
    return f"psql -X {source} --command={shlex.quote(out)} | {into} {commands}"


def _insert(form: Form, beside: str, condition: str = "") -> str:
    """The statement that puts the rows of a table beside into the one that stands, but none that stands there.

    ``condition`` is what a row of ``triage_old`` must meet, besides.
    """
    listed, here = _listed(form.columns), written(form.name)
    into = f"INSERT INTO {here} ({listed}) OVERRIDING SYSTEM VALUE SELECT {listed} FROM"
    if form.key and not form.deferrable:
        chosen = f"{beside} AS triage_old WHERE {condition}" if condition else beside
        return f"{into} {chosen} ON CONFLICT DO NOTHING"
    if form.key:
        same = " AND ".join(f"triage_now.{each} = triage_old.{each}" for each in map(sql.quote_ident, form.key))
        absent = f"NOT EXISTS (SELECT FROM {here} AS triage_now WHERE {same})"
        return f"{into} {beside} AS triage_old WHERE {absent}" + (f" AND {condition}" if condition else "")
    # Alike as texts, since not every type can be compared; of rows that are alike as many as the copy has.
    counted = f"SELECT triage_now::text AS triage_row, count(*) AS triage_stand FROM (SELECT {listed} FROM {here})"  # noqa: S608
    numbered = "*, triage_old::text AS triage_row, row_number() OVER (PARTITION BY triage_old::text) AS triage_nth"
    chosen = f" AS triage_old WHERE {condition}" if condition else ""
    copied = f"SELECT {numbered} FROM (SELECT {listed} FROM {beside}{chosen}) AS triage_old"  # noqa: S608 quoted names
    missing = (
        f"({copied}) AS triage_copy LEFT JOIN ({counted} AS triage_now GROUP BY 1) AS triage_here USING (triage_row) "
        "WHERE triage_nth > coalesce(triage_stand, 0)"
    )
    return f"{into} {missing}" + ("" if form.deferrable else " ON CONFLICT DO NOTHING")


def _whole(form: Form) -> str:
    """That a row of ``triage_old`` has every value that must not be NULL; nothing where any may be."""
    listed = ", ".join(f"triage_old.{sql.quote_ident(each)}" for each in form.filled)
    return f"num_nulls({listed}) = 0" if listed else ""


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(map(sql.quote_ident, columns))


def _for_older(evidence: Mapping[str, pd.DataFrame]) -> str:
    """What takes out of a dump the setting that pg_dump of 17 and later writes and an older server refuses."""
    major = str(first(evidence["identity"]).get("version") or "").partition(".")[0]
    newer = not major.isdigit() or int(major) >= 17
    return "" if newer else " | sed '1,40{/^SET transaction_timeout = 0;$/d;}'"


def parents_first(names: Sequence[str], evidence: Mapping[str, pd.DataFrame]) -> list[str]:
    """Tables in an order in which foreign keys let their rows in; those of a circle as they come."""
    keys = nx.DiGraph()
    keys.add_nodes_from(names)
    keys.add_edges_from((parent, child) for child, parent, _ in circles.keys(names, evidence) if parent != child)
    rings = nx.condensation(keys)
    order = nx.lexicographical_topological_sort(rings, key=lambda node: min(rings.nodes[node]["members"]))
    return [name for node in order for name in sorted(rings.nodes[node]["members"])]


def sequence_lines(names: Sequence[str], evidence: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Statements that set the sequences of some tables past the rows that came back."""
    own = _sequences(evidence)
    for name in names:
        for each in own.get(name, ()):
            if each["column"]:
                column, sequence = sql.quote_ident(each["column"]), written(each["name"])
                yield (
                    f"SELECT setval({literal(sequence)}, greatest((SELECT max({column}) FROM {written(name)}), "  # noqa: S608
                    f"(SELECT last_value FROM {sequence})));"
                )


def _sequences(evidence: Mapping[str, pd.DataFrame]) -> dict[str, list[dict]]:
    tables = {row["oid"]: schemas.qualified(row["schema"], row["name"]) for row in rows(evidence["relations"])}
    found: dict[str, list[dict]] = {}
    for row in rows(evidence["sequences"]):
        if row["table_oid"] in tables:
            name = schemas.qualified(row["schema"], row["name"])
            found.setdefault(tables[row["table_oid"]], []).append({"name": name, "column": row["column"]})
    return found
