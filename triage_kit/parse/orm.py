"""Calls of object-relational mappers and query builders that remove or hide rows, in languages without a parser here.

ActiveRecord, Sequelize, TypeORM, Prisma, Knex, Objection, Kysely, Drizzle, MikroORM, Supabase's client, Eloquent and
Laravel's query builder, Doctrine, Phinx, Yii, GORM, ent, bun, squirrel, Spring Data, jOOQ, Exposed, Entity Framework,
FluentMigrator, Ecto, Diesel, SeaORM, Fluent and R's DBI: each call as its documentation writes it. What looks the same
but reaches no database (a route, a set, a cache, a file) differs in its chain, its arguments or what it is called on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from triage_kit.parse import orm_compiled, orm_javascript, orm_php
from triage_kit.parse.chains import Call, blank_literals, call_at
from triage_kit.parse.code import only_held, told
from triage_kit.parse.migration import Operation
from triage_kit.parse.orm_rules import Reader, Rule, Told, limited, named
from triage_kit.sql import hides_rows

_MOST_CALLS = 2_000
_TEXT_LIMIT = 4_000

# Ruby
_CONSTANT = re.compile(r"\A\s*(?:::)?((?:[A-Z]\w*::)*[A-Z]\w*)(?=[.&])")
_ASSOCIATION = re.compile(r"\A(?:@\w+|\w+)[.&]+(?:\w+[.&]+)*?([a-z]\w*)")
_NO_RECORDS = frozenset(("Rails", "File", "Dir", "FileUtils", "Redis", "Sidekiq", "ActionMailer", "Resque", "Find"))
_RUBY_COLUMN = re.compile(r"(?:\A|[\s,({])['\":]?(\w+)['\"]?\s*(?::|=>)\s*(nil|false|true)?")


# A key compared with one value, no list or range of them.
_ONE_RECORD = re.compile(
    r"\.where\(\s*:?(?:id|uuid)\s*(?::|=>)\s*(?![\[(])(?!\w*(?:ids|uuids|s)\b)(?![^()]*(?:pluck|map|select|\.\.))"
)


def _held(call: Call, text: str) -> Call:
    """The call with a local name or a block's, with which its chain begins, written out as what it holds."""
    begins = re.match(r"[a-z_]\w*", call.chain)
    if begins is None:
        return call
    name, before = re.escape(begins[0]), text[max(0, call.found.start() - _HELD_NEAR) : call.found.start()]
    pattern = rf"(?m)^[ \t]*{name}[ \t]*=[ \t]*((?:::)?[A-Z][^\n]*)$|{_BLOCK_OF}\|{name}\|"
    held = re.findall(pattern, before)
    chain = next((each for each in held[-1] if each), "") if held else ""
    return call._replace(chain=chain + call.chain[begins.end() :]) if chain else call


_HELD_NEAR = 1_000
_BLOCK_OF = r"((?:::)?[A-Z][\w:]*\.[^\n]{0,200}?)[ \t]*(?:\bdo\b|\{)[ \t]*"


def _record(call: Call) -> str | None:
    """The class whose rows a chain of ActiveRecord selects, or the association; None where it is something else."""
    owner = call.name(_CONSTANT, call.chain + ".")
    if owner:
        return None if owner.split("::")[0] in _NO_RECORDS else owner.rsplit("::", 1)[-1]
    return call.name(_ASSOCIATION, call.chain + ".") or None


_OWN_CLASS = re.compile(
    r"(?m)^\s*class\s+(?:\w+::)*([A-Z]\w*)\s*<\s*(?:\w+::)*(?:ApplicationRecord|ActiveRecord::Base|Base)\b"
)


def _own_record(call: Call, text: str) -> str | None:
    """The class of a model whose own method selects rows without saying of what."""
    scope = re.fullmatch(r"\s*([a-z]\w*)\s*", call.chain)
    own = scope is not None and re.search(rf"\bscope\s+:{scope[1]}\b", text) is not None
    if not own and not re.match(r"\A\s*(?:where|unscoped|joins|left_joins|order|limit|all|not)\b", call.chain):
        return None
    classes = _OWN_CLASS.findall(text[: call.found.start()])
    return classes[-1] if classes else None


def _ruby_delete(call: Call, text: str) -> Told | None:
    call = _held(call, text)
    owner = _own_record(call, text) or _record(call)
    return Told("delete", owner, limited(call) or "_by" in call.found[0]) if owner else None


def _ruby_update(call: Call, text: str) -> Told | None:
    call = _held(call, text)
    owner, given = _record(call), _RUBY_COLUMN.findall(call.arguments)
    hides = any(
        hides_rows(column, value == "nil", {"false": False, "true": True}.get(value)) for column, value in given
    )
    bounded = limited(call)
    hides = hides and not _ONE_RECORD.search(call.chain)
    if owner is None or not (hides or not bounded):
        return None
    changes = [column for column, _ in given] or re.findall(r"[\s'\",](\w+)\s*=[^=>~]", f" {call.arguments}")
    return Told("update", owner, bounded, "visibility" if hides else "values", tuple(changes))


