"""Tokens of issuers that no word announces and names of secrets in spelt-out letters; and ids that only look alike."""

import pytest

from triage_kit.redact import redact

BODY = "a1B2c3D4e5F6g7H8i9J0kL1m"
HEX = "0a1b" * 8
BECH32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"

ISSUED = [
    f"s.{BODY}", f"s.{BODY}.aB3dE", f"b.{BODY}", f"hvs.{BODY}", "hvs.abcdefghijklmnopqrstuvwx", f"hvb.{BODY * 5}",
    f"SK{HEX}", f"key-{HEX}", f"pubkey-{HEX}", f"{HEX}-0a1b2c3d-4e5f6a7b",
    f"AGE-SECRET-KEY-1{BECH32}", f"AGE-SECRET-KEY-PQ-1{BECH32 * 4}", f"AGE-PLUGIN-YUBIKEY-1{BECH32}",
    f"sk-{BODY * 2}", f"xkeysib-{HEX * 2}-{BODY[:16]}", f"tskey-auth-k{BODY[:11]}CNTRL-{BODY}",
    f"r8_{BODY}Zq7Wm4Tn", f"nobodys-live-{BODY}Zq7Wm4Tn", f"gsk_{BODY * 2}", "abc8Q~" + BODY + "Zq7Wm4Tn-~",
]  # fmt: skip
BESIDE_AN_ACCOUNT = [
    (f"AC{HEX}:{{}}", HEX[::-1]), (f"-u 'AC{HEX}:{{}}'", HEX[::-1]), (f'Client("AC{HEX}", "{{}}")', HEX[::-1]),
    (f"sid AC{HEX} and auth token {{}}", HEX[::-1]), (f"https://AC{HEX}:{{}}@api.example/2010", HEX[::-1]),
    (f"SK{HEX},{{}}", BODY + "Zq7Wm4Tn"), ("age identity {}", "hunter2"), ("the age identity is {}", "x9hunter"),
]  # fmt: skip
SPELT_OUT = [
    (r'{"passw\u006frd": "hunter2"}', '{"password": "***"}'),
    (r'"{\"passw\\u006frd\": \"hunter2\"}"', r'"{\"password\": \"***\"}"'),
    (r'{"\u0070\u0061\u0073\u0073\u0077\u006f\u0072\u0064": "hunter2"}', '{"password": "***"}'),
    (r"{'api\x5fkey': 'hunter2'}", "{'api_key': '***'}"), (r'"s\u{65}cret": "hunter2"', '"secret": "***"'),
    ("url?passwor%64=hunter2&x=1", "url?password=***&x=1"), ("p%2561ssword=hunter2", "password=***"),
    ("&#112;assword=hunter2", "password=***"), ("<x p&#x61;ssword='hunter2'/>", "<x password='***'/>"),
    (r"SET U&'app.tok\0065n' = 'hunter2'", "SET U&'app.token' = '***'"),
]  # fmt: skip
ORDINARY = [
    "SELECT md5(note), md5 FROM files WHERE md5 = '5d41402abc4b2a76b9719d911017c592'",
    "INSERT INTO files (id, md5) VALUES (1, '5d41402abc4b2a76b9719d911017c592')",
    "key 5d41402abc4b2a76b9719d911017c592", "/cache-key-5d41402abc4b2a76b9719d911017c592.png",
    "sha256-47DEQpj8HBSaTImW5JCeuQeRkm5NMpJWZG3hSuFU1a2B", "md5-5d41402abc4b2a76b9719d911017c592",
    "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad", "git diff 3b18e512dba79e4c8300dd08aeb37f8e728b8dad..HEAD",
    "DELETE FROM orders WHERE id = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'",
    "Key (id)=(018f3f9c-7b2e-7000-8000-0305e82c3301) is not present in table \"orders\".",
    "SELECT s.customerIdentifierNumber1, b.firstNameAndLastNameOfThem FROM s, b",
    "SELECT s.customeridentifiernumber, s.customer_identifier_numbers FROM t AS s",
    'UPDATE t SET a = s."a1B2c3D4e5F6g7H8i9J0kL1m" FROM s', "SELECT s.a1B2c3D4e5F6g7H8i9J0kL1m(1)",
    f"AC{HEX} is the account", f"account AC{HEX}\nmd5 {HEX}", "ACCESS EXCLUSIVE", "SKIP LOCKED",
    "pi_3MtwBwLkdIwHu7ix28a3tqPa", "cus_NffrFeUfNV2Hib", "ch_3LmzzQ2eZvKYlo2C0XjzUzJV",
    "CREATE INDEX idx_CustomerAddressHistoryVersion2Partition2025 ON t (a)",
    "part_20251007_customers_of_the_northern_region_archived", "x-amz-request-id: 0A49CE4060975EAC",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV", "ksuid_0ujtsYcgvSTl8PAuAdqWYSMnLOv", "relation_1663/16384/16385",
    "age identity file", "the age of the identity column", "age-plugin-yubikey-1.0", "age-keygen -o key.txt",
    r"note LIKE '%60day%' OR note LIKE '%6foo%'", r"E'\x41\x42'", "100%25", r"C:\x61\u0062", "caf&#233; &#112;lain",
    r'{"n\u0061me": "x"}', "x%70x = 1", "https://x/a%70b?q=%66oo",
]  # fmt: skip


@pytest.mark.parametrize("token", ISSUED, ids=lambda token: token[:12])
@pytest.mark.parametrize("around", ["{}", "used {} twice", '{{"value": "{}"}}', "x={};", "'{}'"])
def test_a_token_is_hidden_wherever_it_stands(token: str, around: str) -> None:
    assert redact(around.format(token)) == around.format("***")


@pytest.mark.parametrize(("text", "secret"), BESIDE_AN_ACCOUNT, ids=[text[:12] for text, _ in BESIDE_AN_ACCOUNT])
def test_what_stands_beside_the_name_of_an_account_is_its_secret(text: str, secret: str) -> None:
    found = redact(text.format(secret))
    assert secret not in found
    assert "***" in found
    assert redact(found) == found


@pytest.mark.parametrize(("text", "expected"), SPELT_OUT)
def test_a_name_is_read_however_its_letters_are_written(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert redact(expected) == expected


@pytest.mark.parametrize("text", ORDINARY)
def test_ids_checksums_and_patterns_stay(text: str) -> None:
    assert redact(text) == text


def test_a_pattern_beside_a_secret_is_not_changed_with_it() -> None:
    text = r"DELETE FROM t WHERE note LIKE '%6foo%' AND passw\u006frd='hunter2'"
    assert redact(text) == "DELETE FROM t WHERE note LIKE '%6foo%' AND password='***'"


@pytest.mark.parametrize("text", [r"\u0061" * 50_000, "%61" * 60_000, "a-" * 60_000, "key-" * 40_000, f"AC{HEX}" * 500,
                                  f"AC{HEX} " * 5_000, "s." * 80_000, ("aB1" * 11 + "-") * 5_000, "age-secret-" * 9_000,
                                  "&#1" * 60_000, "\\" * 200_000, f"{HEX}-" * 6_000],
                         ids=lambda text: text[:9].strip())  # fmt: skip
def test_near_misses_are_read_in_linear_steps(text: str) -> None:
    # Quadratic patterns would take minutes here; the assertion is about the result, the size about the reading.
    assert len(redact(text)) <= len(text)
