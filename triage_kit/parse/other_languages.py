# ruff: noqa: E501 tables of patterns
"""Languages that have no reader of their own: comments blanked, and literals written as ones that are known.

A comment is told by the language's signs; a literal of a form of its own (``[[…]]``, ``{|…|}``, ``R"(…)"``, ``%q(…)``,
lines that begin with two backslashes, ``EXEC SQL …;``) is written in triple quotes where it begins as a statement.
Lines stay; so do places, but for the literals.
"""

from __future__ import annotations

import re
from functools import cache

from triage_kit.parse.code import WORDS
from triage_kit.parse.comments import blank, closable

_BY_SIGN = {
    "#": "py r jl nim cr tcl coffee nix awk pl pm ex exs gd sh toml yaml yml raku",
    "--": "hs lua elm purs adb ads sql vhdl moon",
    ";": "clj cljs cljc edn bb lisp cl el scm ss rkt fnl",
    "%": "erl hrl",
    "'": "vb vbs bas",
    "!": "f90 f95 f03 f08",
    "*>": "cob cbl cpy",
}
_SIGN = {suffix: sign for sign, suffixes in _BY_SIGN.items() for suffix in suffixes.split()}
_BLOCKS = {
    **dict.fromkeys(("hs", "elm", "purs"), r"\{-(?:[^-]|-(?!\}))*-\}"),
    **dict.fromkeys(("ml", "mli", "fs", "fsx", "pas", "dpr", "sml"), r"\(\*(?:[^*]|\*(?!\)))*\*\)"),
    **dict.fromkeys(("rkt", "lisp", "cl", "scm"), r"#\|(?:[^|]|\|(?!#))*\|#"),
    "lua": r"--\[\[(?:[^\]]|\](?!\]))*\]\]",
}
_STAYS = r'"""(?:[^"]|"(?!""))*"""|"(?:[^"\\]|\\.)*"|`[^`]*`'
_ONE_QUOTE = r"|'(?:[^'\\\n]|\\.)*'"
# Where an apostrophe quotes nothing, or a symbol, or belongs to a name.
_NO_QUOTE = """
clj cljs cljc edn bb lisp cl el scm ss rkt hs ml mli fs fsx vb vbs bas elm purs rs fnl
"""
_APOSTROPHE = frozenset(_NO_QUOTE.split())
# Read for their statements and calls though nothing is known of them but their comments.
_READ = """
cr nim d v zig ml mli re res fsx jl tcl coffee gleam dart sq edn bb lisp cl el scm ss rkt fnl elm purs hx mts cts
svelte astro gradle kts pas dpr adb cob cbl pgc ec sqc f90 f95 vbs bas cls cfm cfc bal odin nut moon raku p6 sml
groovy hh cxx hpp cc mm m gd gql graphql fizz rmd qmd erb tmpl eex heex peb jsonnet nix pyx j sas do ado abap apex p
w prg nsi ahk au3 erl hrl awk als e ex4 ceylon xtend janet ring wren ballerina vala vapi
"""
SUFFIXES = frozenset(_READ.split())


@cache
def _comments(suffix: str) -> re.Pattern[str]:
    sign = _SIGN.get(suffix)
    kept = _STAYS + ("" if suffix in _APOSTROPHE else _ONE_QUOTE)
    if sign is None:
        line, block = r"(?:(?<=[\s;{}(),])|(?<![^\n]))//[^\n]*", r"/\*(?:[^*]|\*(?!/))*\*/"
    else:
        line, block = rf"(?:(?<=[\s;(){{}}\[\]])|(?<![^\n])){re.escape(sign)}(?!\{{)[^\n]*", ""
    block = _BLOCKS.get(suffix, block)
    before = f"(?P<block>{block})|" if block else ""
    return re.compile(rf"{before}(?P<kept>{kept})|(?P<line>{line})", re.DOTALL)


_SIGNS = [("/*", "*/"), ("{-", "-}"), ("(*", "*)"), ("#|", "|#"), ("--[[", "]]")]


def without_comments(text: str, suffix: str) -> str:
    """The text with its comments blanked; what looks like one inside a literal stays.

    >>> without_comments('f "-- a" -- b', "hs"), without_comments("f('# a') # b", "nim")
    ('f "-- a"     ', "f('# a')    ")
    """
    comments = _comments(suffix)
    for opens, closes in _SIGNS:
        if text.count(opens) > _FEW:
            text = closable(text, opens, closes)
    return comments.sub(_blank, text)


def _blank(found: re.Match[str]) -> str:
    return found[0] if found["kept"] is not None else blank(found)


