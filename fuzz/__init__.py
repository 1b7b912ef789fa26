"""Coverage-guided fuzzing: bytes nobody thought of, for everything that reads or decides.

    make fuzz SECONDS=600 TARGETS="csv decoder"

target      what a target is, and what one may raise
draws       values made of bytes
values      JSON values, right and wrong, made of bytes
reading     what holds for every file of examples that is read
runs        one target under atheris, and what it found
__main__    all of them, one after the other

The others are the targets. `tests/test_fuzz_targets.py` runs each on its seeds, on everything that
was ever found (`regressions/`) and on bytes of hypothesis, without atheris.
"""
