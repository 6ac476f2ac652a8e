#!/usr/bin/env python3
"""seeds.py DIR: the inputs that fuzzing begins with, DIR/TARGET/N; dictionaries DIR/TARGET.dict."""
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile

out = sys.argv[1]
here = os.path.dirname(os.path.abspath(__file__))
HEX = "0123456789abcdef" * 4
DIGEST = "sha256:" + HEX


def put(target, seeds):
    os.makedirs(f"{out}/{target}", exist_ok=True)
    for number, seed in enumerate(seeds):
        with open(f"{out}/{target}/seed-{number:03}", "wb") as file:
            file.write(seed)


def words(target, *texts):
    with open(f"{out}/{target}.dict", "w") as file:
        file.writelines('"%s"\n' % "".join(f"\\x{byte:02x}" for byte in text.encode()) for text in texts)


LAYERS = """
dir d|file d/f data=hello|sym l to=d|link h to=d/f
file ../canary/new|file d/../../canary/file data=x
sym l to=../canary|file l/new|file l/file data=over
sym l to=/canary|link h to=l/file|file h data=over
link h to=../canary/file|file h data=over
sym . to=../canary|file new
sym l to=../canary/file mode=777|link k to=l mode=777
file .wh.file|file .wh.d|dir d|file d/new
file d/.wh..wh..opq|file d/.wh.file|file d/e/.wh.file|file d/new
file .wh..wh..opq|file new
file .wh.d|file d/e/new|file d/.wh.x
dir d|file d/e/f|file .wh.d|file d/g
file link/new|file out/new|file loop/x|file white/x|file opaque/x
file .wh..wh.aufs|dir .wh..wh.plnk|file .wh..wh.plnk/1.2
link up to=d/file|link d/file to=d/file|link x to=opaque/file
chr null major=1 minor=3|blk b major=7 minor=0|fifo p|chr w major=0 minor=0
file f xtrusted.overlay.redirect=/etc xuser.a=b xuser.overlay.opaque=y
dir d xtrusted.overlay.opaque=y mode=7777 uid=5 gid=6 mtime=1.5
file a data=1|dir a|file a/b|sym a to=d|file a/c|fifo a|file a
7 c data=abc|V vol|x odd|file f mode=6755 uid=4000000000
file d/ü data=x|file nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
dir r|sym r/l to=.|file r/l/one|dir r/l/l|file r/l/two
sym a to=b/b/b/b|sym b to=a/a/a/a|file a/f
"""


def layers():
    mklayer = os.path.join(here, "..", "mklayer.py")
    for line in LAYERS.strip().splitlines():
        tar = subprocess.run([sys.executable, mklayer, *line.split("|")], check=True, stdout=subprocess.PIPE).stdout
        # of the padding at the end a little is enough
        tar = tar.rstrip(b"\0") + bytes(1024)
        tar += bytes(-len(tar) % 512)
        for how in (0, 1, 3):
            yield bytes([how]) + tar
    with tempfile.TemporaryDirectory() as scratch:
        with open(f"{scratch}/sparse", "wb") as file:
            file.truncate(100000)
            file.write(b"begin")
        os.link(f"{scratch}/sparse", f"{scratch}/hard")
        os.symlink("sparse", f"{scratch}/soft")
        for form in ("v7", "ustar", "gnu -S", "oldgnu -S", "pax -S --sparse-version=0.0", "pax -S --sparse-version=0.1",
                     "pax -S --sparse-version=1.0"):
            os.truncate(f"{scratch}/sparse", 100000 if "-S" in form else 100)
            tar = subprocess.run(["tar", "-b1", *("--format=" + form).split(), "-C", scratch, "-c", "."],
                                 check=True, stdout=subprocess.PIPE).stdout
            yield b"\1" + tar


def documents():
    descriptor = {"digest": DIGEST, "size": 7}
    oci, docker = "application/vnd.oci.image.", "application/vnd.docker.distribution."
    manifest = {"schemaVersion": 2, "mediaType": oci + "manifest.v1+json",
                "config": {"mediaType": oci + "config.v1+json", **descriptor},
                "layers": [{"mediaType": oci + "layer.v1.tar+gzip", **descriptor}] * 2}
    index = {"schemaVersion": 2, "mediaType": oci + "index.v1+json", "manifests": [
        {"mediaType": oci + "manifest.v1+json", **descriptor, "platform": {"os": "linux", "architecture": a, "variant": v}}
        for a, v in (("amd64", ""), ("arm", "v7"), ("arm64", "v8"), ("unknown", "unknown"))]}
    yield 2, manifest
    yield 1, index
    yield 0, {**manifest, "mediaType": docker + "manifest.v2+json"}
    yield 3, {**index, "mediaType": docker + "manifest.list.v2+json"}
    yield 0, {**manifest, "manifests": index["manifests"]}
    yield 0, {"schemaVersion": 1, "layers": []}
    yield 2, {**manifest, "layers": [{**descriptor, "urls": ["http://x"]}]}
    yield 2, {**manifest, "config": {**descriptor, "size": -1}}
    yield 5, {"schemaVersion": 2, "manifests": [{**descriptor, "mediaType": oci + "index.v1+json"}]}


