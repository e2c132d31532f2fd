"""The scoring statement as a dbt project, and as functions of BigQuery over what it builds."""
