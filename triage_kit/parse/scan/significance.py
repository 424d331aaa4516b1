"""Which entries of a big log are kept: everything but ordinary traffic that can take nothing away."""

from __future__ import annotations

import re
from functools import lru_cache

from triage_kit.parse.costly import COSTLY, NAMES, PARTS_OF_NAMES
from triage_kit.parse.entry import Entry
from triage_kit.parse.forged import FORGEABLE
from triage_kit.parse.kinds import BARE_DURATION, statement_begins

ORDINARY = frozenset(("statement", "duration", "connection", "disconnection"))
SERIOUS = frozenset(("NOTICE", "WARNING", "ERROR", "FATAL", "PANIC"))
WORDS = rf"\b(?:{'|'.join(COSTLY)})\b|{NAMES}"
_NAMES = re.compile(NAMES, re.ASCII)
_OF_WORDS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_WORDS_BYTES = re.compile(rf"(?i){WORDS}".encode())
_HEADER = re.compile(r"(?i)(?:(?<=LOG:  )|(?<=ms  ))execute\b")  # of a line that was torn into another one's
_TOKENS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WRITES = re.compile(r"(?ai)\s*(?:insert|update)\b")
_PLAIN = re.compile(r"""['"$]|--|/\*""")
_BODY = re.compile(r"\$(?!\d)")
_BODY_BYTES = re.compile(rb"\$(?!\d)")
_UPDATE = re.compile(r"(?ai)(?<!\bfor )(?<!\bdo )(?<!\bon )(?<!\bkey )\bupdate\b")
_WHERE = re.compile(r"(?ai)\bwhere\b")
_INNERMOST = re.compile(r"\([^()]*\)")
_MOST_TEXT = 100_000  # what is longer is kept without a closer look
_DEEPEST = 40
_PIECE, _LONGEST_WORD = 1 << 20, 100

# An UPDATE is passed by when a WHERE follows it in the same line, before anything that might hide what it belongs to:
# a comment, a body, nested parentheses, a second statement. The language is regular, so that a compiled matcher finds
# the others. Quoted names and literals are passed over as a whole; how they are written depends on the log's format.
_NOT_WHERE = (
    r"(?:[a-vx-z0-9_]\w*|w(?:[a-gi-z0-9_]\w*)?|wh(?:[a-df-z0-9_]\w*)?|whe(?:[a-qs-z0-9_]\w*)?|"
    r"wher(?:[a-df-z0-9_]\w*)?|where\w+)"
)
_NOT_BEFORE = r"(?:^(?:[^\n]{0,2}[^\w\n\"])?|[^\w \"]|[^royn] |[^o]r |[^f]or |[^d]o |[^o]n |[^e]y |[^k]ey )"


def unbounded_update(format: str = "stderr") -> str:
    """The pattern of an UPDATE without an obvious WHERE, in the raw bytes of a format; to be matched without case."""
    quote = {"stderr": '"', "csv": '""', "json": r'\\"'}[format]
    name = rf"{quote}\w+{quote}"
    backslash = r"\\[^\"]|\\\"(?:\w*[^\w\\]|\w*\\[^\"])" if format == "json" else r"\\"
    literal = r"'[^'\\\n]*'"
    odd_quote = {
        "stderr": r'"\w*[^\w"]|""',
        "csv": r'"(?:[^"]|"\w*[^\w"]|"\w*"[^"])',
        "json": '"',
    }[format]
    inside = rf"(?:[^()'\"\\;\n$]|{literal}|{name})*"
    group = rf"\({inside}\)"
    unit = rf"(?:[^\w'\"\\;(\n]|{literal}|{name}|{group})"
    stop = (
        rf"(?:\n|\Z|;|--|/\*|\$[^0-9]|{backslash}|{odd_quote}|''|'[^'\\\n]*(?:\n|\\|\Z)|"
        rf"\({inside}(?:[(;\n$\\]|''|'[^'\\\n]*[\n\\]|{odd_quote}|\Z))"
    )
    before = rf"(?:{_NOT_BEFORE}|\\[nrtbf]|\\u00[0-9a-f][0-9a-f])" if format == "json" else _NOT_BEFORE
    return rf"{before}update(?:{unit}+{_NOT_WHERE})*{unit}*{stop}"


# Of an ordinary entry's bytes, what stands before its message, and the byte behind a message of one line.
_MESSAGE = {"stderr": (b"LOG:  ", b"\n"), "csv": (b',LOG,00000,"', b'"'), "json": (b'"message":"', b'"')}
_INSERT = re.compile(rb"(?i)(?:duration: [\d.]+ ms  )?(?:statement: |execute [^:\n\"\\]*: )\s*insert\b")
_SHORT = 1000
DIGITS = bytes(48 if 48 <= each < 58 else each for each in range(256))  # each digit becomes 0

_UNBOUNDED = re.compile(rf"(?ai){unbounded_update()}")


