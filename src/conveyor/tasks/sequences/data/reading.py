"""Files of sequences: read whole, checked, and remembered by their SHA-256."""

from __future__ import annotations

import hashlib
import io
from importlib import resources
from pathlib import Path
from typing import Any

from conveyor.errors import DataError
from conveyor.tasks.sequences.config import SHIPPED, Columns
from conveyor.tasks.sequences.data.collection import Sequences, check_values, cut
from conveyor.tasks.sequences.data.frames import Note, sequences_from_frame
from conveyor.tasks.sequences.data.npz_format import sequences_from_npz
from conveyor.tasks.sequences.data.ts_format import sequences_from_ts

_TABLES = (".csv", ".csv.gz", ".parquet", ".pq")


def read_file(
    path: str,
    columns: Columns,
    *,
    tagged: bool,
    labelled: bool,
    window: int = 0,
    note: Note = lambda line: None,
) -> tuple[Sequences, str]:
    """Read a file of sequences and check them; return them and the file's SHA-256.

    Args:
        path: ends in .csv, .csv.gz, .parquet, .ts or .npz.
        columns: of a table.
        tagged: whether each step has a label of its own.
        labelled: whether labels must be there.
        window: cut sequences into pieces of so many steps; 0 leaves them whole.
        note: told what is left out.

    Raises:
        DataError: the file cannot be used.
    """
    data = _bytes(path)
    source = Path(path).name
    name = source.lower()
    if name.endswith(_TABLES):
        frame = _table(data, name, source)
        found = sequences_from_frame(frame, columns, tagged=tagged, labelled=labelled, source=source, note=note)
    elif name.endswith(".ts"):
        if tagged:
            raise DataError(f"{source}: a .ts file has one label a sequence; --task tag needs one a step")
        found = sequences_from_ts(_text(data, source), source)
    elif name.endswith(".npz"):
        found = sequences_from_npz(data, source, tagged=tagged)
    else:
        raise DataError(f"{source}: expected a file that ends in {', '.join(_TABLES)}, .ts or .npz")
    if labelled and found.labels is None:
        raise DataError(f"{source}: its sequences have no labels; training and evaluation need them")
    check_values(found)
    return (cut(found, window) if window else found), hashlib.sha256(data).hexdigest()


def _bytes(path: str) -> bytes:
    try:
        if path.startswith(SHIPPED):
            data = resources.files("conveyor").joinpath("data", path.removeprefix(SHIPPED)).read_bytes()
        else:
            data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; check the path") from error
    except IsADirectoryError as error:
        raise DataError(f"{path}: expected a file, got a directory; name a file in it") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    if not data:
        raise DataError(f"{path}: expected sequences, got an empty file")
    return data


def _text(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source}: expected UTF-8, got byte 0x{data[error.start]:02x} at offset {error.start}; "
            "convert it (iconv -t UTF-8)"
        ) from None


def _table(data: bytes, name: str, source: str) -> Any:
    try:
        import pandas
    except ImportError as error:
        raise DataError(f"{source}: a table needs pandas ({error}): pip install 'conveyor[inspect]'") from None
    try:
        if name.endswith(".csv"):
            return pandas.read_csv(io.StringIO(_text(data, source)), low_memory=False)
        if name.endswith(".csv.gz"):
            return pandas.read_csv(io.BytesIO(data), compression="gzip", low_memory=False)
        return pandas.read_parquet(io.BytesIO(data))
    except DataError:
        raise
    except ImportError:
        raise DataError(f"{source}: Parquet needs pyarrow: pip install 'conveyor[inspect]'") from None
    except Exception as error:
        # Each of pandas, pyarrow, zlib and csv has errors of its own for a file that breaks off.
        reason = " ".join(str(error).split())[:160]
        raise DataError(
            f"{source}: cannot be read as a table ({reason}); it may be cut off, or of another kind"
        ) from None
