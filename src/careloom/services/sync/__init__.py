"""A sync in seven steps: read, compare, match, merge, plan, deliver, settle; `run` puts them in a row.

`prepare` and `declare` come before them; `mirror`, `associations`, `hold` and `summary` serve several.
"""
