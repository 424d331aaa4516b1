"""Tells the statements of a very long text apart as it comes, and keeps those that could cost."""

from __future__ import annotations

import re

from triage_kit.parse.abridge_statement import LITERAL, WORDS, Statement

_LITERAL = 200  # characters kept of a literal that spans chunks
_MOST_WORDS = 100  # places kept of it where a word stands that may cost
_MANY, _MOST = 256 << 10, 768 << 10  # kept characters from which on only new shapes, or nothing more, is kept

# Statements that are kept for what they do to those around them.
_CONTROL = re.compile(
    r"\s*(?:do|set|reset|grant|revoke|begin|start|commit|end|rollback|abort|savepoint|prepare|release)\b"
)
_LATER = re.compile(";" + _CONTROL.pattern)
# What neither ends a statement nor needs a closer look: a literal behind the letter e has escapes.
_QUIET = rf"[^'\";$/-]++(?!(?<=[eE])')|{LITERAL}(?!')|\"[^\"']*+\"|-(?!-)|/(?!\*)|\$(?![A-Za-z_$\x80-\U0010ffff])"
# No possessive groups: up to Python 3.11.4 one whose next round fails stays where that round had come to.
_SPAN = re.compile(rf"(?:{_QUIET})+")
_SPANS = re.compile(rf"(?:;|{_QUIET})+")
_BEFORE_ESCAPES = re.compile(r"[^'\";$/-]++'")
_DOLLAR = re.compile(r"\$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$")
_COMMENT = re.compile(r"/\*|\*/")
_CLOSED = {
    "'": re.compile(r"[^']*+(?:''[^']*+)*+'(?!')"),
    "e'": re.compile(r"[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'(?!')", re.DOTALL),
    '"': re.compile(r'[^"]*+(?:""[^"]*+)*+"(?!")'),
}
_NUMBERS = re.compile(rf"{LITERAL}|\b\d+\b")


def _last_end(text: str) -> int:
    """Where the last statement of a text ends, which holds whole literals and names; -1 when none does."""
    at = text.rfind(";")
    while at >= 0:
        parts = text[:at].split("'")
        if len(parts) % 2 and not sum(each.count('"') for each in parts[::2]) % 2:
            break
        at = text.rfind(";", 0, at)
    return at


