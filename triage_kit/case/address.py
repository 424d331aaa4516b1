"""Which server a URL, an environment variable or a service means, without its secrets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
SECRETS = frozenset({"password", "sslpassword", "oauth_client_secret"})  # libpq's connection parameters that are secret
USE_INSTEAD = "put it into PGPASSWORD, ~/.pgpass or a service file, or name a variable in database.url_env"


@dataclass(frozen=True)
class Target:
    """Where a connection goes; a missing part is libpq's default."""

    host: str | None = None
    port: str | None = None
    database: str | None = None
    role: str | None = None
    named: str | None = None  # what stands for it when it cannot be told, as "service incident"

    @property
    def address(self) -> str:
        """``host:port/database``; a socket's folder is left out, it is a path of that machine."""
        if self.named:
            return self.named
        host = self.host or os.environ.get("PGHOST") or "local socket"
        host = "local socket" if host.startswith(("/", "@")) else host
        port = self.port or os.environ.get("PGPORT") or "5432"
        database = self.database or os.environ.get("PGDATABASE") or self.role or os.environ.get("PGUSER") or "default"
        return f"{host}:{port}/{database}"


def parse_url(url: str) -> tuple[Target, str]:
    """The target of a connection URL, and what is wrong with it (empty when nothing is); neither holds a secret.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS

    >>> parse_url("postgresql://triage@db:5433/shop")[0].address
    'db:5433/shop'
    >>> parse_url("postgresql://triage:hunter2@db/shop")[1][:31]
    'a password stands in the URL: p'
    """
    scheme, found, rest = url.strip().partition("://")
    if not found or scheme not in SCHEMES:
        return Target(), "write a URL as postgresql://role@host:5432/database"
    end = min((at for at in (rest.find(mark) for mark in "/?#") if at >= 0), default=len(rest))
    authority, tail = rest[:end], rest[end:]
    userinfo, _, hosts = authority.rpartition("@")
    path, _, query = tail.partition("?")
    parameters = dict(parse_qsl(query))
    role = unquote(userinfo.partition(":")[0]) or parameters.get("user")
    host, port = _first_host(hosts)
    target = Target(
        host=parameters.get("host") or host,
        port=parameters.get("port") or port,
        database=unquote(path.removeprefix("/")) or parameters.get("dbname"),
        role=role,
    )
    # A '/', '?' or '#' that is not escaped ends the authority inside a password: then an '@' stands behind it.
    broken = "@" in path or "#" in tail or (port is not None and not port.isdigit())
    cut = broken and ":" in authority and "@" in tail
    if ":" in userinfo or cut or SECRETS & {key.lower() for key in parameters}:
        return Target(), f"a password stands in the URL: {USE_INSTEAD}"
    if broken:
        return Target(), "the URL cannot be read: write @, /, ?, # and : inside a name as %40, %2F, %3F, %23 and %3A"
    return target, ""


def _first_host(hosts: str) -> tuple[str | None, str | None]:
    first = hosts.partition(",")[0]
    if first.startswith("["):
        host, _, port = first[1:].partition("]")
        return host, port.removeprefix(":") or None
    host, _, port = first.partition(":")
    return unquote(host) or None, port or None


def target_of(*, url: str | None = None, url_env: str | None = None, service: str | None = None) -> Target:
    """The target of a case's ``database``; the variable that ``url_env`` names may hold a password and may be unset."""
    if url is not None:
        return parse_url(url)[0]
    if url_env is not None:
        value = os.environ.get(url_env)
        if not value:
            return Target(named=f"${url_env} (not set)")
        scheme, _, rest = value.partition("://")
        authority, at, tail = rest.rpartition("@")
        role = authority.partition(":")[0]
        target, problem = parse_url(f"{scheme}://{role}{at}{tail}")
        return Target(named=f"${url_env}") if problem else target
    return Target(named=f"service {service}") if service else Target()
