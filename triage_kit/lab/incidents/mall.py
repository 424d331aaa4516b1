"""Shops of several tenants, a schema each: one reset by tests, one hidden, two hands at once, an archive."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import (
    ANONYMOUS,
    BLIND,
    Act,
    Commit,
    Script,
    Stage,
    Step,
    act,
    checkpoint,
    lost,
    ok,
)

TENANTS = ("t_aurora", "t_boreal", "t_cobalt")


def _tenant(schema: str) -> tuple[str, ...]:
    """The tables of one tenant's shop."""
    return (
        f"CREATE SCHEMA {schema}",
        f"CREATE TABLE {schema}.customer (id int PRIMARY KEY, mail text)",
        f"CREATE TABLE {schema}.orders (id int PRIMARY KEY, customer int REFERENCES {schema}.customer, placed date)",
        f"CREATE TABLE {schema}.order_line (id int PRIMARY KEY, order_id int REFERENCES {schema}.orders, sku text)",
        f"CREATE TABLE {schema}.coupon (code text PRIMARY KEY, until date)",
    )


TABLES = (
    *[statement for schema in TENANTS for statement in _tenant(schema)],
    "CREATE TABLE public.tenant (name text PRIMARY KEY)",
    "CREATE TABLE public.audit_log (id bigserial PRIMARY KEY, said text)",
)
SIZES = {"t_aurora": 150, "t_boreal": 20, "t_cobalt": 8}


def _sold(schema: str) -> Act:
    size = SIZES[schema]
    return act(
        "mall",
        f"shop {schema}",
        f"INSERT INTO {schema}.customer SELECT g, 'c@example.com' FROM generate_series(1, {size}) g",
        f"INSERT INTO {schema}.orders SELECT g, 1 + g % {size}, date '2026-01-01' + g % 300 "
        f"FROM generate_series(1, {3 * size}) g",
        f"INSERT INTO {schema}.order_line SELECT g, 1 + g % {3 * size}, 'sku' FROM generate_series(1, {9 * size}) g",
        f"INSERT INTO {schema}.coupon SELECT 'C' || g, '2026-12-31' FROM generate_series(1, {size}) g",
        f"INSERT INTO public.tenant VALUES ('{schema}')",
    )


SOLD: list[Step] = [_sold(schema) for schema in TENANTS]
AUDITED = act("mall", "shop t_aurora", "INSERT INTO public.audit_log (said) SELECT 'seen' FROM generate_series(1, 12)")


def _standing(schema: str) -> dict[str, dict]:
    size = SIZES[schema]
    rows = {"customer": size, "orders": 3 * size, "order_line": 9 * size, "coupon": size}
    return {f"{schema}.{name}": ok(count) for name, count in rows.items()}


STANDING = {
    **{name: told for schema in TENANTS for name, told in _standing(schema).items()},
    "public.tenant": ok(3),
    "public.audit_log": ok(12),
}
SCOPE = [*TENANTS, "public"]

FIXTURE = '''import pytest

from shop import db, models


@pytest.fixture(autouse=True)
def fresh_tenant():
    """Every test begins with an empty tenant."""
    db.execute("DROP SCHEMA IF EXISTS t_boreal CASCADE")
    models.create_tenant("t_boreal")
    yield
'''

tenant_reset_by_tests = Script(
    "tenant_reset_by_tests",
    "Tests on a laptop still point at production: their fixture drops one tenant's schema and makes it anew",
    "mall",
    "mall",
    TABLES,
    [
        *SOLD,
        checkpoint,
        act("mall", "pytest-xdist gw1", "DROP SCHEMA IF EXISTS t_boreal CASCADE", *_tenant("t_boreal"),
            "INSERT INTO t_boreal.customer VALUES (1, 'test@example.org')", "DROP SCHEMA IF EXISTS t_boreal CASCADE",
            *_tenant("t_boreal")),
        AUDITED,
    ],
    {**STANDING, **{name: lost("recreate", None) for name in _standing("t_boreal")}},
    "test_run",
    scope=SCOPE,
    roots=list(_standing("t_boreal")),
    reported=["t_boreal.orders", "t_boreal.customer"],
    commits=[
        Commit(800, "Tenants", {"shop/models.sql": ";\n".join(_tenant("{tenant}")) + ";\n"}),
        Commit(60, "Tests with a fresh tenant", {"tests/conftest.py": FIXTURE}),
    ],
    later=[AUDITED],
    settings={"log_line_prefix": "[%p] %m %u@%d app=%a xid=%x ", "log_timezone": "Pacific/Auckland"},
)  # fmt: skip

