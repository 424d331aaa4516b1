"""SQL in the string literals of any programming language, and in those of Python that no call runs in its file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from triage_kit.parse.comments import blank, closable
from triage_kit.parse.loops import gone_through
from triage_kit.parse.migration import Operation
from triage_kit.parse.syntax import tree_of
from triage_kit.sql import OPERATIONS, effects, suspicious

WORDS = r"(?:with|delete|truncate|drop|alter|update|merge|do|insert|call)\b"
_PERL = (
    rf"\bqq?\s?(?:\{{(?P<braced>(?:[^{{}}]|\{{[^{{}}]*\}})*)\}}|\((?P<round>\s*(?i:{WORDS})(?:[^()]|\([^()]*\))*)\)|"
    rf"\[(?P<square>\s*(?i:{WORDS})[^\[\]]*)\])"
)
# Rust's raw strings, C#'s verbatim ones, Perl's q{…} and the here-documents of PHP and Perl stand before what looks
# the same. A plain string may span lines in Clojure, R, PHP, Perl and Rust: one that begins as a statement does.
_LITERAL = re.compile(
    r'\br(?P<sharps>#+)"(?P<raw>.*?)"(?P=sharps)|(?:@\$?|\$@)"(?P<verbatim>(?:[^"]|"")*)"|'
    r'<<<?~?["\']?(?P<here>[A-Z][A-Z_]*)["\']?[^\n]*\n(?P<heredoc>.*?)\n[ \t]*(?P=here)\b|'
    rf'"""(?P<triple>.*?)"""|{_PERL}|`(?P<tick>[^`]*)`|"(?P<double>(?:[^"\\\n]|\\.)*)"|'
    r"'(?P<single>(?:[^'\\\n]|\\.)*)'|"
    rf'"(?P<lines>(?=\s*(?i:{WORDS}))(?:[^"\\]|\\.)*)"',
    re.DOTALL,
)
_KINDS = ("raw", "verbatim", "heredoc", "triple", "braced", "round", "square", "tick", "double", "single", "lines")
_MOST_HEREDOCS = 500  # each unfinished one would be looked for to the end of the file
_MOST = 40_000
MOST_STATEMENTS = 3_000  # literals of one file that are looked at closely: generated ones, and more than are told
_COMMENT = re.compile(r"//(?<![^\s;{}(),]//)[^\n]*|/\*(?:[^*]|\*(?!/))*\*/")
_BEGINS = re.compile(
    r"(?i)\A\s*(?:--[^\n]*\n\s*)*(?:with|delete\s+from|truncate|drop|alter|update|merge|do|insert|call)\b"
)
# In every text with such a literal, and in every Python file that keeps one: cheap, and often wrongly yes.
# Each way begins with a sign of its own: the engine then looks at no other place.
_QUOTED = re.compile(
    rf"(?:\"|'|`|q(?<=\bq)q?\s?[{{(\[]|<<<?~?[\"']?[A-Za-z_]+[^\n]*\n)\s*(?:--[^\n]*\n\s*)*(?i:{WORDS})"
)
_KEPT = re.compile(rf"(?i)=[\s\\(]*(?:#[^\n]*\n[\s(]*)*[ru]?[\"']{{1,3}}(?:\\[nrt]|\\\n|\s)*{WORDS}")
# Placeholders of drivers and templates, which are no SQL.
_HOLE = re.compile(
    r"[#$]\{[^}]*\}|%\w+\{[^}]*\}|\$[A-Za-z_]\w*(?![\w$])|\{\w*\}|%[sdvq]|(?<![\w?])\?(?!\w)|(?<![:\w])[:@]\w+"
)

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{\w*\}|%\(\w+\)s|%s|(?<![:\w])[:@]\w+")  # Jinja's, str.format's and drivers'

# A call that tells its first argument to somebody, just before the literal; Sprintf makes text that may run.
_TOLD = re.compile(
    r"(?:\b(?:console|log|logger|slog|logging|LOG|LOGGER|Log|Logger)(?:\.|::|->)\w+|\bfmt\.(?:Print\w*|Errorf)|\berrors\.New|"
    r"\b(?:res|reply|response|ctx|toast|flash|i18n|notify|notifier|Alert|message)\.\w+|\b(?:confirm|prompt|toast|notify|gettext|"
    r"set(?:Error|Message|Status|Title)|trans|t|_|__)|(?<!\w)\$t|"
    r"\.Log(?:Trace|Debug|Information|Warning|Error|Critical)|\blog/\w+|(?:\.|->)(?:[Ii]nfo|[Ww]arn(?:ing)?|[Ee]rror|[Dd]ebug|[Tt]race|[Ff]atal)[fw]?|\b(?:print(?:ln|f)?|puts|panic|die|echo|alert)|(?<![.\w>])log|"
    r"\bnew\s+\w*(?:Error|Exception)|\b(?:e?print(?:ln)?|info|warn|error|debug|trace|format|write(?:ln)?|assert\w*|bail|anyhow|ensure|todo|unreachable)!|"
    r"\b(?:throw|raise)\s[^;\n]{0,100}|[=(&|]\s*!\s*)\s*\(\s*\Z|\b(?:echo|e?print(?:ln|fn|f)?|failwithf?|puts|putStrLn|print_endline|print_string|prerr_endline|log/\w+|raise|throw|logger\.\w+)\s+\Z|"
    # what an attribute of Rust says of its item
    r"#!?\[(?:error|doc|display|help|deprecated|should_panic|diagnostic|label|command|arg|clap)\b[^\]\n]{0,80}[(=]\s*\Z"
)
# A call or an annotation that runs what it is given, just before the literal; a context or a name may stand between.
_RUN = re.compile(
    r"(?:@(?:Query|NamedQuery|NamedNativeQuery|NativeQuery|Delete|Update|SqlUpdate)\s*\(|\b(?:[eE]xec\w*|[qQ]uery\w*|[pP]repare\w*|"
    r"create(?:Native|SQL|Mutation)?Query|[uU]pdate|batchUpdate|statement|unprepared|addSql|raw|sql|Sql)!?\s*(?:<[^<>]{0,80}>)?\()"
    r"\s*(?:[\w.()]+\s*,\s*|\w+\s*=\s*(?:\"[^\"]{0,80}\"\s*,\s*\w+\s*=\s*)?)?\Z"
)
# What only looks at a text or holds it against another: an expectation of a test, a comparison, a member of a set.
_HELD_BEFORE = re.compile(
    r"(?:[=!]==?|<>|\beq|\bis(?:not)?)\s*\Z|"
    # the label of a case, the key of a map, and what a name says to be an example, an expectation or a message
    r"\b(?:case|when)\s+(?:[^\n]{0,200},\s*)?\Z|"
    r"(?i:(?<![\w$])[\"']?(?:examples?|samples?|expected|want|wanted|got|bad|good|usage|help|desc|description|message|msg|label|"
    r"hint|title|placeholder|summary|reason|warning|note|tooltip|caption|confirm|question|forbidden|denied|input|output|inserttext|snippet|pattern|match|exclude|ignore)"
    r"[\"']?\s*(?::\s*(?:&?str|&'static str|string|String)\s*=|:=|=>|=|:)\s*"
    r"(?:\{\s*|[\[(]\s*(?:[\"'][^\"'\n]{0,80}[\"'],\s*){0,9})?\Z)|"
    r"\b(?:HttpResponse|NextResponse|Response|res|reply)\.json\([^)\n]{0,120}\Z|"
    r"[\[@](?:InlineData|TestCase|DataRow|Arguments|CsvSource|ValueSource|DisplayName|Operation|ApiOperation|ApiProperty|"
    r"ApiResponse|Schema|Parameter|Description|Display|Obsolete|Deprecated)\([^)\n]{0,150}\Z|\b(?:every|verify)\s*\{[^}\n]{0,100}\Z|"
    r"(?:\b[aA]ssert\w*!?(?:(?:\.|::|->)\w+)*|\bto(?:Be|Equal|StrictEqual|Contain|Match|HaveText|HaveBeen|Throw)\w*|"
    r"\beql?|\beq(?!uery)\w*|\bBe\w*|\bcalledWith\w*|\bwithArgs|\b(?:is|has|looks|should)_?[A-Z]\w*|\b(?:is|has|looks)_\w+[?]?|(?<![.\w])format|"
    r"\b(?:translate|normali[sz]e|fingerprint|sanitize|redact|render|rewrite)(?:S[qQ][lL]|Query|Statement|_sql|_query)?|\bshould\.\w+|\b[eE]xpect\w*|\bdescribed_class\.(?!exec|query|run|call)\w+[?!]?|"
    r"\b(?:verify|when|given)\([\w.]+(?:,\s*\w+(?:\(\d*\))?)?\)?\.\w+|"
    r"\b(?:parse|lex|lint|tokeni[sz]e|classify|validate|detect|analy[sz]e|pretty|highlight)(?:S[qQ][lL]|Query|Statement|_sql|_query)?|"
    r"\b(?:remove|contains?|includes?|has|indexOf|lastIndexOf|startsWith|endsWith|starts_with|ends_with|equals\w*|"
    r"matches|strlen|len|[sS]tr::(?:limit|length|contains|starts_?with)|str_contains|Contains|StartsWith|EndsWith|Equals))"
    r"\s*\((?:[\w.$>()\[\]-]{1,80},\s*)?\Z"
)
_HELD_AFTER = re.compile(
    r"\s*\)\s*\)\s*\.(?:rejects\s*\.\s*)?toThrow|"
    r"\s*(?:[=!]==?(?!=)|<>|(?:\.|->|\?\.)(?:len|length|size|count|includes|contains|startsWith|endsWith|starts_with|"
    r"ends_with|indexOf|equals\w*|hashCode|match(?:es)?|Length|Contains|StartsWith|EndsWith|Equals)\b)"
)
# Between two literals of one text, and between the last one and a value behind it.
_JOIN = r"(?:[+~]|\.(?=[\s\"'$]))"
_JOINED = re.compile(rf"\s*{_JOIN}\s*(?:(?P<between>[$\w.\[\]()>-]+?)\s*{_JOIN}\s*)?")
_JOINED_TO = re.compile(rf"\s*{_JOIN}\s*(?:(?:\w+\.)?(?P<name>[A-Za-z_]\w*)(?![\w.(])|[$\w(])")
_SENTENCE = re.compile(r"\s*[A-Z][a-z]+\s+[a-z]")
# The query languages of mappers may leave FROM away and name a class with its namespace.
_BARE_DELETE = re.compile(r"(?i)\A(\s*delete\s+)(?!from\b)(?=[\w\\:]+\s)")
_NAMESPACE = re.compile(r"(?<!\w)(?:\w+\\{1,2})+(?=\w)|(?<=from )\w+:(?=[A-Z])")


def literal_hits(text: str) -> Iterator[Operation]:
    """Losing statements that stand whole in a literal, and those that make a table; what no grammar reads is prose.

    >>> [(each.operation, each.object) for each in literal_hits('db.Exec("DELETE FROM a WHERE id = ?") // "DROP x"')]
    [('delete', 'a')]
    """
    if not _QUOTED.search(text) or not suspicious(text):
        return
    blanked = _COMMENT.sub(blank, closable(text))
    line, counted, statements = 1, 0, 0
    for start, inside, written, end in _literals(blanked):
        makes = MAKES.match(written)
        if not (makes or _BEGINS.match(written) or _BARE_DELETE.match(written)) or not (makes or suspicious(written)):
            continue
        statements += 1
        if statements > MOST_STATEMENTS:
            return
        line, counted = line + blanked.count("\n", counted, inside), inside
        runs = _run(_before(blanked, start))
        if told(blanked, start) or only_held(blanked, start, end) or (prose(written) and not runs):
            continue
        plain = written
        if runs and "Query" in runs[0]:
            plain = _NAMESPACE.sub("", _BARE_DELETE.sub(r"\1from ", written))
        for filled in _fillings(plain, blanked, end):
            for made in _read(filled, bool(runs)):
                made.line += line - 1
                yield made


def _read(written: str, runs: bool) -> Iterator[Operation]:
    for each in effects(_HOLE.sub("__hole__", written.replace("\\n", " ").replace('\\"', '"'))):
        # What is surely run is believed where only words tell it: JPQL's classes may be called Order.
        told_of = each.loses or each.operation in _MAKING
        if told_of and (each.how == "parsed" or (runs and each.object and each.operation in OPERATIONS)):
            made = Operation.of(each, "", each.line)
            made.object = made.object.replace("__hole__", "{…}")
            made.text = made.text.replace("__hole__", "{…}")
            yield made


def overfull(text: str) -> bool:
    """Whether a text has more statements in literals than are looked at, so that the last of them stay unread.

    >>> overfull("run('DELETE FROM a')"), overfull("run('DELETE FROM a')\\n" * 3_001)
    (False, True)
    """
    if len(text) < _SHORTEST * MOST_STATEMENTS:
        return False
    begun = (found for found in _QUOTED.finditer(text) if suspicious(text[found.start() : found.end() + _HEAD]))
    return next(islice(begun, MOST_STATEMENTS, None), None) is not None


_SHORTEST, _HEAD = 6, 200  # characters of the shortest statement, and of one that tell what it does


# A name of letters that code gives a text once, as a constant or a variable.
_GIVEN_ONCE = re.compile(
    r"(?<![\w.])(?P<name>[A-Za-z_]\w*)[ \t]*(?:(?::[ \t]*[&'\w]+(?:[ \t]+\w+)?|string\b)[ \t]*)?"
    r"(?::=|=(?![=~>]))[ \t]*[\"'`](?P<value>[A-Za-z_][\w.]*)[\"'`]"
)
_NAMED_HOLE = re.compile(
    r"__hole__(?P<joined>\w+?)__|[#$]\{(?:self\.|this\.)?(?P<braced>[A-Za-z_]\w*)\}|\{(?P<plain>[A-Za-z_]\w*)\}|"
    r"\$(?P<of_php>[A-Za-z_]\w*)(?![\w$])"
)
_FORMATTED = re.compile(r"\s*,\s*(?:\w+\.)?(?P<name>[A-Za-z_]\w*)\s*[,)]")


@lru_cache(maxsize=4)
def _constants(text: str) -> dict[str, str]:
    """What each name holds that is given one text in all of the file."""
    found: dict[str, set[str]] = {}
    for each in islice(_GIVEN_ONCE.finditer(text), _MOST):
        found.setdefault(each["name"], set()).add(each["value"])
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def _fillings(written: str, text: str, end: int) -> Iterator[str]:
    """A text as ``_filled`` gives it, once for each table that a loop of the file goes through.

    >>> code = 'for (const t of ["orders", "lines"]) db.query(`TRUNCATE ${t}`)'
    >>> [each.object for each in literal_hits(code)]
    ['orders', 'lines']
    """
    hole = _NAMED_HOLE.search(written)
    name = next(filter(None, hole.groups()), "") if hole else ""
    given = _FORMATTED.match(text, end) if not hole and "%s" in written else None
    name = given["name"] if given else name
    names = gone_through(text).get(name, ()) if name else ()
    for each in names:
        yield _filled(written.replace(hole[0] if hole else "%s", each, 1), text, end)
    if not names:
        yield _filled(written, text, end)


def _filled(written: str, text: str, end: int) -> str:
    """A text with the names of tables that constants of the file hold, where it has a hole for one.

    >>> code = 'const tbl = "orders"\\ndb.Exec(fmt.Sprintf("DELETE FROM %s", tbl))'
    >>> [each.object for each in literal_hits(code)]
    ['orders']
    """
    written = _NAMED_HOLE.sub(
        lambda hole: _constants(text).get(next(filter(None, hole.groups())), "__hole__" if hole["joined"] else hole[0]),
        written,
    )
    given = _FORMATTED.match(text, end) if "%s" in written else None
    value = _constants(text).get(given["name"]) if given else None
    return written.replace("%s", value, 1) if value else written


MAKES = re.compile(r"(?i)\s*create\s+(?:unlogged\s+)?(?:table|schema|materialized\s+view)\b")
_MAKING = frozenset(("create_table", "create_schema", "create_materialized_view", "add_column"))
_GIVEN = frozenset(("sql", "query", "statement", "stmt", "command", "cmd"))


def kept_statements(text: str) -> Iterator[Operation]:
    """Losing statements that a Python file only keeps under a name or hands on by a keyword, as to an operator.

    Raises what ``ast.parse`` raises. A file that may speak to another database gives none.

    >>> [(each.operation, each.object) for each in kept_statements("PRUNE = 'DELETE FROM a WHERE id > 4'")]
    [('delete', 'a')]
    >>> [each.object for each in kept_statements("SQLExecuteQueryOperator(task_id='t', sql='TRUNCATE b')")]
    ['b']
    """
    if not _KEPT.search(text) or re.search(r"\b(?:sqlite3|aiosqlite|duckdb|pymysql|MySQLdb)\b", text):
        return
    for node in islice(ast.walk(tree_of(text)), _MOST):
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        if isinstance(node, ast.keyword) and node.arg in _GIVEN:
            value = node.value
        written = value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
        if value is None or not _BEGINS.match(written) or not suspicious(written):
            continue
        for each in effects(_TEMPLATE.sub("__hole__", written)):
            if each.loses and each.how == "parsed":
                made = Operation.of(each, "", value.lineno + each.line - 1)
                made.object, made.text = (told.replace("__hole__", "{…}") for told in (made.object, made.text))
                yield made


def told(text: str, start: int) -> bool:
    """Whether what begins at a place is told to somebody: printed, logged or raised."""
    return _is_told(_before(text, start))


# Generated code has the same before each of its statements, and each of these looks at two hundred places.
@lru_cache(maxsize=64)
def _run(before: str) -> re.Match[str] | None:
    return _RUN.search(before)


@lru_cache(maxsize=64)
def _is_told(before: str) -> bool:
    return _TOLD.search(before) is not None


@lru_cache(maxsize=64)
def _is_held(before: str) -> bool:
    return _HELD_BEFORE.search(before) is not None


def _before(text: str, start: int) -> str:
    """What stands just before a literal, the signs that belong to it left out."""
    before = text[max(0, start - 200) : start].rstrip("$@")
    formats = _FORMATS.search(before)
    return before[: formats.start()] if formats and _run(before[: formats.start()]) else before


_FORMATS = re.compile(r"&?\s*\b(?:std::|alloc::)?format!\(\s*\Z")  # Rust's, whose text is run by the call around it


_LABEL = re.compile(r"\s*(?:=>|->|:(?![:=]))")
_LABELS = re.compile(r"(?:\A|[{,|(\[\n;])\s*\Z")


def only_held(text: str, start: int, end: int) -> bool:
    """Whether a literal is only looked at or held against another, so that nobody runs it.

    >>> [only_held(text, text.index("'"), len(text) - 1) for text in ("q == 'DROP TABLE a';", "run('DROP TABLE a')")]
    [True, False]
    """
    before = _before(text, start)
    label = _LABEL.match(text, end) and _LABELS.search(before)
    return bool(label or _is_held(before) or _HELD_AFTER.match(text, end))


def prose(written: str) -> bool:
    """Whether a text is written as a sentence: SQL has its words all large or all small.

    >>> [prose(each) for each in ("Delete from list", "DELETE FROM list", "delete from list")]
    [True, False, False]
    """
    return _SENTENCE.match(written) is not None


def _literals(text: str) -> Iterator[tuple[int, int, str, int]]:
    """Every literal with those joined to it: where it begins, where its text does, the whole text, and the end."""
    start, inside, written, end = 0, 0, None, 0
    if text.count("<<") > _MOST_HEREDOCS:
        text = text.replace("<<", "  ")
    for found in islice(_LITERAL.finditer(text), _MOST):
        group = next(each for each in _KINDS if found[each] is not None)
        part = found[group].replace('""', '"') if group == "verbatim" else found[group]
        joined = _JOINED.fullmatch(text, end, found.start()) if written is not None else None
        if written is not None and joined:
            between = _hole(joined["between"]) if joined["between"] else ""
            written += between + "\n" * joined[0].count("\n") + part
        else:
            if written is not None:
                yield start, inside, _ended(text, end, written), end
            start, inside, written = found.start(), found.start(group), part
        end = found.end()
    if written is not None:
        yield start, inside, _ended(text, end, written), end


def _ended(text: str, end: int, written: str) -> str:
    """The text of a literal with a sign for a value that is joined to its end, or must be where no table is."""
    if joined := _JOINED_TO.match(text, end):
        return written + _hole(joined["name"] or "")
    return f"{written}__hole__" if _needs_more(text, end, written) else written


def _hole(source: str) -> str:
    """A sign for a value, with the name that it comes from where that is a plain one."""
    name = source.rpartition(".")[2]
    return f"__hole__{name}__" if re.fullmatch(r"[A-Za-z_]\w*", name) and "__" not in name else "__hole__"


def _needs_more(text: str, end: int, written: str) -> bool:
    """Whether a list or a stream goes on behind a statement that has no table yet: ["DELETE FROM ", Table]."""
    return _OPEN_ENDED.search(written) is not None and re.match(r"\s*(?:,|<<)", text[end : end + 40]) is not None


_OPEN_ENDED = re.compile(
    r"(?i)\A\s*(?:delete\s+from|truncate(?:\s+table)?|drop\s+(?:table|schema)(?:\s+if\s+exists)?)\s+(?:only\s+)?\Z"
)
