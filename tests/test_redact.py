"""What must not leave the machine: literal texts with a secret, and texts that must stay as they are."""

import pytest

from triage_kit.redact import redact

SECRET = "hunter2"

WITH_SECRET = [
    ("postgresql://app:hunter2@db:5432/shop", "postgresql://app:***@db:5432/shop"),
    ("postgresql+psycopg://app:hunter2@db/shop", "postgresql+psycopg://app:***@db/shop"),
    ("see redis://:hunter2@cache:6379/0 now", "see redis://:***@cache:6379/0 now"),
    ("postgres://app:p@ss-hunter2@db/shop", "postgres://app:***@db/shop"),
    ("postgres://app:a/hunter2/b@db:5432/shop", "postgres://app:***@db:5432/shop"),
    ("url?user=a&password=hunter2&sslmode=require", "url?user=a&password=***&sslmode=require"),
    ("host=db user=a password=hunter2 dbname=x", "host=db user=a password=*** dbname=x"),
    ("host=db password='hunter2 with space' user=a", "host=db password='***' user=a"),
    (r"password='it\'s hunter2' user=a", "password='***' user=a"),
    ("sslpassword=hunter2 sslkey=/etc/key", "sslpassword=*** sslkey=/etc/key"),
    ("PGPASSWORD=hunter2 psql -h db", "PGPASSWORD=*** psql -h db"),
    ("ALTER ROLE a WITH PASSWORD 'hunter2' VALID UNTIL 'x'", "ALTER ROLE a WITH PASSWORD '***' VALID UNTIL 'x'"),
    ("create user a encrypted password 'it''s hunter2'", "create user a encrypted password '***'"),
    ("ALTER USER a PASSWORD E'x\\'hunter2'", "ALTER USER a PASSWORD E'***'"),
    ("ALTER USER a PASSWORD $p$hunter2$p$;", "ALTER USER a PASSWORD $p$***$p$;"),
    ("ALTER ROLE a PASSWORD 'hunter2", "ALTER ROLE a PASSWORD '***"),
    ("UPDATE users SET password_hash = 'hunter2' WHERE id = 3", "UPDATE users SET password_hash = '***' WHERE id = 3"),
    ("db_password: hunter2", "db_password: ***"),
    ('{"password": "hunter2", "a": 1}', '{"password": "***", "a": 1}'),
    (r'"{\"api_key\": \"hunter2\"}"', r'"{\"api_key\": \"***\"}"'),
    ('connect(host="h", password="hunter2")', 'connect(host="h", password="***")'),
    ("export STRIPE_SECRET=hunter2;", "export STRIPE_SECRET=***;"),
    ("aws_secret_access_key = hunter2", "aws_secret_access_key = ***"),
    ("password ==== 'hunter2'", "password ==== '***'"),
    ("GITHUB_TOKEN=hunter2", "GITHUB_TOKEN=***"),
    ("tool --password hunter2 --host db", "tool --password *** --host db"),
    ("Authorization: Bearer hunter2hunter2", "Authorization: Bearer ***"),
    ("'password' => 'hunter2'", "'password' => '***'"),
    (
        "CREATE SUBSCRIPTION s CONNECTION 'host=a password=hunter2 user=b'",
        "CREATE SUBSCRIPTION s CONNECTION 'host=a password=*** user=b'",
    ),
    ("EXECUTE 'ALTER ROLE x PASSWORD ''hunter2'''", "EXECUTE 'ALTER ROLE x PASSWORD ''***'''"),
    ("E 'f(''x PASSWORD ''''hunter2'''' y'')'", "E 'f(''x PASSWORD ''''***'''' y'')'"),
    ("'SELECT dblink_connect(''host=h password=hunter2'')'", "'SELECT dblink_connect(''host=h password=***'')'"),
    ("CONNECTION 'host=h password=''hunter2'' x=y'", "CONNECTION 'host=h password=''***'' x=y'"),
    ("ALTER ROLE x PASSWORD /* c */ -- d\n 'hunter2'", "ALTER ROLE x PASSWORD /* c */ -- d\n '***'"),
    ("ALTER ROLE x PASSWORD'hunter2'", "ALTER ROLE x PASSWORD'***'"),
    ("curl -u me:hunter2 -T %p https://h", "curl -u me:*** -T %p https://h"),
    ("sshpass -p hunter2 scp %p h:", "sshpass -p *** scp %p h:"),
    ("mysqldump -uroot -phunter2 shop", "mysqldump -uroot -p*** shop"),
    ("os.environ['DB_PASSWORD'] = 'hunter2'", "os.environ['DB_PASSWORD'] = '***'"),
    ("getenv('PGPASSWORD', 'hunter2')", "getenv('PGPASSWORD', '***')"),
    ("SET app.jwt_secret TO 'hunter2'", "SET app.jwt_secret TO '***'"),
    ("v_password constant text := 'hunter2'", "v_password constant text := '***'"),
    ("<db.password>hunter2</db.password>", "<db.password>***</db.password>"),
    ("SELECT crypt('hunter2', gen_salt('bf'))", "SELECT crypt('***', gen_salt('bf'))"),
    ("pgp_sym_decrypt(a.b, 'hunter2')", "pgp_sym_decrypt(a.b, '***')"),
    ("curl -H 'Authorization: Basic aHVudGVyMg-hunter2'", "curl -H 'Authorization: Basic ***'"),
    ("OPTIONS (ADD aws_secret_access_key 'hunter2')", "OPTIONS (ADD aws_secret_access_key '***')"),
    ("ALTER ROLE a PASSWORD 'x'\n'hunter2' NOLOGIN", "ALTER ROLE a PASSWORD '***' NOLOGIN"),
    ('parameter "app.jwt_secret" changed to "hunter2"', 'parameter "app.jwt_secret" changed to "***"'),
    ("DB_PASS=hunter2 REDIS_AUTH=hunter2", "DB_PASS=*** REDIS_AUTH=***"),
    ("https://x/b?sv=1&sig=hunter2&se=2", "https://x/b?sv=1&sig=***&se=2"),
    ("AccountName=a;AccountKey=hunter2;B=c", "AccountName=a;AccountKey=***;B=c"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----",
    ),
    (
        "INSERT INTO u (id, password) VALUES (1, 'hunter2'), (2, 'it''s hunter2'); TRUNCATE u",
        "INSERT INTO u (id, password) VALUES (1, '***'), (2, '***'); TRUNCATE u",
    ),
    ("Key (id, api_token)=(1, hunter2) already exists.", "Key (id, api_token)=(***) already exists."),
    ("db:5432:shop:app:hunter2", "db:5432:shop:app:***"),
    ("ENV POSTGRES_PASSWORD hunter2", "ENV POSTGRES_PASSWORD ***"),
    ("SELECT encrypt(data, 'hunter2', 'aes')", "SELECT encrypt(data, '***', 'aes')"),
    ("bearer eyJhbGciOiJI.hunter2hunter2.sig_na", "bearer ***"),
    ("git clone https://hunter2hunter2@host/x.git", "git clone https://***@host/x.git"),
    (
        "(current_setting('app.password'::text) = 'hunter2'::text)",
        "(current_setting('app.password'::text) = '***'::text)",
    ),
]

