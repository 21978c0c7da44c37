"""Runs stages: plan, reuse or work, record. The one way in for CLI, Airflow and jobs."""

from stages.runner.pipeline import run_pipeline
from stages.runner.planning import StagePlan, plan
from stages.runner.stage import run_stage
from stages.runner.watch import LogWatch, Watch

__all__ = ["LogWatch", "StagePlan", "Watch", "plan", "run_pipeline", "run_stage"]
