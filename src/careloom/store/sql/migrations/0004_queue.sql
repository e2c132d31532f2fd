-- The queue's tables are procrastinate's. Here is what they lack for us, and what the jobs keep beside their rows.

-- The lookup of earlier jobs of one lock would scan all waiting jobs without it.
create index careloom_jobs_lock on procrastinate_jobs (lock, id) where status in ('todo', 'doing');

-- Events are taken in the order of their ids, however many wait.
create index inbox_order on inbox (source, id) where state = 'new';

-- Which publishers have acknowledged a change event, where there are several: it goes when all of them have.
alter table outbox add column told text[] not null default '{}';

-- What failed as a whole (a job, a publisher) and is left alone until `due_at`. Gone once it worked again.
create table resting (
    what text primary key,
    attempts integer not null default 1,
    due_at timestamptz not null
);

-- The log has a row for each batch of events: who looks for those that died must not read them all.
create index sync_log_running on sync_log (source) where status = 'running';
