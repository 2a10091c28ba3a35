"""The algorithms once more, from the paper's boxes, in NumPy and float64, one layer at a time.

Every function takes a layer's weights x, its gradients g_1 … g_T and its rates η_1 … η_T, and
returns (the weights after each step, what the last step's layer statistics are). Nothing of the
code under test is used.
"""

import math

import numpy as np


def norm_of(x, kind):
    if kind == "l1":
        return np.abs(x).sum()
    if kind == "linf":
        return np.abs(x).max()
    return math.sqrt((x * x).sum())


def trust_ratio(weight_norm, update_norm, phi_bounds=None, kappa=1.0):
    phi = weight_norm
    if phi_bounds is not None:
        phi = min(max(weight_norm, phi_bounds[0]), phi_bounds[1])
    if phi == 0 or update_norm == 0:
        return 1.0
    return kappa * phi / update_norm


def dozat(beta, t):
    return beta * (1 - 0.5 * 0.96 ** (t / 250))


def layer_wise(x, update, rate, decayed, adapted, weight_decay, norm, phi_bounds):
    """The last line of Algorithms 2, 3 and 4."""
    if decayed:
        update = update + weight_decay * x
    norms = norm_of(x, norm), norm_of(update, norm)
    ratio = trust_ratio(*norms, phi_bounds) if adapted else 1.0
    return x - rate * ratio * update, (*norms, ratio)


def lamb(
    x,
    gradients,
    rates,
    decayed=True,
    adapted=True,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-6,
    weight_decay=0.01,
    bias_correction=True,
    norm="l2",
    phi_bounds=None,
):
    m, v, path = 0.0, 0.0, []
    for t, (g, rate) in enumerate(zip(gradients, rates), 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t) if bias_correction else m
        v_hat = v / (1 - beta_2**t) if bias_correction else v
        r = m_hat / (np.sqrt(v_hat) + epsilon)
        x, statistics = layer_wise(x, r, rate, decayed, adapted, weight_decay, norm, phi_bounds)
        path.append(x)
    return path, statistics


def nlamb(
    x,
    gradients,
    rates,
    decayed=True,
    adapted=True,
    beta_1=0.975,
    beta_2=0.999,
    epsilon=1e-8,
    weight_decay=0.01,
    momentum_schedule="dozat",
    norm="l2",
    phi_bounds=None,
    both_moments=False,
):
    beta = (lambda t: dozat(beta_1, t)) if momentum_schedule == "dozat" else (lambda t: beta_1)
    m, v, product, path = 0.0, 0.0, 1.0, []
    for t, (g, rate) in enumerate(zip(gradients, rates), 1):
        product *= beta(t)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = (beta(t + 1) * m + (1 - beta(t)) * g) / (1 - product)
        v_hat = v / (1 - beta_2**t)
        if both_moments:
            v_hat = (beta_2 * v + (1 - beta_2) * g**2) / (1 - beta_2**t)
        r = m_hat / (np.sqrt(v_hat) + epsilon)
        x, statistics = layer_wise(x, r, rate, decayed, adapted, weight_decay, norm, phi_bounds)
        path.append(x)
    return path, statistics


def nnlamb(x, gradients, rates, **settings):
    return nlamb(x, gradients, rates, both_moments=True, **settings)


