-- Reports: how far each is, with the state as a number, for the queries by which an earlier pipeline was watched.

create view reports.account_reports as
select customer_account, report_name, identifier, status
from (
    select distinct on (system, report_name, customer_account)
        customer_account, report_name, identifier,
        -- 1: what was asked for last is loaded, or has no rows; 0: it is under way, or came to nothing.
        case when status in ('loaded', 'empty') then 1 else 0 end as status, status = 'ended' as ended
    from account_reports
    order by system, report_name, customer_account, id desc
) newest
where not ended;

comment on view reports.account_reports is
    'The newest asking of each report and account. status: 1 loaded or without rows, 0 under way or come to nothing.';