PATH = "ALTER DATABASE mall SET search_path = t_cobalt, public"

path_of_another_tenant = Script(
    "path_of_another_tenant",
    "A migration gives the whole database the search_path of the smallest tenant: the biggest sees eight customers",
    "mall",
    "mall",
    (*TABLES, "ALTER DATABASE mall SET search_path = t_aurora, public"),
    [
        *SOLD,
        AUDITED,
        checkpoint,
        act("mall", "sqitch", PATH),
        act("mall", "shop t_aurora", "SELECT count(*) FROM orders"),
        act("mall", "sqitch", "CREATE INDEX audit_said ON public.audit_log (said)"),
    ],
    {
        **STANDING,
        **{name: lost("hidden", 0, told["rows"], status="hidden", statuses=["intact"], accepts=["none"])
           for name, told in _standing("t_aurora").items()},
        "t_aurora.orders": lost("hidden", 0, 450, status="hidden"),
    },
    "not_lost",
    scope=SCOPE,
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ("t_aurora.orders",)}],
    reported=["t_aurora.orders"],
    commits=[Commit(1, "Default tenant", {"deploy/default_tenant.sql": f"{PATH};\n",
                                           "sqitch.plan": "default_tenant\n"})],
    later=[AUDITED],
    settings={"log_line_prefix": "[%p] %m %u@%d app=%a xid=%x ", "log_timezone": "Pacific/Auckland"},
)  # fmt: skip

COUPONS = ("t_cobalt.coupon", "t_boreal.coupon")
HANDS = (
    {"cause": "migration", "tables": ("t_cobalt.order_line", "t_cobalt.orders")},
    {"cause": "manual_session", "tables": COUPONS},
)

migration_and_hand = Script(
    "migration_and_hand",
    "Within the hour a migration truncates one tenant's orders, and a person deletes coupons of two tenants",
    "mall",
    "mall",
    TABLES,
    [
        *SOLD,
        checkpoint,
        act("deployer", "sqitch", "TRUNCATE t_cobalt.orders CASCADE",
            "ALTER TABLE t_cobalt.orders ADD COLUMN currency text NOT NULL", whole=True),
        AUDITED,
        act("fwagner", "psql", "DELETE FROM t_boreal.coupon WHERE untill < now()", fails=True),
        act("fwagner", "psql", "DELETE FROM t_boreal.coupon WHERE until < '2027-01-01'",
            "DELETE FROM t_cobalt.coupon WHERE until < '2027-01-01' AND code <> 'C3'"),
        checkpoint,
    ],
    {
        **STANDING,
        "t_cobalt.orders": lost("truncate", 24),
        "t_cobalt.order_line": lost("truncate", 72, via=["t_cobalt.orders"]),
        "t_boreal.coupon": lost("delete", 20),
        "t_cobalt.coupon": lost("delete", 7, 1),
    },
    "migration",
    scope=SCOPE,
    roles={"deployer": "mall", "fwagner": "mall"},
    roots=["t_cobalt.orders", *COUPONS],
    causes=HANDS,
    reported=["t_cobalt.orders", "t_boreal.coupon", "t_cobalt.coupon"],
    commits=[Commit(2, "Orders have a currency", {"deploy/currency.sql": "BEGIN;\nTRUNCATE t_cobalt.orders CASCADE;\n"
        "ALTER TABLE t_cobalt.orders ADD COLUMN currency text NOT NULL;\nCOMMIT;\n", "sqitch.plan": "currency\n"})],
    later=[AUDITED],
    settings={"log_line_prefix": "%m|%u|%d|%c|%a|"},
    # Nothing but the log names the person; the migration is in the repository.
    views={view: {"causes": (HANDS[0], {**HANDS[1], "accepts": ("unknown",)})} for view in ("no_log", "stats_csv")},
)  # fmt: skip

