-- Each charge is in one of the buckets of the variable `aging_buckets`.
select
    charge_id,
    age_days,
    aging_bucket
from {{ ref('ar_aging_view') }}
where aging_bucket is null
    or aging_bucket not in ('{{ aging_bucket_names() | join("', '") }}')
