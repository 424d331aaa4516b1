# ruff: noqa: E501 tables of patterns
"""Calls that remove rows, columns or tables by what their names say, in any language and of any tool.

The readers of single tools know how each writes its calls. Here a call is taken whose name is a word of removal (alone,
or with ``table``, ``column``, ``all``, ``where`` …, however its words are joined) and that is given a table or a class
of rows, or is called on one. Whether it reaches a database is told by that: maps, caches, files, elements of a page and
routes have the same verbs, but are called on other things and are given keys, paths and values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import PurePosixPath

from triage_kit.parse.chains import Call, blank_literals, call_at
from triage_kit.parse.code import only_held, told
from triage_kit.parse.migration import Operation
from triage_kit.parse.orm import only_shown
from triage_kit.parse.orm_rules import limited
from triage_kit.parse.other_languages import without_comments

_MOST = 500
_NEAR = 1_500
_MOST_HELD = 50_000  # characters in which a name's value is looked for
_TEXT_LIMIT = 4_000

_START = r"(?:(?P<join>(?:\|>|%>%|>>)\s*(?:\w+\.)*|\?\.|!\.|&\.|->|::|(?<!\.)\.)|(?<![\w@/#.>:-]))"
_GENERIC = r"(?P<generic>(?:::)?<[\w.:]{1,80}>|\[[A-Z][\w.]{0,80}\])?"
_VERB = r"(?:drop|remove|delete|destroy|truncate|purge|clear|wipe|reset|erase|empty|nuke|rm)"
_STRUCTURE = re.compile(
    rf"{_START}(?i:(?P<verb>{_VERB}|create|add)[_-]?(?P<all>all[_-]?)?(?P<noun>tables?|columns?|schemas?|databases?)"
    rf"(?:[_-]?(?:if[_-]?(?:not[_-]?)?exists|async|sync|all|cascade|now))*)[!_]?{_GENERIC}(?![\w-])(?=\s?\(|\s+[:#\"'`]|[;\n])"
)
_ROWS = re.compile(
    rf"{_START}(?P<name>(?i:(?:create|new|build)?(?P<bulk>bulk[_-]?|mass[_-]?|criteria)?(?P<verb>deletes?|destroy|remove|truncate|purge|wipe|erase|nuke|"
    r"trash|clear|drop|del)(?:able|[_-]?(?P<mass>all|many|where|batch|in[_-]?batch(?:es)?|rows|records|any|from|range|"
    r"expired|older\w*|by_\w+|by[A-Z]\w*))?(?:[_-]?(?:async|now|sync|returning|permanently))*))"
    rf"[!_]?{_GENERIC}(?![\w-])(?=\(|\.(?i:where)\(|[ \t]*(?:[{{;\n)}}#]|\|>|\Z))"
)
# What a file that speaks to a database says somewhere.
_SPEAKS = ("sql", "postgre", "jdbc", "migrat", "database", "entity", "entities", "schema", "persist", "transaction",
           "active_record", "activerecord", "mutation", "delete_where", "deletewhere", ".where(", ":where")  # fmt: skip
_CONTEXT_CLUES = ("pg", "orm", "db", "dao", "repo", "quer", "where", "table(")  # one stands in all that follows
_CONTEXT = re.compile(
    r"(?<![a-z])(?:pg|orm|db|dao)(?![a-z])|(?<![a-z])repo(?:sitor)?|(?<!j)quer(?:y|ies)|"
    r"(?<![a-z])where\w{0,12}\s*[({[]|table\(\s*['\"]"
)
# Stores that are no PostgreSQL, and frames: their tables, rows and collections are removed by the same words.
_OTHERS = """
dexie indexeddb indexed_db pouchdb mongo dynamo firestore firebase elasticsearch opensearch neo4j bigquery cassandra
scylla hbase realm localforage memcache redis :ets mnesia pyspark polars pandas client-go controller-runtime kubernetes
k8s kafka rabbit localstorage airtable clickhouse snowflake mysql mariadb sqlite sqlserver mssql oracle duckdb leveldb
rocksdb badger bolt
"""
_OTHER_STORES = tuple(_OTHERS.split())
_POSTGRES = re.compile(
    r"(?i)postgre|psycopg|asyncpg|npgsql|\bpgx?\b|libpq|\bpq['\"]|migrat|\borm\b|jdbc|\becto\b|entit(?:y|ies)|repositor"
)

# A receiver that is a connection, a builder of statements or a mapper.
_SENDS = re.compile(
    r"(?i)(?:^|[.>:$@\s(_])(?:\w*db|pg|tx|trx|\w*conn(?:ection)?|database|\w*schema|forge|dsl|dsl_?context|sql|sq|psql|"
    r"goqu|knex|qb|\w*dsl|sql_?client|\w*query(?:_?builder|_?factory)?|builder|r|dialect|jdbc\w*|orm|engine|rdb|fsql|capsule|migrator|op|manager|h)"
    r"(?:\([^()]*\))?\Z"
)
_MAPS = re.compile(
    r"(?i)(?:^|[.>:$@\s(_])(?:\w*repo(?:sitory)?|session|em|\w*entity_?manager|\w*store|ctx|\w*context|server|provider|dao)"
    r"(?:\([^()]*\))?\Z"
)
# Classes that are no rows.
_NO_ROWS = re.compile(
    r"(?:File\w*|Path\w*|Dir\w*|\w*Cache\w*|\w*Redis\w*|\w*Session\w*|\w*Storage\w*|\w*Map|\w*Set|\w*List|\w*Array\w*|\w*Vec|"
    r"Dict\w*|Collections?|Arrays|Objects?|Hash\w*|Enum\w*|Keyword|\w*Queue\w*|\w*Topic\w*|Cookies?|\w*Http\w*|Axios|\w*Route\w*|"
    r"String\w*|Str|\w*Utils?|Registry|Agent|\w*Bucket\w*|S3\w*|Blob\w*|\w*Index|Document|\w*Element|Node|\w*Client|Math|Env|"
    r"Process|System|Console|Logger|Log|Rails|Sidekiq|\w*Job|\w*Mailer|\w*Controller|\w*Service|\w*Event\w*|\w*Listener\w*|"
    r"\w*Buffer|\w*Builder|Json|JSON|Module|Kernel|Faker|Form\w*|DOM\w*|\w*Observable|Subject|\w*Stack|Deque|\w*Pool|Tuple|"
    r"URL\w*|Url\w*|Uri|Headers?|Query|Sheet|\w*View|\w*Widget|Range|Text|Trie|Tree|Graph|Seq|Map\w*|Set\w*|List\w*|Vector|ETS|Data(?:Frame|frame)s?|"
    r"Assert\w*|Expect\w*|Mock\w*|Self|This|T|Gtk\w*|Qt\w*|Q[A-Z]?(?:Table|Tree|List)\w+|Locale|I18n|Config|Settings|Params?)\Z"
)
_LITERAL = r"""["'`](?:\{\{%?|#__)?(?P<literal>[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*){0,2})(?:\}\})?["'`]"""
_SYMBOL = r"(?<![\w:])[:#'](?P<symbol>[a-z_][\w.]*)"
_CLASS = (
    r"(?:&(?:\[\])?(?:\w+\.)*(?P<struct>[A-Z]\w*)\{|new\((?:\w+\.)*(?P<made>[A-Z]\w*)\)|typeof\((?:\w+\.)*(?P<type>[A-Z]\w*)\)|"
    r"\\?(?:\w+[\\.])*(?P<class>[A-Z]\w*)(?:::class|\.class|\.self)\b)"
)
_NAMED = re.compile(
    rf"""(?i:[\s(,{{\[])?["']?(?i:table(?:_?name)?|from|into|relation|entity|model)["']?\s*(?:=>|:|=)\s*(?:{_LITERAL}|{_SYMBOL})"""
)
_GIVEN = re.compile(rf"\s*[(\[{{]?\s*(?:\w+:\s*|\w+\s*=\s*)?(?:{_LITERAL}|{_SYMBOL}|{_CLASS})")
_BARE = re.compile(
    r"\s*(?:\w+\.)*(?P<name>[A-Z]\w*|[a-z_]\w*(?:::table|_?[tT]able)?)(?:\.(?:table|TABLE|\$|type|__table__))?\s*(?:[,)]|\Z)"
)
_LOOP = re.compile(r"\s*\w+\s+for\s+\w+\s+in\s+(?:\w+\.)?(?P<name>\w+)")
_ANY_SOURCE = re.compile(rf"(?i:\b(?:table|from|into)_?)\s*\(\s*(?:{_LITERAL}|{_SYMBOL})")
_CARRIER = re.compile(
    r"\A\s*(?:[\w.$]*(?:ctx|context|conn|connection|db|tx|session|executor|ds)|c|context\.\w+\(\))\s*,"
)
# A chain that names its table or class of rows by a call or an index.
_SOURCE = re.compile(
    rf"""(?i:(?<![a-z])(?:tables?|from|into|dataset|relation|query_?table|result_?set|collection|fetch_?table|table_for|get_?table|db|knex|trx|tx|conn)_?)"""
    rf"""\s*[(\[<]+\s*(?:{_LITERAL}|{_SYMBOL}|(?P<model>[A-Z]\w*)\b)|(?<![\w.])(?i:from_?|table)\s*\(\s*(?P<variable>[a-z_]\w+)\s*\)|"""
    r"""(?<=\.)from_\(\s*(?P<given>[a-z_]\w+)\s*\)"""
)
_QUERY_OF = re.compile(rf"(?:^|[.>:\s])(?i:query)\s*\(\s*{_LITERAL}\s*\)")
_OF_CLASS = re.compile(
    rf"(?i:(?<![a-z])(?:from|table|query|query_?of|model|entity|get_?repository|get_?repo|repository|find|find_?all|select|set|all|"
    rf"deleteable|delete|fetch)_?)\s*(?:\(\s*(?:{_CLASS}|(?P<model>[A-Z]\w*)\s*[,)])|(?:::)?[<\[]\s*(?:\w+\.)*(?P<generic>[A-Z]\w*)\s*[>\]])"
)
_CLASS_FIRST = re.compile(
    r"\A\s*(?:(?:await|return|try|yield|val|let|var|const|_|\w+\s*=)\s+)*(?:new\s+)?(?:\w+\.(?=[A-Z]))*"
    r"(?P<name>(?!(?:Where\w*|Filter\w*|Query\w*|Find\w*|Select|All|Objects|Unscoped|Include|OrderBy|AsNoTracking|Set|From|Table)\b)[A-Z]\w*)(?P<rest>.*)\Z",
    re.DOTALL,
)
_PICKS = re.compile(
    r"(?i)(?:\b|_)(?:where\w*|filter\w*|query|objects|select|search|find\w*|all|scope\w*|unscoped|with_deleted|having|new|create|"
    r"each|not|lt|gt|eq|before|after|limit|order_?by)!?\b"
)
_OF_DATABASE = re.compile(
    r"(?:\A|[\s(!])(?:this\.|self\.|@|\$this->)?_?(?i:db|tx|trx|database|orm|pg|sql|\w*dbcontext|_context|dal|schema)(?:\(\w*\))?"
    r"(?:\.|->)(?P<name>[A-Za-z_]\w*)(?P<rest>.*)\Z",
    re.DOTALL,
)
_NO_TABLE = re.compile(
    r"(?i)\A(?:session|cache|query|client|pool|collection\w*|meta\w*|connection|storage|logger|events?|listeners?|keys?|config|"
    r"transaction|tx|engine|schema|raw|fn|request|response|headers|params|body|data|options|info|stat\w*|buffer|state|index\w*)\Z"
)
_HOLDER = re.compile(r"(?:\A|[.>:$@\s(!])(?P<name>[A-Za-z]\w*?)_?(?:Repository|repository|Repo|repo|Dao|DAO|dao)\Z")
_KEEPS = re.compile(
    r"(?i)(?:^|[.>:$@\s(])(?:\w*(?:cache|map|set|list|registry|queue|array|items|ids|keys|headers|params|cookies?|storage|files?|"
    r"fs|path|dir|folder|element|node|dom|document|collection|buffer|stack|pool|bucket|s3|http|client|api|axios|router?|app|"
    r"route|listeners?|events?|subscriptions?|timers?|handlers?|children|selection|options|tokens|dict|vec|hash|logger|log))"
    r"(?:\([^()]*\))?\Z"
)
_DEFINES = re.compile(
    r"(?:\b(?:def|fn|func|fun|function|sub|proc|defn-?|defp|void|interface|abstract|method|procedure|macro|task|rule|Promise<\w+>)"
    r"[\s*]+(?:self\.|\w+::)?|\bfunc\s*\([^()]*\)\s*)\Z"
)
_BODY = re.compile(r"\s*(?::\s*[\w<>\[\], |]+\s*)?(?:throws\s+\w+\s*)?\{|\s*=>|\s*:\s*Promise")


def removals(text: str, path: str) -> Iterator[Operation]:
    """Operations of such calls in a file of code, in no order.

    >>> code = 'db.dropTable("orders"); table("lines").where("a").delete(); seen.delete("x"); Order.deleteMany()'
    >>> [(each.operation, each.object, each.bounded) for each in removals(code, "a.js")]
    [('drop_table', 'orders', None), ('delete', 'lines', True), ('delete', 'Order', False)]
    """
    lowered = f"{path}\n{text}".lower()
    if not _any(_SPEAKS, lowered) and not (_any(_CONTEXT_CLUES, lowered) and _CONTEXT.search(lowered)):
        return
    if _any(_OTHER_STORES, lowered) and not _POSTGRES.search(text):
        return
    text = _LONG_LINE.sub(r"\1", without_comments(text, PurePosixPath(path).suffix.lstrip(".").lower()))
    if path.endswith(_LISPS):
        text = text.replace("'", ":")
    blanked = blank_literals(text)
    yield from _forms(text, blanked, path.endswith(_LISPS))
    for pattern, read in ((_STRUCTURE, _structure), (_ROWS, _rows)):
        for found in islice(pattern.finditer(blanked), _MOST):
            if _DEFINES.search(blanked[max(0, found.start() - 60) : found.start()]):
                continue
            call = call_at(text, blanked, found)
            made = read(call, text)
            if made is None or _only_held(text, call) or only_shown(call, text, found.start()):
                continue
            made.line = text.count("\n", 0, found.end()) + 1
            made.text = _line(text, found.end())
            yield made


def _any(words: tuple[str, ...], lowered: str) -> bool:
    return any(each in lowered for each in words)


_LONG_LINE = re.compile(r"(?m)^(.{2000}).+$")


_LISPS = (
    ".clj",
    ".cljs",
    ".cljc",
    ".edn",
    ".bb",
    ".lisp",
    ".cl",
    ".el",
    ".scm",
    ".rkt",
    ".fnl",
    ".hs",
    ".ml",
    ".fs",
    ".fsx",
)
_FORMS = [
    # (delete-from :orders), {:delete-from :orders}, delete! ds :orders, drop :orders, drop table_for(Order)
    re.compile(
        r"(?P<verb>delete|truncate|drop)(?:[-_]from|From_?|!|[-_]table|-by-values)?\s+(?:table_for[( ]\s*|(?:ds|db|conn|tx|spec|datasource)\s+)?"
        r"(?::(?:model/)?(?P<symbol>[A-Za-z][\w.-]*)|#(?P<label>[a-z]\w*)|(?<=\()(?P<class>[A-Z]\w*)\))"
    ),
    # delete { for o in orders do …
    re.compile(r"\b(?P<verb>delete)\w*\s*(?:\w+\s*)?\{\s*for\s+\w+\s+in\s+(?:\w+\.)?(?P<symbol>\w+)"),
    # deleteWhere [OrderPlaced <. limit], deleteWhere ([] :: [Filter Order])
    re.compile(
        r"\b(?P<verb>delete)(?:Cascade)?Where(?:Count)?\s*\(?\s*\[\s*(?:\]\s*::\s*\[\s*Filter\s+)?(?P<class>[A-Z][a-z0-9]+)"
    ),
    # delete Delete { from = orderSchema, … }, delete $ do o <- from $ table @Order
    re.compile(r"\b(?P<verb>delete|Delete)\s*\{[^{}]{0,200}?\b(?:from|dTable)\s*=\s*(?P<symbol>\w+)"),
    re.compile(r"\b(?P<verb>delete)\s*\$[^;]{0,120}?\btable\s*@(?P<class>\w+)"),
    # mutation { delete_orders(where: …) { affected_rows } }
    re.compile(
        r"\b(?P<verb>delete)_(?P<symbol>[a-z]\w*?)(?:_by_pk)?\s*\((?=[^(){}]*(?:where\s*:|_by_pk|\bid\s*:))(?=.{0,400}?(?:affected_rows|returning|_by_pk))",
        re.DOTALL,
    ),
]


_FORM_CLUES = ("", " in ", "Where", "elete", "table @", "delete_")  # without its one a form is not there


def _forms(text: str, blanked: str, lisp: bool) -> Iterator[Operation]:
    """What stands without the parentheses of a call: forms of Lisps and functional languages, commands, mutations."""
    for clue, pattern in zip(_FORM_CLUES, _FORMS, strict=True):
        if clue not in text:
            continue
        shown = text if "affected_rows" in pattern.pattern else blanked
        for found in islice(pattern.finditer(shown), _MOST):
            before = text[max(0, found.start() - 1) : found.start()]
            if before and (before.isalnum() or before in ("_.-@#$" if lisp else "_.-@/#$")):
                continue
            name = next(each for key, each in found.groupdict().items() if key != "verb" and each)
            operation = {"drop": "drop_table", "truncate": "truncate", "delete": "delete"}[found["verb"].lower()]
            rest = text[found.end() : found.end() + 200]
            bounded = bool(re.search(r"(?i)where|<|=", rest.split("\n\n")[0])) if operation == "delete" else None
            made = _made(operation, name.rsplit("/", 1)[-1], bounded)
            made.line, made.text = text.count("\n", 0, found.start()) + 1, _line(text, found.start())
            yield made


def _made(operation: str, name: str, bounded: bool | None = None) -> Operation:
    return Operation(0, "", operation, name, bounded, how="pattern")


def _only_held(text: str, call: Call) -> bool:
    start = call.found.start() - len(call.chain)
    return only_held(text, start, call.found.end()) or told(text, start)


def _name(found: re.Match[str] | None) -> str:
    """The name that any of the groups of such a pattern took."""
    return next((each for each in found.groups() if each), "") if found else ""


def _first(arguments: str) -> str:
    """The table or class that a call is given as a literal, a symbol or a class, alone or by a keyword."""
    arguments = _CARRIER.sub("", arguments, count=1)
    return _name(_NAMED.search(arguments)) or _name(_GIVEN.match(arguments)) or _name(_LOOP.match(arguments))


# Structure ----------------------------------------------------------------------------------------------------------
_ALTERED = re.compile(
    rf"(?i:(?<![a-z])(?:(?:alter|change|update|modify|edit|on)[_-]?)?table(?:_for|_?name)?)\s*[(\[ :=]+\s*(?:{_LITERAL}|{_SYMBOL}|(?P<model>[A-Z]\w*)\b)"
)
_OPERATIONS = {"table": "drop_table", "column": "drop_column", "schema": "drop_schema", "database": "drop_database"}
_EMPTIES = frozenset(("truncate", "purge", "clear", "wipe", "empty", "erase"))


def _structure(call: Call, text: str) -> Operation | None:
    groups = call.found.groupdict()
    verb, noun = groups["verb"].lower(), groups["noun"].lower().rstrip("s")
    if _KEEPS.search(call.chain):
        return None
    arguments = call.arguments
    if not text.startswith("(", call.found.end()) and not text.startswith(" (", call.found.end()):
        arguments = text[call.found.end() :].partition("\n")[0].split(";")[0]
    elif text.startswith(" (", call.found.end()):
        arguments = text[call.found.end() + 2 :].partition(")")[0]
    if verb in ("create", "add"):
        return _created(call, verb, noun, arguments)
    if noun == "column":
        return _column(call, text, arguments) if verb in ("drop", "remove", "delete", "destroy") else None
    operation = _OPERATIONS[noun]
    if noun == "table" and verb in _EMPTIES:
        operation = "truncate" if verb == "truncate" else "delete"
    if noun == "database" and verb in ("clear", "purge", "empty", "truncate"):
        operation = "truncate"
    name = (groups["generic"] or "").strip("<>[]:").rsplit(".", 1)[-1] or _first(arguments)
    if not name and arguments.strip():
        name = _held(arguments, text)
    if not name and noun == "table" and not groups["all"]:
        name = _of_chain(call.chain, text) or ""
        if not name and not (_SENDS.search(call.chain) and _variable(arguments)):
            return None
    if not name and noun in ("schema", "database") and not _SENDS.search(call.chain) and not groups["all"]:
        return None
    return _made(operation, name, False if operation == "delete" else None)


def _created(call: Call, verb: str, noun: str, arguments: str) -> Operation | None:
    """What is made; of what a program has made itself nothing is lost."""
    name = _first(arguments)
    if verb == "create" and noun in ("table", "schema") and name:
        return _made(f"create_{noun}", name)
    return None


def _column(call: Call, text: str, arguments: str) -> Operation | None:
    names = [each for each in map(_name, re.finditer(rf"{_LITERAL}|{_SYMBOL}", arguments)) if each]
    keyed = _name(_NAMED.search(arguments))
    inside = _altered(call, text)
    if keyed:
        column = next((each for each in names if each != keyed), "")
        return _made("drop_column", f"{keyed}.{column}".rstrip("."))
    if inside and names:
        return _made("drop_column", f"{inside}.{names[0]}")
    if len(names) > 1:
        return _made("drop_column", f"{names[0]}.{names[1]}")
    return None


def _altered(call: Call, text: str) -> str:
    """The table whose block or chain a call stands in."""
    begin = call.found.start()
    before = [*_ALTERED.finditer(text, max(0, begin - _NEAR), begin)]
    return _name(before[-1]) if before else ""


def _variable(arguments: str) -> bool:
    return re.match(r"\s*[$@&*]?[A-Za-z_][\w.>-]*\s*(?:[,)]|\Z)", arguments) is not None


@lru_cache(maxsize=256)
def _held(arguments: str, text: str) -> str:
    """What a variable or a constant holds that is given first, where the file says so; a class by its own name."""
    found = re.match(r"\s*[$@&*]?(?:\w+\.|\w+::|this->)*(\w+)\s*(?:[,)]|\Z)", arguments)
    if found is None:
        return ""
    name = found[1]
    held = re.search(
        rf"(?<!\w){re.escape(name)}\b[ \t]*(?::[^=\n]{{1,60}})?(?::=|=|<-|\s)[ \t]*(?:{_LITERAL}|{_SYMBOL})",
        text[:_MOST_HELD],
    )
    return _name(held) or (name if name[:1].isupper() and not _NO_ROWS.match(name) else "")


# Rows ---------------------------------------------------------------------------------------------------------------
def _rows(call: Call, text: str) -> Operation | None:
    groups = call.found.groupdict()
    verb, mass = (
        groups["verb"].lower().replace("deletes", "delete"),
        bool(groups["mass"] or groups["bulk"]) or groups["verb"].lower() == "truncate",
    )
    if _BODY.match(call.following) and not groups["join"]:
        return None
    chain = call.chain
    if chain.startswith("(") and (typed := _TYPED.search(text, max(0, begin_of(call) - 200), begin_of(call))):
        chain = typed[0] + chain
    begin = call.found.start() - len(chain)
    before = text[max(0, begin - 40) : begin].rstrip()
    if (groups["join"] or "").startswith(("|>", "%>%")) or before.endswith(("|>", "%>%")):
        chain = _piped(call, text)
    elif chain.startswith("{"):  # a block that the chain has given to one of its calls
        chain = text[text.rfind("\n", 0, call.found.start() - len(chain)) + 1 : call.found.start()].strip()
    opened = text.startswith("(", call.found.end())
    rest = text[call.found.end() : call.found.end() + 40].lstrip(" \t")
    if not opened and not (
        groups["join"] and (chain.endswith((")", "}", "]")) or rest.startswith(("{", "|>", ".where(", ".Where(")))
    ):
        return None
    told_of = _of_rows(call._replace(chain=chain), text, verb, mass)
    if not told_of:
        return None
    name, by_argument = told_of
    name = re.sub(r"(?<=\w{3})(?:Query(?:Builder)?|Entity)\Z|\AQ(?=[A-Z][a-z])", "", name)
    if verb in ("drop", "truncate"):
        return _made("drop_table" if verb == "drop" else "truncate", name)
    return _made("delete", name, _bounded(call._replace(chain=chain), text, by_argument))


def _piped(call: Call, text: str) -> str:
    before = text[max(0, call.found.start() - 600) : call.found.start()]
    return re.split(r"\n[ \t]*\n|\n(?=\S)|\b(?:do|then|begin)[ \t]*\n|->[ \t]*\n|[^=<>!]=[ \t\n]", before)[-1]


def _of_rows(call: Call, text: str, verb: str, mass: bool) -> tuple[str, bool] | None:
    """The table or class whose rows a call removes, and whether its arguments name it; None for another call."""
    chain, arguments = call.chain.rstrip(), _CARRIER.sub("", call.arguments, count=1)
    generic = (call.found["generic"] or "").strip("<>[]:").rsplit(".", 1)[-1]
    makes = re.match(r"(?i)(?:create|new|build)", call.found["name"]) is not None
    sends, maps = makes or _SENDS.search(chain) is not None, _MAPS.search(chain) is not None
    keeps = not sends and _KEEPS.search(chain) is not None
    only = _BARE.fullmatch(arguments)
    if mass and only and only["name"][:1].isupper() and re.fullmatch(r"(?:\w+\.)*[A-Z]\w*", chain) and not keeps:
        return (only["name"], True) if not _NO_ROWS.match(only["name"]) else None
    if generic[:1].isupper() and len(generic) > 1 and not keeps and not _NO_ROWS.match(generic):
        return generic, True
    if named := _by_chain(chain, text, verb, mass, arguments, call.following):
        return named, False
    if keeps or not (chain or not call.found["join"]):
        return None
    free = not chain and not call.found["join"]
    given = _GIVEN.match(arguments)
    if given and (given["literal"] or given["symbol"]):
        told_so = (sends and verb != "del") or (mass and (maps or "from" in call.found["name"].lower()))
        return (_name(given), True) if told_so else None
    if given and (name := _name(given)) and not _NO_ROWS.match(name):
        return name, True
    if (source := _name(_ANY_SOURCE.search(arguments))) and (sends or maps):
        return source, True
    if loop := _LOOP.match(arguments):
        return (loop["name"], True) if free else None
    bare = _BARE.match(arguments)
    if bare and (sends or maps or free) and verb in ("delete", "truncate", "destroy"):
        name = bare["name"].removesuffix("::table")
        if name[:1].isupper() and not _NO_ROWS.match(name) and (mass or sends or maps):
            return name, True
        if name[:1].islower() and not mass and sends and _SENT.match(call.following):
            return _bound_to(name, text) or name, True
        if name[:1].islower() and mass and (sends or "from" in call.found["name"].lower()) and len(name) > 2:
            return _held(arguments, text) or name, True
    return None


_SENT = re.compile(r"(?i)\s*(?:\.|->)\s*(?:where|filter|execute|exec|run|returning|using)\w*\s*[({]")


def _by_chain(chain: str, text: str, verb: str, mass: bool, arguments: str, call_following: str = "") -> str:
    """The table or class that stands before the call."""
    if not chain or "storage" in chain.lower():
        return ""
    sources = [_name(each) for each in _SOURCE.finditer(chain)]
    if sources and not _NO_ROWS.match(sources[-1]):
        return sources[-1]
    if verb in ("delete", "destroy", "truncate") and (asked := _QUERY_OF.search(chain)):
        return asked["literal"]
    if verb in ("clear", "drop", "remove", "erase") and not mass:
        # of one element, most often; only what names its table is believed
        classes = []
    else:
        classes = [_name(each) for each in _OF_CLASS.finditer(chain)]
    if classes and not _NO_ROWS.match(classes[-1]):
        return classes[-1]
    if "|>" in chain and (piped := re.match(r"\s*(?:\w+\s*=\s*)?(?:\w+\.)*([A-Z]\w*)\s*\|>", chain)) and mass:
        return piped[1]
    if (local := _LOCAL.match(chain)) and _PICKS.search(chain[local.end() :]) and (kept := _kept(local[1], text)):
        return kept
    if (first := _CLASS_FIRST.match(chain)) and not _NO_ROWS.match(first["name"]) and len(first["name"]) > 1:
        simple = not first["rest"].strip(" .:>-")
        if (mass and verb not in ("clear", "drop") and (simple or verb != "truncate")) or (
            not simple and _PICKS.search(first["rest"]) and verb in ("delete", "destroy", "remove", "del")
        ):
            return first["name"]
        if simple and verb == "delete" and _SENT.match(call_following):
            return first["name"]
        if simple and verb == "delete" and re.match(r"\s*[\"'`][^\"'`\n]*(?:[<>=?]|\bis\b|\bin\b|\blike\b)", arguments):
            return first["name"]
    if (holder := _HOLDER.search(chain)) and (mass or not arguments.strip()):
        name = holder["name"]
        return name[:1].upper() + name[1:]
    of = _OF_DATABASE.search(chain)
    if of and not _NO_TABLE.match(of["name"]) and "(" not in of["name"]:
        steps = of["rest"].strip()
        if (
            not steps.startswith("(")
            and (not steps or _PICKS.search(steps))
            and (mass or verb not in ("clear", "remove"))
        ):
            return of["name"]
    return ""


def table_of(call: Call, text: str) -> str:
    """The table or class whose rows a call on a chain is about; empty where the chain names none."""
    return _by_chain(call.chain.rstrip(), text, "delete", True, call.arguments, call.following)


_LOCAL = re.compile(r"\A\s*(?:(?:await|return|try|yield)\s+)*[$@]?(?:this\.|self\.)?([a-z_]\w*)(?=\s*(?:\.|->))")


_TYPED = re.compile(r"[\w.$:>-]+<[\w.:, ]{1,80}>\Z")


def begin_of(call: Call) -> int:
    """Where the chain of a call begins."""
    return call.found.start() - len(call.chain)


@lru_cache(maxsize=256)
def _bound_to(name: str, text: str) -> str:
    """What a variable is that stands for a table: the class it is declared as, or the last name it is given."""
    found = re.search(
        rf"(?m)\b(?P<type>Q?[A-Z]\w*?)(?:Table)?[ \t]+{re.escape(name)}[ \t]*=|(?<!\w){re.escape(name)}[ \t]*=[ \t]*(?:\w+\.)+(?P<last>\w+)[ \t]*;?$",
        text[:_MOST_HELD],
    )
    return _name(found)


@lru_cache(maxsize=256)
def _kept(name: str, text: str) -> str:
    """The table or class that a variable stands for, where it was made of one."""
    found = re.search(
        rf"(?<!\w){re.escape(name)}\s*(?::[^=\n]{{1,60}})?(?::=|=)[^\n;]{{0,80}}?"
        rf"(?i:table\w*|query\w*|model|repo\w*|entity\w*|dataset|from)\s*[(\[<]+\s*(?:{_LITERAL}|{_SYMBOL}|(?P<model>[A-Z]\w*))",
        text[:_MOST_HELD],
    )
    return _name(found)


def _of_chain(chain: str, text: str) -> str:
    return _by_chain(chain, text, "truncate", True, "")


_CONDITION = re.compile(r"[\w\])}]\s*(?:[<>]=?|[!=]==?|=)\s*|=>|\bwhere\b|\{\s*[\"']?\w+[\"']?\s*[:=]|\[\s*['\"]\w+")


def _bounded(call: Call, text: str, by_argument: bool) -> bool:
    name = call.found["name"].lower()
    if "where" in name or "older" in name or "expired" in name or re.search(r"by_?\w", name.replace("bulk", "")):
        return "1 = 1" not in call.arguments
    arguments = call.arguments
    if by_argument:
        arguments = _CARRIER.sub("", arguments, count=1).partition(",")[2] or (
            arguments if call.found["generic"] else ""
        )
    if re.search(r"[\"'`]1\s*=\s*1[\"'`]", call.chain + arguments):
        return False
    return bool(_CONDITION.search(arguments)) or limited(call) or bool(_PICKED.search(call.chain))


_PICKED = re.compile(
    r"(?i)(?:\.|->|::)(?:where\w*|filter\w*|search|find\w*|having|condition|limit|exclude)\s*[({\[]\s*[^\s)}\]]"
)


def _line(text: str, at: int) -> str:
    end = text.find("\n", at)
    return text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else None].strip()[:_TEXT_LIMIT]
