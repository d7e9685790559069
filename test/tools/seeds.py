#!/usr/bin/env python3
"""The client with many seeds at once, each through a lossy relay of its own, and a look at what the server kept.

usage: seeds.py [options] PORT MAILS

Each seed is a session with one mail to a mailbox of its own, or with the orders of -o. What a client says of its mail
must be what is in MAILS, the server's mail folder: a mail that is there is there once, and is what was sent, octet for
octet; one that is told as stored is there, one that is told as refused or not sent is not. A session that is complete
has the log of -g, if one is given, and nothing on standard error, unless all that is missing is the reply to QUIT.
Prints "C complete, F failed, median M s, longest L s", and each fault; the exit status is 0 without a fault.
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

from letters import ADDED

OUTCOME = re.compile(r"^cliente: mail (\d+) \(line \d+\): (stored|refused|outcome unknown|not sent)$", re.M)
LAST_REPLY = re.compile("cliente: .* without an answer to QUIT; all before it was answered\n")
PATIENCE_S = 300
COUNTS = {"stored": (1,), "refused": (0,), "not sent": (0,), "outcome unknown": (0, 1)}


def text_of(seed, count):
    """The lines of a mail: some empty, some with a dot at their begin, of all octets but line ends."""
    chance = random.Random(seed)
    octets = bytes(octet for octet in range(256) if octet not in b"\r\n")
    lines = [b"Subject: seed %d" % seed, b""]
    for number in range(count - 2):
        line = b"line %d " % number + bytes(chance.choices(octets, k=chance.randint(0, 70)))
        lines.append(chance.choice((line, line, line, b"." + line, b"..", b"")))
    return lines


class Seed:
    """One seed: its orders, its run, and its faults."""

    def __init__(self, seed, chosen):
        self.seed, self.chosen, self.faults = seed, chosen, []
        self.box = f"seed{seed}"
        self.text = text_of(seed, chosen.lines)
        self.status = self.seconds = None
        self.told = ""

    def orders(self, folder):
        if self.chosen.orders:
            return os.path.abspath(self.chosen.orders)
        lines = [b"HELO seeds.example", b"MAIL FROM:<seeds@mail.example>",
                 b"RCPT TO:<%s@mail.example>" % self.box.encode(), b"DATA",
                 *(b"." * line.startswith(b".") + line for line in self.text), b".", b"QUIT"]
        path = os.path.join(folder, "orders")
        pathlib.Path(path).write_bytes(b"".join(line + b"\n" for line in lines))
        return path

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            port, relay = self.chosen.port, None
            if self.chosen.relay:
                relay = subprocess.Popen([self.chosen.relay, "-s", str(self.seed), *self.chosen.options.split(),
                                          "localhost", str(port)], stdout=subprocess.PIPE, text=True)
                port = re.fullmatch(r"Listening on UDP port (\d+)\n", relay.stdout.readline())[1]
            command = [self.chosen.cliente, "-p", str(port), "-l", folder, *self.chosen.client.split(),
                       "localhost", "UDP", self.orders(folder)]
            begun = time.monotonic()
            with open(os.path.join(folder, "err"), "w+", encoding="utf-8", errors="replace") as err:
                try:
                    self.status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=err, timeout=PATIENCE_S,
                                                 check=False).returncode
                except subprocess.TimeoutExpired:
                    self.faults.append(f"still there after {PATIENCE_S} s")
                err.seek(0)
                self.told = err.read()
            self.seconds = time.monotonic() - begun
            if relay:
                relay.terminate()
                relay.communicate()
            if self.status == 0 and not self.told and self.chosen.golden:
                self.compare_log(folder)

    def compare_log(self, folder):
        golden = pathlib.Path(self.chosen.golden).read_bytes()
        logs = list(pathlib.Path(folder).glob("*.txt"))
        date = re.compile(rb"All done at .{24}")
        if len(logs) != 1 or date.sub(b"", logs[0].read_bytes()) != date.sub(b"", golden) \
                or logs[0].stat().st_size != len(golden):
            self.faults.append("the log is not the golden one")

    def judge(self):
        """Compares what was told with what is there."""
        outcomes = dict(found.groups() for found in OUTCOME.finditer(self.told))
        is_odd = self.told and not LAST_REPLY.fullmatch(self.told) if self.status == 0 else not self.told
        if is_odd:
            self.faults.append(f"exit status {self.status}, and on standard error: {self.told!r}")
        if self.status not in (0, 1, 3):
            self.faults.append(f"exit status {self.status}: {self.told!r}")
        if self.status in (1, 3) and (self.status == 3) != ("outcome unknown" in outcomes.values()):
            self.faults.append(f"exit status {self.status}, and the outcomes are {outcomes}")
        if self.chosen.orders:
            return
        found = list(pathlib.Path(self.chosen.mails).glob(f"{self.box}/new/*"))
        outcome = "stored" if self.status == 0 else outcomes.get("1", "not sent")
        if len(found) not in COUNTS[outcome]:
            self.faults.append(f"{outcome}, and it is {len(found)} times there")
        for path in found:
            data = path.read_bytes()
            added = ADDED.match(data)
            if not added or data[added.end():] != b"".join(line + b"\n" for line in self.text):
                self.faults.append(f"{path} is not what was sent")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-n", "--seeds", type=int, default=40)
    options.add_argument("-l", "--lines", type=int, default=200, help="of a mail's text")
    options.add_argument("-o", "--orders", metavar="FILE", help="instead of a mail")
    options.add_argument("-g", "--golden", metavar="LOG", help="what a complete session's log is, but for its date")
    options.add_argument("-r", "--relay", metavar="PROGRAM", help="else the clients come directly")
    options.add_argument("-x", "--options", default="", help="of the relay, in one word")
    options.add_argument("-C", "--cliente", metavar="PROGRAM", required=True)
    options.add_argument("-c", "--client", default="", help="options of the client, in one word")
    options.add_argument("port", type=int)
    options.add_argument("mails")
    chosen = options.parse_args()
    seeds = [Seed(number, chosen) for number in range(1, chosen.seeds + 1)]
    with concurrent.futures.ThreadPoolExecutor(len(seeds)) as pool:
        for run in [pool.submit(seed.run) for seed in seeds]:
            run.result()
    for seed in seeds:
        seed.judge()
    complete = [seed.seconds for seed in seeds if seed.status == 0]
    print(f"{len(complete)} complete, {len(seeds) - len(complete)} failed, median "
          f"{statistics.median(complete or [0]):.1f} s, longest {max(seed.seconds for seed in seeds):.1f} s")
    for seed in seeds:
        for fault in seed.faults:
            print(f"seed {seed.seed}: {fault}")
        if seed.status != 0:
            print(f"# seed {seed.seed}: {seed.told.strip()}")
    sys.exit(any(seed.faults for seed in seeds))


if __name__ == "__main__":
    main()
