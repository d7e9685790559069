#!/usr/bin/env python3
"""A walk through the system calls of a running server: each fails once, with each error that it may have.

usage: walk.py [-s STRIDE] [-v] PLACE PORT MPORT MASTER FOLDER ERRORS

At PLACE (see places) something is done, with strace at the side of the processes that do it: at first as a trial, then
again and again while one of the calls seen there fails (see strike.py); every STRIDEth of them, or all. After each

- the client has had its replies or the end of its session, and nobody hangs;
- a mail with a 250 is in each of its boxes once and whole, a refused one in none, one without a verdict once or not;
  tmp/ is empty, but where an unlink failed: the next start sweeps there;
- no process has died of it;
- the next session of the same kind is as it should be;
- no session is counted any more, no process has a descriptor more than before, or a child that nobody waits for;
- what the server said on ERRORS, the file of its standard error, is a line of its own.

PORT and MPORT are the server's, its secret is mipass23, MASTER is its pid and FOLDER its mail folder. Prints how many
calls were struck. The exit status is 1 if something was found.
"""
import argparse
import os
import signal
import sys
import time

from strike import Strace, cells
from witness import Dialogue, Fault, Server, Swift, children, until


class Walk:
    """The walk of one place."""

    def __init__(self, chosen):
        self.chosen, self.server = chosen, Server(chosen)
        self.place = places[chosen.place](self.server)
        self.number = self.struck = 0
        self.targets = []

    def once(self, cell=None):
        """Does what is done at the place: the dialogues, and what strace saw of them."""
        self.number += 1
        place, server = self.place, self.server
        dialogues = place.prepare(f"m{self.number}")
        strace = Strace(cell, place.follow)
        self.targets = until(lambda: strace.attach(place.targets()), "strace cannot be attached")
        try:
            place.drive(dialogues)
            until(lambda: server.ask() == 0, "a session is left")
        finally:
            strace.detach()
        return dialogues, strace

    def check(self, cell):
        dialogues, strace = self.once(cell)
        server, struck = self.server, strace.struck()
        dead = strace.died() & set(self.targets)
        self.struck += bool(struck)
        if dead:
            raise Fault("a process died of it")
        if cell.call in ("close", "wait4"):
            self.make_good(struck, cell.call)
        afters = []
        until(lambda: self.is_served(afters), lambda: f"the session after it: {afters[-1].fates}, {afters[-1].error}")
        server.settle()
        server.look_at_mails(dialogues + afters, cell.call.startswith("unlink"))
        server.look_at_errors()

    def is_served(self, afters):
        """Goes a session as it should? While births pause it may be refused (421), and comes again."""
        one = Dialogue(self.place.kind, self.server.port, f"a{self.number}.{len(afters)}")
        afters.append(one)
        one.run()
        return list(one.fates.values()) == ["kept", "kept"] or (one.fates and self.fail(one))

    def fail(self, one):
        raise Fault(f"the session after it: {one.fates}, {one.error}")

    def make_good(self, struck, call):
        """What strace kept from being closed, or waited for, goes with the end of who has it; but the master stays."""
        for pid in struck:
            if pid == self.server.master:   # and all who are born from now on have what it has
                more = call == "close"
                self.server.usual = {role: count + more for role, count in self.server.usual.items()}
            elif self.server.is_alive(pid):
                os.kill(pid, signal.SIGKILL)
                until(lambda one=pid: not self.server.is_alive(one), "a worker that was killed is there")

    def begin_anew(self):
        """What came to grief is not walked through again: other processes take the place of all."""
        before = set(children(self.server.master))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not before & set(children(self.server.master)), "who was killed is there")
        self.server.usual = {}
        self.server.begin()
        self.server.clear()

    def run(self):
        self.server.begin()
        self.server.clear()
        _, strace = self.once()
        self.server.clear()
        walked = [cell for cell in cells(map(self.place.part, strace.traces().values()))
                  if cell.number > self.place.spared.get(cell.call, 0)]
        walked = walked[::self.chosen.stride]
        found = 0
        for cell in walked:
            begun = time.monotonic()
            try:
                self.check(cell)
                if self.chosen.verbose:
                    print("ok", *cell, f"{time.monotonic() - begun:.2f} s", flush=True)
            except Fault as fault:
                found += 1
                self.begin_anew()
                print(f"{self.chosen.place}: {cell.call} {cell.number} {cell.error}: {fault}", flush=True)
        print(f"{self.chosen.place}: {self.struck} of {len(walked)} calls failed, {found} faults")
        return found


