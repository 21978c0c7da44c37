"""Tasks that end at the same time, as two targets do, both stand in the run's lock."""

from concurrent.futures import ThreadPoolExecutor

from stages.config import PipelineConfig
from stages.opening import open_store
from stages.runner.lock import load_lock, new_lock
from stages.runner.stage import record
from stages.store import Work
from tests import makers


def test_no_task_loses_another(tmp_path):
    settings = makers.settings(tmp_path)
    store = open_store(settings)
    dataset = makers.dataset(store).ref
    pipeline = PipelineConfig(name="shapes", task="image_classification", data="shapes")
    lock = new_lock("run", pipeline, pipeline)
    tasks = [f"task{number}" for number in range(16)]

    with ThreadPoolExecutor(8) as pool:
        for task in tasks:
            work = Work("etl", {}, {}, task)
            pool.submit(record, lock, task, work, dataset, store, settings)

    final_lock = load_lock("run", store)
    assert final_lock is not None
    assert set(final_lock.artifacts) == set(tasks)
