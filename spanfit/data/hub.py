"""Data sets of the Hugging Face hub, by name wherever a file can be named.

    hub:rajpurkar/squad_v2:validation                   ORG/NAME and the split
    hub:google/xquad:xquad.de:validation                with a configuration
    hub:rajpurkar/squad@7b6d24c4:train                  of a commit, branch or tag

Read through the `datasets` library, which keeps what it fetched in its cache: without a network,
what is there is read. Code that comes with a data set is never run (`datasets` can't any more).
The columns are those of `tabular` for questions, and of `tagged_tables` for tagged texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanfit.data.tables import BATCH, Table
from spanfit.errors import DataError, require

if TYPE_CHECKING:
    import pyarrow

PREFIX = "hub:"
_NAME = re.compile(
    r"hub:(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^:@\s]+))?"
    r"(?::(?P<config>[^:\[\]]+))?:(?P<split>[^:\[\]]+(?:\[[^\]]*\])?)"
)


@dataclass(frozen=True, slots=True)
class HubName:
    """What a name says: the repository, its revision and configuration if given, and the split."""

    repository: str
    split: str
    config: str | None = None
    revision: str | None = None


def is_hub_name(path: str) -> bool:
    """Whether a path means the hub."""
    return path.startswith(PREFIX)


def parse_name(text: str) -> HubName:
    """The parts of a name.

    Raises:
        DataError: it is not such a name.
    """
    if match := _NAME.fullmatch(text):
        return HubName(**match.groupdict())
    raise DataError(
        "not the name of a data set of the hub",
        where=text,
        expected="hub:ORG/NAME[@REVISION][:CONFIG]:SPLIT",
        fix="hub:rajpurkar/squad_v2:validation",
    )


def open_hub(text: str) -> Table:
    """The table of the data set that `text` names.

    Raises:
        DataError: not such a name, no such data set, configuration or split; the hub can't be
            reached and the cache does not have it.
        MissingExtraError: `datasets` is not installed.
    """
    dataset = _load(parse_name(text), text)

    def read(columns: Sequence[str]) -> Iterable[pyarrow.Table]:
        chosen = dataset.select_columns(list(columns)).with_format("arrow")
        tables: Iterable[pyarrow.Table] = chosen.iter(batch_size=BATCH)
        return tables

    features = dataset.features.to_dict()
    return Table(dataset.column_names, dataset.num_rows, read, text, features)


def _load(name: HubName, where: str) -> Any:  # noqa: ANN401 (a datasets.Dataset)
    datasets = require("datasets", extra="train")
    from spanfit.hub import is_reachable

    is_offline = datasets.config.HF_HUB_OFFLINE
    # Told so, it looks into its cache at once.
    datasets.config.HF_HUB_OFFLINE = is_offline or not is_reachable()
    try:
        # The scheme keeps a folder of that name, should there be one, from being taken instead.
        builder = datasets.load_dataset_builder(
            f"hf://datasets/{name.repository}", name.config, revision=name.revision
        )
        _check_revision(builder, name, where)
        builder.download_and_prepare()
        return builder.as_dataset(split=name.split)
    except ConnectionError as error:
        raise DataError(
            "the hub can't be reached, and nothing of this data set is in the cache",
            where=where,
            found=str(error).partition("\n")[0],
            fix=f"spanfit convert {where} FILE.jsonl where there is a network, and bring FILE",
        ) from None
    except datasets.exceptions.DatasetNotFoundError as error:
        raise DataError(str(error), where=where) from None
    except (ValueError, RuntimeError, OSError, datasets.exceptions.DatasetsError) as error:
        problem = " ".join(str(error).split())
        raise DataError(f"can't be read from the hub: {problem}", where=where) from None
    finally:
        datasets.config.HF_HUB_OFFLINE = is_offline


def _check_revision(builder: Any, name: HubName, where: str) -> None:  # noqa: ANN401
    """Refuse a cached copy of another commit: `datasets` takes the newest without a word."""
    from datasets.packaged_modules.cache.cache import Cache

    if name.revision is None or not isinstance(builder, Cache):
        return
    if not str(builder.hash).startswith(name.revision):
        raise DataError(
            f"the hub can't be reached, and the cache does not have revision {name.revision!r}",
            where=where,
            found=f"a copy of commit {builder.hash}",
            fix=where.replace(f"@{name.revision}", f"@{builder.hash}"),
        )
