"""What notebooks print, read again: the lines of claims, and numbers that may differ by a tolerance.

Words and counts are compared exactly, measured numbers within a tolerance.
"""

import math
import re

NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?%?"
CLAIM = re.compile(
    rf"(?P<what>.+?) ?(?P<figure>{NUMBER})(?P<unit>(?: [^\d, ]+)*), "
    rf"(?P<word>below|above|no different from) (?P<beside>.*?) ?(?P<compared>{NUMBER})(?P=unit) "
    r"\(wanted: (?P<wanted>below|above)(?P<short>; too few epochs to tell)?\)"
)
# What has a point or an exponent was measured; other numbers are counts.
MEASURED = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)")


def printed(cell):
    """What a cell printed."""
    outputs = cell.get("outputs", [])
    return "".join(output["text"] for output in outputs if output["output_type"] == "stream")


def claims(cell):
    """The claims that a cell printed, each as a match of `CLAIM`."""
    lines = [line for line in printed(cell).splitlines() if "(wanted: " in line]
    found = [CLAIM.fullmatch(line) for line in lines]
    assert all(found), f"not as pylib.claims prints it: {lines}"
    return found


def value(number):
    """A printed number as a float; of a percentage, the percent."""
    return float(number.rstrip("%").replace(",", ""))


def tolerance_of(cell):
    """A cell's own tolerance, from its metadata: `{"relative": share, "absolute": number}`, either or both."""
    return cell.get("metadata", {}).get("tolerance", {})


def allowance(number, tolerance):
    """How far another number may be from this one, as it is printed: by one in its last digit, or the tolerance."""
    relative, absolute = tolerance.get("relative", 0) * abs(value(number)), tolerance.get("absolute", 0)
    return max(last_digit(number), relative, absolute) * (1 + 1e-9)  # rounding may cost a little


def last_digit(number):
    """One in the last digit of a printed number."""
    mantissa, _, exponent = number.rstrip("%").partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def agree(stored, fresh, tolerance):
    """Whether two printed numbers are equal within the tolerance, and of one sign."""
    one, other = value(stored), value(fresh)
    same_sign = one * other >= 0
    return same_sign and not math.isnan(other) and abs(one - other) <= allowance(stored, tolerance)


def words(text):
    """A text without its measured numbers, and with runs of spaces as one, since a longer number shifts a table."""
    return re.sub(" +", " ", MEASURED.sub("#", text))


def with_stored_numbers(stored, fresh, tolerance):
    """The fresh text with the stored number wherever the two agree: equal to the stored text if nothing else is new."""
    if words(stored) != words(fresh):
        return fresh
    numbers = iter(MEASURED.findall(fresh))

    def choose(match):
        number = next(numbers)
        return match[0] if agree(match[0], number, tolerance) else number

    return MEASURED.sub(choose, stored)


def refusals(text, tolerance):
    """The claims in a text that a tolerance would let pass on either side of what they are compared with."""
    found = [CLAIM.fullmatch(line) for line in text.splitlines()]
    return [
        claim[0]
        for claim in found
        if claim and abs(value(claim["figure"]) - value(claim["compared"])) <= allowance(claim["figure"], tolerance)
    ]
