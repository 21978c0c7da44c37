"""Clips that can be told apart, and the etl stage over folders of them."""

import numpy as np

from stages.artifacts import Dataset
from stages.config import DataConfig, EtlConfig, EtlSlice
from stages.etl import etl, source
from stages.opening import resources_of
from stages.tracking import QuietRun
from tests import makers
from tests.sounds import hiss, saved, tone


def melody(seed: int, seconds: float = 2.0, rate: int = 16000) -> np.ndarray:
    """Notes drawn by `seed` over a little noise: each seed looks different."""
    rng = np.random.default_rng(seed)
    notes = [tone(hertz, seconds / 4, rate, 0.4) for hertz in rng.uniform(100, 3000, 4)]
    music = np.concatenate(notes)
    return music + hiss(2 * seconds, rate, 0.002, seed)[: len(music)]


class Workshop:
    """Raw clips below `raw`, and the etl stage over them."""

    def __init__(self, folder) -> None:
        self.settings, self.store = makers.settings(folder), makers.store(folder)
        self.raw = folder / "raw"

    def write(self, name: str, data: bytes) -> None:
        (self.raw / name).parent.mkdir(parents=True, exist_ok=True)
        (self.raw / name).write_bytes(data)

    def clips(self, each: int = 10) -> None:
        for place, label in enumerate(("bird", "car")):
            for index in range(each):
                clip = melody(100 * place + index, 0.6 + 0.02 * index)
                self.write(f"{label}/{index:02}.wav", saved(clip, subtype="PCM_16"))

    def dataset(self, **config) -> Dataset:
        source.add("clips", self.raw, self.settings)
        part = EtlSlice(
            task="sound_classification",
            data=DataConfig(name="clips"),
            etl=EtlConfig(**{"augmentations": [], "max_quarantine": 0.5, **config}),
        )
        raw = source.raw_data(part.data, self.settings)
        resources = resources_of(self.settings)
        return etl(raw, part, store=self.store, run=QuietRun(), resources=resources)

    def text(self, dataset: Dataset, name: str) -> str:
        return self.store.get(dataset.files[name]).decode()
