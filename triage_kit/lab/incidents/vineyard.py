"""A winery on Django with Italian names: flush, a column of the outer query, a switch, a field made anew, a trigger."""

from __future__ import annotations

from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, act, checkpoint, lost, ok

TABLES = (
    "CREATE TABLE django_migrations (id serial PRIMARY KEY, app varchar(255), name varchar(255), applied timestamptz "
    "DEFAULT now())",
    "INSERT INTO django_migrations (app, name) VALUES ('cantina', '0001_initial'), ('cantina', '0002_lotto')",
    "CREATE TABLE cantina_vigneto (id serial PRIMARY KEY, comune text NOT NULL, attivo boolean NOT NULL DEFAULT true)",
    "CREATE TABLE cantina_lotto (id serial PRIMARY KEY, vigneto_id int NOT NULL REFERENCES cantina_vigneto DEFERRABLE "
    "INITIALLY DEFERRED, annata smallint, scaduto boolean DEFAULT false)",
    "CREATE TABLE cantina_bottiglia (id serial PRIMARY KEY, lotto_id int NOT NULL REFERENCES cantina_lotto DEFERRABLE "
    "INITIALLY DEFERRED, matricola text)",
    "CREATE TABLE cantina_degustazione (id serial PRIMARY KEY, lotto_id int REFERENCES cantina_lotto, punti int)",
    "CREATE TABLE cantina_ritirati (codice_lotto int PRIMARY KEY, motivo text)",
    "CREATE INDEX cantina_bottiglia_lotto ON cantina_bottiglia (lotto_id)",
)
PRESSED = act(
    "cantina",
    "gunicorn: cantina.wsgi",
    "INSERT INTO cantina_vigneto (comune) SELECT 'Comune ' || g FROM generate_series(1, 26) g",
    "INSERT INTO cantina_lotto (vigneto_id, annata, scaduto) SELECT 1 + g % 26, 2015 + g % 10, g % 20 = 0 "
    "FROM generate_series(1, 260) g",
    "INSERT INTO cantina_bottiglia (lotto_id, matricola) SELECT 1 + g % 260, 'M' || g FROM generate_series(1, 9100) g",
    "INSERT INTO cantina_ritirati SELECT 20 * g, 'tappo' FROM generate_series(1, 6) g",
)
TASTED = act(
    "cantina",
    "gunicorn: cantina.wsgi",
    "INSERT INTO cantina_degustazione (lotto_id, punti) VALUES (3, 91), (7, 88), (12, 90), (12, 93)",
)
STANDING = {
    "public.django_migrations": ok(2),
    "public.cantina_vigneto": ok(26),
    "public.cantina_lotto": ok(260),
    "public.cantina_bottiglia": ok(9100),
    "public.cantina_degustazione": ok(4),
    "public.cantina_ritirati": ok(6),
}
SETTINGS = {"log_line_prefix": "[%t] %p %u %d %a %h: ", "log_timezone": "Europe/Rome"}
MODELS = Commit(7000, "Modelli", {
    "cantina/migrations/0001_initial.py": "from django.db import migrations\n\n\nclass Migration(migrations.Migration):"
        "\n    operations = [migrations.CreateModel(name='Vigneto', fields=[])]\n",
    "cantina/migrations/0002_lotto.py": "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        "    dependencies = [('cantina', '0001_initial')]\n    operations = []\n"})  # fmt: skip
ALL = ("cantina_vigneto", "cantina_lotto", "cantina_bottiglia", "cantina_degustazione", "cantina_ritirati")

flushed_from_the_wrong_window = Script(
    "flushed_from_the_wrong_window",
    "manage.py flush in the window that had production's settings: one TRUNCATE of every table, sequences included",
    "cantina",
    "cantina",
    TABLES,
    [
        PRESSED,
        TASTED,
        checkpoint,
        act("gferri", "manage.py flush", "TRUNCATE " + ", ".join(f'"public"."{name}"' for name in ALL)
            + " RESTART IDENTITY"),
        act("cantina", "gunicorn: cantina.wsgi", "SELECT count(*) FROM cantina_bottiglia"),
        checkpoint,
    ],
    {
        "public.cantina_vigneto": lost("truncate", 26),
        "public.cantina_lotto": lost("truncate", 260),
        "public.cantina_bottiglia": lost("truncate", 9100),
        "public.cantina_degustazione": lost("truncate", 4),
        "public.cantina_ritirati": lost("truncate", 6),
        "public.django_migrations": ok(2),  # flush knows the tables of models alone
    },
    "manual_session",
    roles={"gferri": "cantina"},
    roots=[f"public.{name}" for name in ALL],
    reported=["cantina_bottiglia"],
    commits=[MODELS],
    later=[act("cantina", "gunicorn: cantina.wsgi", "INSERT INTO cantina_vigneto (comune) VALUES ('A'), ('B')")],
    settings=SETTINGS,
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

column_of_the_outer_query = Script(
    "column_of_the_outer_query",
    "Bottles of withdrawn lots are deleted by an IN whose subquery has no such column: it means the outer row's own",
    "cantina",
    "cantina",
    TABLES,
    [
        PRESSED,
        TASTED,
        checkpoint,
        act("gferri", "pgAdmin 4 - CONN:7734401", "DELETE FROM cantina_bottiglia WHERE lotto_id IN (SELECT lotto FROM "
            "cantina_ritirati)", fails=True),
        act("gferri", "pgAdmin 4 - CONN:7734401", "DELETE FROM cantina_bottiglia WHERE lotto_id IN (SELECT lotto_id "
            "FROM cantina_ritirati)"),
        act("cantina", "manage.py migrate", "CREATE INDEX cantina_lotto_annata ON cantina_lotto (annata)",
            "INSERT INTO django_migrations (app, name) VALUES ('cantina', '0003_annata')", whole=True),
        checkpoint,
    ],
    {**STANDING, "public.cantina_bottiglia": lost("delete", 9100), "public.django_migrations": ok(3)},
    "manual_session",
    roles={"gferri": "cantina"},
    roots=["public.cantina_bottiglia"],
    reported=["cantina_bottiglia"],
    commits=[MODELS, Commit(1, "Cercare per annata", {"cantina/migrations/0003_annata.py": "from django.db import "
        "migrations, models\n\n\nclass Migration(migrations.Migration):\n    dependencies = [('cantina', '0002_lotto')]"
        "\n    operations = [migrations.AddIndex('lotto', models.Index(fields=['annata']))]\n"})],
    later=[TASTED],
    settings=SETTINGS,
    views={"no_log": ANONYMOUS["no_log"]},
    holdout=True,
)  # fmt: skip

SWITCH = "UPDATE cantina_vigneto SET attivo = false"
vineyards_switched_off = Script(
    "vineyards_switched_off",
    "A data migration was to switch off one vineyard and lost its WHERE: the site lists active ones, and shows none",
    "cantina",
    "cantina",
    TABLES,
    [
        PRESSED,
        TASTED,
        checkpoint,
        act("cantina", "manage.py migrate", SWITCH,
            "INSERT INTO django_migrations (app, name) VALUES ('cantina', '0003_vigneto_venduto')", whole=True),
        act("cantina", "gunicorn: cantina.wsgi", "SELECT count(*) FROM cantina_vigneto WHERE attivo"),
        checkpoint,
    ],
    {**STANDING, "public.cantina_vigneto": lost("update", 0, 26, status="hidden"), "public.django_migrations": ok(3)},
    "migration",
    roots=["public.cantina_vigneto"],
    causes=[{"cause": "migration", "accepts": ("not_lost",), "tables": ("public.cantina_vigneto",)}],
    reported=["cantina_vigneto"],
    commits=[MODELS, Commit(2, "Vigneto venduto", {"cantina/migrations/0003_vigneto_venduto.py": "from django.db "
        "import migrations\n\n\nclass Migration(migrations.Migration):\n    dependencies = [('cantina', '0002_lotto')]"
        f"\n    operations = [migrations.RunSQL('{SWITCH}')]\n"})],
    later=[TASTED],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

vintage_field_made_anew = Script(
    "vintage_field_made_anew",
    "A renamed field became RemoveField and AddField: every lot stands, and no vintage is known; bottles are clustered",
    "cantina",
    "cantina",
    TABLES,
    [
        PRESSED,
        TASTED,
        checkpoint,
        act("cantina", "manage.py migrate", "ALTER TABLE cantina_lotto DROP COLUMN annata CASCADE",
            "ALTER TABLE cantina_lotto ADD COLUMN vendemmia smallint NULL",
            "INSERT INTO django_migrations (app, name) VALUES ('cantina', '0003_vendemmia')", whole=True),
        act("cantina", "gunicorn: cantina.wsgi", "SELECT annata FROM cantina_lotto WHERE id = 4", fails=True),
        act("cantina", "cron", "CLUSTER cantina_bottiglia USING cantina_bottiglia_lotto"),
    ],
    {**STANDING, "public.cantina_lotto": ok(260, "column_drop"), "public.django_migrations": ok(3)},
    "not_lost",
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ()}],
    reported=["cantina_lotto"],
    commits=[MODELS, Commit(2, "Vendemmia", {"cantina/migrations/0003_vendemmia.py": "from django.db import migrations"
        ", models\n\n\nclass Migration(migrations.Migration):\n    dependencies = [('cantina', '0002_lotto')]\n    "
        "operations = [\n        migrations.RemoveField(model_name='lotto', name='annata'),\n        migrations.Add"
        "Field('lotto', 'vendemmia', models.SmallIntegerField(null=True)),\n    ]\n"})],
    later=[TASTED],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

SWALLOW = """CREATE FUNCTION cantina_scarta() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.punti > 20 THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END $$"""

tastings_swallowed = Script(
    "tastings_swallowed",
    "False alarm: a trigger that should refuse odd scores returns NULL for all of them; no tasting was ever stored",
    "cantina",
    "cantina",
    (*TABLES, SWALLOW, "CREATE TRIGGER scarta BEFORE INSERT ON cantina_degustazione FOR EACH ROW "
                       "EXECUTE FUNCTION cantina_scarta()"),
    [
        PRESSED,
        *[TASTED for _ in range(3)],
        act("gferri", "psql", "DELETE FROM cantina_degustazioni", fails=True),
        act("gferri", "psql", "SELECT count(*) FROM cantina_degustazione"),
        checkpoint,
    ],
    {**STANDING, "public.cantina_degustazione": ok(0)},
    "not_lost",
    roles={"gferri": "cantina"},
    reported=["cantina_degustazione"],
    commits=[MODELS],
    later=[act("cantina", "gunicorn: cantina.wsgi", "INSERT INTO cantina_vigneto (comune) VALUES ('A'), ('B')")],
    settings=SETTINGS,
    # An empty table that nothing is counted of: what a crash or a reset does to counters looks the same.
    views={view: {"untellable": {"public.cantina_degustazione": ("none", "counters_reset")}}
           for view in BLIND if view in ("crash", "stats_csv")},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        flushed_from_the_wrong_window, column_of_the_outer_query, vineyards_switched_off, vintage_field_made_anew,
        tastings_swallowed,
    )
)  # fmt: skip
