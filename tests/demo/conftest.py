import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("cv2")

from kfkd import nets, weights
from kfkd.demo import predictor
from tests.helpers.demo_server import running


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The port of a page of two nets, the folder of its trainings, and the nets."""
    folder = tmp_path_factory.mktemp("trainings")
    other = nets.make("net1", hidden_num_units=3).seed(0)
    other.initialize()
    found = predictor.Predictor({"modern": weights.load(), "net 1/ä": other})
    with running(found, folder) as port:
        yield port, folder, found
