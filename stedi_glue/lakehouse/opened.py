"""The composition root: which backends a lake has."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from stedi_glue.backends.catalog import IcebergCatalog
from stedi_glue.backends.engines import open_engine
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.backends.forgetting.person import registers
from stedi_glue.backends.forgetting.suppression import Suppression
from stedi_glue.backends.journal import RunJournal
from stedi_glue.backends.landing import LandingFolder
from stedi_glue.backends.privacy import LakePrivacy, Privacy, published_privacy
from stedi_glue.backends.quarantine import Quarantine
from stedi_glue.backends.report_pages import ReportPages
from stedi_glue.backends.storage import S3, folder_uri, open_storage
from stedi_glue.errors import LakeError, UsageError, suggest
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.zones import STEDI

CATALOGS = ("local", "glue")


class OpenLake:
    """A lake, with the backends it was opened with; nothing else chooses any.

    Nothing is created, connected or started before it is needed.
    """

    def __init__(
        self,
        root: str,
        landing: str,
        engine: str,
        catalog: str,
        pipeline: Pipeline,
        rules: Path | None,
        privacy: LakePrivacy,
    ) -> None:
        self.root = root
        self.landing = landing
        self.pipeline = pipeline
        self._privacy = privacy
        self._storage = open_storage(root)
        self._engine = open_engine(engine, s3=root.startswith(S3) or landing.startswith(S3))
        self._suppression = Suppression(root, privacy.known_key)
        self._landing = LandingFolder(
            landing, root, self._engine, self._suppression, registers(pipeline)
        )
        self.on_aws = catalog == "glue"
        self._catalog = (IcebergCatalog.glue if self.on_aws else IcebergCatalog.local)(root)
        self._quarantine = Quarantine(self._engine, self._landing, self._catalog)
        self._rules = rules
        self._auditor = ExpectationsAuditor(rules, docs=root)
        self._journal = RunJournal(root)
        self._pages = ReportPages(root, pipeline, self._journal)

    @classmethod
    def open(
        cls,
        lake: str | os.PathLike[str],
        *,
        landing: str | os.PathLike[str] | None = None,
        catalog: str | None = None,
        engine: str = "sail",
        pipeline: Pipeline = STEDI,
        rules: str | os.PathLike[str] | None = None,
        privacy: Privacy | None = None,
        key: bytes | str | None = None,
    ) -> Self:
        """Open a lake.

        lake: its root, a folder or `s3://bucket/folder`. landing: the root of
        `customer/landing` and its like, by default the lake itself. catalog: "local", a file
        in the lake, or "glue", the account's Glue Data Catalog; by default what fits the
        lake. engine: "sail" or "spark". pipeline: its tables. rules: a folder with a suite
        per table, by default those of this package. privacy: whether runs publish tables that
        name people ("identified") or hold pseudonyms in their place; by default as the lake was
        told before, and a new lake names nobody. key: the secret of the pseudonyms, or where it
        is: a file, "env:NAME", or "secret:NAME" of AWS Secrets Manager. A lake on disk that is
        told of none makes its own when it first needs one, and keeps it outside of the lake.
        """
        root = folder_uri(os.fspath(lake))
        raw = folder_uri(os.fspath(landing)) if landing is not None else root
        folder = Path(rules) if rules is not None else None
        kind = _catalog_kind(root, catalog)
        return cls(root, raw, engine, kind, pipeline, folder, LakePrivacy(root, privacy, key))

    def options(self) -> dict[str, str]:
        """Return the choices that published tables were made with."""
        current = map(self._catalog.current, self.pipeline.made)
        summaries = [snapshot.summary for snapshot in current if snapshot]
        prefix = "stedi.option."
        return {
            name.removeprefix(prefix): value
            for summary in summaries
            for name, value in summary.items()
            if name.startswith(prefix)
        }

    def close(self) -> None:
        """Release the engine."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _described(self) -> Pipeline:
        """What the next run makes, without the key that it may need."""
        private = self._privacy.settled(self._published_privacy) == "pseudonymous"
        return self.pipeline.pseudonymous() if private else self.pipeline

    def _published_privacy(self) -> Privacy | None:
        return published_privacy(self.pipeline, self._catalog)

    @property
    def _existing(self) -> IcebergCatalog:
        """The catalog of a lake that is there to be read."""
        self._storage.require()
        if not self._catalog.exists:
            raise LakeError(
                f"There is no lake in '{self.root}': build one with 'stedi-glue run --lake "
                f"{self.root}', or name another folder with --lake."
            )
        return self._catalog


def _catalog_kind(root: str, wanted: str | None) -> str:
    if wanted is not None and wanted not in CATALOGS:
        raise UsageError(f"No catalog is called '{wanted}'{suggest(wanted, CATALOGS)}")
    fits = "glue" if root.startswith(S3) else "local"
    if wanted not in (None, fits):
        raise UsageError(
            f"The lake '{root}' cannot have a {wanted} catalog: a lake on disk keeps its catalog "
            f"in its own folder (local), one in S3 in the Glue Data Catalog (glue)."
        )
    return fits
