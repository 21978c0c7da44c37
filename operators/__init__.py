"""Airflow operators: each passes references to a stage and returns the reference it made."""
