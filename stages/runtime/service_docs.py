"""The page /docs, which loads nothing from other servers, and the OpenAPI record of /predict."""

from typing import Any

from .answers import AnswerKind

_BYTES = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
        "required": ["files"],
    }
}
_PROBLEM = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"problem": {"type": "string"}, "remedy": {"type": "string"}},
            }
        }
    }
}


_ANSWER = {
    "type": "object",
    "description": "`sure`: whether answers of such a score were right often enough where the "
    "package was measured; null if the package does not know. `threshold` does not change it.",
    "additionalProperties": True,
}


def predict_docs(description: dict[str, Any], kind: AnswerKind) -> dict[str, Any]:
    """The OpenAPI record of /predict for the package of `description`: its inputs and answers."""
    noun, types = description["noun"], description["types"]
    bodies = {
        f"{content_type}*" if content_type.endswith("/") else content_type: _BYTES
        for content_type in types
    }
    drawn = {"image/jpeg": _BYTES} if kind.draws else {}
    answer = {"application/json": {"schema": _ANSWER}}
    return {
        "summary": f"One {noun} (the body) or several (a form) in, {kind.title} out",
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {**bodies, "multipart/form-data": _FORM},
            },
            "responses": {
                "200": {"description": kind.explains, "content": {**answer, **drawn}},
                "408": {"description": "The body did not come in time", **_PROBLEM},
                "413": {"description": "Too many bytes or files", **_PROBLEM},
                "415": {"description": f"Neither a {noun} nor a form", **_PROBLEM},
                "422": {"description": f"Not a {noun} that can be used", **_PROBLEM},
                "500": {"description": "The worker process ended", **_PROBLEM},
                "503": {"description": "Busy; see Retry-After", **_PROBLEM},
            },
        },
    }


def add_docs(app: Any) -> None:
    """Add the page /docs if the package swagger-ui-bundle is installed. FastAPI itself serves
    /openapi.json."""
    try:
        from swagger_ui_bundle import swagger_ui_path
    except ImportError:
        return
    from fastapi.openapi.docs import get_swagger_ui_html
    from fastapi.staticfiles import StaticFiles

    app.openapi_version = "3.0.2"  # the newest that this Swagger UI can show
    app.mount("/docs/static", StaticFiles(directory=swagger_ui_path), name="docs")

    @app.get("/docs", include_in_schema=False)  # type: ignore[untyped-decorator]
    def docs() -> Any:
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title=app.title,
            swagger_js_url="docs/static/swagger-ui-bundle.js",
            swagger_css_url="docs/static/swagger-ui.css",
            swagger_favicon_url="docs/static/favicon-32x32.png",
        )
