"""Threshold and temperature fitted on lists, and refitted in a model folder without the model."""

from __future__ import annotations

import json
import math
import shlex
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import spanfit
from spanfit.calibration import calibrate_questions, decide
from spanfit.cli import app
from spanfit.data import digest
from spanfit.data.prediction_lines import write_predictions
from spanfit.errors import DataError, ModelError, RecipeError, SpanFitError
from spanfit.recalibration import refit
from spanfit.settings import FILE_NAME, Calibration, ModelSettings, find_settings, read_settings
from spanfit.types import Answer, Candidate, QuestionExample, QuestionPrediction

CONTEXT = "ada ben cleo dan eve"
WORDS = CONTEXT.split()
TRUE_TEMPERATURE = 2.0


def simulate(n=600, *, seed=0, with_null=True, null_shift=0.0):
    """Questions whose truth is drawn from the softmax of their scores at TRUE_TEMPERATURE.

    The null's score is `null_shift` too high: so far from 0 lies the best threshold.
    """
    rng = np.random.default_rng(seed)
    examples, predictions = [], []
    for number in range(n):
        scores = np.sort(rng.normal(0, 3, 5))[::-1]
        odds = float(rng.normal(-scores[0] / 4, 4))
        outcomes = np.append(scores - scores[0], odds) / TRUE_TEMPERATURE
        shares = np.exp(outcomes) * [1] * 6 if with_null else np.append(np.exp(outcomes[:5]), 0)
        truth = rng.choice(6, p=shares / shares.sum())
        words = rng.permutation(WORDS)
        gold = () if truth == 5 else (Answer(str(words[truth]), CONTEXT.index(words[truth])),)
        n_best = tuple(
            Candidate(str(word), CONTEXT.index(word), CONTEXT.index(word) + len(word), score, 0.0)
            for word, score in zip(words, scores.tolist(), strict=True)
        )
        examples.append(QuestionExample(f"q{number}", "Who?", CONTEXT, gold))
        plain = QuestionPrediction(f"q{number}", n_best, odds + null_shift, threshold=0.0)
        predictions.append(plain.recalibrate(None, 1.0))
    return examples, predictions


