#!/usr/bin/env python3
"""names.py SECONDS PREFIX: do references mean to the shell (canonical and familiar in
src/skiff/image.sh) what they mean to the C that pulls (build/fuzz/names)? Random ones, until
the time is over. Prints how many; those that differ go to PREFIXdiffer."""
import os
import random
import subprocess
import sys
import time

top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SHELL = """set -euf
. "$0"
while IFS= read -r name; do
	if canonical "$name"; then familiar "$canonical"; printf '%s %s\\n' "$canonical" "$familiar"; else echo bad; fi
done"""
HEX = "0123456789abcdef" * 4
WORDS = [*"ab09._-/:@A[]x% ", "docker.io", "index.docker.io", "library", "localhost", "a.b", ":5000", "[::1]", "@sha256:", HEX,
         HEX[1:], HEX.upper(), "@sha512:", "__", "..", "--", "://", ":latest", "\xc3", "\xa9", "*", "$x", "'", '"', "\\", "\t",
         "a" * 100, "x" * 128]


def name(choose):
    if choose.random() < 0.5:  # most of the way to one that is good
        text = choose.choice(["", "localhost/", "a.b/", "a.b:5/", "docker.io/", "X/"]) + choose.choice(["a", "a/b", "library/a", "a-b"])
        text += choose.choice(["", ":t", "@sha256:" + HEX, ":t@sha256:" + HEX])
        at = choose.randrange(len(text) + 1)
        return text[:at] + choose.choice(WORDS) + text[at + choose.randrange(2):]
    return "".join(choose.choice(WORDS) for _ in range(choose.randint(1, 7)))


def answers(command, text):
    return subprocess.run(command, input=text, stdout=subprocess.PIPE, check=True, env={**os.environ, "LC_ALL": "C"}).stdout.split(b"\n")


seed = int(os.environ.get("FUZZ_SEED", time.time_ns() % 2**32))
print("seed", seed, file=sys.stderr)
choose = random.Random(seed)
end = time.monotonic() + float(sys.argv[1])
count = 0
while time.monotonic() < end:
    names = [name(choose).encode("latin-1") for _ in range(2000)]
    text = b"\n".join(names) + b"\n"
    shell = answers(["dash", "-c", SHELL, f"{top}/src/skiff/image.sh"], text)
    c = answers([f"{top}/build/fuzz/names"], text)
    differ = [row for row in zip(names, shell, c) if row[1] != row[2]]
    if differ or len(shell) != len(c):
        with open(sys.argv[2] + "differ", "w") as file:
            for row in differ:
                print(*row, sep="\n\t", file=file)
        sys.exit(f"{len(differ)} of {len(names)} differ: name, shell, C: {differ[0]}")
    count += len(names)
print(f"{count} names")
