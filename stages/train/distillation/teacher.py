"""The teacher: the chosen network, as it ships, and as it was trained without each validation fold.

A student that is validated on a fold learns from the network that has not seen that fold either;
otherwise the teacher's answers would tell what the held-out labels are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.closure import code_of
from stages.config import TrainConfig
from stages.memo import CachedContent
from stages.models.arrays import unpack_arrays
from stages.models.export import export_network
from stages.models.weights import Array
from stages.resources import Resources
from stages.store import Store
from stages.train.distillation.fold_heads import head_without_fold
from stages.train.finetune.finetuning import Tuned
from stages.train.heads.backbone import BackboneFile
from stages.train.heads.features import Extractor, Preprocessing, SampleView
from stages.train.heads.out_of_fold import weights_in
from stages.train.heads.prepared import Prepared
from stages.train.search.search_space import Input, inputs_by_name
from stages.train.search.selection import result_of
from stages.train.search.successive_halving import Trial

Floats = NDArray[np.float32]
Arrays = dict[str, Array]


@dataclass(frozen=True)
class Teacher:
    """The network of the trial `chosen`, on `model_input`. `networks`: if it was fine-tuned, the
    network without each validation fold, packed arrays by the fold; else empty. `head`: the
    hyperparameters of its head, of which a fine-tuned trial has none of its own; `heads`: those
    that were trained so far without a fold, which several students ask for."""

    chosen: Trial
    model_input: Input
    networks: Mapping[int, bytes]
    head: Mapping[str, Any]
    prepared: Prepared
    config: TrainConfig
    resources: Resources
    heads: dict[int, Arrays] = field(default_factory=dict)

    def arrays(self, fold: int | None) -> Arrays:
        """All weights of the network that was trained without the samples of `fold`; None: of the
        one that ships."""
        if fold is None:
            return self._published | weights_in(unpack_arrays(result_of(self.chosen).arrays))
        if fold in self.networks:
            return self._published | unpack_arrays(self.networks[fold])
        if fold not in self.heads:
            self.heads[fold] = self._head_without_fold(fold)
        return self._published | self.heads[fold]

    @cached_property
    def _published(self) -> Arrays:
        published = self.model_input.initialised_family.load(self.resources)
        return {f"backbone.{name}": array for name, array in published.items()}

    def _head_without_fold(self, fold: int) -> Arrays:
        """The head of the chosen trial, trained without the samples of `fold`."""
        return head_without_fold(
            self.prepared.problem,
            self.model_input.name,
            self.chosen.hyperparameters,
            fold,
            self.config.epochs,
            self.config.patience,
        )


def teacher_of(
    tuned: Tuned, prepared: Prepared, config: TrainConfig, resources: Resources
) -> Teacher:
    """The teacher that the chosen trial of `tuned` is."""
    chosen = tuned.chosen
    heads = [each for each in tuned.trials if each.phase == 1 and each.input == chosen.input]
    head = chosen if chosen.phase == 1 else min(heads, key=lambda trial: trial.rank)
    model_input = inputs_by_name(config)[chosen.input]
    return Teacher(
        chosen, model_input, tuned.networks, head.hyperparameters, prepared, config, resources
    )


def answers_of(
    teacher: Teacher,
    fold: int | None,
    preprocessing: Preprocessing,
    views: Sequence[SampleView],
    *,
    store: Store,
    report_progress: Callable[[int], None],
) -> Floats:
    """The logits of the teacher without `fold` for `views`, in their order: [views, labels], means
    over the windows of each; cached. `preprocessing`: of the teacher's input. Raises what
    `export_network` and `Extractor.rows` raise."""
    network = _network_file(teacher.model_input.family, teacher.arrays(fold), store)
    resources = teacher.resources
    extractor = Extractor(
        network, preprocessing, resources, report_progress, on_cluster=resources.on_cluster
    )
    return extractor.rows(views)


def _network_file(family: str, arrays: Arrays, store: Store) -> BackboneFile:
    """The network of `family` with the weights `arrays` as an ONNX file, cached."""
    code = code_of("stages.models.export", "stages.models.family", config=[family])

    def make() -> CachedContent:
        with TemporaryDirectory() as folder:
            files = export_network(family, arrays, Path(folder), ("onnx",))
            digest = store.add_file(files["graph.onnx"])
        return CachedContent({"onnx": digest}, blobs=(digest,))

    digest = store.memo(["teacher", family, arrays], code, make).facts["onnx"]
    return BackboneFile(store.path(digest, ".onnx"), digest)
