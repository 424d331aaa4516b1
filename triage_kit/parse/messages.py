# ruff: noqa: E501 tables of patterns and words
"""The messages of the server that mean something, as data: subject, kind, meaning, and how such a message begins.

Texts are those of PostgreSQL 13 to 18 in English (errmsg and ereport calls of src/backend). The first subject that fits
wins. What takes rows away, or tells when and by whom, comes first.
"""

from __future__ import annotations

# subject | kind | meaning, then one pattern a line, matched at the message's beginning.
TABLE = r"""
truncate_cascade | other | TRUNCATE … CASCADE reached one more table
    truncate cascades to table\x20
drop_cascade | other | DROP … CASCADE took one more object along
    drop cascades to\x20
drop_skipped | other | DROP … IF EXISTS found nothing
    (?:relation|table|view|index|sequence|schema|type|function|extension|role|database|column|constraint|materialized view|trigger|policy|domain|materialised view)\b.*(?:does not exist|do not exist), skipping
constraint_dropped_with_type | other | ALTER or DROP took a default, index or constraint along
    merging\x20(?:column|constraint|multiple)
replica_role | other | triggers and foreign keys are switched off in a session
    .*session_replication_role
unlogged_reset | recovery | tables without WAL are emptied after a crash
    resetting unlogged relations
relation_truncated_at_end | autovacuum | VACUUM gave empty pages at a table's end back
    (?:table )?"[^"\n]+": truncated \d+ to \d+ pages
    (?:table )?"[^"\n]+": (?:stopping truncate|suspending truncate)
autovacuum | autovacuum | autovacuum removed dead rows of a table
    automatic (?:aggressive )?vacuum (?:to prevent wraparound )?of table\x20
    automatic aggressive vacuum
autoanalyze | autoanalyze | autovacuum measured a table, which a TRUNCATE of many rows triggers too
    automatic analyze of table\x20
autovacuum_canceled | other | autovacuum gave way to a lock
    canceling autovacuum task
autovacuum_skipped | other | autovacuum or VACUUM could not lock a table
    skipping (?:vacuum|analyze) of\x20
    skipping "[^"\n]+" ---
vacuum_run | other | VACUUM (VERBOSE) by hand
    (?:aggressively )?vacuuming "
    finished (?:aggressively )?vacuuming\x20
    finished analyzing table\x20
    analyzing "
    scanned index "[^"\n]+" to remove \d+ row versions
    (?:table |index )?"[^"\n]+"(?:: removed| now contains| scanned|: scanned) \d+\x20
cluster_run | other | CLUSTER or VACUUM FULL writes a table anew
    (?:clustering|repacking) "
    "[^"\n]+": found \d+ removable, \d+ nonremovable row versions
reindex_run | other | REINDEX wrote an index anew
    index "[^"\n]+" was reindexed
    table "[^"\n]+" was reindexed
wraparound | other | transaction ids run out: the server will refuse writes, or does
    database (?:"[^"\n]+"|with OID \d+) must be vacuumed within
    database is not accepting commands
    oldest (?:xmin|multixact|replication slot|prepared transaction) is far in the past
    cutoff for (?:removing and )?freezing (?:tuples|multixacts) is far in the past
    transaction ID wrap limit is
    MultiXactId wrap limit is
    using stale statistics
failsafe | other | VACUUM hurries before transaction ids run out
    bypassing nonessential maintenance of table
orphan_temp_table | other | autovacuum drops a temporary table that a dead session left
    autovacuum: (?:dropping|found) orphan(?:ed)? temp table
checkpoint_starting | checkpoint_starting | a checkpoint begins; its words say why
    (?:checkpoint|restartpoint) starting:
checkpoint_complete | checkpoint_complete | a checkpoint ended: buffers and files date bulk changes of storage
    (?:checkpoint|restartpoint) complete:
checkpoints_frequent | other | so many changes that checkpoints follow each other
    checkpoints are occurring too frequently
checkpoint_skipped | other | nothing to write, or nowhere to begin
    (?:checkpoint|restartpoint) skipped
    skipping restartpoint
startup_failed | shutdown | the server could not start, or stopped while it did
    startup process \(PID \d+\) (?:exited with|was terminated)
    aborting startup due to
interrupted | crash | the server was not shut down: this start recovers from a crash, a kill or a copied volume
    database system was interrupted(?!; last known up at .*in recovery)
    database system was interrupted
not_shut_down | crash | the server was not shut down properly; recovery runs
    database system was not properly shut down
    database system was shut down in recovery
process_killed | crash | a process died by a signal, and all others are ended with it
    .{0,120}\(PID \d+\) was terminated by (?:signal|exception)
    server process \(PID \d+\) exited with exit code
all_terminated | crash | every session was ended because one process died
    terminating any other active server processes
    all server processes terminated; reinitializing
    .*\bprocess .*crashed
    issuing SIG(?:KILL|ABRT|QUIT) to recalcitrant children
session_lost_to_crash | disconnection | this session was ended because another process died
    terminating connection because of crash of another server process
out_of_memory | error | memory was not to be had
    out of (?:shared )?memory
    could not fork new process
no_space | error | a disk is full
    .*No space left on device
    could not (?:extend|write) (?:file|to file).*No space
zero_damaged_pages | other | damaged pages were replaced by empty ones: rows on them are gone
    invalid page in block \d+ of relation .*; zeroing out page
    .*zeroing out page
corrupt_page | error | a page on the disk does not hold what was written
    invalid page in block
    page verification failed
    invalid page header in block
    could not read block(?:s)? \d
    .*unexpected data beyond EOF
    missing chunk number \d
    unexpected chunk number \d
    could not access status of transaction
    tuple concurrently updated
    right sibling's left-link
    index "[^"\n]+" contains (?:unexpected|corrupted)
    failed to re-find parent key
    heap tid from (?:index|table) tuple
missing_file | error | a file of a relation is not there
    could not open file "(?:base|global|pg_tblspc)/
    could not (?:stat|fsync|read|unlink|rename|create|truncate) file
missing_wal | error | WAL that was needed is not there any more
    requested WAL segment .* has already been removed
    could not find (?:redo location|a valid (?:checkpoint )?record)
    could not locate (?:a valid|required) checkpoint record
    invalid (?:primary |secondary )?checkpoint (?:record|link)
    WAL file is from different database system
    WAL ends before
backup_label | recovery | the data directory is a copy made by a base backup
    using (?:backup|checkpoint)\x20
    backup_label
    .*backup_label
    (?:starting backup recovery|completed backup recovery)
    ignoring file "backup_label"
    online backup mode canceled
    online backup was (?:canceled|stopped)
restore_point | recovery | recovery stops at a chosen point: rows after it are gone by intent
    starting point-in-time recovery
    recovery (?:stopping|will stop)\x20
    recovery (?:has paused|is paused|ending|restart|target)
    pausing at the end of recovery
    restore point "[^"\n]+" created
    last completed transaction was at
archive_recovery | recovery | the server is restored from an archive, or is a standby
    (?:starting|entering) (?:archive recovery|standby mode)
    archive recovery complete
    restored log file
    restoring (?:WAL|log) file
    consistent (?:recovery )?state reached
    reached consistent
    consistent recovery state reached
new_timeline | recovery | a new timeline begins: the history behind this point is another one
    selected new timeline
    new (?:target )?timeline
    fetching timeline history
    timeline \d+ of
    requested timeline
promotion | recovery | a standby becomes a primary
    received promote request
    promote trigger file found
    trigger file found
redo | recovery | changes are replayed from WAL
    redo (?:starts|done|is not required|in progress)
    restarting backup recovery with redo LSN
    automatic recovery in progress
    syncing data directory
    invalid record length at
    invalid (?:magic number|resource manager)
    record with incorrect prev-link
    unexpected pageaddr
    incorrect resource manager data checksum
    there is no contrecord flag
    contrecord is requested
    record with invalid length
    unexpected timeline ID
new_cluster | startup | a data directory was made, or is another one
    initdb
    data directory "[^"\n]+" (?:has|does not|is)
    database files are incompatible
    The files belonging to this database system
startup | startup | the server starts
    starting PostgreSQL\x20
ready | startup | the server takes connections
    database system is ready to accept
listening | startup | where the server listens
    listening on\x20
    could not bind\x20
log_redirected | startup | the log goes on in other files
    redirecting log output
    ending log output
launcher_started | startup | a helper process begins
    autovacuum launcher started
    starting (?:up|background worker)
    logical replication launcher started
shutdown_request | shutdown | somebody asked the server to stop
    received (?:smart|fast|immediate) shutdown request
    aborting any active transactions
    performing immediate shutdown
shutdown | shutdown | the server stops, or was stopped properly
    shutting down
    database system is shut down
    database system was shut down
    autovacuum launcher shutting down
    terminating (?:logical replication|background) worker
worker_exited | shutdown | a background worker ended
    background worker .* exited with exit code
    logical replication launcher shutting down
starting_up_refused | error | a session came while the server could not take it
    the database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting connections)
administrator_ended | disconnection | somebody ended a session
    terminating connection due to administrator command
    terminating (?:background worker|walreceiver|autovacuum|logical replication worker|bgworker).* due to administrator command
idle_timeout | disconnection | a session was ended because it did nothing
    terminating connection due to idle
    terminating connection due to transaction timeout
conflict_ended | disconnection | a standby ended a session that stood in the way of replay
    terminating connection due to conflict with recovery
client_gone | disconnection | the client went away without a word; its open transaction is rolled back
    unexpected EOF on client connection
    unexpected EOF within message
    could not (?:send data to|receive data from) client
    connection to client lost
    terminating connection (?:due to|because)
    client backend .*Connection reset
disconnection | disconnection | a session ended; how long it was
    disconnection: session time
connection_received | connection | a client knocked
    connection received
connection_authenticated | connection | who it says it is, and how that was proven
    connection authenticated
connection_authorized | connection | a session begins: role, database, application
    connection authorized
    replication connection authorized
connection_ready | connection | how long the session took to begin
    connection (?:ready|duration)
login_refused | error | a login failed
    (?:password|peer|Ident|LDAP|PAM|GSSAPI|RADIUS|certificate|SSPI|BSD|OAuth bearer|SCRAM|MD5|trust) authentication failed for user
    no pg_hba\.conf entry
    pg_hba\.conf rejects
    role "[^"\n]+" (?:is not permitted to log in)
    SASL authentication failed
    permission denied for database
too_many_connections | error | no place for another session
    (?:sorry, )?too many (?:clients|connections)
    remaining connection slots are reserved
no_such_database | error | a session asked for a database that is not there
    database "[^"\n]+" does not exist
    database \d+ does not exist
    database "[^"\n]+" is not currently accepting
database_in_use | error | DROP or CREATE DATABASE was refused because sessions use it
    (?:source )?database "[^"\n]+" is being accessed by other users
    cannot drop the currently open database
    database "[^"\n]+" already exists
no_such_role | error | a role that is not there
    role "[^"\n]+" (?:does not exist|cannot be dropped)
dependent_objects | error | DROP or ALTER was refused: something needs it (CASCADE would have taken it along)
    cannot (?:drop|alter|detach|truncate)\b.*(?:because other objects depend on|because)
    cannot drop desired object
truncate_refused | error | TRUNCATE was refused: a foreign key references the table (CASCADE would have emptied it too)
    cannot truncate (?:a table referenced in a foreign key constraint|only a partitioned table)
    cannot TRUNCATE
foreign_key_violation | error | a row that others need, or that needs another, was not changed
    (?:insert or update|update or delete) on table "[^"\n]+" violates (?:foreign key|RESTRICT setting)
unique_violation | error | a second row with the same key was refused
    duplicate key value violates unique constraint
    could not create unique index
not_null_violation | error | a missing value was refused
    null value in column
    column "[^"\n]+" of relation "[^"\n]+" contains null values
check_violation | error | a row that a check forbids was refused
    new row for relation "[^"\n]+" violates
    check constraint .* is violated
    no partition of relation
    value for domain
exclusion_violation | error | a row that overlaps another was refused
    conflicting key value violates exclusion constraint
row_security_refused | error | row security refused a row, or a query that would hide rows
    new row violates row-level security policy
    query would be affected by row-level security policy
    policy "[^"\n]+" for (?:table|relation)
permission_denied | error | a role may not do that
    permission denied\x20
    permission denied:
    must be (?:owner|superuser|able|member|a superuser)
    only superuser can
    (?:only roles|only a role|insufficient privilege)
read_only | error | a write was refused: read-only transaction, or a standby
    cannot execute .* (?:in a read-only transaction|during recovery)
    cannot (?:set transaction read-write mode)
aborted_transaction | error | nothing more runs in this transaction: it will be rolled back
    current transaction is aborted
no_transaction | other | COMMIT or ROLLBACK without BEGIN, or BEGIN twice
    there is (?:no|already a) transaction in progress
    .* can only be used in transaction blocks
not_in_transaction_block | error | a statement that must stand alone
    .* cannot run inside a transaction block
    .* cannot be executed from a function
enum_unsafe | error | a new enum value used in the transaction that added it: a migration fails here
    unsafe use of new value
    invalid input value for enum
cast_failed | error | a conversion was refused: ALTER TYPE in migrations
    column "[^"\n]+" cannot be cast automatically
    cannot cast (?:type)?
    default for column "[^"\n]+" cannot be cast
    operator does not exist
    (?:column "[^"\n]+" is of type)
syntax_error | error | the server did not understand the text, and ran nothing of it
    syntax error at
    unterminated (?:quoted|dollar|/\*)
    invalid (?:byte sequence|escape|Unicode)
    zero-length delimited identifier
undefined_table | error | a table that is not there, or not in search_path
    relation "[^"\n]+" does not exist
    (?:table|materialized view|view|sequence|index) "[^"\n]+" does not exist
    missing FROM-clause entry
    invalid reference to FROM-clause entry
undefined_column | error | a column that is not there
    column (?:reference )?"?[^"\n]+"?(?: of relation "[^"\n]+")? (?:does not exist|is ambiguous)
undefined_function | error | a function, operator or procedure that is not there
    (?:function|procedure|aggregate|routine) .* does not exist
    could not find a function named
lo_unlink | other | large objects
    large object \d+
undefined_object | error | a type, schema or other object that is not there
    (?:type|schema|extension|constraint|trigger|policy|publication|subscription|tablespace|language|collation|savepoint|prepared statement|cursor|unrecognized|text search \w+|operator class|rule|event trigger|large object|domain|server|statistics object)\b.*does not exist
    unrecognized configuration parameter
missing_library | error | an extension or a library is not installed here
    could not access file "
    could not open extension control file
    extension "[^"\n]+" is not available
copy_file | error | COPY or a file function could not open its file
    could not open file "[^"\n]+" for (?:reading|writing)
duplicate_object | error | an object of that name is there already
    (?:relation|schema|type|column|constraint|role|extension|trigger|policy|function|index|publication|subscription|tablespace|table|prepared statement|cursor)\b.*already exists
not_inherited | other | inheritance or partitions were changed
    partition constraint
    "[^"\n]+" is already a partition
    relation "[^"\n]+" is not a (?:parent|partition) of relation
    (?:table|relation) "[^"\n]+" (?:is already a partition|is not a partition|would be inherited|is a partition)
serialization_failure | error | a transaction was refused because others changed the same rows; it is to be tried again
    could not serialize access
deadlock | deadlock | two sessions waited for each other, and one was rolled back
    deadlock detected
    process \d+ detected deadlock
    process \d+ avoided deadlock
lock_wait | lock | a session waits for a lock, or got it
    process \d+ (?:still waiting|acquired|failed to acquire)
    recovery (?:still waiting|finished waiting)
lock_timeout | lock | a lock was not had in time
    canceling statement due to lock timeout
    could not obtain lock
statement_timeout | error | a statement took too long and was ended
    canceling statement due to statement timeout
canceled_by_user | error | somebody ended a statement
    canceling statement due to user request
    canceling authentication due to timeout
recovery_conflict | error | a standby ended a statement that stood in the way of replay
    canceling statement due to\x20
duplicate_prepared | other | two-phase transactions
    (?:transaction identifier|prepared transaction with identifier)\x20
    recovering prepared transaction
    (?:removing|could not recover) (?:stale|future) two-phase
parameter_changed | parameter_change | a setting was changed by a reload
    parameter "[^"]+" (?:changed to|removed from|cannot be changed|cannot be set)
reload | parameter_change | the configuration is read again
    received SIGHUP, reloading
    pg_hba\.conf (?:was not reloaded)
configuration_error | parameter_change | a configuration file is wrong
    configuration file .* contains errors
    (?:invalid|could not load) .*(?:pg_hba\.conf|pg_ident\.conf|postgresql\.conf)
    syntax error in file
    unrecognized configuration parameter "[^"\n]+" in file
    invalid connection type "
    .*(?:pg_hba|pg_ident)\.conf was not reloaded
replication_started | replication | a standby follows
    started streaming WAL
    streaming replication successfully connected
    standby "
replication_ended | replication | a standby no longer follows
    replication terminated
    terminating walsender
    terminating walreceiver
    could not (?:receive data from|connect to|send data to) (?:WAL stream|the primary|the publisher|WAL streaming)
    primary server contains no more WAL
    streaming replication
    replication connection
    could not receive data from WAL stream
replication_slot | replication | a slot that keeps WAL, or lost it
    (?:invalidating|terminating process \d+ to release|acquired|released|can no longer) .*(?:slot)
    replication slot
    (?:logical|physical) replication slot
    (?:logical|physical) (?:decoding|slot)
    starting logical decoding
    could not (?:create|find|drop) replication slot
    restoring replication slot
logical_replication | replication | changes come from another server, and are not in this log's statements
    logical replication (?!launcher)
    (?:publication|subscription)\b.*(?:has been|will be)
conflict_detected | replication | a change from another server met another state
    conflict detected
replication_command | replication | a client asked for WAL: backups and standbys do
    received replication command
wal_removed | other | WAL files are recycled or removed
    (?:recycled|removing|removed|attempting to remove) (?:write-ahead|WAL|transaction) log
archiver | archiving | WAL is, or is not, kept elsewhere
    archive command
    archiv(?:er|e module|e recovery|ing)
    archived (?:write-ahead|transaction) log file
    archiving (?:write-ahead|transaction) log file
temp_file | temp_file | a query wrote to the disk for lack of memory
    temporary file: path
nested_copy | other | COPY stopped, or skipped rows
    (?:extra data after last expected column|missing data for column|invalid input syntax for)
    \d+ rows? (?:was|were) skipped due to data type incompatibility
    COPY (?:from|to|FREEZE)
    unexpected (?:message type|EOF) .*during COPY
copy_statistics | other | the statistics file was lost or is old: counters begin at zero
    (?:corrupted|could not open|could not read|discarding) (?:statistics|permanent)
    found (?:incorrect|invalid) format ID
    .*statistics file "
    statistics collector
background_worker_failed | other | a worker could not start
    (?:could not (?:start|register)|too many|out of) background worker
    worker took too long to start
long_transaction | other | sessions hold old rows
    (?:terminating|canceling) .*(?:old_snapshot|snapshot too old)
    snapshot too old
cron | other | pg_cron runs, or ran, a job
    cron job \d+
    pg_cron
pgaudit | other | pgAudit's own record of a statement
    AUDIT: (?:SESSION|OBJECT)
auto_explain | duration | a slow statement with its plan
    duration: \d+(?:\.\d+)? ms +plan:
extension_notice | other | an extension or a function says something
    (?:PL/\w+|NOTICE|INFO):
password_changed | other | how passwords are stored
    (?:setting an MD5-encrypted password|role password|password encryption)
    empty string is not a valid password
deprecated | other | something will go away
    .*(?:is deprecated|deprecated)
collation_mismatch | other | the system's sorting changed: indexes may miss rows
    (?:database|collation|template database) .*has (?:a collation version mismatch|no actual collation version)
    (?:.*collation version mismatch)
    (?:database|template database) "[^"\n]+" has a collation version mismatch
huge_pages | other | memory of the server
    (?:huge pages|could not (?:map|create|resize) (?:anonymous )?shared memory)
    pre-existing shared memory block
lock_file | error | another server uses, or used, this data directory
    lock file "
    could not (?:create|remove|open|write) lock file
clock | other | the clock of the machine moved
    .*(?:time zone|timezone|clock)
no_such_process | other | a session that is to be ended is not there
    PID \d+ is not a PostgreSQL (?:server|backend) process
no_replica_identity | error | a published table has no key by which the subscriber finds a row
    cannot (?:delete from|update) table "[^"\n]+" because it does not have a replica identity
query_canceled_message | other | a request to end a statement came
    PID \d+ in cancel request did not match
    wrong key in cancel request
protocol | error | somebody who is no PostgreSQL client knocked
    (?:invalid (?:length of startup packet|startup packet layout|frontend message|message format)|incomplete startup packet|unsupported frontend protocol)
    (?:received (?:unencrypted|direct SSL)|expected SASL|bogus)
    PostgreSQL protocol
ssl | other | encryption of a connection
    (?:could not accept (?:SSL|GSSAPI)|SSL (?:connection|error|configuration)|could not (?:initialize SSL|load (?:server|root) certificate)|GSSAPI)
forgeable | other | names before this message may have held it: whoever connects, in vain too, may have made it up
    (?!)
raised | error | an exception that a function raised
    .*\bRAISE\b
recursion | error | too deep, too many, too large
    stack depth limit exceeded
    invalid memory alloc request size
    (?:infinite recursion|too many (?:columns|arguments|range table)|target lists can have|row is too big|index row (?:size|requires))
value_error | error | a value that its type does not take
    (?:value (?:too long|out of range|")|invalid input syntax|numeric field overflow|division by zero|.* out of range|invalid value for)
    (?:date/time field|timestamp out of range|integer out of range|bigint out of range|smallint out of range)
in_use | error | an object is used by this session itself
    cannot \w+(?: \w+)? "[^"\n]+" because it (?:is being used|has pending trigger events)
"""
