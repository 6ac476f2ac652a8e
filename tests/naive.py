#!/usr/bin/env python3
"""naive.py TARGET: unpack the layer on standard input as one would without a thought of harm:
names are paths, links are followed, whiteouts are obeyed as they come, and what fails is
passed over. The attacks of layer-attacks.bats work on it; but none gets out of the current directory,
which is the test's: who runs the tests wants to keep his machine."""
import os
import shutil
import sys
import tarfile

target = os.path.abspath(sys.argv[1])
os.makedirs(target, exist_ok=True)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


def stay_here(path):
    if os.path.commonpath([os.path.realpath(path), os.path.realpath(".")]) != os.path.realpath("."):
        raise ValueError("leads out of the test")


def unpack(archive, entry):
    path = os.path.normpath(os.path.join(target, entry.name))
    directory, name = os.path.split(path)
    stay_here(directory)
    os.makedirs(directory, exist_ok=True)
    if name == ".wh..wh..opq":
        for other in os.listdir(directory):
            remove(os.path.join(directory, other))
        return
    if name.startswith(".wh."):
        remove(os.path.join(directory, name[4:]))
        return
    if entry.isdir():
        os.makedirs(path, exist_ok=True)
    elif entry.isreg():
        stay_here(path)
        with open(path, "wb") as file:
            shutil.copyfileobj(archive.extractfile(entry), file)
    elif entry.issym():
        remove(path)
        os.symlink(entry.linkname, path)
    elif entry.islnk():
        os.link(os.path.join(target, entry.linkname), path, follow_symlinks=False)
    elif entry.ischr() or entry.isblk():
        os.mknod(path, entry.mode | (0o20000 if entry.ischr() else 0o60000), os.makedev(entry.devmajor, entry.devminor))
    elif entry.isfifo():
        os.mkfifo(path)
    for key, value in entry.pax_headers.items():
        if key.startswith("SCHILY.xattr."):
            os.setxattr(path, key[13:], value.encode(), follow_symlinks=False)
    stay_here(path)
    os.chmod(path, entry.mode)
    os.chown(path, entry.uid & 0xffffffff, entry.gid & 0xffffffff)


for member in (archive := tarfile.open(fileobj=sys.stdin.buffer, mode="r|")):
    try:
        unpack(archive, member)
    except (OSError, ValueError) as error:
        print(member.name, error, file=sys.stderr)
