"""Reads, checks, splits and augments raw data."""

from operators.base import StageOperator


class EtlOperator(StageOperator):
    stage = "etl"
    ui_color = "#e2d9f3"
