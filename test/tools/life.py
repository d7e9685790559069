#!/usr/bin/env python3
"""A walk through the system calls of the master's life, from its start to its end: each fails once, with each error
that it may have (see strike.py).

usage: life.py [-s STRIDE] [-v] [-b] [-a] FOLDER SERVIDOR [OPTION...]

Starts SERVIDOR in FOLDER again and again, where it finds nothing, or, with -a, what another has left. With -b it goes
to the background, and what is struck is what is different there, in each process. Each time it either says its ports,
serves a session of each kind, and ends with 0 when it is told to; or it ends with 1 and says why in a line of its own.
In the end no process is there, no mail is lost and nothing lies in tmp/ or below a name in /dev/shm.

Prints how many calls were struck. The exit status is 1 if something was found.
"""
import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from channel import PATIENCE_S
from strike import Strace, cells
from witness import Dialogue, Fault, SAID, Server, until

ORPHAN = f"servidor.1.M1P{1 << 22}Q1.{os.uname().nodename}"     # no process has this number (proc(5), pid_max)


class Life:
    """One life of a server, with a cell that comes true in it."""

    def __init__(self, chosen, cell=None):
        self.chosen, self.cell = chosen, cell
        self.strace = Strace(cell, folder="traces", follow=chosen.background)
        self.dialogues, self.server, self.first = [], None, None
        for folder in ("log", "mails"):
            shutil.rmtree(folder, ignore_errors=True)
        os.mkdir("log")
        if chosen.again:
            shutil.copy("contadores", "log")
            os.makedirs("mails/one/tmp")
            os.mkdir("mails/one/new")
            os.mkdir("mails/one/cur")
            open(f"mails/one/tmp/{ORPHAN}", "w", encoding="ascii").close()

    def start(self):
        words = [self.chosen.servidor, *["-f"] * (not self.chosen.background), "-p", "0", "-P", "0", "-u", "mipass23",
                 "-m", "mails", "-l", "log", "-o", "workers-min=1", "-o", "drain-timeout=1", *self.chosen.option]
        with open("out", "wb") as out, open("err", "wb") as err:
            self.first = self.strace.start(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def read(self, name):
        with open(name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def has_begun(self):
        """Has it said its ports, or that it could not?"""
        return "(monitor)\n" in self.read("out") or "started cannot be told" in self.said()

    def said(self):
        """All that it said on its standard error, first and last."""
        return self.read("err") + (self.read("log/errores.log") if os.path.exists("log/errores.log") else "")

    def master(self):
        """Its process number, while it runs."""
        if not self.chosen.background:
            return self.first.pid if self.first.poll() is None else 0
        found = re.match(r"\d+", self.read("log/servidor.pid")) if os.path.exists("log/servidor.pid") else None
        return int(found[0]) if found and os.path.exists(f"/proc/{found[0]}") else 0

    def serve(self):
        """A session of each kind, which may be refused at first."""
        chosen = argparse.Namespace(port=int(re.search(r"TCP port (\d+)", self.read("out"))[1]),
                                    mport=int(re.search(r"UDP port (\d+) \(mon", self.read("out"))[1]),
                                    master=self.master(), folder="mails", errors="err")
        self.server = Server(chosen)
        for kind in ("tcp", "numbered"):
            until(lambda one=kind: self.is_served(one, chosen.port), f"no {kind} session goes as it should")
        until(lambda: self.server.ask() == 0, "a session is left")

    def is_served(self, kind, port):
        one = Dialogue(kind, port, f"m{len(self.dialogues)}.{kind}")
        self.dialogues.append(one)
        one.run()
        return list(one.fates.values()) == ["kept", "kept"]

    def end(self):
        """It is told to end, and does."""
        os.kill(until(self.master, "it says its ports and is not there"), signal.SIGTERM)
        until(lambda: not self.master(), "it does not end", PATIENCE_S)

    def look(self):
        """What must be so when it is over."""
        said = self.said().splitlines()
        if any(not SAID.fullmatch(line) for line in said):
            raise Fault(f"on standard error: {said}")
        if not self.server and not said:
            raise Fault("it ended without a word")
        orphan = f"mails/one/tmp/{ORPHAN}"
        if self.cell and os.path.exists(orphan):    # the next start sweeps
            os.unlink(orphan)
        if self.server:
            self.server.look_at_mails(self.dialogues, self.cell and self.cell.call == "unlink")
        until(lambda: not self.processes(), lambda: f"processes are left: {self.processes()}")
        left = glob.glob(f"/dev/shm/servidor-{self.first.pid}*")
        for path in left:
            os.unlink(path)
        if left and self.cell.call != "unlink":
            raise Fault(f"{left} is left")

    def processes(self):
        """The server's processes that were started in this folder."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cwd"):
            try:
                pid = int(path.split("/")[2])
                if pid != os.getpid() and os.readlink(path) == os.getcwd() and self.is_servidor(pid):
                    found.append(pid)
            except OSError:
                pass
        return found

    def is_servidor(self, pid):
        return os.path.samefile(f"/proc/{pid}/exe", self.chosen.servidor)

    def run(self):
        self.start()
        try:
            until(lambda: self.has_begun() or self.first.poll() is not None, "neither ports nor an end")
            if self.has_begun():
                if self.read("out"):
                    self.serve()
                self.end()
            status = self.first.wait(PATIENCE_S)
            if status not in ((0, 1) if "cannot be told" in self.said() else (0,) if self.has_begun() else (1,)):
                raise Fault(f"exit status {status}")
            self.look()
        finally:
            for pid in self.processes():
                os.kill(pid, signal.SIGKILL)
            self.first.wait()


# What is struck in the background: it is not the same there.
BACKGROUND = ("setsid", "dup2", "pipe2", "clone", "write", "read")


def cells_of_life(strace, is_background):
    """What is struck: what comes behind the work of the C library's loader, which ends where the program makes sure of
    its standard descriptors."""
    first = min(strace.lines())
    lines = strace.lines()[first]
    begin = next(at for at, line in enumerate(lines) if '"/dev/null"' in line)
    early = {(cell.call, cell.number) for cell in cells([re.findall(r"^(\w+)\(", "".join(lines[:begin]), re.M)])}
    traces = strace.traces()
    found = [cell for cell in cells(traces.values() if is_background else [traces[first]])
             if (cell.call, cell.number) not in early]
    return [cell for cell in found if cell.call in BACKGROUND] if is_background else found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-s", "--stride", type=int, default=1)
    options.add_argument("-v", "--verbose", action="store_true")
    options.add_argument("-b", "--background", action="store_true")
    options.add_argument("-a", "--again", action="store_true")
    options.add_argument("folder")
    options.add_argument("servidor")
    options.add_argument("option", nargs=argparse.REMAINDER)
    chosen = options.parse_args()
    chosen.servidor = os.path.abspath(chosen.servidor)
    os.chdir(chosen.folder)
    if chosen.again:
        chosen.again = False
        Life(chosen).run()
        shutil.copy("log/contadores", "contadores")
        chosen.again = True
    trial = Life(chosen)
    trial.run()
    todo = cells_of_life(trial.strace, chosen.background)
    todo, struck, found = todo[::chosen.stride], 0, 0
    for cell in todo:
        begun = time.monotonic()
        life = Life(chosen, cell)
        try:
            life.run()
            if chosen.verbose:
                print("ok", *cell, f"{time.monotonic() - begun:.2f} s", life.read("err").strip()[:150], flush=True)
        except Fault as fault:
            found += 1
            print(f"{cell.call} {cell.number} {cell.error}: {fault}", flush=True)
        struck += bool(life.strace.struck())
    print(f"{struck} of {len(todo)} calls failed, {found} faults")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
