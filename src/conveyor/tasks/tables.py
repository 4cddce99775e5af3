"""Tables in files: CSV with any usual delimiter, compressed or not, and Parquet."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from conveyor.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_PARQUET = (".parquet", ".pq")
_DELIMITERS = ",;\t|"
_UNPACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}


def parse_table(data: bytes, source: str) -> pd.DataFrame:
    """Read the bytes of a table.

    Args:
        data: of the file.
        source: its name, whose ending says what it is: Parquet, or else CSV, packed by gzip, bzip2 or xz.

    Raises:
        DataError: they are no table, or pandas is missing.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise DataError(f"{source}: a table needs pandas ({error}): pip install 'conveyor[forecast]'") from None
    name = source.lower()
    try:
        if name.endswith(_PARQUET):
            return pd.read_parquet(io.BytesIO(data))
        text = _unpacked(data, name).decode("utf-8-sig")
        return pd.read_csv(io.StringIO(text), sep=_delimiter(text), low_memory=False)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source}: expected CSV in UTF-8, got byte 0x{error.object[error.start]:02x} at offset {error.start}; "
            "convert it (iconv -t UTF-8), or give Parquet"
        ) from error
    except ImportError:
        raise DataError(f"{source}: Parquet needs pyarrow: pip install 'conveyor[forecast]'") from None
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise DataError(f"{source}: cannot be read ({error}): it is truncated or damaged; copy it again") from error
    except (ValueError, RuntimeError, OSError, LookupError) as error:
        # pandas' ParserError and EmptyDataError, pyarrow's ArrowInvalid: all are values that don't fit the format.
        reason = " ".join(str(error).split())[:160]
        raise DataError(f"{source}: cannot be read as a table ({reason}); is it whole?") from error


def _unpacked(data: bytes, name: str) -> bytes:
    unpack = next((unpack for ending, unpack in _UNPACK.items() if name.endswith(ending)), None)
    return data if unpack is None else unpack(data)


def _delimiter(text: str) -> str:
    """The delimiter that stands most often in the first line."""
    return max(_DELIMITERS, key=text.partition("\n")[0].count)
