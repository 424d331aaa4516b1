"""What names a table, a column or a class of rows in the arguments of a call, and what a name of the file holds."""

from __future__ import annotations

import re
from functools import lru_cache

from triage_kit.parse.migration import Operation

MOST = 500
MOST_HELD = 50_000  # characters in which a name's value is looked for
_TEXT_LIMIT = 4_000
# Classes that are no rows.
NO_ROWS = re.compile(
    r"(?:File\w*|Path\w*|Dir\w*|\w*Cache\w*|\w*Redis\w*|\w*Session\w*|\w*Storage\w*|\w*Map|\w*Set|\w*List|\w*Array\w*|\w*Vec|"
    r"Dict\w*|Collections?|Arrays|Objects?|Hash\w*|Enum\w*|Keyword|\w*Queue\w*|\w*Topic\w*|Cookies?|\w*Http\w*|Axios|\w*Route\w*|"
    r"String\w*|Str|\w*Utils?|Registry|Agent|\w*Bucket\w*|S3\w*|Blob\w*|\w*Index|Document|\w*Element|Node|\w*Client|Math|Env|"
    r"Process|System|Console|Logger|Log|Rails|Sidekiq|\w*Job|\w*Mailer|\w*Controller|\w*Service|\w*Event\w*|\w*Listener\w*|"
    r"\w*Buffer|\w*Builder|Json|JSON|Module|Kernel|Faker|Form\w*|DOM\w*|\w*Observable|Subject|\w*Stack|Deque|\w*Pool|Tuple|"
    r"URL\w*|Url\w*|Uri|Headers?|Query|Sheet|\w*View|\w*Widget|Range|Text|Trie|Tree|Graph|Seq|Map\w*|Set\w*|List\w*|Vector|ETS|Data(?:Frame|frame)s?|"
    r"Assert\w*|Expect\w*|Mock\w*|Self|This|T|Gtk\w*|Qt\w*|Q[A-Z]?(?:Table|Tree|List)\w+|Locale|I18n|Config|Settings|Params?)\Z"
)
LITERAL = r"""["'`](?:\{\{%?|#__)?(?P<literal>[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*){0,2})(?:\}\})?["'`]"""
SYMBOL = r"(?<![\w:])[:#'](?P<symbol>[a-z_][\w.]*)"
CLASS = (
    r"(?:&(?:\[\])?(?:\w+\.)*(?P<struct>[A-Z]\w*)\{|new\((?:\w+\.)*(?P<made>[A-Z]\w*)\)|typeof\((?:\w+\.)*(?P<type>[A-Z]\w*)\)|"
    r"\\?(?:\w+[\\.])*(?P<class>[A-Z]\w*)(?:::class|\.class|\.self)\b)"
)
NAMED = re.compile(
    rf"""(?i:[\s(,{{\[])?["']?(?i:table(?:_?name)?|from|into|relation|entity|model)["']?\s*(?:=>|:|=)\s*(?:{LITERAL}|{SYMBOL})"""
)
GIVEN = re.compile(rf"\s*[(\[{{]?\s*(?:\w+:\s*|\w+\s*=\s*)?(?:{LITERAL}|{SYMBOL}|{CLASS})")
LOOP = re.compile(r"\s*\w+\s+for\s+\w+\s+in\s+(?:\w+\.)?(?P<name>\w+)")
CARRIER = re.compile(
    r"\A\s*(?:[\w.$]*(?:ctx|context|conn|connection|db|tx|session|executor|ds)|c|context\.\w+\(\))\s*,"
)


def removal_of(operation: str, name: str, bounded: bool | None = None) -> Operation:
    return Operation(0, "", operation, name, bounded, how="pattern")


def name_of_match(found: re.Match[str] | None) -> str:
    """The name that any of the groups of such a pattern took."""
    return next((each for each in found.groups() if each), "") if found else ""


def first_named(arguments: str) -> str:
    """The table or class that a call is given as a literal, a symbol or a class, alone or by a keyword."""
    arguments = CARRIER.sub("", arguments, count=1)
    return (
        name_of_match(NAMED.search(arguments))
        or name_of_match(GIVEN.match(arguments))
        or name_of_match(LOOP.match(arguments))
    )


@lru_cache(maxsize=256)
def held_by(arguments: str, text: str) -> str:
    """What a variable or a constant holds that is given first, where the file says so; a class by its own name."""
    found = re.match(r"\s*[$@&*]?(?:\w+\.|\w+::|this->)*(\w+)\s*(?:[,)]|\Z)", arguments)
    if found is None:
        return ""
    name = found[1]
    held = re.search(
        rf"(?<!\w){re.escape(name)}\b[ \t]*(?::[^=\n]{{1,60}})?(?::=|=|<-|\s)[ \t]*(?:{LITERAL}|{SYMBOL})",
        text[:MOST_HELD],
    )
    return name_of_match(held) or (name if name[:1].isupper() and not NO_ROWS.match(name) else "")


def line_at(text: str, at: int) -> str:
    end = text.find("\n", at)
    return text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else None].strip()[:_TEXT_LIMIT]
