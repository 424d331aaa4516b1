"""Tables and paragraphs as HTML in which nothing from the evidence is markup.

Names, log lines and SQL come from a hostile place: every value passes ``text`` (escaped, control characters spelt out)
before it stands in a page. The report sanitises again; that net removes what it finds, so a value that reached it raw
would be shown cut short.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from triage_kit.plot import style, words

MANY = 24  # characters of a cell that wants a line of its own
TOO_LONG = 20_000  # letters of a text whose joints are not marked
SHORT, SHORT_LINES = 1500, 16  # letters and lines of a command that paper does not break
MOST_NAMES = 100  # names of one line that a page lists
MOST_IDS = 500  # evidence ids of one claim that a page lists
LONG = 200  # a table with more rows scrolls inside its own frame
TYPED = re.compile(r"`([^`\n]+)`")
EVIDENCE_ID = re.compile(r"\bE\d+\b")
# Where a long word may go on in the next line: after a joint, or where a capital begins a word of its own.
LONG_WORD = re.compile(r"\w[\w./:=(,-]{17,}\w")
JOINT = re.compile(r"[_/](?=\w)|(?:[.,=(]|::)(?=[^\W\d])|(?<=[a-z\d])(?=[A-Z][a-z])")
QUOTED_JOINT = re.compile(r"&quot;\.(?=&quot;)|\((?=&#x27;)|&#x27;::")  # of escaped text
NAME_JOINT = re.compile(r"[._/:](?=\w)|(?<=[a-z\d])(?=[A-Z][a-z])")
SHELL = re.compile(r"-- (?P<where>[^:;]*\bin a shell\b[^:]*): (?P<command>.+)$", re.M)
LATER = re.compile(r"\s+(?:#|--) (?P<when>(?:when|or) .*)$")  # a remark that says when, or when not, to run a line
IN_SHELL, IN_PSQL, IN_SETTINGS, BY_HAND = "In a shell", "In psql", "In postgresql.auto.conf of the copy", "by hand"
PLACES = (IN_SHELL, IN_PSQL)
BEGINNINGS = (
    (BY_HAND, re.compile(r"# ")),
    (IN_PSQL, re.compile(
        r"--|\\copy\b|(?:SELECT|WITH|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|BEGIN|COMMIT|ROLLBACK|SET|LOCK|CHECKPOINT|DO|COPY|"
        r"VACUUM|REFRESH|GRANT|REVOKE|TRUNCATE|REINDEX)\b")),
    (IN_SETTINGS, re.compile(r"[a-z_]+ = ")),
    (IN_SHELL, re.compile("")),
)  # fmt: skip
OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")  # its hyphens part nothing
DRAWN = frozenset(("text", "title", "tspan"))  # elements of a drawing, which know no line breaks


class Html(str):
    """Markup that is safe to show; Jupyter renders it."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def text(value: object) -> Html:
    """The value as text of a page; a missing one is empty.

    >>> text("<b>&")
    '&lt;b&gt;&amp;'
    """
    if isinstance(value, Html):
        return value
    said = _escaped(value)
    return Html(said if len(said) > TOO_LONG else _breaking(said))


def _escaped(value: object) -> str:
    return "" if _absent(value) else escape(_lines(value), quote=True)


def _breaking(markup: str) -> str:
    """Text in which a long name may break where a reader expects it, at its joints, or beside what is quoted."""
    markup = LONG_WORD.sub(lambda word: JOINT.sub(r"\g<0><wbr>", word[0]), markup)
    return QUOTED_JOINT.sub(r"\g<0><wbr>", markup)


def _lines(value: object) -> str:
    # Line feeds and tabs are kept for SQL; the page shows them.
    return "".join(each if each in "\n\t" else style.visible(each) for each in str(value))


def _absent(value: object) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)


def join(parts: Iterable[object], between: str = "") -> Html:
    """Parts one after the other, each escaped unless it is markup."""
    return Html(between.join(text(part) for part in parts))


