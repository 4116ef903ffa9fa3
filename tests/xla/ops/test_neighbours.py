import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.nnet.neighbours import images2neibs, neibs2images

from tests.helpers.theano_oracle import check, check_gradient, random
from tests.helpers.varying_lengths import check_program

CASES = [
    ("valid", (2, 3), None),
    ("valid", (2, 3), (1, 3)),
    ("ignore_borders", (4, 2), (3, 3)),
    ("half", (3, 3), (1, 1)),
    ("half", (2, 4), (2, 3)),
    ("full", (2, 4), (2, 1)),
    ("wrap_centered", (3, 5), (2, 4)),
]


@pytest.mark.parametrize(("mode", "shape", "step"), CASES)
def test_patches(mode, shape, step):
    check(lambda x: images2neibs(x, shape, step, mode), random(0, (2, 3, 6, 9)))


@pytest.mark.parametrize("mode", ["valid", "ignore_borders"])
def test_gradients(mode):
    x = random(1, (1, 2, 4, 6))
    check_gradient(lambda x: images2neibs(x, (2, 3), None, mode) ** 2, x)


def test_patches_of_any_number_of_images():
    check_program(
        lambda rng, n, m: [rng.normal(size=(n, 2, 4, 6))],
        lambda x: [
            images2neibs(x, (3, 3), (1, 1), "half"),
            images2neibs(x, (2, 3), (1, 3)),
            T.grad((images2neibs(x, (2, 3)) ** 2).sum(), x),
        ],
    )


def test_patches_of_images_of_any_size():
    check_program(
        lambda rng, n, m: [rng.normal(size=(2, 3, 2 * n, 3 * m))],
        lambda x: [
            *(images2neibs(x, (2, 3)), images2neibs(x, (2, 2), (2, 1))[:, 1]),
            images2neibs(x, (3, 2), (3, 1), "ignore_borders").max(axis=1),
        ],
    )
    check_program(
        lambda rng, n, m: [rng.normal(size=(n, 2, 2 * m, 6))],
        lambda x: [T.grad((images2neibs(x, (2, 3)) ** 2).sum(), x)],
    )


def test_images_from_patches():
    check(
        lambda x: neibs2images(images2neibs(x, (2, 3)), (2, 3), x.shape),
        random(2, (2, 3, 4, 6)),
    )


@pytest.mark.parametrize(
    ("mode", "shape"),
    [("valid", (4, 4)), ("valid", (9, 3)), ("half", (2, 4)), ("wrap_centered", (2, 3))],
)
def test_patches_that_do_not_fit_are_an_error(mode, shape):
    x = T.dtensor4()
    f = theano.function([x], images2neibs(x, shape, mode=mode), mode="xla")
    with pytest.raises(TypeError, match=r"Patches(.|\n)*It is Images2Neibs"):
        f(np.zeros((1, 1, 6, 6)) if mode != "half" else np.zeros((1, 1, 5, 6)))


def test_patches_of_no_size_are_an_error():
    x, n = T.dtensor4(), T.lvector()
    f = theano.function([x, n], images2neibs(x, n), mode="xla")
    with pytest.raises(ValueError, match="Patches of 0"):
        f(np.zeros((1, 1, 6, 6)), [0, 2])


def test_images_of_another_rank_are_an_error():
    x, shape = T.dmatrix(), T.lvector()
    f = theano.function([x, shape], neibs2images(x, (2, 2), shape), mode="xla")
    assert f(np.zeros((4, 4)), [1, 1, 4, 4]).shape == (1, 1, 4, 4)
    with pytest.raises(ValueError, match="4 sizes are wanted"):
        f(np.zeros((4, 4)), [1, 1, 1, 4, 4])
