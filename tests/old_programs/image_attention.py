"""Captions with soft attention over a feature map, after "Show, attend and tell"."""

from __future__ import print_function

import sys
from collections import OrderedDict

import numpy
import theano
import theano.tensor as tensor
from theano.sandbox.rng_mrg import MRG_RandomStreams as RandomStreams

N_WORDS, DIM_WORD, DIM, N_PLACES, CTX_DIM, ALPHA_C = 12, 7, 10, 9, 6, 1.0
RANDOM_TOLERANCE = 0.3  # of the cost with dropout
SHAPES = [
    ("Wemb", (N_WORDS, DIM_WORD)),
    ("ff_state_W", (CTX_DIM, DIM)),
    ("ff_memory_W", (CTX_DIM, DIM)),
    ("decoder_W", (DIM_WORD, 4 * DIM)),
    ("decoder_U", (DIM, 4 * DIM)),
    ("decoder_Wc", (CTX_DIM, 4 * DIM)),
    ("decoder_b", (4 * DIM,)),
    ("decoder_Wc_att", (CTX_DIM, CTX_DIM)),
    ("decoder_Wd_att", (DIM, CTX_DIM)),
    ("decoder_U_att", (CTX_DIM, 1)),
    ("decoder_c_tt", (1,)),
    ("ff_logit_W", (DIM, N_WORDS)),
    ("ff_logit_b", (N_WORDS,)),
]


def dropout_layer(state_before, use_noise, trng):
    noise = trng.binomial(state_before.shape, p=0.5, n=1, dtype=state_before.dtype)
    return tensor.switch(use_noise, state_before * noise, state_before * 0.5)


def lstm_cond_layer(tparams, emb, mask, context, states=None):
    """An LSTM that looks at a mean of the places; one step of it, if given states."""
    pctx_ = tensor.dot(context, tparams["decoder_Wc_att"])
    state_below = tensor.dot(emb, tparams["decoder_W"]) + tparams["decoder_b"]

    def _slice(_x, n, dim):
        return _x[:, n * dim : (n + 1) * dim]

    def _step(m_, x_, h_, c_, a_, pctx_):
        pctx_ = pctx_ + tensor.dot(h_, tparams["decoder_Wd_att"])[:, None, :]
        alpha = tensor.dot(tensor.tanh(pctx_), tparams["decoder_U_att"])
        alpha = alpha + tparams["decoder_c_tt"]
        alpha = tensor.nnet.softmax(alpha.reshape([alpha.shape[0], alpha.shape[1]]))
        ctx_ = (context * alpha[:, :, None]).sum(1)
        preact = tensor.dot(h_, tparams["decoder_U"]) + x_
        preact += tensor.dot(ctx_, tparams["decoder_Wc"])
        i, f, o = (tensor.nnet.sigmoid(_slice(preact, n, DIM)) for n in range(3))
        c = f * c_ + i * tensor.tanh(_slice(preact, 3, DIM))
        c = m_[:, None] * c + (1.0 - m_)[:, None] * c_
        h = m_[:, None] * (o * tensor.tanh(c)) + (1.0 - m_)[:, None] * h_
        return h, c, alpha

    if states is not None:
        m = tensor.alloc(1.0, state_below.shape[0])
        return _step(m, state_below, states[0], states[1], None, pctx_)
    alpha_init = tensor.alloc(0.0, emb.shape[1], context.shape[1])
    rval, updates = theano.scan(
        _step,
        sequences=[mask, state_below],
        non_sequences=[pctx_],
        outputs_info=init_states(tparams, context) + [alpha_init],
        name="decoder_layers",
        n_steps=emb.shape[0],
        profile=False,
    )
    return rval


def init_states(tparams, ctx):
    return [
        tensor.tanh(tensor.dot(ctx.mean(1), tparams[name]))
        for name in ("ff_state_W", "ff_memory_W")
    ]


def build_model(tparams, x, mask, ctx, use_noise):
    emb = tparams["Wemb"][x.flatten()].reshape([x.shape[0], x.shape[1], DIM_WORD])
    # the word before, and zeros before the first
    emb_shifted = tensor.set_subtensor(tensor.zeros_like(emb)[1:], emb[:-1])
    h, _, alphas = lstm_cond_layer(tparams, emb_shifted, mask, ctx)
    h = dropout_layer(h, use_noise, RandomStreams(1234))
    logit = tensor.dot(h, tparams["ff_logit_W"]) + tparams["ff_logit_b"]
    probs = tensor.nnet.softmax(
        logit.reshape([logit.shape[0] * logit.shape[1], logit.shape[2]])
    )
    x_flat = x.flatten()
    x_flat_idx = tensor.arange(x_flat.shape[0]) * probs.shape[1] + x_flat
    cost = -tensor.log(probs.flatten()[x_flat_idx] + 1e-8)
    cost = (cost.reshape([x.shape[0], x.shape[1]]) * mask).sum(0).mean()
    return cost, ALPHA_C * ((1.0 - alphas.sum(0)) ** 2).sum(0).mean()


