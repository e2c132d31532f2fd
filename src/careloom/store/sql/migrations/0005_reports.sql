-- Reports: what was asked for, of which account, how far it came, and which one each account's rows are read from.

create schema if not exists reports;

create table account_reports (
    id bigint generated always as identity primary key,
    system text not null,
    report_name text not null,
    customer_account text not null,
    due_at timestamptz not null,
    status text not null default 'due' check (status in ('due', 'asked', 'ready', 'loaded', 'empty', 'failed')),
    identifier text,
    -- The system's own numbers of what was asked for: a run of another report or filter is not waited for.
    asked_for text,
    asks integer not null default 0,
    asked_at timestamptz,
    ready_at timestamptz,
    loaded_at timestamptz,
    rows bigint,
    error_code text,
    error text,
    -- The rows of this one are what readers of the report see of the account.
    current boolean not null default false,
    -- The report in whose name those rows were written: an earlier one where nothing had changed since.
    rows_of bigint,
    -- Of the files that were loaded, so that the same ones are not written again.
    digest text
);

comment on table account_reports is 'One row for each report that was due of an account. `due`, `asked` and `ready` are open.';

create unique index account_reports_open on account_reports (system, report_name, customer_account)
    where status in ('due', 'asked', 'ready');
create unique index account_reports_current on account_reports (system, report_name, customer_account) where current;
create index account_reports_of on account_reports (system, report_name, customer_account, due_at);

-- The types that a report's columns were given when they first held a value; they are never changed by a later file.
-- `unknown`: only empty cells were seen yet.
create table report_columns (
    system text not null,
    report_name text not null,
    column_name text not null,
    place integer not null,
    type text not null,
    first_seen timestamptz not null default now(),
    primary key (system, report_name, column_name)
);

-- What a report brought that was not as before: a column gone, new or of another type, a value that could not be read.
create table report_drift (
    account_report bigint not null references account_reports on delete cascade,
    column_name text not null,
    code text not null,
    count bigint not null default 1,
    primary key (account_report, column_name, code)
);

-- When a project's models were last built whole and without a failure; what was loaded since waits for the next build.
create table models_built (
    project text primary key,
    at timestamptz not null
);
