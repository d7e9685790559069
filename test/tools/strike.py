"""System calls that fail: what walk.py and life.py strike, and how. strace makes them fail, from outside.

A call is struck by its name, by how many of that name a process makes, and with an error that the call may give.
strace does not make a struck call: a descriptor whose close was struck is still open, and a child whose wait was struck
is still there. What is looked for afterwards allows for that.
"""
import collections
import glob
import os
import re
import signal
import subprocess

Cell = collections.namedtuple("Cell", "call number error")

# What POSIX, or the manual page of Linux, lets a call fail with, and what happens.
ERRORS = {call: errors.split() for calls, errors in {
    "accept accept4": "EINTR EAGAIN ECONNABORTED EMFILE ENFILE ENOBUFS ENOMEM EPROTO",
    "access faccessat faccessat2": "EACCES EIO ENOMEM",
    "bind": "EADDRINUSE EACCES ENOBUFS",
    "mmap mremap": "ENOMEM",
    "clone clone3 fork vfork": "EAGAIN ENOMEM",
    "close": "EINTR EIO",
    "connect": "EINTR ENETUNREACH EADDRNOTAVAIL",
    "dup dup2 dup3": "EINTR EMFILE",
    "execve": "ENOMEM E2BIG EACCES",
    "fallocate": "ENOSPC EINTR EIO",
    "fcntl": "EINTR EAGAIN ENOLCK",
    "fstat stat newfstatat statx statfs fstatfs": "EIO EACCES ENOMEM",
    "fsync fdatasync": "EIO ENOSPC EINTR",
    "ftruncate": "EINTR EIO",
    "getdents64": "EIO ENOENT",
    "getpeername getsockname": "ENOBUFS",
    "getpriority setpriority setsid": "EPERM",
    "kill": "EPERM ESRCH",
    "link linkat": "EIO ENOSPC EMLINK EDQUOT",
    "listen": "EADDRINUSE",
    "mkdir mkdirat": "EIO ENOSPC EDQUOT EACCES",
    "nanosleep clock_nanosleep": "EINTR",
    "open openat": "EMFILE ENFILE EIO ENOSPC EACCES EINTR",
    "pipe pipe2": "EMFILE ENFILE",
    "poll ppoll pselect6 select": "EINTR ENOMEM",
    "pread64": "EIO EINTR",
    "prlimit64": "EPERM",
    "pwrite64": "EIO ENOSPC EINTR",
    "read": "EINTR EAGAIN EIO ECONNRESET",
    "recvfrom recvmsg": "EINTR EAGAIN ECONNRESET ECONNREFUSED EIO ENOMEM",
    "rename renameat renameat2": "EIO ENOSPC EACCES",
    "rt_sigprocmask": "EINVAL",
    "sendto sendmsg": "EINTR EAGAIN ECONNRESET ECONNREFUSED EPIPE ENOBUFS EPERM",
    "setpgid": "EPERM EACCES ESRCH",
    "setsockopt": "ENOBUFS ENOPROTOOPT",
    "shutdown": "ENOTCONN",
    "socket": "EMFILE ENFILE ENOBUFS ENOMEM",
    "socketpair": "EMFILE ENOMEM",
    "unlink unlinkat": "EIO EACCES EROFS",
    "wait4 waitid": "ECHILD EINTR",
    "write": "EIO ENOSPC EINTR EAGAIN EDQUOT",
}.items() for call in calls.split()}
OTHER_ERRORS = ["EIO", "ENOMEM"]    # for a call that nobody has thought of yet

# What is not struck, and why not.
SPARED = {
    "exit": "does not return",
    "exit_group": "does not return",
    "rt_sigreturn": "does not return",
    "restart_syscall": "is the system's own",
    "getpid getppid gettid getuid geteuid getgid getegid getpgrp umask alarm sched_yield": "cannot fail (POSIX)",
    "munmap mprotect": "is the C library's own, which may end the process where that fails",
    "set_robust_list set_tid_address rseq arch_prctl": "is the C library's own, at a birth",
    "brk": "tells no error: it gives the break that there is",
    "rt_sigaction": "cannot fail for a signal that there is (POSIX)",
    "uname": "fails with a bad address only",
}
SPARED = {call: why for calls, why in SPARED.items() for call in calls.split()}

# A loop over descriptors or signals makes the same call many times over: of so many in a row the middle is left out.
ROW = 12


def cells(traces):
    """What can be struck in these traces, each a list of calls in their order: a sorted list."""
    found = set()
    for calls in traces:
        numbers, row = collections.Counter(), 0
        for at, call in enumerate(calls):
            numbers[call] += 1
            row = row + 1 if at and calls[at - 1] == call else 1
            is_amid = row > ROW // 2 and calls[at + 1:at + ROW // 2] == [call] * (ROW // 2 - 1)
            if call not in SPARED and not is_amid:
                found |= {Cell(call, numbers[call], error) for error in ERRORS.get(call, OTHER_ERRORS)}
    return sorted(found)


class Strace:
    """strace, which makes a cell come true (if there is one) in each of the processes that it traces."""

    def __init__(self, cell=None, follow=False, folder="traces"):
        self.prefix = os.path.join(folder, "of")
        os.makedirs(folder, exist_ok=True)
        for old in glob.glob(self.prefix + ".*"):
            os.unlink(old)
        self.words = ["strace", "-ff" if follow else "--output-separately", "-o", self.prefix, "-e", "signal=none"]
        if cell:
            self.words += ["-e", f"inject={cell.call}:error={cell.error}:when={cell.number}"]
        self.process = None

    def attach(self, pids):
        """Traces these processes from now on, and returns them; None if one has just gone."""
        words = self.words + [f"--attach={pid}" for pid in pids]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in pids:
            line = self.process.stderr.readline()
            if "attached" not in line:
                self.detach()
                return None
        return pids

    def start(self, command, **files):
        """Starts a command, which is traced from its birth: its Popen."""
        return subprocess.Popen([*self.words, "-D", "--", *command], **files)

    def detach(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stderr.read()
        self.process.wait()

    def lines(self):
        """The lines of each process that was traced, by its pid."""
        told = {}
        for path in glob.glob(self.prefix + ".*"):
            with open(path, encoding="utf-8", errors="replace") as file:
                told[int(path.rsplit(".", 1)[1])] = file.readlines()
        return told

    def traces(self):
        """The names of the calls that each process made, until it became another program."""
        told = {}
        for pid, lines in self.lines().items():
            calls = re.findall(r"^(\w+)\(", "".join(lines), re.M)
            told[pid] = calls[:calls.index("execve") + 1] if "execve" in calls[1:] else calls
        return told

    def struck(self):
        """The pids of the processes in which the cell came true."""
        return {pid for pid, lines in self.lines().items() if any(line.endswith("(INJECTED)\n") for line in lines)}

    def died(self):
        """The pids of those that came to a bad end while they were traced."""
        ends = re.compile(r"\+\+\+ (killed by|exited with [1-9])")
        return {pid for pid, lines in self.lines().items() if lines and ends.match(lines[-1])}
