-- The working tables of a sync: what each step leaves for the next ones, in the order in which a run fills them. They are made,
-- empty, when a workspace opens; nothing else makes one. Some have further columns for the sync at hand, which
-- `tables.add_columns` adds. What a table says of people never leaves the workspace but through the functions of this folder.

-- ---------------------------------------------------------------- read

-- What the source holds: one line for each row that was read. Filled by rows.load_source.
create table source (
    _row bigint,  -- the row's place, counted from 1 as rows came
    -- and the source's own columns, each in its own type
);

-- ---------------------------------------------------------------- project

-- What the other side should hold, as a fingerprint: one line for each row of source. Filled by rows.fingerprint_rows.
create table desired (
    row bigint,  -- source._row
    key varchar,  -- the source key without blanks around it; NULL or empty where the row has none
    fault varchar,  -- "property:code" of the first value that cannot be written; NULL where all can
    fingerprint bigint,  -- of all values in the text form in which they travel, by recipe 1
);

-- ---------------------------------------------------------------- compare

-- The ledger's links of this sync: one line for each key that has a record. Filled by diff.recall.
create table links (
    key varchar,  -- the source key
    remote_id varchar,  -- the record, by the id that it had when it was last written or agreed with
    fingerprint bigint,  -- of what was last acknowledged; 0: to be looked at again, whatever the row says
);

-- The ledger's records that the other side refused: one line a key. Filled by diff.recall.
create table refusals (
    key varchar,  -- the source key
    code varchar,  -- the other side's reason
    property varchar,  -- the property that it named, if it did
    fingerprint bigint,  -- of the row that was refused: the same row is not offered again
);