ARCHIVE = (
    "WITH moved AS (DELETE FROM t_aurora.order_line WHERE id <= 900 RETURNING *) "
    "INSERT INTO archive.order_line SELECT * FROM moved"
)

lines_archived = Script(
    "lines_archived",
    "False alarm: old order lines were moved to the archive's table on purpose, in one statement",
    "mall",
    "mall",
    (*TABLES, "CREATE SCHEMA archive", "CREATE TABLE archive.order_line (LIKE t_aurora.order_line)"),
    [*SOLD, checkpoint, act("mall", "archive-mover", ARCHIVE), AUDITED, checkpoint],
    {
        **STANDING,
        "t_aurora.order_line": {**ok(450, "delete", accepts=["update"]), "statuses": ("hidden",)},
        "archive.order_line": ok(900),
    },
    "not_lost",
    scope=[*SCOPE, "archive"],
    causes=[{"cause": "not_lost", "accepts": ("scheduled_job",), "tables": ()}],
    reported=["t_aurora.order_line"],
    commits=[Commit(999, "Archive", {"jobs/archive.sql": ARCHIVE.replace("id <= 900", "order_id IN (SELECT id FROM "
             "t_aurora.orders WHERE placed < now() - interval '1 year')") + ";\n"})],
    later=[AUDITED],
    settings={"log_line_prefix": "%m|%u|%d|%c|%a|"},
    # Deleted here and inserted there in one transaction: a strong hint, no proof, to whoever reads counters alone.
    views={view: {"untellable": {"t_aurora.order_line": ("none",) if view == "crash" else ()}} for view in BLIND},
)  # fmt: skip


def _load_old_data(stage: Stage) -> None:
    """pg_restore --data-only --disable-triggers into the live table, which somebody emptied for it."""
    with base.session(stage.server, stage.database, "postgres", "psql") as connection:
        connection.execute("TRUNCATE t_aurora.coupon")
    with base.session(stage.server, stage.database, "postgres", "pg_restore") as connection:
        connection.execute("ALTER TABLE t_aurora.coupon DISABLE TRIGGER ALL")
        with connection.cursor() as cursor, cursor.copy("COPY t_aurora.coupon (code, until) FROM stdin") as copy:
            for number in range(1, 91):
                copy.write_row((f"C{number}", "2025-12-31"))
        connection.execute("ALTER TABLE t_aurora.coupon ENABLE TRIGGER ALL")


coupons_of_last_year = Script(
    "coupons_of_last_year",
    "Somebody loads last year's data over the coupons: TRUNCATE, then pg_restore --data-only",
    "mall",
    "mall",
    TABLES,
    [*SOLD, checkpoint, _load_old_data, AUDITED],
    {**STANDING, "t_aurora.coupon": lost("restore", 60, 90, accepts=["truncate"])},
    "restore",
    scope=SCOPE,
    roots=["t_aurora.coupon"],
    reported=["t_aurora.coupon"],
    later=[AUDITED],
    settings={"log_line_prefix": "%m|%u|%d|%c|%a|", "log_statement": "ddl"},
    views={"no_log": ANONYMOUS["no_log"]},  # else the log names pg_restore
)

INCIDENTS = tuple(
    each.incident()
    for each in (
        tenant_reset_by_tests, path_of_another_tenant, migration_and_hand, lines_archived, coupons_of_last_year,
    )
)  # fmt: skip
