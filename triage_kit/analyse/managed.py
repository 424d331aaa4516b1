"""Which managed service a server is, told by its settings, roles and host, and what can be had there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

COMMON = ("counters, catalogue, sizes, foreign keys, commit times where they are on, pg_stat_statements, and sessions "
          "of others with pg_monitor")  # fmt: skip
NO_FILES = "file times, pages and the data directory: no role reads the server's files"


@dataclass(frozen=True)
class Service:
    """One service: how it is known, what can be read there without a superuser, what cannot, where its log is.

    ``prefixes`` are beginnings of setting names, ``roles`` names of roles, ``hosts`` ends of host names, ``variables``
    beginnings of environment names.
    """

    name: str
    prefixes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    has: str = COMMON
    lacks: str = NO_FILES
    log: str = ""
    recovery: str = ""


SERVICES = (
    Service("Amazon Aurora", ("aurora_", "aurora.", "apg_"), (), (), (), COMMON,
            NO_FILES + "; WAL, which Aurora does not have as files",
            "download by `aws rds download-db-log-file-portion`, or CloudWatch Logs",
            "point-in-time restore into a new cluster, snapshots, clones"),
    Service("Amazon RDS", ("rds.",), ("rdsadmin", "rds_superuser"), (".rds.amazonaws.com",), (), COMMON,
            NO_FILES + "; WAL content",
            "download by `aws rds download-db-log-file-portion`, or CloudWatch Logs",
            "point-in-time restore into a new instance, snapshots"),
    Service("Google Cloud SQL", ("cloudsql.",), ("cloudsqlsuperuser", "cloudsqladmin"), (), (), COMMON,
            NO_FILES + "; WAL content", "Cloud Logging, `gcloud logging read`",
            "point-in-time restore into a clone, backups"),
    Service("Google AlloyDB", ("alloydb.", "google_"), ("alloydbsuperuser",), (), (), COMMON, NO_FILES,
            "Cloud Logging", "point-in-time restore into a new cluster"),
    Service("Azure Database for PostgreSQL", ("azure.",), ("azure_pg_admin", "azuresu"),
            (".postgres.database.azure.com",), (), COMMON, NO_FILES + "; WAL content",
            "server logs by `az postgres flexible-server server-logs download`, or Azure Monitor",
            "point-in-time restore into a new server"),
    Service("Supabase", ("supautils.", "supabase"), ("supabase_admin", "supabase_auth_admin"),
            (".supabase.co", ".supabase.com"), ("SUPABASE_",), COMMON, NO_FILES,
            "Logs Explorer of the project, postgres_logs", "daily backups, point-in-time restore as an add-on"),
    Service("Neon", ("neon.",), ("neon_superuser",), (".neon.tech",), (), COMMON, NO_FILES,
            "the console's monitoring; server logs by export",
            "a branch from before the loss, within the history window"),
    Service("Railway", (), (), (".railway.app", ".rlwy.net", ".railway.internal"), ("RAILWAY_",),
            "everything: it is the ordinary image, and its role is a superuser",
            "the host: volume and container are seen in Railway's console alone", "deploy logs of the service",
            "volume backups, where they were switched on"),
    Service("Heroku Postgres", ("heroku.",), (), (), ("HEROKU_",), COMMON, NO_FILES, "`heroku logs --ps postgres`",
            "rollback into a new database, pg:backups"),
)  # fmt: skip


def recognise(
    settings: Iterable[str], roles: Iterable[str] = (), host: str | None = None, variables: Iterable[str] = ()
) -> tuple[Service, str] | None:
    """The service, and by what it is known; None for a server of one's own, as far as this tells.

    ``settings`` are names of pg_settings, ``roles`` names of roles, ``host`` as host:port/database, ``variables`` names
    of a container's environment. Aurora, which has the settings of RDS too, is looked for first.

    >>> recognise(["rds.extensions", "work_mem"])[0].name, recognise(["work_mem"])
    ('Amazon RDS', None)
    """
    names, known, place = sorted(settings), sorted(roles), (host or "").partition("/")[0].rpartition(":")[0]
    environment = sorted(variables)
    for service in SERVICES:
        hits = [f"the setting {name}" for name in names if service.prefixes and name.startswith(service.prefixes)]
        hits += [f"the role {name}" for name in known if name in service.roles]
        hits += [f"the host name *{end}" for end in service.hosts if place.endswith(end)]
        hits += [f"the variable {name}" for name in environment
                 if service.variables and name.startswith(service.variables)]  # fmt: skip
        if hits:
            return service, hits[0]
    return None


def table() -> str:
    """The services as lines of a Markdown table, as the README has them."""
    head = ["| service | known by | there | not there | its log | ways back |", "|---|---|---|---|---|---|"]
    lines = []
    for each in SERVICES:
        prefixes = [f"`{prefix}…`" for prefix in each.prefixes]
        signs = [*prefixes, *(f"role `{role}`" for role in each.roles[:1]), *(f"`*{end}`" for end in each.hosts[:1])]
        has, lacks = each.has.replace(COMMON, "the usual"), each.lacks.replace(NO_FILES, "files")
        lines.append(f"| {each.name} | {', '.join(signs) or f'`{each.variables[0]}…`'} | {has} | {lacks} | "
                     f"{each.log} | {each.recovery} |")  # fmt: skip
    return "\n".join([*head, *lines])
