-- What came, less what came twice, is what the views show: to the cent, for each account and each
-- amount.
select * from {{ ref('report_totals') }}
where unexplained <> 0 or unexplained is null
