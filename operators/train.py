"""Trains a model on a dataset."""

from operators.base import StageOperator


class TrainOperator(StageOperator):
    stage = "train"
    ui_color = "#d7e8ba"
