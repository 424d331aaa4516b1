"""What the analysis concludes: the frames that figures draw, notebooks show and findings.json holds."""

from triage_kit.schemas import tables

TABLES = tables("""
balance: one table: expected against actual rows, before anything is concluded
    oid int
    schema text
    table text
    kind text
    parent text qualified name of the partitioned parent
    inserts int missing when the counters do not tell
    updates int
    deletes int
    live int
    dead int
    expected_low int
    expected_high int
    actual_rows int
    actual_from text
    heap_bytes int
    counters_since time
    counters_alive bool whether the counters cover the table's life
    bias texts what makes the numbers lie, in words

findings: one table: what happened to it
    oid int
    schema text
    table text
    kind text table, partitioned, materialized_view or foreign_table
    status text intact, partial, wiped, missing, hidden or undecided
    status_probability float
    inserts int
    updates int
    deletes int
    expected_rows int
    expected_low int
    expected_high int
    expected_from text
    actual_rows int
    actual_from text
    old_rows_left int
    missing_rows int
    hidden_rows int
    former_rows int rows that the WAL holds of the table which was dropped from this name; missing where it names none
    likely_missing int how many more a copy holds than stand, where nothing else tells how many are missing
    columns_lost texts
    parts_lost texts keys, numbering, indexes and triggers that migrations or the log declare and the table lacks now
    mechanism text
    probability float
    via text qualified name of the root that the cascade came from
    xid int
    committed_at time
    lost_from time
    lost_to time
    dated_by text
    group text G1, G2 …, missing when the table belongs to none
    reported bool whether people say that it lost rows
    bias texts
    because texts ids of evidence rows

mechanism_probabilities: probability of one mechanism for one table
    schema text
    table text
    mechanism text
    probability float

mechanism_evidence: what one signal says of one table under one mechanism
    schema text
    table text
    signal text
    outcome text
    mechanism text
    likelihood float P(outcome | mechanism)
    decibans float 10·log10 of the likelihood to the mean of all; they and start add up
    start float decibans before any evidence: 10·log10 of the prior; 10 more in all are ten times the chance
    evidence text id of the evidence row
    source text where the number comes from

foreign_keys: one foreign key between tables in scope
    name text
    child text qualified name of the referencing table
    parent text qualified name of the referenced table
    columns texts
    referenced_columns texts
    on_delete text
    validated bool
    evidence text id of the evidence row, for the keys of damaged tables

groups: tables joined by one transaction, else by actor and window
    group text
    xid int
    tables texts qualified names
    damaged int
    missing_rows int
    mechanism text what happened to its damaged tables, those that a cascade reached left out
    probability float of that mechanism, in the table of them where it is least
    committed_at time
    lost_from time
    lost_to time
    dated_by text
    how text what joins them
    lsn text of its commit record
    repeated text when its tables were emptied once more, by which transactions and on how many rows; missing: not seen

removals: one transaction that took rows of one damaged table
    schema text
    table text
    xid int top-level, with its epoch; missing where no source tells it
    operation text delete, or the mechanism of the table's group
    rows int of this table, missing where no source counts them
    committed_at time of its commit, else of the line of the log
    lsn text of its commit record
    role text who sent the statement, as the log has it
    application text
    text text the statement
    how text what tells of it
    group text

undone_loads: one load of rows that was never committed, or failed
    tables texts
    rows int that it inserted, missing where no source counts them
    xid int
    outcome text rolled_back or failed
    began_at time of its first statement in the log
    ended_at time of its end in the WAL
    role text
    application text
    client text
    pid int
    text text its first statement
    file text that its statement names
    message text what the server said when it failed
    source text file and line of its first statement
    evidence texts ids of evidence rows

explaining_statements: one statement that would do exactly, or nearly, this damage
    group text
    text text
    observed bool
    equivalent texts other statements with the same reach
    xid int
    roots texts qualified names
    reaches texts one string a root: 'root: table, table'
    explained int
    of int
    extra int
    evidence text

culprits: what did one group, as far as the evidence names a statement that was seen or a line of the repository
    group text
    text text the statement that was seen doing it; missing where none was
    user text
    application text
    client text address or host name that it came from
    pid int process of its session
    source text where the statement was seen
    evidence texts ids of its evidence rows
    path text file of the line that would do it and speaks for the most probable cause; missing where there is none
    line int
    ran text whether it ran: ran, applied, similar or unknown
    changed_by text
    line_evidence text id of its evidence row

causes: probability of one cause for one group
    group text
    cause text
    title text
    probability float
    tables texts
    for texts ids of evidence rows
    against texts
    would_settle text

cause_evidence: what one item says of one cause of one group
    group text
    item text
    cause text
    likelihood float P(what was seen | cause); of the mechanism the mean over all that it may be
    decibans float as above, times the power that the probabilities are raised to
    start float
    evidence text
    source text

sessions: one connection of a client to the server, as the log and pg_stat_activity tell of it
    pid int
    session text session id, where the log has it
    role text
    database text
    application text as it was named first
    client text address or host name; missing on a Unix socket
    started_at time by its connection, its own length or its session id
    ended_at time
    ended text how it ended, in words
    seen_from time first entry of the log
    seen_to time last entry of the log
    entries int of the log
    statements int that were logged and did not fail
    kinds text how many statements of what kind, as SELECT 12, INSERT 3
    errors int
    destructive int statements that could take rows away or out of sight
    loads int COPY … FROM that did not fail, as pg_restore and psql load a dump
    did texts changes and errors in their order with how they ended, the first twenty
    groups texts losses during whose window it was connected
    source text file and line of its first entry, or pg_stat_activity

seen_statements: one destructive statement that was seen, whatever its outcome
    at time
    text text
    operation text
    tables texts
    user text
    application text
    client text address or host name that it came from
    pid int process of its session
    outcome text failed, committed, rolled_back, carried_out (the state of the tables shows it) or unknown
    removed text what it removed, in words
    message text what the server said when it failed
    source text
    evidence text

evidence: one fact with its source
    id text E1, E2 …
    group text kind of source, as counters or log
    at time
    says text
    source text view, file and line, or setting
    row text key inside the source

timeline: one event of the fused story
    at time
    until time
    kind text lane: loss, statement, error, migration, checkpoint, vacuum, session, commit, server, note
    source text
    text text
    evidence text

freeze: one thing to stop now
    order int
    action text
    why text
    destroys text what the step itself destroys
    command text
    deadline time when the evidence or the rows would be lost, if known
    ends text what comes at the deadline
    because texts ids of evidence rows

recovery: one way back
    order int in which to try it, 1 first
    option text
    feasible bool missing: not known yet
    rows int rows that it brings, missing where that is not known
    tables texts
    why text
    brings_not text
    effort text
    commands texts
    target_lsn text
    target_xid int
    target_time time
    margin text how sure the target is, and what lies between it and the loss
    preconditions texts what was checked on this server, one sentence each, beginning with ok, bad or open
    clock text what ends this way back, and when
    deadline time when it ends, where that can be told
    because texts ids of evidence rows

decisions: one thing that a person must decide, in the order of urgency
    order int
    who text a part that somebody plays, as the owner of the service
    decision text
    why text
    until time when the decision loses its worth, if known
    because texts ids of evidence rows

next_steps: one thing to do next, and who can
    order int
    step text
    role text of the person: on-call, database administrator, developer, host operator, owner of data or application
    why text
    commands texts as they are typed, in order
    cost text how long it takes, or what it costs, in words
    until time when it is too late, if known
    because texts ids of evidence rows, none where the step is to fetch a source that was not read

next_tests: one check that would settle what is open
    test text
    command text
    bits float
    minutes float
    risk text

recommendations: one thing to do
    when text immediate or prevention
    text text
    why text
    because texts ids of evidence rows

suspects: one line of the repository that could have lost data, with whether it ran
    path text inside the repository
    line int
    vehicle text migration, scheduled_job, test_run, script or application
    operation text as sql.Effect.operation
    object text as written
    loses text rows, columns, values, visibility, storage or suspect
    tables texts qualified names of the tables of this database that it reaches, by CASCADE too
    damaged texts those of them that are damaged
    of int how many damaged tables there are
    groups texts names of these groups
    ran text ran, applied, similar, failed, not_applied, not_seen (it would have been seen) or unknown
    ran_at time when it ran, as far as that is known
    ran_because text what says so
    changed text line or file: what the next four tell of; the file where the line's own history is not known
    changed_by text author of its last change
    changed_at time
    commit text
    in_window bool whether that change lies in the incident's window
    text text the statement, call or command

migration_states: one migration against the version tables
    path text missing where the repository has no such file
    tool text
    revision text
    state text applied, pending, way_back, unknown (no version table of its tool was read) or absent (no such file here)
    applied_at time
    is_head bool whether no other migration builds on it; missing for tools without branches

review: one file to look at
    path text
    line int
    why text
    evidence text

gaps: one source that could not be read
    source text
    reason text
    costs text
    named bool

coverage: how much of one source was read
    source text
    read text
    from time
    to time
""")
