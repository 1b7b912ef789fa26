"""The data doctor: what is wrong with files of questions or tagged texts, and what mends it.

kinds       what may be wrong, in three levels, and what `--fix` does about it
findings    one thing that is wrong, and many of them in order
encodings   in which encoding a file is written
files       a file that is looked at: its examples, its text, what is wrong with it as such
answers     places and borders of gold answers, and golds that disagree
questions   empty ones, repeated ones, missing plausible answers
characters  characters that nobody meant, and a text without them; `texts` are those of a file
alike       texts that are nearly the same, in linear time
copies      the same text twice: in a file, and in files that should be apart
labels      tags, labels, and words that are tagged now so, now so
coverage    what a tokenizer and its windows cannot say
repairs     what `--fix` does with examples, and a log of it
patching    repaired examples in their file, in which all else stays; `records`: in JSON
writing     a repaired file, and its log
diagnosis   all of this for some files

Needs no torch.
"""

from __future__ import annotations

from spanfit.doctor.coverage import WindowShape
from spanfit.doctor.diagnosis import Diagnosis, check
from spanfit.doctor.findings import Finding
from spanfit.doctor.kinds import KINDS, LEVELS, Kind, Level
from spanfit.doctor.writing import RepairedFile, log_of

__all__ = [
    "KINDS",
    "LEVELS",
    "Diagnosis",
    "Finding",
    "Kind",
    "Level",
    "RepairedFile",
    "WindowShape",
    "check",
    "log_of",
]
