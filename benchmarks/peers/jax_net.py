"""Plain JAX, by hand, in kfkd's own formulations: what the detour by Theano costs.

python peers/jax_net.py NET DEVICE
"""

import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
from common import (
    BATCH,
    DROPOUT,
    MOMENTUM,
    RATE,
    Workload,
    repeat,
    serve,
)
from jax import lax

# Convolutions by XLA's own code, which is faster than YNNPACK's.
OPTIONS = {
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,"
    "LIBRARY_FUSION_TYPE_REDUCE"
}


def _patches(x, h, w):
    """Return a row for each entry of h x w filters: what it sees of (n, h, w, 1)."""
    rows, columns = x.shape[1] - h + 1, x.shape[2] - w + 1
    return jnp.stack(
        [
            x[:, i : i + rows, j : j + columns].reshape(-1)
            for i in range(h)
            for j in range(w)
        ]
    )


def convolve(x, filters, on_cpu):
    """Correlate images with filters, (c_out, c_in, h, w)."""
    if on_cpu and filters.shape[1] == 1:
        return _first(x, filters)
    layout = ("NHWC", "OIHW", "NHWC") if on_cpu else ("NCHW", "OIHW", "NCHW")
    return lax.conv_general_dilated(
        x, filters, (1, 1), "VALID", dimension_numbers=layout
    )


@jax.custom_vjp
def _first(x, filters):
    """Correlate images of one channel, whose gradient nobody needs, on the CPU."""
    c_out, _, h, w = filters.shape
    n, rows, columns, _ = x.shape
    product = _patches(x, h, w).T @ filters.reshape(c_out, -1).T
    return product.reshape(n, rows - h + 1, columns - w + 1, c_out)


def _first_backward(residuals, g):
    x, filters = residuals
    c_out, _, h, w = filters.shape
    product = _patches(x, h, w) @ g.reshape(-1, c_out)
    product = jnp.transpose(product.reshape(h, w, 1, c_out), (3, 2, 0, 1))
    return jnp.zeros_like(x), product


_first.defvjp(lambda x, filters: (_first(x, filters), (x, filters)), _first_backward)