def lars(
    x,
    gradients,
    rates,
    decayed=True,
    adapted=True,
    momentum=0.9,
    weight_decay=0.0001,
    form="lamb_paper",
    trust_coefficient=None,
    nesterov=False,
    norm="l2",
    phi_bounds=None,
    max_ratio=np.inf,
):
    m, path = np.zeros_like(x), []
    decay = weight_decay if decayed else 0.0
    for g, rate in zip(gradients, rates):
        weight_norm, ratio = norm_of(x, norm), 1.0
        if form == "lamb_paper":
            kappa = 1.0 if trust_coefficient is None else trust_coefficient
            m = momentum * m + (1 - momentum) * (g + decay * x)
            denominator = norm_of(m, norm)
            if adapted:
                ratio = min(trust_ratio(weight_norm, denominator, phi_bounds, kappa), max_ratio)
            x = x - rate * ratio * m
        else:
            kappa = 0.001 if trust_coefficient is None else trust_coefficient
            denominator = norm_of(g, norm) + decay * weight_norm
            if adapted:
                ratio = min(trust_ratio(weight_norm, denominator, phi_bounds, kappa), max_ratio)
            step = rate * ratio * (g + decay * x)
            m = momentum * m + step
            x = x - (momentum * m + step if nesterov else m)
        path.append(x)
    return path, (weight_norm, denominator, ratio)


def sgd(
    x,
    gradients,
    rates,
    decayed=True,
    momentum=0.0,
    nesterov=False,
    weight_decay=0.0,
    l2_regularization=0.0,
):
    u, path = np.zeros_like(x), []
    for g, rate in zip(gradients, rates):
        g, x = penalised(g, x, rate, decayed, weight_decay, l2_regularization)
        u = momentum * u - rate * g
        x = x + (momentum * u - rate * g if nesterov else u)
        path.append(x)
    return path, None


def momentum(x, gradients, rates, momentum=0.9, **settings):
    return sgd(x, gradients, rates, momentum=momentum, **settings)


def penalised(g, x, factor, decayed, weight_decay, l2_regularization):
    """(g + λ₂ x, x − factor λ x): both penalties look at the weights before the step."""
    if not decayed:
        return g, x
    return g + l2_regularization * x, x - factor * weight_decay * x


def adagrad(
    x,
    gradients,
    rates,
    decayed=True,
    initial_accumulator_value=0.1,
    epsilon=1e-7,
    weight_decay=0.0,
    l2_regularization=0.0,
):
    a, path = initial_accumulator_value, []
    for g, rate in zip(gradients, rates):
        g, x = penalised(g, x, rate, decayed, weight_decay, l2_regularization)
        a = a + g**2
        x = x - rate * g / np.sqrt(a + epsilon)
        path.append(x)
    return path, None


def adam(
    x,
    gradients,
    rates,
    decayed=True,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-7,
    weight_decay=0.0,
    l2_regularization=0.0,
    decay_form="rate",
):
    m, v, path = 0.0, 0.0, []
    for t, (g, rate) in enumerate(zip(gradients, rates), 1):
        factor = rate if decay_form == "rate" else 1.0
        g, x = penalised(g, x, factor, decayed, weight_decay, l2_regularization)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        # "epsilon hat": ε is added to √v, not to √v̂ (Kingma & Ba, end of section 2).
        x = x - rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (np.sqrt(v) + epsilon)
        path.append(x)
    return path, None


def adamw(x, gradients, rates, weight_decay=0.01, **settings):
    return adam(x, gradients, rates, weight_decay=weight_decay, **settings)


def bert_adamw(
    x,
    gradients,
    rates,
    decayed=True,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-6,
    weight_decay=0.01,
):
    m, v, path = 0.0, 0.0, []
    for g, rate in zip(gradients, rates):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        update = m / (np.sqrt(v) + epsilon) + (weight_decay * x if decayed else 0.0)
        x = x - rate * update
        path.append(x)
    return path, None


def nadam(
    x,
    gradients,
    rates,
    beta_1=0.975,
    beta_2=0.999,
    epsilon=1e-8,
    momentum_schedule="dozat",
):
    beta = (lambda t: dozat(beta_1, t)) if momentum_schedule == "dozat" else (lambda t: beta_1)
    m, v, product, path = 0.0, 0.0, 1.0, []
    for t, (g, rate) in enumerate(zip(gradients, rates), 1):
        product *= beta(t)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = beta(t + 1) * m / (1 - product * beta(t + 1)) + (1 - beta(t)) * g / (1 - product)
        x = x - rate * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        path.append(x)
    return path, None
