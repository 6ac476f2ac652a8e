#!/usr/bin/env python3
"""config.py SECONDS PREFIX: image configs, changed at random, through src/skiff/config.jq,
until the time is over. Each is an error or comes out as files of the promised form.
Prints how many; what breaks the promise goes to PREFIXbroken."""
import copy
import json
import os
import random
import re
import subprocess
import sys
import time

top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ID = "sha256:" + "0123456789abcdef" * 4
CONFIG = {"created": "2020-01-02T03:04:05.678901234+01:00", "os": "linux", "architecture": "arm", "variant": "v7",
          "config": {"Entrypoint": ["/bin/sh", "-c"], "Cmd": ["a b", "c"], "Env": ["PATH=/bin", "A=b=c"], "User": "1:2",
                     "WorkingDir": "/srv", "StopSignal": "SIGTERM", "Labels": {"a": "b", "c": ""},
                     "Volumes": {"/data": {}}, "ExposedPorts": {"80/tcp": {}}, "Shell": ["/bin/sh", "-c"],
                     "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 1000000000, "Timeout": 5, "Retries": 3}},
          "rootfs": {"type": "layers", "diff_ids": [ID, ID]}, "history": [{"created_by": "x", "empty_layer": True}]}
ODD = [None, True, 0, -1, 0.5, 2**63 - 1, 1e20, 1e308, "", "\0", "\n", "a\0b", "a\nb", "\x1b[2J", "../../etc", "-rf", "'", '"$(id)"', "\ud83d\ude00", "\u009b",
       "x" * 5000, [], {}, [[]], {"": ""}, [None], ["\0"], {"\n": 1}, {"a\0": "b"}, ID, ID + "0", ID.upper(), "sha256:" + "g" * 64,
       "9999-99-99T99:99:99Z", "1960-01-01T00:00:00Z", "2020-01-02T03:04:05-23:59", "0001-01-01T00:00:00Z", "2020-02-30T00:00:00Z",
       "2020-01-02T03:04:05Z\n"]
with open(f"{top}/src/skiff/config.jq") as file:
    PROGRAM = file.read()
ESCAPES = {"\\": "\\", "n": "\n", "0000": "\0", "c": ""}
KINDS = {name: kind for kind, name in re.findall(r'\b(value|list|lines) \| file\("([a-z-]+)"\)', PROGRAM)}


def places(value):
    """Every container in VALUE with every key of it."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def changed(choose):
    config = copy.deepcopy(CONFIG)
    for _ in range(choose.randint(1, 4)):
        there = list(places(config))
        if not there:
            break
        inside, key = choose.choice(there)
        what = choose.randrange(4)
        if what == 0:
            del inside[key]
        elif what == 1 and isinstance(inside, dict):
            inside[choose.choice([odd for odd in ODD if isinstance(odd, str)])] = copy.deepcopy(choose.choice(ODD))
        else:
            inside[key] = copy.deepcopy(choose.choice(ODD))
    return config


def reason(files):
    """Why FILES, a name and a text for printf %b in turn, break the promise; None if they do not."""
    parts = dict(zip(files[::2], files[1::2]))
    if set(parts) != set(KINDS) or len(files) != 2 * len(parts):
        return "not the files that there are"
    for name, coded in parts.items():
        if not re.fullmatch(r"([^\\\n\0]|\\\\|\\n|\\0000)*\\c", coded):
            return f"{name} is more than printf takes for text"
        data = re.sub(r"\\(\\|n|0000|c)", lambda found: ESCAPES[found[1]], coded).encode()
        if KINDS[name] == "value" and (data.count(b"\n") != 1 or data[-1:] != b"\n" or b"\0" in data):
            return f"{name} is not one line"
        if KINDS[name] == "list" and data and data[-1:] != b"\0":
            return f"{name} is no NUL list"
        if KINDS[name] == "lines" and (b"\0" in data or data and data[-1:] != b"\n"):
            return f"{name} are no lines"
        if name == "created" and not re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", data):
            return "created is no time"
        if name == "diff-ids" and not re.fullmatch(rb"(sha256:[0-9a-f]{64}\n)*", data):
            return "diff-ids are no digests"
        if name == "health" and not re.fullmatch(rb"(--[a-z-]+\n\d+(ms)?\n)*", data):
            return "health is not what health(1) takes"
        if name == "command" and re.search(rb"[\0-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", data):
            return "command drives terminals"
    return None


seed = int(os.environ.get("FUZZ_SEED", time.time_ns() % 2**32))
print("seed", seed, file=sys.stderr)
choose = random.Random(seed)
program = f"{PROGRAM} (try [parts] catch \"error\") | tojson"
end = time.monotonic() + float(sys.argv[1])
count = good = 0
while time.monotonic() < end:
    texts = [json.dumps(changed(choose)) for _ in range(500)]
    done = subprocess.run(["jq", "-r", program], input="\n".join(texts), stdout=subprocess.PIPE, text=True)
    answers = done.stdout.splitlines()
    if done.returncode or len(answers) != len(texts):
        sys.exit(f"jq: status {done.returncode}, {len(answers)} answers to {len(texts)}")
    for text, answer in zip(texts, answers):
        files = json.loads(answer)
        why = files != "error" and reason(files)
        good += files != "error"
        if why:
            with open(sys.argv[2] + "broken", "w") as file:
                file.write(text)
            sys.exit(f"{why}: {text[:3000]}")
    count += len(texts)
if not 0 < good < count:
    sys.exit(f"{good} of {count} were taken: this tests nothing")
print(f"{count} configs, {good} of them taken")
