"""The published tables: which there are, read from the installed package, and made into what SQL joins with."""
