#!/usr/bin/env bats
# The lossy relay (test/relay), which other tests rely on: between clients and a server that are a script each
# (tools/scene.py), where nothing is sent before the relay has told the fate of what was sent before.

load helper

RELAY=${RELAY:-$ROOT/test/relay/relay}
export RELAY

# scene [OPTION...] <<SCRIPT: leaves in the file out what it printed.
scene() { "$PYTHON" "$TOOLS/scene.py" "$@" >out 2>&1 || { cut -c 1-600 out; return 1; }; }

# fates OPTION...: of 2,000 datagrams, as one word.
fates() { scene "$@" <<<'A sends 2000' && head -n 1 out; }

# count MARK WORD: how many of its marks are this one.
count() { tr -cd "$1" <<<"$2" | wc -c; }

# between LOW HIGH NUMBER
between() { (($1 <= $3 && $3 <= $2)) || fail "expected $1 to $2"$'\n'"got      $3"; }

# misused REGEX OPTION...: the relay refuses these options, with one line that matches.
misused() {
    local status=0 out
    out=$("$RELAY" "${@:2}" 2>err) || status=$?
    same '2 ' "$status $out"
    same 1 "$(wc -l <err)"
    matches "^relay: $1" "$(cat err)"
}

@test "without options all that comes passes, in order and unchanged" {
    scene <<'END'
A> hola\r\n
D< hola\r\n
D is late 0
D> \0\x01\xff\r\n\n
A< \0\x01\xff\r\n\n
A is relay
A>
D<
A> {x*65507}
D< {x*65507}
D> {y*65507}
A< {y*65507}
A sends 50
D hears 50
END
    same "$(seq -s ' ' 0 49)" "$(sed -n 2p out)"
    same 'client to server: 53 came, 0 dropped, 0 doubled, 53 sent, 0 unsent' "$(sed -n 3p out)"
    same 'server to client: 2 came, 0 dropped, 0 doubled, 2 sent, 0 unsent' "$(sed -n 4p out)"
}

@test "a client goes on with the fresh port that answers it, and the server sees one address all the time" {
    scene <<'END'
A> hello
D< hello
1> greeting
A< greeting
A is fresh
A> command
1< command
D = 1
1> reply
A< reply
A> more
1< more
END
}

@test "two clients at once are kept apart, in their sessions too" {
    scene <<'END'
A> I am A
D< I am A
1> to A
B> I am B
D< I am B
2> to B
A< to A
B< to B
A != B
B> B again
2< B again
A> A again
1< A again
1 != 2
quiet D
END
}

@test "a client that comes back, and two ports that answer one client" {
    scene <<'END'
A> hello
D< hello
1> one
2> two
A< one
A> to one
1< to one
A< two
A> to two
2< to two
1 = 2
1> one again
A< one again
A> to one again
1< to one again
END
}

@test "of a client's ports at the server the fifth closes the one that was not used for longest" {
    scene <<'END'
A> hello
D< hello
1> one
A< one
2> two
A< two
3> three
A< three
4> four
A< four
1> one
A< one
5> five
A< five
1> still here
A< still here
A> so I am heard
1< so I am heard
END
}

@test "over IPv6 it is the same" {
    need_ipv6
    scene -6 <<'END'
A> hello
D< hello
1> greeting
A< greeting
A is fresh
A> {x*60000}
1< {x*60000}
END
}

@test "of 2,000 datagrams a fifth is dropped, and a tenth of the others doubled, by the same seed the same ones" {
    local first other
    first=$(fates -s 7 -d 20 -D 10)
    between 300 500 "$(count x "$first")"
    between 100 220 "$(count 2 "$first")"
    same "$first" "$(fates -s 7 -d 20 -D 10)"
    same "$first" "$(fates -s 7 -d 20 -D 10 -m 0,20)"
    other=$(fates -s 8 -d 20 -D 10)
    [ "$first" != "$other" ]
}

@test "the way back has chances of its own" {
    scene -s 7 -D 50 <<<$'A> hello\nD< hello\nA sends 200\nD sends 200'
    [ "$(sed -n 1p out)" != "$(sed -n 2p out)" ]
    between 60 140 "$(count 2 "$(sed -n 2p out)")"
}

@test "all or nothing is dropped or doubled when it is told so" {
    same 2000 "$(count x "$(fates -d 100)")"
    same 2000 "$(count 2 "$(fates -D 100)")"
    same 2000 "$(count . "$(fates -d 0 -D 0)")"
    scene -D 100 <<<$'A> twice\nD< twice\nD< twice\nquiet D'
    scene -d 100 <<<$'A> never'
    same 'client to server: 1 came, 1 dropped, 0 doubled, 0 sent, 0 unsent' "$(sed -n 1p out)"
}

