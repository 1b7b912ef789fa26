"""`spanfit push`: what it uploads and says, to a hub on this machine, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_hub import FakeHub

from spanfit.card_rows import PLACE
from spanfit.errors import ModelError
from spanfit.settings import ModelSettings
from spanfit.upload import list_upload, set_licence

REPOSITORY = Path(__file__).resolve().parent.parent
CARD = f"---\npipeline_tag: question-answering\n---\n# lamps\n\nspanfit.load({PLACE!r})\n"
MODEL_FILES = {
    "README.md",
    "config.json",
    "model.safetensors",
    "scores.json",
    "spanfit.json",
    "tokenizer.json",
    "tokenizer_config.json",
}


@pytest.fixture
def hub():
    with FakeHub(tokens={"hf_writer": {"toy-org"}}) as started:
        yield started


@pytest.fixture
def run(tmp_path):
    """A run folder as a training leaves it, with what a push must leave out; no network in it."""
    folder = tmp_path / "runs/qa-001"
    model = folder / "model"
    model.mkdir(parents=True)
    ModelSettings().save(model)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (model / name).write_text("{}")
    (model / "model.safetensors").write_bytes(bytes(range(256)) * 9)
    (model / "README.md").write_text(CARD)
    private = ("training_args.bin", "optimizer.pt", "trainer_state.json", ".cache", "a.tmp")
    data = ("answers.jsonl", "train.csv", "train.txt", "tokens.npz", "last.ckpt", "notes.joblib")
    for name in (*private, *data):
        (model / name).write_text("private")
    (folder / "scores.json").write_text('{"epoch": 1}')
    (folder / "predictions").mkdir()
    (folder / "predictions/validation.jsonl").write_text("{}\n")
    return folder


RUNNER = """
import contextlib, io, json, os, sys
from spanfit.cli import main
for words, token in json.load(sys.stdin):
    os.environ["HF_TOKEN"], sys.argv = token, ["spanfit", *words]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


@dataclass(frozen=True)
class Done:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


def spanfit(*commands, hub, home, token="hf_writer", **changes) -> list[Done]:
    """Commands typed one after the other, in a process of their own; (words, token) has a token."""
    typed = [(c if isinstance(c, tuple) else (c, token)) for c in commands]
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps([([str(word) for word in words], key or "") for words, key in typed]),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ
        | {"PYTHONPATH": str(REPOSITORY)}
        | hub.environment(home, token=token)
        | changes,
    )
    return [Done(*json.loads(line)) for line in done.stdout.splitlines()]


def test_a_new_repository_gets_what_the_model_is_and_no_more(hub, run, tmp_path):
    (done,) = spanfit(["push", run, "toy-org/lamps", "--private"], hub=hub, home=tmp_path)
    assert done.returncode == 0, done.stderr
    repository = hub.repositories["toy-org/lamps"]
    files = repository.files("main")
    assert repository.is_private
    assert {*files} - {".gitattributes"} == MODEL_FILES
    assert files["model.safetensors"] == (run / "model/model.safetensors").read_bytes()
    assert b"spanfit.load('toy-org/lamps')" in files["README.md"]
    assert PLACE in (run / "model/README.md").read_text(), "the run stays as it is"
    assert done.stdout.startswith(f"made: {hub.url}/toy-org/lamps at ")
    lines = done.stderr.splitlines()
    assert lines[0] == "7 files, 2.7 kB, to toy-org/lamps:"
    assert "     2.3 kB  model.safetensors" in lines
    assert lines[-1] == 'next: spanfit ask toy-org/lamps --question "…" --context FILE'
    assert "names no licence" in done.stderr


