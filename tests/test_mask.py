"""Masked texts hold no value, and statements still do the same to the same tables."""

# ruff: noqa: S608 the statements are the matter of these tests
from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pandas as pd
import postgast
import pyarrow.parquet as pq
import pytest
import seedlike

from triage_kit import analyse, schemas
from triage_kit.bundle import Draft
from triage_kit.errors import CaseError, ReportError
from triage_kit.mask import COLUMNS, Mask
from triage_kit.opened import open_case
from triage_kit.report import make
from triage_kit.sql import effects

MASK = Mask(b"0" * 64, {"orders"})
VALUE = "Bob's planted-7731"
Q = VALUE.replace("'", "''")

STATEMENTS = [
    f"DELETE FROM shop.users WHERE email = '{Q}' AND id = 7731",
    f"DELETE FROM a WHERE name = E'{Q}' OR true",
    "UPDATE a SET b = 7731.50 WHERE 7731 = 7731",
    f"/* {VALUE} */ TRUNCATE a, -- {VALUE}\n b CASCADE",
    f"INSERT INTO a VALUES ('{Q}', 7731, NULL, true), (U&'7731', -7731, null, B'0')",
    f"DO $$BEGIN FOR i IN 1..7731 LOOP EXECUTE 'DELETE FROM x WHERE a = ''{Q.replace(chr(39), chr(39) * 2)}'''; "
    "END LOOP; END$$",
    f"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM a WHERE b = 7731'; SELECT $x${VALUE}$x$",
    "CREATE TABLE t (a varchar(10), b numeric(10,2), c float(24), d int[3]) PARTITION BY HASH (a)",
    "CREATE TABLE p PARTITION OF t FOR VALUES WITH (MODULUS 4, REMAINDER 3)",
    f"DELETE FROM a WHERE b IN ('{Q}', '7731') AND c BETWEEN 7731 AND 77310 LIMIT_",
    "SELECT nextval('shop.ids'), 'orders'::regclass, a[2] FROM t LIMIT 50 OFFSET 10",
    "SET search_path = 'shop', public",
    "DELETE FROM a WHERE 'true'::boolean",
    "DELETE FROM a WHERE id = $1 AND b = :name AND c = %s",
    f"DELETE FROM a WHERE b = '{Q}",
    f"CREATE POLICY p ON a USING (owner = '{Q}')",
    "ALTER SEQUENCE s RESTART WITH 7731",
    f"COMMENT ON TABLE a IS '{Q}'; DROP TABLE b CASCADE",
    f"MERGE INTO a USING b ON a.id = b.id AND a.n = '{Q}' WHEN MATCHED THEN DELETE",
]
DETAILS = [
    f"parameters: $1 = '{Q}', $2 = NULL, $3 = '7731'",
    f"Parameters: $1 = '{Q}, $2 = ''x'', ...'",
    f"Key (email)=({VALUE}) already exists.",
    f'Key (email, "(b)=(c")=({VALUE}, 7731) is not present in table "orders".',
    f"Failing row contains (7731, {VALUE}, null, 2024-01-01 07:07:31).",
    f"Partition key of the failing row contains (name) = ({VALUE}).",
    f"Process 11: DELETE FROM x WHERE a='{Q}'\nProcess 12: SELECT 7731",
    f"SQL statement \"DELETE FROM x WHERE a = '{Q}'\"\nPL/pgSQL function f(integer) line 3 at SQL statement",
    f'COPY users, line 5, column email: "{VALUE}"',
    f'JSON data, line 1: {{"name": "{VALUE}',
    f"unnamed portal with parameters: $1 = '{Q}'",
    f"Key (a)=({VALUE}) conflicts with existing key (a)=(7731).",
]
MESSAGES = [
    f'invalid input syntax for type integer: "{VALUE}"',
    f"statement: DELETE FROM users WHERE name = '{Q}'",
    f"duration: 1.250 ms  execute s_1: SELECT '{Q}', 7731",
    f'invalid input value for enum mood: "{VALUE}"',
    "mail to planted-7731@example.org bounced",
]


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_masked_statement_does_the_same_and_holds_no_value(text: str) -> None:
    masked = MASK.sql(text)
    assert "7731" not in re.sub(r"999\d{15}|masked_[0-9a-f]{12}", "", masked)
    assert "planted" not in masked
    assert told(masked) == told(text)
    assert parses(masked) == parses(text)


