"""Training: what a run folder holds, which epoch becomes the model, and what stops it."""

from __future__ import annotations

import json
import os
import signal
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file
from tiny_models import make_encoder, make_questions, make_recipe_content, write_lines

import spanfit
from spanfit.backends.torch import PRECISIONS
from spanfit.batching import join
from spanfit.data import digest
from spanfit.errors import DataError, ModelError, RecipeError, RunError
from spanfit.failures import broken_figure
from spanfit.loop import Training
from spanfit.optimization import make_optimizer
from spanfit.preparation import Plan, describe, prepare
from spanfit.progress import Progress
from spanfit.publication import Publication
from spanfit.recipe import OptimizerSection, make_recipe
from spanfit.runs import Run, RunFolder
from spanfit.steps import steps_of_epoch

pytestmark = pytest.mark.training
QUIET = Progress(quiet=True)


def train(content, folder, **changes):
    overrides = [f"{key.replace('__', '.')}={value}" for key, value in changes.items()]
    recipe = make_recipe(content, overrides=overrides)
    return spanfit.train(recipe, out=folder, progress=QUIET)


def read_metrics(run):
    return [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]


def assert_first_epoch_is_whole(folder, content):
    """The first epoch's model is there, and its scores are those that the run reports."""
    run = Run(folder)
    assert run.scores["epoch"] == 1
    scores = run.model().evaluate(spanfit.read(content["data"]["validation"]))
    assert scores.f1 == pytest.approx(run.figures()["f1"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run on answerable and unanswerable questions, long enough to learn them."""
    folder = tmp_path_factory.mktemp("finished")
    content = make_recipe_content(folder, n=240, unanswerable=True)
    return train(content, folder / "run", run__epochs=25, optimizer__learning_rate=3e-3)


def test_the_run_folder_holds_everything(finished):
    names = {str(path.relative_to(finished.folder)) for path in finished.folder.rglob("*")}
    assert {
        "recipe.toml",
        "run.json",
        "metrics.jsonl",
        "scores.json",
        "predictions/validation.jsonl",
        "predictions/calibration.jsonl",
        "model/config.json",
        "model/model.safetensors",
        "model/tokenizer.json",
        "model/spanfit.json",
        "model/README.md",
    } <= names
    assert not [name for name in names if ".tmp" in name or ".old" in name]
    record = finished.record
    assert record["status"] == "finished"
    assert record["software"]["torch"] == torch.__version__
    assert set(record["data_digests"]) == {"training", "calibration", "validation"}
    assert spanfit.load(finished.folder).settings.ceiling == {
        "squad_v2 exact": 100.0,
        "squad_v2 f1": 100.0,
    }


def test_a_tiny_encoder_learns_where_people_live_and_when_nobody_knows(finished):
    figures = finished.figures("validation")
    assert figures["HasAns_f1"] > 80
    assert figures["NoAns_f1"] > 80


def test_the_loss_falls_and_every_epoch_is_evaluated(finished):
    lines = read_metrics(finished)
    losses = [line["loss"] for line in lines if "loss" in line]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    evaluated = [(line["epoch"], line["part"]) for line in lines if "part" in line]
    assert evaluated == [
        (epoch, part) for epoch in range(1, 26) for part in ("calibration", "validation")
    ]
    assert all({"eval_loss", "exact", "f1"} <= set(line) for line in lines if "part" in line)


def test_scores_and_predictions_are_those_of_the_model_that_was_saved(finished, tmp_path):
    examples = spanfit.read(finished.folder.parent / "validation.jsonl")
    scores = finished.model().evaluate(examples)
    assert scores.figures == pytest.approx(finished.figures("validation"))
    stored = spanfit.score(examples, finished.folder / "predictions/validation.jsonl")
    assert stored.figures["f1"] == scores.f1
    assert finished.scores["validation"]["signature"]["selected_on"] == "calibration"


def test_the_model_opens_in_transformers_and_gives_the_same_logits(finished):
    network = transformers.AutoModelForQuestionAnswering.from_pretrained(finished.model_folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(finished.model_folder)
    model = spanfit.load(finished.model_folder)
    examples = spanfit.read(finished.folder.parent / "validation.jsonl")[:4]
    predictor = model.predictor
    windows = predictor.windows(examples)
    for row, example in enumerate(examples):
        theirs = tokenizer(example.question, example.context, return_tensors="pt")
        batch = join(windows, np.array([row]))
        assert batch.input_ids.tolist() == theirs["input_ids"].tolist()
        assert batch.token_type_ids.tolist() == theirs["token_type_ids"].tolist()
        output = network.eval()(**theirs)
        ours = torch.as_tensor(predictor.backend.logits(batch))
        torch.testing.assert_close(ours[..., 0], output.start_logits.detach())
        torch.testing.assert_close(ours[..., 1], output.end_logits.detach())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_answers_before_saving_equal_those_after_loading(tmp_path, precision):
    """Half precision is for learning alone: what is evaluated is the model that will be loaded."""
    content = make_recipe_content(tmp_path, n=24, unanswerable=True)
    overrides = ["run.epochs=1", f"run.precision={precision}"]
    prepared = prepare(make_recipe(content, overrides=overrides), progress=QUIET)
    training = Training(prepared, RunFolder.create(tmp_path / "run", default_name=""), QUIET)
    computed = set()
    training.network.qa_outputs.register_forward_hook(
        lambda _module, _inputs, logits: computed.add((torch.is_grad_enabled(), logits.dtype))
    )
    run = training.run()
    assert computed == {(True, PRECISIONS[precision] or torch.float32), (False, torch.float32)}
    assert np.isfinite(run.figures()["f1"])
    examples = spanfit.read(content["data"]["validation"])
    loaded = run.model()
    live = list(replace(loaded.predictor, backend=training.backend).predict(examples))
    assert training.backend.network is not loaded.predictor.backend.network
    assert live == list(loaded.predict(examples))
    assert {weight.dtype for weight in training.network.parameters()} == {torch.float32}
    stored = load_file(run.model_folder / "model.safetensors").values()
    assert {weight.dtype for weight in stored} == {torch.float32}
    figures = loaded.evaluate(examples).figures
    assert figures == pytest.approx(run.figures("validation"))
    assert all(
        p.n_best[0].text == e.context[p.n_best[0].start : p.n_best[0].end]
        for p, e in zip(live, examples, strict=True)
    )


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [("roberta", "bytelevel"), ("distilbert", "unigram"), ("xlnet", "unigram")],
)
def test_other_architectures_and_tokenizers_train_save_and_answer(tmp_path, architecture, kind):
    make_encoder(tmp_path / "encoder", kind=kind, architecture=architecture)
    run = train(make_recipe_content(tmp_path), tmp_path / "run", run__epochs=1)
    text = "Ada lives in Elm 🚢. Then Ben came from Łódź by sea."
    prediction = run.model().ask("Where does Ada live?", text)
    assert all(c.text == text[c.start : c.end] for c in prediction.n_best)
    assert prediction == spanfit.load(run.model_folder).ask("Where does Ada live?", text)


def test_a_checkpoint_of_three_labels_is_fine_tuned_with_two_outputs(tmp_path):
    folder = make_encoder(tmp_path / "encoder")
    config = transformers.BertConfig.from_pretrained(folder, num_labels=3)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    run = train(make_recipe_content(tmp_path), tmp_path / "run", run__epochs=1)
    assert run.model().predictor.backend.network.config.num_labels == 2


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_the_learning_rate_warms_up_and_takes_its_course(tmp_path, schedule):
    run = train(
        make_recipe_content(tmp_path),
        tmp_path / "run",
        run__epochs=4,
        run__log_every_steps=1,
        optimizer__schedule=schedule,
        optimizer__warmup_ratio=0.25,
    )
    rates = [line["learning_rate"] for line in read_metrics(run) if "loss" in line]
    assert rates[0] == 0
    assert max(rates) == pytest.approx(1e-3)
    assert rates.index(max(rates)) == round(len(rates) / 4)
    assert (rates[-1] == pytest.approx(1e-3)) == (schedule == "constant")


def test_gradients_are_clipped(tmp_path):
    prepared = prepare(make_recipe(make_recipe_content(tmp_path)), progress=QUIET)
    recipe = make_recipe(
        prepared.recipe.model_dump(), overrides=["optimizer.max_gradient_norm=0.1"]
    )
    training = Training(replace(prepared, recipe=recipe), RunFolder(tmp_path / "run"), QUIET)
    clipped = []
    step = training.optimizer.step

    def watch():
        gradients = [p.grad.flatten() for p in training.network.parameters() if p.grad is not None]
        clipped.append(torch.cat(gradients).norm().item())
        step()

    training.optimizer.step = watch
    _, norm = training.take_step(np.arange(8))
    assert norm > 0.1
    assert clipped == [pytest.approx(0.1, rel=1e-3)]


def test_a_gradient_that_overflows_moves_neither_weights_nor_learning_rate(tmp_path, monkeypatch):
    """The scaler of fp16, which needs a GPU, around steps in fp32."""
    prepared = prepare(make_recipe(make_recipe_content(tmp_path)), progress=QUIET)
    training = Training(prepared, RunFolder(tmp_path / "run"), QUIET)
    accelerator, scaler = training.accelerator, torch.amp.GradScaler("cpu", init_scale=1024.0)
    monkeypatch.setattr(accelerator.state, "_mixed_precision", "fp16")
    monkeypatch.setattr(accelerator, "native_amp", True)
    monkeypatch.setattr(accelerator, "autocast", nullcontext)
    accelerator.scaler = scaler
    accelerator._optimizers.clear()  # the scaler goes with what is prepared after it
    training.optimizer = accelerator.prepare_optimizer(training.optimizer.optimizer)
    weight = training.network.qa_outputs.weight
    before = weight.detach().clone()
    overflow = weight.register_hook(lambda gradient: torch.full_like(gradient, torch.inf))
    _, norm = training.take_step(np.arange(8))
    assert not np.isfinite(norm)
    assert torch.equal(weight, before)
    assert (training.step, training.scheduler.get_last_lr()[0]) == (1, 0.0)
    assert scaler.get_scale() == 512
    overflow.remove()
    _, norm = training.take_step(np.arange(8))
    assert np.isfinite(norm)
    assert training.scheduler.get_last_lr()[0] == pytest.approx(1e-3)
    training.take_step(np.arange(8))  # the first step that is not at a rate of 0
    assert not torch.equal(weight, before)


def test_every_step_is_logged_also_those_before_the_end_of_an_epoch(tmp_path):
    run = train(make_recipe_content(tmp_path), tmp_path / "run", run__log_every_steps=1000)
    steps = [line["step"] for line in read_metrics(run) if "loss" in line]
    assert steps == [run.record["steps"] // 2, run.record["steps"]]


def test_a_failed_run_says_so(tmp_path):
    content = make_recipe_content(tmp_path)
    with pytest.raises(RunError):
        train(content, tmp_path / "run", optimizer__learning_rate=1e30, run__epochs=3)
    assert Run(tmp_path / "run").record["status"] == "failed"


def test_an_interruption_while_the_first_model_is_written_waits_for_it(tmp_path, monkeypatch):
    content = make_recipe_content(tmp_path)
    save = Publication._save_model

    def interrupted(self, folder, settings):
        os.kill(os.getpid(), signal.SIGINT)
        save(self, folder, settings)

    monkeypatch.setattr(Publication, "_save_model", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(content, tmp_path / "run")
    assert_first_epoch_is_whole(tmp_path / "run", content)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path):
    content = make_recipe_content(tmp_path)
    runs = [
        train(content, tmp_path / name, run__epochs=1, run__seed=seed)
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    ]
    weights = [(run.model_folder / "model.safetensors").read_bytes() for run in runs]
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize("metric", ["f1", "eval_loss"])
def test_the_best_epoch_becomes_the_model_not_the_last(tmp_path, metric):
    content = make_recipe_content(tmp_path, n=60)
    run = train(
        content,
        tmp_path / "run",
        run__epochs=6,
        selection__metric=metric,
        optimizer__learning_rate=2e-2,
        optimizer__schedule="constant",
    )
    lines = [line for line in read_metrics(run) if line.get("part") == "calibration"]
    sign = -1 if metric == "eval_loss" else 1
    best = max(lines, key=lambda line: (sign * line[metric], -line["epoch"]))
    assert run.scores["epoch"] == best["epoch"]


def test_early_stopping_and_the_number_of_checkpoints(tmp_path):
    content = make_recipe_content(tmp_path, n=24)
    run = train(
        content,
        tmp_path / "run",
        run__epochs=30,
        selection__patience_epochs=2,
        optimizer__learning_rate=1e-9,
    )
    epochs = {line["epoch"] for line in read_metrics(run)}
    assert max(epochs) == 3, "the first epoch is the best of equal ones, then two more are tried"
    checkpoints = sorted(path.name for path in (run.folder / "checkpoints").iterdir())
    assert len(checkpoints) == 2
    assert checkpoints[0] == f"step-{run.scores['step']:06}", "the best one is kept"
    assert spanfit.load(run.folder / "checkpoints" / checkpoints[1]).settings.task == "qa"


def test_a_model_without_unanswerable_questions_always_answers(tmp_path):
    run = train(make_recipe_content(tmp_path), tmp_path / "run", run__epochs=1)
    model = run.model()
    assert model.settings.calibration["torch"].threshold is None
    prediction = model.ask("Where does Zoe live?", "Ada lives in Elm.")
    assert prediction.answer is not None
    assert prediction.rethreshold(-1e9).answer is None


def test_a_named_threshold_is_kept(tmp_path):
    content = make_recipe_content(tmp_path, n=72, unanswerable=True)
    run = train(content, tmp_path / "run", run__epochs=1, selection__null_threshold=-4.0)
    assert run.model().settings.calibration["torch"].threshold == -4.0


def test_an_interruption_leaves_a_usable_run(tmp_path, monkeypatch):
    content = make_recipe_content(tmp_path)
    steps = Training.take_step

    def interrupted(self, rows):
        if self.step == 2:
            raise KeyboardInterrupt
        return steps(self, rows)

    monkeypatch.setattr(Training, "take_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(content, tmp_path / "run")
    run = Run(tmp_path / "run")
    assert run.record["status"] == "interrupted"
    assert run.record["steps"] == 2
    assert run.model().ask("Where?", "Ada lives in Elm.").answer is not None


def test_an_interruption_after_an_epoch_keeps_that_epoch(tmp_path, monkeypatch):
    content = make_recipe_content(tmp_path)
    evaluate = Publication.evaluate

    def interrupted(self, *, epoch, step):
        evaluate(self, epoch=epoch, step=step)
        raise KeyboardInterrupt

    monkeypatch.setattr(Publication, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(content, tmp_path / "run")
    assert_first_epoch_is_whole(tmp_path / "run", content)


def test_a_run_never_overwrites(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("precious")
    with pytest.raises(RunError, match="never overwrites"):
        train(make_recipe_content(tmp_path), tmp_path / "run")
    assert (tmp_path / "run" / "mine.txt").read_text() == "precious"


def test_a_broken_loss_stops_and_names_the_examples(tmp_path):
    content = make_recipe_content(tmp_path)
    with pytest.raises(RunError) as caught:
        train(content, tmp_path / "run", optimizer__learning_rate=1e30, run__epochs=3)
    assert "loss became" in str(caught.value)
    assert "the windows of q" in str(caught.value)


def test_all_examples_of_the_batch_are_named():
    ids = [f"q{number}" for number in range(70)]

    def found(ids):
        error = broken_figure("loss", float("nan"), step=4, ids=ids, run=Path("runs/x"))
        return error.found

    windows = [*ids[:20], *ids[:20]]  # two of each
    assert found(windows) == f"this on the windows of {', '.join(ids[:20])}"
    assert found(ids) == f"this on the windows of {', '.join(ids[:64])} and 6 more"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ("run.precision=fp16", RecipeError, "fp16 needs a GPU"),
        ("run.device=mps", RecipeError, "no mps device here"),
        ("windows.max_length=200", ModelError, "windows.max_length of at most 128"),
        ("model.name=/nowhere/model", ModelError, "cannot be loaded"),
        ("data.train=/nowhere.json", DataError, "no such file"),
        ("data.train=''", RecipeError, "names no training data"),
        ("data.train=EMPTY", DataError, "no question to learn from"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_one_message(tmp_path, change, error, message):
    (tmp_path / "empty.json").write_text('{"data": []}')
    change = change.replace("EMPTY", str(tmp_path / "empty.json"))
    recipe = make_recipe(make_recipe_content(tmp_path), overrides=[change])
    with pytest.raises(error, match=message):
        spanfit.train(recipe, out=tmp_path / "run", progress=QUIET)


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("validation", ["selection.on=validation"]),
        ("calibration", ["data.calibration_share=0.0", "selection.patience_epochs=1"]),
    ],
)
def test_choosing_an_epoch_needs_the_part_to_choose_on(tmp_path, part, changes):
    content = make_recipe_content(tmp_path)
    del content["data"]["validation"]
    with pytest.raises(RecipeError, match=f"no {part} part"):
        spanfit.train(make_recipe(content, overrides=changes), out=tmp_path / "run", progress=QUIET)


def test_what_was_held_out_can_be_scored_and_synthetic_questions_are_counted(tmp_path):
    content = make_recipe_content(tmp_path)
    lines = [line | {"title": f"Town {n % 2}"} for n, line in enumerate(make_questions(36))]
    write_lines(tmp_path / "train.jsonl", lines)
    run = train(content, tmp_path / "run", run__epochs=1, data__synthetic_unanswerable=0.5)
    file, record = run.folder / "data/calibration.jsonl", run.record
    held_out = spanfit.read(file)
    assert digest(held_out) == record["data_digests"]["calibration"]
    scores = spanfit.score(file, run.folder / "predictions/calibration.jsonl")
    assert scores.figures == run.figures("calibration")
    n_synthetic = sum(example.synthetic == "other_paragraph" for example in held_out)
    counts = record["examples"]
    assert counts["calibration"] == {
        "all": len(held_out),
        "unanswerable": n_synthetic,
        "synthetic": n_synthetic,
    }
    assert n_synthetic > 0
    made = counts["training"]["synthetic"]
    asked = counts["training"]["all"] - made
    assert asked + counts["calibration"]["all"] - n_synthetic == 36
    assert counts["validation"] == {"all": 12, "unanswerable": 0, "synthetic": 0}
    card = (run.model_folder / "README.md").read_text()
    assert f"| learnt from | {asked} questions, and {made} synthetic ones made of them" in card
    said = run.folder / "predictions/validation.jsonl"
    scores = spanfit.score(content["data"]["validation"], said)
    low, high = scores.interval("f1").to_json()
    assert "| validation | 12 | " in card
    assert f"{scores.f1:.2f} ({low:.2f} to {high:.2f})" in card


def test_a_calibration_file_of_the_user_is_not_copied(tmp_path):
    content = make_recipe_content(tmp_path)
    mine = write_lines(tmp_path / "mine.jsonl", make_questions(8, start=500))
    run = train(content, tmp_path / "run", run__epochs=1, data__calibration=mine)
    assert not (run.folder / "data").exists()
    card = (run.model_folder / "README.md").read_text()
    assert "| learnt from | 36 questions |" in card


def test_a_question_of_which_all_golds_are_learnt_is_lost_only_with_all_of_them(tmp_path):
    content = make_recipe_content(tmp_path)
    lines = make_questions(36)
    context = lines[0]["context"] * 8
    far = {"text": context[20:-20], "start": 20}  # in no window
    lines[0] |= {"context": context, "answers": [far, *lines[0]["answers"]]}
    lines[1] |= {"context": context, "answers": [far]}
    write_lines(tmp_path / "train.jsonl", lines)
    content["data"]["calibration"] = content["data"]["validation"]
    for answers, said, ids in (
        (
            "first",
            "first golds that no window holds (they train as null): 2 (q0, q1)",
            ["q0", "q1"],
        ),
        ("all", "best golds that no window holds (they train as null): 1 (q1)", ["q1"]),
    ):
        recipe = make_recipe(content, overrides=[f"task.answers={answers}", "run.max_steps=1"])
        prepared = prepare(recipe, progress=QUIET)
        assert [line for line in describe(prepared) if "train as null" in line] == [said]
        run = Training(prepared, RunFolder.create(tmp_path / answers, default_name=""), QUIET).run()
        assert run.record["coverage"]["learnt_as_null"] == ids


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ([], ["never say 'no answer', but it is scored on some (4 in validation)"]),
        (["selection.null_threshold=0.0"], []),
        (
            ["data.train=WITH_NULL", "data.calibration_share=0"],
            ["the threshold of 'no answer' is 0"],
        ),
        (
            [
                "data.train=WITH_NULL",
                "data.calibration_share=0",
                "selection.null_threshold=0.0",
            ],
            [],
        ),
    ],
)
def test_what_a_recipe_means_for_no_answer_is_said(tmp_path, capsys, changes, warnings):
    content = make_recipe_content(tmp_path)
    write_lines(tmp_path / "validation.jsonl", make_questions(12, unanswerable=True, start=1000))
    with_null = write_lines(tmp_path / "null.jsonl", make_questions(24, unanswerable=True))
    overrides = [change.replace("WITH_NULL", str(with_null)) for change in changes]
    recipe = make_recipe(content, overrides=[*overrides, "run.epochs=1"])
    prepared = prepare(recipe, progress=Progress())
    Training(prepared, RunFolder(tmp_path / "run"), Progress())
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert len(said) == len(warnings)
    assert all(part in line for part, line in zip(warnings, said, strict=True))
    if "scored on some" in "".join(said):
        assert said[0].endswith("--set data.synthetic_unanswerable=0.3")


def test_a_score_says_which_part_chose_the_model(tmp_path):
    content = make_recipe_content(tmp_path)
    for name, changes in (
        ("calibration", {}),
        ("validation", {"selection__on": "validation"}),
        ("none", {"data__calibration_share": 0.0, "run__epochs": 1}),
    ):
        run = train(content, tmp_path / name, **changes)
        assert run.scores["validation"]["signature"]["selected_on"] == name
        model = run.model()
        scores = model.evaluate(spanfit.read(content["data"]["validation"]))
        assert scores.signature.selected_on == name


def test_max_examples_leaves_a_tenth_of_itself_for_calibration(tmp_path):
    content = make_recipe_content(tmp_path, n=60)
    prepared = prepare(make_recipe(content, overrides=["data.max_examples=30"]), progress=QUIET)
    assert len(prepared.parts.training) + len(prepared.parts.calibration) == 30
    assert len(prepared.parts.calibration) == 6


def test_bad_offsets_fail_or_are_repaired_by_name(tmp_path):
    content = make_recipe_content(tmp_path)
    lines = make_questions(36)
    lines[3]["answers"][0]["start"] += 1
    write_lines(tmp_path / "train.jsonl", lines)
    with pytest.raises(DataError, match="--bad-answers"):
        train(content, tmp_path / "run")
    run = train(content, tmp_path / "run", data__bad_answers="relocate", run__epochs=1)
    assert run.record["status"] == "finished"


def test_training_examples_need_gold(tmp_path):
    content = make_recipe_content(tmp_path)
    lines = make_questions(6)
    del lines[4]["answers"]
    write_lines(tmp_path / "train.jsonl", lines)
    with pytest.raises(DataError, match="'q4' has no gold"):
        train(content, tmp_path / "run")


def test_a_model_of_another_vocabulary_is_refused(tmp_path):
    folder = make_encoder(tmp_path / "encoder")
    config = transformers.BertConfig.from_pretrained(folder, vocab_size=50)
    transformers.BertModel(config).save_pretrained(folder)
    with pytest.raises(ModelError, match="tokenizer does not belong"):
        train(make_recipe_content(tmp_path), tmp_path / "run")


def test_an_epoch_sees_each_window_once_in_its_own_order():
    plan = Plan(n_windows=23, windows_per_step=5, epochs=2, max_steps=None, warmup_ratio=0.1)
    first = list(steps_of_epoch(plan, epoch=1, seed=0))
    assert [len(rows) for rows in first] == [5, 5, 5, 5, 3]
    assert sorted(np.concatenate(first)) == list(range(23))
    second = np.concatenate(list(steps_of_epoch(plan, epoch=2, seed=0)))
    assert not np.array_equal(np.concatenate(first), second)
    assert (plan.steps_per_epoch, plan.steps, plan.warmup_steps) == (5, 10, 1)


def test_biases_and_norms_do_not_decay():
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4))
    decayed, plain = make_optimizer(network, OptimizerSection(weight_decay=0.1)).param_groups
    assert [tuple(p.shape) for p in decayed["params"]] == [(4, 3)]
    assert decayed["weight_decay"] == 0.1
    assert [tuple(p.shape) for p in plain["params"]] == [(4,), (4,), (4,)]
    assert plain["weight_decay"] == 0.0