def _blocks(x, on_cpu):
    n, *shape = x.shape
    h, w = shape[:2] if on_cpu else shape[1:]
    if on_cpu:
        x = x[:, : h // 2 * 2, : w // 2 * 2]
        return x.reshape(n, h // 2, 2, w // 2, 2, -1), (2, 4)
    x = x[:, :, : h // 2 * 2, : w // 2 * 2]
    return x.reshape(n, -1, h // 2, 2, w // 2, 2), (3, 5)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def pool(x, on_cpu):
    """Take the maximum of each block of 2 x 2."""
    blocks, places = _blocks(x, on_cpu)
    return blocks.max(places)


def _pool_forward(x, on_cpu):
    maximum = pool(x, on_cpu)
    return maximum, (x, maximum)


def _pool_backward(on_cpu, residuals, g):
    x, maximum = residuals
    blocks, places = _blocks(x, on_cpu)
    equal = blocks == jnp.expand_dims(maximum, places)
    share = jnp.where(equal, jnp.expand_dims(g, places), np.float32(0))
    axes = (1, 2) if on_cpu else (2, 3)
    shape = [n // 2 * 2 if a in axes else n for a, n in enumerate(x.shape)]
    share = share.reshape(shape)
    edges = [(0, n - m) for n, m in zip(x.shape, share.shape, strict=True)]
    return (jnp.pad(share, edges),)


pool.defvjp(_pool_forward, _pool_backward)


def drop(x, p, key):
    """Set a random part of *x* to zero, by a hash of a counter."""

    def mix(x):
        x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
        return x ^ (x >> 16)

    counter = jnp.arange(x.size, dtype=jnp.uint32).reshape(x.shape)
    kept = mix(mix(counter ^ key) + key) < np.uint32((1 - p) * 2**32)
    return jnp.where(kept, x * np.float32(1 / (1 - p)), np.float32(0))


class Peer:
    """The net and its data."""

    def __init__(self, name, device):
        load = self.load = Workload(name).of_tutorial()
        self.device = jax.devices(device)[0]
        self.on_cpu = self.device.platform == "cpu"
        put = functools.partial(jax.device_put, device=self.device)
        self.train, self.valid = put(load.train), put(load.valid)
        weights = load.weights()
        self.state = put((weights, jax.tree.map(np.zeros_like, weights), np.uint32(1)))
        batch = put(tuple(a[:BATCH] for a in load.train))
        self.rng = np.random.RandomState(0)
        options = OPTIONS if self.on_cpu else None
        jit = functools.partial(jax.jit, compiler_options=options)
        self.jitted = jit(self._step, donate_argnums=0)
        self.jitted_loss = jit(functools.partial(self._loss, key=None))
        self.jitted_train = jit(self._train, donate_argnums=0)
        self.jitted_valid = jit(self._valid)

        def step():
            self.state, loss = self.jitted(self.state, *batch)
            return float(loss)

        self.step = repeat(step)
        self.evaluation = repeat(lambda: float(self.jitted_loss(self.state[0], *batch)))
        self.epoch = repeat(self._epoch)

    def _loss(self, weights, X, y, key):
        load, x, rates = self.load, X, iter(DROPOUT)

        def dropped(x):
            p = next(rates)
            return drop(x, p, key + np.uint32(p * 100)) if load.dropout else x

        drops = dropped if key is not None else (lambda x: x)
        if load.convolutional:
            if self.on_cpu:
                x = x.reshape(len(x), 96, 96, 1)
            for filters, bias in weights[:3]:
                bias = bias if self.on_cpu else bias[:, None, None]
                x = jnp.maximum(convolve(x, filters, self.on_cpu) + bias, 0)
                x = drops(pool(x, self.on_cpu))
            x = jnp.transpose(x, (0, 3, 1, 2)) if self.on_cpu else x
            x = x.reshape(len(x), -1)
        hidden, (last, bias) = weights[3 * load.convolutional : -1], weights[-1]
        for i, (w, b) in enumerate(hidden):
            x = jnp.maximum(x @ w + b, 0)
            x = drops(x) if load.convolutional and i == 0 else x
        return jnp.mean((x @ last + bias - y) ** 2)

    def _step(self, state, X, y):
        weights, velocities, key = state
        loss, gradients = jax.value_and_grad(self._loss)(weights, X, y, key)

        def velocity(v, g):
            return MOMENTUM * v - RATE * g

        def move(w, v, g):
            return w + MOMENTUM * v - RATE * g

        velocities = jax.tree.map(velocity, velocities, gradients)
        weights = jax.tree.map(move, weights, velocities, gradients)
        return (weights, velocities, key * np.uint32(0x9E3779B9) + 1), loss

    def _flipped(self, X, y, flipped):
        X = jnp.where(flipped[:, None, None, None], X[..., ::-1], X)
        mirrored = (y * self.load.sign)[:, self.load.source]
        return X, jnp.where(flipped[:, None], mirrored, y)

    def _batch(self, data, drawn, start, count):
        def cut(array):
            return lax.dynamic_slice_in_dim(array, start, count)

        X, y = map(cut, data)
        return (X, y) if drawn is None else self._flipped(X, y, cut(drawn))

    def _train(self, state, data, drawn):
        whole = len(data[0]) // BATCH

        def step(state, start):
            return self._step(state, *self._batch(data, drawn, start, BATCH))

        state, losses = lax.scan(step, state, np.arange(whole) * BATCH)
        rest = self._batch(data, drawn, whole * BATCH, len(data[0]) % BATCH)
        state, last = self._step(state, *rest)
        return state, (losses, last)

    def _valid(self, weights, data):
        whole = len(data[0]) // BATCH

        def evaluate(_, start):
            X, y = self._batch(data, None, start, BATCH)
            return None, self._loss(weights, X, y, None)

        _, losses = lax.scan(evaluate, None, np.arange(whole) * BATCH)
        rest = self._batch(data, None, whole * BATCH, len(data[0]) % BATCH)
        return losses, self._loss(weights, *rest, None)

    def _draw(self, n):
        flipped = np.zeros(n, bool)
        flipped[self.rng.choice(n, n // 2, replace=False)] = True
        return flipped

    def _epoch(self):
        X = self.load.train[0]
        drawn = None
        if self.load.flips:
            sizes = [len(X[i : i + BATCH]) for i in range(0, len(X), BATCH)]
            drawn = np.concatenate([self._draw(n) for n in sizes])
        if self.on_cpu and self.load.convolutional:  # where scans are slow
            return self._epoch_by_steps(drawn)
        self.state, losses = self.jitted_train(self.state, self.train, drawn)
        valid = self.jitted_valid(self.state[0], self.valid)
        jax.device_get(losses)
        return float(valid[1])

    def _epoch_by_steps(self, drawn):
        X, y = self.train
        losses = []
        for i in range(0, len(X), BATCH):
            part = slice(i, i + BATCH)
            batch = X[part], y[part]
            if drawn is not None:
                batch = jax.jit(self._flipped)(*batch, drawn[part])
            self.state, loss = self.jitted(self.state, *batch)
            losses.append(loss)
        X, y = self.valid
        for i in range(0, len(X), BATCH):
            part = slice(i, i + BATCH)
            losses.append(self.jitted_loss(self.state[0], X[part], y[part]))
        return float(np.array(jax.device_get(losses))[-1])


if __name__ == "__main__":
    serve(Peer(*sys.argv[1:3]))
