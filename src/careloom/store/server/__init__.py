"""The embedded PostgreSQL: its folder, its process, its watchdog, and its restart."""
