"""Exported networks from anybody: what does not fit, or lies elsewhere, is refused."""

from __future__ import annotations

import json
import os
import shutil
from importlib.util import find_spec

import numpy as np
import pytest
from toy_tokenizers import DATA

import spanfit
from spanfit.backends.formats import choose_format
from spanfit.errors import ModelError
from spanfit.settings import ModelSettings

NEEDED = ("onnx", "onnxruntime")
MISSING = [package for package in NEEDED if find_spec(package) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (pip install '.[export]')"
)


def make_network(table, *, inputs=("input_ids", "attention_mask"), external=None):
    """A network that looks the logits of each token up in a table (pieces, outputs)."""
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(table.astype(np.float32), "table")
    if external is not None:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=external)
    given = [helper.make_tensor_value_info(n, TensorProto.INT64, [1, "N"]) for n in inputs]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, "N", "K"])
    node = helper.make_node("Gather", ["table", inputs[0]], ["logits"])
    graph = helper.make_graph([node], "lookup", given, [logits], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


@pytest.fixture
def folder(tmp_path):
    """What `spanfit export --out` writes, with a network of one table."""
    folder = tmp_path / "served"
    shutil.copytree(DATA / "wordpiece", folder)
    (folder / "config.json").write_text("{}")
    ModelSettings.model_validate({"windows": {"max_length": 48, "overlap": 16}}).save(folder)
    (folder / "onnx").mkdir()
    write_network(folder, make_network(make_table(folder)))
    (folder / "onnx" / "export.json").write_text('{"onnx": {"max_length": 128}}')
    return folder


def make_table(folder, *, outputs=2):
    pieces = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    rows = np.arange(len(pieces) + 10)[:, None]
    return np.sin(rows + np.arange(outputs))


def write_network(folder, content):
    (folder / "onnx" / "model.onnx").write_bytes(content)


def refuse(folder, *parts):
    with pytest.raises(ModelError) as caught:
        spanfit.load(folder)
    error, message = caught.value, str(caught.value)
    assert error.where and error.fix and (error.expected or error.found)
    for part in parts:
        assert part in message
    return message


def test_a_right_one_answers(folder):
    assert spanfit.load(folder).ask("Who?", "Ada lives in Elm.").n_best


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(folder, value):
    write_network(folder, make_network(np.full_like(make_table(folder), value)))
    refuse(folder, "is no numbers: NaN or infinite")


def test_a_network_of_fewer_pieces_than_the_tokenizer_has_is_refused(folder):
    write_network(folder, make_network(make_table(folder)[:-20]))
    refuse(folder, "does not fit the tokenizer")


def test_a_network_of_other_outputs_is_refused(folder):
    write_network(folder, make_network(make_table(folder, outputs=3)))
    refuse(folder, "does not fit the tokenizer", "3), not (2, ")


def test_a_network_that_wants_something_else_than_text_is_refused(folder):
    write_network(folder, make_network(make_table(folder), inputs=("input_ids", "pixels")))
    refuse(folder, "does not fit the tokenizer", "pixels")


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"not a network", b"\x80\x04]."])
def test_what_is_no_network_is_refused(folder, content):
    write_network(folder, content)
    refuse(folder, "onnx/model.onnx: this exported network cannot be read")


@pytest.mark.parametrize("place", ["../../outside.bin", "ABSOLUTE", "link.bin"])
def test_weights_outside_of_the_folder_are_not_read(folder, place, tmp_path):
    table = make_table(folder).astype(np.float32)
    outside = tmp_path / "outside.bin"
    outside.write_bytes(table.tobytes())
    if place == "link.bin":
        (folder / "onnx" / place).symlink_to(outside)
    name = str(outside) if place == "ABSOLUTE" else place
    write_network(folder, make_network(table, external=name))
    refuse(folder, "onnx")


def test_weights_beside_the_network_are_read(folder):
    table = make_table(folder).astype(np.float32)
    (folder / "onnx" / "model.onnx.data").write_bytes(table.tobytes())
    expected = spanfit.load(folder).ask("Who?", "Ada lives in Elm.")
    write_network(folder, make_network(table, external="model.onnx.data"))
    assert spanfit.load(folder).ask("Who?", "Ada lives in Elm.") == expected


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{",
        "[" * 100_000,
        '{"onnx": "../../x"}',
        '{"onnx": {"max_length": "../x"}}',
        '{"onnx": {"max_length": -1}}',
        '{"onnx": {"max_length": 1.5}}',
        '{"onnx": {"max_length": true}}',
        '{"onnx": {"max_length": 128, "file": "\\u0000"}}',
        '{"onnx": {"max_length": 16}}',
    ],
)
def test_tricks_in_the_report_of_an_export_are_refused(folder, content):
    (folder / "onnx" / "export.json").write_text(content)
    refuse(folder)


def test_a_report_names_no_files(folder, tmp_path):
    """What is run is onnx/model.onnx, whatever the report says."""
    report = {"onnx": {"max_length": 128, "file": "../../elsewhere.onnx", "weights": "/etc"}}
    (folder / "onnx" / "export.json").write_text(json.dumps(report))
    assert spanfit.load(folder).ask("Who?", "Ada lives in Elm.").n_best


def test_a_report_of_a_gigabyte_is_refused_unread(folder):
    os.truncate(folder / "onnx" / "export.json", 10**9)
    refuse(folder, "too large", "1,000.0 MB")


def test_pickled_weights_are_no_reason_to_take_torch(folder):
    """They are not read, so what was exported is run."""
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04].")
    form = choose_format(str(folder), "auto")
    assert form is not None and form.name == "onnx"
