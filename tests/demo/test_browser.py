"""The page in a real browser: files, camera, keyboard, phones, what is read aloud."""

import base64
import io
import json
import threading

import numpy as np
import pytest
from PIL import Image

from kfkd import nets, storage, weights
from kfkd.demo import predictor
from kfkd.plots.photos import PARTS
from kfkd.prediction import photographs
from tests.helpers import browser
from tests.helpers.demo_server import running
from tests.helpers.portraits import PATH, portrait

pytestmark = pytest.mark.process

SHIPPED, OTHER = "modern", "other <b>net</b>"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A browser, with the folder of trainings; the page is loaded anew in each test."""
    folder = tmp_path_factory.mktemp("trainings")
    other = nets.make("net1", hidden_num_units=3).seed(0)
    other.initialize()
    found = predictor.Predictor({SHIPPED: weights.load(), OTHER: other})
    found.warm_up()
    scene = Image.new("RGB", (640, 480), "tan")
    scene.paste(portrait().resize((410, 480)), (115, 0))
    browser.write_video(folder / "camera.y4m", scene)
    with (
        running(found, folder) as port,
        browser.opened(folder / "camera.y4m") as driver,
    ):
        yield Page(driver, f"http://127.0.0.1:{port}/", folder)


class Page:
    """What the tests do with the page."""

    def __init__(self, driver, url, folder):
        self.driver, self.url, self.folder = driver, url, folder

    def load(self):
        self.driver.get(self.url)
        self.wait(lambda: len(self.all("#nets input")) == 2)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector):
        (found,) = self.all(selector)
        return found

    def wait(self, condition):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, 60, 0.05).until(lambda _: condition())

    def wait_for_status(self, words):
        self.wait(lambda: words in self.one("#status").text)
        return self.one("#status").text

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def press(self, key):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    def emulate(self, command, **arguments):
        self.driver.execute_cdp_cmd(f"Emulation.{command}", arguments)

    def picture(self, canvas):
        """Return the pixels of a canvas."""
        url = self.run("return arguments[0].toDataURL('image/png')", canvas)
        content = base64.b64decode(url.partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.fixture
def loaded(page):
    page.load()
    yield page
    problems = [
        entry
        for entry in page.driver.get_log("browser")
        if "status of 4" not in entry["message"]  # answers that a test asks for
    ]
    assert problems == []


def expected_points():
    found = {"": photographs.read_faces(PATH)}
    return photographs.predict_faces(weights.load(), found)


def test_a_file_is_drawn_with_the_points_of_each_net(loaded):
    loaded.one("#file").send_keys(PATH)
    assert "1 face found in" in loaded.wait_for_status("grace_hopper.jpg: ")
    assert loaded.one("article h3").text == "grace_hopper.jpg"
    captions = [caption.text for caption in loaded.all("figcaption")]
    assert [text.partition(" · ")[0] for text in captions] == [SHIPPED, OTHER]
    assert all("points in" in text and text.endswith(" ms") for text in captions)
    canvas = loaded.all("canvas")[0]
    drawn = loaded.picture(canvas)
    whole = np.asarray(portrait())
    assert drawn.shape == whole.shape
    # Far from the face it is the photograph, and at the points it is not.
    difference = abs(drawn[400:, :140].astype(int) - whole[400:, :140])
    assert difference.mean() < 2
    table = expected_points()
    for part, point in (
        ("nose", "nose_tip"),
        ("eyes", "left_eye_center"),
        ("mouth", "mouth_left_corner"),
        ("brows", "right_eyebrow_outer_end"),
    ):
        x, y = table[[f"{point}_x", f"{point}_y"]].to_numpy()[0].astype(int)
        colour = Image.new("RGB", (1, 1), PARTS[part][0]).getpixel((0, 0))
        near = drawn[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).astype(int)
        assert abs(near - colour).sum(axis=1).min() < 40, part


def test_the_points_as_a_table(loaded):
    loaded.one("#file").send_keys(PATH)
    loaded.wait_for_status("1 face found")
    loaded.all("summary")[0].click()
    rows = loaded.wait(lambda: loaded.all("figure:first-child tr"))
    table = expected_points()
    assert len(rows) == 15
    for row in rows[:3]:
        *name, x, y = row.text.split()
        point = "_".join(name)
        expected = table[[f"{point}_x", f"{point}_y"]].to_numpy()[0]
        np.testing.assert_allclose([float(x), float(y)], expected, atol=0.06)
    assert "Face 1" in loaded.one("figure:first-child caption").text


def test_files_that_cannot_be_used_are_told(loaded, tmp_path):
    Image.new("RGB", (300, 200), "green").save(tmp_path / "meadow.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    files = [PATH, str(tmp_path / "broken.png"), str(tmp_path / "meadow.png")]
    loaded.one("#file").send_keys("\n".join(files))
    loaded.wait_for_status("meadow.png: no face was found")
    lines = loaded.all("#status p")
    wrong = [line.get_attribute("class") for line in lines]
    assert wrong == ["", "error", "error"]
    assert lines[0].text.startswith("grace_hopper.jpg: 1 face found")
    assert lines[1].text.startswith("broken.png: the file is not an image of a known")
    assert len(loaded.all("article")) == 2


def test_without_looking_for_faces_and_with_one_net(loaded, tmp_path):
    Image.new("RGB", (300, 200), "green").save(tmp_path / "meadow.png")
    loaded.one("#detect").click()
    loaded.all("#nets input")[1].click()
    loaded.one("#file").send_keys(str(tmp_path / "meadow.png"))
    loaded.wait_for_status("1 face found")
    assert [text.text.partition(" · ")[0] for text in loaded.all("figcaption")] == [
        SHIPPED
    ]
    before = loaded.picture(loaded.one("canvas"))
    loaded.one("#names").click()
    assert (loaded.picture(loaded.one("canvas")) != before).any()


def test_what_is_shown_follows_the_choices(loaded, tmp_path):
    Image.new("RGB", (300, 200), "green").save(tmp_path / "meadow.png")
    loaded.one("#file").send_keys(f"{PATH}\n{tmp_path / 'meadow.png'}")
    loaded.wait_for_status("meadow.png: no face was found")
    loaded.one("#detect").click()
    loaded.wait_for_status("meadow.png: 1 face found")
    assert len(loaded.all("article")) == 2
    assert len(loaded.all("figure")) == 4
    first, second = loaded.all("#nets input")
    first.click()
    loaded.wait(lambda: len(loaded.all("figure")) == 2)
    second.click()
    loaded.wait_for_status("meadow.png: no net is chosen")
    assert len(loaded.all("figure")) == 2
    loaded.one("#detect").click()
    first.click()
    loaded.wait_for_status("meadow.png: no face was found")
    names = [text.text.partition(" · ")[0] for text in loaded.all("figcaption")]
    assert names == [SHIPPED, SHIPPED]


def test_choices_count_for_what_is_under_way(loaded, tmp_path, monkeypatch):
    Image.new("RGB", (300, 200), "green").save(tmp_path / "meadow.png")
    begun, chosen = threading.Event(), threading.Event()
    cut = predictor.cut_faces

    def cut_late(*args, **kwargs):
        begun.set()
        assert chosen.wait(60)
        return cut(*args, **kwargs)

    monkeypatch.setattr(predictor, "cut_faces", cut_late)
    loaded.one("#file").send_keys(str(tmp_path / "meadow.png"))
    assert begun.wait(60)
    loaded.one("#detect").click()
    chosen.set()
    loaded.wait_for_status("meadow.png: 1 face found")
    assert len(loaded.all("article")) == 1


def test_the_camera(loaded):
    button = loaded.one("#camera")
    button.click()
    loaded.wait_for_status("1 face found")
    assert button.text == "Stop the camera"
    assert button.get_attribute("aria-pressed") == "true"
    drawn = loaded.picture(loaded.all("canvas")[0])
    assert drawn.shape == (480, 640, 3)
    assert abs(drawn[5:100, 5:100].mean(axis=(0, 1)) - [210, 180, 140]).max() < 25
    button.click()
    loaded.wait_for_status("The camera is off")
    video = "document.querySelector('video')"
    assert loaded.run(f"return {video}.srcObject.active") is False
    assert button.text == "Use the camera"


def test_names_of_files_and_nets_are_text(loaded, tmp_path):
    path = tmp_path / "<img src=x onerror=alert(1)>.jpg"
    portrait().save(path)
    loaded.one("#file").send_keys(str(path))
    loaded.wait_for_status("1 face found")
    assert loaded.one("article h3").text == path.name
    assert loaded.all("img, #nets b") == []


def test_all_can_be_done_from_the_keyboard(loaded):
    seen = []
    for _ in range(12):
        loaded.press("\ue004")  # Tab
        seen.append(loaded.run("return document.activeElement.id"))
    assert [*dict.fromkeys(filter(None, seen))][:4] == [
        "file",
        "camera",
        "detect",
        "names",
    ]
    outline = loaded.run(
        "document.getElementById('camera').focus({focusVisible: true});"
        "return getComputedStyle(document.activeElement).outlineStyle"
    )
    assert outline == "solid"


def test_everything_has_a_name_that_is_read_aloud(loaded):
    loaded.one("#file").send_keys(PATH)
    loaded.wait_for_status("1 face found")
    tree = loaded.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    found = {}
    for node in tree:
        role = node.get("role", {}).get("value")
        found.setdefault(role, []).append(node.get("name", {}).get("value", ""))
    for role in ("button", "checkbox", "image", "heading", "DisclosureTriangle"):
        assert found.get(role), (role, found.keys())
        assert all(found[role]), (role, found[role])
    assert "1 face with the points of modern" in found["image"]
    assert any("Choose photographs" in name for name in found["button"])
    assert "status" in found
    assert loaded.run("return document.documentElement.lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_in_light_and_dark(loaded, scheme):
    feature = dict(name="prefers-color-scheme", value=scheme)
    loaded.emulate("setEmulatedMedia", features=[feature])
    size = dict(width=340, height=700, deviceScaleFactor=2, mobile=True)
    loaded.emulate("setDeviceMetricsOverride", **size)
    try:
        loaded.one("#file").send_keys(PATH)
        loaded.wait_for_status("1 face found")
        assert loaded.run("return document.documentElement.scrollWidth") <= 340
        # Text and background are far enough apart (WCAG 2, level AA: 4.5 to 1).
        contrasts = loaded.run(CONTRASTS)
        assert len(contrasts) > 5
        assert min(contrasts.values()) >= 4.5, json.dumps(contrasts)
    finally:
        loaded.emulate("clearDeviceMetricsOverride")
        loaded.emulate("setEmulatedMedia", features=[])


CONTRASTS = """
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const found = {};
for (const element of document.querySelectorAll("h1, h3, p, label, small, button, " +
    "legend, strong, span, summary, figcaption")) {
  if (!element.textContent.trim()) continue;
  const pair = [light(parse(getComputedStyle(element).color)), light(ground(element))];
  const [dark, bright] = pair.sort((a, b) => a - b);
  found[element.tagName + element.textContent.slice(0, 20)] =
    (bright + 0.05) / (dark + 0.05);
}
return found;
"""


def test_learning_curves_of_a_training_under_way(loaded):
    from kfkd.callbacks import Checkpoint
    from tests.helpers import small_faces

    assert not loaded.one("#trainings").is_displayed()
    X, y = small_faces.rows(30)
    net = small_faces.small(max_epochs=9, verbose=0)

    def stop(net, history):
        if len(history) == 4:
            raise KeyboardInterrupt

    checkpoint = Checkpoint(loaded.folder / "mine.checkpoint")
    net.fit(X, y, checkpoint=checkpoint, callbacks=[stop])
    try:
        loaded.load()
        loaded.wait(lambda: loaded.one("#trainings").is_displayed())
        assert loaded.one("#curves h3").text == "mine"
        assert "of 9, " in loaded.one("#curves p").text
        lines = loaded.all("#curves polyline")
        assert [line.get_attribute("class") for line in lines] == ["train", "valid"]
        points = lines[1].get_attribute("points").split()
        heights = [float(point.split(",")[1]) for point in points]
        losses = [row["valid_loss"] for row in net.train_history_[: len(points)]]
        assert np.argsort(heights).tolist() == np.argsort(losses)[::-1].tolist()
    finally:
        checkpoint.remove()


def test_a_page_of_another_origin_learns_nothing(loaded):
    """It is a page of this machine, too, at another port."""
    other = predictor.Predictor({})
    with running(other, loaded.folder) as port:
        loaded.driver.get(f"http://127.0.0.1:{port}/page.css")
        found = loaded.driver.execute_async_script(
            """
            const [url, done] = arguments;
            const tries = [
              fetch(url + "api/nets"),
              fetch(url + "api/nets", {mode: "no-cors"}),
              fetch(url + "api/predict", {method: "POST", body: "x"}),
            ];
            Promise.allSettled(tries).then((all) =>
              done(all.map((one) => one.status)));
            """,
            loaded.url,
        )
    assert found == ["rejected"] * 3
    loaded.driver.get_log("browser")  # which has told so


def test_a_net_that_fails_is_told(loaded, monkeypatch):
    def fail(*args, **kwargs):
        raise storage.StorageError("the net is broken")

    monkeypatch.setattr(predictor, "predict_faces", fail)
    loaded.one("#file").send_keys(PATH)
    text = loaded.wait_for_status("grace_hopper.jpg: the net is broken")
    assert text == "grace_hopper.jpg: the net is broken"
