pytest_plugins = ["tests.nbval_pictures"]
