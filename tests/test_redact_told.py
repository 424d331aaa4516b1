"""Secrets told in sentences and nested in structures: literal texts, and ordinary ones that must stay as they are."""

import pytest

from triage_kit.redact import redact

SECRET = "hunter2"

WITH_SECRET = [
    ("the password is hunter2", "the password is ***"),
    ("the password is swordfish", "the password is ***"),
    ("Password was: hunter2, change it", "Password was: ***, change it"),
    ("the token for the billing service was hunter2x9", "the token for the billing service was ***"),
    ("token for billing: hunter2", "token for billing: ***"),
    ("password -> hunter2", "password -> ***"),
    ('use password "hunter2" for now', 'use password "***" for now'),
    ("use password `hunter2`", "use password `***`"),
    ("passphrase hunter2 for the key", "passphrase *** for the key"),
    ("secret of staging is hunter2", "secret of staging is ***"),
    ("reset the password from hunter2a to hunter2b", "reset the password from *** to ***"),
    ("changed app's password to hunter2", "changed app's password to ***"),
    ("the admin password (hunter2) is in the vault", "the admin password (***) is in the vault"),
    ("the db password for user app on host db is hunter2", "the db password for user app on host db is ***"),
    ("AWS_SECRET_ACCESS_KEY hunter2", "AWS_SECRET_ACCESS_KEY ***"),
    ("the api token hunter2abcd expired", "the api token *** expired"),
    ("user app pw hunter2", "user app pw ***"),
    ("app pw=hunter2 otp: hunter2", "app pw=*** otp: ***"),
    ("credentials are app/hunter2", "credentials are ***"),
    ("kennwort: hunter2", "kennwort: ***"),
    ("contraseña: hunter2", "contraseña: ***"),
    ("пароль: hunter2", "пароль: ***"),
    ("パスワード: hunter2", "パスワード: ***"),
    ("Cookie: sessionid=hunter2; path=/", "Cookie: ***"),
    ("Set-Cookie: sid=hunter2; HttpOnly", "Set-Cookie: ***"),
    ("Authorization: hunter2hunter2", "Authorization: ***"),
    ("X-Auth-Token: hunter2", "X-Auth-Token: ***"),
    ('{"password": {"value": "hunter2"}}', '{"password": {"value": "***"}}'),
    ('{"password": ["hunter2", "x"], "port": 1}', '{"password": ["***", "***"], "port": 1}'),
    ('{"name": "DB_PASSWORD", "value": "hunter2"}', '{"name": "DB_PASSWORD", "value": "***"}'),
    ('"{\\\\"password\\\\": \\\\"hunter2\\\\"}"', '"{\\\\"password\\\\": \\\\"***\\\\"}"'),
    ("- name: DB_PASSWORD\n  value: hunter2\n- name: B", "- name: DB_PASSWORD\n  value: ***\n- name: B"),
    ("password: |\n  hunter2\n  hunter2\nport: 1", "password: |\n  ***\n  ***\nport: 1"),
    ("stringData:\n  db: hunter2\nkind: Secret", "stringData:\n  db: ***\nkind: Secret"),
    ("secrets:\n  db: hunter2\n  web: hunter2\na: b", "secrets:\n  db: ***\n  web: ***\na: b"),
    ("POSTGRES_PASSWORD: ${PG:-hunter2}", "POSTGRES_PASSWORD: ${PG:-***}"),
    ('command: ["--password", "hunter2", "-v"]', 'command: ["--password", "***", "-v"]'),
    ('<property name="password" value="hunter2"/>', '<property name="password" value="***"/>'),
    ('<entry key="db.password">hunter2</entry>', '<entry key="db.password">***</entry>'),
    ("<password><![CDATA[hunter2]]></password>", "<password><![CDATA[***]]></password>"),
    ("docker login -u a -p hunter2 host", "docker login -u a -p *** host"),
    ("CREATE USER a IDENTIFIED BY 'hunter2'", "CREATE USER a IDENTIFIED BY '***'"),
    ("https://hooks.slack.com/services/T0/B0/hunter2 now", "https://hooks.slack.com/services/*** now"),
]

HARMLESS = [
    "the password is wrong",
    "The password was changed by an administrator.",
    "password is required for user app",
    "FATAL:  password authentication failed for user \"app2025\"",
    "the token is expired, the secret was not found",
    "the secret of success is teamwork",
    "a token for each line is kept in memory",
    "access key to the second floor",
    "add a column for the password to users",
    "rows are identified by the primary key",
    "migrate password hashes from md5 to scram-sha-256",
    "connection received: host=10.0.0.7 port=5432",
    "Set-Cookie: header and cookies in general",
    "license: MIT",
    "the parser reads one token at a time (see line 1234)",
    "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD}",
    "CREATE ROLE app LOGIN NOSUPERUSER",
    'LOG:  duration: 12.3 ms  statement: SELECT token FROM sessions WHERE id = 12345',
    'ERROR:  column "password2" of relation "users" does not exist',
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WITH_SECRET)
def test_a_told_secret_is_replaced_and_nothing_else(text, expected):
    assert redact(text) == expected
    assert SECRET not in redact(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_stays(text):
    assert redact(text) == text


@pytest.mark.parametrize("text", [text for text, _ in WITH_SECRET])
def test_twice_is_once(text):
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "text",
    ["password for " * 20_000, "token x " * 20_000, "secret: {" * 20_000, "password:\n " * 20_000,
     "<key name='" * 20_000, "cookie: " * 20_000, "a" * 200_000 + " secret", "name: " * 20_000 + "password"],
    ids=lambda text: text[:10].strip(),
)  # fmt: skip
def test_near_misses_are_read_in_linear_steps(text):
    # Quadratic patterns would take minutes here; the assertion is about the result, the size about the reading.
    assert len(redact(text)) <= len(text)
