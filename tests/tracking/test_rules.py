"""What is told is cut and spelt so that MLflow takes it."""

from stages.tracking import rules


def test_a_usual_trial_is_one_call():
    curve = [{"accuracy": 0.5, "loss": 1.0}] * 60

    calls = list(rules.batches(rules.points(curve), {"rate": 0.1}, {"chosen": "yes"}))

    assert len(calls) == 1
    assert len(calls[0].metrics) == 120


def test_nothing_is_lost_when_it_takes_several_calls():
    points = [rules.Point("loss", float(step), step) for step in range(1700)]
    params = {f"p{index}": index for index in range(250)}

    calls = list(rules.batches(points, params))

    assert [point.step for call in calls for point in call.metrics] == list(range(1700))
    assert [name for call in calls for name in call.params] == list(params)
    assert all(len(call.metrics) + len(call.params) + len(call.tags) <= 1000 for call in calls)
    assert all(len(call.params) <= 100 for call in calls)


def test_nothing_to_tell_is_no_call():
    assert list(rules.batches()) == []


def test_a_label_with_odd_letters_makes_a_key():
    assert rules.key("recall of it's <red>") == "recall of it_s _red_"
    assert rules.key("") == "_"
    assert rules.key("../up") == "up"
    assert len(rules.key("x" * 999)) == rules.LONGEST_KEY


def test_a_long_value_is_cut_and_shows_it():
    assert rules.text_of("é" * 9000, 6000) == "é" * 5999 + "…"
    assert rules.text_of({"low": 1}, 6000) == '{"low": 1}'


def test_words_that_act_or_fit_into_no_database_are_written_out():
    [call] = rules.batches(
        params={"label": "cat\x1b[2J", "file": "a\udcff.jpg"}, tags={"n": "a\x00b"}
    )

    assert call.params == {"label": "cat\\u001b[2J", "file": "a\\udcff.jpg"}
    assert call.tags == {"n": "a\\u0000b"}
    assert all(text.encode() for text in (*call.params.values(), *call.tags.values()))
