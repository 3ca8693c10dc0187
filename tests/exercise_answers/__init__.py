"""Right answers to the exercises of lesson 05, and wrong ones with a part of the message that fits each.

`RIGHT` and `WRONG` have an entry for each check. A wrong answer is a pair of the answer and the text.
`EXTRA` has functions for what some checks take beside the answer. Nothing here reads data or models at import.
"""

from tests.exercise_answers import data_and_compression, inference, latent_space, probability

MODULES = (data_and_compression, probability, latent_space, inference)
RIGHT = {check: answers for module in MODULES for check, answers in module.RIGHT.items()}
WRONG = {check: answers for module in MODULES for check, answers in module.WRONG.items()}
EXTRA = {check: arguments for module in MODULES for check, arguments in module.EXTRA.items()}
