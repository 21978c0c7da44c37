"""What a pipeline YAML may say."""

from stages.config.etl import DataConfig, EtlConfig
from stages.config.evaluate import DeployConfig, EvaluateConfig
from stages.config.form import changes_of, form_fields, text_of
from stages.config.overrides import override
from stages.config.reading import (
    checked,
    named_pipeline,
    parse_pipeline,
    pipeline_files,
    read_pipeline,
)
from stages.config.sections import (
    DeploySlice,
    EtlSlice,
    EvaluateSlice,
    PipelineConfig,
    TrainSlice,
)
from stages.config.train import TrainConfig

__all__ = [
    "DataConfig",
    "DeployConfig",
    "DeploySlice",
    "EtlConfig",
    "EtlSlice",
    "EvaluateConfig",
    "EvaluateSlice",
    "PipelineConfig",
    "TrainConfig",
    "TrainSlice",
    "changes_of",
    "checked",
    "form_fields",
    "named_pipeline",
    "override",
    "parse_pipeline",
    "pipeline_files",
    "read_pipeline",
    "text_of",
]
