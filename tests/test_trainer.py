"""transformers' own `Trainer` with SpanFit's parts: the same scores, losses and gradients."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_encoders import ENCODERS
from tiny_models import (
    make_encoder,
    make_questions,
    make_recipe_content,
    make_sentences,
    make_tagging_content,
    write_lines,
)
from transformers import Trainer, TrainingArguments

import spanfit
from spanfit.data import digest
from spanfit.errors import RecipeError, RunError
from spanfit.evaluation import predict_all
from spanfit.evaluation_loss import EvaluationLoss
from spanfit.integrations import gathering
from spanfit.integrations.callback import check_arguments
from spanfit.integrations.trainer import collate, collate_for_heads, prepare_trainer
from spanfit.preparation import prepare
from spanfit.progress import Progress
from spanfit.recipe import make_recipe
from spanfit.runs import RunFolder
from spanfit.training import Training
from spanfit.upload import list_upload

pytestmark = pytest.mark.training
QUIET = Progress(quiet=True)
TASKS = ("qa", "tagging")
PARTS = ("calibration", "validation")


def make_content(folder, task):
    """A recipe of each task with texts that are longer than its windows."""
    if task == "tagging":
        content = make_tagging_content(folder, n=48)
        content["windows"] = {"max_length": 9, "overlap": 4}
    else:
        content = make_recipe_content(folder, n=180, unanswerable=True)
        content["windows"] = {"max_length": 30, "overlap": 8}
        content["data"]["calibration_share"] = 0.4
    return content


def make_kit(folder, task, **changes):
    overrides = [f"{key.replace('__', '.')}={value}" for key, value in changes.items()]
    return prepare_trainer(
        make_recipe(make_content(folder, task)), overrides=overrides, progress=QUIET
    )


def make_trainer(kit, out, **changes):
    quiet = {"disable_tqdm": True, "report_to": "none", "per_device_eval_batch_size": 3}
    return Trainer(
        model=kit.network,
        args=TrainingArguments(str(out), **(kit.arguments() | quiet | changes)),
        train_dataset=kit.training,
        eval_dataset=kit.evaluated,
        data_collator=collate,
        compute_loss_func=kit.compute_loss,
        compute_metrics=kit.compute_metrics,
        callbacks=[kit.callback],
    )


def evaluation_loss(kit, model, part):
    """The loss as SpanFit's own evaluation sums it up."""
    loss = EvaluationLoss(kit.prepared)
    examples = kit.prepared.parts.by_name[part]
    predict_all(examples, model.predictor, title="", progress=QUIET, observe=loss)
    return loss.mean


@pytest.fixture(scope="module", params=TASKS)
def trained(request, tmp_path_factory):
    """The kit and the trainer of a short training, with chunks that batches straddle."""
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "CHUNK_EXAMPLES", 5)
        kit = make_kit(folder, request.param, optimizer__learning_rate=3e-3)
        trainer = make_trainer(kit, folder / "out")
        trainer.train()
    return kit, trainer


def test_texts_are_longer_than_windows(trained):
    kit, _ = trained
    windows = kit.evaluated["validation"].windows
    assert len(windows) > len(kit.evaluated["validation"].gold)


def test_figures_and_loss_are_those_of_spanfits_own_evaluation(trained):
    kit, trainer = trained
    metrics = trainer.evaluate()
    model = spanfit.load(trainer.args.output_dir)
    for part in PARTS:
        scores = model.evaluate(kit.prepared.parts.by_name[part])
        found = {name: metrics[f"eval_{part}_{name}"] for name in scores.figures}
        assert found == pytest.approx(scores.figures, abs=1e-6)
        assert metrics[f"eval_{part}_f1"] == pytest.approx(scores.f1, abs=1e-6)
        loss = evaluation_loss(kit, model, part)
        assert metrics[f"eval_{part}_loss"] == pytest.approx(loss, abs=1e-6)
    assert scores.f1 > 20, "something was learnt"


