"""Change events by PostgreSQL's NOTIFY, from the store itself."""