REFERENCES = ["alpine", "alpine:3", "docker.io/library/alpine", "localhost:5000/a/b:c", f"a@{DIGEST}", f"a:1@{DIGEST}",
              HEX, "[::1]:5000/a", "index.docker.io/a", "UPPER/a", "a..b", "a__b/c-d.e", "http://a/b", "a:", "a@", "/",
              "a.b:99/c", "docker.io/a/b", "docker.io/library/a/b", "library/x", "-a.b/c", f"a@sha512:{HEX}"]

CHALLENGES = ['Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
              'Bearer realm=https://a/token?x=y,service=s', 'Basic realm="x"', 'Bearer realm="http://a/t"', 'Bearer realm="https://a\\"b"',
              'Bearer realm="https://a', "Bearer ,,, =,==,", "bearer REALM = x", "Bearer realm"]

DOCKERFILES = r"""
# syntax=a/b|# escape=`|ARG V=1|FROM --platform=$BUILDPLATFORM a:$V AS b|FROM b
FROM a|ENV A=1 B="x $A" C='y' D=\ |ENV E f g|LABEL $A=${B:-w} x=${B%%x*} y=${A/1/2} z=${C//y/$A}${D:+q}
FROM a|RUN --mount=type=cache,target=/x,id=$A,uid=1 --network=none --security=sandbox a \|# c|| b|RUN ["a", "b"]
FROM a|RUN <<E cat - <<-"F"|x|E|	y|	F|RUN <<E|#!/bin/sh|E|COPY <<E $A <<'G' /x|$A|E|$A|G
FROM a AS b|COPY --from=b --chown=1:$A --link --exclude=x a b|FROM c|COPY --from=0 a b|ADD --unpack=true ["a", "b"]
FROM scratch|EXPOSE 1-3/udp 80 $A|VOLUME /a|USER a:b|WORKDIR $A|STOPSIGNAL SIGTERM|SHELL ["a"]|MAINTAINER x
FROM a|HEALTHCHECK --interval=1m1.5s --retries=2 CMD a|HEALTHCHECK NONE|ENTRYPOINT ["a"]|CMD b|ARG A B=2 C="$B x"
FROM a|ONBUILD RUN --mount=from=b,target=/c x|ONBUILD COPY <<E /x|$A|E|ARG TARGETARCH|RUN a
"""

put("layer", layers())
words("layer", ".wh.", ".wh..wh..opq", ".wh..wh.plnk", "../", "/", "ustar", "SCHILY.xattr.user.a", "LIBARCHIVE.xattr.user.a",
      "GNU.sparse.map", "GNU.sparse.major", "path=", "linkpath=", "size=", "uid=", "mtime=", "../canary/file", "canary", "d/file",
      "link/", "out/", "././@LongLink", "security.capability", "trusted.overlay.opaque")
put("manifest", (bytes([how]) + json.dumps(value).encode() for how, value in documents()))
words("manifest", '"schemaVersion":2', '"layers"', '"manifests"', '"mediaType"', '"config"', '"digest"', '"size"', '"platform"',
      '"os"', '"architecture"', '"variant"', '"urls"', "linux", "amd64", "sha256:", DIGEST, "9223372036854775808", "null")
put("reference", (text.encode() for text in REFERENCES))
words("reference", "docker.io/", "index.docker.io/", "library/", "localhost", ":5000", "@sha256:", HEX, "..", "__", "[::1]", "://")
put("challenge", (f"{text}\n{body}".encode() for text in CHALLENGES for body in (
    '{"token":"abc"}', '{"access_token":"x","expires_in":60}', '{"token":"a\\r\\nEvil: x"}', "")))
words("challenge", "Bearer ", "Basic ", "realm=", "service=", "scope=", '"', "\\", "https://", "http://", '"token":', "\\u0000", "\r")
put("dockerfile", (bytes([how]) + text.replace("|", "\n").encode() for text in DOCKERFILES.strip().splitlines() for how in (0, 7)))
words("dockerfile", "FROM ", "RUN ", "COPY ", "ENV ", "ARG ", "ONBUILD ", "EXPOSE ", "LABEL ", "HEALTHCHECK ", "--from=", "--mount=type=", "<<E",
      "\nE\n", "<<-", "${", "${A", ":-", "%%", "//", "}", "\\\n", "# escape=`\n", '["', '"]', "$A", "\\", "\u2003", "\xa0", "/udp", ",target=")
