"""A server that speaks TLS with a certificate of its own: the right root lets in, anything else is one paragraph."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import majors
import pytest

from triage_kit.bundle import Bundle
from triage_kit.cli import main
from triage_kit.lab.server import PORT, Server

# TLS is libpq's and OpenSSL's: no major takes it otherwise.
NEWEST = max(majors.found(), default=None)
PASSWORD, PASSPHRASE = "c4nary-login-tls", "c4nary-passphrase-tls"
HBA = """local all all trust
hostssl all certified all cert
hostssl all all all scram-sha-256
"""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


@cache
def with_tls(major: int) -> Path | None:
    """The programs of a major that were built with OpenSSL: the pip package's are not, those from npm are."""
    named = os.environ.get("TRIAGE_PG_MAJORS")
    others = [Path(named, str(major), layout) for layout in majors.LAYOUTS] if named else []
    for folder in (majors.found()[major], *others):
        program = folder / "postgres"
        if program.is_file() and b"libssl.so" in program.read_bytes():
            return folder
    return None


@dataclass
class Encrypted:
    server: Server
    address: str
    files: Path

    def url(self, role: str = "scram", host: str | None = None, **more: str) -> str:
        words = "&".join(f"{name}={value}" for name, value in {"connect_timeout": "20", **more}.items())
        return f"postgresql://{role}@{host or self.address}:{PORT}/postgres?{words}"

    def file(self, name: str) -> str:
        return str(self.files / name)


def certificates(folder: Path, address: str) -> None:
    """Two roots of which the first signs; a certificate for the address, and one for the role ``certified``."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    for root in ("root", "other"):
        openssl("req", "-x509", "-nodes", *KEY, "-keyout", f"{root}.key", "-out", f"{root}.crt", "-days", "3",
                "-subj", f"/CN={root} of a test")  # fmt: skip
    (folder / "names").write_text(f"subjectAltName=IP:{address}\n")
    for name, subject in (("server", address), ("client", "certified")):
        openssl("req", "-new", "-nodes", *KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                f"/CN={subject}")  # fmt: skip
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "root.crt", "-CAkey", "root.key", "-CAcreateserial",
                "-days", "3", "-out", f"{name}.crt", *(["-extfile", "names"] if name == "server" else []))  # fmt: skip
    openssl("pkcs8", "-topk8", "-in", "client.key", "-out", "locked.key", "-passout", f"pass:{PASSPHRASE}")
    for path in folder.iterdir():
        path.chmod(0o600)


@pytest.fixture(scope="module", params=[NEWEST])
def encrypted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    if request.param is None or not sys.platform.startswith("linux"):
        pytest.skip("needs PostgreSQL, and Linux's many loopback addresses")
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: nothing makes certificates")
    if with_tls(request.param) is None:
        pytest.skip(f"no PostgreSQL {request.param} here was built with OpenSSL; those of tests/fetch_majors.py are")
    address = "127." + ".".join(str(random.randint(2, 250)) for _ in range(3))
    files = tmp_path_factory.mktemp("certificates")
    certificates(files, address)
    with Server({"listen_addresses": address}, binaries=with_tls(request.param)) as server:
        owner = (server.data / "PG_VERSION").stat()
        for name in ("server.key", "server.crt", "root.crt"):
            shutil.copy(files / name, server.data / name)
            (server.data / name).chmod(0o600)
            if os.geteuid() == 0:
                os.chown(server.data / name, owner.st_uid, owner.st_gid)
        (server.data / "pg_hba.conf").write_text(HBA)
        server.reload(ssl=True, ssl_ca_file="root.crt")
        with server.connect() as connection:
            for each in ("SET password_encryption = 'scram-sha-256'", f"CREATE ROLE scram LOGIN PASSWORD '{PASSWORD}'",
                         "CREATE ROLE certified LOGIN", "CREATE TABLE kept AS SELECT generate_series(1, 7) AS n",
                         "GRANT SELECT ON kept TO PUBLIC"):  # fmt: skip
                connection.execute(each)
        yield Encrypted(server, address, files)


@pytest.fixture(autouse=True)
def nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """libpq looks for certificates below the home, and in variables."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)


def case(folder: Path, **database: str) -> Path:
    folder.mkdir()
    (folder / "case.yaml").write_text(json.dumps({"database": database}))
    return folder


def kept(folder: Path) -> int:
    return int(Bundle.open(folder).table("row_counts").set_index("table").loc["kept", "rows"])


