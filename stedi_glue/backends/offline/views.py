"""What the library builds its pages with. Importing this takes seconds: do it late."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from great_expectations.render.renderer.site_builder import SiteBuilder
from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import BytecodeCache, ChoiceLoader, DictLoader, Environment
from jinja2.bccache import Bucket

from stedi_glue.pages.html import colours


class OfflineSite(SiteBuilder):
    """Builds pages without the library's fonts, logos and animations, which ours do not show."""

    def build(
        self, resource_identifiers: list[Any] | None = None, build_index: bool = True
    ) -> tuple[str | None, Any]:
        """Build the pages of these resources, and the index."""
        for section in self.site_section_builders.values():
            section.build(resource_identifiers=resource_identifiers)
        _, links = self.site_index_builder.build(build_index=build_index)
        return self.get_resource_url(only_if_exists=False), links


class OfflinePageView(DefaultJinjaPageView):
    """A suite or a validation result."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _prefer_ours(self.env)


class OfflineIndexView(DefaultJinjaIndexPageView):
    """The list of all results and suites."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _prefer_ours(self.env)


class _Compiled(BytecodeCache):
    """Templates that the views of this process have in common, for each has its own environment."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def _prefer_ours(env: Environment) -> None:
    theirs = [env.loader] if env.loader else []
    env.loader = ChoiceLoader([DictLoader(_templates()), *theirs])
    env.bytecode_cache = _COMPILED
    # It would look for a changed file at each of thousands of uses.
    env.auto_reload = False
    env.globals["style"] = colours() + _read("data_docs.css")


@cache
def _templates() -> dict[str, str]:
    folder = files(__package__)
    return {
        file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".j2")
    }


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
