"""The report on labels: columns are a person's columns, labels head the matrix, a number stands
once."""

import re
from dataclasses import replace

import pytest

from stages.config import EvaluateConfig
from stages.evaluate.about import About
from stages.evaluate.labels.page import page
from stages.media.pictures import Pictures
from tests import makers
from tests.evaluate.test_verdict import evaluated, predicted


def page_of(found, worst: int = 0) -> str:
    about = About("cells", "a classifier", "photo", [], [])
    return page(found, about, lambda row: makers.picture("circle", row), Pictures(), worst)


@pytest.mark.parametrize("column", ["cell_type", "Site No.", "<b>"])
def test_a_column_of_a_person_s_table_keeps_its_name(column):
    case = predicted([0, 1] * 50, [0, 1] * 50, ["a", "b"])
    columns = tuple({column: "mono" if row < 50 else "poly"} for row in range(100))

    text = page_of(evaluated(replace(case, extras=columns), EvaluateConfig()))

    name = column.replace("<", "&lt;").replace(">", "&gt;")
    assert f"<h2>By the column '{name}' of your table</h2>" in text
    assert f'<th scope="col" translate="no">{name}</th>' in text


def test_the_columns_of_ten_digits_are_headed_0_to_9():
    digits = [str(digit) for digit in range(10)]
    truth = list(range(10)) * 6

    text = page_of(evaluated(predicted(truth, truth, digits), EvaluateConfig()))

    head = re.findall(r"<thead>.*?</thead>", text[text.index("<h2>Confusion matrix") :])[0]
    assert re.findall(r'title="(.*?)" translate="no">\1</th>', head) == digits


def test_balanced_accuracy_and_macro_recall_are_one_number():
    truth, answers = [0] * 20 + [1] * 20, [0] * 18 + [1] * 22

    text = page_of(evaluated(predicted(truth, answers, ["a", "b"]), EvaluateConfig()))

    facts = text[text.index('<div class="facts">') : text.index("<h2>Labels")]
    assert "<span>Balanced accuracy</span><b>95 %</b>" in facts
    assert "Macro recall" not in facts


def test_mistakes_can_be_enlarged():
    truth, answers = [0] * 20 + [1] * 20, [0] * 18 + [1] * 22

    text = page_of(evaluated(predicted(truth, answers, ["a", "b"]), EvaluateConfig()), worst=2)

    assert text.count('<label class="zoom">') == 2
