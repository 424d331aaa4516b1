"""Secrets out of text: log lines, statements, settings, files and errors pass here before they enter a table.

It errs on the side of hiding: a value whose name says password, secret, token or key is replaced whatever it is.
Parameters in their place (``$1``, ``%s``, ``:name``) and NULL stay, since they hide nothing.
"""

from __future__ import annotations

import re

HIDDEN = "***"

# One of these is in every text that the pattern below could change; looking for them costs far less than the pattern.
_CLUES = (
    "pass",
    "pwd",
    "secret",
    "token",
    "credential",
    "api",
    "access",
    "private",
    "://",
    "akia",
    "asia",
    "scram-",
    "bearer ",
)

_NAME = (
    r"(?:password(?!_encryption)|passwd|passwort|passphrase|pwd|secret|token(?!s\b|i[sz])|credential|api[_-]?key|access[_-]?key|"
    r"private[_-]?key|pgpassword)[\w-]{0,40}"
)
# A quoted value in any of the ways it is written in SQL, Python, YAML, JSON, shells, and JSON inside a string.
_QUOTED = (
    r"(?:[eE]|[uU]&)?'(?:[^'\\\n]|\\.|'')*+(?:'|\\?(?=\n|\Z))"
    r"|\"(?:[^\"\\\n]|\\.|\"\")*+(?:\"|\\?(?=\n|\Z))"
    r"|\\(?P<escaped>['\"])(?:(?!\\(?P=escaped)).)*(?:\\(?P=escaped)|\Z)"
)
_BARE = r"(?!\$\d|%s|%\(|\?|:\w|\*\*\*|(?i:null|none|true|false)\b)[^\s,;&'\"()<>{}\[\]]+"

_SECRET = re.compile(
    rf"""
    (?P<url>\b(?:[a-z][a-z0-9+.-]{{1,30}})://[^\s:/@'"<>?\#]*:)(?P<url_secret>[^\s'"<>/]+|[^\s'"<>]+(?=@[\w.\[-]+[:/?\s'"]))(?=@)
  | (?P<key>{_NAME}(?:\\*["'])?\s*(?:=>|:?=++|:(?!:))\s*)(?:(?P<quoted>{_QUOTED})|(?P<bare>{_BARE}))
  | (?P<sql>\bpassword\s+)
    (?P<sql_secret>(?:e|u&)?\\?'(?:[^'\\]|\\.|'')*+(?:'|\\?\Z)|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))
  | (?P<flag>--(?:{_NAME})\s+)(?P<flag_secret>[^\s'"-][^\s'"]*|'[^'\n]*'?|"[^"\n]*"?)
  | (?P<aws>\b(?:AKIA|ASIA)[A-Z0-9]{{16}}\b)
  | (?P<scram>\bSCRAM-SHA-256\$[^\s'",]+)
  | (?P<bearer>\bbearer\s+)(?P<bearer_secret>[\w.~+/=-]{{8,}})
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_OPENING = re.compile(r"(?i)(?:e|u&)?(?:\\?['\"]|\$\w*\$)")


def redact(text: str) -> str:
    """The text with every secret that can be told by its place replaced by ``***``; twice gives the same as once.

    >>> redact("postgresql://app:s3cret@db/shop?password=x"), redact("ALTER ROLE a PASSWORD 'b c'")
    ('postgresql://app:***@db/shop?password=***', "ALTER ROLE a PASSWORD '***'")
    """
    lowered = text.lower()
    if not any(clue in lowered for clue in _CLUES):
        return text
    return _SECRET.sub(_hide, text)


def _hide(found: re.Match[str]) -> str:
    for kept, secret in (
        ("url", "url_secret"),
        ("key", "quoted"),
        ("key", "bare"),
        ("sql", "sql_secret"),
        ("flag", "flag_secret"),
        ("bearer", "bearer_secret"),
    ):
        if found[secret] is not None:
            return found[kept] + _hidden(found[secret])
    return HIDDEN


def _hidden(secret: str) -> str:
    """Stars between the same quotes, so that a statement stays one that can be parsed."""
    opening = _OPENING.match(secret)
    if opening is None:
        return HIDDEN
    mark = opening.group().lstrip("eEuU&")
    return f"{opening.group()}{HIDDEN}{mark if secret.endswith(mark) and len(secret) > len(opening.group()) else ''}"
