"""Cases for CronExpression from an independent implementation: croniter for what a wall clock shows, zoneinfo for when.

Prints one JSON object a line: an expression, a zone, a moment, and the moments that follow it, in seconds since 1970.
The same cases each time: the seed is fixed.

Left out, since croniter means something else by it: `*/1` in one day field beside a restricted other one, which it
takes for a restriction; lists of days that come to all there are, which it does not; and ranges of one value, such as `5-5`,
which it takes for the whole circle. Daylight saving is not croniter's here: it
runs a time that comes twice twice, and moves one that is skipped by the width of the gap. What the walls of zones show,
and when they show it first, comes from zoneinfo.
"""

import json
import os
import random
import sys
from datetime import datetime, timedelta, timezone

cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
sys.path.insert(0, os.path.join(cache, "tidemark", "python"))

from croniter import croniter  # noqa: E402
from zoneinfo import ZoneInfo  # noqa: E402

# Whose rules have not changed in lists of zones lately; among them half an hour of daylight saving, a change at
# midnight, a skipped day, and offsets of three quarters of an hour.
ZONES = [
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Lisbon", "America/New_York", "America/St_Johns",
    "America/Sao_Paulo", "America/Havana", "America/Los_Angeles", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo",
    "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham",
    "Atlantic/Azores", "Africa/Johannesburg", "US/Eastern",
]
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
WORDS = ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"]


def part(rng, low, high, names):
    def name(value):
        return rng.choice([str.lower, str.upper, str.title])(names[value - low]) if names and rng.random() < 0.4 else str(value)

    kind = rng.random()
    a, b = sorted(rng.sample(range(low, high + 1), 2))
    if kind < 0.45:
        return name(a)
    if kind < 0.65:
        return f"{name(a)}-{name(b)}"
    if kind < 0.8:
        return f"{name(a)}-{name(b)}/{rng.randint(1, 7)}"
    return f"*/{rng.randint(2, max(2, high // 2))}"


def field(rng, low, high, names=None, any_of=("*",), chance=0.4):
    if rng.random() < chance:
        return rng.choice(any_of)
    parts = [part(rng, low, high, names) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    return ",".join(parts)


def expression(rng):
    if rng.random() < 0.03:
        return rng.choice(WORDS)
    return rng.choice([" ", "  ", "\t"]).join([
        field(rng, 0, 59, chance=0.15),
        field(rng, 0, 23, chance=0.3),
        field(rng, 1, 31, any_of=("*", "?"), chance=0.5),
        field(rng, 1, 12, MONTHS, chance=0.6),
        field(rng, 0, 6, DAYS, any_of=("*", "?"), chance=0.5),
    ])


def names_all_days(text):
    """Whether a day field lists all days, beside another that is restricted."""
    fields = text.split()
    if len(fields) < 5 or fields[2] in "*?" or fields[4] in "*?":
        return False
    expanded = croniter.expand(text)[0]
    return ["*"] in (expanded[2], expanded[4])


def first_moment(wall, zone):
    """When the clock of zone first shows wall, or has passed it."""
    early = wall.replace(tzinfo=zone, fold=0)
    moment = early.astimezone(timezone.utc)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return int(moment.timestamp())
    # Skipped: the moment of the jump.
    low = int(moment.timestamp()) - 30 * 3600
    high = low + 60 * 3600
    while high - low > 1:
        middle = (low + high) // 2
        shown = datetime.fromtimestamp(middle, zone).replace(tzinfo=None)
        low, high = (middle, high) if shown < wall else (low, middle)
    return high


def following(text, zone, start, count):
    shown = datetime.fromtimestamp(start, zone).replace(tzinfo=None)
    walls = croniter(text, shown)
    moments = []
    while len(moments) < count:
        moment = first_moment(walls.get_next(datetime), zone)
        if moment > start and (not moments or moment > moments[-1]):
            moments.append(moment)
    return moments


def start(rng, zone):
    moment = rng.randint(int(datetime(1995, 1, 1, tzinfo=timezone.utc).timestamp()),
                         int(datetime(2022, 1, 1, tzinfo=timezone.utc).timestamp()))
    if rng.random() < 0.5:
        return moment
    # Near a change of the clocks, if there is one within a year.
    offset = datetime.fromtimestamp(moment, zone).utcoffset()
    for day in range(366):
        later = moment + day * 86400
        if datetime.fromtimestamp(later, zone).utcoffset() != offset:
            return later - rng.randint(0, 2 * 86400)
    return moment


def main(count, seed):
    rng = random.Random(seed)
    written = 0
    while written < count:
        text, name = expression(rng), rng.choice(ZONES)
        if names_all_days(text):
            continue
        zone = ZoneInfo(name)
        begin = start(rng, zone)
        try:
            moments = following(text, zone, begin, 5)
        except ValueError:
            continue  # a date that never comes: no case of this kind
        print(json.dumps({"text": text, "zone": name, "start": begin, "next": moments}))
        written += 1


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
