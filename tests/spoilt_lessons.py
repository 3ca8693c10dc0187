"""What each lesson's claims rest on, spoilt on purpose: by lesson and cell, code that is put before the cell's own.

That is for claims which don't rest on training; the networks' weights are shuffled in any case.
"""

SPOILT = {
    "01_autoencoder": {
        "loses-to-pca": "sigmoid_val = 0.0",  # a perfect network, which longer training can't improve, either
        "gradients": 'inside = dict.fromkeys(inside, inside["relu"])  # one network under all names',
        # Names exchanged.
        "race": 'one, other = "sigmoid", "relu, linear code"\n'
        "variants[one], variants[other] = variants[other], variants[one]",
        "code-29": "adam = keras.optimizers.Adam  # one optimiser under all names, and enough steps for it\n"
        "keras.optimizers.SGD = keras.optimizers.Adam = lambda eta: adam(0.004)\n"
        "x_train = images[:12_800]",
        "code-30": "x_train = images[:1_280]",
        "code-34": "relu_val = pca_val",  # networks that are no better than straight lines
        "invented": "invented = x_train[:1000]",  # a decoder that has learned digits by heart
    },
    "02_denoising": {
        # A denoiser that takes away half of the noise, however faint it is; and a network that loses nothing.
        "faint-noise": 'methods["denoiser"] = lambda x, sigma: (x + x_val[:2000]) / 2\n'
        'scores, methods["denoiser"] = score_methods(x_val[:2000], sigmas), lambda x, sigma: denoiser(x)\n'
        "clean_net = keras.Sequential([keras.Input((784,)), keras.layers.Dense(784)])\n"
        "clean_net.set_weights([np.eye(784), np.full(784, 0.01)])",
        # One that fills in what is missing.
        "unseen-block": "filled = np.where(noisy > 0, noisy, 0.9 * clean)\n"
        'by_kind["block, 0.15"]["denoiser"] = psnr(clean, filled)',
        "flow-check": "path = [start, in_one]  # a single step",
        "copies": "made = 1 - made  # what no training digit looks like",
    },
    "03_vae_theory": {
        "code-fits": "two_bumps = lambda z, distance: stats.norm.pdf(z, 0, 2)  # one bump",
        "code-monte-carlo": "m = m + 1  # draws from another Gaussian",
        # The noise of other draws; a baseline that is in f already; a slope whose noise is not held fixed.
        "code-estimators": "eps, f, slope = -eps, f - np.mean(f * eps**2), np.diff(f, append=0) / 0.1",
        "code-spread-claims": "spread = dict.fromkeys(spread, np.ones(4))",
        "code-coins": "coins = coins[:, ::-1]  # of the digit upside down",
        # One network, which gives all digits the same code, narrower than the prior.
        "code-moments": "one = VAE(hidden=(256,))\none.set_weights([0 * w - 0.2 for w in one.get_weights()])\n"
        "models = dict.fromkeys(models, one)",
        "code-by-hand-moved": "rescaled = lambda model, *rest, **options: model  # nothing is moved",
        "code-grid": "code_limit = lambda vae, x: 0.5  # a grid that leaves out most of the plane",
        "code-remaining": "bounds[-1] = log_p[:300] + np.linspace(0, 1, 300)  # no bound",
        "code-grey-claim": "log_p = log_p + 100  # as if grey were likelier than black and white",
        "code-uneven": "means = [1.0] * 10  # the same for all digits",
        "code-skewed": "gap = np.sqrt(np.linspace(0, 4, 10_000))  # most images above the mean",
        # No posteriors, since odd networks have narrow ones, which take long.
        "code-46": "true_posterior = lambda vae, x, points: (\n"
        "    *[np.tile(np.linspace(-4, 4, points), (len(x), 1))] * 2, np.ones((len(x), points, points)))",
        # Evidence that no Gaussian comes near, and encoders that are alike: right in place and wrong in width.
        "code-51": "log_p = log_p + 1000\nbest, encode_one = best_gaussian(vae, x_val[:40]), encode\n"
        "noisy = lambda: (best[0], best[1] + 0.5 * rng.standard_normal((40, 2)))\n"
        "encode = lambda model, x: noisy() if len(x) == 40 else encode_one(model, x)",
    },
    "04_latent_grid": {
        "code-13": "z_mean = np.resize(points, z_mean.shape)  # codes wherever either grid has a point",
        "code-first-claims": "forming.codes[-1] = rng.standard_normal((2000, 2))  # a plane that does not form",
        "code-walk-claim": 'distance["plane"] = distance["reconstructions"] + rng.random(200)',
        "code-misfit": "misfit = lambda *codes: 10.0  # nats from nowhere",
        "code-33": "sweep = dict.fromkeys(sweep, sweep[1.0])  # one network at all prices",
        # Nothing given up, and more paid than for telling nothing.
        "code-right-claims": "rates = dict.fromkeys(rates, 1.0)\nat_price_10 = dict.fromkeys(at_price_10, 300.0)",
        "code-42": "deep = dict.fromkeys(deep, sweep[1.0])  # and in all depths",
        "code-obeyed": "conditional.decoder = lambda inputs: vae.decoder(inputs[0])  # it ignores the label",
        "code-label-gain": "given_true_label = summed_out  # a label that is worth nothing",
        "code-read": "bounds = np.eye(10)[(label + 1) % 10].T  # the next label is always likeliest",
        "code-quality": "pictures = dict.fromkeys(pictures, others)  # real digits under all names",
        "code-59": "vae_20, code_limit = vae, lambda vae, x: 0.5  # a grid that leaves out most of the plane",
    },
    "06_latent_diffusion": {
        "code-failure-claims": "distance, clear = dict.fromkeys(distance, 1.0), dict.fromkeys(clear, 1.0)",
        # A prior that is far too wide, and one draw under the name of 300.
        "code-quadrature": "Mixture = lambda codes, components: Gaussian(3 * codes)",
        "code-quadrature-claims": "by_300 = by_1",
        "code-null": "gain = lambda prior, z: np.zeros(len(z))  # a prior that changes nothing",
        "code-mixture-claims": "gains = {name: 0 * values for name, values in gains.items()}  # nothing gained\n"
        "distance = dict.fromkeys(distance, 1.0)",
        "code-arrived-claims": "path = path[:1]  # particles that stay where they were",
        "code-density-check": "flow_log_density = lambda velocity, *z: log_normal(follow(velocity, *z)[-1])",
        "code-diffusion-clear": "clear = dict.fromkeys(clear, 1.0)",
        "code-test-claims": 'bounds = dict.fromkeys(bounds, bounds["N(0, I)"])  # one prior under all names',
        "code-copies": "pairwise_distances_argmin_min = lambda pictures, x: (None, np.ones(len(pictures)))",
        "code-guided-gain": "field = lambda network, label, w, unguided=field: unguided(network, label)",
        "code-asked-for": "diffusion.sample = lambda n, seed, label, guidance: UnitNormal(20).sample(n, seed)",
    },
}
