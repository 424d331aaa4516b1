"""What a call is made on: a connection, a mapper, a table or a class of rows, or what only keeps things."""

from __future__ import annotations

import re
from functools import lru_cache

from triage_kit.parse.chains import Call
from triage_kit.parse.removals.names import CLASS, LITERAL, MOST_HELD, NO_ROWS, SYMBOL, name_of_match

# A receiver that is a connection, a builder of statements or a mapper.
SENDS = re.compile(
    r"(?i)(?:^|[.>:$@\s(_])(?:\w*db|pg|tx|trx|\w*conn(?:ection)?|database|\w*schema|forge|dsl|dsl_?context|sql|sq|psql|"
    r"goqu|knex|qb|\w*dsl|sql_?client|\w*query(?:_?builder|_?factory)?|builder|r|dialect|jdbc\w*|orm|engine|rdb|fsql|capsule|migrator|op|manager|h)"
    r"(?:\([^()]*\))?\Z"
)
MAPS = re.compile(
    r"(?i)(?:^|[.>:$@\s(_])(?:\w*repo(?:sitory)?|session|em|\w*entity_?manager|\w*store|ctx|\w*context|server|provider|dao)"
    r"(?:\([^()]*\))?\Z"
)
# A chain that names its table or class of rows by a call or an index.
_SOURCE = re.compile(
    rf"""(?i:(?<![a-z])(?:tables?|from|into|dataset|relation|query_?table|result_?set|collection|fetch_?table|table_for|get_?table|db|knex|trx|tx|conn)_?)"""
    rf"""\s*[(\[<]+\s*(?:{LITERAL}|{SYMBOL}|(?P<model>[A-Z]\w*)\b)|(?<![\w.])(?i:from_?|table)\s*\(\s*(?P<variable>[a-z_]\w+)\s*\)|"""
    r"""(?<=\.)from_\(\s*(?P<given>[a-z_]\w+)\s*\)"""
)
_QUERY_OF = re.compile(rf"(?:^|[.>:\s])(?i:query)\s*\(\s*{LITERAL}\s*\)")
_OF_CLASS = re.compile(
    rf"(?i:(?<![a-z])(?:from|table|query|query_?of|model|entity|get_?repository|get_?repo|repository|find|find_?all|select|set|all|"
    rf"deleteable|delete|fetch)_?)\s*(?:\(\s*(?:{CLASS}|(?P<model>[A-Z]\w*)\s*[,)])|(?:::)?[<\[]\s*(?:\w+\.)*(?P<generic>[A-Z]\w*)\s*[>\]])"
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
KEEPS = re.compile(
    r"(?i)(?:^|[.>:$@\s(])(?:\w*(?:cache|map|set|list|registry|queue|array|items|ids|keys|headers|params|cookies?|storage|files?|"
    r"fs|path|dir|folder|element|node|dom|document|collection|buffer|stack|pool|bucket|s3|http|client|api|axios|router?|app|"
    r"route|listeners?|events?|subscriptions?|timers?|handlers?|children|selection|options|tokens|dict|vec|hash|logger|log))"
    r"(?:\([^()]*\))?\Z"
)
SENT = re.compile(r"(?i)\s*(?:\.|->)\s*(?:where|filter|execute|exec|run|returning|using)\w*\s*[({]")


def by_chain(chain: str, text: str, verb: str, mass: bool, arguments: str, call_following: str = "") -> str:
    """The table or class that stands before the call."""
    if not chain or "storage" in chain.lower():
        return ""
    sources = [name_of_match(each) for each in _SOURCE.finditer(chain)]
    if sources and not NO_ROWS.match(sources[-1]):
        return sources[-1]
    if verb in ("delete", "destroy", "truncate") and (asked := _QUERY_OF.search(chain)):
        return asked["literal"]
    if verb in ("clear", "drop", "remove", "erase") and not mass:
        # of one element, most often; only what names its table is believed
        classes = []
    else:
        classes = [name_of_match(each) for each in _OF_CLASS.finditer(chain)]
    if classes and not NO_ROWS.match(classes[-1]):
        return classes[-1]
    if "|>" in chain and (piped := re.match(r"\s*(?:\w+\s*=\s*)?(?:\w+\.)*([A-Z]\w*)\s*\|>", chain)) and mass:
        return piped[1]
    if (local := _LOCAL.match(chain)) and _PICKS.search(chain[local.end() :]) and (kept := _kept(local[1], text)):
        return kept
    if (first := _CLASS_FIRST.match(chain)) and not NO_ROWS.match(first["name"]) and len(first["name"]) > 1:
        simple = not first["rest"].strip(" .:>-")
        if (mass and verb not in ("clear", "drop") and (simple or verb != "truncate")) or (
            not simple and _PICKS.search(first["rest"]) and verb in ("delete", "destroy", "remove", "del")
        ):
            return first["name"]
        if simple and verb == "delete" and SENT.match(call_following):
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
    return by_chain(call.chain.rstrip(), text, "delete", True, call.arguments, call.following)


_LOCAL = re.compile(r"\A\s*(?:(?:await|return|try|yield)\s+)*[$@]?(?:this\.|self\.)?([a-z_]\w*)(?=\s*(?:\.|->))")


@lru_cache(maxsize=256)
def _kept(name: str, text: str) -> str:
    """The table or class that a variable stands for, where it was made of one."""
    found = re.search(
        rf"(?<!\w){re.escape(name)}\s*(?::[^=\n]{{1,60}})?(?::=|=)[^\n;]{{0,80}}?"
        rf"(?i:table\w*|query\w*|model|repo\w*|entity\w*|dataset|from)\s*[(\[<]+\s*(?:{LITERAL}|{SYMBOL}|(?P<model>[A-Z]\w*))",
        text[:MOST_HELD],
    )
    return name_of_match(found)


def of_chain(chain: str, text: str) -> str:
    return by_chain(chain, text, "truncate", True, "")
