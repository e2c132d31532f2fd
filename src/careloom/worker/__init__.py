"""The worker door: jobs and schedules from the queue in PostgreSQL; no business logic."""
