#!/usr/bin/env python3
"""What a read-only file system answers, one line an operation: its name and the errno or result.

  vfs_answers.py TREE [USER]

TREE has files in folders in folders. Below, "d/f" is the first file, "d" its folder, "e" the folder above that; USER is who asks (root).
The lines of two file systems with the same tree can be compared.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import pwd
import stat
import sys

libc = ctypes.CDLL(None, use_errno=True)
answers = {}


def ask(name, operation):
    try:
        got = operation()
        answers[name] = "done" if got is None else str(got)
    except OSError as problem:
        answers[name] = errno.errorcode[problem.errno]


def call(function, *arguments):
    got = getattr(libc, function)(*arguments)
    if got < 0:
        raise OSError(ctypes.get_errno(), function)


def at(path):
    """The path that is meant by one as above."""
    first, slash, rest = path.partition("/")
    if path == "d/f" or path.startswith("d/f/"):
        return the_file + path[3:]
    return {"d": the_folder, "e": os.path.dirname(the_folder)}.get(first, first) + slash + rest


def opened(path, flags, then=lambda descriptor: None):
    descriptor = os.open(at(path), flags, 0o644)
    try:
        return then(descriptor)
    finally:
        os.close(descriptor)


def with_file(then, flags=os.O_RDONLY):
    return lambda: opened("d/f", flags, then)


def opening():
    for name in ["WRONLY", "RDWR", "WRONLY|TRUNC", "RDONLY|TRUNC", "WRONLY|APPEND", "RDONLY|CREAT", "WRONLY|CREAT", "WRONLY|CREAT|EXCL",
                 "RDONLY|DIRECTORY", "RDONLY|NOFOLLOW", "PATH", "RDONLY|DIRECT", "RDONLY|SYNC", "RDONLY|NONBLOCK"]:
        flags = 0
        for word in name.split("|"):
            flags |= getattr(os, "O_" + word)
        for path in ["d/f", "e", "d/new", "d/f/x", "nothing/x"]:
            ask(f"open {path} {name}", lambda: opened(path, flags))
    for path in ["d", "d/f", "e/new"]:
        ask(f"open {path} TMPFILE", lambda: opened(path, os.O_TMPFILE | os.O_RDWR))


def names():
    """Everything that changes names: on what is there, what is not, and what cannot be."""
    paths = ["d/f", "e", "d", "d/new", "d/f/x", "nothing/x", "d/.", "d/..", "d/" + "n" * 255, "d/" + "n" * 256, "d/ä", ""]
    for path in paths:
        shown = path if len(path) < 50 else f"a name of {len(path) - 2}"
        ask(f"mkdir {shown}", lambda: os.mkdir(at(path)))
        ask(f"mkfifo {shown}", lambda: os.mkfifo(at(path)))
        ask(f"mknod {shown}", lambda: os.mknod(at(path), stat.S_IFREG | 0o600))
        ask(f"symlink {shown}", lambda: os.symlink("x", at(path)))
        ask(f"link d/f {shown}", lambda: os.link(at("d/f"), at(path)))
        ask(f"link {shown} d/new", lambda: os.link(at(path), at("d/new")))
        ask(f"unlink {shown}", lambda: os.unlink(at(path)))
        ask(f"rmdir {shown}", lambda: os.rmdir(at(path)))
        for other in ["d/f", "e", "d/new", "e/new"]:
            ask(f"rename {shown} {other}", lambda: os.rename(at(path), at(other)))
        ask(f"stat {shown}", lambda: os.stat(at(path)) and None)
        ask(f"stat {shown}/", lambda: os.stat(at(path) + "/") and None)
        ask(f"readlink {shown}", lambda: os.readlink(at(path)))
        ask(f"chdir {shown}", lambda: os.close(os.open(at(path), os.O_RDONLY | os.O_DIRECTORY)))
        ask(f"list {shown}", lambda: os.listdir(at(path)) and None)
    ask("rename exchange", lambda: call("renameat2", -100, at("d/f").encode(), -100, at("e").encode(), ctypes.c_uint(2)))
    ask("rename noreplace", lambda: call("renameat2", -100, at("d/f").encode(), -100, at("d/new").encode(), ctypes.c_uint(1)))
    ask("a path of 5000", lambda: os.stat(at("d/../") * 1000 + "d") and None)


def attributes():
    for path in ["d/f", "d", "d/new"]:
        ask(f"chmod {path}", lambda: os.chmod(at(path), 0o777))
        ask(f"chown {path}", lambda: os.chown(at(path), 1, 1))
        ask(f"chown {path} to nobody in particular", lambda: os.chown(at(path), -1, -1))
        ask(f"utime {path}", lambda: os.utime(at(path), (0, 0)))
        ask(f"utime {path} now", lambda: os.utime(at(path)))
        ask(f"truncate {path}", lambda: os.truncate(at(path), 0))
        ask(f"setxattr user {path}", lambda: os.setxattr(at(path), "user.a", b"b"))
        ask(f"setxattr trusted {path}", lambda: os.setxattr(at(path), "trusted.a", b"b"))
        ask(f"removexattr {path}", lambda: os.removexattr(at(path), "user.a"))
        for how in ["F_OK", "R_OK", "W_OK", "X_OK"]:
            ask(f"access {path} {how}", lambda: os.access(at(path), getattr(os, how)))
    ask("fchmod", with_file(lambda d: os.fchmod(d, 0o777)))
    ask("fchown", with_file(lambda d: os.fchown(d, 1, 1)))
    ask("futime", with_file(lambda d: os.utime(d)))
    ask("execute", lambda: os.execv(at("d/f"), ["f"]))


def content():
    size = os.stat(at("d/f")).st_size
    ask("write", with_file(lambda d: os.write(d, b"x")))
    ask("pwrite", with_file(lambda d: os.pwrite(d, b"x", 0)))
    ask("ftruncate", with_file(lambda d: os.ftruncate(d, 0)))
    ask("fallocate", with_file(lambda d: os.posix_fallocate(d, 0, 10)))
    ask("copy_file_range into", with_file(lambda d: os.copy_file_range(d, d, 1, 0, size)))
    ask("shared writable mapping", with_file(lambda d: mmap.mmap(d, 10, mmap.MAP_SHARED, mmap.PROT_WRITE | mmap.PROT_READ).close()))
    ask("private writable mapping", with_file(lambda d: mmap.mmap(d, 10, mmap.MAP_PRIVATE, mmap.PROT_WRITE | mmap.PROT_READ).close()))
    for name in ["fsync", "fdatasync"]:
        ask(name, with_file(getattr(os, name)))
    ask("flock shared", with_file(lambda d: fcntl.flock(d, fcntl.LOCK_SH | fcntl.LOCK_NB)))
    ask("flock exclusive", with_file(lambda d: fcntl.flock(d, fcntl.LOCK_EX | fcntl.LOCK_NB)))
    ask("lock for reading", with_file(lambda d: fcntl.lockf(d, fcntl.LOCK_SH | fcntl.LOCK_NB)))
    ask("lock for writing", with_file(lambda d: fcntl.lockf(d, fcntl.LOCK_EX | fcntl.LOCK_NB)))
    for offset in [0, size - 1, size, size + 1, 1 << 40, -1]:
        place = offset if offset < 2 else f"the end + {offset - size}" if offset < 1 << 40 else "far behind the end"
        ask(f"read at {place}", with_file(lambda d: len(os.pread(d, 10, offset))))
        ask(f"seek to {place}", with_file(lambda d: os.lseek(d, offset, os.SEEK_SET) == offset))
        ask(f"data at {place}", with_file(lambda d: os.lseek(d, offset, os.SEEK_DATA) == offset))
        ask(f"hole at {place}", with_file(lambda d: os.lseek(d, offset, os.SEEK_HOLE) == size))
    ask("seek to the end", with_file(lambda d: os.lseek(d, 0, os.SEEK_END) == size))
    ask("read nothing", with_file(lambda d: len(os.read(d, 0))))
    ask("read a folder", lambda: opened("d", os.O_RDONLY, lambda d: os.read(d, 10)))
    ask("write a folder", lambda: opened("d", os.O_RDONLY, lambda d: os.write(d, b"x")))
    ask("direct read", with_file(lambda d: os.preadv(d, [mmap.mmap(-1, 4096)], 0) == min(size, 4096), os.O_RDONLY | os.O_DIRECT))


def places():
    ask("..", lambda: os.stat(at("e/..")).st_ino == os.stat(at("d")).st_ino)
    ask(".. of the top", lambda: os.stat(at("d/..")).st_ino == os.stat(at(".")).st_ino)
    ask(".", lambda: os.stat(at("d/.")).st_ino == os.stat(at("d")).st_ino)
    ask("the inode number in a list", lambda: {entry.name: entry.inode() for entry in os.scandir(at("d"))}[os.path.basename(the_file)] == os.stat(at("d/f")).st_ino)
    ask("links of a file", lambda: os.stat(at("d/f")).st_nlink)
    ask("device", lambda: os.stat(at("d/f")).st_dev == os.stat(at("d")).st_dev)
    ask("blocks", lambda: os.stat(at("d/f")).st_blocks * 512 >= os.stat(at("d/f")).st_size)
    facts = os.statvfs(at("d"))
    ask("read-only", lambda: facts.f_flag & os.ST_RDONLY)
    ask("longest name", lambda: facts.f_namemax)
    ask("free blocks", lambda: facts.f_blocks >= facts.f_bfree >= facts.f_bavail and facts.f_blocks > 0 and facts.f_frsize == 4096)
    ask("path limit", lambda: os.pathconf(at("d"), "PC_NAME_MAX"))


os.chdir(sys.argv[1])
the_file = min(os.path.join(folder, name) for folder, _, files in os.walk(".") for name in files)
the_folder = os.path.dirname(the_file)
if sys.argv[2:]:
    user = pwd.getpwnam(sys.argv[2])
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
libc.renameat2.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
for part in [opening, names, attributes, content, places]:
    part()
for key, value in answers.items():
    print(f"{key}: {value}")
