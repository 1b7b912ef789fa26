"""Write docs/recipe.md: every key of a recipe with its default and its meaning.

python tools/make_recipe_docs.py            write it
python tools/make_recipe_docs.py --check    exit with 1 if it is not what would be written
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from spanfit.recipe import Recipe, describe_keys

TARGET = Path(__file__).resolve().parent.parent / "docs" / "recipe.md"

OPENING = """\
# Recipes

A recipe is a TOML file that decides everything about a training. `spanfit init DATA > recipe.toml`
writes one that fits a data file, with every key in it; keys that are left out have the defaults
below. Units are part of the names. An unknown key is an error that names the closest known one, and
so is a value of the wrong type or out of its range.

`spanfit train recipe.toml --set section.key=value` changes a key for one run; the value is written
as in TOML, and a text needs no quotes: `--set run.epochs=3 --set data.train=my/train.json`. Paths
are relative to the folder in which the command is typed. The run folder keeps the recipe as
resolved.

(This page is written by `tools/make_recipe_docs.py`.)
"""


def write_page() -> str:
    """The whole page as Markdown."""
    lines = [OPENING.rstrip()]
    section = ""
    for name, key, default, description in describe_keys():
        if name != section:
            section = name
            about = (Recipe.model_fields[name].annotation or Recipe).__doc__ or ""
            lines += ["", f"## [{name}]", "", about.strip(), ""]
            lines += ["| key | default | meaning |", "|---|---|---|"]
        shown = f"`{default}`" if default else "unset"
        lines.append(f"| `{key}` | {shown} | {description.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description="Write docs/recipe.md.")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    text = write_page()
    if not parser.parse_args().check:
        TARGET.write_text(text, encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != text:
        sys.exit(f"{TARGET.name} is out of date: python {Path(__file__).name}")


if __name__ == "__main__":
    main()
