"""What the library builds its pages with. Importing this takes seconds: do it late."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from great_expectations.render.renderer.site_builder import SiteBuilder
from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import BytecodeCache, ChoiceLoader, DictLoader, pass_context
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from markupsafe import Markup, escape

from stedi_glue.pages.html import colours

# The markup that the library itself writes into sentences.
_BREAK = "<br>"


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
    """A suite or a validation result, in which no text of rows or rules is taken for markup.

    The library escapes the arguments of its sentences alone. Here templates escape whatever is not
    marked as markup, and what the library makes of its own markup is marked.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        env = self.env
        env.autoescape = True
        theirs = [env.loader] if env.loader else []
        env.loader = ChoiceLoader([DictLoader(_templates()), *theirs])
        env.bytecode_cache = _COMPILED
        # It would look for a changed file at each of thousands of uses.
        env.auto_reload = False
        env.globals["style"] = _markup(colours() + _read("data_docs.css"))

    @pass_context
    def render_content_block(
        self,
        jinja_context: Context,
        content_block: Any,
        index: Any = None,
        content_block_id: Any = None,
        render_to_markdown: bool = False,
    ) -> Any:
        """Return a block as markup; text, and what is no block, as it is."""
        if isinstance(content_block, list):
            shown = (
                self.render_content_block(
                    jinja_context, one, place, content_block_id and f"{content_block_id}-{place}"
                )
                if _is_block(one)
                else Markup("<span>{}</span>").format(one)
                for place, one in enumerate(content_block)
            )
            return Markup("").join(shown)
        made = super().render_content_block(
            jinja_context, content_block, index, content_block_id, render_to_markdown
        )
        return _markup(made) if _is_block(content_block) else made

    def render_string_template(self, template: Any) -> Any:
        """Return a sentence with its arguments as markup."""
        if not isinstance(template, dict):
            return template
        sentence = str(escape(template.get("template", ""))).replace(str(escape(_BREAK)), _BREAK)
        escaped: dict[str, Any] = {**template, "template": sentence}
        if "tooltip" in template:
            content = escape(template["tooltip"]["content"])
            escaped["tooltip"] = {**template["tooltip"], "content": content}
        return _markup(super().render_string_template(escaped))  # type: ignore[no-untyped-call]

    def render_styling(self, styling: Any) -> Markup:
        """Return the classes, attributes and styles of an element."""
        attributes = _escaped(styling.get("attributes") or {})
        return _markup(super().render_styling({**styling, "attributes": attributes}))

    def attributes_dict_to_html_string(
        self, attributes_dict: dict[str, Any], prefix: str = ""
    ) -> Markup:
        """Return the attributes of an element."""
        made = super().attributes_dict_to_html_string(_escaped(attributes_dict), prefix)
        return _markup(made)

    def render_markdown(self, markdown: str) -> Markup:
        """Return Markdown as markup, in which HTML is text."""
        return _markup(super().render_markdown(markdown))  # type: ignore[no-untyped-call]


class OfflineIndexView(OfflinePageView, DefaultJinjaIndexPageView):
    """The list of all results and suites."""

    _template = DefaultJinjaIndexPageView._template


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


def _markup(made: str) -> Markup:
    """Mark what the library made, or what is ours, as markup."""
    return Markup(made)  # noqa: S704


def _escaped(attributes: dict[str, Any]) -> dict[str, Markup]:
    return {name: escape(value) for name, value in attributes.items()}


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) and value.get("content_block_type") is not None


@cache
def _templates() -> dict[str, str]:
    folder = files(__package__)
    return {
        file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".j2")
    }


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
