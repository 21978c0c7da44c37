"""Measures a model on the test split."""

from operators.base import StageOperator


class EvaluateOperator(StageOperator):
    stage = "evaluate"
    ui_color = "#fde2b9"