HARMLESS = [
    'FATAL:  password authentication failed for user "app"',
    "connection authorized: user=app database=shop application_name=psql",
    "SET password_encryption = 'scram-sha-256'",
    "UPDATE users SET password = $1 WHERE id = $2",
    "UPDATE users SET password = NULL",
    "SELECT 1 WHERE key IN ('password', 'other') AND x = ''",
    "docker run -u 1000 -e A=b image",
    "ALTER TABLE a RENAME COLUMN token TO b",
    "ALTER ROLE a PASSWORD NULL",
    "cursor.execute('... password = %s', x)",
    "https://example.org:8080/path?x=1",
    "postgresql://app@db:5432/shop",
    "CREATE TABLE t (token text, secret bytea)",
    "max_tokens = 100",
    "ALTER TABLE users ALTER COLUMN token SET NOT NULL",
    "INSERT INTO u (id, note) VALUES (1, 'plain')",
    "INSERT INTO u (id, token) SELECT 1, t.token FROM t",
    "UPDATE u SET token FROM x",
    'Key (customer_id)=(7) is still referenced from table "orders".',
    "2025-10-07 20:27:38.123 UTC [12] app@shop:5432 LOG:  author: me, bypass: yes, compass: no",
    "CREATE INDEX ON t (encryption_key_id)",
    "passfile=/home/a/.pgpass",
    "SELECT 1::int, a.token::text FROM a",
    '2025-10-07 20:27:38.123 UTC [12] ERROR:  syntax error at or near "\\"',
]


@pytest.mark.parametrize(("text", "expected"), WITH_SECRET)
def test_the_secret_is_replaced_and_nothing_else(text, expected):
    assert redact(text) == expected
    assert SECRET not in redact(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_text_without_a_secret_stays(text):
    assert redact(text) == text


@pytest.mark.parametrize("text", [text for text, _ in WITH_SECRET] + HARMLESS)
def test_twice_is_once(text):
    assert redact(redact(text)) == redact(text)


def test_cloud_keys_and_password_verifiers():
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    assert redact(f"key {key} used") == "key *** used"
    assert redact("rolpassword SCRAM-SHA-256$4096:abc$def:ghi end") == "rolpassword *** end"


def test_a_long_line_of_near_misses_is_read_in_linear_steps():
    # Quadratic patterns would take minutes here; the assertion is about the result, the size about the reading.
    text = "password " * 50_000 + "a://" * 50_000 + "'" * 10
    assert redact(text) == text
