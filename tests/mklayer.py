#!/usr/bin/env python3
"""mklayer.py 'TYPE NAME [KEY=VALUE]...'...: write a layer (tar) to standard output.

TYPE is dir, file, sym, link, chr, blk, fifo, or one byte, the type flag itself.
KEY is mode, uid, gid, mtime, data, to (of links), major, minor, size (a lie), or
xNAME for the extended attribute NAME. Words are quoted as in a shell. Names are
written as they are: no tar program would write most of them.
"""
import io
import shlex
import sys
import tarfile

TYPES = {"dir": tarfile.DIRTYPE, "file": tarfile.REGTYPE, "sym": tarfile.SYMTYPE,
         "link": tarfile.LNKTYPE, "chr": tarfile.CHRTYPE, "blk": tarfile.BLKTYPE,
         "fifo": tarfile.FIFOTYPE}

out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT,
                   errors="surrogateescape")
for text in sys.argv[1:]:
    kind, name, *settings = shlex.split(text)
    entry = tarfile.TarInfo(name)
    entry.type = TYPES.get(kind) or kind.encode()
    entry.mode = 0o755 if kind == "dir" else 0o644
    entry.mtime = 1000000000
    data = b""
    for setting in settings:
        key, value = setting.split("=", 1)
        if key == "data":
            data = value.encode(errors="surrogateescape")
        elif key == "to":
            entry.linkname = value
        elif key == "mode":
            entry.mode = int(value, 8)
        elif key == "mtime":
            entry.mtime = float(value)
        elif key in ("major", "minor"):
            setattr(entry, "dev" + key, int(value))
        elif key[0] == "x":
            entry.pax_headers["SCHILY.xattr." + key[1:]] = value
        else:
            setattr(entry, key, int(value))
    entry.size = entry.size or len(data)
    if data:
        out.addfile(entry, io.BytesIO(data))
    else:  # addfile would refuse a size without content, as of Python 3.13
        header = entry.tobuf(out.format, out.encoding, out.errors)
        out.fileobj.write(header)
        out.offset += len(header)
out.close()
