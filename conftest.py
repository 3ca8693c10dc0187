pytest_plugins = ["tests.nbval_plugin"]