def tag(element: str, *parts: object, **attributes: object) -> Html:
    """One element; ``class_`` becomes class, ``data_sort`` data-sort, None leaves an attribute out.

    >>> tag("a", "5 < 6", href="#E3")
    '<a href="#E3">5 &lt; 6</a>'
    """
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(map(_literal, parts)) if element in DRAWN else join(parts)
    return Html(f"<{element}{said}>{inner}</{element}>")


def _literal(part: object) -> str:
    return part if isinstance(part, Html) else _escaped(part)


def name(value: object) -> Html:
    """The name of a table, a file or a role: literal, and isolated from the direction of the text around it."""
    if _absent(value) or value == "":
        return Html("")
    return tag("code", tag("bdi", Html(NAME_JOINT.sub(r"\g<0><wbr>", _escaped(style.visible(value))))))


def names(values: Iterable[object], most: int | None = None, absent: str = "none") -> Html:
    """Several names; those beyond ``most`` fold into a counted list that opens."""
    shown = list(map(name, values))
    if not shown:
        return text(absent)
    if most is None or len(shown) <= most + 2:
        return join(shown, ", ")
    left = len(shown) - most - MOST_NAMES  # thousands of them, told in many places, would make a page that hangs
    unlisted = f" and {left:,} more, all in findings.json" if left > 0 else ""
    rest = folded(f"{len(shown) - most:,} more", join(shown[most : most + MOST_NAMES], ", "), unlisted)
    return join([join(shown[:most], ", "), " ", rest])


def sql(value: object) -> Html:
    """A statement as written."""
    if _absent(value) or not value:
        return Html("")
    said = _lines(value)
    # What no window holds is not read but copied: a break at every joint of thousands of names makes the page hang.
    whole = text(said) if len(said) > TOO_LONG else OPTION.sub(r'<span class="u">\g<0></span>', text(said))
    sheets = len(said) > SHORT or said.count("\n") > SHORT_LINES  # kept whole, it would leave half a sheet empty
    return tag("pre", tag("code", Html(whole)), class_="sql sheets" if sheets else "sql")


def boxes(value: object) -> Html:
    """A command as boxes to copy: what a comment says to run in a shell stands apart from what psql takes.

    >>> said = str(boxes("-- on the server, in a shell: cp a b\\nSELECT 1"))
    >>> said.count("<pre"), "On the server, in a shell:</p><pre" in said, said.index("cp a b") < said.index("SELECT 1")
    (2, True, True)
    """
    if _absent(value) or not SHELL.search(str(value)):
        return sql(value)
    parts: list[Html] = []
    lines: list[str] = []
    for line in [*str(value).splitlines(), None]:
        found = SHELL.search(line) if line is not None else None
        if line is not None and found is None:
            lines.append(line)
            continue
        lines += [found.string[: found.start()].rstrip()] if found and found.start() else []
        kept = "\n".join(lines)
        parts += [tag("p", "In psql:", class_="where"), sql(kept)] if lines else []
        lines = []
        if found:
            where = found["where"]
            parts += [tag("p", f"{where[:1].upper()}{where[1:]}:", class_="where"), sql(found["command"])]
    return join(parts)


def commands(each: Iterable[object]) -> Html:
    """Commands that are run one after the other, a box for each place where they are run.

    What a line says to do by hand stands above the box; what is to be run later, or in a certain case only, has a box
    of its own, so that nobody runs it by pasting what stands before it.

    >>> said = str(commands(["CASE=.  # here", "createdb b", "BEGIN;", "COMMIT;  -- or ROLLBACK; as it is"]))
    >>> said.count("<pre"), "In psql (or ROLLBACK; as it is):" in said
    (3, True)
    """
    told: list[tuple[str, list[str]]] = []
    for line in (part for one in each if not _absent(one) for part in _parts(str(one))):
        where = next(place for place, begins in BEGINNINGS if begins.match(line))
        if where in PLACES and (later := LATER.search(line)):
            where, line = f"{where} ({later['when']})", line[: later.start()]
        if told and told[-1][0] == where:
            told[-1][1].append(line)
        else:
            told.append((where, [line]))
    return join(
        tag("p", prose(words.capital(" ".join(line.lstrip("# ") for line in lines))), class_="where")
        if where == BY_HAND
        else join([tag("p", f"{where}:", class_="where"), sql("\n".join(lines))])
        for where, lines in told
    )


