"""Unpacking gzip as it is read; and bombs: small files that would unpack to fill any memory.

Texts are packed to a tenth or a twentieth. Only long runs of the same bytes get below a
five-hundredth, and no file of examples consists of those.
"""

from __future__ import annotations

import gzip
import io
import shlex
from typing import TYPE_CHECKING, BinaryIO

from spanfit.errors import DataError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_HARMLESS = 1 << 27  # bytes, whatever they come from
_LARGEST_RATIO = 500  # unpacked bytes for a packed one; gzip can have 1,032


class Unpacked(io.RawIOBase):
    """The unpacked bytes of a gzip file, which messages call `name`; it can be read again."""

    def __init__(self, packed: BinaryIO, name: str) -> None:
        self._packed, self._name = packed, name
        self._file = gzip.GzipFile(fileobj=packed, mode="rb")

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def seekable(self) -> bool:
        """It is unpacked anew up to the place."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` as far as there is something.

        Raises:
            DataError: too much came out of too little.
            EOFError, gzip.BadGzipFile, zlib.error: the packed data is broken.
        """
        n = self._file.readinto(buffer)
        refuse_bomb(
            self._file.tell(),
            self._packed.tell(),
            where=self._name,
            fix=f"gunzip -k {shlex.quote(self._name)}, if it is what you want, and give that",
        )
        return n

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the unpacked bytes."""
        return self._file.seek(offset, whence)


def refuse_bomb(unpacked: int, packed: int, *, where: str, fix: str) -> None:
    """Refuse so many unpacked bytes of so many packed ones.

    Raises:
        DataError: no text is packed like this.
    """
    if unpacked > max(_HARMLESS, _LARGEST_RATIO * packed):
        raise DataError(
            "this unpacks to far more than examples do",
            where=where,
            expected=f"at most {_LARGEST_RATIO} bytes for a packed one",
            found=f"{unpacked:,} bytes of {packed:,}",
            fix=fix,
        )