class Lexer:
    """Tells statements, literals, comments and bodies apart, a chunk at a time."""

    def __init__(self) -> None:
        self.now = Statement()
        self.kept = _Kept()
        self.open = ""  # the sign of a literal, name or comment that has not ended
        self.nested = 0  # how many comments in each other
        self.body = ""  # the sign that ends the body that is being read
        self.literal: list[str] = []
        self.length = 0

    def take(self, chunk: str) -> None:
        """Read a chunk."""
        at = 0
        while at < len(chunk):
            end = chunk.find(self.body, at) if self.body else -1
            if not self.body or end < 0:
                at = self._read(chunk, at, len(chunk))
            else:
                self._read(chunk, at, end)
                at = end + len(self.body)
                self._leave()

    def end(self) -> str:
        """What is kept, when nothing more comes."""
        if self.open and self.literal:
            self.now.add("".join(self.literal), "", False)
        self.kept.statement(self.now, last=True)
        return self.kept.text()

    def _finish(self) -> None:
        self.kept.statement(self.now)
        self.now = Statement()

    def _leave(self) -> None:
        """A body ends, whatever was open in it."""
        self._finish()
        self.now.costs = True  # what was begun is closed
        self.now.add(self.body, self.body, False)
        self.body, self.open, self.literal = "", "", []

    def _read(self, chunk: str, at: int, end: int) -> int:
        """Read up to a place, or to where a body begins."""
        body, part = self.body, chunk[at:end].lower()
        hot = any(each in part for each in WORDS) or (";" in part and _LATER.search(part) is not None)
        while at < end and self.body == body:
            if self.open:
                at = self._inside(chunk, at, end, hot)
            elif not hot and (found := _SPANS.match(chunk, at, end)) and (last := _last_end(found[0])) >= 0:
                at = self._statements(chunk, at, at + last)
            elif found := _SPAN.match(chunk, at, end):
                text = found[0]
                self.now.add(text, "".join(text.split("'")[::2]) if "'" in text else text, hot)
                at = found.end()
            else:
                at = self._sign(chunk, at, end)
        return at

    def _statements(self, chunk: str, at: int, last: int) -> int:
        """Up to the last semicolon: the end of a statement, and others that cost nothing."""
        found = _SPAN.match(chunk, at, last)
        if found is not None:
            self.now.add(found[0], "".join(found[0].split("'")[::2]), False)
            at = found.end()
        self.now.add(";", ";", False)
        self._finish()
        self.kept.left += max(0, last - at)
        return last + 1

    def _sign(self, chunk: str, at: int, end: int) -> int:
        """What needs a closer look: the end of a statement, or the beginning of what may be long."""
        sign, two = chunk[at], chunk[at : at + 2]
        if sign == ";":
            self.now.add(";", ";", False)
            self._finish()
        elif two in ("--", "/*"):
            self.open, self.nested = two, 1
            return at + 2
        elif sign == "$" and (dollar := _DOLLAR.match(chunk, at, end)):
            return self._dollar(dollar)
        elif sign in "'\"":
            self._begin(sign, sign)
        elif found := _BEFORE_ESCAPES.match(chunk, at, end):
            self.now.add(found[0][:-1], found[0][:-1], True)
            self._begin("e'", "'")
            return found.end()
        else:
            self.now.add(sign, sign, False)
        return at + 1

    def _begin(self, open: str, written: str) -> None:
        self.open, self.literal, self.length = open, [written], 0

    def _dollar(self, found: re.Match[str]) -> int:
        sign = found[0]
        if self.body:  # in a body its text is looked through as it stands
            self.now.add(sign, sign, False)
        elif self.now.writes:
            self._begin(sign, sign)
        else:
            self.now.costs = True
            self.now.add(sign, sign, False)
            self._finish()
            self.body = sign
        return found.end()

    def _inside(self, chunk: str, at: int, end: int, hot: bool) -> int:
        """Go on in what is open, up to its end or that of the part."""
        if self.open == "--":
            stop = chunk.find("\n", at, end)
            self.open = "--" if stop < 0 else ""
            return end if stop < 0 else stop
        if self.open == "/*":
            for found in _COMMENT.finditer(chunk, at, end):
                self.nested += 1 if found[0] == "/*" else -1
                if not self.nested:
                    self.open = ""
                    self.now.add(" ", " ", False)
                    return found.end()
            return end
        return self._literal(chunk, at, end, hot)

    def _literal(self, chunk: str, at: int, end: int, hot: bool) -> int:
        stop = self._closed(chunk, at, end)
        text = chunk[at : end if stop < 0 else stop]
        close = "" if stop < 0 else self.open[-1] if self.open in _CLOSED else self.open
        inside = text.removesuffix(close)
        if stop >= 0 and not self.length and len(text) < _LITERAL:
            self.literal.append(inside.replace("\\'", "''"))
        else:
            self.literal += self._some(inside, hot)
        self.length += len(inside)
        if stop < 0:
            return end
        if self.length > _LITERAL:
            self.literal.append(f" … {self.length} characters")
        whole = "".join([*self.literal, close])
        self.now.add(whole, whole.replace("'", "") if self.open == '"' else "''", hot)
        self.open, self.literal = "", []
        return stop

    def _closed(self, chunk: str, at: int, end: int) -> int:
        """Where what is open ends; -1 when it goes on."""
        if self.open in _CLOSED:
            found = _CLOSED[self.open].match(chunk, at, end)
            return found.end() if found else -1
        place = chunk.find(self.open, at, end)
        return -1 if place < 0 else place + len(self.open)

    def _some(self, text: str, hot: bool) -> list[str]:
        """Of a long literal the beginning, and what in it a function or DO may run."""
        some = [text[: max(0, _LITERAL - self.length)]]
        if hot and not self.now.writes and self.open != '"' and len(self.literal) < _MOST_WORDS:
            some += self.now.costly_words(text)
        return [each.replace("'", " ").replace('"', " ").replace("\\", " ").replace("$", " ") for each in some]


class _Kept:
    """The statements that are kept, and how much stood between them."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = self.left = self.refused = 0
        self.shapes: set[str] = set()
        self.control: str | None = None  # the last command of a transaction, when it was left out

    def statement(self, each: Statement, last: bool = False) -> None:
        """A statement has ended: keep it, or count it. The first and the last are always kept."""
        if not each.first:  # nothing but blanks
            return
        control = _CONTROL.match(each.first) is not None
        if self.parts and not (last or each.costs or control):
            self.left += each.length
            return
        text = each.kept()
        shape = _NUMBERS.sub("?", text) if self.length > _MANY // 2 else ""
        if not last and ((self.length > _MANY and shape in self.shapes) or self.length > _MOST):
            self.refused += self.length > _MOST
            self.left += each.length
            self.control = text if control else self.control
            return
        self.shapes.add(shape)
        self._tell()
        self.parts.append(text)
        self.length += len(text)

    def _tell(self) -> None:
        if self.left:
            self.parts.append(f" /* {self.left} characters left out */ ")
            self.left = 0
        if self.control:
            self.parts.append(self.control)
            self.control = None

    def text(self) -> str:
        """Everything that was kept."""
        self._tell()
        if self.refused:
            self.parts.append(f" /* {self.refused} statements of these could cost something */ ")
        return "".join(self.parts)