def test_every_checkpoint_is_a_model_with_the_scores_that_it_had(trained):
    kit, trainer = trained
    lines = trainer.state.log_history[::-1]  # of a step the first counts, not what came after
    logged = {(line["step"], name): value for line in lines for name, value in line.items()}
    checkpoints = sorted(Path(trainer.args.output_dir).glob("checkpoint-*"))
    assert checkpoints
    for folder in checkpoints:
        step = int(folder.name.split("-")[1])
        scores = spanfit.load(folder).evaluate(kit.prepared.parts.validation)
        assert scores.f1 == pytest.approx(logged[step, "eval_validation_f1"], abs=1e-6)
        stored = json.loads((folder / "scores.json").read_text())
        assert stored["step"] == step
        assert stored["validation"]["figures"] == pytest.approx(scores.figures, abs=1e-6)
        assert stored["validation"]["eval_loss"] == pytest.approx(
            logged[step, "eval_validation_loss"], abs=1e-6
        )
        said = spanfit.score(kit.prepared.parts.validation, folder / "predictions/validation.jsonl")
        assert said.f1 == pytest.approx(scores.f1, abs=1e-6)
        assert "| validation | " in (folder / "README.md").read_text()


def test_the_output_folder_is_a_run_with_the_best_checkpoint(trained):
    _, trainer = trained
    out = Path(trainer.args.output_dir)
    best = trainer.state.best_model_checkpoint
    stored = json.loads((out / "scores.json").read_text())
    assert f"checkpoint-{stored['step']}" == best.rsplit("/", 1)[-1]
    assert spanfit.load(out).settings == spanfit.load(best).settings
    assert spanfit.load(out).settings.selected_on == "calibration"
    uploaded = {item.name for item in list_upload(out)}
    assert {"model.safetensors", "spanfit.json", "README.md", "scores.json"} <= uploaded
    assert not {name for name in uploaded if "optimizer" in name or "training_args" in name}


def test_the_threshold_is_fitted_on_the_calibration_part_and_decides_in_the_other(trained):
    kit, trainer = trained
    calibration = spanfit.load(trainer.args.output_dir).settings.calibration_of("torch")
    assert calibration.data_digest == digest(kit.prepared.parts.calibration)
    assert kit.findings.settings.calibration_of("torch") == calibration, (
        "of the best, not of the last"
    )
    assert (calibration.threshold != 0) == (kit.training.task == "qa")


def test_what_save_model_writes_can_be_completed(trained, tmp_path):
    kit, trainer = trained
    trainer.save_model(str(tmp_path / "saved"))
    kit.save(tmp_path / "saved")
    mine, theirs = spanfit.load(tmp_path / "saved"), spanfit.load(trainer.args.output_dir)
    examples = kit.prepared.parts.validation
    assert [*mine.predict(examples)] == [*theirs.predict(examples)]


def test_one_more_data_set_is_evaluated_and_predicted(trained, tmp_path):
    kit, trainer = trained
    examples = [replace(example, id=f"new {example.id}") for example in kit.prepared.parts.training]
    added = kit.add(examples[:20], name=f"test {tmp_path.name}")
    metrics = trainer.evaluate(added, metric_key_prefix="test")
    scores = spanfit.load(trainer.args.output_dir).evaluate(examples[:20])
    assert metrics["test_f1"] == pytest.approx(scores.f1, abs=1e-6)
    assert trainer.predict(added).metrics["test_f1"] == pytest.approx(scores.f1, abs=1e-6)
    with pytest.raises(RecipeError, match="a data set of that name"):
        kit.add(examples[:1], name=added.name)


def test_an_evaluation_that_was_broken_off_leaves_nothing_behind(trained):
    kit, trainer = trained
    expected = trainer.evaluate()["eval_validation_f1"]
    batch = collate([kit.evaluated["validation"][row] for row in range(4)])
    labels = batch.pop("labels")
    with torch.no_grad():
        outputs = kit.network(**batch)
    nonsense = tuple(value * -7 for value in outputs.values())
    kit.compute_metrics(Prediction(nonsense, labels), compute_result=False)
    assert trainer.evaluate()["eval_validation_f1"] == expected


class Prediction:
    """As much of an EvalPrediction as is looked at."""

    def __init__(self, predictions, label_ids):
        self.predictions, self.label_ids = predictions, label_ids


