"""Runs stages: plans, reuses finished work or does it, and records it.

The command line, Airflow and jobs all run stages through this package."""

from stages.runner.pipeline import run_pipeline
from stages.runner.planning import StagePlan, plan
from stages.runner.stage import run_stage
from stages.runner.watch import LogWatch, Watch

__all__ = ["LogWatch", "StagePlan", "Watch", "plan", "run_pipeline", "run_stage"]