-- What became of each row since the last run: one line for each row of desired. Filled by diff.compare.
create table row_class (
    row bigint,  -- source._row
    key varchar,  -- the source key
    fingerprint bigint,  -- as desired
    class varchar,  -- new, changed, same, held (the row's own fault) or refused (before, and not changed since)
    remote_id varchar,  -- the linked record; NULL where there is none
    code varchar,  -- why it is held or was refused; NULL where it is or was neither
    property varchar,  -- what the code is about
);

-- Links whose row has left the source: one line a key. Filled by diff.find_gone.
create table gone_links (
    key varchar,  -- the source key
    remote_id varchar,  -- the record
);

-- The rows that something must be done about: one line a key. Filled by diff.list_changed; rows that are held leave it.
create table changed_rows (
    key varchar,  -- the source key
    row bigint,  -- source._row
    fingerprint bigint,  -- as desired
    class varchar,  -- new or changed
    remote_id varchar,  -- the record that the row is; NULL as long as none is known
    rule varchar,  -- the matching rule that said so; key: our key, or the ledger's link
    grade varchar,  -- certain or provisional
    intent varchar,  -- what matching came to: create, update or hold; empty before it and for linked rows
);

-- ---------------------------------------------------------------- match

-- What people decided and no run has used yet: one line a decision. Filled by match_rows.load_decisions.
create table decisions (
    key varchar,  -- the source key
    verdict varchar,  -- link, never or create for a match; source or destination for a conflict
    remote_id varchar,  -- the record of a link or a never
    property varchar,  -- the property of a conflict; NULL of a match
);

-- What the other side should hold of changed_rows, as text: one line a key. Filled by rows.project_changed.
create table desired_values (
    key varchar,  -- the source key
    -- and a varchar for each property that the sync may write; NULL is an empty value
);

-- The other side's records as they were last read, archived ones left out: one line a record. Filled by match_rows.load_mirror.
create table mirror (
    id varchar,  -- the record's id
    -- and a varchar for each property that the sync may write and each alias of one, as the other side spells it
);

-- desired_values of the rows that have no record yet: one line a key. Filled by match_rows.match_unlinked.
create table unlinked_values (
    key varchar,  -- the source key
    -- and the columns of desired_values
);

-- The same of every row that is not held: namesakes, traps and rivals are sought among them. Filled by match_rows.match_unlinked.
create table all_values (
    key varchar,  -- the source key
    -- and the columns of desired_values
);

-- links, with each record by the id that it has since the other side merged it: one line a key. Filled by match_rows.match_unlinked.
create table surviving_links (
    key varchar,  -- the source key
    remote_id varchar,  -- the record
);

-- decisions about whether a row and a record are one: one line a pair. Filled by match_rows.match_unlinked.
create table pair_decisions (
    key varchar,  -- the source key
    remote_id varchar,  -- the record
    verdict varchar,  -- link or never
);

-- ---------------------------------------------------------------- merge

-- The records that linked rows stand for now, with all ids that were merged into them: one line an id. Filled by linked.check_links.
create table record_ids (
    key varchar,  -- the source key
    remote_id varchar,  -- an id of its record
);

-- What both sides last agreed on: one line for each linked row of changed_rows. Filled by merge.load_base.
create table base (
    key varchar,  -- the source key
    base varchar,  -- a JSON object of property values; NULL is an empty value
);

-- What the other side holds now: one line for each property of each record in question. Filled by merge.load_remote and
-- match_rows.take_outcomes.
create table remote_values (
    remote_id varchar,  -- the record
    property varchar,  -- the property
    value varchar,  -- as the other side spells it; NULL or empty where it has none
);

-- Unique values that the other side itself said another record holds: one line for each. Filled by unique.deny.
create table denied_values (
    key varchar,  -- the source key
    property varchar,  -- the unique property
);

-- Who has the values of one unique property, on the other side: one line for each value and record. Filled by unique.reroute_taken.
create table holders (
    value varchar,  -- in lower case, without blanks around it
    remote_id varchar,  -- the record
);

-- Who wants the values of one unique property: one line a row that has a value. Filled by unique.reroute_taken.
create table claims (
    key varchar,  -- the source key
    turn bigint,  -- the row's place among those that want the value, from 1; the first may have it
    is_elsewhere boolean,  -- another record has the value
    is_denied boolean,  -- the other side said so, or the value was moved aside before
);

-- Unique values that went into another property: one line for each. Filled by unique.reroute_taken.
create table rerouted (
    key varchar,  -- the source key
    property varchar,  -- the unique property
    fallback_property varchar,  -- where its value is written instead
);

-- Each field of each row that has a record: one line a key and property. Filled by merge.merge.
create table field_state (
    key varchar,  -- the source key
    property varchar,  -- the property
    desired varchar,  -- what the source says
    base varchar,  -- what both sides last agreed on
    remote varchar,  -- what the other side holds, in our spelling
    owner varchar,  -- who decides: source or destination; NULL: whoever changed it
    has_base boolean,  -- both sides agreed on this row before, if only on an empty value
    state varchar,  -- same, keep, yield, fill, replace, clear or conflict
);

-- What is to be written to records that exist: one line a key. Filled by merge.merge.
create table record_changes (
    key varchar,  -- the source key
    send varchar,  -- a JSON object of the properties to write; an empty text clears
    base varchar,  -- a JSON object of what both sides hold once it is acknowledged
    writes bigint,  -- how many properties are written
    conflicts varchar[],  -- the properties that both sides changed; NULL or empty where there is none
    seen varchar,  -- a JSON object of what the other side held where staff have a say
);

-- ---------------------------------------------------------------- plan

-- The plan: one line for each record that is written, agreed with or archived. Filled by the functions of actions.
create table actions (
    key varchar,  -- the source key
    kind varchar,  -- create, update, settle (both sides hold it already) or archive
    remote_id varchar,  -- the record; NULL of a create
    rule varchar,  -- why it is this record
    grade varchar,  -- certain or provisional
    fingerprint bigint,  -- for the link, once it is acknowledged; 0: the next run looks at it again
    send varchar,  -- a JSON object of the properties to write
    base varchar,  -- a JSON object of what both sides hold once it is acknowledged
    conflicts varchar[],  -- the properties that both sides changed
    seen varchar,  -- a JSON object of what some of the values replace
);

-- What stops, and why: one line a row and reason. Filled by the functions of holds, actions, merge and match_rows.
create table held (
    key varchar,  -- the source key, or "row N" where the row has none of its own
    kind varchar,  -- source, match, conflict or remote: who can release it
    code varchar,  -- the reason
    property varchar,  -- what the reason is about; of a conflict all properties, with commas between
    fingerprint bigint,  -- of the row that stops
);
