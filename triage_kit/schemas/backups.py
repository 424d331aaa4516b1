"""Evidence of what could bring rows back: backups, archived WAL, and what the WAL itself tells."""

from triage_kit.schemas import tables

TABLES = tables("""
backups: one dump or base backup, looked at without restoring it
    file text as the case writes it; of a backup tool's list, the list and the backup's label
    kind text dump, base_backup, pgbackrest, barman, wal_g or snapshot
    format text custom, directory, tar or plain (dump); files, tar, label or manifest (base backup); json or text (list)
    packing text gzip, zstd, lz4 or none
    label text the backup's name for its tool
    stanza text pgBackRest's stanza, Barman's server
    began_at time a dump shows the database as of this moment
    finished_at time a base backup can be restored to no earlier moment
    server_version text of the server that was backed up
    by_version text of pg_dump or of the backup tool
    database text missing: the whole cluster
    system_identifier text of the cluster, where the backup tells
    start_lsn text
    stop_lsn text a base backup is consistent from here on
    timeline int
    tables int tables whose rows it holds
    rows int of all tables, as far as they were counted
    bytes int
    state text complete, cut, schema_only, failed, unreadable or unknown
    trouble text what is wrong with it or was not counted, in words
    wal_from text first segment that a restore needs
    modified_at time of the file

backup_tables: the rows of one table in one dump
    file text
    schema text
    table text
    rows int counted in the dump; missing when they could not be counted
    whole bool whether the end of the table's data was seen
    how text copy or inserts

wal_archive: one unbroken run of archived WAL segments
    source text the folder, list or repository, as the case writes it
    timeline int
    first text name of its first segment
    last text
    segments int
    bytes_each int size of one segment
    modified_at time of its last segment
    newest bool whether no other run of the source goes further

wal_spans: one piece of WAL that was read
    source text the folder, or the server
    how text files, server_files, pg_walinspect or pg_waldump
    timeline int
    from_lsn text
    to_lsn text
    from_at time the first commit or abort in it
    to_at time the last one
    records int
    transactions int that ended in it
    system_identifier text of the cluster that wrote it
    broken text why reading ended before the end, missing when it did not

wal_transactions: one transaction of the WAL that removed rows or storage, updated many rows or undid its inserts
    xid int the top-level transaction id, 32 bits without epoch as pg_class.xmin is; a recovery target takes this one
    outcome text committed, rolled_back, prepared or unknown (its end lies outside what was read)
    ended_at time of its commit or abort record
    lsn text where its commit or abort record begins; recovery_target_lsn with recovery_target_inclusive = off
    end_lsn text where that record ends
    first_lsn text its first record that was read
    subxids texts its subtransactions, which pg_class.xmin of what they wrote shows instead of xid
    database_oid int
    old_files texts relfilenodes that its commit removed, as tablespace/database/filenode
    new_files texts relfilenodes that it created
    origin int replication origin, missing for a local one
    after int commits that were read after it: 0 means that recovery cannot stop before a later one
    deletes int rows deleted in ordinary tables of any database, TOAST and catalogue included
    source text as in wal_spans

wal_changes: what one transaction did to one relation's file
    xid int top-level, as in wal_transactions
    database_oid int
    tablespace_oid int
    filenode int the file at that time: the old relfilenode where it was replaced later
    table_oid int the table that has, or had, this file; missing where that is not known
    operation text insert, update, delete, removed (its file went at commit), created or truncated (cut to fewer blocks)
    rows int
    first_lsn text
    last_lsn text

wal_rows: rows of one file that stand in the WAL that was read
    database_oid int
    filenode int
    table_oid int the table that has, or had, this file
    inserted int rows in INSERT, MULTI_INSERT and UPDATE records
    pages int distinct pages of which a full image stands there
    page_rows int rows on the last full image of each such page
    rows int distinct places (page and line) whose row can be read back
    oldest_lsn text
    newest_lsn text

wal_storage: one file that a row of pg_class in the WAL that was read gave a table, its present one among them
    database_oid int
    filenode int
    table_oid int
    table text the table's name then
    pages int the planner's estimate, of the last VACUUM or ANALYZE that the WAL shows of this file
    tuples float the planner's estimate of its rows, missing when it never had one

wal_dropped: one table that a committed transaction of the WAL dropped, temporary tables left out
    xid int as in wal_transactions
    database_oid int
    schema text missing when the WAL does not tell it and the server has it no more
    table text
    oid int
    filenode int the file that went with the commit
    toast_oid int its TOAST table, 0 for none
    kind text table, partitioned or materialized_view
    partition bool whether it was a partition when it went
    pages int the planner's estimate, of the last VACUUM or ANALYZE
    tuples float the planner's estimate of its rows, missing when it never had one
    made bool whether its making stands in the WAL that was read as well

data_directories: one copy of a data directory or mounted volume
    path text as the case writes it
    major int PG_VERSION
    system_identifier text
    initdb_at time
    state text as pg_controldata has it
    control_at time when pg_control was last written
    checkpoint_lsn text
    timeline int
    checkpoint_at time
    next_xid int
    backup_label bool a base backup that was never started
    databases texts OIDs of the folders below base/
    made_at time time of the file PG_VERSION
    bytes int
""")
