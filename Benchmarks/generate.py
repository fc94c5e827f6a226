#!/usr/bin/env python3
"""Writes the host files of a benchmark: generate.py FOLDER ENTRIES [HOSTS]

About 410 bytes an entry, one unique_id in five held by two hosts (the second one edited it), each file in the
canonical order, as a store holds it. The same arguments always write the same bytes.
"""
import json
import os
import random
import sys

START_SECONDS = 1_767_225_600  # 2026-01-01T00:00:00Z
WORDS = (
    "prefers tabs over spaces deploys on fridays with care the staging cluster keeps its own database uses a "
    "feature flag for every rollout reviews small changes first café naïve 日本 build cache lives on the second disk "
    "answers in short sentences likes tables and links to sources"
).split()
HOSTS = ["atlas", "boreas", "calypso", "dione", "europa", "fenrir", "ganymede", "hyperion", "iapetus", "janus"]


def written(milliseconds, counter):
    seconds, rest = divmod(milliseconds, 1000)
    days, second = divmod(seconds - START_SECONDS, 86_400)
    month_lengths = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    month = 0
    while days >= month_lengths[month]:
        days -= month_lengths[month]
        month += 1
    return "2026-%02d-%02dT%02d:%02d:%02d.%03d%06dZ" % (
        month + 1, days + 1, second // 3600, second // 60 % 60, second % 60, rest, counter)


def value(chance, number):
    words = " ".join(chance.choice(WORDS) for _ in range(27))
    return {
        "id": "memory-%07d" % number,
        "content": words + (' said "yes"\n' if number % 7 == 0 else "."),
        "tags": [chance.choice(WORDS), chance.choice(WORDS)],
        "importance": round(chance.random(), 3),
    }


def line(entry, host, stamp, version, unique_id):
    entry = dict(entry)
    entry["_crdt_metadata"] = {"host": host, "timestamp": stamp, "version": version, "unique_id": unique_id}
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def main():
    folder, count = sys.argv[1], int(sys.argv[2])
    hosts = HOSTS[: int(sys.argv[3]) if len(sys.argv) > 3 else len(HOSTS)]
    chance = random.Random(count)
    files = {host: [] for host in hosts}
    milliseconds = START_SECONDS * 1000
    number = total = 0
    while total < count:
        number += 1
        milliseconds += chance.randrange(1, 60_000 if count <= 200_000 else 20_000)
        host = hosts[chance.randrange(len(hosts))]
        created = written(milliseconds, 1)
        unique_id = "%s_memory-%07d_%s" % (host, number, created)
        files[host].append((created, line(value(chance, number), host, created, 1, unique_id)))
        total += 1
        if number % 5 == 0 and total < count and len(hosts) > 1:
            other = hosts[(hosts.index(host) + 1 + chance.randrange(len(hosts) - 1)) % len(hosts)]
            edited = written(milliseconds + chance.randrange(1, 3_600_000), 1)
            files[other].append((edited, line(value(chance, number), other, edited, 2, unique_id)))
            total += 1
    os.makedirs(folder, exist_ok=True)
    for host, lines in files.items():
        lines.sort()
        with open(os.path.join(folder, "memory-%s.json" % host), "w", encoding="utf-8", newline="") as file:
            file.write("[\n" + ",\n".join(text for _, text in lines) + "\n]\n" if lines else "[]\n")


main()