def _parts(command: str) -> list[str]:
    """What is done by hand, told in its first line, and the command; a name of several lines parts nothing else."""
    head, _, rest = command.partition("\n")
    return [head, rest] if rest and head.startswith("# ") else [command]


def cited(value: object) -> Html:
    """Text in which every evidence id (E3) is a link to its row."""
    return Html(EVIDENCE_ID.sub(lambda found: f'<a href="#{found[0]}">{found[0]}</a>', text(value)))


def prose(value: object) -> Html:
    """The kit's own words, in which what stands between backticks is to be typed as it is.

    >>> prose("take `triage baseline` every hour")
    'take <code>triage baseline</code> every hour'
    """
    return Html(TYPED.sub(r"<code>\g<1></code>", cited(value)))


def ids(values: Iterable[object], most: int = 6) -> Html:
    """Evidence ids as links, each once; those beyond ``most`` fold into a counted list that opens."""
    each = list(dict.fromkeys(str(value) for value in values if not _absent(value) and str(value)))
    if len(each) <= most + 1:
        return cited(", ".join(each))
    told, left = each[most : most + MOST_IDS], len(each) - most - MOST_IDS
    unlisted = f" and {left:,} more, all in findings.json" if left > 0 else ""
    rest = folded(f"{len(each) - most:,} more", join([cited(", ".join(told)), unlisted]), look="ids")
    return join([cited(", ".join(each[:most])), " ", rest])


def status(word: object) -> Html:
    """A status as symbol and word; the colour only repeats them."""
    known = "undecided" if _absent(word) else str(word)
    return tag("span", f"{style.STATUSES.get(known, style.STATUSES['undecided'])[1]} {known}", class_=f"status {known}")


def number(value: object, absent: str = "not known") -> Html:
    """A whole number with separators, in a form that the page can sort."""
    if _absent(value):
        return tag("span", absent, class_="absent")
    return text(style.count(value))


def moment(at: object, timezone: object = None, fine: bool = False) -> Html:
    """An instant in UTC and, beside it, in the case's time zone; ``fine`` keeps microseconds.

    >>> moment(pd.Timestamp("2025-10-08T10:37:29Z"))
    '<time datetime="2025-10-08T10:37:29.000000Z">2025-10-08 10:37:29 UTC</time>'
    """
    if _absent(at):
        return tag("span", "not known", class_="absent")
    instant = pd.Timestamp(at).tz_convert("UTC")
    shown = _clock(instant, fine)
    local = _local(instant, timezone, fine)
    beside = [" ", tag("span", f"({local})", class_="local")] if local else []
    return tag("time", f"{instant:%Y-%m-%d} {shown} UTC", *beside, datetime=f"{instant:%Y-%m-%dT%H:%M:%S.%f}Z")


def lasting(start: object, end: object, timezone: object = None) -> Html:
    """An instant to the microsecond and, where something lasted, its end below it."""
    begun = moment(start, timezone, fine=True)
    if _absent(end) or end == start:
        return begun
    return join([begun, " to ", moment(end, timezone, fine=True)])


def _clock(instant: pd.Timestamp, fine: bool) -> str:
    if fine and instant.microsecond:
        return f"{instant:%H:%M:%S.%f}"
    return f"{instant:%H:%M:%S}"


