"""The page of ``kfkd demo``, served in this process, and its requests."""

import contextlib
import http.client
import json
import threading

from kfkd.demo.app import make_app
from kfkd.demo.server import HOST, bind, serve


@contextlib.contextmanager
def running(predictor, folder):
    """Serve the page; yield its port. It is served until the tests end."""
    listener = bind(0, strict=True)
    ready = threading.Event()
    app = make_app(predictor, folder)
    threading.Thread(
        target=serve, args=(app, listener), kwargs=dict(started=ready.set), daemon=True
    ).start()
    assert ready.wait(60)
    yield listener.getsockname()[1]


def ask(port, method, path, body=None, headers=()):
    """Return the status, headers and body of an answer; the body as JSON, if it is."""
    connection = http.client.HTTPConnection(HOST, port, timeout=120)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if "json" in (answer.headers["content-type"] or ""):
        content = json.loads(content)
    return answer.status, answer.headers, content
