"""From a trained model to a package that passed its own test."""

from stages.deploy.pack import unpack
from stages.runtime.predictor import Predictor


def test_the_package_answers_as_the_trained_model(made, package, tmp_path):
    folder = unpack(package, made.store, tmp_path / "package")

    with Predictor.open(folder) as predictor:
        answer = predictor.predict(
            made.store.get(made.dataset.files["manifest.csv"]) and _photo(made)
        )

    assert answer["labels"][0]["label"] in made.dataset.labels


def _photo(made):
    from stages.etl.manifest import samples_of

    return made.store.get(samples_of(made.dataset, made.store, "test")[0].digest)
