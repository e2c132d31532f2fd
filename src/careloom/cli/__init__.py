"""The doors: arguments in, text and exit codes out. No business logic."""
