"""Handwriting synthesis: a recurrent net with a soft window over the characters and a
mixture of bivariate Gaussians for the pen, trained on pieces of varying length between
which its state is kept in shared variables."""

from __future__ import print_function

import sys
from collections import OrderedDict

import numpy as np
import theano
import theano.tensor as T
from theano import tensor
from theano.sandbox.rng_mrg import MRG_RandomStreams

floatX = theano.config.floatX
rng = np.random.RandomState(3)
BATCH, N_CHARS, U, N_HID, N_WIN, N_MIX, EPS = 4, 5, 6, 12, 3, 3, 1e-5
tparams, states = OrderedDict(), OrderedDict()


def param(name, *shape):
    scale = 0.0 if len(shape) == 1 else 1.0 / np.sqrt(shape[0])
    value = (scale * rng.randn(*shape)).astype(floatX)
    tparams[name] = theano.shared(value, name=name, borrow=True)


def state(name, *shape):
    states[name] = theano.shared(np.zeros(shape, dtype=floatX), name=name)


param("Wx", 3, 3 * N_HID), param("Ww", N_CHARS, 3 * N_HID), param("b", 3 * N_HID)
param("Uzr", N_HID, 2 * N_HID), param("Uh", N_HID, N_HID)
param("Wwin", N_HID, 3 * N_WIN), param("bwin", 3 * N_WIN)
param("Wout", N_HID, 1 + 6 * N_MIX), param("bout", 1 + 6 * N_MIX)
state("h", BATCH, N_HID), state("kappa", BATCH, N_WIN), state("w", BATCH, N_CHARS)


def gru_and_window(x_t, h_, kappa_, w_, text):
    """One step of a batch: `text` is (batch, characters, one hot)."""
    pre = T.dot(x_t, tparams["Wx"]) + T.dot(w_, tparams["Ww"]) + tparams["b"]
    zr = T.nnet.sigmoid(pre[:, : 2 * N_HID] + T.dot(h_, tparams["Uzr"]))
    z, r = zr[:, :N_HID], zr[:, N_HID:]
    h = T.tanh(pre[:, 2 * N_HID :] + T.dot(r * h_, tparams["Uh"]))
    h = z * h_ + (1.0 - z) * h
    abk = T.exp(T.dot(h, tparams["Wwin"]) + tparams["bwin"])
    alpha, beta = abk[:, :N_WIN], abk[:, N_WIN : 2 * N_WIN]
    kappa = kappa_ + 0.15 * abk[:, 2 * N_WIN :]
    u = T.arange(text.shape[1] + 1, dtype=floatX).dimshuffle("x", "x", 0)
    a, b, k = [v.dimshuffle(0, 1, "x") for v in (alpha, beta, kappa)]
    phi = T.sum(a * T.exp(-b * T.sqr(k - u)), axis=1)  # (batch, characters + 1)
    w = T.batched_dot(phi[:, :-1].dimshuffle(0, "x", 1), text)[:, 0]
    return h, kappa, w, phi


def mixture(h, bias=0.0):
    out = T.dot(h, tparams["Wout"]) + tparams["bout"]
    eos = T.nnet.sigmoid(-out[..., 0])
    pi, mu1, mu2, s1, s2, rho = [
        out[..., 1 + i * N_MIX : 1 + (i + 1) * N_MIX] for i in range(6)
    ]
    shape = pi.shape
    pi = T.nnet.softmax((pi * (1.0 + bias)).reshape((-1, N_MIX))).reshape(shape)
    s1, s2 = T.exp(s1 - bias) + EPS, T.exp(s2 - bias) + EPS
    return eos, pi, mu1, mu2, s1, s2, T.clip(T.tanh(rho), -1 + EPS, 1 - EPS)


def nll(target, eos, pi, mu1, mu2, s1, s2, rho):
    x1, x2 = T.shape_padright(target[..., 0]), T.shape_padright(target[..., 1])
    d1, d2 = (x1 - mu1) / s1, (x2 - mu2) / s2
    z = T.sqr(d1) + T.sqr(d2) - 2 * rho * d1 * d2
    log_n = -z / (2 * (1 - T.sqr(rho))) - T.log(2 * np.pi * s1 * s2)
    log_n += T.log(pi + EPS) - 0.5 * T.log(1 - T.sqr(rho))
    top = T.max(log_n, axis=-1, keepdims=True)
    log_p = T.log(T.sum(T.exp(log_n - top), axis=-1)) + top[..., 0]
    bernoulli = tensor.xlogx.xlogy0(target[..., 2], eos + EPS)
    bernoulli += tensor.xlogx.xlogy0(1 - target[..., 2], 1 - eos + EPS)
    return -(log_p + bernoulli)


# training: by pieces of (steps, batch, 3), ended ones masked
strokes, mask, text = T.tensor3("strokes"), T.matrix("mask"), T.tensor3("text")
start = T.vector("start")  # 0 where a line begins, and 1 where it goes on
initial = [s * start.dimshuffle(0, "x") for s in states.values()]


