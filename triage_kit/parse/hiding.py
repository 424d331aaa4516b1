"""Updates by mappers and builders of queries that mark several rows as deleted: nobody sees them, but they stand.

Told by the column that is set (``deleted_at``, ``isArchived``) and by a table or class that the chain names. One row
that its key picks is what applications hide all day, and no finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from triage_kit.parse.chains import Call, blank_literals, call_at
from triage_kit.parse.migration import Operation
from triage_kit.parse.other_languages import without_comments
from triage_kit.parse.removals import table_of
from triage_kit.sql import hides_rows

_MOST = 500
_TEXT_LIMIT = 4_000
_NEAR = 400
_SUFFIXES = frozenset(
    ("js", "jsx", "ts", "tsx", "mjs", "cjs", "vue", "php", "cs", "ex", "exs", "go", "kt", "java", "scala")
)
_UPDATE = re.compile(
    r"(?:\.|->|::)(?:update(?:Many|_all|All|Table)?|Updates?|UpdateColumns?|ExecuteUpdate(?:Async)?)(?=\()"
)
_CLUES = re.compile(r"(?i)delete|removed|archived|trashed|hidden|discarded|active|enabled|visible")
_SETS = re.compile(
    r"""["'\[:]?\b(?P<column>[A-Za-z_]\w*)["'\]]?\s*(?:=>|:|,|=(?!=))\s*(?P<value>null\b|nil\b|None\b|undefined\b|false\b|true\b|[^\s,})])"""
)
_SETS_PROPERTY = re.compile(
    r"=>\s*\w+\.(?P<column>\w+)\s*,\s*(?:\w+\s*=>\s*)?(?:\([\w?.]+\)\s*)?(?P<value>null\b|false\b|true\b|\S)"
)
_WHERE = re.compile(r"(?i)\b(?:where|filter|eq|in)\w*\s*[:({]")
_ONE_ROW = re.compile(
    r"""(?i)\b(?:where|filter|find|findBy|findUnique|whereKey|andWhere|eq)\s*[:(]\s*(?:\w+\s*=>\s*|[{\[("'`:&]|\w+\.|\s)*["'`]?(?:id|uuid)\b["'`]?\s*(?:,|:|=>|==?|\}|\))(?!\s*(?:\{|\[|\w*[iI]ds\b))"""
)
# A builder that is given the table, and then what to set.
_BUILDS = re.compile(r"\A\s*\.\s*set\(")
_TABLE = re.compile(r"""\s*["'`]?(?:\w+\.)*(\w+)["'`]?\s*""")
_PRISMA = re.compile(r"(?:\A|[.\s!])(?:prisma\w*|tx|trx|db|client|\w*[pP]risma\w*)[.?]+(\w+)\Z")
_ECTO = re.compile(
    r"\bfrom[ (]+\w+\s+in\s+\"?(?:\w+\.)*(\w+)[^|\n]*(?:\n[^|\n]*){0,6}\|>\s*\Z|"
    r"\b((?:\w+\.)*[A-Z]\w*)\s*\|>\s*(?:\w+\([^()]*\)\s*\|>\s*){0,9}\Z"
)
_KNEX = re.compile(r"(?:\b(?:knex|trx|db)|\b(?:from|into|table))\(\s*['\"`]([\w.]+)['\"`]\s*\)")


def hidings(text: str, path: str) -> Iterator[Operation]:
    """Operations of such updates in a file of code, in the order of the text.

    >>> code = "DB::table('visits')->where('bot', 1)->update(['deleted_at' => now()]);"
    >>> [(each.object, each.loses) for each in hidings(code, "a.php")]
    [('visits', 'visibility')]
    """
    suffix = PurePosixPath(path).suffix.lstrip(".").lower()
    if suffix not in _SUFFIXES or "pdate" not in text or not _CLUES.search(text):
        return
    text = without_comments(text, suffix)
    blanked = blank_literals(text)
    for found in islice(_UPDATE.finditer(blanked), _MOST):
        call = call_at(text, blanked, found)
        builds = _BUILDS.match(call.following) and _TABLE.fullmatch(call.arguments)
        columns = _hidden(_BUILDS.sub("", call.following) if builds else call.arguments)
        if not columns:
            continue
        before = text[max(0, found.start() - _NEAR) : found.start() - len(call.chain)]
        whole = f"{before if found[0].endswith('_all') else ''}{call.chain} {call.arguments} {call.following[:_NEAR]}"
        name = builds[1] if builds else _table(call, text, before)
        if not name or _ONE_ROW.search(whole.split(";")[0] if suffix != "cs" else whole):
            continue
        line = text.count("\n", 0, found.end()) + 1
        shown = _line(text, found.start())
        made = Operation(line, "", "update", name, bool(_WHERE.search(whole)), text=shown, how="pattern")
        made.loses, made.changes = "visibility", tuple(columns)
        yield made


def _hidden(arguments: str) -> list[str]:
    """The columns that the arguments set so that rows are marked as deleted."""
    data = re.search(r"\b(?:data|set)\s*:\s*", arguments)
    given = arguments[data.end() :] if data else re.split(r"[}\]]\s*,\s*[{\[]|\bwhere\b", arguments)[0]
    if data:
        given = given.partition("}")[0].partition("]")[0]
    pattern = _SETS_PROPERTY if "=>" in given and "SetProperty" in given else _SETS
    found = []
    for each in pattern.finditer(given):
        column = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", each["column"]).lower()
        known = {"true": True, "false": False}.get(each["value"])
        if hides_rows(column, each["value"] in ("null", "nil", "None", "undefined"), known):
            found.append(each["column"])
    return found


def _table(call: Call, text: str, before: str) -> str:
    chain = call.chain.rstrip()
    if call.found[0].endswith("_all"):
        inside = re.search(r"\bin\s+\"?(?:\w+\.)*([A-Za-z]\w*)", call.arguments)
        piped = _ECTO.search(before) if re.fullmatch(r"(?:\w+\.)*Repo", chain) else None
        return inside[1] if inside else next(filter(None, piped.groups())).rsplit(".", 1)[-1] if piped else ""
    if call.found[0].endswith("Many") and (owner := _PRISMA.search(chain)):
        return owner[1]
    if known := _KNEX.findall(chain):
        return known[-1]
    name = table_of(call, text)
    simple = "Execute" not in call.found[0] and re.fullmatch(r"(?:\w+\.)*[A-Z]\w*", chain) is not None
    if name == "Model":  # GORM's, of what a variable holds: one row
        return ""
    return "" if simple and not re.search(r"\bwhere\b", call.arguments) else name


def _line(text: str, at: int) -> str:
    end = text.find("\n", at)
    return text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else None].strip()[:_TEXT_LIMIT]
