"""The recipes of the five reference systems, each in a short form on real data, start to end.

The encoder is a small random one of the recipe's own architecture, with the published tokenizer
where its vocabulary is here; so the scores mean nothing, and everything else must hold.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import transformers
from toy_tokenizers import DATA, arrange

import spanfit
from spanfit.recipe import read_recipe

pytestmark = pytest.mark.training

RECIPES = Path(__file__).resolve().parent.parent / "recipes"
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
QUESTIONS, TAGS = "AutoModelForQuestionAnswering", "AutoModelForTokenClassification"
ENCODERS = {
    "bert": lambda n: transformers.BertConfig(vocab_size=n, intermediate_size=48, **SMALL),
    "roberta": lambda n: transformers.RobertaConfig(
        vocab_size=n,
        intermediate_size=48,
        max_position_embeddings=514,
        type_vocab_size=1,
        **SMALL,
    ),
    "deberta": lambda n: transformers.DebertaV2Config(
        vocab_size=n,
        intermediate_size=48,
        relative_attention=True,
        position_buckets=32,
        pos_att_type=["p2c", "c2p"],
        type_vocab_size=0,
        **SMALL,
    ),
    "mt5": lambda n: transformers.MT5Config(
        vocab_size=n, d_model=32, d_kv=16, d_ff=48, num_layers=2, num_heads=2
    ),
}


@dataclass(frozen=True)
class Case:
    """A recipe, and what stands in for what it names.

    `tokenizer` is a folder of the real vocabularies, or else the template of a toy one; the files
    are below the real data; `changes` are more of `--set`; `head` must open the folder.
    """

    recipe: str
    encoder: str
    tokenizer: str
    train: str
    validation: str
    changes: tuple[str, ...] = ()
    head: str = QUESTIONS


CASES = [
    Case(
        "squad-v2-bert-base-cased",
        "bert",
        "bert-base-cased",
        "squad_v2/train-v2.0.subset.json",
        "squad_v2/dev-v2.0.json",
    ),
    Case(
        "jsquad-deberta-v2-base-japanese",
        "deberta",
        "roberta",  # a template: this encoder's vocabulary is not here
        "jaquad/jaquad_train.json",
        "jsquad/valid-v1.3.json",
        ("model.segmenter=mecab",),  # Juman++ is a program that may not be installed
    ),
    *(
        Case(
            f"conll2003-{column}-bert-base-cased",
            "bert",
            "bert-base-cased",
            "conll2003/train.txt",
            "conll2003/test.txt",
            (f"columns.tags={column}", "data.calibration="),
            TAGS,
        )
        for column in ("ner", "pos", "chunk")
    ),
    Case(
        "squad-v1-roberta-base",
        "roberta",
        "roberta-base",
        "squad_v1/train-v1.1.subset.json",
        "squad_v1/dev-v1.1.json",
        ("run.precision=fp32",),  # fp16 needs a GPU
    ),
    Case(
        "korquad-v1-mbert",
        "bert",
        "bert-base-multilingual-cased",
        "korquad_v1/KorQuAD_v1.0_dev.json",
        "korquad_v1/KorQuAD_v1.0_dev.json",
    ),
    Case(
        "korquad-v1-mt5-encoder",
        "mt5",
        "t5",
        "korquad_v1/KorQuAD_v1.0_dev.json",
        "korquad_v1/KorQuAD_v1.0_dev.json",
        head=TAGS,
    ),
]


def test_every_recipe_is_tried_here_and_says_what_it_reproduces():
    files = sorted(RECIPES.glob("*.toml"))
    assert [file.stem for file in files] == sorted(case.recipe for case in CASES)
    for file in files:
        header = file.read_text(encoding="utf-8").partition("\n\n[")[0]
        for words in (f"spanfit train recipes/{file.name}", "Reproduces", "Published", "Time"):
            assert words in header, f"{file.name}: {words}"
        read_recipe(file)
        for override in header.split("--set ")[1:]:
            read_recipe(file, overrides=[override.split()[0].rstrip(";)")])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.recipe)
def test_a_recipe_from_start_to_end(case, shared, tmp_path, command):
    if "model.segmenter=mecab" in case.changes:
        pytest.importorskip("fugashi", reason="the extra ja is not installed")
    encoder = make_encoder(tmp_path / "encoder", case, vocabularies=shared / "vocab")
    train = cut(shared / "data" / case.train, tmp_path / "train", n=240)
    scored = cut(shared / "data" / case.validation, tmp_path / "scored", n=60)
    changes = [
        f"model.name={encoder}",
        f"data.train={train}",
        f"data.validation={scored}",
        "data.calibration_share=0.2",
        "run.max_steps=4",
        "run.device=cpu",
        "run.threads=1",
        *(change.replace("calibration=", f"calibration={scored}") for change in case.changes),
    ]
    run, said = tmp_path / "run", tmp_path / "said.jsonl"
    sets = [word for change in changes for word in ("--set", change)]
    type_(command, "train", RECIPES / f"{case.recipe}.toml", *sets, "--out", run)

    evaluated = json.loads(type_(command, "evaluate", run, scored, "--json"))
    stored = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    assert evaluated["figures"] == pytest.approx(stored["validation"]["figures"])

    type_(command, "predict", run, scored, "--out", said)
    column = [change for change in case.changes if change.startswith("columns.")]
    columns = [word for key in column for word in ("--columns", key.removeprefix("columns."))]
    again = json.loads(type_(command, "score", scored, said, "--json", *columns))
    assert again["figures"] == pytest.approx(evaluated["figures"])
    assert again["signature"]["metric"] == evaluated["signature"]["metric"]
    check_places(scored, said)
    check_in_transformers(run, head=case.head)


def type_(command, *words):
    """What a command prints, which must succeed."""
    code, out, err = command(*words)
    assert code == 0, err
    return out


def make_encoder(folder: Path, case: Case, *, vocabularies: Path) -> Path:
    """A small random encoder, saved whole (mT5 with its decoder), with the case's tokenizer."""
    if (vocabularies / case.tokenizer).is_dir():
        folder.mkdir()
        for file in (vocabularies / case.tokenizer).iterdir():
            shutil.copyfile(file, folder / file.name)
    else:
        shutil.copytree(DATA / "unigram", folder)
        arrange("unigram", case.tokenizer).save_pretrained(folder)
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    torch.manual_seed(0)
    config = ENCODERS[case.encoder](len(content["model"]["vocab"]) + 10)
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    return folder


