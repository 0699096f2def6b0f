"""The pages of a lake in a browser on this machine, wherever the lake is."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from stedi_glue.errors import StediError

# Of a page's path in `docs/`: its text, or None when there is no such page.
Pages = Callable[[str], str | None]


class PageServer(ThreadingHTTPServer):
    """Serves pages to browsers on this machine and to nobody else."""

    daemon_threads = True

    def __init__(self, pages: Pages, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.pages = pages

    @property
    def address(self) -> str:
        """Where the first page is."""
        return f"http://127.0.0.1:{self.server_port}/index.html"


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        # A site elsewhere may point its own name at this address; it gets nothing.
        host = self.headers.get("Host", "").rpartition(":")[0]
        path = _page(self.path)
        if host not in ("127.0.0.1", "localhost") or path is None:
            return self._answer(404, "There is no such page.")
        try:
            text = self.server.pages(path)
        except StediError as error:
            return self._answer(500, str(error))
        if text is None:
            return self._answer(404, "There is no such page.")
        return self._answer(200, text, "text/html")

    def _answer(self, status: int, text: str, kind: str = "text/plain") -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing: whoever looks sees the page."""


def _page(target: str) -> str | None:
    """Return the path of the page that a request is for; None when there can be none."""
    try:
        path = unquote(urlsplit(target).path).lstrip("/") or "index.html"
    except ValueError:
        return None
    inside = ".." not in path.split("/") and not {"\\", "\0"} & set(path)
    return path if inside and path.endswith(".html") else None
