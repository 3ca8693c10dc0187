"""Contestants without TensorFlow, beside which PyTorch crashes: each written afresh after its documentation.

A contestant is a function of the images that builds a network and returns `train(epochs)`; the first call compiles.
"""

import math

import numpy as np


def products(x):
    """The matrix products of training and nothing else, in NumPy, whose BLAS uses all cores: near the limit."""
    rng = np.random.default_rng(0)
    layers_ = [
        [rng.random(s, dtype="float32") for s in ((128, rows), (rows, columns), (128, columns))]
        for rows, columns in [(784, 512), (512, 4), (2, 512), (512, 784)]
    ]

    def train(epochs):
        for _ in range(epochs * math.ceil(len(x) / 128)):
            for i, (a, w, out) in enumerate(layers_):
                a @ w
                a.T @ out
                if i > 0:  # nothing needs the gradient of the image
                    out @ w.T

    return train


def jax(x):
    """JAX: the whole epoch as one compiled scan, optax's Adam."""
    import jax
    import jax.numpy as jnp
    import optax

    shapes = {"h": (784, 512), "m": (512, 2), "v": (512, 2), "g": (2, 512), "o": (512, 784)}
    keys = jax.random.split(jax.random.key(0), len(shapes))
    weights = {}
    for key, (name, shape) in zip(keys, shapes.items(), strict=True):
        limit = math.sqrt(6 / sum(shape))
        weights[name] = (jax.random.uniform(key, shape, minval=-limit, maxval=limit), jnp.zeros(shape[1]))
    optimizer = optax.adam(1e-3)

    def loss(weights, x, key):
        dense = lambda name, a: a @ weights[name][0] + weights[name][1]  # noqa: E731
        h = jax.nn.relu(dense("h", x))
        mean, log_var = dense("m", h), dense("v", h)
        z = mean + jnp.exp(0.5 * log_var) * jax.random.normal(key, mean.shape)
        logits = dense("o", jax.nn.relu(dense("g", z)))
        reconstruction = jnp.sum(jax.nn.softplus(logits) - x * logits, axis=1)
        return jnp.mean(reconstruction + 0.5 * jnp.sum(mean**2 + jnp.exp(log_var) - log_var - 1, axis=1))

    def step(carry, batch):
        weights, state, key = carry
        key, noise = jax.random.split(key)
        value, gradient = jax.value_and_grad(loss)(weights, batch, noise)
        updates, state = optimizer.update(gradient, state)
        return (optax.apply_updates(weights, updates), state, key), value

    @jax.jit
    def epoch(carry, x):
        key, order = jax.random.split(carry[2])
        batches = x[jax.random.permutation(order, len(x))[: len(x) // 128 * 128]].reshape(-1, 128, 784)
        return jax.lax.scan(step, (*carry[:2], key), batches)

    images = jnp.asarray(x)
    state = {"carry": (weights, optimizer.init(weights), jax.random.key(1))}

    def train(epochs):
        for _ in range(epochs):
            state["carry"], values = epoch(state["carry"], images)
        values.block_until_ready()

    return train


def pytorch(x):
    """PyTorch: a loop over slices of one tensor, fused Adam."""
    import torch
    from torch.nn import functional

    images = torch.from_numpy(x)
    encoder = torch.nn.Sequential(torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 4))
    decoder = torch.nn.Sequential(torch.nn.Linear(2, 512), torch.nn.ReLU(), torch.nn.Linear(512, 784))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], fused=True)

    def epoch():
        for rows in torch.randperm(len(images)).split(128):
            batch = images[rows]
            mean, log_var = encoder(batch).chunk(2, dim=1)
            logits = decoder(mean + torch.exp(0.5 * log_var) * torch.randn_like(mean))
            reconstruction = functional.binary_cross_entropy_with_logits(logits, batch, reduction="sum")
            kl = 0.5 * torch.sum(mean**2 + torch.exp(log_var) - log_var - 1)
            optimizer.zero_grad()
            ((reconstruction + kl) / len(batch)).backward()
            optimizer.step()

    def train(epochs):
        for _ in range(epochs):
            epoch()

    return train


