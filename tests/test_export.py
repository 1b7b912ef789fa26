"""Exported networks: they answer as torch does, are refused where not, and need no torch to run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from test_light import REPOSITORY, base_requirements, closure, link
from tiny_models import make_encoder, make_questions, make_sentences, write_lines

import spanfit
from spanfit.backends.formats import choose_format, name_backend
from spanfit.data import read
from spanfit.errors import ArgumentError, DataError, ModelError, RecipeError
from spanfit.exports import making
from spanfit.exports.graphs import write_onnx
from spanfit.exports.quantization import list_narrowing, quantize_onnx
from spanfit.settings import Calibration, ModelSettings
from spanfit.tokenizer_opening import load_tokenizer

NEEDED = ("onnx", "onnxscript", "onnxruntime", "openvino", "nncf")
MISSING = [package for package in NEEDED if find_spec(package) is None]
pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(
        bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (pip install '.[export]')"
    ),
]

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
TEXT = "Ada Reed lives in Brook Bay. " * 12
KINDS = ("onnx", "onnx-int8", "openvino", "openvino-int8")


def make_model(folder: Path, head: str, settings: dict) -> Path:
    """A tiny random model with its head, as SpanFit saves one; its logits are far apart."""
    make_encoder(folder)
    torch.manual_seed(1)
    n_outputs = 2 if head == "QuestionAnswering" else len(TAGS)
    network = getattr(transformers, f"AutoModelFor{head}").from_pretrained(
        folder, num_labels=n_outputs, num_hidden_layers=1
    )
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim == 2:
                weight *= 8
    network.save_pretrained(folder)
    load_tokenizer(folder).save(folder)
    ModelSettings.model_validate(settings).save(folder)
    return folder


def export_kinds(model: Path, data: Path, kinds: tuple[str, ...], out: Path | None = None):
    """The exports by their backends' names; the network is traced once, which takes seconds."""
    made, kept = {}, model.parent / "kept.onnx"

    def write_once(network, inputs, file, *, source):
        if not kept.exists():
            write_onnx(network, inputs, kept, source=source)
        shutil.copy(kept, file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spanfit.exports.graphs.write_onnx", write_once)
        for kind in kinds:
            runtime, _, precision = kind.partition("-")
            made[kind] = spanfit.export(model, to=runtime, int8=bool(precision), data=data, out=out)
    return made


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    """A question model, its data, and the four exports of it in its own folder."""
    folder = tmp_path_factory.mktemp("questions")
    lines = make_questions(64, unanswerable=True)  # enough of both kinds to fit a threshold
    lines[3]["context"] = " ".join(line["context"] for line in make_questions(12, start=50))
    lines[3]["answers"] = []
    data = write_lines(folder / "data.jsonl", lines)
    settings = {
        "windows": {"max_length": 48, "overlap": 16},
        "calibration": {"torch": {"threshold": 0.25}},
    }
    model = make_model(folder / "model", "QuestionAnswering", settings)
    return model, data, export_kinds(model, data, KINDS)


@pytest.fixture(scope="module")
def tagging(tmp_path_factory):
    """The same for a tagging model, of 32 bits only, in a folder that holds nothing else."""
    folder = tmp_path_factory.mktemp("tagging")
    data = folder / "data.conll"
    data.write_text(make_sentences(25), encoding="utf-8")
    settings = {
        "task": "tagging",
        "tagging": {"tags": TAGS},
        "windows": {"max_length": 24, "overlap": 8},
    }
    model = make_model(folder / "model", "TokenClassification", settings)
    out = folder / "served"
    return model, data, export_kinds(model, data, ("onnx", "openvino"), out)


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_questions_are_answered_as_by_torch(questions, kind):
    model, data, made = questions
    assert made[kind].parity.difference < 1e-4
    assert made[kind].parity.n_windows > 40  # one context takes several
    assert made[kind].parity.longest == 48  # as long as windows may be
    expected = list(spanfit.load(model, backend="torch").predict(read(data)))
    found = list(spanfit.load(model, backend=kind).predict(read(data)))
    for one, other in zip(expected, found, strict=True):
        assert other.null_odds == pytest.approx(one.null_odds, abs=1e-3)
        places = [[(c.start, c.end) for c in p.n_best[:3]] for p in (one, other)]
        assert places[0] == places[1]
        assert other.threshold == 0.25  # torch's, since nothing was fitted to this backend


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_texts_are_tagged_as_by_torch(tagging, kind):
    model, data, made = tagging
    folder = made[kind].folder
    assert not list(folder.glob("*.safetensors"))
    one, other = spanfit.load(model), spanfit.load(folder, backend=kind)
    assert one.evaluate(read(data)).figures == other.evaluate(read(data)).figures
    expected, found = one.tag(TEXT), other.tag(TEXT)
    assert found.tags == expected.tags
    assert len(found.entities) > 2
    for left, right in zip(expected.entities, found.entities, strict=True):
        assert (left.start, left.end, left.label) == (right.start, right.end, right.label)
        assert left.probability == pytest.approx(right.probability, abs=1e-4)


def test_pipelines_take_an_export(questions):
    model, _, made = questions
    assert made["onnx"].max_length == made["onnx"].to_json()["max_length"] == 128
    ask = {
        name: spanfit.pipeline("question-answering", model=str(model), backend=name)
        for name in ("torch", "onnx")
    }
    expected, found = (each(question="Where does Ada live?", context=TEXT) for each in ask.values())
    assert found["score"] == pytest.approx(expected["score"], abs=1e-4)
    assert (found["start"], found["end"]) == (expected["start"], expected["end"])
    assert ask["onnx"].model.max_length == ask["torch"].model.max_length
    with pytest.raises(RecipeError, match="computes on the CPU"):
        spanfit.pipeline(model=str(model), backend="onnx", device="cuda")
    with pytest.raises(ArgumentError, match="has its tokenizer beside it"):
        spanfit.pipeline(
            model=str(model), backend="onnx", tokenizer=ask["torch"].model.predictor.tokenizer
        )
    with pytest.raises(ArgumentError, match="its backend"):
        spanfit.pipeline(model=ask["onnx"].model, backend="onnx")


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_does_not_depend_on_those_beside_it(questions, kind):
    model, data, _ = questions
    loaded = spanfit.load(model, backend=kind)
    alone = [next(iter(loaded.predict([example]))) for example in read(data)[:6]]
    assert list(loaded.predict(read(data)[:6])) == alone


@pytest.mark.parametrize("kind", ["onnx-int8", "openvino-int8"])
def test_eight_bits_are_smaller_and_their_loss_is_reported(questions, kind):
    model, _, made = questions
    done = made[kind]
    assert done.n_bytes < made[kind.removesuffix("-int8")].n_bytes
    assert done.loss.metric == "squad_v2"
    before, after = done.loss.figures["F1"]
    assert 0 <= before <= 100
    assert done.loss.f1 >= before - after
    report = done.to_json()
    assert report["loss"]["F1"] == [before, after]
    assert report["logits"]["largest_difference"] < 1e-4
    assert report["data"]["n_examples"] == 64
    # Fitted to this backend, on these data; torch's own calibration is what it was.
    settings = ModelSettings.model_validate(json.loads((model / "spanfit.json").read_text()))
    fitted, torchs = settings.calibration[kind], settings.calibration["torch"]
    assert fitted == done.loss.exported.fit.calibration
    assert fitted.threshold != torchs.threshold  # a random network at 0.25 is never the best
    assert fitted.n_examples == 64
    assert torchs.threshold == 0.25
    assert settings.calibration_of("onnx") == torchs


def test_a_large_loss_is_warned_of(questions, monkeypatch, tmp_path):
    model, data, _ = questions
    monkeypatch.setattr("spanfit.exports.parity.MAX_LOSS", -101.0)  # any loss is larger
    monkeypatch.setattr("spanfit.exports.graphs.write_onnx", copy_onnx_of(model))
    done = spanfit.export(model, to="onnx", int8=True, data=data, out=tmp_path / "out")
    assert any("8 bits cost this model" in warning for warning in done.warnings)
    assert done.to_json()["layers_in_32_bits"] == done.n_spared


def test_layers_that_narrow_may_keep_their_bits(questions, tmp_path):
    import onnx

    exact = questions[0] / "onnx" / "model.onnx"
    spares = list_narrowing(exact)
    assert len(spares) == 2  # of the one layer the second half of its feed-forward, and the head
    spared, small = tmp_path / "spared.onnx", tmp_path / "small.onnx"
    quantize_onnx(exact, spared, spares=spares)
    quantize_onnx(exact, small)
    assert small.stat().st_size < spared.stat().st_size < exact.stat().st_size
    kept, quantized = ({node.name for node in onnx.load(f).graph.node} for f in (spared, small))
    assert set(spares) <= kept
    assert not set(spares) & quantized
    assert len(kept) < len(quantized)


def copy_onnx_of(model: Path):
    """Writes the network that was traced for this model; tracing takes seconds."""
    kept = (model / "onnx" / "model.onnx").read_bytes()
    return lambda network, inputs, file, *, source: file.write_bytes(kept)


def test_a_network_that_computes_something_else_is_refused(questions, monkeypatch, tmp_path):
    import onnx
    from onnx import numpy_helper

    def write_broken(network, inputs, file, *, source):
        """The largest weight, off by a thousandth: what a wrong conversion might do."""
        proto = onnx.load(model / "onnx" / "model.onnx")
        weights = [w for w in proto.graph.initializer if len(w.dims) == 2]
        weight = max(weights, key=lambda w: np.prod(w.dims))
        values = numpy_helper.to_array(weight).copy()
        values *= 1.001
        weight.CopyFrom(numpy_helper.from_array(values, weight.name))
        onnx.save(proto, file)

    model, data, _ = questions
    monkeypatch.setattr("spanfit.exports.graphs.write_onnx", write_broken)
    out = tmp_path / "out"
    with pytest.raises(ModelError, match="does not compute what torch does") as refused:
        spanfit.export(model, to="onnx", data=data, out=out)
    assert "within 0.0001 of torch's" in str(refused.value)
    assert not out.exists()


def test_a_new_folder_is_not_left_behind(questions, monkeypatch, tmp_path):
    model, data, _ = questions

    def fail(backend, inputs, file, *, source):
        raise KeyboardInterrupt

    monkeypatch.setattr("spanfit.exports.graphs.write_onnx", fail)
    with pytest.raises(KeyboardInterrupt):
        spanfit.export(model, to="onnx", data=data, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_needed_to_compare_is_said(questions, command):
    model, _, _ = questions
    code, _, error = command("export", model, "--to", "onnx")
    assert code == 1
    assert "no real examples" in error
    assert "--data FILE" in error


def test_a_run_brings_its_calibration_part(tmp_path):
    file = tmp_path / "run" / "data" / "calibration.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("")
    assert making.find_examples(tmp_path / "run", None) == file
    assert making.find_examples(tmp_path / "run" / "model", None) == file
    with pytest.raises(DataError, match="no real examples"):
        making.find_examples(tmp_path, None)
    with pytest.raises(DataError, match="no such folder"):
        making.find_examples("nowhere", None)


def test_backends_are_chosen_by_what_is_there(questions, tagging, monkeypatch):
    model, served = str(questions[0]), str(tagging[2]["onnx"].folder)
    assert choose_format(model, "auto") is None  # torch: an export changes nothing unasked
    assert choose_format(model, "torch") is None
    assert {kind: choose_format(model, kind).name for kind in KINDS} == {k: k for k in KINDS}
    assert choose_format(served, "auto").name == "openvino"
    here = {"onnxruntime": "a spec"}
    monkeypatch.setattr("spanfit.backends.formats.find_spec", here.get)
    assert choose_format(served, "auto").name == "onnx"
    assert choose_format(model, "auto").name == "onnx"  # without torch
    with pytest.raises(ModelError, match="not exported for the backend onnx-int8"):
        choose_format(served, "onnx-int8")
    with pytest.raises(ModelError, match="no backend 'tensorflow'"):
        choose_format(served, "tensorflow")


def test_another_model_is_not_mixed_into_an_export(questions, tagging):
    model, data, _ = questions
    with pytest.raises(ModelError, match="does not hold the settings of this model"):
        spanfit.export(model, to="onnx", data=data, out=tagging[2]["onnx"].folder)


def test_exports_of_other_weights_are_not_mixed(questions, monkeypatch, tmp_path):
    """Another seed has the same settings; a threshold that was fitted anew goes along."""
    model, data, _ = questions
    monkeypatch.setattr("spanfit.exports.graphs.write_onnx", copy_onnx_of(model))
    folder, out = shutil.copytree(model, tmp_path / "model"), tmp_path / "served"
    spanfit.export(folder, to="onnx", data=data, out=out)
    settings = ModelSettings.model_validate(json.loads((folder / "spanfit.json").read_text()))
    settings = settings.model_copy(update={"calibration": {"torch": Calibration(threshold=-3.0)}})
    settings.save(folder)
    spanfit.export(folder, to="onnx", data=data, out=out)
    assert spanfit.load(out, backend="onnx").predictor.calibration.threshold == -3.0

    network = transformers.AutoModelForQuestionAnswering.from_pretrained(folder)
    with torch.no_grad():
        network.qa_outputs.bias += 1
    network.save_pretrained(folder)
    with pytest.raises(ModelError, match="holds exports of other weights") as refused:
        spanfit.export(folder, to="openvino", data=data, out=out)
    assert "onnx/model.onnx" in str(refused.value)


def test_a_refit_is_of_the_backend_that_predicted(questions, tmp_path, command):
    model, data, _ = questions
    folder = shutil.copytree(model, tmp_path / "model")
    said = tmp_path / "said.jsonl"
    code, _, error = command("predict", folder, data, "--backend", "onnx-int8", "--out", said)
    assert code == 0, error
    words = ("evaluate", folder, data, "--refit", said, "--backend", "onnx-int8")
    code, _, error = command(*words)
    assert code == 0, error
    settings = ModelSettings.model_validate(json.loads((folder / "spanfit.json").read_text()))
    assert settings.calibration["torch"].threshold == 0.25
    served = tmp_path / "served"
    shutil.copytree(folder, served, ignore=shutil.ignore_patterns("*.safetensors", "openvino"))
    (served / "onnx" / "model.onnx").unlink()
    assert name_backend(served, "auto") == name_backend(served, "onnx") == "onnx-int8"
    assert name_backend(folder, "auto") == "torch"


def test_an_export_does_not_change_what_other_backends_resume(questions, tmp_path):
    model, _, _ = questions
    before = spanfit.load(model, backend="torch").predictor.describe()
    folder = shutil.copytree(model, tmp_path / "model")
    settings = ModelSettings.model_validate(json.loads((folder / "spanfit.json").read_text()))
    others = settings.calibration | {"onnx-int8": Calibration(threshold=9.0)}
    settings.model_copy(update={"calibration": others}).save(folder)
    assert spanfit.load(folder, backend="torch").predictor.describe() == before


def test_openvino_tells_nobody_that_it_is_used():
    code = (
        "import sys; from spanfit.backends.formats import FORMATS\n"
        "from spanfit.exports.folders import require_packages\n"
        "require_packages(FORMATS['openvino-int8'])\n"
        "assert 'openvino' in sys.modules and 'nncf' in sys.modules\n"
        "assert sys.modules['openvino_telemetry'] is None"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_eight_bits_of_a_tagging_model(tagging, monkeypatch, tmp_path):
    model, data, made = tagging
    monkeypatch.setattr(
        "spanfit.exports.graphs.write_onnx",
        lambda backend, inputs, file, *, source: shutil.copy(made["onnx"].file, file),
    )
    done = spanfit.export(model, to="onnx", int8=True, data=data, out=tmp_path / "out")
    assert done.loss.metric == "conlleval"
    assert set(done.loss.figures) == {"P", "R", "F1"}
    found = spanfit.load(tmp_path / "out").tag(TEXT)
    assert found.entities


def test_a_spoilt_file_and_a_device_are_explained(questions, tmp_path):
    model, _, _ = questions
    folder = shutil.copytree(model, tmp_path / "model")
    (folder / "onnx" / "model.onnx").write_bytes(b"spoilt")
    with pytest.raises(ModelError, match=r"cannot be read[\s\S]*spanfit export MODEL --to onnx"):
        spanfit.load(folder, backend="onnx")
    with pytest.raises(RecipeError, match="computes on the CPU"):
        spanfit.load(model, backend="onnx", device="cuda")


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """Type a command where there is neither torch nor transformers, but both runtimes."""
    from packaging.requirements import Requirement

    folder = tmp_path_factory.mktemp("light")
    venv.create(folder / "venv", with_pip=False, symlinks=os.name != "nt")
    python = folder / "venv" / "bin" / "python"
    packages = next((folder / "venv" / "lib").glob("python*")) / "site-packages"
    runtimes = [Requirement("onnxruntime"), Requirement("openvino")]
    for name in closure([*base_requirements(), *runtimes]):
        link(name, packages)
    (packages / "spanfit").symlink_to(REPOSITORY / "spanfit")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

    def run(*words):
        code = (
            "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
            f"sys.argv = {['spanfit', *map(str, words)]!r}\n"
            "from spanfit.cli import main; main()"
        )
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, env=environment, cwd=folder
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_answers_without_torch(questions, light, tmp_path, kind):
    model, _, _ = questions
    context = tmp_path / "context.txt"
    context.write_text(TEXT, encoding="utf-8")
    words = ("ask", model, "--question", "Where does Ada live?", "--context", context, "--json")
    code, out, error = light(*words, "--backend", kind, "--threads", "1")
    assert code == 0, error
    expected = spanfit.load(model, backend=kind).ask("Where does Ada live?", TEXT)
    assert json.loads(out)["n_best"][0]["start"] == expected.n_best[0].start
    assert error == "" or (kind == "openvino-int8" and "this CPU has no instructions" in error)


def test_an_export_tags_without_torch(tagging, light):
    model, _, made = tagging
    code, out, error = light("tag", made["onnx"].folder, TEXT, "--json")
    assert code == 0, error
    found = {(e["start"], e["end"], e["label"]) for e in json.loads(out)["entities"]}
    assert found == {(e.start, e.end, e.label) for e in spanfit.load(model).tag(TEXT).entities}


def test_the_command_prints_what_was_measured(questions, command, monkeypatch):
    model, data, _ = questions
    monkeypatch.setattr("spanfit.exports.graphs.write_onnx", copy_onnx_of(model))
    code, out, error = command("export", model, "--to", "onnx", "--int8", "--data", data)
    assert code == 0, error
    for line in ("backend   onnx-int8", "model-int8.onnx", "within", "scored    64 examples"):
        assert line in out
    assert "→" in out
    assert f"next: spanfit ask {model}" in error.replace("\n", "")
    assert "--backend onnx-int8" in error
    code, out, _ = command("export", model, "--to", "onnx", "--data", data, "--json")
    assert code == 0
    assert json.loads(out)["backend"] == "onnx"


def test_importing_a_backend_loads_no_runtime():
    code = "import sys, spanfit.loading; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"onnxruntime", "openvino", "torch"} & {*done.stdout.split()}
