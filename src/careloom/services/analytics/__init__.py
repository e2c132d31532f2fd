"""What analysts are given: dbt models built, clients of the database led to it, and charts."""