_WORDS = rf"(?=\s*(?i:{WORDS}))"
_FORMS = re.compile(
    rf"\[(?P<level>=*)\[{_WORDS}(?P<long>.{{0,8000}}?)\](?P=level)\]|\{{(?P<tag>\w*)\|{_WORDS}(?P<bar>.{{0,8000}}?)\|(?P=tag)\}}|"
    rf"\[\w+\|{_WORDS}(?P<quasi>.{{0,8000}}?)\|\]|R\"(?P<end>\w*)\({_WORDS}(?P<raw>.{{0,8000}}?)\)(?P=end)\"|''{_WORDS}(?P<nix>(?:[^']|'(?!')){{0,8000}})''|"
    rf"(?:%[qQ]?|~[sS])(?:\({_WORDS}(?P<round>(?:[^()]|\([^()]{{0,2000}}\)){{0,8000}})\)|\{{{_WORDS}(?P<brace>[^{{}}]{{0,8000}})\}}|\[{_WORDS}(?P<square>[^\]]{{0,8000}})\]|"
    rf"<{_WORDS}(?P<angle>[^<>]{{0,8000}})>|\|{_WORDS}(?P<pipe>[^|]{{0,8000}})\|)|q\w*:to\s*/(?P<heredoc>\w+)/[^\n]*\n{_WORDS}(?P<document>.{{0,8000}}?)\n[ \t]*(?P=heredoc)\b|q\"(?P<word>[A-Z]+)\n{_WORDS}(?P<here>.{{0,8000}}?)\n(?P=word)\"|"
    rf"\bq\{{{_WORDS}(?P<token>[^{{}}]{{0,8000}})\}}|#+\"{_WORDS}(?P<sharp>[^\"]{{0,8000}})\"#+",
    re.DOTALL,
)
_FORM_CLUES = ("[[", "[=", "|", 'R"', "''", "%", "~", ":to", 'q"', "q{", '#"')  # in each of them one
_KINDS = (
    "long",
    "bar",
    "quasi",
    "raw",
    "nix",
    "round",
    "brace",
    "square",
    "angle",
    "pipe",
    "document",
    "here",
    "token",
    "sharp",
)
_EMBEDDED = re.compile(rf"(?i)\bEXEC\s+SQL\s+(?P<sql>(?:{WORDS})[^;]{{0,8000}}?)(?:;|\bEND-EXEC\b)")
_BLOCK = re.compile(rf"\bsql\s+\w+\s*\{{\s*(?P<sql>(?i:{WORDS})[^{{}}]{{0,8000}})\}}")
_BRACED = re.compile(rf"(?<![$\w])\{{{_WORDS}(?P<sql>[^{{}}]{{0,8000}})\}}")
_SLASHED = re.compile(r"(?m)(?:^[ \t]*\\\\[^\n]*\n)+")
_SLASHES = re.compile(r"(?m)^[ \t]*\\\\")
_FEW, _MOST_FORMS = 50, 2_000  # each unfinished one would be looked for to the end of the file
_MOST_TEXT = 1 << 19


def plain_literals(text: str, suffix: str) -> str:
    """The text with literals of other forms in triple quotes, where these begin as a statement.

    >>> plain_literals("db.run([[DELETE FROM a]])", "lua"), plain_literals("EXEC SQL DELETE FROM a;", "pgc")
    ('db.run(\"\"\"DELETE FROM a\"\"\")', 'exec(\"\"\"DELETE FROM a\"\"\");')
    """
    if (
        any(clue in text for clue in _FORM_CLUES)
        and len(text) < _MOST_TEXT
        and sum(map(text.count, ("[[", "|", "''"))) < _MOST_FORMS
    ):
        text = _FORMS.sub(lambda found: _quoted(next(found[each] for each in _KINDS if found[each] is not None)), text)
    if 0 < text.upper().count("EXEC") < _MOST_FORMS:
        text = _EMBEDDED.sub(lambda found: f"exec({_quoted(found['sql'])});", text)
    if suffix == "v" and text.count("sql") < _MOST_FORMS:
        text = _BLOCK.sub(lambda found: f"exec({_quoted(found['sql'])})", text)
    if suffix == "tcl" and text.count("{") < 10 * _MOST_FORMS:
        text = _BRACED.sub(lambda found: _quoted(found["sql"]), text)
    if suffix == "zig":
        text = _SLASHED.sub(lambda found: _quoted(_SLASHES.sub("", found[0]).rstrip("\n")) + "\n", text)
    return text


def _quoted(inside: str) -> str:
    return f'"""{inside}"""' if '"""' not in inside else inside
