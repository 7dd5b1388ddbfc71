"""The page's application: every route asks Airflow who is looking, and nothing of it comes from elsewhere."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from plugins.live_page_app.overview import Overview
from plugins.live_page_app.report_pages import list_page, run_page
from plugins.live_page_app.report_store import ReportStore
from settlement.settings import Settings

_STATIC: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# A report is somebody else's file: it may look as it likes, and run nothing.
_REPORT_POLICY: Final = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; sandbox; frame-ancestors 'self'"
)


def create_app(settings: Settings, report_dir: Path | None, viewer_check: Callable[..., Any]) -> FastAPI:
    """Return the application; whoever `viewer_check` refuses gets nothing of it."""
    app = FastAPI(
        title="Kiwi live page",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(viewer_check)],
    )
    _add_page(app, Overview(settings))
    _add_reports(app, ReportStore(report_dir))

    @app.middleware("http")
    async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return app


def _add_page(app: FastAPI, overview: Overview) -> None:
    @app.get("/")
    def page() -> FileResponse:
        return _file(_STATIC / "index.html")

    @app.get("/data")
    async def data() -> Response:
        return Response(msgspec.json.encode(await overview.snapshot()), media_type="application/json")

    @app.get("/static/{name}")
    def static(name: str) -> FileResponse:
        if name not in _ASSETS:
            raise HTTPException(404)
        return _file(_STATIC / name)


def _add_reports(app: FastAPI, reports: ReportStore) -> None:
    @app.get("/reports/")
    def list_reports() -> HTMLResponse:
        return HTMLResponse(list_page(reports.runs()))

    @app.get("/reports/{run}/")
    def report(run: str) -> HTMLResponse:
        found = reports.run(run)
        if found is None:
            raise HTTPException(404, "there is no such run")
        return HTMLResponse(run_page(found))

    @app.get("/reports/{run}/{name}")
    def report_file(run: str, name: str) -> FileResponse:
        path = reports.file(run, name)
        if path is None:
            raise HTTPException(404, "there is no such file")
        return _file(path, {"Content-Security-Policy": _REPORT_POLICY})


_ASSETS: Final = frozenset(path.name for path in _STATIC.iterdir())


def _file(path: Path, headers: dict[str, str] | None = None) -> FileResponse:
    kind = _TYPES.get(path.suffix)
    if kind is None:  # a browser saves what it is not meant to show
        return FileResponse(path, media_type="application/octet-stream", filename=path.name, headers=headers)
    return FileResponse(path, media_type=kind, headers=headers)
