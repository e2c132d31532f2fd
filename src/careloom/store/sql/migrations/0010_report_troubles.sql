-- Reports: how often one got no answer, which columns its files had, and from which asking on a report was begun anew.

alter table account_reports
    -- Runs in which the system gave no answer for this one while it answered for others.
    add column tries integer not null default 0,
    add column tried_at timestamptz,
    -- The columns of the files that were loaded: what the next files are compared with.
    add column header text[];

-- A report that was begun anew is not compared with what was asked for before `since`, an id of account_reports.
create table report_starts (
    system text not null,
    report_name text not null,
    since bigint not null,
    at timestamptz not null default now(),
    primary key (system, report_name)
);
