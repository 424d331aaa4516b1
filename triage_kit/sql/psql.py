"""What only psql understands: its backslash commands, and the rows after COPY … FROM STDIN.

https://www.postgresql.org/docs/current/app-psql.html: a command ends with its line, and those of the \\g family end the
statement before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage_kit.sql import lexer
from triage_kit.sql.fallback import by_words
from triage_kit.sql.scope import Scope
from triage_kit.sql.templates import template
from triage_kit.sql.vocabulary import TEXT_LIMIT, Effect

_COPY_DATA = re.compile(r"(?is)(?:^|;)[ \t]*copy\b[^;]{0,20000}?\bfrom\s+stdin\b", re.MULTILINE)
_META = re.compile(r"(?m)^[ \t]*\\(?!\.)[a-zA-Z!?;][^\n]*$")
# These may stand behind a statement on its line and send it; inside a literal they are text.
_SENDS = re.compile(r"\\(?:gexec|gset|gdesc|gx|g|watch|crosstabview|bind|parse|sendpipeline)\b[^\n]*")
_DATA_END = re.compile(r"(?m)^\\\.[ \t\r]*$")
_COMMAND = re.compile(r"(?m)^[ \t]*\\(?P<name>i|ir|include|include_relative|!|copy)(?=[\s;'\"]|$)(?P<rest>[^\n]*)$")


def psql_effects(text: str) -> list[Effect]:
    """What backslash commands would do: run another file, a program, or the rows of a query as statements.

    >>> [(each.operation, each.column, each.line) for each in psql_effects("select 1;\\n\\\\i wipe.sql\\n")]
    [('include', 'wipe.sql', 2)]
    """
    text = _blank_copy_data(_reached(text))
    found = []
    for command in _COMMAND.finditer(text):
        line = text.count("\n", 0, command.start()) + 1
        for each in _of_command(command["name"], command["rest"].strip()):
            found.append(_placed(each, line, command[0].strip()))
    for sent in _sends(text):
        if sent.group().startswith(r"\gexec"):
            start = max(text.rfind(";", 0, sent.start()) + 1, 0)
            line = text.count("\n", 0, sent.start()) + 1
            if not _makes_only(text[start : sent.start()]):
                found.append(_placed(Effect("dynamic", "", how="tokens"), line, text[start : sent.end()].strip()))
    return found


def _makes_only(query: str) -> bool:
    r"""Whether each column of a query that \gexec runs holds a statement that is known to lose nothing.

    >>> _makes_only("SELECT format('CREATE TABLE p_%s PARTITION OF p DEFAULT', y) FROM years")
    True
    >>> _makes_only("SELECT format('DROP TABLE %I', t) FROM old"), _makes_only("SELECT statement FROM todo")
    (False, False)
    """
    try:
        from triage_kit.sql.grammar import known
    except ImportError:  # no grammar here: see triage_kit.sql.by_grammar
        return False
    parts = list(lexer.tokens(query))
    if not parts or parts[0].value.lower() != "select" or len(query) > TEXT_LIMIT:
        return False
    for column in _columns(parts[1:]):
        found = known(template(query, column), Scope())
        if found is None or any(each.loses for each in found):
            return False
    return True


def _columns(parts: list[lexer.Token]) -> Iterator[list[lexer.Token]]:
    """The expressions of a select list; each is one more statement for \\gexec."""
    depth, column = 0, list[lexer.Token]()
    for each in parts:
        if each.kind == "symbol":
            depth += (each.value in "([") - (each.value in ")]")
        if not depth and (each.value == "," or (each.kind == "word" and each.value.lower() in ("from", "where", "as"))):
            yield column
            column = []
            if each.value != ",":
                return
            continue
        column.append(each)
    yield column


def _placed(effect: Effect, line: int, text: str) -> Effect:
    values = vars(effect) | {"line": line, "text": text[:TEXT_LIMIT]}
    return Effect(**values)


def _of_command(name: str, rest: str) -> list[Effect]:
    if name == "!":
        return [Effect("run_program", "", how="tokens", column=rest)]
    if name == "copy":
        program = re.search(r"(?i)\b(?:from|to)\s+program\b", rest)
        runs = [Effect("run_program", "", how="tokens", column=rest)] if program else []
        return by_words("COPY " + rest) + runs
    return [Effect("include", "", how="tokens", column=rest.strip("'\""))]


def _sends(text: str) -> list[re.Match[str]]:
    """The commands that end a statement, those inside literals and comments left out."""
    candidates = list(_SENDS.finditer(text))
    if not candidates:
        return []
    places = {token.start for token in lexer.tokens(text) if token.value == "\\"}
    return [each for each in candidates if each.start() in places]


def without_psql(text: str) -> str:
    """The text with psql's own lines and the data after COPY … FROM STDIN blanked, so that line numbers stay.

    >>> without_psql("\\\\set x 1\\nselect 1;")
    '\\nselect 1;'
    """
    if "\\" not in text:
        return text
    text = _META.sub("", _blank_copy_data(_reached(text)))
    for each in reversed(_sends(text)):
        text = f"{text[: each.start()]};{text[each.end() :]}"
    return text


def statements(text: str) -> list[tuple[int, str]]:
    """The statements of the text with the line, from 1, on which each begins; psql's lines and COPY data left out.

    >>> statements("BEGIN;\\n-- first\\nDELETE FROM a;")
    [(1, 'BEGIN'), (3, 'DELETE FROM a')]
    """
    return lexer.split(without_psql(text))


_CONDITION = re.compile(r"(?m)^[ \t]*\\(?P<word>if|elif|else|endif|set|unset)\b(?P<value>[^\n]*)$")
_SENDS_INTO = re.compile(r"\\(?:gset|prompt|getenv|i|ir|include|include_relative)\b")
_KNOWN = dict.fromkeys(("false", "off", "0", "no"), False) | dict.fromkeys(("true", "on", "1", "yes"), True)


def _reached(text: str) -> str:
    r"""The text without the branches of \if that a literal condition shuts, their lines left standing.

    >>> _reached("\\if false\nDROP TABLE a;\n\\else\nselect 1;\n\\endif\n")
    '\\if false\n\n\\else\nselect 1;\n\\endif\n'
    >>> _reached("\\set sure off\n\\if :sure\nDROP TABLE a;\n\\endif\n")
    '\\set sure off\n\\if :sure\n\n\\endif\n'
    """
    pieces: list[str] = []
    branches: list[tuple[bool, bool]] = []  # whether each open branch runs, and whether one of its \\if has
    given: dict[str, str] = {}
    at = 0
    for found in _CONDITION.finditer(text) if "\\if" in text else ():
        piece = text[at : found.start()]
        pieces += [piece if all(runs for runs, _ in branches) else "\n" * piece.count("\n"), found[0]]
        at = found.end()
        written = found["value"].strip()
        if _SENDS_INTO.search(piece):  # these set variables, too
            given.clear()
        if found["word"] in ("set", "unset"):
            _set(written, given, sure=found["word"] == "set" and not branches)
            continue
        value = _KNOWN.get(_filled(written, given).strip("'\"").lower())
        if found["word"] == "if":
            branches.append((value is not False, value is True))
        elif found["word"] == "endif":
            branches[-1:] = []
        elif branches:
            settled = branches[-1][1]
            opens = found["word"] == "else" or value is not False
            branches[-1] = (opens and not settled, settled or value is True)
    rest = text[at:]
    return "".join([*pieces, rest if all(runs for runs, _ in branches) else "\n" * rest.count("\n")])


def _set(written: str, given: dict[str, str], sure: bool) -> None:
    """Note what ``\\set`` gives a variable; one that is set in a branch may have either value."""
    name, _, value = written.partition(" ")
    given.pop(name, None)
    if sure and name and ":" not in value and "`" not in value:
        given[name] = value.strip()


def _filled(written: str, given: dict[str, str]) -> str:
    """The text of a condition, a variable that is known replaced by its value."""
    return given.get(written[1:], written) if written.startswith(":") else written


def _blank_copy_data(text: str) -> str:
    if "stdin" not in text.lower():
        return text
    pieces, at = [], 0
    for found in re.finditer(r"(?im)\bfrom\s+stdin\b[^;\n]*;[^\n]*\n", text):
        if found.start() < at or not _COPY_DATA.search(text, _statement_start(text, at, found.start()), found.end()):
            continue
        stop = _DATA_END.search(text, found.end())
        data_end = stop.end() if stop else len(text)
        pieces += [text[at : found.end()], "\n" * text.count("\n", found.end(), data_end)]
        at = data_end
    return "".join([*pieces, text[at:]])


def _statement_start(text: str, floor: int, at: int) -> int:
    """Where the statement that holds a place begins at the latest, the semicolon before it taken along."""
    return max(text.rfind(";", floor, at), floor)
