"""The recipe of a training: a TOML file of ten parts, at most eight keys each, units in the names.

    [task] [data] [columns] [model] [windows] [optimizer] [batch] [run] [selection] [decode]

section   what all sections have in common
sections  every key with its default, its range and its meaning
keys      the keys as a list, for help and documentation; a recipe written with their meanings
reading   from a file and `section.key=value` to a recipe, mistakes explained
"""

from spanfit.recipe.keys import annotate, describe_keys
from spanfit.recipe.reading import make_recipe, read_recipe
from spanfit.recipe.section import Files, Section
from spanfit.recipe.sections import (
    BatchSection,
    ColumnsSection,
    DataSection,
    DecodeSection,
    ModelSection,
    OptimizerSection,
    Recipe,
    RunSection,
    SelectionSection,
    TaskSection,
    WindowsSection,
)

__all__ = [
    "BatchSection",
    "ColumnsSection",
    "DataSection",
    "DecodeSection",
    "Files",
    "ModelSection",
    "OptimizerSection",
    "Recipe",
    "RunSection",
    "Section",
    "SelectionSection",
    "TaskSection",
    "WindowsSection",
    "annotate",
    "describe_keys",
    "make_recipe",
    "read_recipe",
]
