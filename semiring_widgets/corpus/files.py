"""A folder of a corpus run: one file a table and chunk of rows, and a manifest that says what was asked.

A chunk is there once its file of examples is, which is written last; whatever an interruption left beside it
is written again. Files are whole or not there.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from semiring_widgets.checks import shown
from semiring_widgets.corpus.table_columns import READABLE, SCHEMA_VERSION, TABLES
from semiring_widgets.errors import InputError
from semiring_widgets.results.atomic import write_whole

__all__ = ["Files", "Folder", "Tables", "arrow", "encoded", "typed"]

# Rows by table, or a frame where there are many of them; and as Parquet.
Tables = dict[str, list[dict[str, Any]] | pd.DataFrame]
Files = dict[str, bytes]
_MANIFEST = "manifest.json"
_DIGESTS = b"semiring_widgets.rows"
# Rows of a corpus whose parts are held at a time, where a table is not held whole.
_TOGETHER = 2000


class Folder:
    """Where a run keeps its tables.

    Args:
        path: the folder; it is made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return repr(str(self.path))

    def begin(self, manifest: Mapping[str, Any]) -> None:
        """Make the folder ready for a run, or for going on with it.

        Args:
            manifest: what is asked, and of which model; versions are not compared.

        Raises:
            InputError: it holds a run that asked something else, or it cannot be written.
        """
        known = (self.path / _MANIFEST).exists()
        if known:
            self._check_same(manifest)
        try:
            for table in TABLES:
                folder = self.path / table
                folder.mkdir(parents=True, exist_ok=True)
                for left in folder.glob(".*.partial"):
                    left.unlink(missing_ok=True)
                if not known and any(folder.glob("*.parquet")):
                    raise InputError(
                        f"{self} holds tables and no {_MANIFEST}, so they are of no run that this one could "
                        f"go on with; give another folder."
                    )
        except OSError as error:
            raise InputError(f"{self} cannot be a folder of results: {error.strerror}.") from error
        if not known:
            text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
            write_whole(self.path / _MANIFEST, text.encode())

    def manifest(self) -> dict[str, Any]:
        """What was asked.

        Raises:
            InputError: this is no folder of a run, or one of another version.
        """
        try:
            found: dict[str, Any] = json.loads((self.path / _MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self} holds no corpus run; give the folder that explain_corpus wrote."
            ) from error
        version, writer = found.get("schema_version"), found.get("semiring_widgets")
        if version not in READABLE:
            raise InputError(
                f"{self} has tables of version {shown(version)}, and this is version {SCHEMA_VERSION}; read "
                f"them with the semiring_widgets that wrote them, {shown(writer)}."
            )
        return found

    def digests(self, chunk: int) -> list[str] | None:
        """Of the rows of a finished chunk; None where it is not finished.

        Raises:
            InputError: its file is damaged.
        """
        file = self._file("examples", chunk)
        if not file.exists():
            return None
        pyarrow, parquet = arrow()
        try:
            known = parquet.read_schema(file).metadata or {}
            found: list[str] = json.loads(known[_DIGESTS])
        except (OSError, KeyError, ValueError, pyarrow.ArrowException) as error:
            raise InputError(f"{str(file)!r} is damaged; delete it, and run the same again.") from error
        return found

    def write(self, chunk: int, files: Files) -> None:
        """Keep the tables of a chunk.

        Args:
            chunk: its number.
            files: what `encoded` gives.

        Raises:
            InputError: the disk is full, or the folder has gone.
        """
        for table in ("parts", "errors", "examples"):
            write_whole(self._file(table, chunk), files[table])

    def read(self, table: str) -> pd.DataFrame:
        """All rows of a table, those of all finished chunks.

        Raises:
            InputError: there is no run any more, or a file of it is missing or damaged.
        """
        self.manifest()
        pyarrow, parquet = arrow()
        try:
            read = [parquet.read_table(self.path / table / name) for name in self.done()]
        except (OSError, pyarrow.ArrowException) as error:
            raise self._damaged(error) from error
        # A column that an older run did not have yet is missing there.
        whole = pyarrow.concat_tables([_arrow_table(table, []), *read], promote_options="default")
        found: pd.DataFrame = whole.to_pandas(types_mapper=_nullable)
        return found

    def batches(self, table: str, columns: Sequence[str], wanted: Any = None) -> Iterator[pd.DataFrame]:
        """Some of a table, a number of finished chunks at a time, so that it is never held whole.

        Args:
            table: its name.
            columns: of it; words are categories.
            wanted: which rows, an expression of `pyarrow.dataset`; None for all.

        Raises:
            InputError: see `read`.
        """
        size = self.manifest()["asked"].get("chunk_size", _TOGETHER)  # an older run may not say
        pyarrow, _ = arrow()
        from pyarrow import dataset

        words = [name for name, (kind, _) in TABLES[table].items() if kind == "string"]
        coded = dataset.ParquetFileFormat(read_options={"dictionary_columns": words})
        schema = _schema(table, pyarrow.dictionary(pyarrow.int32(), pyarrow.string()))
        files = [str(self.path / table / name) for name in self.done()]
        together = max(1, _TOGETHER // size)
        for start in range(0, len(files), together):
            try:
                held = dataset.dataset(files[start : start + together], schema, format=coded)
                found = held.to_table(columns=list(columns), filter=wanted).unify_dictionaries()
            except (OSError, pyarrow.ArrowException) as error:
                raise self._damaged(error) from error
            yield found.to_pandas(types_mapper=_nullable)

    def done(self) -> list[str]:
        """Names of the files of all finished chunks, the same in every table."""
        return [file.name for file in sorted((self.path / "examples").glob("*.parquet"))]

    def _damaged(self, error: Exception) -> InputError:
        return InputError(
            f"A file of {self} is missing or damaged ({error}); delete the files of its number from all "
            f"tables, and run the same again."
        )

    def _file(self, table: str, chunk: int) -> Path:
        return self.path / table / f"part-{chunk:05d}.parquet"

    def _check_same(self, manifest: Mapping[str, Any]) -> None:
        known = self.manifest()
        if known["schema_version"] != SCHEMA_VERSION:
            raise InputError(
                f"{self} holds a run with tables of version {known['schema_version']}, and this would "
                f"write version {SCHEMA_VERSION}; such tables can be read, not added to: give another folder."
            )
        mine, its = ({"rows": each["rows"], **each["asked"]} for each in (manifest, known))
        for name, value in mine.items():
            before = its.get(name)
            # What an older run did not say is not known.
            if before != value and name in its:
                raise InputError(
                    f"{self} holds a run with {name} = {shown(before)}, and now it is {shown(value)}; give "
                    f"another folder, or delete this one."
                )


def arrow() -> tuple[Any, Any]:
    """Pyarrow and its module for Parquet.

    Raises:
        InputError: it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise InputError(
            "Corpus runs keep their tables as Parquet files, which needs pyarrow: pip install pyarrow (or "
            "'semiring-widgets[corpus]')."
        ) from error
    return pa, pq


def encoded(tables: Tables, digests: Sequence[str]) -> Files:
    """The tables of a chunk as Parquet files.

    Args:
        tables: rows by table.
        digests: of all rows of the chunk.
    """
    return {table: _parquet_of(table, tables[table], digests) for table in TABLES}


def _parquet_of(table: str, rows: list[dict[str, Any]] | pd.DataFrame, digests: Sequence[str]) -> bytes:
    _, parquet = arrow()
    given = _arrow_table(table, rows)
    metadata = {_DIGESTS: json.dumps(list(digests)).encode(), b"schema_version": str(SCHEMA_VERSION).encode()}
    buffer = io.BytesIO()
    parquet.write_table(given.replace_schema_metadata(metadata), buffer, compression="zstd")
    return buffer.getvalue()


def _arrow_table(table: str, rows: list[dict[str, Any]] | pd.DataFrame) -> Any:
    pyarrow, _ = arrow()
    schema = _schema(table)
    if isinstance(rows, pd.DataFrame):
        return pyarrow.Table.from_pandas(
            rows.reindex(columns=schema.names), schema=schema, preserve_index=False
        )
    return pyarrow.Table.from_pylist(rows, schema=schema)


def _schema(table: str, words: Any = None) -> Any:
    """Of a table; with another type of words, if one is given."""
    pyarrow, _ = arrow()
    fields = [
        pyarrow.field(
            name,
            words if words is not None and kind == "string" else pyarrow.type_for_alias(kind),
            metadata={"meaning": meaning},
        )
        for name, (kind, meaning) in TABLES[table].items()
    ]
    return pyarrow.schema(fields)


def typed(table: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with all columns of a table, of the types that `Folder.read` gives them.

    Args:
        table: its name.
        rows: with some of its columns.
    """
    found: pd.DataFrame = _arrow_table(table, rows).to_pandas(types_mapper=_nullable)
    return found


def _nullable(kind: Any) -> Any:
    """Whole numbers and truths may be missing without becoming floats."""
    return {"int64": pd.Int64Dtype(), "int32": pd.Int32Dtype(), "bool": pd.BooleanDtype()}.get(str(kind))
