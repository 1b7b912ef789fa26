"""`spanfit score`: what it prints on a terminal, in a pipe, for a program; its exit codes."""

from __future__ import annotations

import io
import json
import sys

import pytest
from rich.console import Console
from typer.testing import CliRunner

from spanfit.cli import app as cli
from spanfit.cli import console
from spanfit.metrics import SLICES

GOLD = [
    {"id": "q1", "question": "?", "context": "the quay", "answers": [{"text": "quay", "start": 4}]},
    {"id": "q2", "question": "?", "context": "the lamp", "answers": [{"text": "lamp", "start": 4}]},
    {"id": "q3", "question": "?", "context": "the sea", "answers": []},
    {"id": "q4", "question": "?", "context": "the tide", "answers": []},
]
TEXTS = {"q1": "quay", "q2": "red lamp", "q3": "sea", "q4": "tide"}
NA_PROBS = {"q1": 0.1, "q2": 0.3, "q3": 0.4, "q4": 0.9}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gold.jsonl").write_text("\n".join(map(json.dumps, GOLD)))
    (tmp_path / "texts.json").write_text(json.dumps(TEXTS))
    (tmp_path / "na_probs.json").write_text(json.dumps(NA_PROBS))
    return tmp_path


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal of 100 columns shows."""
    screen = io.StringIO()
    console_ = Console(file=screen, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(console, "out", lambda: console_)
    return screen


def run(*arguments):
    return CliRunner().invoke(cli.app, ["score", *map(str, arguments)], catch_exceptions=False)


WITH_NA_PROBS = ("--na-probs", "na_probs.json", "--na-prob-threshold", "0.5")


def test_a_pipe_gets_name_and_value(files):
    result = run("gold.jsonl", "texts.json", *WITH_NA_PROBS)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    values = dict(line.split()[:2] for line in lines)
    assert values["exact"] == "50.00"
    assert values["f1"] == "66.67"
    assert values["NoAns_f1"] == "50.00"
    assert values["HasAns_total"] == "2"
    assert values["missing"] == "0"
    assert values["metric"] == "squad_v2"
    assert values["n"] == "4"
    assert "best_f1 91.67 # threshold chosen on this data" in lines
    assert "best_f1_thresh 0.3000 # threshold chosen on this data" in lines
    assert len({line.split()[0] for line in lines}) == len(lines)


def test_a_program_gets_json_in_full_precision(files):
    result = run("gold.jsonl", "texts.json", *WITH_NA_PROBS, "--json")
    printed = json.loads(result.stdout)
    assert printed["figures"]["f1"] == pytest.approx(200 / 3, abs=1e-12)
    assert printed["figures"]["total"] == 4
    assert printed["signature"]["metric"] == "squad_v2"
    assert printed["signature"]["selected_on"] == "none"
    assert printed["missing"] == []


def test_a_terminal_gets_a_table(files, terminal):
    run("gold.jsonl", "texts.json", *WITH_NA_PROBS)
    rows = [line.split() for line in terminal.getvalue().splitlines()]
    assert ["squad_v2", "exact", "95", "%", "F1", "95", "%", "questions"] in rows
    assert ["all", "questions", "50.00", "0.0–100.0", "66.67", "25.0–100.0", "4"] in rows
    (with_answer,) = (row for row in rows if "(HasAns)" in row)
    assert (with_answer[4], with_answer[6], with_answer[8]) == ("50.00", "83.33", "2")
    (without,) = (row for row in rows if "(NoAns)" in row)
    assert (without[4], without[6], without[8]) == ("50.00", "50.00", "2")
    assert ["threshold", "chosen", "on", "this", "data", "75.00", "91.67"] in rows
    assert "best_f1" not in terminal.getvalue()
    assert "selected on none" in terminal.getvalue()


def test_missing_predictions_are_warned_of(files):
    (files / "few.json").write_text('{"q4": ""}')
    result = run("gold.jsonl", "few.json")
    assert result.exit_code == 0
    assert "3 of 4 questions have no prediction and count as 0: q1, q2, q3" in result.stderr
    assert "missing 3" in result.stdout
    quiet = run("gold.jsonl", "few.json", "--json")
    assert json.loads(quiet.stdout)["missing"] == ["q1", "q2", "q3"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["gold.jsonl", "nothing.json"], 1, "nothing.json: no such file"),
        (["texts.json", "gold.jsonl"], 1, "texts.json: not a file of questions"),
        (["gold.jsonl", "gold.jsonl"], 1, "these are questions, not predictions"),
        (["gold.jsonl", "na_probs.json"], 1, "'q1' is not a text"),
        (["gold.jsonl", "other.json"], 1, "other.json: 1 of 2 ids are not in the gold"),
        (["gold.jsonl", "texts.json", "--na-probs", "other_na.json"], 1, "1 of 5 ids"),
        (["gold.jsonl", "texts.json", "--metric", "sqad_v2"], 2, "did you mean 'squad_v2'?"),
        (["gold.jsonl", "texts.json", "--metric", "squad_v1"], 1, "--metric squad_v2"),
        (["gold.jsonl", "texts.json", "--na-prob-threshold", "0"], 2, "--na-probs FILE"),
        (["gold.jsonl", "texts.json", "--na-probs-threshold", "0"], 2, "No such option"),
        (["gold.jsonl"], 2, "PREDICTIONS"),
        (["gold.jsonl", "texts.json", "--by", "question_wrod"], 2, "did you mean 'question_word'?"),
        (["gold.jsonl", "texts.json", "--worst", "-1"], 2, "--worst"),
        (["gold.jsonl", "texts.json", "other.json"], 1, "1 of 2 ids are not in the gold"),
        (["gold.jsonl", "texts.json", "texts.json", *WITH_NA_PROBS], 2, "--na-probs 2 times"),
    ],
)
def test_wrong_input_is_one_message_and_an_exit_code(
    files, monkeypatch, capsys, arguments, code, message
):
    (files / "other.json").write_text('{"q1": "quay", "p7": "sea"}')
    (files / "other_na.json").write_text(json.dumps(NA_PROBS | {"p7": 0.5}))
    monkeypatch.setattr(sys, "argv", ["spanfit", "score", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    printed = capsys.readouterr()
    assert caught.value.code == code
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


# Slices, the worst, comparisons -----------------------------------------------------------------


def test_intervals_stand_beside_their_figures(files):
    values = dict(line.split()[:2] for line in run("gold.jsonl", "texts.json").stdout.splitlines())
    assert float(values["f1_low"]) < float(values["f1"]) < float(values["f1_high"])
    assert not any(name.startswith("total_") for name in values)
    printed = json.loads(run("gold.jsonl", "texts.json", *WITH_NA_PROBS, "--json").stdout)
    assert list(printed["intervals"]) == [
        "exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1",
    ]  # fmt: skip
    low, high = printed["intervals"]["f1"]
    assert low < printed["figures"]["f1"] < high


@pytest.fixture
def many(files):
    """The questions and texts six times, every sixth question a synthetic one."""
    gold = [line | {"id": f"{line['id']}/{n}"} for line in GOLD for n in range(6)]
    made = {"synthetic": "other_paragraph"}
    lines = [line | made if line["id"].endswith("/5") else line for line in gold]
    (files / "gold.jsonl").write_text("\n".join(map(json.dumps, lines)))
    texts = {line["id"]: TEXTS[line["id"][:2]] for line in gold}
    (files / "texts.json").write_text(json.dumps(texts))


def test_slices_on_a_terminal(many, terminal):
    run("gold.jsonl", "texts.json", "--by", "has_answer", "--by", "synthetic")
    rows = [line.split() for line in terminal.getvalue().splitlines()]
    (with_answer,) = (row for row in rows if row[:1] == ["HasAns"])
    assert (with_answer[1], with_answer[3], with_answer[5]) == ("50.00", "83.33", "12")
    low, high = map(float, with_answer[2].split("–"))
    assert 0 < low < 50 < high < 100
    (without,) = (row for row in rows if row[:1] == ["NoAns"])
    assert without == ["NoAns", "0.00", "0.00", "12"]  # all wrong: no interval tells how sure
    (made,) = (row for row in rows if row[:1] == ["other_paragraph"])
    assert made == ["other_paragraph", "25.00", "41.67", "4"]  # too few for one


def test_slices_in_a_pipe_and_for_a_program(many):
    lines = run("gold.jsonl", "texts.json", "--by", "all").stdout.splitlines()
    assert "answer_length.1_word.n 12" in lines
    assert "answer_length.1_word.f1 83.33" in lines
    assert any(line.startswith("question_word.other.exact_low ") for line in lines)
    assert "title.(no_title).n 24" in lines
    assert "synthetic.other_paragraph.n 4" in lines
    assert not any(line.startswith("synthetic.other_paragraph.f1_") for line in lines)
    assert all("\t" not in line and len(line.split()) >= 2 for line in lines)
    printed = json.loads(run("gold.jsonl", "texts.json", "--by", "all", "--json").stdout)
    assert list(printed["slices"]) == list(SLICES)
    part = printed["slices"]["answer_length"]["1 word"]
    assert part["f1"] == pytest.approx(250 / 3)
    low, high = part["intervals"]["f1"]
    assert low < part["f1"] < high
    made = printed["slices"]["synthetic"]["other_paragraph"]
    assert made["intervals"] == {"exact": None, "f1": None}


def test_the_worst_questions(files, terminal):
    (files / "few.json").write_text(json.dumps({"q1": "the\nquay", "q2": "red lamp", "q4": ""}))
    run("gold.jsonl", "few.json", "--worst", "2")
    shown = terminal.getvalue()
    assert "1. F1 0.00  exact 0  q3" in shown
    assert "2. F1 66.67  exact 0  q2" in shown
    assert "prediction: (no prediction)" in shown
    assert "gold:       no answer" in shown
    assert "prediction: red lamp" in shown


def test_the_worst_questions_in_a_pipe_and_for_a_program(files):
    (files / "few.json").write_text(json.dumps({"q1": "the\nold\tquay", "q2": "lamp", "q4": ""}))
    lines = run("gold.jsonl", "few.json", "--worst", "3").stdout.splitlines()
    assert "worst.1.id q3" in lines
    assert "worst.2.prediction the old quay" in lines
    assert "worst.2.f1 66.67" in lines
    printed = json.loads(run("gold.jsonl", "few.json", "--worst", "2", "--json").stdout)
    assert [case["id"] for case in printed["worst"]] == ["q3", "q1"]
    assert printed["worst"][0]["predicted"] is None
    assert printed["worst"][1]["predicted"] == "the\nold\tquay"
    assert printed["worst"][1]["golds"] == ["quay"]


OTHER = {"q1": "quay", "q2": "lamp", "q3": "sea"}


def test_two_files_are_compared(files):
    (files / "other.json").write_text(json.dumps(OTHER))
    result = run("gold.jsonl", "texts.json", "other.json")
    assert result.exit_code == 0
    assert "other.json: 1 of 4 questions have no prediction and count as 0: q4" in result.stderr
    lines = result.stdout.splitlines()
    values = dict(line.split()[:2] for line in lines)
    assert len(values) == len(lines)
    assert (values["a.exact"], values["b.exact"], values["difference.exact"]) == (
        "25.00", "50.00", "25.00",
    )  # fmt: skip
    assert [values[f"difference.exact_{count}"] for count in ("wins", "losses", "ties")] == [
        "1", "0", "3",
    ]  # fmt: skip
    assert float(values["difference.exact_p"]) > 0.3
    assert (values["a.missing"], values["b.missing"], values["metric"]) == ("0", "1", "squad_v2")


def test_a_comparison_for_a_program_and_on_a_terminal(files, terminal):
    (files / "other.json").write_text(json.dumps(OTHER))
    run("gold.jsonl", "texts.json", "other.json", "--by", "has_answer")
    shown = terminal.getvalue()
    assert "A = texts.json" in shown
    assert "B = other.json" in shown
    assert shown.count("has answer") == 2
    rows = [line.split() for line in shown.splitlines()]
    (row,) = (row for row in rows if row[:2] == ["exact", "25.00"])
    assert row[1:4] == ["25.00", "50.00", "+25.00"]
    assert row[-2:] == ["1", "0"]


def test_a_comparison_in_json(files):
    (files / "other.json").write_text(json.dumps(OTHER))
    printed = json.loads(run("gold.jsonl", "texts.json", "other.json", "--json").stdout)
    assert printed["a"]["file"] == "texts.json"
    assert printed["b"]["figures"]["exact"] == 50
    assert printed["comparison"]["exact"]["difference"] == 25
    low, high = printed["comparison"]["exact"]["interval"]
    assert low <= 25 <= high


def test_a_file_is_as_good_as_itself(files):
    result = run("gold.jsonl", "texts.json", "texts.json", "--json")
    for difference in json.loads(result.stdout)["comparison"].values():
        assert difference["difference"] == difference["wins"] == difference["losses"] == 0
        assert difference["interval"] == [0, 0]
        assert difference["p_value"] == 1


def test_each_file_may_have_its_na_probs(files):
    (files / "nothing.json").write_text(json.dumps(dict.fromkeys(NA_PROBS, 1.0)))
    options = (*WITH_NA_PROBS, "--na-probs", "nothing.json", "--json")
    printed = json.loads(run("gold.jsonl", "texts.json", "texts.json", *options).stdout)
    assert printed["a"]["figures"]["exact"] == 50
    assert printed["b"]["figures"]["NoAns_exact"] == 100
    assert printed["b"]["figures"]["HasAns_exact"] == 0


# Tagged texts -----------------------------------------------------------------------------------

COLUMNS = """\
Mira B-PER
Lund I-PER
left O

