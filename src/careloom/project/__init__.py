"""The project language: a folder of YAML, read as a whole, checked as a whole, before anything moves."""
