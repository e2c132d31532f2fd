"""People and their diagnoses as callers hand them in: read, cleaned and counted."""