def _ruby_row(call: Call, text: str) -> Told | None:
    """``Order.where(…).find_each { |order| order.destroy }``: the row of a block that goes through a query."""
    held = _held(call, text)
    owner = _record(held) if held is not call and _GOES_THROUGH.search(held.chain) else None
    return Told("delete", owner, limited(held)) if owner else None


_GOES_THROUGH = re.compile(r"\.(?:find_each|each|find_in_batches|in_batches|each_with_index)\b")
_RUBY = [
    Rule("|", re.compile(r"(?<=\w)\.(?:destroy|delete)\b!?(?![\w(?])"), _ruby_row),
    Rule("_all", re.compile(r"[.&](?:delete_all|destroy_all)\b"), _ruby_delete),
    Rule(
        "&:",
        re.compile(r"[.&](?:in_batches|find_each|each)\(&:(?:delete_all|destroy_all|delete|destroy)!?\)"),
        _ruby_delete,
    ),
    # [Scan, Parcel].each(&:delete_all)
    Rule(
        "&:",
        re.compile(r"(?<=[\[,\s])(?P<name>[A-Z]\w*)(?=[\w\s,:]{0,400}\]\.each\(&:(?:delete_all|destroy_all)\))"),
        named("delete", bounded=False),
    ),
    Rule("_by", re.compile(r"\.(?:delete_by|destroy_by)\b"), _ruby_delete),
    Rule("update_all", re.compile(r"\.update_all\b"), _ruby_update),
]

# Elixir
_ECTO_SOURCE = re.compile(r"\bin\s+\"?([A-Za-z]\w*(?:\.\w+)*)|\A\s*([A-Z][\w.]*)|from\(\s*([A-Z][\w.]*)")


_ECTO_PIPED = re.compile(r"\bfrom\b[ (]+\w+\s+in\s+\"?([A-Za-z][\w.]*)|([A-Z][\w.]*)\s*\|>")


def _ecto(call: Call, text: str) -> Told:
    source = call.name(_ECTO_SOURCE, call.arguments)
    piped = text[max(0, call.found.start() - _HELD_NEAR) : call.found.start()]
    if not source and re.search(r"\|>\s*(?:\w+\.)*\Z", piped):
        source = next((name for found in reversed(_ECTO_PIPED.findall(piped)) for name in found if name), "")
    return Told(
        "delete",
        source.rsplit(".", 1)[-1],
        bool(re.search(r"\bwhere\b|\|>|\A\s*[a-z]\w*\s*\Z|\A\s*\Z", call.arguments)),
    )


def _ecto_column(call: Call, text: str) -> Told:
    table = re.findall(r"\balter\s*\(?\s*table\(\s*:(\w+)", text[: call.found.start()])
    return Told("drop_column", ".".join(filter(None, (table[-1] if table else "", call.found["name"]))))


# Ecto's macro stands by itself; Map.drop and its like take keys out of a value.
ECTO_DROP = r"(?<![\w.])(?:Ecto\.Migration\.)?drop(?:_if_exists)?[ (]\s*table"
_ELIXIR = [
    Rule("delete_all", re.compile(r"\bRepo\.delete_all\b(?=\()"), _ecto),
    Rule("drop", re.compile(rf"{ECTO_DROP}\(\s*[:\"](?P<name>\w+)"), named("drop_table")),
    Rule("remove", re.compile(r"(?m)^\s*remove(?:_if_exists)?[ (]\s*:(?P<name>\w+)"), _ecto_column),
]

# Swift and R
_FLUENT_MODEL = re.compile(r"\b([A-Z]\w*)\.query\(on:")
_FLUENT_TABLE = re.compile(r"\.schema\(\s*(?:\"([\w.]+)\"|([A-Z]\w*)\.schema)")


def _fluent(call: Call, text: str) -> Told | None:
    """Vapor's Fluent: ``Hold.query(on: db)….delete()`` takes rows, ``db.schema("holds").delete()`` the table."""
    if table := call.name(_FLUENT_TABLE):
        if "Field" in call.found[0]:
            column = call.name(re.compile(r"\A\s*(?:\"(\w+)\"|\.(\w+))"), call.arguments)
            return Told("drop_column", ".".join(filter(None, (table, column))))
        return Told("drop_table", table)
    model = call.name(_FLUENT_MODEL)
    return Told("delete", model, limited(call)) if model and "Field" not in call.found[0] else None