def test_windows_may_come_in_any_order_and_none_may_be_missing(trained):
    kit, trainer = trained
    expected = trainer.evaluate()["eval_validation_f1"]
    dataset = kit.evaluated["validation"]
    rows = np.random.default_rng(0).permutation(len(dataset))
    for n_last, rest in ((len(rows), []), (len(rows) - 2, [0, 1])):
        for start in range(0, n_last, 3):
            batch = collate([dataset[row] for row in rows[start : min(start + 3, n_last)]])
            labels = batch.pop("labels")
            with torch.no_grad():
                found = Prediction(tuple(kit.network(**batch).values()), labels)
            is_last = start + 3 >= n_last
            if is_last and rest:
                with pytest.raises(RunError, match="2 windows were not evaluated"):
                    kit.compute_metrics(found)
            else:
                figures = kit.compute_metrics(found, compute_result=is_last)
        assert rest or figures["f1"] == pytest.approx(expected)


def test_labels_of_another_collator_are_refused(trained):
    kit, _ = trained
    with pytest.raises(RecipeError, match="numbers of windows"):
        kit.compute_metrics(Prediction(torch.zeros(2, 3, 2), torch.zeros(2, 3)))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("n_micro_batches", [1, 4])
def test_a_step_has_spanfits_gradient(tmp_path, task, n_micro_batches):
    """One step of plain SGD on all windows moves the weights by their gradient."""
    changes = {
        "data__max_examples": 20,
        "data__calibration_share": 0.0,
        "optimizer__weight_decay": 0,
    }
    kit = make_kit(tmp_path, task, **changes)
    n = len(kit.training)
    before = {name: weight.detach().clone() for name, weight in kit.network.named_parameters()}
    trainer = make_trainer(
        kit,
        tmp_path / "out",
        optim="sgd",
        learning_rate=1.0,
        warmup_steps=0,
        lr_scheduler_type="constant",
        max_grad_norm=0.0,
        max_steps=1,
        per_device_train_batch_size=-(-n // n_micro_batches),
        gradient_accumulation_steps=n_micro_batches,
        eval_strategy="no",
        load_best_model_at_end=False,
        save_strategy="no",
    )
    trainer.train()
    moved = {name: before[name] - w.detach() for name, w in kit.network.named_parameters()}
    prepared = prepare(kit.prepared.recipe, progress=QUIET)
    mine = Training(prepared, RunFolder.create(tmp_path / "run", default_name="run"), QUIET)
    mine.network.load_state_dict(before, strict=False)
    mine.accumulate_gradient(np.arange(n))
    for name, weight in mine.network.named_parameters():
        expected = torch.zeros_like(weight) if weight.grad is None else weight.grad
        torch.testing.assert_close(moved[name], expected, atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_labels_for_heads_give_the_heads_own_loss(tmp_path, task):
    """Alone in its batch, without padding, a window has one loss for both."""
    kit = make_kit(tmp_path, task)
    for row in range(0, len(kit.training), 7):
        view = kit.training[row]
        with torch.no_grad():
            theirs = kit.network(**collate_for_heads([view])).loss
            batch = collate([view])
            labels = batch.pop("labels")
            mine = kit.compute_loss(kit.network(**batch), labels)
        count = kit.training.targets.count(np.array([row]))
        assert len(view) == batch["input_ids"].shape[1]
        if count:
            share = kit.training.mean_count / count
            assert float(mine) * share == pytest.approx(float(theirs), abs=1e-6)


@pytest.mark.parametrize("encoder", ["XLNet", "T5", "Longformer", "DistilBERT"])
def test_any_head(tmp_path, encoder):
    """Padding on the left, two outputs of a token classifier, inputs of its own, no token types."""
    content = make_content(tmp_path, "qa")
    content["model"]["name"] = str(ENCODERS[encoder].save(tmp_path / "other"))
    content["data"] |= {"max_examples": 40, "calibration_share": 0.0}
    kit = prepare_trainer(make_recipe(content), progress=QUIET)
    trainer = make_trainer(kit, tmp_path / "out", max_steps=2, save_strategy="epoch")
    trainer.train()
    metrics = trainer.evaluate()
    model = spanfit.load(tmp_path / "out")
    scores = model.evaluate(kit.prepared.parts.validation)
    found = {name: metrics[f"eval_validation_{name}"] for name in scores.figures}
    assert found == pytest.approx(scores.figures, abs=1e-5)
    loss = evaluation_loss(kit, model, "validation")
    assert metrics["eval_validation_loss"] == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"label_names": None}, ["nothing would be scored", 'label_names=["labels"]']),
        ({"batch_eval_metrics": False}, ["logits of all windows", "batch_eval_metrics=True"]),
        (
            {"metric_for_best_model": "validation_loss", "greater_is_better": True},
            ["the worst checkpoint", "greater_is_better=False"],
        ),
        ({"greater_is_better": False}, ["the worst checkpoint", "greater_is_better=True"]),
        ({"label_smoothing_factor": 0.1}, ["does not smooth", "task.label_smoothing = 0.1"]),
        ({"train_sampling_strategy": "group_by_length"}, ["no dictionaries"]),
    ],
)
def test_what_would_go_wrong_in_silence_is_refused(tmp_path, trained, change, expected):
    kit, _ = trained
    if kit.training.task == "tagging" and "label_names" in change:
        make_trainer(kit, tmp_path, **change)  # a token classifier asks for labels of that name
        return
    with pytest.raises(RecipeError) as caught:
        make_trainer(kit, tmp_path, **change)
    for part in expected:
        assert part in str(caught.value)


