"""Airflow's bridge: an operator hands references to a stage and gives one back; no more."""
