#!/usr/bin/env python3
"""Expected rows for base/zone, judged by Python's zoneinfo, an independent reader of the same files.

    zone_sweep.py                 the rows kept in tests/rows/zones.rows (every zone, a few instants)
    zone_sweep.py --wide N        N random instants a zone, 1900-2300, and every change 1970-2100; for
                                  KERYX_ZONE_ROWS=FILE test_base_zone rows

Rows: "utc ZONE SECONDS OFFSET" and "local ZONE LOCAL-SECONDS once|twice FIRST SECOND" or "gap FIRST LENGTH"."""
import datetime
import random
import sys
import zoneinfo

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
# Zones whose rule is old and firm enough that rows of their future may be kept.
FIRM = """America/New_York America/Los_Angeles Europe/Berlin Europe/Dublin Europe/London Australia/Sydney
Australia/Lord_Howe Pacific/Chatham Pacific/Auckland Antarctica/Troll America/Nuuk Asia/Gaza America/Havana
Asia/Kathmandu Asia/Tokyo UTC""".split()
ODD = {  # zone: days with something odd, by date
    "Pacific/Apia": ["2011-12-29", "2011-12-30", "2011-12-31"],
    "Pacific/Kiritimati": ["1994-12-30", "1994-12-31", "1995-01-01"],
    "Pacific/Kwajalein": ["1969-09-30", "1993-08-20", "1993-08-21"],
    "America/Caracas": ["2007-12-09", "2016-05-01"],
    "Africa/Casablanca": ["2024-03-10", "2024-04-14"],
    "Africa/Cairo": ["2024-04-26", "2024-10-31"],
    "Asia/Beirut": ["2024-03-31", "2024-10-27"],
    "America/Sao_Paulo": ["2018-11-04", "2019-02-16", "2019-02-17"],
    "America/Santiago": ["2024-04-06", "2024-09-08"],
    "Asia/Pyongyang": ["2015-08-15", "2018-05-05"],
    "Europe/Lisbon": ["1992-09-27", "1996-03-31"],
    "Asia/Tehran": ["2022-03-21", "2022-09-21"],
}


def offset(zone, seconds):
    at = EPOCH + datetime.timedelta(seconds=seconds)
    return int(at.astimezone(zone).utcoffset().total_seconds())


def changes(zone, begin, end, step=86400 * 5):
    """Instants at which the offset changes, by bisection (a change undone within `step` is missed)."""
    found = []
    here = offset(zone, begin)
    while begin < end:
        there = offset(zone, begin + step)
        if there != here:
            lo, hi = begin, begin + step
            while hi - lo > 1:
                mid = (lo + hi) // 2
                lo, hi = (mid, hi) if offset(zone, mid) == here else (lo, mid)
            found.append(hi)
            begin, here = hi, offset(zone, hi)
        else:
            begin += step
    return found


def utc_row(name, zone, seconds):
    print("utc", name, seconds, offset(zone, seconds))


def local_row(name, zone, local):
    """By PEP 495: both folds are tried; what does not come back as it went lies in a gap."""
    wall = (EPOCH + datetime.timedelta(seconds=local)).replace(tzinfo=None)
    tries = [int((wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) - EPOCH).total_seconds()) for fold in (0, 1)]
    met = sorted({t for t in tries if t + offset(zone, t) == local})
    if len(met) == 2:
        print("local", name, local, "twice", *met)
    elif met:
        print("local", name, local, "once", met[0], met[0])
    else:
        lo, hi = min(tries), max(tries)
        before = offset(zone, lo)
        while hi - lo > 1:
            mid = (lo + hi) // 2
            lo, hi = (mid, hi) if offset(zone, mid) == before else (lo, mid)
        print("local", name, local, "gap", hi, offset(zone, hi) - before)


def around(name, zone, change):
    before, after = offset(zone, change - 1), offset(zone, change)
    for seconds in (change - 1, change):
        utc_row(name, zone, seconds)
    low, high = sorted((change + before, change + after))
    for local in (low - 1, low, (low + high) // 2, high - 1, high):
        local_row(name, zone, local)


def names():
    return sorted(n for n in zoneinfo.available_timezones() if n != "localtime" and n != "Factory")


def kept():
    print("# Made by tests/peers/zone_sweep.py from tzdata", zoneinfo_version())
    dice = random.Random(20261121)
    for name in names():
        zone = zoneinfo.ZoneInfo(name)
        for _ in range(3):
            utc_row(name, zone, dice.randrange(0, 1700000000))
        local_row(name, zone, dice.randrange(86400, 1700000000))
    for name, days in ODD.items():
        zone = zoneinfo.ZoneInfo(name)
        for day in days:
            noon = int((datetime.datetime.fromisoformat(day + "T12:00:00+00:00") - EPOCH).total_seconds())
            for hour in range(-14, 15, 2):
                utc_row(name, zone, noon + hour * 3600)
            for quarter in range(-52, 52, 4):
                local_row(name, zone, noon + quarter * 900)
    for name in FIRM:
        zone = zoneinfo.ZoneInfo(name)
        for year in (2026, 2040, 2045, 2100, 2250):
            begin = int((datetime.datetime(year, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
            utc_row(name, zone, begin)
            for change in changes(zone, begin, begin + 365 * 86400):
                around(name, zone, change)


def wide(n):
    dice = random.Random(1)
    for name in names():
        zone = zoneinfo.ZoneInfo(name)
        for _ in range(n):
            utc_row(name, zone, dice.randrange(-2208988800, 10413792000))
            local_row(name, zone, dice.randrange(-2208988800, 10413792000))
        for change in changes(zone, 0, 4102444800):
            around(name, zone, change)


def zoneinfo_version():
    for folder in zoneinfo.TZPATH:
        try:
            with open(folder + "/tzdata.zi", encoding="utf-8") as file:
                return file.readline().split()[-1]
        except OSError:
            continue
    return "of unknown version"


if len(sys.argv) == 3 and sys.argv[1] == "--wide":
    wide(int(sys.argv[2]))
elif len(sys.argv) == 1:
    kept()
else:
    sys.exit(__doc__)
