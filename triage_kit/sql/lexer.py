"""SQL text as tokens and statements: what can still be known of a text that the grammar refuses.

A literal, a quoted name, a comment and a dollar-quoted body are one token each, so that no word inside them counts
(https://www.postgresql.org/docs/current/sql-syntax-lexical.html). An unfinished one reaches to the end of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Token(NamedTuple):
    """kind: word, quoted, string, dollar, number, symbol; value: as written, quoted names without their quotes."""

    kind: str
    value: str
    start: int
    end: int


_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<comment>/\*)
  | (?P<escape>[eE]'(?:[^'\\]|\\.|'')*+(?:'|\\?\Z))
  | (?P<string>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*+(?:'|\Z))
  | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*+(?:"|\Z))
  | (?P<dollar>\$(?P<tag>[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$)
  | (?P<parameter>\$\d+)
  | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
  | (?P<number>\d[\w.]*)
  | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")


def tokens(text: str) -> Iterator[Token]:
    """The tokens of the text without spaces and comments."""
    at, end = 0, len(text)
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:  # cannot happen: symbol takes any character
            return
        kind, stop = found.lastgroup or "symbol", found.end()
        if kind == "comment":
            at = _comment_end(text, stop)
            continue
        if kind == "tag" or kind == "dollar":
            kind, stop = "dollar", _dollar_end(text, found.group("dollar"), stop)
        elif kind == "escape":
            kind = "string"
        if kind != "space":
            yield Token(kind, _value(kind, text[at:stop]), at, stop)
        at = stop


def _comment_end(text: str, at: int) -> int:
    depth = 1
    for found in _COMMENT.finditer(text, at):
        depth += 1 if found.group() == "/*" else -1
        if not depth:
            return found.end()
    return len(text)


def _dollar_end(text: str, tag: str, at: int) -> int:
    found = text.find(tag, at)
    return len(text) if found < 0 else found + len(tag)


def _value(kind: str, written: str) -> str:
    if kind != "quoted":
        return written
    written = written[written.index('"') + 1 :]
    return written.removesuffix('"').replace('""', '"')


def unquoted(token: Token) -> str:
    """The content of a string or dollar token.

    >>> [unquoted(each) for each in tokens("'it''s' $x$a b$x$")]
    ["it's", 'a b']
    """
    if token.kind == "dollar":
        tag = token.value[: token.value.index("$", 1) + 1]
        return token.value[len(tag) :].removesuffix(tag)
    quote = token.value.index("'")
    content = token.value[quote + 1 :].removesuffix("'").replace("''", "'")
    return content.replace("\\'", "'") if token.value[0] in "eE" else content


def split(text: str) -> list[tuple[int, str]]:
    """The statements of the text with the line, from 1, on which each begins.

    >>> split("BEGIN;\\n-- first\\nDELETE FROM a;")
    [(1, 'BEGIN'), (3, 'DELETE FROM a')]
    """
    return [(text.count("\n", 0, group[0].start) + 1, text[group[0].start : group[-1].end]) for group in grouped(text)]


# Everything that cannot hide a semicolon is skipped in one step: text of tens of megabytes is split in seconds.
_PIECE = re.compile(
    r"""
    [^'"$;/-]++
  | (?:(?<=[^\w][eE])|(?<=\A[eE]))'(?:[^'\\]|\\.|'')*+(?:'|\\?\Z)
  | '(?:[^']|'')*+(?:'|\Z)
  | "(?:[^"]|"")*+(?:"|\Z)
  | --[^\n]*+
  | /\*
  | (?<![\w$])\$(?P<tag>[A-Za-z_]\w*)?\$
  | .
    """,
    re.VERBOSE | re.DOTALL,
)


def coarse(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each statement of a long text; unlike ``split`` it cuts a BEGIN ATOMIC body into statements."""
    at = start = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:  # cannot happen: the last alternative takes any character
            return
        first, at = text[at], found.end()
        if first == ";":
            yield start, at - 1
            start = at
        elif first == "/" and found.end() - found.start() == 2:
            at = _comment_end(text, at)
        elif first == "$" and found.end() - found.start() > 1:
            at = _dollar_end(text, found[0], at)
    yield start, len(text)


_LITERAL = re.compile(r"(?s)'(?:[^']|'')*+(?:'|\Z)")


def without_literals(text: str) -> str:
    """The text with every literal made empty.

    >>> without_literals("VALUES ('drop table', 1)")
    "VALUES ('', 1)"
    """
    return _LITERAL.sub("''", text)


def grouped(text: str) -> Iterator[list[Token]]:
    """The tokens of each statement; a semicolon inside a rule's parentheses or a BEGIN ATOMIC body does not end one."""
    group: list[Token] = []
    parens = blocks = 0
    for token in tokens(text):
        if token.kind == "symbol":
            parens = max(0, parens + (token.value == "(") - (token.value == ")"))
            if token.value == ";" and not blocks and not (parens and _rule(group)):
                if group:
                    yield group
                group = []
                continue
        elif token.kind == "word":
            blocks = _blocks(blocks, group, token.value.lower())
        group.append(token)
    if group:
        yield group


def _rule(group: list[Token]) -> bool:
    # Elsewhere an open parenthesis before a semicolon is a mistake, and must not swallow the next statement.
    return "rule" in {token.value.lower() for token in group[:4]}


def _blocks(blocks: int, group: list[Token], word: str) -> int:
    # SQL-standard bodies: CREATE FUNCTION … BEGIN ATOMIC stmt; stmt; END, with CASE … END inside.
    if word == "atomic" and group and group[-1].value.lower() == "begin":
        return blocks + 1
    if blocks and word == "case":
        return blocks + 1
    if blocks and word == "end":
        return blocks - 1
    return blocks