def _local(instant: pd.Timestamp, timezone: object, fine: bool) -> str:
    if _absent(timezone) or str(timezone) in ("", "UTC", "Etc/UTC"):
        return ""
    try:
        there = instant.tz_convert(ZoneInfo(str(timezone)))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # An unknown zone leaves UTC, which is always right.
        return ""
    day = "" if there.date() == instant.date() else f"{there:%Y-%m-%d} "
    return f"{day}{_clock(there, fine)} {timezone}"


def between(start: object, end: object, timezone: object = None) -> Html:
    """A window of time; equal ends are one moment."""
    if _absent(start) and _absent(end):
        return moment(None)
    if not _absent(start) and not _absent(end) and start == end:
        return moment(start, timezone, fine=True)
    # An incident may be over within a second: then only the fractions tell the ends apart.
    both = not _absent(start) and not _absent(end)
    fine = both and abs(pd.Timestamp(end) - pd.Timestamp(start)) < pd.Timedelta(minutes=1)
    if _absent(start):
        return join(["before ", moment(end, timezone)])
    if _absent(end):
        return join(["after ", moment(start, timezone)])
    return join(["between ", moment(start, timezone, fine), " and ", moment(end, timezone, fine)])


def table(
    caption: str,
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    numeric: Sequence[int] = (),
    row_ids: Sequence[str] = (),
    most: int | None = None,
    elsewhere: str = "findings.json",
) -> Html:
    """One table with a caption and header cells, which the page makes sortable and filterable.

    A column without a word in any row is left out: it says nothing, and the others need the room.

    Parameters
    ----------
    caption : what a row is.
    headers : one a column.
    rows : cells, escaped unless they are Html.
    numeric : places of the columns that are set right.
    row_ids : an id for each row, as a target of links.
    most : rows beyond it are left out and counted; ``elsewhere`` says where they are.
    """
    cells = list(rows)
    if not cells:
        return tag("p", f"{caption}: none.", class_="none")
    shown = cells if most is None else cells[:most]
    told = [place for place in range(len(headers)) if any(text(row[place]) for row in shown)]
    head = tag(
        "tr",
        *(tag("th", headers[place], scope="col", class_="n" if place in numeric else None) for place in told),
    )
    body = [
        tag(
            "tr",
            *(tag("td", row[place], class_=_look(row[place], place in numeric)) for place in told),
            id=row_ids[position] if row_ids else None,
        )
        for position, row in enumerate(shown)
    ]
    left = len(cells) - len(shown)
    note = tag("p", f"{left:,} more rows are in {elsewhere}.", class_="note") if left else ""
    return join(
        [
            tag(
                "div",
                tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body), class_="data"),
                class_="scroll long" if len(shown) > LONG else "scroll",
                role="region",
                tabindex="0",
                aria_label=caption,
            ),
            note,
        ]
    )


def _look(cell: object, numeric: bool) -> str | None:
    """Numbers stand right; a cell of many words is kept wide, or it would become a tower of single words."""
    words = re.sub(r"<summary>.*|<time.*</time>|<[^>]*>", "", text(cell), flags=re.DOTALL)
    folded = text(cell).startswith("<details")  # its summary is the text of the cell
    return "n" if numeric else "w" if folded or len(words) > MANY else None


def listed(items: Iterable[object], ordered: bool = False) -> Html:
    """A list; an empty one says so."""
    each = [tag("li", item) for item in items]
    return tag("ol" if ordered else "ul", *each) if each else tag("p", "none", class_="none")


def folded(title: object, *parts: object, look: str = "fold") -> Html:
    """Parts behind a title that opens; on paper they stand open, but for ``ids``."""
    return tag("details", tag("summary", title), *parts, class_=look)


def folding(said: object) -> Html:
    """A text with its evidence ids as links; a long one is shown in short, and whole where it is opened."""
    if _absent(said) or len(str(said)) <= 240:
        return cited("" if _absent(said) else said)
    return folded(style.short(said, 200), tag("pre", said), look="whole")
