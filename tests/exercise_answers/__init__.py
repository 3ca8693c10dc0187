"""Right answers to the exercises of lesson 05, and wrong ones with a part of the message that fits each.

`RIGHT` and `WRONG` have an entry for each check. A wrong answer is a pair of the answer and the text; where a check
takes two things, an answer is a pair of both. Nothing here reads data or models at import.
"""

from tests.exercise_answers import data_and_compression, inference, latent_space, probability, training

MODULES = (data_and_compression, probability, latent_space, inference, training)
RIGHT = {check: answers for module in MODULES for check, answers in module.RIGHT.items()}
WRONG = {check: answers for module in MODULES for check, answers in module.WRONG.items()}