def cut(file: Path, out: Path, *, n: int) -> Path:
    """The first n examples of a file in its own format, or a few more: whole paragraphs."""
    if file.suffix == ".txt":
        blocks = file.read_text(encoding="utf-8").split("\n\n")
        out.write_text("\n\n".join(blocks[:n]) + "\n", encoding="utf-8")
        return out
    kept, count = [], 0
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            if count < n:
                kept.append({"title": article.get("title", ""), "paragraphs": [paragraph]})
                count += len(paragraph["qas"])
    out.write_text(json.dumps({"data": kept}, ensure_ascii=False), encoding="utf-8")
    return out


def check_places(data: Path, said: Path) -> None:
    """Everything that was pointed at stands in the text, at its characters."""
    texts = {
        example.id: getattr(example, "context", None) or example.text
        for example in spanfit.read(data)
    }
    lines = [json.loads(line) for line in said.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == len(texts)
    for line in lines:
        for found in line.get("n_best", line.get("entities")):
            assert texts[line["id"]][found["start"] : found["end"]] == found["text"]


def check_in_transformers(run: Path, *, head: str) -> None:
    """The folder opens as a plain checkpoint, and gives the logits that SpanFit sees."""
    model = spanfit.load(run)
    opened, info = getattr(transformers, head).from_pretrained(
        run / "model", output_loading_info=True
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    mine = model.predictor.backend.network.state_dict()
    theirs = opened.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    ids = torch.arange(5, 12).unsqueeze(0)
    with torch.inference_mode():
        assert opened.eval()(input_ids=ids)[0].isfinite().all()
