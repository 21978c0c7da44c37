"""Compresses, verifies and packs a model for one target."""

from operators.base import StageOperator


class DeployOperator(StageOperator):
    stage = "deploy"
    ui_color = "#bfe3e0"
