"""Who may use the page, and the headers of all answers."""

import pytest

from tests.helpers.demo_server import ask
from tests.helpers.portraits import portrait_bytes


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {"Host": "evil.example"}),
        ("GET", "/", {"Host": "127.0.0.1.evil.example:{port}"}),
        ("GET", "/", {"Host": "[::1"}),
        ("GET", "/api/trainings", {"Sec-Fetch-Site": "cross-site"}),
        ("GET", "/page.js", {"Sec-Fetch-Site": "same-site"}),
        ("POST", "/api/predict", {"Origin": "http://evil.example"}),
        ("POST", "/api/predict", {"Origin": "http://127.0.0.1:1"}),
        ("POST", "/api/predict", {"Origin": "https://127.0.0.1:{port}"}),
        ("POST", "/api/predict", {"Origin": "null"}),
        (
            "POST",
            "/api/predict",
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        ),
        ("OPTIONS", "/api/predict", {"Origin": "http://evil.example"}),
    ],
)
def test_others_may_not_use_it(served, method, path, headers):
    port, *_ = served
    headers = {name: value.format(port=port) for name, value in headers.items()}
    body = portrait_bytes() if method == "POST" else None
    status, answered, told = ask(port, method, path, body, headers)
    assert status == 403
    assert set(told) == {"error"}
    assert "access-control-allow-origin" not in answered


def test_the_page_itself_may(served):
    port, *_ = served
    own = {
        "Host": f"localhost:{port}",
        "Origin": f"http://localhost:{port}",
        "Sec-Fetch-Site": "same-origin",
    }
    assert ask(port, "POST", "/api/predict", portrait_bytes(), own)[0] == 200
    # A link on another page may lead here.
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert ask(port, "GET", "/", headers=link)[0] == 200


@pytest.mark.parametrize("path", ["/", "/api/nets", "/no", "/page.js"])
def test_every_answer_has_the_headers(served, path):
    port, *_ = served
    _, headers, _ = ask(port, "GET", path)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers
