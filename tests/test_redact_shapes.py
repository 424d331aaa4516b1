"""Secrets known by shape or place, and what looks like them and is what an investigation needs; literal texts."""

import pytest

from triage_kit.redact import redact

DRAWN = "zK7pQ2mN9wL4"
BODY = "a1B2c3D4e5F6g7H8i9J0kL1m"
BASE64 = "YWRtaW46aHVudGVyMmh1bnRlcjI="
AWS = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

ISSUED = [
    "AKIAIOSFODNN7EXAMPLE", f"ghp_{BODY}", f"github_pat_{BODY}", f"glpat-{BODY}", f"glrt-{BODY}", f"gldt-{BODY}",
    f"xoxb-123456789012-{BODY}", f"xapp-1-A0{BODY}", f"sk_live_{BODY}", f"rk_live_{BODY}", f"sk_test_{BODY}",
    f"whsec_{BODY}", f"SG.{BODY}.{BODY}", f"npm_{BODY}", f"pypi-AgEIcHlwaS5vcmc{BODY}", f"dop_v1_{'0a1b' * 16}",
    f"hf_{BODY}", f"sk-proj-{BODY}", f"sk-ant-api03-{BODY}", f"shpat_{'0a1b' * 8}", f"dckr_pat_{BODY}", f"hvs.{BODY}",
    f"ya29.{BODY}", f"glsa_{BODY}_0a1b2c3d", f"figd_{BODY}", f"dp.pt.{BODY}", f"lin_api_{BODY}",
    f"AGE-SECRET-KEY-1{'Q2W3E4R5' * 7}", f"eyJhbGciOiJIUzI1NiJ9.eyJ{BODY}.{BODY}",
]  # fmt: skip

# What holds the secret, with {} in its place.
PLACES = [
    ("PIN {}", "4711"), ("the PIN is {}", "4711"), ("pin: {}", "471199"), ("PIN={}", "4711"), ('"pin": "{}"', "4711"),
    ("verification code is {}", "123456"), ("2FA code: {}", "123456"),
    ("key={}", DRAWN), ("https://maps.example/api?key={}", DRAWN), ("?x=1&key={}", "0a1b2c3d4e5f6a7b"),
    ("key: {}", DRAWN), ('"key": "{}"', DRAWN), ("FERNET_KEY={}", DRAWN), ("JWT_KEY='{}'", DRAWN),
    ("APP_KEY=base64:{}", DRAWN), ("consumerKey={}", DRAWN), ("session_key={}", DRAWN),
    ("salt={}", DRAWN), ("SALT='{}'", DRAWN), ("pepper={}", DRAWN), ("ENCRYPTION_SALT={}", DRAWN),
    ("unlocked with {}", "hunter2"), ("the vault was unlocked with {}", DRAWN), ("decrypt it with {}", DRAWN),
    ("logged in as app with {}", DRAWN),
    ("password\\u003d{}", DRAWN), ("secret\\u003a {}", DRAWN), ("token\\u003D\\u0022{}\\u0022", DRAWN),
    ("\\u0022password\\u0022:\\u0022{}\\u0022", DRAWN), ("password\\x3d{}", DRAWN), ("password&#61;{}", DRAWN),
    ("&quot;password&quot;: &quot;{}&quot;", DRAWN), ("password%253D{}", DRAWN),
    ("aws_secret_access_key = {}", AWS), ("{} is the AWS secret", AWS), ("aws_session_token={}", BODY),
    ("Authorization: Bearer {}", DRAWN), ("authorization: Basic {}", BASE64), ("Proxy-Authorization: Basic {}", BASE64),
    ("curl -u app:{} x", DRAWN), ("X-Api-Key: {}", DRAWN),
    ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n{}\n-----END PGP PRIVATE KEY BLOCK-----", DRAWN),
    ("-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----", DRAWN),
    ("Private-Lines: 1\n{}\nPrivate-MAC: 00", DRAWN),
    ("jdbc:postgresql://db/shop?user=app&password={}", DRAWN), ("jdbc:oracle:thin:app/{}@db:1521:x", DRAWN),
    ("Driver={{PostgreSQL}};Uid=app;Pwd={};", DRAWN), ("Host=db;Username=app;Password={};Database=x", DRAWN),
    ("SharedAccessKeyName=R;SharedAccessKey={}", DRAWN), ("mongodb+srv://app:{}@cl/x", DRAWN),
    ("sqlplus app/{}@db", DRAWN),
    ("Cookie: session={}; a=b", DRAWN), ("JSESSIONID={}", DRAWN), ("curl --cookie 'sid={}'", DRAWN),
    ("document.cookie = 'sid={}'", DRAWN), ("connect.sid=s%3A{}", DRAWN),
    ("db.internal:5433:shop:app:{}", DRAWN), ("*:*:*:*:{}", DRAWN), ("[::1]:6543:*:app:{}", DRAWN),
    ("machine api.example\n  login app\n  password {}", DRAWN),
    ("apiVersion: v1\nkind: Secret\ndata:\n  db: {}\n  tls.key: x", BASE64),
    ("data:\n  db: {}\nkind: Secret", BASE64), ('{{"kind":"Secret","data":{{"db":"{}"}}}}', BASE64),
    ("openssl enc -aes-256-cbc -k {}", DRAWN), ("zip -P {} a.zip", DRAWN), ("7z a -p{} x.7z", DRAWN),
    ("htpasswd -b f app {}", DRAWN), ("ldapsearch -x -w {}", DRAWN), ("smbclient -U app%{}", DRAWN),
    ("net use x: /user:app {}", DRAWN), ("echo {} | docker login --password-stdin", DRAWN),
    ("echo 'app:{}' | chpasswd", DRAWN), ("echo {} | sudo -S id", DRAWN),
    ("declare -x PGPASSWORD=\"{}\"", DRAWN), ("DATABASE_URL=postgres://a:{}@h/d", DRAWN),
    ("repo1-cipher-pass={}", DRAWN), ("mnemonic='{}'", "legal winner thank year wave"),
]  # fmt: skip

