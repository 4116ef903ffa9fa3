"""Recurrent nets as they were written then, in plain Theano, on sentences.

python peers/sentences.py MODEL STEPS

The same program runs on kfkd and, in a Python of its time, on Theano-PyMC's own back
end in C (see `theano_c.py`). Its last line is JSON: the seconds that Theano takes to
compile, and those until the last step, and the last loss.
"""

import contextlib
import json
import sys
import time

import numpy as np

with contextlib.suppress(ImportError):
    import kfkd.stack  # noqa: F401
import theano
import theano.tensor as T

VOCABULARY, EMBEDDING, UNITS = 1000, 100, 200
SENTENCES = 8  # of a minibatch
SHORTEST, LONGEST = 3, 50


class Parameters:
    """Shared variables, drawn in the order in which they are asked for."""

    def __init__(self):
        self.rng = np.random.RandomState(0)
        self.all = []

    def __call__(self, *shape):
        """Return a new one of such a shape."""
        values = 0.05 * self.rng.normal(size=shape)
        self.all.append(theano.shared(values.astype("float32")))
        return self.all[-1]


def gru(new, x, mask, inputs, units, initial=None, context=None):
    """Return the states of gated recurrent units over *x*, (time, sentence, input)."""
    W, U, b = new(inputs, 3 * units), new(units, 3 * units), new(3 * units)
    projected = T.dot(x, W) + b
    if initial is None:
        initial = T.zeros((x.shape[1], units), "float32")

    def step(p, m, h, *more):
        if context is not None:
            memory, keys, memory_mask, Q, v, C = more
            energies = T.dot(T.tanh(keys + T.dot(h, Q)[None, :, :]), v)
            weights = T.exp(energies - energies.max(0, keepdims=True)) * memory_mask
            weights = weights / weights.sum(0, keepdims=True)
            p = p + T.dot((weights[:, :, None] * memory).sum(0), C)
        s = T.dot(h, U)
        r = T.nnet.sigmoid(p[:, :units] + s[:, :units])
        z = T.nnet.sigmoid(p[:, units : 2 * units] + s[:, units : 2 * units])
        c = T.tanh(p[:, 2 * units :] + r * s[:, 2 * units :])
        new_h = z * h + (1 - z) * c
        return m[:, None] * new_h + (1 - m[:, None]) * h

    states, _ = theano.scan(
        step,
        sequences=[projected, mask],
        outputs_info=[initial],
        non_sequences=list(context or ()),
    )
    return states


def cross_entropy(new, states, targets, mask):
    """Return the mean cross-entropy of words, (time, sentence)."""
    W, b = new(UNITS, VOCABULARY), new(VOCABULARY)
    logits = T.dot(states, W) + b
    flat = logits.reshape((logits.shape[0] * logits.shape[1], logits.shape[2]))
    p = T.nnet.softmax(flat)
    words = targets.flatten()
    losses = -T.log(p[T.arange(words.shape[0]), words])
    losses = losses.reshape((targets.shape[0], targets.shape[1])) * mask
    return losses.sum(0).mean()


def embedded(table, words):
    """Return the vectors of words, (time, sentence, place)."""
    flat = table[words.flatten()]
    return flat.reshape((words.shape[0], words.shape[1], EMBEDDING))


def shifted(emb):
    """Return the vectors of the words before, and zeros for the first."""
    zeros = T.zeros_like(emb)
    return T.set_subtensor(zeros[1:], emb[:-1])


def updates(loss, params, rate=0.1):
    """Return steps of gradient descent."""
    gradients = T.grad(loss, params)
    norm = T.sqrt(sum((g**2).sum() for g in gradients))
    scale = np.float32(rate) * T.minimum(1, 5 / norm)
    return [(p, p - scale * g) for p, g in zip(params, gradients)]  # noqa: B905  (Python 3.8)


def language_model():
    """Return a step of training a language model, of words and mask."""
    new = Parameters()
    x, mask = T.lmatrix("x"), T.fmatrix("mask")
    emb = shifted(embedded(new(VOCABULARY, EMBEDDING), x))
    states = gru(new, emb, mask, EMBEDDING, UNITS)
    loss = cross_entropy(new, states, x, mask)
    return theano.function([x, mask], loss, updates=updates(loss, new.all))


def translation():
    """Return a step of training an encoder and a decoder that attends to it."""
    new = Parameters()
    x, x_mask = T.lmatrix("x"), T.fmatrix("x_mask")
    y, y_mask = T.lmatrix("y"), T.fmatrix("y_mask")
    emb = embedded(new(VOCABULARY, EMBEDDING), x)
    forwards = gru(new, emb, x_mask, EMBEDDING, UNITS)
    backwards = gru(new, emb[::-1], x_mask[::-1], EMBEDDING, UNITS)
    memory = T.concatenate([forwards, backwards[::-1]], axis=2)
    mean = (memory * x_mask[:, :, None]).sum(0) / x_mask.sum(0)[:, None]
    initial = T.tanh(T.dot(mean, new(2 * UNITS, UNITS)))
    keys = T.dot(memory, new(2 * UNITS, UNITS))
    context = (
        memory,
        keys,
        x_mask,
        new(UNITS, UNITS),
        new(UNITS),
        new(2 * UNITS, 3 * UNITS),
    )
    target = shifted(embedded(new(VOCABULARY, EMBEDDING), y))
    states = gru(new, target, y_mask, EMBEDDING, UNITS, initial, context)
    loss = cross_entropy(new, states, y, y_mask)
    return theano.function([x, x_mask, y, y_mask], loss, updates=updates(loss, new.all))


MODELS = {"language model": (language_model, 1), "translation": (translation, 2)}


def batches(count, texts):
    """Yield so many minibatches: words and a mask of each text."""
    rng = np.random.RandomState(1)
    for _ in range(count):
        batch = []
        for _ in range(texts):
            longest = rng.randint(SHORTEST, LONGEST + 1)
            lengths = rng.randint(SHORTEST, longest + 1, SENTENCES)
            lengths[0] = longest
            batch.append(rng.randint(0, VOCABULARY, (longest, SENTENCES)))
            mask = np.arange(longest)[:, None] < lengths
            batch.append(mask.astype("float32"))
        yield batch


def main(name, steps):
    """Compile a model, train it for so many steps, print what that took."""
    model, texts = MODELS[name]
    start = time.perf_counter()
    train = model()
    compiled = time.perf_counter() - start
    for batch in batches(steps, texts):
        loss = float(train(*batch))
    total = time.perf_counter() - start
    programs = len(getattr(train.fn, "jitted", [None]))
    found = dict(theano=compiled, total=total, programs=programs, loss=loss)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
