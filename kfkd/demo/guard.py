"""Who may use the page: programs and pages of this machine that are the page itself.

Any page that a browser shows can send requests to 127.0.0.1. This lets none of them
use nets or read answers: not by its own name for this machine (DNS rebinding), not by a
form or a script (the headers ``Origin`` and ``Sec-Fetch-Site``), and not in a frame.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

__all__ = ["Guard"]

HOSTS = ("127.0.0.1", "localhost")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; media-src 'self' blob:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """ASGI middleware that answers the page's own requests alone."""

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message):
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        problem = _problem(scope["method"], Headers(scope=scope))
        if problem:
            answer = JSONResponse({"error": problem}, 403)
            await answer(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)


def _problem(method, headers):
    """Return why a request is refused, or None."""
    host = headers.get("host", "")
    if _hostname(f"//{host}") not in HOSTS:
        return f"this page is for {' and '.join(HOSTS)} alone"
    origin = headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        return "pages of other origins may not use this one"
    site = headers.get("sec-fetch-site", "none")
    followed = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    if site not in ("same-origin", "none") and not followed:
        return "other sites may not use this page"
    return None


def _hostname(url):
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