_R_TABLE = re.compile(
    r"(?:\bschema\s*=\s*[\"'](?P<schema>\w+)[\"']\s*,\s*)?(?:\btable\s*=\s*|\A[^,]*,\s*(?:name\s*=\s*)?(?:(?:DBI::)?(?:SQL|Id)\(\s*)?)"
    r"[\"'](?P<name>[\w.]+)[\"']|(?:\b(?:name|layer|table)\s*=\s*|,\s*)[\"'](?P<other>[\w.]+)[\"']"
)


def _r_table(operation: str) -> Reader:
    """A call of R that is given its connection and a table."""

    def read(call: Call, text: str) -> Told:
        told = _R_TABLE.search(call.arguments)
        name = told["name"] or told["other"] if told else ""
        return Told(operation, f"{told['schema']}.{name}" if told and told["schema"] else name)

    return read


def _r_write(call: Call, text: str) -> Told | None:
    """A frame as a table: a new one, where it is temporary or neither replaces nor continues one that stands."""
    given = {name: value[0] == "T" for name, value in _R_GIVEN.findall(call.arguments)}
    passing = given.get("temporary", call.found[0] == "copy_to")
    replaces = any(map(given.get, ("overwrite", "delete_layer", "delete_dsn")))
    if given.get("append"):
        return None
    return _r_table("drop_table" if replaces and not passing else "create_table")(call, text)


_R_GIVEN = re.compile(r"\b(temporary|overwrite|append|delete_layer|delete_dsn)\s*=\s*(T(?:RUE)?|F(?:ALSE)?)\b")
_SWIFT = [Rule("delete", re.compile(r"\.delete(?:Field)?\b(?=\()"), _fluent)]
_R = [
    Rule("(", re.compile(r"\b(?:dbWriteTable|dbCreateTable|copy_to|st_write|write_sf)\b(?=\()"), _r_write),
    Rule("db", re.compile(r"\b(?:dbRemoveTable|db_drop_table)\b(?=\()"), _r_table("drop_table")),
    Rule("sql", re.compile(r"\bsqlDrop\b(?=\()"), _r_table("drop_table")),
    Rule("sql", re.compile(r"\bsqlClear\b(?=\()"), _r_table("delete")),
]  # fmt: skip

_LANGUAGES = {
    ("rb", "rake"): _RUBY,
    ("js", "jsx", "ts", "tsx", "mjs", "cjs", "vue"): orm_javascript.RULES,
    ("php",): orm_php.RULES,
    ("go",): orm_compiled.GO,
    ("java", "kt", "scala", "groovy"): orm_compiled.JVM,
    ("cs",): orm_compiled.CSHARP,
    ("ex", "exs"): _ELIXIR,
    ("rs",): orm_compiled.RUST,
    ("swift",): _SWIFT,
    ("r",): _R,
}
RULES = {suffix: rules for suffixes, rules in _LANGUAGES.items() for suffix in suffixes}


def orm_calls(text: str, suffix: str) -> Iterator[Operation]:
    """Operations of a mapper's calls in text whose comments are blanked already.

    >>> [(each.operation, each.object, each.bounded) for each in orm_calls("Order.where(a: 1).delete_all", "rb")]
    [('delete', 'Order', True)]
    """
    rules = [each for each in RULES.get(suffix, ()) if each.clue in text and each.needs(text)]
    text = _LONG_LINE.sub(r"\1", text) if rules else ""
    blanked = blank_literals(text)
    for rule in rules:
        for found in islice(rule.pattern.finditer(blanked), _MOST_CALLS):
            written = rule.pattern.match(text, found.start())
            call = call_at(text, blanked, written or found)
            does = rule.read(call, text)
            if does is not None and not only_shown(call, text, found.start()):
                line = text.count("\n", 0, found.start()) + 1
                shown = _line(text, found.start())
                made = Operation(line, "", does.operation, does.object, does.bounded, text=shown, how="pattern")
                made.loses, made.changes = does.loses, does.changes
                yield made


# The text of a statement that is made; who made it may still send it.
_MADE = re.compile(
    r"(?:\s*(?:\.|->)\w+\([^()]{0,400}\))*\s*(?:\.|->)"
    r"(?:toSQL|toSql|to_sql|toString|toQuery|toRawSql|getSQL|ToQueryString|compile)\b(?:\(\))?(?:(?:\.|->)sql\b)?"
)


def only_shown(call: Call, text: str, at: int) -> bool:
    """Whether a call ends as text that is only looked at or told to somebody."""
    made = _MADE.match(call.following)
    start = at - len(call.chain)
    if made is None:
        return False
    return only_held(call.following, 0, made.end()) or only_held(text, start, at) or told(text, start)


# A minified line holds no call of a person; looking through it would take the square of its length.
_LONG_LINE = re.compile(r"(?m)^(.{2000}).+$")


def _line(text: str, at: int) -> str:
    end = text.find("\n", at)
    return text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else None].strip()[:_TEXT_LIMIT]
