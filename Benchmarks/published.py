#!/usr/bin/env python3
"""The published algorithm, as plainly as it is told: published.py FOLDER OUTPUT

Load every host's file, keep of each unique_id the entry with the greater timestamp, write all sorted by timestamp.
"""
import glob
import json
import os
import sys

folder, output = sys.argv[1:]
kept = {}
for path in glob.glob(os.path.join(folder, "memory-*.json")):
    with open(path, encoding="utf-8") as file:
        for entry in json.load(file):
            metadata = entry["_crdt_metadata"]
            key = metadata["unique_id"]
            if key not in kept or metadata["timestamp"] > kept[key]["_crdt_metadata"]["timestamp"]:
                kept[key] = entry
with open(output, "w", encoding="utf-8") as file:
    json.dump(sorted(kept.values(), key=lambda entry: entry["_crdt_metadata"]["timestamp"]), file)