ORDINARY = [
    "PRIMARY KEY=a1B2c3D4e5F6", "primary_key=a1B2c3D4e5F6", "partition_key: a1B2c3D4e5F6", "cache_key=a1B2c3D4e5F6",
    "key=01ARZ3NDEKTSV4RRFFQ69G5FAV", "key=3f2504e0-4f89-11d3-9a0c-0305e82c3301", "key=order_1234567", "key=42",
    "https://x/?key=3f2504e0-4f89-11d3-9a0c-0305e82c3301", "key: 507f1f77bcf86cd799439011",
    "Key (id)=(a1B2c3D4e5F6) already exists.", "Key (key)=(zK7pQ2mN9wL4) is not present in table \"settings\".",
    "SELECT value FROM settings WHERE key = 'zK7pQ2mN9wL4'", "DELETE FROM settings WHERE key='zK7pQ2mN9wL4'",
    "CREATE TABLE kv (key text PRIMARY KEY, value text, salt bytea, pin int)",
    "INSERT INTO kv (key, value) VALUES ('zK7pQ2mN9wL4', 'x')", "ALTER TABLE orders DROP COLUMN key",
    "ALTER TABLE a ADD CONSTRAINT a_key UNIQUE (key)", 'duplicate key value violates unique constraint "kv_key1_key2"',
    "foreign_key: orders_2024_customer_id_fkey1", "CREATE INDEX hf_events_20251007_by_day ON hf_events (day)",
    "TRUNCATE npm_packages_2025_10_archive, sk_test_orders_2025_partition CASCADE",
    "buffer pin 1234 of relation 16385", "pinned 1234 buffers", "mapping 1234", "exit code: 1", "error code 42501",
    "zip code 12345", "server process was terminated with exit code 137", "salt = gen_salt($1)", "salt: text",
    "the row was unlocked with pg_advisory_unlock", "logged in with scram-sha-256", "decrypted with AES256GCM",
    "authenticated with certificate", "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
    "echo $PGPASSWORD | docker login",
    "apiVersion: v1\nkind: ConfigMap\ndata:\n  max_connections: 200", "tests/a.c:1234:5: error: x",
    "2025-10-07 20:27:38.123 UTC [12] app@shop:5432 LOG:  duration: 1 ms", "10.0.0.7:41234: connection reset",
    "aws s3 cp dumps/2025/10/07/shop_production_full.dump .", "cookie = get_cookie(name)", "session_id=65f1a2b3.1a2b",
    "%c: session 65f1a2b3.1a2b began", "zip -r a.zip dumps", "openssl version", "the sg.example.org host",
    "echo done | tee log", "mnemonic: a word that helps", "Prefix: whsec_ and npm_ are prefixes",
    "digest sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
]  # fmt: skip


@pytest.mark.parametrize("token", ISSUED, ids=lambda token: token[:9])
@pytest.mark.parametrize(
    "around", ["{}", "used {} twice", '{{"value": "{}"}}', "x={};"], ids=["alone", "prose", "json", "x="]
)
def test_a_token_that_a_service_issued_is_hidden_wherever_it_stands(token: str, around: str) -> None:
    assert redact(around.format(token)) == around.format("***")


@pytest.mark.parametrize(("text", "secret"), PLACES, ids=[text[:30] for text, _ in PLACES])
def test_a_secret_is_hidden_in_its_place(text: str, secret: str) -> None:
    found = redact(text.format(secret))
    assert secret not in found
    assert "***" in found
    assert redact(found) == found


@pytest.mark.parametrize("text", ORDINARY)
def test_what_an_investigation_needs_stays(text: str) -> None:
    assert redact(text) == text


def test_of_several_objects_in_one_file_only_the_secret_one_is_hidden() -> None:
    text = f"kind: ConfigMap\ndata:\n  size: 200\n---\nkind: Secret\ndata:\n  db: {BASE64}\n---\nkind: Service\n"
    assert redact(text) == text.replace(BASE64, "***")


@pytest.mark.parametrize("text", ["key=" * 50_000, "a1" * 100_000 + " key=", "key=" + "a1" * 100_000, "pin " * 50_000,
                                  "unlocked " * 30_000, "a:1234:" * 30_000, "sk_live_" * 30_000, "echo " * 40_000 + "|",
                                  "kind: Secret\ndata:\n" + " a: bcd\n" * 30_000 + "x", "zip -" * 40_000,
                                  "cookie=" * 30_000, "x" * 200_000 + "key=", "password\\" * 30_000],
                         ids=lambda text: text[:9].strip())  # fmt: skip
def test_near_misses_are_read_in_linear_steps(text: str) -> None:
    # Quadratic patterns would take minutes here; the assertion is about the result, the size about the reading.
    assert len(redact(text)) <= len(text)
