"""A headless Chromium with a camera that shows a portrait, if there is one."""

import contextlib
import shutil

import pytest

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--use-fake-ui-for-media-stream",  # which allows the camera
    "--use-fake-device-for-media-stream",
)


@contextlib.contextmanager
def opened(video):
    """Yield a WebDriver whose camera shows a file of raw video."""
    webdriver = pytest.importorskip("selenium.webdriver")
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("there is no Chromium with its driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in (*_ARGUMENTS, f"--use-file-for-fake-video-capture={video}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(driver)
    found = webdriver.Chrome(options=options, service=service)
    try:
        yield found
    finally:
        found.quit()


def write_video(path, image):
    """Write an image as a raw video of a few frames, as Chromium's camera takes it."""
    width, height = image.size
    y, *colours = image.convert("YCbCr").split()
    small = [colour.resize((width // 2, height // 2)) for colour in colours]
    frame = b"FRAME\n" + b"".join(plane.tobytes() for plane in (y, *small))
    head = f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + 5 * frame)
