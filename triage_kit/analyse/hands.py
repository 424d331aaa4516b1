"""Who a session is by the names that it bears: a person's client, a job, tests, a migration tool, a restore.

Clients put their own name into application_name, or the administrator does; roles are named after what they do. Names
are words between signs, so that ``latest`` is no test; a name that several kinds share counts for each of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath

# As these programs call themselves in application_name by their own documentation or source; `~` marks a beginning.
_WORDS = {
    "gui": "pgadmin~ dbeaver datagrip tableplus beekeeper navicat dbvisualizer postico heidisql sqlectron "
    "adminer phppgadmin omnidb dbgate sqlworkbench workbench squirrel sqlpad razorsql intellij "
    "pycharm webstorm rubymine goland phpstorm vscode~ azuredatastudio azdata sqltools toad valentina "
    "dbforge arctype outerbase chartdb metabase superset redash retool appsmith pghero drizzle_studio "
    "prisma_studio excel powerbi tableau pgweb nocodb supabase_studio postgres_meta looker grafana "
    "dbbeaver",
    "shell": "psql pgcli usql console ipython ipykernel jupyter~ irb repl tinker ssms edb_psql shell "
    "shell_plus",
    "tests": "test tests testing pytest~ unittest jest vitest rspec phpunit cypress playwright junit testng "
    "testcontainers testsuite mocha minitest e2e xunit nunit mstest karma jasmine ava behat cucumber "
    "codeception pest dusk exunit capybara selenium tox nox surefire failsafe spec specs qa fixtures "
    "testhost vstest respawn databasecleaner database_cleaner factorybot integrationtest integrationtests "
    "prueba pruebas teste testes essais github_actions gitlab_ci gitlab_runner ci circleci buildkite",
    "job": "cron cronjob crond crontab anacron pg_cron pgagent pg_timetable partman pg_partman~ job jobs "
    "jobrunner schedul~ airflow retention purge~ purging cleanup clean_up cleaner cleansing nightly "
    "daily hourly weekly monthly dagster prefect luigi rundeck celery celerybeat sidekiq resque "
    "hangfire quartz~ oban goodjob solidqueue delayed_job delayedjob bullmq bree graphilew~ "
    "housekeep~ janitor archiver archival archive sweeper sweep reaper prune pruner pruning expire "
    "expirer expiry evictor gc ttl batch timer systemd dbt fivetran airbyte meltano stitch matillion "
    "talend informatica nifi pentaho kettle ssis etl elt rollup compactor compaction garbage trimmer "
    "apscheduler huey autoclean anonymizer anonymiser gdpr backgroundjob maintenance timescaledb "
    "nettoyage bereinigung aufraeum~ limpieza limpeza wartung purga depuracion nachtlauf opruim~ tidy "
    "tidyup scrubber wiper deleter remover recycler eraser eventbridge end_of_day eod month_end "
    "year_end snakemake nextflow argo_workflows kedro",
    "migrator": "migra~ alembic flyway~ liquibase sqitch goose dbmate knex prisma~ sequelize typeorm atlas "
    "deploy~ release releaser phinx doctrine artisan yoyo pgroll reshape bytebase schemahero umzug "
    "drizzle_kit drizzle diesel sqlx refinery dbup fluentmigrator roundhouse evolve terraform ansible "
    "pulumi helm argocd graphile_migrate schema_migration ddl efcore dotnet_ef ecto entityframework "
    "entity_framework efbundle schemachange schema_change tern ci cicd ci_cd",
    "restore": "pg_restore pgrestore pg_dump pg_dumpall pgbackrest barman wal_g walg restore restorer restoring "
    "pgloader dump_load dumpload load_dump pg_basebackup pgcopydb pg_probackup restaur~ "
    "wiederherstell~ terugzet~ ripristin~",
    "replication": "pglogical bucardo slon slony spock bdr londiste symmetricds walreceiver debezium "
    "logical_replication replicator aws_dms",
    "worker": "worker workers queue sync syncer synchronizer synchroniser synchronisation importer import "
    "exporter loader load load_data mover rotate rotator evict refresh refresher rebuilder aggregat~ "
    "indexer feed pipeline backfill compact reconcile reconciler consumer crawler collector scraper "
    "ingest~ publisher dispatcher",
    "server": "web api apis backend frontend service services svc server app bff portal gateway puma unicorn gunicorn "
    "uwsgi uvicorn passenger phpfpm php_fpm hasura postgrest graphql postgraphile tomcat jetty hikari~ kestrel "
    "npgsql jdbc rails django laravel symfony spring fastapi flask phoenix grpc microservice",
}  # fmt: skip
_SUFFIX = re.compile(r"(?i)(?<![\w.-])[\w./-]*\w\.(?:sh|bash|py|rb|pl|js|mjs|ts|php|ps1|jar|sql|bat|exe)\b")
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GENERATED = re.compile(r"-(?:\d{8,10}|manual)-\w{5}$")  # what Kubernetes appends to the name of a CronJob's pod


def _pattern(words: str) -> re.Pattern[str]:
    parts = [re.escape(word.rstrip("~")) + ("" if word.endswith("~") else r"(?![a-z])") for word in words.split()]
    return re.compile(rf"(?<![a-z])(?:{'|'.join(parts)})")


_PATTERNS = {kind: _pattern(words) for kind, words in _WORDS.items()}


@lru_cache(maxsize=10_000)
def kinds(*names: str | None, files: tuple[tuple[str, str], ...] = ()) -> frozenset[str]:
    """What a session is by its names: words of ``gui shell tests job migrator restore replication worker script
    server``.

    ``files`` are files of the repository with their vehicles: a session that is named after a file is what starts it.

    >>> sorted(kinds("pgAdmin 4 - CONN:5570913", "ada")), sorted(kinds("latest-news", None))
    (['gui'], [])
    >>> sorted(kinds("compact.py", files=(("jobs/compact.py", "scheduled_job"),)))
    ['job', 'script', 'worker']
    >>> sorted(kinds("report-28394820-x7k2p"))
    ['job']
    """
    told = " ".join(f"{_signs(name)} {plain(name)}" for name in names if name)
    found = {kind for kind, pattern in _PATTERNS.items() if pattern.search(told)}
    if any(_SUFFIX.search(name) for name in names if name):
        found.add("script")
    if any(_GENERATED.search(name) for name in names if name):
        found.add("job")
    stems = {PurePosixPath(name.split()[0]).stem.lower() for name in names if name and name.strip()}
    for path, vehicle in files:
        if len(stem := PurePosixPath(path).stem.lower()) > 3 and stem in stems and vehicle in _VEHICLES:
            found.add(_VEHICLES[vehicle])
    return frozenset(found)


_VEHICLES = {"scheduled_job": "job", "test_run": "tests", "script": "script"}


def plain(name: str) -> str:
    """A name in small letters, its words apart by one ``_`` or blank.

    >>> plain("QuartzScheduler_Worker-2"), plain("rates-job")
    ('quartz_scheduler_worker_2', 'rates_job')
    """
    return _signs(_SEAM.sub("_", name))


def _signs(name: str) -> str:
    return re.sub(r"[-.:/@]+", "_", name.lower())