Oslo B-LOC
sleeps O
"""


@pytest.fixture
def tagged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gold.conll").write_text("-DOCSTART- O\n\n" + COLUMNS)
    (tmp_path / "said.conll").write_text(COLUMNS.replace("Oslo B-LOC", "Oslo I-PER"))
    line = {"id": "7", "words": ["Oslo", "sleeps"], "tags": ["B-LOC", "O"]}
    (tmp_path / "said.jsonl").write_text(json.dumps(line))
    return tmp_path


def test_tags_in_a_pipe(tagged):
    result = run("gold.conll", "said.conll", "--by", "all", "--worst", "1")
    lines = result.stdout.splitlines()
    values = dict(line.split(" ", 1) for line in lines)
    assert len(values) == len(lines)
    assert (values["precision"], values["recall"], values["f1"]) == ("50.00", "50.00", "50.00")
    assert (values["accuracy"], values["exact"], values["units"]) == ("80.00", "50.00", "5")
    assert values["invalid_tags"] == "1"
    assert values["labels.PER.f1"] == "66.67"
    assert (values["labels.PER.n_predicted"], values["labels.PER.n_gold"]) == ("2", "1")
    assert (values["label.LOC.n"], values["label.LOC.recall"]) == ("1", "0.00")
    assert values["length.1–4_units.n"] == "2"
    assert values["has_entity.with_an_entity.n_gold"] == "2"
    assert values["document.1.n"] == "2"
    assert (values["worst.1.id"], values["worst.1.n_wrong"]) == ("7", "2")
    assert values["worst.1.gold"] == "[Oslo LOC] sleeps"
    assert values["worst.1.prediction"] == "[Oslo PER] sleeps"
    assert (values["metric"], values["scheme"], values["n"]) == ("conlleval", "IOB2", "2")
    assert "language" not in values
    assert float(values["f1_low"]) <= 50 <= float(values["f1_high"])


def test_tags_on_a_terminal(tagged, terminal):
    run("gold.conll", "said.conll", "--by", "label", "--worst", "1")
    shown = terminal.getvalue()
    rows = [line.split() for line in shown.splitlines()]
    assert ["conlleval", "precision", "recall", "F1", "95", "%", "predicted", "gold"] in rows
    assert ["PER", "50.00", "100.00", "66.67", "2", "1"] in rows
    assert ["all", "(micro)", "50.00", "50.00", "50.00", "0.0–100.0", "2", "2"] in rows
    assert ["mean", "(macro)", "25.00", "50.00", "33.33", "0.0–50.0"] in rows
    remarks = " ".join(shown.split())
    assert "accuracy of tags 80.00" in remarks
    assert "predicted tags that break their scheme: 1" in remarks
    assert "partial credit (SemEval-2013): strict 50.00 · exact 100.00" in remarks
    assert ["label", "precision", "recall", "F1", "95", "%", "gold", "texts"] in rows
    assert "1. 2 wrong  7" in shown
    assert "gold:       [Oslo LOC] sleeps" in shown


def test_tags_for_a_program(tagged):
    printed = json.loads(run("gold.conll", "said.jsonl", "--json", "--worst", "1").stdout)
    assert printed["figures"]["recall"] == 50
    assert printed["labels"]["LOC"]["n_gold"] == 1
    assert printed["partial"]["type"]["missed"] == 1
    assert printed["missing"] == ["3"]
    assert printed["signature"]["scheme"] == "IOB2"
    assert printed["worst"][0]["gold"][0] == {
        "start": 0,
        "end": 9,
        "label": "PER",
        "text": "Mira Lund",
    }
    assert printed["worst"][0]["predicted"] is None


def test_texts_without_a_prediction_are_warned_of(tagged):
    result = run("gold.conll", "said.jsonl")
    assert "1 of 2 texts have no prediction and their gold counts as not found: 3" in result.stderr


def test_two_files_of_tags_are_compared(tagged, terminal):
    run("gold.conll", "said.conll", "said.jsonl")
    rows = [line.split() for line in terminal.getvalue().splitlines()]
    (row,) = (row for row in rows if row[:2] == ["precision", "50.00"])
    assert row[:4] == ["precision", "50.00", "100.00", "+50.00"]
    assert row[-2:] == ["1", "0"]


def test_the_gold_may_be_another_column(tagged):
    (tagged / "pos.conll").write_text("ships NN O\nsail VB O\n")
    (tagged / "said_pos.conll").write_text("ships NN\nsail NN\n")
    values = run("pos.conll", "said_pos.conll", "--columns", "tags=2").stdout
    assert "accuracy 50.00" in values
    assert "metric accuracy" in values


def test_repairs_of_the_gold_are_told(tagged):
    (tagged / "broken.conll").write_text(COLUMNS.replace("B-LOC", "I-LOC"))
    result = run("broken.conll", "said.conll", "--columns", "repair=conlleval")
    assert result.exit_code == 0
    assert "I-LOC → B-LOC" in result.stderr
    assert "repair conlleval" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["gold.conll", "said.conll", "--by", "question_word"],
            2,
            "texts scored by conlleval have",
        ),
        (["gold.jsonl", "texts.json", "--by", "label"], 2, "questions scored by squad_v2 have no"),
        (["gold.conll", "said.conll", "--by", "lable"], 2, "did you mean 'label'?"),
        (["gold.conll", "said.conll", "--metric", "acuracy"], 2, "did you mean 'accuracy'?"),
        (["gold.conll", "texts.json"], 1, "predicts no tags"),
        (["gold.jsonl", "said.jsonl"], 1, "the key 'answer' is missing"),
    ],
)
def test_what_belongs_to_the_other_task_is_refused(
    files, tagged, monkeypatch, capsys, arguments, code, message
):
    monkeypatch.setattr(sys, "argv", ["spanfit", "score", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    printed = capsys.readouterr()
    assert caught.value.code == code
    assert message in printed.err
    assert printed.out == ""


# The official figures ----------------------------------------------------------------------------


def test_the_command_prints_the_figures_of_conlleval_and_seqeval(shared):
    folder = shared / "expected"
    files = (shared / "data/conll2003/test.txt", folder / "conll2003_test.pred.conll")
    official = json.loads((folder / "conll2003_test.seqeval.json").read_text())
    for metric, key in (("conlleval", "default"), ("seqeval_strict", "strict_iob2")):
        printed = json.loads(run(*files, "--metric", metric, "--json").stdout)
        for name, value in official[key].items():
            assert printed["figures"][name] / 100 == pytest.approx(value, rel=0, abs=1e-9)
    lines = run(*files).stdout.splitlines()
    assert {"accuracy 93.60", "precision 62.25", "recall 91.06", "f1 73.95"} <= {*lines}
    assert {"labels.MISC.f1 60.87", "labels.PER.precision 64.58"} <= {*lines}


@pytest.mark.parametrize(
    ("key", "gold", "options"),
    [
        ("squad_v1_dev", "squad_v1/dev-v1.1.json", ["--metric", "squad_v1"]),
        ("squad_v2_dev", "squad_v2/dev-v2.0.json", ["--na-prob-threshold", "0.5", "--na-probs"]),
        ("squad_v2_dev_without_na_probs", "squad_v2/dev-v2.0.json", []),
    ],
)
def test_the_command_prints_the_official_figures(shared, key, gold, options):
    folder, stem = shared / "expected", key.removesuffix("_without_na_probs")
    expected = json.loads((folder / "official_scores.json").read_text())[key]
    if "--na-probs" in options:
        options = [*options, folder / f"{stem}.na_probs.json"]
    result = run(shared / "data" / gold, folder / f"{stem}.predictions.json", *options, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["figures"] == pytest.approx(expected, rel=0, abs=1e-9)