def test_processes_and_sides_that_cannot_be(tmp_path):
    arguments = TrainingArguments(str(tmp_path), label_names=["labels"], batch_eval_metrics=True)
    for side, n in (("right", 1), ("left", 1), ("right", 2)):
        check_arguments(Arguments(arguments, world_size=n), head=Trainer, padding_side=side)
    for changes, side in (({"world_size": 2}, "left"), ({"n_gpu": 2}, "right")):
        with pytest.raises(RecipeError):
            check_arguments(Arguments(arguments, **changes), head=Trainer, padding_side=side)


class Arguments:
    """TrainingArguments as they would be on another machine."""

    def __init__(self, arguments, **changes):
        self.__dict__ |= arguments.__dict__ | {"n_gpu": 1, "world_size": 1} | changes


def test_a_checkpoint_without_an_evaluation_is_a_model_all_the_same(tmp_path, capsys):
    kit = make_kit(tmp_path, "tagging", run__epochs=1)
    kit.progress = Progress()
    make_trainer(kit, tmp_path / "out", eval_strategy="no", load_best_model_at_end=False).train()
    assert "is of a step without an evaluation" in capsys.readouterr().err
    assert spanfit.load(tmp_path / "out").settings.selected_on == "none"
    assert "It was not evaluated" in (tmp_path / "out/model/README.md").read_text()


def test_the_page_of_both_roads_does_what_it_says(tmp_path, monkeypatch, capsys, command):
    """All blocks of docs/trainer.md in order: commands as typed, Python in one session."""
    page = (Path(__file__).resolve().parent.parent / "docs/trainer.md").read_text("utf-8")
    make_encoder(tmp_path / "encoder")
    small = {"n": 24, "start": 0}, {"n": 9, "start": 1000}
    for name, size in zip(("train", "validation"), small, strict=True):
        write_lines(tmp_path / f"{name}.jsonl", make_questions(**size))
        (tmp_path / f"{name}.conll").write_text(make_sentences(**size), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    session: dict[str, object] = {}
    printed = []
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        if language == "python":
            capsys.readouterr()
            exec(compile(block, "trainer.md", "exec"), session)
            printed.append(capsys.readouterr().out)
            continue
        for line in block.splitlines():
            words, _, file = line.removeprefix("spanfit ").partition(" > ")
            code, out, err = command(*words.split())
            assert code == 0, err
            if file:
                quick = re.sub(r"(?m)^epochs = .*", 'epochs = 1\ndevice = "cpu"', out)
                Path(file).write_text(re.sub(r'(?m)^device = "auto".*\n', "", quick))
    by_trainer = float(printed[0].splitlines()[-1])
    assert float(printed[1].splitlines()[-1]) == pytest.approx(by_trainer, abs=1e-6)
    assert len(printed) == 4