class Place:
    """Where a walk goes: one session, and the idle workers one of which will have it."""
    kind, role, follow = "tcp", "tcp", False
    spared = {}     # as strike.SPARED, here only: the call, and of how many of its occurrences this holds

    def __init__(self, server):
        self.server = server

    def targets(self):
        return list(self.server.roles()[self.role])

    def part(self, calls):
        """Of the calls of a process those that are walked through."""
        return calls

    def prepare(self, name):
        return [Dialogue(self.kind, self.server.port, name)]

    def drive(self, dialogues):
        for dialogue in dialogues:
            dialogue.run()


class PlainPlace(Place):
    kind, role = "plain", "udp"


class NumberedPlace(Place):
    kind, role = "numbered", "udp"


class DoorPlace(Place):
    """Hellos of both modes, and a segment of no session."""
    kind, role = "numbered", "door"

    def prepare(self, name):
        return [Dialogue("numbered", self.server.port, name), Dialogue("plain", self.server.port, name + ".plain")]

    def drive(self, dialogues):
        Swift().send(b"S1 D 0123456789abcdef 1 1 0 16 1 -\nx")
        super().drive(dialogues)


class MonitorPlace(Place):
    """Some questions."""
    role = "monitor"

    def prepare(self, name):
        return []

    def drive(self, dialogues):
        for command in range(4):
            self.server.ask(command)


class ReloadPlace(Place):
    """A session in whose midst the logs are opened anew: its worker leaves behind it."""

    def prepare(self, name):
        return [Dialogue(self.kind, self.server.port, name, between=lambda: os.kill(self.server.master, signal.SIGHUP))]


class MasterPlace(Place):
    """Children that die and are followed, workers that run short, and SIGHUP."""
    role = "master"
    spared = {"kill": 99}       # of a child that nobody has waited for: it cannot fail

    def prepare(self, name):
        return [Dialogue("tcp", self.server.port, f"{name}.{i}") for i in range(3)]

    def lose(self, number, *roles):
        """Ends one process of each role by this signal, and waits for what follows."""
        for role in roles:
            pid = max(self.server.roles()[role], default=0)
            if pid:
                os.kill(pid, number)
                until(lambda one=pid: not self.server.is_alive(one), "a child that was ended is there")
        until(lambda: all(self.server.roles()[role] for role in self.server.usual), "nobody follows who was killed")

    def drive(self, dialogues):
        self.lose(signal.SIGKILL, "tcp")
        self.lose(signal.SIGTERM, "door")
        for dialogue in dialogues:
            dialogue.run(until_dot=True)
        before = set(children(self.server.master))
        os.kill(self.server.master, signal.SIGHUP)
        for dialogue in dialogues:
            dialogue.run()
        until(lambda: not before & set(children(self.server.master)), "SIGHUP moves nobody")


class BirthPlace(MasterPlace):
    """What those who are born do before they serve anybody."""
    follow = True
    spared = {"close": 99, "kill": 99}      # who still has another's port is taken for another

    def part(self, calls):
        """Up to the wait for the first work: which of the idle will have it is chance."""
        return calls[:min((calls.index(wait) + 1 for wait in ("accept", "recvfrom") if wait in calls), default=None)]

    def prepare(self, name):
        return [Dialogue(kind, self.server.port, f"{name}.{kind}") for kind in ("tcp", "numbered")]

    def drive(self, dialogues):
        # Who dies by violence and is young is not followed at once.
        self.lose(signal.SIGTERM, "tcp", "udp", "door", "monitor")
        self.server.ask()
        for dialogue in dialogues:
            dialogue.run()


class FilterPlace(Place):
    """The end of a mail that goes through a filter, and the filter's process until it is another program."""
    follow = True
    spared = {"close": 1}       # of a pipe that comes to its end by it, which it would not have, were it not made

    def prepare(self, name):
        dialogue = Dialogue("tcp", self.server.port, name)
        dialogue.boxes.pop(f"{name}.new")
        dialogue.run(until_dot=True)
        return [dialogue]


places = {"tcp": Place, "plain": PlainPlace, "numbered": NumberedPlace, "door": DoorPlace, "monitor": MonitorPlace,
          "reload": ReloadPlace, "master": MasterPlace, "birth": BirthPlace, "filter": FilterPlace}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-s", "--stride", type=int, default=1)
    options.add_argument("-v", "--verbose", action="store_true")
    options.add_argument("place", choices=places)
    options.add_argument("port", type=int)
    options.add_argument("mport", type=int)
    options.add_argument("master", type=int)
    options.add_argument("folder")
    options.add_argument("errors")
    sys.exit(bool(Walk(options.parse_args()).run()))


if __name__ == "__main__":
    main()
