"""A school in Portuguese: names that must be quoted, a clean-up migration, marks struck out, a table moved away."""

from __future__ import annotations

from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, act, checkpoint, lost, ok

TABLES = (
    'CREATE SCHEMA "Secretaria"',
    'CREATE TABLE "Secretaria"."Alunos" (id int PRIMARY KEY, "nome completo" text, turma int)',
    'CREATE TABLE "Secretaria"."Turmas" (id int PRIMARY KEY, "série" text)',
    'CREATE TABLE "Secretaria"."Matrículas" (id int PRIMARY KEY, aluno int REFERENCES "Secretaria"."Alunos", ano int)',
    'CREATE TABLE "Secretaria"."Avaliações" (id int PRIMARY KEY, aluno int, nota numeric, "excluída" boolean '
    "NOT NULL DEFAULT false)",
    'CREATE TABLE "Secretaria".flyway_schema_history (installed_rank int PRIMARY KEY, version text, description text, '
    "script text, installed_on timestamp DEFAULT now(), success boolean)",
    "INSERT INTO \"Secretaria\".flyway_schema_history VALUES (1, '1', 'tabelas', 'V1__tabelas.sql', now(), true)",
    'GRANT USAGE ON SCHEMA "Secretaria" TO portal',
    'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "Secretaria" TO portal',
)
ENROLLED = act(
    "portal",
    "portal-do-professor",
    'INSERT INTO "Secretaria"."Turmas" SELECT g, g || \'º ano\' FROM generate_series(1, 9) g',
    'INSERT INTO "Secretaria"."Alunos" SELECT g, \'Aluno \' || g, 1 + g % 9 FROM generate_series(1, 240) g',
    'INSERT INTO "Secretaria"."Matrículas" SELECT g, 1 + g % 240, 2024 + g % 3 FROM generate_series(1, 720) g',
    'INSERT INTO "Secretaria"."Avaliações" SELECT g, 1 + g % 240, 7.5 FROM generate_series(1, 2880) g',
)
MARKED = act("portal", "portal-do-professor", 'UPDATE "Secretaria"."Alunos" SET turma = 2 WHERE id < 9')
STANDING = {
    "Secretaria.Alunos": ok(240),
    "Secretaria.Turmas": ok(9),
    "Secretaria.Matrículas": ok(720),
    "Secretaria.Avaliações": ok(2880),
    "Secretaria.flyway_schema_history": ok(1),
}
FIRST = Commit(900, "Tabelas", {"db/migration/V1__tabelas.sql": ";\n".join(TABLES[:5]) + ";\n"})
OLD_YEARS = 'DELETE FROM "Secretaria"."Matrículas" WHERE ano <= 2025'

old_years_cleaned = Script(
    "old_years_cleaned",
    "A clean-up migration deletes the enrolments of years that are not over, in a sub-transaction of its own",
    "escola_são_joão",
    "secretaria",
    TABLES,
    [
        ENROLLED,
        checkpoint,
        act("migrador", "Flyway Community Edition 11.1", "SAVEPOINT limpeza", OLD_YEARS, "RELEASE SAVEPOINT limpeza",
            'INSERT INTO "Secretaria".flyway_schema_history VALUES (2, \'2\', \'limpeza\', \'V2__limpeza.sql\', now(), '
            "true)", whole=True),
        MARKED,
        act("portal", "portal-do-professor", 'TRUNCATE "Secretaria"."Matrículas"', fails=True),
    ],
    {
        **STANDING,
        "Secretaria.Matrículas": lost("delete", 480, 240),
        "Secretaria.flyway_schema_history": ok(2),
    },
    "migration",
    scope=["Secretaria"],
    roles={"portal": "", "migrador": "secretaria"},
    app_role="portal",
    roots=["Secretaria.Matrículas"],
    reported=['"Secretaria"."Matrículas"'],
    commits=[FIRST, Commit(3, "Limpeza de anos anteriores", {"db/migration/V2__limpeza.sql": OLD_YEARS + ";\n"})],
    later=[MARKED],
    settings={"log_line_prefix": "%m [%p] %u@%d/%a > ", "log_timezone": "America/Sao_Paulo"},
)  # fmt: skip

marks_struck_out = Script(
    "marks_struck_out",
    "A teacher's helper marks every assessment as deleted in Portuguese; the portal shows none",
    "escola_são_joão",
    "secretaria",
    TABLES,
    [
        ENROLLED,
        checkpoint,
        act("técnico", "psql", 'UPDATE "Secretaria"."Avaliações" SET "excluída" = true'),
        MARKED,
    ],
    {**STANDING, "Secretaria.Avaliações": lost("update", 0, 2880, status="hidden")},
    "manual_session",
    scope=["Secretaria"],
    roles={"portal": "", "técnico": "secretaria"},
    app_role="portal",
    roots=["Secretaria.Avaliações"],
    causes=[{"cause": "manual_session", "accepts": ("not_lost",), "tables": ("Secretaria.Avaliações",)}],
    reported=["Secretaria.Avaliações"],
    later=[MARKED],
    settings={"log_line_prefix": "%t [%p-%l] %q%u@%d ", "client_encoding": "UTF8"},
    # That every row was updated is seen; what was written into them only by whoever reads a row or the statement.
    views={view: {"untellable": {"Secretaria.Avaliações": ("none",) if view == "crash" else ()}} for view in BLIND},
)

class_moved_to_archive = Script(
    "class_moved_to_archive",
    "Somebody moves the table of classes to the archive's schema and makes an empty one in its place",
    "escola_são_joão",
    "secretaria",
    (*TABLES, 'CREATE SCHEMA "Arquivo Morto"'),
    [
        ENROLLED,
        checkpoint,
        act("secretaria", "TablePlus", 'ALTER TABLE "Secretaria"."Avaliações" SET SCHEMA "Arquivo Morto"',
            'CREATE TABLE "Secretaria"."Avaliações" (LIKE "Arquivo Morto"."Avaliações" INCLUDING ALL)',
            'GRANT SELECT, INSERT ON "Secretaria"."Avaliações" TO portal'),
        MARKED,
        checkpoint,
    ],
    {
        **STANDING,
        "Secretaria.Avaliações": lost("recreate", None, 0, status="hidden", statuses=["wiped"]),
        "Arquivo Morto.Avaliações": ok(2880),
    },
    "manual_session",
    scope=["Secretaria", "Arquivo Morto"],
    roles={"portal": ""},
    app_role="portal",
    roots=["Secretaria.Avaliações"],
    causes=[{"cause": "manual_session", "accepts": ("not_lost",), "tables": ("Secretaria.Avaliações",)}],
    reported=["Secretaria.Avaliações"],
    later=[MARKED],
    settings={"log_line_prefix": "%t [%p-%l] %q%u@%d ", "log_timezone": "America/Sao_Paulo"},
    views=ANONYMOUS,
)  # fmt: skip

INCIDENTS = tuple(each.incident() for each in (old_years_cleaned, marks_struck_out, class_moved_to_archive))
