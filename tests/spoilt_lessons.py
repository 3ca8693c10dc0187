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
        "clean_net = lambda x: x + 0.01",
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
        "code-30": "models = dict.fromkeys(models, VAE(hidden=(256,)))  # one network, untrained",
        "code-coins": "coins = coins[:, ::-1]  # of the digit upside down",
        # A grid that leaves out most of the plane.
        "code-exact": "from functools import partial\nintegrals = exact_log_likelihood, quadrature_error\n"
        "exact_log_likelihood, quadrature_error = (partial(integral, limit=0.5) for integral in integrals)",
        "code-46": "x_val = x_val[:2]  # fewer posteriors, since odd networks have narrow ones, which take long",
        "code-51": "exact_log_likelihood = exact_log_likelihood.func  # the whole plane again\n"
        "ellipse = best_gaussian(vae, fifty)  # an encoder that gives each digit its best Gaussian",
    },
    "04_latent_grid": {
        "code-13": "z_mean = rng.uniform(-11, 11, z_mean.shape)  # codes all over the old square",
        "code-half-way": "b = a  # walks that stay where they are",
        "code-33": "sweep = dict.fromkeys(sweep, sweep[1.0])  # one network at all prices",
        "code-42": "collapse = dict.fromkeys(collapse, sweep[1.0])  # one network, however beta began",
        "code-obeyed": "conditional.decoder = lambda inputs: vae.decoder(inputs[0])  # it ignores the label",
        # A grid that leaves out most of the plane.
        "code-59": "from functools import partial\nvae_20 = vae\n"
        "quadrature_error = partial(quadrature_error, limit=0.5)",
    },
}