def told(text: str) -> list[tuple]:
    return [
        (each.operation, each.object, each.bounded, each.cascade, each.how, each.line, each.within)
        for each in effects(text)
    ]


def parses(text: str) -> bool:
    try:
        postgast.parse(text)
    except postgast.PgQueryError:
        return False
    return True


@pytest.mark.parametrize("text", DETAILS + MESSAGES)
def test_a_masked_message_holds_no_value(text: str) -> None:
    masked = MASK.message(text) if text in MESSAGES else MASK.detail(text)
    assert "planted" not in masked
    assert "7731" not in re.sub(r"999\d{15}|masked_[0-9a-f]{12}", "", masked)
    assert masked != text


@pytest.mark.parametrize("text", [
    'relation "nowhere" does not exist', 'duplicate key value violates unique constraint "users_pkey"',
    'null value in column "email" of relation "users" violates not-null constraint',
    'automatic vacuum of table "d.s.orders": index scans: 0', 'password authentication failed for user "app"',
    'update or delete on table "a" violates foreign key constraint "b" on table "c"',
    "checkpoint complete: wrote 3 buffers (0.0%)", 'no rows in "orders"',
])  # fmt: skip
def test_names_in_messages_stay(text: str) -> None:
    assert MASK.message(text) == text


def test_the_same_value_has_the_same_token_everywhere() -> None:
    token = MASK.token("bob")
    texts = [MASK.sql("SELECT 'bob'"), MASK.detail("parameters: $1 = 'bob'"),
             MASK.detail("Key (a)=(bob) already exists."), MASK.message('bad value: "bob"'),
             MASK.detail('COPY a, line 1, column b: "bob"')]  # fmt: skip
    assert all(token in text for text in texts)
    number = MASK.token("42")
    assert MASK.sql("SELECT 42, '42'") == f"SELECT {number}, '{number}'"
    assert len({MASK.token(str(value)) for value in range(2, 5000)}) == 4998


def test_another_key_gives_other_tokens() -> None:
    # Without the key a dictionary of likely values tells nothing.
    assert Mask(b"1" * 64).token("bob") != MASK.token("bob")
    assert MASK.token("bob") == Mask(b"0" * 64).token("bob")


