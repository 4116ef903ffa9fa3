"""Answers to the requests of the page."""

import sys
from pathlib import Path

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from kfkd.demo.curves import read_trainings
from kfkd.demo.guard import Guard
from kfkd.errors import ArgumentError, KfkdError

__all__ = ["make_app"]

HERE = Path(__file__).parent
MOST_BYTES = 25_000_000  # of an image file
MOST_SECONDS = 60  # of an upload
MOST_WAITING = 8  # requests with an image

_FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    **{
        f"/{name}.js": (f"{name}.js", "text/javascript")
        for name in ("page", "drawing", "curves", "elements")
    },
}


def make_app(predictor, folder):
    """Return the ASGI application.

    Parameters
    ----------
    predictor : kfkd.demo.predictor.Predictor
    folder : path
        Whose trainings are shown.
    """
    waiting = 0

    async def nets(request):
        return JSONResponse(predictor.about())

    async def trainings(request):
        return JSONResponse(await run_in_threadpool(read_trainings, folder))

    async def predict(request):
        nonlocal waiting
        if waiting >= MOST_WAITING:
            raise HTTPException(503, "too many images at once; try again in a moment")
        waiting += 1
        try:
            with anyio.fail_after(MOST_SECONDS):
                content = await _read(request)
            names = request.query_params.getlist("net")
            detect = request.query_params.get("detect", "1") != "0"
            found = await anyio.to_thread.run_sync(
                lambda: predictor.predict(content, names, detect=detect)
            )
        except TimeoutError as error:
            raise HTTPException(408, "the upload has taken too long") from error
        except ClientDisconnect:
            return Response(status_code=400)  # which nobody reads
        except ArgumentError as error:
            raise HTTPException(404, str(error)) from error
        except KfkdError as error:
            raise HTTPException(422, str(error)) from error
        except MemoryError as error:
            raise HTTPException(413, "there is too little memory for it") from error
        finally:
            waiting -= 1
        return JSONResponse(found)

    return Starlette(
        routes=[
            *(Route(path, _file(*file)) for path, file in _FILES.items()),
            Route("/api/nets", nets),
            Route("/api/trainings", trainings),
            Route("/api/predict", predict, methods=["POST"]),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: _explain, Exception: _fail},
    )


def _file(name, kind):
    async def answer(request):
        return FileResponse(HERE / name, media_type=kind)

    return answer


def _explain(request, error):
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def _fail(request, error):
    print(f"Error: {type(error).__name__}: {error}", file=sys.stderr)
    return JSONResponse({"error": "it has failed; the terminal says why"}, 500)


async def _read(request):
    """Return the body of a request, which is not too large."""
    large = HTTPException(413, f"the file has more than {MOST_BYTES / 1e6:.0f} MB")
    size = request.headers.get("content-length", "")
    if size.isdecimal() and int(size) > MOST_BYTES:
        raise large
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            raise large
    return bytes(content)
