"""Run the commands of docs/reference-systems.md again, and write what they print now below each.

    python tools/make_reference_systems.py ../shared FOLDER [--only TEXT]

../shared holds the real data and vocabularies. FOLDER is made: links to the data under their public
names, the recipes, small random encoders with the published tokenizers, and a `runs` that you may
have filled beforehand with links to the real runs of benchmarks/RESULTS.md (squad-v2, ner, jaquad),
whose commands stand there. A block that begins with `$ ` is a command, with the lines that begin
with `> `; all that follows in the block is replaced. `--only` runs the blocks whose commands hold
that text.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs" / "reference-systems.md"
DATA = {
    "dev-v2.0.json": "squad_v2/dev-v2.0.json",
    "train-v2.0.json": "squad_v2/train-v2.0.subset.json",
    "dev-v1.1.json": "squad_v1/dev-v1.1.json",
    "train-v1.1.json": "squad_v1/train-v1.1.subset.json",
    "valid-v1.3.json": "jsquad/valid-v1.3.json",
    "jaquad_train.json": "jaquad/jaquad_train.json",
    "KorQuAD_v1.0_dev.json": "korquad_v1/KorQuAD_v1.0_dev.json",
    "train.txt": "conll2003/train.txt",
    "valid.txt": "conll2003/valid.txt",
    "test.txt": "conll2003/test.txt",
}
LEFT = "bert-base-cased-left"
"""BERT's tokenizer with the padding in front, as XLNet has it."""
VOCABULARIES = ("bert-base-cased", "roberta-base", "bert-base-multilingual-cased", "koelectra")
BLOCK = re.compile(
    r"^```console\n\$ (?P<command>[^\n]*(?:\n> [^\n]*)*)\n(?P<printed>.*?)^```$", re.DOTALL | re.M
)


def main() -> int:
    """Make the folder, run the blocks, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    folder = options.folder.resolve()
    fill(folder, options.shared.resolve())

    def run_again(match: re.Match[str]) -> str:
        command = match["command"]
        if options.only not in command:
            return match[0]
        return f"```console\n$ {command}\n{run(command, folder)}```"

    PAGE.write_text(BLOCK.sub(run_again, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def fill(folder: Path, shared: Path) -> None:
    """Links to data and recipes, and the small encoders."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in DATA.items():
        link(folder / name, shared / "data" / file)
    link(folder / "recipes", REPOSITORY / "recipes")
    (folder / "runs").mkdir(exist_ok=True)
    for name in VOCABULARIES:
        encoder = folder / "encoders" / name
        if not encoder.exists():
            make_encoder(encoder, shared / "vocab" / name)
    if not (folder / "encoders" / LEFT).exists():
        turn_left(folder / "encoders" / "bert-base-cased", folder / "encoders" / LEFT)


def link(place: Path, target: Path) -> None:
    """A symbolic link, unless it is there."""
    if not place.exists():
        place.symlink_to(target)


def make_encoder(folder: Path, vocabulary: Path) -> None:
    """A random encoder of two layers with a published tokenizer: its scores mean nothing."""
    import torch
    import transformers

    folder.mkdir(parents=True)
    for file in vocabulary.iterdir():
        shutil.copyfile(file, folder / file.name)
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    is_roberta = "roberta" in folder.name
    make = transformers.RobertaConfig if is_roberta else transformers.BertConfig
    config = make(
        vocab_size=len(content["model"]["vocab"]),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=514 if is_roberta else 512,
        type_vocab_size=1 if is_roberta else 2,
    )
    torch.manual_seed(0)
    transformers.AutoModel.from_config(config).save_pretrained(folder)


def turn_left(encoder: Path, folder: Path) -> None:
    """A copy of an encoder whose tokenizer pads in front."""
    shutil.copytree(encoder, folder)
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    text = json.dumps(config | {"padding_side": "left"}, indent=2)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")


def run(command: str, folder: Path) -> str:
    """What a command prints, both streams, in a pipe of 100 columns."""
    print(f"$ {command}", flush=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace("\n> ", "\n")],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "100", "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout, flush=True)
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    status = [f"(exit status {done.returncode})"] if done.returncode else []
    return "".join(f"{line}\n" for line in [*lines, *status])


if __name__ == "__main__":
    raise SystemExit(main())