PLANTED = {"email": "bob@planted.example", "number": "4111111111117731", "word": "planted-canary"}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case like the first incident, with values in every foreign text that the evidence has."""
    folder = tmp_path_factory.mktemp("planted") / "case"
    folder.mkdir()
    frames = seedlike.evidence()
    where = f"email = '{PLANTED['email']}' AND card = {PLANTED['number']} /* {PLANTED['word']} */"
    event = {"file": "a.log", "at": f"{seedlike.DAY}20:20:00Z", "severity": "ERROR", "kind": "error"}
    frames["log_events"] = schemas.frame("log_events", [*frames["log_events"].to_dict("records"), {
        **event, "line": 901, "statement": f"DELETE FROM migration.assets WHERE {where}",
        "message": f'invalid input syntax for type uuid: "{PLANTED["word"]}"',
        "detail": f"Key (email)=({PLANTED['email']}) is still referenced from table \"users\".",
        "context": f"SQL statement \"SELECT {PLANTED['number']}\"", "hint": f"Look at '{PLANTED['word']}'.",
    }, {**event, "line": 902, "severity": "LOG", "kind": "statement", "outcome": "committed",
        "message": "execute <unnamed>", "statement": f"TRUNCATE migration.users -- {PLANTED['word']}",
        "detail": f"parameters: $1 = '{PLANTED['email']}'"}])  # fmt: skip
    frames["statements"] = schemas.frame("statements", [{
        "query_id": "1", "database": "migration_db", "role": "app", "calls": 1, "rows": 3,
        "text": f"DELETE FROM migration.assets WHERE {where}"}])  # fmt: skip
    frames["activity"] = schemas.frame(
        "activity",
        [{"pid": 9, "role": "app", "kind": "client backend", "query": f"DELETE FROM migration.users WHERE {where}"}],
    )
    frames["log_unparsed"] = schemas.frame(
        "log_unparsed", [{"file": "a.log", "line": 7, "text": f"{PLANTED['word']} {PLANTED['email']}"}]
    )
    draft = Draft.begin(folder)
    for name, frame in frames.items():
        if name not in ("collection", "questions"):
            draft.write(name, frame)
    for row in seedlike._questions():
        draft.answer(**row)
    draft.note(collected_at=pd.Timestamp("2025-10-08T10:45:00Z").to_pydatetime(), host="h", schemas=["migration"])
    draft.seal()
    (folder / "case.yaml").write_text(seedlike.CASE.replace("User discovers", f"User {PLANTED['word']} discovers"))
    return folder


@pytest.fixture(scope="module")
def masked(planted: Path) -> Path:
    made = make(planted, mask=True)
    assert made.failed == []
    return planted


def unbroken(page: str) -> str:
    """The text of a page or notebook without the places at which a long name may break."""
    return re.sub(r"<wbr/?>", "", page)


def held(folder: Path) -> Iterator[tuple[str, str]]:
    """Each planted value with each file of the report that holds it."""
    for path in sorted((folder / "report").iterdir()):
        if path.is_file():
            for value in PLANTED.values():
                for _ in re.finditer(re.escape(value), unbroken(path.read_text("utf-8"))):
                    yield path.name, value


def test_a_masked_report_holds_no_planted_value_but_the_authors_note(masked: Path) -> None:
    found = list(held(masked))
    assert {value for _, value in found} == {PLANTED["word"]}  # from the note alone, which is the author's own
    note = f"User {PLANTED['word']} discovers assets table is empty"
    for path in (masked / "report").iterdir():
        text = unbroken(path.read_text("utf-8"))
        assert text.count(PLANTED["word"]) == text.count(note), path.name
    page = unbroken((masked / "report/report.html").read_text("utf-8"))
    assert "masked: in statements and messages the same value has the same token" in page
    token = Mask((masked / "mask.key").read_bytes().strip()).token(PLANTED["email"])
    assert token in page
    assert "migration.assets" in page


def test_without_the_mask_the_values_are_shown(masked: Path) -> None:
    opened = open_case(masked)
    assert PLANTED["email"] in " ".join(opened.log_events["statement"].dropna())
    assert PLANTED["email"] in opened.sql("select * from log_events").to_string(max_colwidth=None)


def test_everything_that_a_masked_case_gives_is_masked(masked: Path) -> None:
    opened = open_case(masked, mask=True)
    for name in COLUMNS:
        given = opened.evidence[name].to_string(max_colwidth=None)
        asked = opened.sql(f"select * from {name}").to_string(max_colwidth=None)
        for value in PLANTED.values():
            assert value not in given + asked, name


def test_the_key_is_the_owners_and_is_in_nothing_that_is_shared(masked: Path) -> None:
    key = masked / "mask.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    secret = key.read_bytes().strip()
    assert len(secret) == 64
    for path in [*(masked / "report").iterdir(), *(masked / "evidence").rglob("*")]:
        if path.is_file():
            assert secret not in path.read_bytes(), path.name
            assert path.suffix != ".parquet" or secret.decode() not in str(pq.read_table(path).to_pylist())


def test_a_masked_report_concludes_the_same(masked: Path) -> None:
    plain = analyse.findings_dict(analyse.investigate(open_case(masked).evidence))
    shown = json.loads((masked / "report/findings.json").read_text("utf-8"))
    for part in ("tables", "explaining_statements"):
        assert json.loads(json.dumps(plain[part], default=str)) == shown[part]
    assert [(each["cause"], each["probability"]) for each in plain["causes"]] == [
        (each["cause"], each["probability"]) for each in shown["causes"]
    ]
    assert sorted(each["outcome"] for each in plain["statements"]) == sorted(e["outcome"] for e in shown["statements"])


def test_notebooks_executed_without_the_mask_make_no_masked_report(masked: Path, tmp_path: Path) -> None:
    copies = []
    for path in (masked / "report").glob("*.ipynb"):
        notebook = nbformat.read(path, 4)
        if path.stem == "timeline":
            notebook.metadata["papermill"]["parameters"] = {"case": ".."}
        nbformat.write(notebook, tmp_path / path.name)
        copies.append(tmp_path / path.name)
    with pytest.raises(ReportError, match="timeline was executed without"):
        make(masked, notebooks=copies, mask=True)


def test_a_damaged_key_is_refused(planted: Path, tmp_path: Path) -> None:
    shutil.copytree(planted / "evidence", tmp_path / "evidence")
    (tmp_path / "mask.key").write_text("short")
    with pytest.raises(CaseError, match="is no key of this kit, got 5 bytes"):
        open_case(tmp_path, mask=True)
