"""Nonlinearities: ELU, SELU, softplus and a scaled hyperbolic tangent."""

import theano.tensor as T

__all__ = ["SELU", "ScaledTanH", "ScaledTanh", "elu", "selu", "softplus"]


class ScaledTanH:
    """Compute ``tanh(x * scale_in) * scale_out``."""

    def __init__(self, scale_in=1, scale_out=1):
        self.scale_in = scale_in
        self.scale_out = scale_out

    def __call__(self, x):
        """Return the output."""
        return T.tanh(x * self.scale_in) * self.scale_out


ScaledTanh = ScaledTanH


def elu(x):
    """Return the exponential linear unit: x above 0, ``exp(x) - 1`` below."""
    return T.switch(x > 0, x, T.expm1(x))


class SELU:
    """Compute *scale* times x above 0, and times ``scale_neg * (exp(x) - 1)`` below."""

    def __init__(self, scale=1, scale_neg=1):
        self.scale = scale
        self.scale_neg = scale_neg

    def __call__(self, x):
        """Return the output."""
        return self.scale * T.switch(x > 0, x, self.scale_neg * T.expm1(x))


# The scales of Klambauer et al., "Self-normalizing neural networks", 2017.
selu = SELU(
    scale=1.0507009873554804934193349852946,
    scale_neg=1.6732632423543772848170429916717,
)


def softplus(x):
    """Return ``log(1 + exp(x))``."""
    return T.nnet.softplus(x)
