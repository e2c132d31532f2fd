"""Databases and folders of files, read as streams with SQL."""
