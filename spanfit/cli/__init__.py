"""The command line: parse, call, print. Each module holds one group of commands.

Nothing heavy is imported here or at the top of a command module: `spanfit --help` must be quick.
"""

from __future__ import annotations

from spanfit.cli.app import main

__all__ = ["main"]
