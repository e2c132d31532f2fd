"""A record and the row that its table takes."""
