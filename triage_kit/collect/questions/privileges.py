"""What a role may see, as the table of the README: made from the questions, so that it cannot fall behind."""

from __future__ import annotations

from triage_kit.collect.questions import PARTS, QUESTIONS, Question

BEGIN, END = "<!-- privileges: begin -->", "<!-- privileges: end -->"
ANYBODY = "Any role that may connect gets, without a grant:"
HEAD = "| line to paste | where | answers | without them the report lacks |\n|---|---|---|---|"


def lines() -> dict[str, list[Question]]:
    """Every GRANT with its comment, and the questions and parts of answers that it buys or helps to buy."""
    found: dict[str, list[Question]] = {}
    for question in (*QUESTIONS, *PARTS):
        for line in question.grant.splitlines():
            found.setdefault(line, []).append(question)
    return found


def markdown(role: str = "triage", schema: str = "shop") -> str:
    """The answers that every role gets, and the lines that buy the rest, as Markdown.

    ``role`` is the one to grant to and ``schema`` the one to open. A superuser needs none of the lines.

    >>> "| `GRANT pg_monitor TO triage;` |" in markdown()
    True
    """
    free = ", ".join(f"`{question.name}`" for question in QUESTIONS if not question.grant)
    rows = [_row(line.format(role=role, schema=schema), asked) for line, asked in lines().items()]
    return "\n".join([f"{ANYBODY} {free}.", "", HEAD, *rows])


def _row(line: str, asked: list[Question]) -> str:
    code, _, where = (part.strip() for part in line.partition("--"))
    # A part is told by its question, unless that one is answered without the line.
    whole = {question.name for question in asked}
    told = [question for question in asked if question.name.partition(":")[0] not in whole - {question.name}]
    names = ", ".join(f"`{question.name}`" for question in told)
    return f"| `{code}` | {where or 'everywhere'} | {names} | {'; '.join(question.costs for question in told)} |"


def written(text: str) -> str:
    """A README with the table between its markers as the questions have it now.

    >>> written(f"head\\n{BEGIN}\\nold\\n{END}\\n").startswith(f"head\\n{BEGIN}\\n\\n{ANYBODY}")
    True
    """
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{markdown()}\n\n{END}{tail}"
