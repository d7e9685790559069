#!/usr/bin/env python3
"""Holds many different SMTP sessions at the same time, and writes down what each of them said and heard.

usage: crowd.py [-u [-r] | -n] [-a ADDRESS] PORT COUNT [EXPECTED]

Each session sends a few mails of random length: over TCP one of two in pipelined groups. EXPECTED gets a line for each
session, as readlog.py reads it, with the records that the server's log must hold. A session that is not answered as the
usal dialect says makes the exit status 1.
"""
import argparse
import json
import random
import select
import sys
import threading

from channel import Broken, Tcp, Udp
from numbered import Numbered


class Member:
    """One session: it keeps the records that the server should have made of it."""

    def __init__(self, number, chosen):
        self.random = random.Random(number)
        self.number = number
        self.udp = chosen.udp
        self.repeats = chosen.repeat
        kind = Udp if chosen.udp else Numbered if chosen.numbered else Tcp
        self.session = kind(chosen.address, chosen.port)
        self.key = f"{'UDP' if chosen.udp or chosen.numbered else 'TCP'} {chosen.address} {self.session.local_port}"
        self.records = []

    def hear(self, code):
        line = self.session.line()
        while self.udp and self.records and line == self.records[0][len("ENVIO: "):]:
            line = self.session.line()  # the greeting once more, for a hello that was repeated
        self.records.append("ENVIO: " + line)
        if not line.startswith(code + " "):
            raise Broken(f"session {self.number}: expected {code}, got {line!r}")

    def say(self, *pairs):
        """Sends each command, and hears each code: all at once over TCP, in turn over UDP."""
        if not self.udp:
            self.session.send("".join(command + "\r\n" for command, _ in pairs).encode())
        for command, code in pairs:
            if self.udp:
                self.session.send((command + "\r\n").encode())
            self.records.append("RECIBO: " + command)
            self.hear(code)

    def mail(self, count):
        group = [(f"MAIL FROM:<from{self.number}@x.es>", "250")]
        group += [(f"RCPT TO:<to{i}.{self.number}@y.es>", "250") for i in range(self.random.randint(1, 5))]
        group += [("DATA", "354")]
        if self.number % 2:
            self.say(*group)
        else:
            for pair in group:
                self.say(pair)
        lines = [f"mail {count} of {self.number}, line {i} " + "ñ" * self.random.randint(0, 40)
                 for i in range(self.random.randint(0, 30))] + ["."]
        for line in lines:
            self.records.append("RECIBO: " + line)
            if self.udp:
                self.session.send((line + "\r\n").encode())
        if not self.udp:
            self.session.send("".join(line + "\r\n" for line in lines).encode())
        self.hear("250")

    def greet(self):
        """Hears the greeting. On one port for all (udp-port=same) a hello may come to a socket that is about to be
        another client's, and is repeated; elsewhere it is not, since one that waits until its session is over begins a
        second one."""
        for _ in range(20 if self.repeats else 1 if self.udp else 0):
            self.session.send_to_door(b"\r\n")
            if not self.repeats or select.select([self.session.socket], [], [], 1)[0]:
                break
        self.hear("220")

    def run(self):
        self.greet()
        self.say((f"HELO member{self.number}.es", "250"))
        for count in range(self.random.randint(1, 3)):
            self.mail(count)
        self.say(("DATOS", "500"), ("NOOP", "250"))
        self.say(("QUIT", "221"))
        self.session.close()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-u", "--udp", action="store_true", help="sessions over UDP, in the plain mode")
    options.add_argument("-n", "--numbered", action="store_true", help="sessions over UDP, in the numbered mode")
    options.add_argument("-r", "--repeat", action="store_true", help="a hello that nobody answered for a second")
    options.add_argument("-a", "--address", default="127.0.0.1", help="of the server")
    options.add_argument("port", type=int)
    options.add_argument("count", type=int)
    options.add_argument("expected", nargs="?", default="/dev/null")
    chosen = options.parse_args()
    members = [Member(number, chosen) for number in range(chosen.count)]
    failures = []

    def run(member):
        try:
            member.run()
        except (Broken, OSError) as error:
            failures.append(f"{member.key}: {error}")

    threads = [threading.Thread(target=run, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open(chosen.expected, "a", encoding="utf-8") as file:
        for member in members:
            file.write(json.dumps({"key": member.key, "records": member.records}) + "\n")
    sys.exit("\n".join(failures) or 0)


if __name__ == "__main__":
    main()