def significant(entry: Entry) -> bool:
    """Whether an entry is more than ordinary traffic: an error, a message of the server, or a statement that may cost.

    >>> significant(Entry(1, 0, kind="statement", statement="UPDATE a SET b = 1 WHERE c = 2"))
    False
    """
    if entry.severity in SERIOUS or entry.kind not in ORDINARY:
        return True
    if entry.statement and entry.kind in ("statement", "duration"):
        return costly(entry.statement) and costly(_HEADER.sub("", entry.statement))
    if BARE_DURATION.fullmatch(entry.message):
        return False
    if entry.subject == FORGEABLE and (begin := statement_begins(entry.message)):
        return costly(entry.message[begin:])
    return costly(_HEADER.sub("", f"LOG:  {entry.statement or entry.message}"))


def quiet(raw: bytes, format: str) -> bool:
    """Whether an ordinary entry, in the bytes of its format, is a simple INSERT that costs nothing: much noise is.

    What is not told here, ``costly`` tells.

    >>> quiet(b"2025-10-07 [1] LOG:  statement: insert into a values ('delete')\\n", "stderr")
    True
    """
    mark, end = _MESSAGE[format]
    text = raw[raw.find(mark) + len(mark) :]
    # Which digits they are makes no difference, and many entries differ in nothing else.
    return _quiet(text.translate(DIGITS), end) if len(text) < _SHORT else _quiet_text(text, end)


def _quiet_text(message: bytes, end: bytes) -> bool:
    found = _INSERT.match(message)
    if found is None:
        return False
    until = message.find(end, found.end())
    if until < 0 or message[until + 1 : until + 2] in (b"\t", b'"'):  # it goes on
        return False
    text = message[found.end() : until]
    # What may begin or end a literal elsewhere than it seems.
    if b"\\" in text or b'"' in text or b"--" in text or b"/*" in text or (b"$" in text and _BODY_BYTES.search(text)):
        return False
    lower = text.lower()
    parts = lower.split(b"'")
    outside = b"'".join(parts[::2])
    return len(parts) % 2 == 1 and len(outside) < _SHORT and b"update" not in lower and _wordless(outside)


_quiet = lru_cache(2_000)(_quiet_text)


@lru_cache(1000)
def _wordless(code: bytes) -> bool:
    return _WORDS_BYTES.search(code) is None


def costly(text: str) -> bool:
    """Whether a statement may take rows, columns or sight of them away; an UPDATE only without a WHERE of its own.

    >>> costly("UPDATE a SET b = 'where'"), costly("insert into a values ('delete-button clicked')")
    (True, False)
    >>> costly("update a set b = (select c from d where e)"), costly("select 1 from a where b for update")
    (True, False)
    """
    return _costly(text) if len(text) < _REMEMBERED else _costly_text(text)


def _costly_text(text: str) -> bool:
    bare = _TOKENS.sub(" ", text) if writes(text) and _PLAIN.search(text) else text
    if len(text) <= _PIECE:
        if _worded(bare.lower()):
            return True
        if "update" not in text.lower():
            return False
    else:
        # In pieces that overlap by more than a word: a statement of many megabytes is not held once more.
        pieces = [(at, at + _PIECE + _LONGEST_WORD) for at in range(0, max(len(text), len(bare)), _PIECE)]
        if any(_worded(bare[begin:end].lower()) for begin, end in pieces):
            return True
        if not any("update" in text[begin:end].lower() for begin, end in pieces):
            return False
    return len(text) > _MOST_TEXT or (_UNBOUNDED.search(text) is not None and _without_where(text))


_REMEMBERED = 10_000  # characters of a text; the scan asks of each twice, before and behind the plain parser
_costly = lru_cache(2_000)(_costly_text)


def writes(text: str) -> bool:
    """Whether a statement begins as an INSERT or UPDATE, whose literals cost nothing."""
    return _WRITES.match(text) is not None


def _worded(lower: str) -> bool:
    """Whether a text holds one of WORDS; a pattern of them all takes seconds for a statement of many megabytes."""
    for word in COSTLY:
        at = lower.find(word)
        while at >= 0:
            end = at + len(word)
            if (not at or lower[at - 1] not in _OF_WORDS) and lower[end : end + 1] not in _OF_WORDS:
                return True
            at = lower.find(word, end)
    return any(each in lower for each in PARTS_OF_NAMES) and _NAMES.search(lower) is not None


def _without_where(text: str) -> bool:
    """Whether some UPDATE of the text has no WHERE beside it."""
    if "\\" in text or _BODY.search(text):  # a literal may end elsewhere than it seems, or hold statements
        return True
    code = _TOKENS.sub(" ", text)
    if not writes(text) and not _UPDATE.search(code):  # it stands in a literal, which a function may run
        return True
    for _ in range(_DEEPEST):
        inner = [found[0] for found in _INNERMOST.finditer(code)]
        if not inner:
            break
        if any(map(_bare_update, inner)):
            return True
        code = _INNERMOST.sub(" ", code)
    return "(" in code or any(map(_bare_update, code.split(";")))


def _bare_update(code: str) -> bool:
    return any(not _WHERE.search(code, found.end()) for found in _UPDATE.finditer(code))
