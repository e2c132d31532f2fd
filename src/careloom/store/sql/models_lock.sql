-- One build of a project's models at a time.

-- name: lock
select pg_try_advisory_lock(hashtext('careloom models'), hashtext(%(project)s))

-- name: end_former
-- Sessions of a build whose process is gone finish what they were told to do, unless they are told to go.
select count(pg_terminate_backend(pid)) from pg_stat_activity
where application_name = %(session)s and datname = current_database() and usename = current_user
  and pid <> pg_backend_pid()
