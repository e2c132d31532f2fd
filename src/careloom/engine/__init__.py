"""Pure set logic: what the source wants, what the other side holds, and what must be written. DuckDB over Arrow."""