def write_gold(path, examples):
    lines = [
        {
            "id": example.id,
            "question": example.question,
            "context": example.context,
            "answers": [{"text": a.text, "answer_start": a.start} for a in example.answers],
        }
        for example in examples
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def work(tmp_path):
    """A run folder with the settings of its model, and gold and predictions beside it."""
    examples, predictions = simulate()
    model = tmp_path / "run" / "model"
    model.mkdir(parents=True)
    ModelSettings(
        calibration={"torch": Calibration(threshold=-1.0, temperature=1.0, data_digest="ab")},
        selected_on="calibration",
        ceiling={"squad_v2 f1": 99.0},
    ).save(model)
    write_gold(tmp_path / "gold.jsonl", examples)
    # Whatever they were decided at, the file holds what is needed.
    write_predictions(tmp_path / "said.jsonl", [p.recalibrate(3.0, 0.7) for p in predictions])
    return tmp_path


def test_threshold_and_temperature_are_found_where_they_were_put():
    shifted = calibrate_questions(*simulate(2000, null_shift=4.0), before=Calibration())
    assert shifted.calibration.threshold == pytest.approx(4.0, abs=1)

    examples, predictions = simulate(4000)
    fit = calibrate_questions(examples, predictions, before=Calibration())
    assert fit.warnings == ()
    assert fit.calibration.threshold == pytest.approx(0.0, abs=1)
    assert fit.calibration.temperature == pytest.approx(TRUE_TEMPERATURE, rel=0.1)
    assert (fit.calibration.data_digest, fit.calibration.n_examples) == (digest(examples), 4000)
    best = spanfit.score(examples, decide(predictions, Calibration(threshold=None))).figures
    after = spanfit.score(examples, decide(predictions, fit.calibration))
    assert after.f1 == pytest.approx(best["best_f1"], abs=1e-9)
    assert after.confidence.calibration_error < 0.03
    hot = fit.calibration.model_copy(update={"temperature": 1.0})
    before = spanfit.score(examples, decide(predictions, hot))
    assert before.figures == after.figures
    assert before.confidence.calibration_error > 2 * after.confidence.calibration_error


def test_it_does_not_matter_at_which_calibration_predictions_come():
    examples, predictions = simulate(300)
    plain = calibrate_questions(examples, predictions, before=Calibration())
    decided = [p.recalibrate(2.0, 0.3) for p in predictions]
    assert calibrate_questions(examples, decided, before=Calibration()) == plain


def test_a_model_that_never_says_no_answer_gets_a_temperature_too():
    examples, predictions = simulate(2000, with_null=False)
    fit = calibrate_questions(examples, predictions, before=Calibration(threshold=None))
    assert fit.calibration.threshold is None
    assert fit.calibration.temperature == pytest.approx(TRUE_TEMPERATURE, rel=0.1)
    assert fit.warnings == ()
    after = spanfit.score(examples, decide(predictions, fit.calibration))
    assert after.signature.metric == "squad_v1"
    assert after.confidence.calibration_error < 0.03


def test_a_fixed_threshold_is_kept_while_the_temperature_is_fitted():
    examples, predictions = simulate()
    before = Calibration(threshold=0.25)
    fit = calibrate_questions(examples, predictions, before=before, is_threshold_fixed=True)
    assert fit.calibration.threshold == 0.25
    assert fit.calibration.temperature not in (1.0, before.temperature)
    assert fit.calibration.n_examples == len(examples)


def test_where_too_little_tells_nothing_changes():
    examples, predictions = simulate(15)
    before = Calibration(threshold=0.5, temperature=1.5, data_digest="ab", n_examples=7)
    fit = calibrate_questions(examples, predictions, before=before)
    assert fit.calibration == before
    assert len(fit.warnings) == 2
    assert "the threshold stays 0.5" in fit.warnings[0]
    assert "the temperature stays 1.5" in fit.warnings[1]


def test_examples_and_predictions_must_go_together():
    examples, predictions = simulate(30)
    for wrong in (predictions[:-1], predictions[::-1], []):
        with pytest.raises(DataError, match="not of the same questions"):
            calibrate_questions(examples, wrong, before=Calibration())
    with pytest.raises(DataError, match="no example"):
        calibrate_questions([], [], before=Calibration())


def test_a_refit_writes_what_it_found_and_nothing_else(work):
    done = refit(work / "run", work / "gold.jsonl", work / "said.jsonl")
    assert done.folder == work / "run" / "model"
    assert done.before.threshold == -1.0
    assert done.is_changed
    settings = read_settings(done.folder)
    assert settings.calibration == {"torch": done.after}
    assert settings.selected_on == "calibration"
    assert settings.ceiling == {"squad_v2 f1": 99.0}
    assert [path.name for path in done.folder.iterdir()] == [FILE_NAME]
    assert done.after.n_examples == 600

    examples, predictions = simulate()
    assert done.after == calibrate_questions(examples, predictions, before=done.before).calibration
    assert done.scores_after.f1 > done.scores_before.f1
    assert done.scores_before.signature.selected_on == "calibration"
    assert done.scores_after.signature.selected_on == "validation"
    before, after = done.scores_before.confidence, done.scores_after.confidence
    assert after.calibration_error < before.calibration_error
    assert after.brier < before.brier


def test_a_second_refit_changes_nothing(work):
    first = refit(work / "run", work / "gold.jsonl", work / "said.jsonl")
    again = refit(work / "run" / "model", work / "gold.jsonl", work / "said.jsonl")
    assert again.before == first.after == again.after
    assert not again.is_changed
    assert again.scores_before.signature == first.scores_after.signature


def test_scores_of_what_chose_the_threshold_say_so(work):
    done = refit(work / "run", work / "gold.jsonl", work / "said.jsonl")
    settings = read_settings(done.folder)
    examples, _ = simulate()
    assert settings.selected_on_for(digest(examples), backend="torch") == "validation"
    assert settings.selected_on_for(digest(examples[1:]), backend="torch") == "calibration"
    assert ModelSettings().selected_on_for("", backend="torch") == "none"


def test_the_order_of_the_predictions_does_not_matter(work):
    _, predictions = simulate()
    straight = refit(work / "run", work / "gold.jsonl", predictions)
    ModelSettings(calibration={"torch": straight.before}).save(work / "run" / "model")
    turned = refit(work / "run", work / "gold.jsonl", predictions[::-1])
    assert turned.after == straight.after


def test_cross_fitting_on_two_halves():
    """Each half is decided by what was fitted on the other: no question judges itself."""
    examples, predictions = simulate(2000)
    decided = []
    for fold in (0, 1):
        fit = calibrate_questions(
            examples[1 - fold :: 2], predictions[1 - fold :: 2], before=Calibration()
        )
        decided += decide(predictions[fold::2], fit.calibration)
    scores = spanfit.score(examples, decided)
    assert not scores.missing
    assert scores.confidence.calibration_error < 0.05


def test_squad_v1_by_name_where_all_have_an_answer(work):
    examples, predictions = simulate(with_null=False)
    model = work / "run" / "model"
    ModelSettings(calibration={"torch": Calibration(threshold=0.0)}).save(model)
    done = refit(model, examples, predictions, metric="squad_v1")
    assert done.after.threshold == 0.0  # nothing tells another
    assert len(done.warnings) == 1
    assert done.after.temperature != 1.0
    assert done.scores_after.signature.metric == "squad_v1"


def complaint(run, error=SpanFitError):
    with pytest.raises(error) as caught:
        run()
    return str(caught.value)


def test_what_does_not_fit_is_refused_and_the_file_stays(work):
    gold, said, run = work / "gold.jsonl", work / "said.jsonl", work / "run"
    file = run / "model" / FILE_NAME
    content = file.read_bytes()
    lines = said.read_text(encoding="utf-8").splitlines(keepends=True)
    (work / "half.jsonl").write_text("".join(lines[::2]), encoding="utf-8")
    message = complaint(lambda: refit(run, gold, work / "half.jsonl"), DataError)
    assert "300 of 600 questions have no prediction" in message and "q1, q3, q5" in message
    other = json.dumps(json.loads(lines[0]) | {"id": "zz"}) + "\n"
    (work / "more.jsonl").write_text("".join([*lines, other]), encoding="utf-8")
    assert "1 of 601 ids are not in the gold" in complaint(
        lambda: refit(run, gold, work / "more.jsonl"), DataError
    )
    (work / "official.json").write_text(json.dumps({"q0": "ada"}), encoding="utf-8")
    message = complaint(lambda: refit(run, gold, work / "official.json"), DataError)
    assert "no candidates with scores" in message and "spanfit predict" in message
    examples, _ = simulate()
    examples[3] = replace(examples[3], context="frida gunnar hedda", answers=())
    message = complaint(lambda: refit(run, examples, said), DataError)
    assert "1 of 600 questions have candidates that do not stand in their context" in message
    assert "q3" in message and "spanfit predict" in message
    assert "metric" in complaint(lambda: refit(run, gold, said, metric="squad"), RecipeError)
    assert file.read_bytes() == content


def test_a_model_without_a_place_for_a_calibration(work):
    assert "a hub id is neither" in complaint(lambda: find_settings("org/name"), ModelError)
    assert "no such folder" in complaint(lambda: find_settings("org/name"), ModelError)
    (work / "empty").mkdir()
    assert "an empty folder" in complaint(lambda: find_settings(work / "empty"), ModelError)
    foreign = work / "foreign model"
    foreign.mkdir()
    (foreign / "config.json").write_text("{}", encoding="utf-8")
    message = complaint(lambda: find_settings(foreign), ModelError)
    words = shlex.split(message.partition("try:")[2])
    assert words[:3] == ["echo", "{}", ">"]
    with open(words[3], "w", encoding="utf-8") as file:  # noqa: PTH123 (what the shell does)
        file.write(words[1] + "\n")
    assert find_settings(foreign) == (foreign, ModelSettings())


def invoke(*words):
    return CliRunner().invoke(app.app, [str(word) for word in words])


def test_the_command_says_before_and_after(work):
    files = (work / "run", work / "gold.jsonl", "--refit", work / "said.jsonl")
    result = invoke("evaluate", *files)
    assert result.exit_code == 0, result.output
    rows = dict(line.split(" ", 1) for line in result.stdout.splitlines())
    assert rows["figure"] == "before after"
    assert rows["threshold"].startswith("-1.0000 ")
    for figure in ("temperature", "exact", "f1", "HasAns_f1", "NoAns_f1", "calibration_error"):
        before, after = map(float, rows[figure].split())
        assert before != after
    settings = read_settings(work / "run" / "model")
    stored = settings.calibration["torch"]
    assert rows["threshold"].endswith(f" {stored.threshold:.4f}")
    assert "signed selected_on=validation" in result.stderr
    assert f"next: spanfit evaluate {work / 'run'} {work / 'gold.jsonl'}" in " ".join(
        result.stderr.split()
    )
    again = invoke("evaluate", *files)
    assert "nothing to write" in again.stderr


def test_the_command_in_json(work):
    result = invoke(
        "evaluate", work / "run", work / "gold.jsonl", "--refit", work / "said.jsonl", "--json"
    )
    found = json.loads(result.stdout)
    assert found["is_changed"] is True
    assert found["before"]["calibration"]["threshold"] == -1.0
    assert (
        found["after"]["calibration"]
        == read_settings(work / "run" / "model").calibration["torch"].model_dump()
    )
    error = found["after"]["scores"]["confidence"]["calibration_error"]
    assert 0 <= error < found["before"]["scores"]["confidence"]["calibration_error"]


@pytest.mark.parametrize("options", [["--show", "errors"], ["--out", "x"], ["--device", "cpu"]])
def test_options_that_need_the_model_do_not_go_with_refit(work, options):
    result = invoke(
        "evaluate", work / "run", work / "gold.jsonl", "--refit", work / "said.jsonl", *options
    )
    assert result.exit_code != 0
    assert isinstance(result.exception, RecipeError) or "--refit runs no model" in result.output


def test_a_question_without_candidates_stays_no_answer(work):
    examples, predictions = simulate()
    examples.append(QuestionExample("empty", "Who?", "", ()))
    predictions.append(QuestionPrediction("empty", (), math.inf, 1.0))
    fit = calibrate_questions(examples, predictions, before=Calibration())
    last = decide(predictions, fit.calibration)[-1]
    assert (last.answer, last.probability) == (None, 1.0)
