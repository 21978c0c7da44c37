"""configs/schema.json and the keys in configs/README.md are what the types say."""

from pathlib import Path

from stages.config.reference import with_reference
from stages.config.schema import pipeline_schema, schema_text

ROOT = Path(__file__).parents[2]


def test_the_schema_in_the_tree_is_up_to_date():
    assert (ROOT / "configs" / "schema.json").read_text() == schema_text(), "say: make schema"


def test_the_reference_of_keys_is_up_to_date():
    text = (ROOT / "configs" / "README.md").read_text()

    assert text == with_reference(text), "say: make schema"


def test_an_editor_is_offered_the_parts():
    train = pipeline_schema()["$defs"]["TrainConfig"]["properties"]

    names, found = train["families"]["items"]["anyOf"]
    assert "efficientnet_lite0" in names["enum"]
    assert found["pattern"] == "^found@."


def test_every_key_is_described():
    schema = pipeline_schema()

    for model in (schema, *schema["$defs"].values()):
        assert model["description"], model["title"]
        for key, field in model["properties"].items():
            assert field.get("description"), f"{model['title']}.{key}"