def train_step(x_t, m_t, h_, kappa_, w_, text):
    h, kappa, w, _ = gru_and_window(x_t, h_, kappa_, w_, text)
    m = m_t[:, None]
    return [m * new + (1 - m) * old for new, old in ((h, h_), (kappa, kappa_), (w, w_))]


(hs, kappas, ws), updates = theano.scan(
    train_step,
    sequences=[strokes[:-1], mask[1:]],
    outputs_info=initial,
    non_sequences=[text],
    name="train",
)
cost = T.sum(nll(strokes[1:], *mixture(hs)) * mask[1:]) / T.sum(mask[1:])
for s, new in zip(states.values(), (hs, kappas, ws)):
    updates[s] = new[-1]
params = list(tparams.values())
for p, g in zip(params, T.grad(cost, params)):
    m2 = theano.shared(p.get_value() * 0, broadcastable=p.broadcastable)
    g = theano.gradient.grad_clip(g, -1, 1) if p.ndim > 1 else T.clip(g, -1, 1)
    updates[m2] = T.cast(0.9, floatX) * m2 + T.cast(0.1, floatX) * g**2
    updates[p] = p - np.float32(0.01) * g / T.sqrt(updates[m2] + 1e-4)
train = theano.function(
    [strokes, mask, text, start], cost, updates=updates, allow_input_downcast=True
)

# sampling: biased, and until the window has left the text
bias, n_steps, noise = T.scalar("bias"), T.iscalar("n_steps"), T.tensor3("noise")
srng = MRG_RandomStreams(seed=9)


def sample_step(u, x_, h_, kappa_, w_, text, bias):
    h, kappa, w, phi = gru_and_window(x_, h_, kappa_, w_, text)
    eos, pi, mu1, mu2, s1, s2, rho = mixture(h, bias)
    below = T.ge(T.extra_ops.cumsum(pi, axis=1), T.shape_padright(u[:, 0]))
    chosen = T.argmax(below, axis=1)
    rows = T.arange(x_.shape[0])
    mu1, mu2, s1, s2, rho = [v[rows, chosen] for v in (mu1, mu2, s1, s2, rho)]
    x1 = mu1 + s1 * u[:, 1]
    x2 = mu2 + s2 * (rho * u[:, 1] + T.sqrt(1 - T.sqr(rho)) * u[:, 2])
    up = T.cast(u[:, 3] < eos, floatX)
    x = T.stack([x1, x2, up], axis=1)
    ended = T.all(phi[:, -1] > T.max(phi[:, :-1], axis=1))
    return (x, h, kappa, w, phi), theano.scan_module.until(ended)


def sampler(noise, inputs):
    zeros = [T.zeros((BATCH, n)) for n in (3, N_HID, N_WIN, N_CHARS)]
    (xs, _, kappas, _, phi), updates = theano.scan(
        sample_step,
        sequences=noise,
        outputs_info=zeros + [None],
        non_sequences=[text, bias],
    )
    return theano.function(
        inputs + [text, theano.In(bias, value=1.0, name="bias")],
        [xs, kappas[-1], T.argmax(phi, axis=2)],
        updates=updates,
        allow_input_downcast=True,
    )


drawn = T.concatenate(
    [
        srng.uniform((n_steps, BATCH, 1)),
        srng.normal((n_steps, BATCH, 2)),
        srng.uniform((n_steps, BATCH, 1)),
    ],
    axis=2,
)
sample, sample_drawn = sampler(noise, [noise]), sampler(drawn, [n_steps])
results, losses = {}, []
for line in range(12):
    onehot = np.eye(N_CHARS)[rng.randint(0, N_CHARS, (BATCH, U))]
    lengths = rng.randint(8, 40, BATCH)
    turn = np.repeat(onehot.argmax(2), 7, axis=1).T[: lengths.max()] * 1.2
    points = np.stack([np.cos(turn), np.sin(turn), rng.rand(*turn.shape) < 0.1], 2)
    points[:, :, :2] += 0.05 * rng.randn(len(points), BATCH, 2)
    m = np.arange(len(points))[:, None] < lengths
    for piece in range(0, len(points) - 1, 12):
        args = points[piece : piece + 13], m[piece : piece + 13]
        if args[1][1:].any():
            args += onehot, np.ones(BATCH) * (piece > 0)
            losses.append(float(train(*args)))
u = np.concatenate(
    [rng.rand(80, BATCH, 1), rng.randn(80, BATCH, 2), rng.rand(80, BATCH, 1)], axis=2
)
xs, last_kappa, at = sample(u, onehot)
calm = sample(u, onehot, bias=5.0)[0]
print("loss %.3f -> %.3f" % (np.mean(losses[:5]), np.mean(losses[-5:])))
print("sampled %d points, spread %.2f, biased %.2f" % (len(xs), xs.std(), calm.std()))
results.update(losses=losses, xs=xs, last_kappa=last_kappa, at=at, calm=calm)
results.update((name, s.get_value()) for name, s in states.items())
results.update((name, p.get_value()) for name, p in tparams.items())
results["random_spread"] = sample_drawn(40, onehot)[0][:, :, :2].std()
np.savez(sys.argv[1], **results)
