-- Reports that came to nothing are asked for again after a pause, and those of accounts that a project names no longer end.

alter table account_reports add column failed_at timestamptz;

update account_reports set failed_at = coalesce(asked_at, due_at) where status = 'failed';

alter table account_reports drop constraint account_reports_status_check;
alter table account_reports add constraint account_reports_status_check
    check (status in ('due', 'asked', 'ready', 'loaded', 'empty', 'failed', 'ended'));
