"""People's data out of texts: every literal of a statement and every value in a message becomes a stable token.

The same value gives the same token throughout a case, so that a reader can still follow one customer through the log;
a token is a keyed hash (HMAC-SHA-256), so that nobody without the key can try a dictionary on it. Names of tables,
columns and roles stay, and so do ``true``, ``false``, ``null``, ``0``, ``1``, the empty text and what was redacted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable

import pandas as pd

from triage_kit.sql import effects
from triage_kit.sql.lexer import Token, tokens, unquoted

KEPT = {"", "0", "1", "t", "f", "true", "false", "yes", "no", "on", "off", "null", "***"}
_NUMBER = re.compile(r"\d[\d.]*\Z")
_TYPES = frozenset((
    "varchar", "char", "character", "varying", "bpchar", "nchar", "numeric", "decimal", "dec", "float", "bit",
    "time", "timestamp", "timestamptz", "interval", "second", "vector",
))  # fmt: skip
# Where the grammar takes a plain number only, or where it counts rows and is nobody's data.
_COUNTING = frozenset((
    "modulus", "remainder", "limit", "offset", "fetch", "move", "first", "last", "next", "prior", "forward",
    "backward", "absolute", "relative", "statistics", "cost", "rows",
))  # fmt: skip
_NAMING = frozenset(("nextval", "setval", "currval", "to_regclass", "pg_get_serial_sequence", "set_config"))
_SETTINGS = frozenset(("search_path", "role", "authorization", "schema"))
# The word before a quoted name in PostgreSQL's messages; what follows any other word is a value.
_NAMED = frozenset((
    "relation", "relations", "table", "tables", "column", "columns", "constraint", "constraints", "index",
    "indexes", "role", "roles", "user", "users", "group", "database", "databases", "schema", "schemas", "type",
    "types", "function", "functions", "procedure", "sequence", "view", "policy", "trigger", "rule", "extension",
    "publication", "subscription", "slot", "server", "wrapper", "operator", "domain", "enum", "cursor", "portal",
    "savepoint", "parameter", "tablespace", "partition", "partitioned", "access", "language", "collation",
    "references", "plugin", "worker", "standby",
))  # fmt: skip
_QUOTES = re.compile(r"\"(?P<twice>(?:[^\"]|\"\")*)\"|(?<!\w)'(?P<once>(?:[^'\n]|'')*)'(?!\w)")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_STATEMENT = re.compile(
    r"\A(?P<head>(?:duration: [\d.]+ ms\s+)?(?:statement|(?:execute|parse|bind) [^\n:]*): )(?P<sql>.+)", re.DOTALL
)
_PARAMETERS = re.compile(r"(?P<head>\b[Pp]arameters: )(?P<list>\$\d+ = .*)", re.DOTALL)
_PARAMETER = re.compile(r"(?P<name>\$\d+ = )(?:(?P<null>NULL)|'(?P<value>(?:[^']|'')*)(?:'|\Z))")
_ROW = re.compile(r"(?P<head>\b(?:row|key)[\w ]* contains \(|\bKey \(.*?\)=\()(?P<values>.*)(?P<tail>\))", re.DOTALL)
_PROCESS = re.compile(r"(?m)^(?P<head>Process \d+: )(?P<sql>.+)$")
_INNER = re.compile(
    r'(?P<head>\b(?:SQL|PL/pgSQL) (?:statement|expression|assignment) ")(?P<sql>.*?)(?P<tail>"(?=\n|\Z))',
    re.DOTALL,
)
_DATA = re.compile(r"(?P<head>\b(?:JSON data|COPY \S.*?), line \d+[^:\n]*: )(?P<value>.+)", re.DOTALL)
_COMMENT = re.compile(r"--[^\n]*|/\*")
_PYTHON = re.compile(r"(?P<quote>\"\"\"|'''|\"|')(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)", re.DOTALL)


class Mask:
    """Masks texts with the key of one case; ``names`` (of tables, columns, roles …) are kept where they stand alone.

    >>> mask = Mask(b"key")
    >>> mask.sql("DELETE FROM users WHERE email = 'a@b.c' AND id = $1")
    "DELETE FROM users WHERE email = 'masked_39ae49c50426' AND id = $1"
    """

    def __init__(self, key: bytes, names: Iterable[str] = ()) -> None:
        self._key = key
        self._names = frozenset(names)
        self._known: dict[str, str] = {}

    def token(self, value: str) -> str:
        """The token of one value: digits for a number, so that a statement stays one, else a word."""
        if value.lower() in KEPT:
            return value
        if value.startswith("-") and _NUMBER.match(value[1:]):
            return "-" + self.token(value[1:])
        return self.number(value) if _NUMBER.match(value) else f"masked_{self._digest(value).hex()[:12]}"

    def number(self, value: str) -> str:
        """The token of a number: 999 and fifteen digits."""
        return f"999{int.from_bytes(self._digest(value)[:8], 'big') % 10**15:015d}"

    def _digest(self, value: str) -> bytes:
        return hmac.new(self._key, value.encode("utf-8", "surrogateescape"), hashlib.sha256).digest()

    def sql(self, text: str) -> str:
        """The statement with every literal and every comment replaced; it does the same to the same tables."""
        if text not in self._known:
            self._known[text] = _Statement(self, text).masked()
        return self._known[text]

    def message(self, text: str) -> str:
        """A log message: a statement in it, quoted values and e-mail addresses; quoted names are kept."""
        if found := _STATEMENT.match(text):
            return found["head"] + self.sql(found["sql"])
        return _ADDRESS.sub(lambda each: self.token(each[0]), _QUOTES.sub(self._quoted, text))

    def detail(self, text: str) -> str:
        """A DETAIL or CONTEXT: bound parameters, keys and rows with their values, statements, and quoted values."""
        if found := _PARAMETERS.search(text):
            values = (self._parameter(each) for each in _PARAMETER.finditer(found["list"]))
            return self.message(text[: found.start()]) + found["head"] + ", ".join(values)
        if found := _ROW.search(text):
            tokens = ", ".join(self.token(each) for each in found["values"].split(", "))
            row = found["head"] + tokens + found["tail"]
            return self.message(text[: found.start()]) + row + self.message(text[found.end() :])
        if found := _INNER.search(text):
            rest = self.detail(text[found.end() :])
            return self.detail(text[: found.start()]) + found["head"] + self.sql(found["sql"]) + found["tail"] + rest
        if found := _DATA.search(text):
            value = found["value"]
            quoted = len(value) > 1 and value[0] == value[-1] == '"'
            shown = f'"{self.token(value[1:-1])}"' if quoted else self.token(value)
            return self.message(text[: found.start()]) + found["head"] + shown
        if _PROCESS.search(text):
            return _PROCESS.sub(self._process, text)
        return self.message(text)

    def code(self, text: str) -> str:
        """A call in Python: SQL in its strings is masked as such, names are kept, any other string is a value."""
        return _PYTHON.sub(self._string, text)

    def whole(self, text: str) -> str:
        """A line of which nothing is known: all of it is a value."""
        return f"{self.token(text)} ({len(text)} characters)"

    def frame(self, name: str, given: pd.DataFrame) -> pd.DataFrame:
        """An evidence table with its foreign texts masked; COLUMNS says which."""
        masked = {
            column: [getattr(self, way)(each) if isinstance(each, str) else None for each in given[column]]
            for column, way in COLUMNS.get(name, {}).items()
        }
        if name in ("migration_operations", "code_hits"):
            ways: list[Callable[[str], str]] = [
                self.code if how in ("python", "pattern") else self.sql for how in given["how"]
            ]
            masked["text"] = [
                way(each) if isinstance(each, str) else None for way, each in zip(ways, given["text"], strict=True)
            ]
        return given.assign(**{column: pd.Series(each, index=given.index, dtype="str")
                               for column, each in masked.items()})  # fmt: skip

    def _quoted(self, found: re.Match[str]) -> str:
        value = found["once"] if found["twice"] is None else found["twice"]
        before = re.search(r"(\w+)\s*\Z", found.string[max(0, found.start() - 40) : found.start()])
        if value in self._names or (found["twice"] is not None and before and before[1].lower() in _NAMED):
            return found[0]
        mark = found[0][0]
        return mark + self.token(value.replace(mark * 2, mark)) + mark

    def _parameter(self, found: re.Match[str]) -> str:
        if found["null"]:
            return found[0]
        return f"{found['name']}'{self.token(found['value'].replace(chr(39) * 2, chr(39)))}'"

    def _process(self, found: re.Match[str]) -> str:
        return found["head"] + self.sql(found["sql"])

    def _string(self, found: re.Match[str]) -> str:
        inner = found["text"]
        if effects(inner):
            inner = self.sql(inner)
        elif inner not in self._names:
            inner = self.token(inner)
        return found["quote"] + inner + found["quote"]


# Foreign texts of the evidence and the method of Mask that each passes.
COLUMNS = {
    "log_events": {"message": "message", "detail": "detail", "hint": "message", "context": "detail",
                   "statement": "sql"},
    "log_unparsed": {"text": "whole"},
    "statements": {"text": "sql"},
    "activity": {"query": "sql"},
    "relations": {"definition": "sql", "partition_bound": "sql"},
    "constraints": {"definition": "sql"},
    "policies": {"using": "sql", "with_check": "sql"},
    "triggers": {"function_body": "sql"},
    "migration_operations": {},
    "code_hits": {},
}  # fmt: skip


class _Statement:
    """One text of SQL while it is being masked: the tokens so far decide what a literal is."""

    def __init__(self, mask: Mask, text: str) -> None:
        self.mask, self.text = mask, text
        self.tokens = list(tokens(text))
        self.types: list[bool] = []  # for each open parenthesis, whether it holds the size of a type

    def masked(self) -> str:
        pieces, at = [], 0
        for place, token in enumerate(self.tokens):
            pieces += [self._comments(self.text[at : token.start]), self._one(place, token)]
            at = token.end
        return "".join([*pieces, self._comments(self.text[at:])])

    def _one(self, place: int, token: Token) -> str:
        written = self.text[token.start : token.end]
        if token.kind == "symbol" and token.value == "(":
            self.types.append(self._word(place - 1) in _TYPES)
        elif token.kind == "symbol" and token.value == ")" and self.types:
            self.types.pop()
        elif token.kind == "number":
            return written if self._sizes(place) else "..".join(map(self._number, written.split("..")))
        elif token.kind == "string":
            return written if self._names(place) else self._literal(place, token, written)
        elif token.kind == "dollar":
            return self._dollar(place, token, written)
        return written

    def _number(self, written: str) -> str:
        # 1e5, 0x1f and 1_000 are numbers too, and their tokens must be digits.
        return self.mask.number(written) if written not in KEPT else written

    def _sizes(self, place: int) -> bool:
        before = self.tokens[place - 1].value if place else ""
        return any(self.types[-1:]) or before == "[" or self._word(place - 1) in _COUNTING

    def _names(self, place: int) -> bool:
        """Whether a string names an object: the grammar has some names as strings."""
        follows = [each.value for each in self.tokens[place + 1 : place + 4]]
        if follows[:2] == [":", ":"] and follows[2:] and follows[2].lower().startswith("reg"):
            return True
        if self._word(place - 1) in ("uescape", "language"):
            return True
        if self._before(place) == "(" and self._word(place - 2) in _NAMING:
            return True
        start = [self._word(each) for each in range(min(4, place))]
        return start[:1] == ["set"] and bool(_SETTINGS & set(start))

    def _literal(self, place: int, token: Token, written: str) -> str:
        prefix, content = written[: written.index("'")], unquoted(token)
        end = "'" if len(written) > len(prefix) + 1 and written.endswith("'") else ""
        if self._runs(place):
            return f"{prefix}'{self.mask.sql(content).replace(chr(39), chr(39) * 2)}{end}"
        kept = prefix if prefix.lower() == "u&" and self._word(place + 1) == "uescape" else ""
        return f"{kept}'{self.mask.token(content)}{end}"

    def _dollar(self, place: int, token: Token, written: str) -> str:
        tag = written[: written.index("$", 1) + 1]
        end = tag if len(written) > len(tag) and written.endswith(tag) else ""
        content = unquoted(token)
        return tag + (self.mask.sql(content) if self._runs(place) else self.mask.token(content)) + end

    def _runs(self, place: int) -> bool:
        """Whether a literal is code: a body, or text that EXECUTE runs."""
        first = {self._word(each) for each in range(min(5, place))}
        if self._word(0) == "do" or (self._word(0) == "create" and first & {"function", "procedure"}):
            return self._word(place - 1) != "default"
        before = [self._word(place - step) for step in (1, 2, 3)]
        return before[0] == "execute" or before[1:] == ["format", "execute"]

    def _word(self, place: int) -> str:
        inside = 0 <= place < len(self.tokens)
        return self.tokens[place].value.lower() if inside and self.tokens[place].kind == "word" else ""

    def _before(self, place: int) -> str:
        return self.tokens[place - 1].value if place else ""

    def _comments(self, gap: str) -> str:
        """The space between two tokens with its comments masked; line feeds stay, so that line numbers do."""
        if "--" not in gap and "/*" not in gap:
            return gap
        pieces, at = [], 0
        while (found := _COMMENT.search(gap, at)) is not None:
            pieces.append(gap[at : found.start()])
            at = found.end() if found[0] != "/*" else _end(gap, found.end())
            pieces.append(self._comment(gap[found.start() : at]))
        return "".join([*pieces, gap[at:]])

    def _comment(self, written: str) -> str:
        if written.startswith("--"):
            return f"-- {self.mask.token(written[2:].strip())}"
        end = " */" if written.endswith("*/") and len(written) > 3 else ""
        content = written[2:].removesuffix("*/").strip()
        return f"/* {self.mask.token(content)}{chr(10) * written.count(chr(10))}{end}"


def _end(gap: str, at: int) -> int:
    depth = 1
    for found in re.finditer(r"/\*|\*/", gap[at:]):
        depth += 1 if found[0] == "/*" else -1
        if not depth:
            return at + found.end()
    return len(gap)
