"""What waits for a person: the backlog, deciding, revealing, what is stuck, and the history of a record."""