def build_sampler(tparams):
    ctx, x = tensor.matrix("ctx", dtype="float32"), tensor.vector("x", dtype="int64")
    ctx3 = ctx.dimshuffle("x", 0, 1)
    f_init = theano.function([ctx], init_states(tparams, ctx3))
    states = [tensor.matrix(n, dtype="float32") for n in ("state", "memory")]
    emb = tensor.switch(
        x[:, None] < 0, tensor.alloc(0.0, 1, DIM_WORD), tparams["Wemb"][x]
    )
    h, c, alpha = lstm_cond_layer(tparams, emb, None, ctx3, states)
    probs = tensor.nnet.softmax(
        tensor.dot(h * 0.5, tparams["ff_logit_W"]) + tparams["ff_logit_b"]
    )
    return f_init, theano.function([x, ctx] + states, [probs, h, c, alpha])


def rmsprop(lr, tparams, grads, inp, outputs):
    """One function computes the gradients and keeps them, another uses them."""
    gshared, rg2 = (
        [
            theano.shared(p.get_value() * numpy.float32(0.0), name=k + end)
            for k, p in tparams.items()
        ]
        for end in ("_grad", "_rgrad2")
    )
    gsup = [(gs, g) for gs, g in zip(gshared, grads)]
    rg2up = [(r, 0.95 * r + 0.05 * (g**2)) for r, g in zip(rg2, grads)]
    f_grad_shared = theano.function(inp, outputs, updates=gsup + rg2up, profile=False)
    pup = [
        (p, p - lr * g / tensor.sqrt(r + 1e-4))
        for p, g, r in zip(tparams.values(), gshared, rg2)
    ]
    return f_grad_shared, theano.function([lr], [], updates=pup, profile=False)


def main():
    rng = numpy.random.RandomState(99)
    tparams = OrderedDict(
        (k, theano.shared((0.2 * rng.randn(*shape)).astype("float32"), name=k))
        for k, shape in SHAPES
    )
    use_noise = theano.shared(numpy.float32(0.0))
    inps = [
        tensor.matrix("x", dtype="int64"),
        tensor.matrix("mask", dtype="float32"),
        tensor.tensor3("ctx", dtype="float32"),
    ]
    cost, alpha_reg = build_model(tparams, *(inps + [use_noise]))
    grads = tensor.grad(cost + alpha_reg, wrt=list(tparams.values()))
    f_grad_shared, f_update = rmsprop(
        tensor.scalar(name="lr"), tparams, grads, inps, [cost, alpha_reg]
    )
    f_init, f_next = build_sampler(tparams)

    results, batches = {"costs": [], "words": [], "attention": []}, []
    for length in [4, 7, 5, 9, 6, 11, 8, 10]:
        x, mask = numpy.zeros((length + 1, 4), "int64"), numpy.zeros((length + 1, 4))
        for idx, n in enumerate(numpy.r_[length, rng.randint(2, length, 3)]):
            x[:n, idx] = rng.randint(1, N_WORDS, n)  # and 0, the end
            mask[: n + 1, idx] = 1.0
        ctx = rng.uniform(0, 1, (4, N_PLACES, CTX_DIM)).astype("float32")
        batches.append((x, mask.astype("float32"), ctx))
    for epoch in range(4):
        for x, mask, ctx in batches:
            results["costs"].append(f_grad_shared(x, mask, ctx))
            f_update(0.01)
        print("epoch", epoch, numpy.mean(results["costs"][-8:], axis=0))

    next_w, states = -1 * numpy.ones((1,), "int64"), f_init(ctx[0])
    while next_w[0] != 0 and len(results["words"]) < 12:  # the likeliest at each step
        next_p, state, memory, alpha = f_next(next_w, ctx[0], *states)
        next_w, states = next_p.argmax(1), [state, memory]
        results["words"].append(next_w[0])
        results["attention"].append(alpha[0])
    results.update((k, v.get_value()) for k, v in tparams.items())
    use_noise.set_value(1.0)
    results["random_cost"] = numpy.mean(
        [f_grad_shared(x, mask, ctx)[0] for _ in range(20)]
    )
    numpy.savez(sys.argv[1], **results)


if __name__ == "__main__":
    main()
