"""Evidence that the server itself answers: catalogue, counters, storage, settings."""

from triage_kit.schemas import tables

TABLES = tables("""
identity: the server, the database and the role that answered; one row
    version text server_version as the server spells it
    version_num int server_version_num, 180006 for 18.6
    system_identifier text names the data directory since initdb
    initdb_at time upper half of the system identifier (FACTS: within a second of PG_VERSION's file time)
    cluster_name text cluster_name setting
    database text current_database()
    database_oid int its OID
    database_xmin int xid that wrote its pg_database row
    role text current_user
    superuser bool whether the role is a superuser
    memberships texts predefined roles that it is a member of, as pg_monitor
    in_recovery bool a standby, or a server that is still replaying
    timeline int timeline of the last checkpoint
    address text server address, missing on a Unix socket
    port int server port
    started_at time pg_postmaster_start_time()
    asked_at time the server's clock when this was asked
    clock_offset_ms float server clock minus the collector's clock
    next_xid int xmax of the current snapshot, with epoch; reading it consumes no xid
    oldest_xid int xmin of the current snapshot, with epoch
    checksums bool data page checksums
    wal_level text wal_level setting
    lsn text current WAL insert (primary) or replay (standby) position
    checkpoint_lsn text location of the last checkpoint record
    checkpoint_at time time of the last checkpoint
    checkpoint_redo text its redo position
    track_commit_timestamp bool whether commit times can be asked for

databases: one database of the cluster
    oid int
    name text
    owner text
    xmin int xid that wrote its row
    allows_connections bool
    is_template bool

namespaces: one schema of the database
    oid int
    name text
    owner text
    xmin int xid that last wrote its row
    usable bool whether the asking role has USAGE on it

activity: one backend of pg_stat_activity, the collector's own left out
    pid int
    database text
    role text
    application text
    client text address, or missing on a Unix socket
    kind text backend_type
    started_at time
    transaction_at time start of the open transaction
    query_at time
    state text
    state_at time
    wait text wait event type and event
    xid int its transaction id, if it has one
    xmin int oldest xid that it still needs
    query text its last or running statement

locks: one lock stronger than ROW EXCLUSIVE on a relation
    oid int the relation
    mode text
    pid int
    granted bool
    waiting_since time

prepared: one prepared transaction that holds its locks and rows
    xid int
    name text
    prepared_at time
    owner text
    database text

cluster_counters: when cluster-wide counters began; one row
    bgwriter_reset time pg_stat_bgwriter.stats_reset: a crash sets it to the end of recovery on every major
    archiver_reset time pg_stat_archiver.stats_reset: moves together with the other at a crash
    wal_reset time pg_stat_wal.stats_reset (14 and newer)
    checkpoints_timed int
    checkpoints_requested int

database_counters: the row of pg_stat_database for one database
    oid int
    database text
    commits int
    rollbacks int failed statements outside a block count here too
    inserted int rows, catalogue rows and rolled-back ones included
    updated int
    deleted int rows, catalogue rows included: DDL swells it
    deadlocks int
    reset_at time set by pg_stat_reset(), also for a single table

table_counters: what pg_stat_all_tables counts for one table
    oid int
    schema text
    table text
    inserts int n_tup_ins, rolled-back ones included
    updates int
    deletes int
    hot_updates int
    live int n_live_tup, an estimate that lies after a crash and in some sessions
    dead int n_dead_tup
    changed_since_analyze int n_mod_since_analyze: rolled-back inserts are left out
    inserted_since_vacuum int n_ins_since_vacuum: TRUNCATE sets it to 0, a plain VACUUM too
    sequential_scans int
    index_scans int
    last_vacuum time
    last_autovacuum time
    last_analyze time
    last_autoanalyze time
    vacuums int
    autovacuums int
    analyzes int
    autoanalyzes int

relations: one row of pg_class for a table, partitioned table, materialized view, foreign table or view in scope
    oid int
    schema text
    name text
    kind text table, partitioned, materialized_view, foreign_table or view
    persistence text permanent, unlogged or temporary
    filenode int relfilenode; equal to the OID until storage is replaced
    xmin int 32-bit xid of the (sub)transaction that last wrote the pg_class row
    frozenxid int relfrozenxid; equal to xmin right after the storage was replaced on an idle server
    pages int relpages as of the last VACUUM or ANALYZE
    tuples float reltuples; -1 never counted (14 and newer)
    owner text
    row_security bool
    force_row_security bool
    is_partition bool
    parent_oid int the partitioned or inherited parent
    partition_bound text
    toast_oid int
    tablespace text
    access_method text
    options texts reloptions
    deleters texts roles that relacl or its default grants DELETE, public for everybody; none where it was not asked
    truncaters texts the same for TRUNCATE
    definition text of a view
    readable bool whether the asking role may SELECT from it

storage: the files of one table
    oid int
    heap_bytes int
    fsm_bytes int free space map; absent after TRUNCATE until the next VACUUM
    vm_bytes int visibility map
    toast_bytes int
    index_bytes int all its indexes
    primary_key_bytes int main fork of the primary key; missing without one
    path text path below the data directory
    skipped text why the sizes are missing, as 'locked by ACCESS EXCLUSIVE'

file_times: file system times of one table's first file, superuser only
    oid int
    path text
    bytes int
    modified_at time of a truncated table that is still empty: the second of the TRUNCATE
    changed_at time
    accessed_at time

indexes: one index of a table in scope
    oid int
    table_oid int
    name text
    primary bool
    unique bool
    valid bool
    filenode int
    xmin int
    pages int
    tuples float
    bytes int

columns: one column of a table in scope, dropped ones included
    table_oid int
    position int
    name text as pg_attribute has it: '........pg.dropped.3........' once dropped
    type text
    not_null bool
    dropped bool
    xmin int xid that last wrote the pg_attribute row: of a dropped column, the one that dropped it
    length int bytes of a stored value; -1 varies, -2 ends with a zero byte
    alignment text c, s, i or d: 1, 2, 4 or 8 bytes
    base_type text the type's name behind a domain; enum and array for those
    labels texts of an enum, as OID:label
    generated text s for stored, v for virtual
    missing_value text what rows hold that are older than the column
    has_default bool whether it has a default, or is generated; missing where an older kit collected it

constraints: one constraint of a table in scope
    oid int
    name text
    kind text primary_key, unique, foreign_key, check or exclusion
    table_oid int
    referenced_oid int
    columns texts
    referenced_columns texts
    on_delete text no_action, restrict, cascade, set_null or set_default
    on_update text
    deferrable bool
    validated bool
    parent_oid int the constraint of the partitioned parent that it was copied from
    xmin int
    definition text

policies: one row security policy
    table_oid int
    name text
    command text
    permissive bool
    roles texts
    using text
    with_check text

triggers: one trigger that is no foreign key's, or an event trigger (table_oid missing)
    table_oid int
    name text
    enabled text
    timing text
    events texts
    function text
    function_body text source of the function, bounded
    xmin int

sequences: one sequence in scope
    oid int
    schema text
    name text
    table_oid int the table that owns it
    column text
    last_value int missing: never called since its start, or the role may not read it
    start_value int
    increment int
    filenode int differs from the OID after RESTART IDENTITY
    xmin int
    readable bool whether the role may read the value

roles: one role
    oid int
    name text
    login bool
    superuser bool
    bypasses_row_security bool
    creates_databases bool
    creates_roles bool
    replication bool
    member_of texts

settings: one row of pg_settings
    name text
    value text secrets replaced
    unit text
    source text
    boot_value text
    pending_restart bool

role_settings: one row of pg_db_role_setting
    database text missing: every database
    role text missing: every role
    settings texts name=value, secrets replaced

extensions: one installed extension
    name text
    version text
    schema text

statements: one entry of pg_stat_statements
    query_id text
    database text
    database_oid int
    role text
    text text normalised; '<insufficient privilege>' for those of others; null where the encoding forbade it
    calls int rolled-back ones included, failed ones never
    rows int
    total_ms float
    since time stats_since (17 and newer)
    counters_since time pg_stat_statements_info.stats_reset

archiver: pg_stat_archiver; one row
    archived int
    last_archived text
    last_archived_at time
    failed int
    last_failed text
    last_failed_at time
    reset_at time

replication: one standby, slot, subscription, publication, origin or WAL receiver
    kind text
    name text
    state text
    application text
    client text
    lsn text
    lag_bytes int
    detail text

log_files: one file of the server's log directory
    name text
    bytes int
    modified_at time
    current bool

wal_files: one file of pg_wal
    name text
    bytes int
    modified_at time

commit_times: commit time of a transaction that wrote a pg_class row
    xid int
    committed_at time
    origin int replication origin (14 and newer)

row_counts: how many rows one table holds now, and how that is known
    oid int
    schema text
    table text
    rows int missing when nothing could tell
    method text exact (counted), empty_file (0 bytes), pgstattuple, damaged (files missing, cut, unreadable) or none
    reason text why it was not counted
    asked_at time

row_transactions: which transactions wrote the rows that stand in one counted table
    oid int
    oldest_xid int smallest raw xmin of a row, 32 bits; VACUUM FREEZE leaves it readable
    newest_xid int largest raw xmin: equal to the other when one transaction wrote every row

row_times: instants of rows written just before and after one transaction, in a table whose rows are never updated
    xid int the transaction asked about, 32 bits
    schema text
    table text
    column text a timestamp that rows get when they are inserted
    before_at time latest instant of a row with a smaller xid
    after_at time earliest instant of a row with a larger xid

version_tables: one row of a migration tool's version table
    tool text
    schema text
    table text
    version text
    applied_at time
""")