def codes_and_labels(n):
    """As many as there are images, since how long a diffusion takes to train does not depend on what they are."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 20), dtype="float32"), rng.integers(0, 10, n).astype("int32")


def jax_diffusion(x):
    """JAX: the network, batches and loss of `fit_velocity`; the whole epoch as one compiled scan, optax's Adam."""
    import jax
    import jax.numpy as jnp
    import optax

    codes, labels = map(jnp.asarray, codes_and_labels(len(x)))
    widths = [47, *4 * [256 + 47]]  # a row is a code, 16 waves and 11 for the label; each layer has it beside its input
    keys = jax.random.split(jax.random.key(0), 5)
    weights = []
    for key, width, units in zip(keys, widths, [*4 * [256], 20], strict=True):
        limit = math.sqrt(6 / (width + units))
        weights.append((jax.random.uniform(key, (width, units), minval=-limit, maxval=limit), jnp.zeros(units)))
    optimizer = optax.adam(1e-3)

    def loss(weights, z, label, key):
        keys = jax.random.split(key, 3)
        theta = jax.random.uniform(keys[0], (len(z),), maxval=math.pi / 2)
        eps = jax.random.normal(keys[1], z.shape)
        label = jnp.where(jax.random.uniform(keys[2], (len(z),)) < 0.5, 0, label + 1)
        cos, sin = jnp.cos(theta)[:, None], jnp.sin(theta)[:, None]
        waves = theta[:, None] * jnp.arange(1, 9)
        row = jnp.concatenate([cos * z + sin * eps, jnp.cos(waves), jnp.sin(waves), jax.nn.one_hot(label, 11)], axis=1)
        h = row
        for kernel, bias in weights[:-1]:
            h = jnp.concatenate([jax.nn.silu(h @ kernel + bias), row], axis=1)
        kernel, bias = weights[-1]
        return jnp.mean((h @ kernel + bias - (cos * eps - sin * z)) ** 2)

    def step(carry, batch):
        weights, state, key = carry
        key, noise = jax.random.split(key)
        value, gradient = jax.value_and_grad(loss)(weights, *batch, noise)
        updates, state = optimizer.update(gradient, state)
        return (optax.apply_updates(weights, updates), state, key), value

    @jax.jit
    def epoch(carry, codes, labels):
        key, order = jax.random.split(carry[2])
        rows = jax.random.permutation(order, len(codes))[: len(codes) // 512 * 512]
        batches = codes[rows].reshape(-1, 512, 20), labels[rows].reshape(-1, 512)
        return jax.lax.scan(step, (*carry[:2], key), batches)

    state = {"carry": (weights, optimizer.init(weights), jax.random.key(1))}

    def train(epochs):
        for _ in range(epochs):
            state["carry"], values = epoch(state["carry"], codes, labels)
        values.block_until_ready()

    return train


def pytorch_diffusion(x):
    """PyTorch: the network, batches and loss of `fit_velocity`; a loop over slices of one tensor, fused Adam."""
    import torch
    from torch.nn import functional

    codes, labels = map(torch.from_numpy, codes_and_labels(len(x)))
    hidden = torch.nn.ModuleList([torch.nn.Linear(47, 256), *(torch.nn.Linear(256 + 47, 256) for _ in range(3))])
    last = torch.nn.Linear(256 + 47, 20)
    optimizer = torch.optim.Adam([*hidden.parameters(), *last.parameters()], fused=True)
    numbers = torch.arange(1, 9)

    def epoch():
        for rows in torch.randperm(len(codes))[: len(codes) // 512 * 512].split(512):
            z, label = codes[rows], labels[rows].long()
            theta, eps = math.pi / 2 * torch.rand(512), torch.randn_like(z)
            label = torch.where(torch.rand(512) < 0.5, 0, label + 1)
            cos, sin = torch.cos(theta)[:, None], torch.sin(theta)[:, None]
            waves = theta[:, None] * numbers
            parts = [cos * z + sin * eps, torch.cos(waves), torch.sin(waves), functional.one_hot(label, 11)]
            row = h = torch.cat(parts, dim=1)
            for layer in hidden:
                h = torch.cat([functional.silu(layer(h)), row], dim=1)
            optimizer.zero_grad()
            functional.mse_loss(last(h), cos * eps - sin * z).backward()
            optimizer.step()

    def train(epochs):
        for _ in range(epochs):
            epoch()

    return train