@test "a delay is kept, and a random one brings disorder but loses nothing" {
    scene -m 40,40 <<<$'A> slow\nD< slow\nD is late 40\nA sends 50\nD hears 50'
    same "$(seq -s ' ' 0 49)" "$(sed -n 2p out)"
    scene -s 1 -m 10,200 <<<$'A sends 50\nD hears 50'
    [ "$(seq -s ' ' 0 49)" != "$(sed -n 2p out)" ]
    same "$(seq 0 49)" "$(sed -n 2p out | tr ' ' '\n' | sort -n)"
}

@test "each copy of a doubled datagram has a delay of its own" {
    scene -s 1 -D 100 -m 10,200 <<<$'A sends 20\nD hears 40'
    same "$(printf '%s\n' {0..19} {0..19} | sort -n)" "$(sed -n 2p out | tr ' ' '\n' | sort -n)"
    [ "$(sed -n 2p out | tr ' ' '\n' | uniq | wc -l)" -gt 25 ]
}

@test "a line for each datagram, with its first line, from which a terminal is safe" {
    scene -s 1 -D 100 -m 5,5 <<'END'
A> S1 H x\nand more
told [0-9]+\.[0-9]{3}  [0-9]+ > [0-9]+  15 octets  doubled, 5 and 5 ms  S1 H x$
D< S1 H x\nand more
D> \e[2J{x*100}
told [0-9]+\.[0-9]{3}  [0-9]+ < [0-9]+  104 octets  doubled, 5 and 5 ms  \\033\[2Jx{68}$
END
}

@test "a client that is gone, and a server that is gone, are no harm" {
    scene <<'END'
A> hello
D< hello
1> greeting
A< greeting
close A
1> nobody
1> is
1> there
B> hello
D< hello
D> welcome
B< welcome
close D
B> anybody?
B> anybody?
1> bye
END
}

@test "a client too many is not served, and the others are" {
    [ "$(ulimit -Hn)" -ge 5200 ] || skip "needs 5,200 descriptors"
    scene <<<$'crowd 1030'
    same "$(printf '.%.0s' {1..1024})------" "$(head -n 1 out)"
    same 'client to server: 1030 came, 0 dropped, 0 doubled, 1024 sent, 6 unsent' "$(sed -n 2p out)"
}

@test "what is still held at the end counts as unsent" {
    scene -m 60000,60000 <<<$'A> never\nA> ever'
    same 'client to server: 2 came, 0 dropped, 0 doubled, 0 sent, 2 unsent' "$(sed -n 1p out)"
}

# relay OPTION...: starts it in the background; leaves what it prints in the file relayed. Sets RELAY_PID and PORT.
relay() {
    : >relayed
    "$RELAY" "$@" >relayed 3>&- 4>&- &
    RELAY_PID=$!
    sessions+=("$RELAY_PID")
    wait_until grep -q '^Seed ' relayed
    PORT=$(sed -n 's/^Listening on UDP port //p' relayed)
}

@test "it tells its seed, which may be its own, and ends at SIGINT too" {
    relay -s 18446744073709551615 localhost 9
    kill -INT "$RELAY_PID"
    wait "$RELAY_PID"
    same 'Seed 18446744073709551615' "$(sed -n 2p relayed)"
    same 4 "$(wc -l <relayed)"
    relay localhost 9
    matches '^Seed [0-9]+$' "$(sed -n 2p relayed)"
}

@test "what is wrong on its command line is told in one line" {
    misused '-d 101: a percentage' -d 101 localhost 9
    misused '-D x: a percentage' -D x localhost 9
    misused '-m 5: two numbers' -m 5 localhost 9
    misused '-m 9,5: two numbers' -m 9,5 localhost 9
    misused '-m 0,60001: two numbers' -m 0,60001 localhost 9
    misused '-p 65536: a port' -p 65536 localhost 9
    misused '-s -1: a seed' -s -1 localhost 9
    misused '-s 18446744073709551616: a seed' -s 18446744073709551616 localhost 9
    misused '-x: no such option' -x localhost 9
    misused '-d: its value is missing' -d
    misused 'HOST is missing'
    misused 'PORT is missing' localhost
    misused '9x: a port' localhost 9x
    misused '0: a port' localhost 0
    misused 'more: one operand' localhost 9 more
}

@test "its usage, a host that is none and a port that is taken" {
    local status=0
    "$RELAY" -h | grep -q '^usage: relay'
    "$RELAY" no.such.host.invalid 9 >out 2>err || status=$?
    same '1 1' "$status $(wc -l <err)"
    start_fake fake_udp.py
    status=0
    "$RELAY" -p "$PORT" localhost 9 >out 2>err || status=$?
    same '1 0' "$status $(wc -l <out)"
    matches "^relay: UDP port $PORT: " "$(cat err)"
}

@test "a whole session of the client through a slow network" {
    local status=0
    start_server
    relay -m 1,1 localhost "$PORT"
    "$CLIENTE" -l . -p "$PORT" localhost UDP "$ROOT/ordenes/ordenes2.txt" >out 2>err || status=$?
    same 0 "$status"
    grep -q 'All done' ./*.txt
}