def test_pushed_again_only_what_changed_is_sent_and_old_weights_go(hub, run, tmp_path):
    words = ["push", run, "toy-org/lamps", "--json"]
    assert spanfit(words, hub=hub, home=tmp_path)[0].returncode == 0
    repository = hub.repositories["toy-org/lamps"]
    weights = run / "model/model.safetensors"
    weights.rename(run / "model/model-00001-of-00001.safetensors")
    (run / "model/model.safetensors.index.json").write_text("{}")
    repository.commit("main", repository.files("main") | {"notes.txt": b"somebody's"})
    sent = len([path for method, path in hub.requests if method == "PUT"])
    words += ["--private", "--license", "apache-2.0"]
    (done,) = spanfit(words, hub=hub, home=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["removed"] == ["model.safetensors"]
    assert (answer["is_new"], answer["model"]) == (False, "toy-org/lamps")
    assert answer["commit"] == repository.branches["main"]
    files = repository.files("main")
    assert "notes.txt" in files and "model.safetensors" not in files
    assert files["README.md"].startswith(b"---\nlicense: apache-2.0\npipeline_tag: question")
    assert not repository.is_private and "whether it is private stays" in done.stderr
    assert len([path for method, path in hub.requests if method == "PUT"]) == sent, "sent twice"


def test_a_branch(hub, run, tmp_path):
    words = ["push", run, "toy-org/lamps", "--revision", "v2"]
    (done,) = spanfit(words, hub=hub, home=tmp_path)
    assert done.returncode == 0, done.stderr
    repository = hub.repositories["toy-org/lamps"]
    assert {*repository.files("main")} == {".gitattributes"}
    assert {*repository.files("v2")} == MODEL_FILES | {".gitattributes"}
    assert "toy-org/lamps@v2" in done.stderr.splitlines()[-1]


REFUSED = [
    (None, "toy-org/lamps", ["who they are", "hf auth login, or HF_TOKEN=hf_…"]),
    ("hf_wrong", "toy-org/lamps", ["does not know this token", "401", "hf auth login"]),
    ("hf_writer", "other-org/lamps", ["may not write there", "403", "under other-org"]),
    ("hf_writer", "not a name", ["Repo id must use alphanumeric"]),
]


def test_what_the_hub_refuses_is_one_message(hub, run, tmp_path):
    typed = [(["push", run, repository], token) for token, repository, _ in REFUSED]
    found = spanfit(*typed, hub=hub, home=tmp_path)
    assert not hub.repositories
    for done, (_, repository, expected) in zip(found, REFUSED, strict=True):
        message = done.stderr.partition("error: ")[2]
        assert done.returncode == 1 and message.startswith(repository), done.stderr
        assert len(message.splitlines()) <= 4
        for part in expected:
            assert part in message


def test_a_card_that_the_hub_does_not_take(hub, run, tmp_path):
    bad = "---\nmodel-index:\n- name: a\n  results:\n  - task: {type: b}\n---\n"
    (run / "model/README.md").write_text(bad)
    (done,) = spanfit(["push", run, "toy-org/lamps"], hub=hub, home=tmp_path)
    assert done.returncode == 1 and "model-index" in done.stderr
    assert {*hub.repositories["toy-org/lamps"].files("main")} == {".gitattributes"}


@pytest.mark.parametrize("change", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}])
def test_without_a_network_it_says_so_at_once(hub, run, tmp_path, change):
    words = ["push", run, "toy-org/lamps", "--private"]
    dry, done = spanfit([*words, "--dry-run", "--json"], words, hub=hub, home=tmp_path, **change)
    assert done.returncode == 1 and "the hub cannot be reached" in done.stderr
    assert dry.returncode == 0, "a dry run asks nobody"
    assert {item["name"] for item in json.loads(dry.stdout)["files"]} == MODEL_FILES
    assert dry.stderr.splitlines()[-1] == f"next: spanfit push {run} toy-org/lamps --private"
    assert not hub.requests


@pytest.mark.parametrize("name", ["spanfit.json", "tokenizer_config.json", "model.safetensors"])
def test_a_model_that_is_not_whole_is_refused(run, name):
    (run / "model" / name).unlink()
    with pytest.raises(ModelError, match="not whole") as caught:
        list_upload(run)
    assert (name if "weights" in name else name.split("model")[-1]) in str(caught.value)


def test_no_model_there(tmp_path):
    with pytest.raises(ModelError, match="no such folder"):
        list_upload(tmp_path / "runs/qa-007")
    with pytest.raises(ModelError, match="no model in this folder"):
        list_upload(tmp_path)


def test_a_model_folder_is_pushed_with_the_scores_beside_its_weights(run):
    model = run / "model"
    assert "scores.json" not in {item.name for item in list_upload(model)}
    (model / "scores.json").write_text("{}")
    assert {item.name for item in list_upload(model)} == MODEL_FILES


def test_a_licence_replaces_another_and_the_text_stays():
    once = set_licence(CARD, "mit")
    assert once == CARD.replace("---\n", "---\nlicense: mit\n", 1)
    assert set_licence(once, "apache-2.0") == once.replace("mit", "apache-2.0")


def test_a_name_that_no_repository_can_have_is_refused_before_anything_is_listed(run, command):
    code, out, err = command("push", run, "my org/lamps!", "--dry-run")
    assert (code, out) == (1, "")
    assert "no repository can have this name" in err
    assert "ORGANISATION/NAME" in err


def test_a_card_without_front_matter_gets_one():
    text = "# lamps\n\nlicense: see below\n---\nThe end.\n"
    licensed = set_licence(text, "mit")
    assert licensed == f"---\nlicense: mit\n---\n{text}"
    assert set_licence(licensed, "apache-2.0") == f"---\nlicense: apache-2.0\n---\n{text}"
