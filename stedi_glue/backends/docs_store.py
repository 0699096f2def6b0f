"""Where Great Expectations keeps results and pages of a lake in S3; it knows disks only."""

from __future__ import annotations

from typing import Any

from great_expectations.data_context.store.tuple_store_backend import TupleStoreBackend
from great_expectations.exceptions.exceptions import InvalidKeyError

from stedi_glue.backends.s3 import S3Storage

_JSON = "application/json"


class S3StoreBackend(TupleStoreBackend):
    """Keeps what it is given as objects under one folder in S3.

    base_directory: the folder, `s3://bucket/...`; the other options are the library's own.
    """

    def __init__(self, base_directory: str, **options: Any) -> None:
        options.pop("root_directory", None)
        super().__init__(**options)
        self._base = base_directory
        self._storage = S3Storage(base_directory)
        self._config = {
            "module_name": type(self).__module__,
            "class_name": type(self).__name__,
            "base_directory": base_directory,
            **options,
        }

    def _path(self, key: tuple[str, ...]) -> str:
        return f"{self._base}/{self._convert_key_to_filepath(key)}"  # type: ignore[no-untyped-call]

    def _get(self, key: tuple[str, ...]) -> str:  # type: ignore[override]
        text = self._storage.read_text(self._path(key))
        if text is None:
            raise InvalidKeyError(f"There is no object '{self._path(key)}'.")
        return text

    def _get_all(self) -> list[str]:
        keys = [key for key in self.list_keys() if key != self.STORE_BACKEND_ID_KEY]
        return [self._get(key) for key in keys]

    def _set(self, key: Any, value: str | bytes, **options: Any) -> None:
        content = value.encode() if isinstance(value, str) else value
        self._storage.write_bytes(self._path(key), content, options.get("content_type", _JSON))

    def _move(self, source_key: Any, dest_key: Any, **_: Any) -> None:
        raise NotImplementedError("Results are kept for ever where they were put.")

    def list_keys(self, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
        """Return the keys of all objects that are its own."""
        start = "/".join(part for part in (self.filepath_prefix, *prefix) if part)
        files = self._storage.list(f"{self._base}/{start}".rstrip("/"))
        names = [file.path.removeprefix(f"{self._base}/") for file in files]
        keys = [
            self._convert_filepath_to_key(name)  # type: ignore[no-untyped-call]
            for name in names
            if name.endswith(self.filepath_suffix or "")
        ]
        return [key for key in keys if key and not self.is_ignored_key(key)]  # type: ignore[no-untyped-call]

    def remove_key(self, key: Any) -> None:
        """Leave it: a page without a result is one that another run is about to complete."""

    def _has_key(self, key: tuple[str, ...]) -> bool:
        return not self._storage.missing([self._path(key)])

    def get_url_for_key(self, key: tuple[str, ...], protocol: str | None = None) -> str:
        """Return the object's address."""
        return self._path(key)

    @property
    def config(self) -> dict[str, Any]:
        """The configuration it was made of."""
        return self._config
