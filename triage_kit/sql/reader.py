"""A place in the tokens of one statement, for those who read it by its words."""

from __future__ import annotations

from collections.abc import Iterator

from triage_kit.sql.lexer import Token


class Reader:
    """A place in the tokens of one statement, with the few moves that the rules need."""

    def __init__(self, group: list[Token], at: int) -> None:
        self.group, self.at = group, at

    def word(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.group[at].value.lower() if at < len(self.group) and self.group[at].kind == "word" else ""

    def skip(self, *words: str) -> bool:
        """Step over these words when all of them stand here."""
        if all(self.word(i) == each for i, each in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def symbol(self, value: str) -> bool:
        if self.at < len(self.group) and self.group[self.at][:2] == ("symbol", value):
            self.at += 1
            return True
        return False

    def name(self) -> tuple[str, ...]:
        """A possibly qualified name, folded as PostgreSQL folds it; a psql variable keeps its colon."""
        parts: list[str] = []
        while self.at < len(self.group):
            colon = ":" if self.symbol(":") else ""
            if self.at >= len(self.group) or self.group[self.at].kind not in ("word", "quoted"):
                break
            token = self.group[self.at]
            parts.append(colon + (token.value if token.kind == "quoted" else token.value.lower()))
            self.at += 1
            if not self.symbol("."):
                break
        return tuple(parts)

    def names(self) -> Iterator[tuple[str, ...]]:
        while True:
            self.skip("only")
            found = self.name()
            if not found:
                return
            self.symbol("*")
            yield found
            if self.symbol("("):  # argument types of a function
                while self.at < len(self.group) and not self.symbol(")"):
                    self.at += 1
            if not self.symbol(","):
                return

    def has(self, *words: str) -> bool:
        """Whether one of the words follows at this depth of parentheses, before they close."""
        depth = 0
        for token in self.group[self.at :]:
            if token.kind == "symbol":
                depth += (token.value == "(") - (token.value == ")")
                if depth < 0:
                    return False
            elif not depth and token.kind == "word" and token.value.lower() in words:
                return True
        return False

    def limited(self) -> bool:
        """Whether a WHERE follows that is not plainly true: TRUE, 1 = 1, or OR with one of these at its end."""
        if not self.has("where"):
            return False
        words = [token.value.lower() for token in self.group[self.at :]]
        while words and words[-1] in (";", ")"):
            words.pop()
        last = words[words.index("where") + 1 :]
        if "or" in last:
            last = last[len(last) - last[::-1].index("or") :]
        return not (last == ["true"] or (len(last) == 3 and last[1] == "=" and last[0] == last[2]))
