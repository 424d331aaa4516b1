"""Evidence from the case itself, the repository, and what the collector did.

``migration_operations`` has what migrations would do, ``code_hits`` what any other file of the repository could do to
rows; both name their file, and ``last_changes`` says who changed that file last. Whether a line ran is no evidence but
a conclusion: table ``suspects`` of the findings.
"""

from triage_kit.schemas import tables

TABLES = tables("""
incident: what the case says of itself; one row
    title text
    incident_id text
    service text
    severity text
    author text
    timezone text shown beside UTC
    noticed_at time
    window_start time
    window_end time
    app_role text role of the application
    counting text none, safe or exact
    practice text name of the practice incident, missing for a real one

reported: one table that people say lost rows
    schema text missing when the case left it out
    table text

notes: what people saw
    at time
    text text

collection: the collecting run; one row
    collected_at time when collection began: every age in the report is relative to it
    sealed_at time
    kit_version text
    host text the server as host:port/database, or missing
    schemas texts schemas in scope

baseline: the earlier bundle that this one is compared with; one row
    source text the path that the case names, or evidence-1 and so on beside it
    collected_at time
    version_num int
    system_identifier text
    database text
    database_oid int
    next_xid int with epoch
    in_recovery bool
    counters_reset_at time when the cluster-wide counters began
    lsn text

baseline_tables: one table as the earlier bundle has it
    oid int
    schema text
    table text
    kind text
    persistence text
    parent text qualified name of the partitioned parent
    filenode int
    xmin int
    inserts int
    updates int
    deletes int
    live int
    dead int
    rows int counted then, or 0 for an empty file
    heap_bytes int
    tuples float
    sequence int last value of the sequence that the table owns
    columns texts names of the standing columns, each after its position: '2 body'

questions: one question asked of a source, answered or not
    source text
    status text answered, refused, unavailable, failed, skipped or not_built
    reason text why there is no answer
    costs text what the report cannot say without it
    rows int
    variant text the SQL variant used
    role text
    asked_at time
    ms float
    named bool whether the case names this source

migrations: one migration file
    path text inside the repository
    tool text alembic, django, flyway, dbmate, goose, liquibase …; sql where the files do not tell
    revision text
    parents texts
    title text
    created_at time as the file says
    sha256 text

migration_operations: one operation that a migration would run
    path text
    line int
    revision text
    direction text up or down
    operation text as sql.Effect.operation
    object text as written
    bounded bool whether a WHERE limits it
    cascade bool
    text text the statement or call
    how text parsed, tokens, python or pattern
    renamed text the new name of a table that is renamed or moved
    loses text as in code_hits, or nothing, by what the whole file says; missing when an older kit collected it

code_hits: one thing that a line outside the migrations could do to data: a script, a job, a test, the application
    path text inside the repository
    line int
    vehicle text scheduled_job, test_run, script or application; what a schedule starts is scheduled_job
    kind text sql (a statement), tool (a command of a tool, as dropdb or db:reset) or orm (a call, as drop_all)
    operation text as sql.Effect.operation
    object text as written; missing when the line reaches every table or does not tell
    loses text rows, columns, values, visibility, storage or suspect (only a run would tell)
    bounded bool whether a WHERE limits it
    cascade bool
    name text of the job, target, function or service that holds the line
    schedule text as written, of the job that holds the line or starts its file
    started_by texts path:line of lines elsewhere in the repository that start this file
    text text the statement or command
    how text parsed, tokens, python or pattern

last_changes: one file of migrations or code_hits, or one line of it, with the commit that changed it last
    path text
    line int missing: the file as a whole
    sha text
    author text
    committed_at time
    subject text

commits: one commit of the repository
    sha text
    author text
    authored_at time
    committed_at time
    subject text
    paths texts
""")