def held(folder: Path, *secrets: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()
            and any(secret.encode() in path.read_bytes() for secret in secrets)]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "root"),
    [("require", None), ("prefer", None), ("verify-ca", "root.crt"), ("verify-full", "root.crt"),
     ("require", "root.crt")],
)  # fmt: skip
def test_it_is_read_over_tls(encrypted: Encrypted, tmp_path: Path, mode: str, root: str | None) -> None:
    """The server lets nobody in over the network without: all its rules are hostssl."""
    more = {"sslrootcert": encrypted.file(root)} if root else {}
    folder = case(tmp_path / "c", url=encrypted.url(sslmode=mode, **more))
    assert main(["collect", "--quiet", str(folder)]) == 0
    assert kept(folder) == 7


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"sslmode": "verify-full", "sslrootcert": "other.crt"}, ("certificate verify failed", "sslrootcert")),
        ({"sslmode": "verify-ca", "sslrootcert": "other.crt"}, ("certificate verify failed", "sslrootcert")),
        ({"sslmode": "require", "sslrootcert": "other.crt"}, ("certificate verify failed", "sslrootcert")),
        ({"sslmode": "verify-full", "sslrootcert": "nowhere.crt"}, ("does not exist", "sslrootcert")),
        ({"sslmode": "verify-full"}, ("root certificate file", "sslrootcert")),
        ({"sslmode": "verify-full", "sslrootcert": "root.crt", "host": "localhost"}, ("does not match", "sslmode")),
        ({"sslmode": "disable"}, ("pg_hba.conf", "sslmode")),
        ({"sslmode": "require", "role": "certified"}, ("client certificate", "sslcert")),
        ({"sslmode": "require", "sslcert": "client.crt", "sslkey": "nowhere.key", "role": "certified"},
         ("nowhere.key", "sslkey")),
        ({"sslmode": "require", "sslcert": "client.crt", "sslkey": "locked.key", "role": "certified"},
         ("locked.key", "sslpassword")),
    ],
    ids=["wrong-root", "wrong-ca", "require-wrong-root", "no-root-file", "no-root", "wrong-host", "plain",
         "no-client-certificate", "no-key", "locked-key"],
)  # fmt: skip
def test_what_does_not_fit_is_1_in_one_paragraph_that_names_the_setting(
    encrypted: Encrypted, tmp_path: Path, capsys, more: dict, words: tuple[str, ...]
) -> None:
    named = {key: encrypted.file(value) if key in ("sslrootcert", "sslcert", "sslkey") else value
             for key, value in more.items() if key not in ("host", "role")}  # fmt: skip
    role = more.get("role", "scram")
    url = encrypted.url(role, **named)
    if "host" in more:
        url = encrypted.url(role, host=more["host"], hostaddr=encrypted.address, **named)
    assert main(["collect", str(case(tmp_path / "c", url=url))]) == 1
    told = capsys.readouterr().err
    for word in words:
        assert word in told, told
    assert told.startswith("triage: ")
    assert told.count("\n") == 1
    assert PASSWORD not in told
    assert not (tmp_path / "c" / "evidence").exists()


@pytest.mark.parametrize("way", ["url_env", "service"])
def test_the_passphrase_of_a_clients_key_reaches_libpq_and_no_file(
    encrypted: Encrypted, tmp_path: Path, monkeypatch, capsys, way: str
) -> None:
    key = {"sslmode": "verify-full", "sslrootcert": encrypted.file("root.crt"), "sslcert": encrypted.file("client.crt"),
           "sslkey": encrypted.file("locked.key")}  # fmt: skip
    for passphrase, status in ((PASSPHRASE, 0), ("c4nary-wrong-tls", 1)):
        if way == "url_env":
            monkeypatch.setenv("DB_URL", encrypted.url("certified", sslpassword=passphrase, **key))
            database = {"url_env": "DB_URL"}
        else:
            lines = [f"host={encrypted.address}", f"port={PORT}", "user=certified", "dbname=postgres",
                     *(f"{name}={value}" for name, value in key.items()), f"sslpassword={passphrase}"]  # fmt: skip
            (tmp_path / "services.conf").write_text("\n".join(["[incident]", *lines, ""]))
            monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services.conf"))
            database = {"service": "incident"}
        folder = case(tmp_path / f"case {status}", **database)
        assert main(["collect", "--debug", str(folder)]) == status
        told = capsys.readouterr()
        assert "c4nary" not in told.out + told.err
        assert held(folder, "c4nary") == []
        if status:
            assert "sslpassword" in told.err
        else:
            assert kept(folder) == 7
            if way == "url_env":
                assert main(["report", "--quiet", str(folder)]) == 0
            assert held(folder, "c4nary") == []


@pytest.mark.parametrize("more", [f"sslpassword={PASSPHRASE}", f"password={PASSWORD}"])
def test_a_passphrase_in_the_cases_url_is_refused_unread(tmp_path: Path, capsys, more: str) -> None:
    folder = case(tmp_path / "c", url=f"postgresql://certified@127.0.0.1/postgres?{more}")
    assert main(["collect", str(folder)]) == 2
    assert "c4nary" not in capsys.readouterr().err
