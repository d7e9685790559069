#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# How mail is kept: the box that an address names, its folders and files, what stands above a mail, what is left of a
# mail that did not come to its end, and that a text is stored octet for octet.

load helper

local_setup() { MAILS=$BATS_TEST_TMPDIR/mails; }

local_teardown() { ! mountpoint -q "$BATS_TEST_TMPDIR/readonly" || umount -l "$BATS_TEST_TMPDIR/readonly"; }

# serve OPTION...: a server that keeps its mail in MAILS.
serve() { start_server -m "$MAILS" "$@"; }

# mail TEXT [RECIPIENT...]: the lines of a script that send a mail, TEXT with its line ends as talk.py has octets, and
# have the VERDICT. SENDER is the rest of the line behind MAIL FROM:.
mail() {
    local text=$1
    shift
    [ $# != 0 ] || set -- '<theo@d.es>'
    printf 'C| MAIL FROM:%s\\r\\n' "${SENDER-<a@b.es>}"
    printf 'RCPT TO:%s\\r\\n' "$@"
    printf '%s\n' 'DATA\r\n' 'S~ 250 '
    printf 'S~ 250 %.0s\n' "$@"
    printf '%s\n' 'S~ 354 ' "C| $text.\\r\\n" "S~ ${VERDICT:-250} "
}

# only_mail BOX: the path of the one mail that this box has, in new/.
only_mail() {
    local found
    found=$(find "$MAILS/$1" ! -type d)
    [[ $found == "$MAILS/$1/new/"* && $found != *$'\n'* ]] || { echo "the files of box $1: $found" >&2; return 1; }
    echo "$found"
}

# boxes: the names of all boxes, one a line.
boxes() { find "$MAILS" -mindepth 1 -maxdepth 1 -printf '%f\n' | LC_ALL=C sort; }

# files: all that is no folder under MAILS.
files() { find "$MAILS" ! -type d; }

nothing_kept() { [ -z "$(files)" ]; }

# The text of a mail: the server writes four lines above it.
text_of() { tail -n +5 "$1"; }

# is_stored BOX TEXT: the text of the one mail of the box is TEXT, a format of printf.
is_stored() {
    local file
    file=$(only_mail "$1") || return 1
    # shellcheck disable=SC2059 # a format, so that it can have NULs
    cmp <(printf "$2") <(text_of "$file") || fail "box $1 has: $(text_of "$file" | head -c 300 | od -c | head)"
}

# put BOX FILE [CHUNK...]: sends the octets of FILE as a text, by DATA, or by BDAT in chunks of these sizes; the last
# size is that of all further chunks.
put() {
    "$PYTHON" - "$PORT" "$@" <<'END'
import re, socket, sys
port, box, path, *sizes = sys.argv[1:]
sizes = [int(size) for size in sizes]
with open(path, "rb") as file:
    text = file.read()
with socket.create_connection(("127.0.0.1", int(port)), 60) as client, client.makefile("rb") as replies:
    def say(octets, code):
        client.sendall(octets)
        while (line := replies.readline())[3:4] == b"-": pass
        assert line.startswith(code + b" "), line
    say(b"", b"220")
    say(b"EHLO c.example\r\n", b"250")
    say(b"MAIL FROM:<a@b.es>\r\n", b"250")
    say(b"RCPT TO:<%s@d.es>\r\n" % box.encode(), b"250")
    if not sizes:
        say(b"DATA\r\n", b"354")
        say(re.sub(rb"(\A|\r\n)\.", rb"\1..", text) + b".\r\n", b"250")
    while sizes:
        part, text = text[:sizes[0]], text[sizes[0]:]
        say(b"BDAT %d%s\r\n%s" % (len(part), b"" if text else b" LAST", part), b"250")
        sizes = (sizes[1:] or sizes) if text else []
    say(b"QUIT\r\n", b"221")
END
}

# keeps BOX FILE: the one mail of the box has the octets of FILE with LF for each CRLF.
keeps() {
    local file
    file=$(only_mail "$1") || return 1
    cmp <(LC_ALL=C sed 's/\r$//' "$2") <(text_of "$file")
}

# with_status DIALECT CODE STATUS: the line of a script that wants this reply.
with_status() { if [ "$1" = itba ]; then echo "S~ $2 ${3//./\\.} "; else echo "S~ $2 [^0-9]"; fi; }

# both_dialects OPTION... -- FUNCTION: a server of each dialect with a mail folder of its own, FUNCTION called with the
# dialect's name.
both_dialects() {
    local dialect options=()
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    for dialect in usal itba; do
        LOGS=$BATS_TEST_TMPDIR/log.$dialect MAILS=$BATS_TEST_TMPDIR/mails.$dialect
        serve -d "$dialect" "${options[@]}"
        "$2" "$dialect"
        stop_server
    done
}

# --- folders and files ------------------------------------------------------------------------------------------------

@test "a mail is one file in new/ of its box, and nobody else may read it, whatever the umask is" {
    umask 000
    serve
    mail 'hello\r\n' '<Theo@any.domain>' | after_helo usal
    stop_server
    same 'theo d 700
theo/cur d 700
theo/new d 700
theo/new/NAME f 600
theo/tmp d 700' "$(find "$MAILS" -mindepth 1 -printf '%P %y %m\n' | LC_ALL=C sort | sed 's:new/[^ ]*:new/NAME:')"
    is_stored theo 'hello\n'
}

@test "a server with a strict umask makes the same folders" {
    umask 077
    serve
    mail 'hello\r\n' | after_helo usal
    same 'd700 d700 d700 d700 f600' "$(find "$MAILS/theo" -printf '%y%m\n' | sort | paste -s -d ' ')"
}

@test "the folder is mails where the server was started, and -m names another" {
    mkdir here && cd here
    start_server
    mail 'hello\r\n' | after_helo usal
    MAILS=$BATS_TEST_TMPDIR/here/mails
    is_stored theo 'hello\n'
    stop_server
    start_server -m ../other
    mail 'again\r\n' | after_helo usal
    is_stored theo 'hello\n'
    MAILS=$BATS_TEST_TMPDIR/other
    is_stored theo 'again\n'
}

@test "in the background a relative folder is the one where the server was started" {
    mkdir log
    timeout 60 "$SERVIDOR" -p 0 "${MONITOR[@]}" -l log -m letters </dev/null >said 2>said.err 3>&- 4>&-
    LOGS=$BATS_TEST_TMPDIR/log MAILS=$BATS_TEST_TMPDIR/letters
    SERVER_PID=$(cat log/servidor.pid)
    PORT=$(sed -n 's/^Listening on TCP port //p' said)
    ports+=("$PORT")
    mail 'hello\r\n' | after_helo usal
    kill -TERM "$SERVER_PID"
    WITHIN=60 wait_until gone "$SERVER_PID"
    wait_until only_left
    same '' "$(complaints said.err)"
    is_stored theo 'hello\n'
}

@test "a missing folder is made at the start, an old one is kept as it is" {
    serve
    [ -d "$MAILS" ]
    stop_server
    mkdir -p "$MAILS/theo/cur"
    echo old >"$MAILS/theo/cur/1.a.b:2,S"
    serve
    mail 'new\r\n' | after_helo usal
    same old "$(cat "$MAILS/theo/cur/1.a.b:2,S")"
    same 1 "$(find "$MAILS/theo/new" -type f | wc -l)"
    same 2 "$(files | wc -l)"
}

# folder_refused FOLDER: in the foreground, in the background, with -s: exit status 1 and a line that names it and -m.
folder_refused() {
    local how
    for how in -f -q -s; do
        refused "$how" -p 0 -l log -m "$1" </dev/null
        same 1 "$status"
        [[ $output == *"$1"* && $output == *-m* ]] || fail "does not name $1 and -m: $output"
    done
}

@test "a folder that cannot be made or written is refused in one line" {
    mkdir log
    : >file
    folder_refused file
    folder_refused file/mails
    folder_refused /proc
    folder_refused /proc/mails
    same '' "$(cat file)"
}

@test "a folder on a read-only file system is refused in one line" {
    need_root "mounting a file system"
    mkdir log readonly
    mount -t tmpfs -o ro tmpfs readonly
    folder_refused readonly
    folder_refused readonly/mails
}

# --- names ------------------------------------------------------------------------------------------------------------

NAME='^([0-9]{10})\.M([0-9]{1,6})P([0-9]+)Q([0-9]+)\.(.+)$'

@test "the name of a mail has the time, the worker, a counter and the host" {
    serve -n mx.usal.es
    local from=$EPOCHSECONDS name worker host
    open one
    say one 'S~ 220 ' 'C: HELO c.example' 'S~ 250 '
    # shellcheck disable=SC2153 # open sets LPORT
    worker=$(worker_of "$LPORT")
    mapfile -t lines < <(mail 'hello\r\n')
    say one "${lines[@]}"
    name=$(only_mail theo)
    name=${name##*/}
    matches "$NAME" "$name"
    ((BASH_REMATCH[1] >= from && BASH_REMATCH[1] <= EPOCHSECONDS)) || fail "not between $from and $EPOCHSECONDS: $name"
    same "$worker" "${BASH_REMATCH[3]}"
    host=$(uname -n)
    host=${host//\//\\057}
    same "${host//:/\\072}" "${BASH_REMATCH[5]}"
}

@test "a slash and a colon in the name of the host are written as octal numbers" {
    need_root "a host name of its own"
    # shellcheck disable=SC2016 # for the inner shell
    RUN_IN=(unshare --uts sh -c 'printf %s "a/b:c/d" >/proc/sys/kernel/hostname && exec "$@"' sh)
    serve
    RUN_IN=()
    mail 'hello\r\n' | after_helo usal
    local name
    name=$(only_mail theo)
    matches "$NAME" "${name##*/}"
    same 'a\057b\072c\057d' "${BASH_REMATCH[5]}"
}

@test "a hundred mails of one session within a moment have a hundred names" {
    serve
    for i in {1..100}; do mail "mail $i\\r\\n"; done | after_helo usal
    same 100 "$(files | grep -c "^$MAILS/theo/new/")"
    same 100 "$(files | wc -l)"
    same "$(printf 'mail %s\n' {1..100} | sort)" "$(tail -q -n +5 "$MAILS"/theo/new/* | sort)"
    same '' "$(find "$MAILS/theo/new" -type f -printf '%f\n' | grep -Ev "$NAME")"
}

@test "thirty workers keep 150 mails in one box at once, each once and with a name of its own" {
    serve
    "$PYTHON" - "$PORT" <<'END'
import smtplib, sys, threading
failures, start = [], threading.Barrier(30)
def send(number):
    try:
        with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=100) as client:
            client.ehlo()
            start.wait(100)
            for i in range(5):
                assert client.sendmail("a@b.es", [f"theo@d{number}.es"], f"mail {number}.{i}\r\n") == {}
    except Exception as error: failures.append(f"{number}: {error!r}")
threads = [threading.Thread(target=send, args=(number,)) for number in range(30)]
for thread in threads: thread.start()
for thread in threads: thread.join()
sys.exit("\n".join(failures) or 0)
END
    same 150 "$(find "$MAILS/theo/new" -type f -links 1 | wc -l)"
    same 150 "$(files | wc -l)"
    same "$(for i in {0..29}; do printf "mail $i.%s\n" {0..4}; done | sort)" \
        "$(tail -q -n +5 "$MAILS"/theo/new/* | sort)"
    same 30 "$(find "$MAILS/theo/new" -type f -printf '%f\n' | sed -E "s/$NAME/\\3/" | sort -u | wc -l)"
}

@test "a mail to many boxes is one file with the same name in each" {
    serve
    mapfile -t boxes < <(printf '<r%s@d.es>\n' {1..50})
    mail 'hello\r\n' "${boxes[@]}" | after_helo usal
    same 50 "$(find "$MAILS" -path '*/new/*' -type f -links 50 | wc -l)"
    same 50 "$(files | wc -l)"
    same 1 "$(find "$MAILS" -type f -printf '%i %f\n' | sort -u | wc -l)"
    is_stored r1 'hello\n'
    is_stored r50 'hello\n'
}

@test "a box that is named several times gets one copy" {
    serve
    mail 'hello\r\n' '<theo@d.es>' '<theo@d.es>' '<theo@e.es>' '<THEO@d.es>' '<"theo"@d.es>' '<"\\t\\heo"@d.es>' \
        '<@a.ex:theo@d.es>' '<gonza@d.es>' | after_helo usal
    same $'gonza\ntheo' "$(boxes)"
    same 2 "$(files | wc -l)"
    same 2 "$(find "$MAILS" -type f -links 2 | wc -l)"
    is_stored theo 'hello\n'
}

@test "with plus-tag=yes addresses that differ by their tags name one box" {
    serve -o plus-tag=yes
    mail 'hello\r\n' '<theo+a@d.es>' '<theo+b@d.es>' '<theo@d.es>' '<"Theo+c"@d.es>' | after_helo usal
    same theo "$(boxes)"
    is_stored theo 'hello\n'
    same 1 "$(stat -c %h "$(only_mail theo)")"
}

# --- boxes ------------------------------------------------------------------------------------------------------------

# boxes_of [OPTION] <<ROWS: of each row "RECIPIENT => BOX", as talk.py has octets, a mail to RECIPIENT goes to BOX and
# nowhere else. Nothing is made but these boxes, there or anywhere around.
boxes_of() {
    local row i=0
    touch talk want script got before after
    while IFS= read -r row; do
        i=$((i + 1))
        mail "mail $i\\r\\n" "${row%% => *}" >>script
        echo "${row##* => }/new/NAME mail $i" >>want
    done
    around >before
    after_helo usal "$@" <script
    around >after
    diff before after
    find "$MAILS" -type f | while IFS= read -r row; do
        echo "${row#"$MAILS"/} $(text_of "$row")" | sed 's:/new/[^ ]* :/new/NAME :'
    done >got
    diff <(LC_ALL=C sort want) <(LC_ALL=C sort got)
    diff <(cut -d / -f 1 want | LC_ALL=C sort -u) <(boxes)
}

# around: everything near the mail folder that is not in it.
around() {
    find "$BATS_TEST_TMPDIR" -path "$MAILS" -prune -o -printf '%p %y %i\n' | LC_ALL=C sort
    find / -mindepth 1 -maxdepth 1 -printf '%p %y\n' | LC_ALL=C sort
    find /etc -maxdepth 1 -name 'x*' | LC_ALL=C sort
}

W62=$(printf '/%.0s' {1..62})
W64=$(printf '%%%.0s' {1..64})
U64=$(printf 'A%.0s' {1..64})

@test "no local part leaves the mail folder, and each has a box of its own" {
    mkdir deep
    MAILS=$BATS_TEST_TMPDIR/deep/mails
    serve
    boxes_of <<END
<theo@d.es> => theo
<Gonza@d.es> => gonza
<Postmaster> => postmaster
<"../x"@d.es> => %2E.%2Fx
<"../../x"@d.es> => %2E.%2F..%2Fx
<"/../x"@d.es> => %2F..%2Fx
<"x/../../y"@d.es> => x%2F..%2F..%2Fy
</etc/x@d.es> => %2Fetc%2Fx
<|cmd@d.es> => %7Ccmd
<".."@d.es> => %2E.
<"."@d.es> => %2E
<".x"@d.es> => %2Ex
<"x."@d.es> => x.
<"x..y"@d.es> => x..y
<""@d.es> => %
<" "@d.es> => %20
<a%b@d.es> => a%25b
<%@d.es> => %25
<%2e%2e@d.es> => %252e%252e
<a.b@d.es> => a.b
<a+b@d.es> => a+b
<+@d.es> => +
<-rf@d.es> => -rf
<a_b-c=d0@d.es> => a_b-c=d0
<"joe smith"@d.es> => joe%20smith
<"a\\\\"b"@d.es> => a%22b
<"a\\\\\\\\b"@d.es> => a%5Cb
<"\\\\a\\\\/\\\\."@d.es> => a%2F.
<"a@b"@d.es> => a%40b
<"a>b"@d.es> => a%3Eb
<"(a),:;[b]"@d.es> => %28a%29%2C%3A%3B%5Bb%5D
<!#\$&'*/?^\`{}~@d.es> => %21%23%24%26%27%2A%2F%3F%5E%60%7B%7D%7E
<new@d.es> => new
<tmp@d.es> => tmp
<cur@d.es> => cur
<"new/x"@d.es> => new%2Fx
<"theo/new"@d.es> => theo%2Fnew
<$U64@d.es> => ${U64,,}
<$W64@d.es> => ${W64//%/%25}
<"$W62"@d.es> => ${W62//\//%2F}
END
}

@test "over UDP the boxes are the same" {
    serve
    boxes_of -u <<'END'
<Theo@d.es> => theo
<"../x"@d.es> => %2E.%2Fx
</etc/x@d.es> => %2Fetc%2Fx
<""@d.es> => %
<a%b@d.es> => a%25b
END
}

@test "with SMTPUTF8 an octet above 127 is encoded, and only ASCII loses its case" {
    serve
    export SENDER='<a@b.es> SMTPUTF8'
    boxes_of <<END
<josé@d.es> => jos%C3%A9
<JOSÉ@d.es> => jos%C3%89
<"ñ /"@d.es> => %C3%B1%20%2F
<theo@españa.es> => theo
<"a\\xe2\\x80\\xaeb"@d.es> => a%E2%80%AEb
<\\xc3\\xa9{\\xc3\\xb1*31}@d.es> => %C3%A9$(printf '%%C3%%B1%.0s' {1..31})
END
}

@test "what is no local part makes nothing" {
    serve -o errors=1000
    touch talk before
    local recipient
    printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S~ 250 ' >script
    for recipient in '<../x@d.es>' '<../../x@d.es>' '<..@d.es>' '<.@d.es>' '<.x@d.es>' '<@d.es>' '<>' '</@>' \
        '<a\0b@d.es>' '<"a\0b"@d.es>' '<"a\x01"@d.es>' '<a\xffb@d.es>' '<é@d.es>' '<"\r/x"@d.es>' "<x$U64@d.es>" \
        '<x@../y>' '<x@d/y>'; do
        printf '%s\n' "C| RCPT TO:$recipient\\r\\n" 'S~ 5' >>script
    done
    around >before
    after_helo usal <script
    diff before <(around)
    same '' "$(boxes)"
}

plus_tag() {
    serve -o "plus-tag=$1"
    mail 'one\r\n' '<theo+lists@d.es>' | after_helo usal
}

@test "plus-tag=yes leaves the tag away, and by default it belongs to the box" {
    plus_tag yes
    same theo "$(boxes)"
    stop_server
    MAILS=$BATS_TEST_TMPDIR/no
    plus_tag no
    same theo+lists "$(boxes)"
}

@test "with plus-tag=yes the first plus that does not lead begins the tag" {
    serve -o plus-tag=yes
    boxes_of <<'END'
<theo@d.es> => theo
<a+b+c@d.es> => a
<+tag@d.es> => +tag
<b+@d.es> => b
<C+D@d.es> => c
<"../x+tag"@d.es> => %2E.%2Fx
<"/+/../y"@d.es> => %2F
END
}

# --- known boxes and domains ------------------------------------------------------------------------------------------

known() {
    mkdir -p "$MAILS"/{theo,'jos%C3%A9','%2E.'}/{tmp,new,cur}
    { printf '%s\n' 'C: MAIL FROM:<a@b.es> SMTPUTF8' 'S~ 250 '
      for recipient in '<theo@d.es>' '<THEO@other.es>' '<"theo"@d.es>' '<josé@d.es>' '<".."@d.es>' '<postmaster>' \
          '<Postmaster@d.es>' '<"postmaster"@d.es>'; do
          printf '%s\n' "C: RCPT TO:$recipient" 'S~ 250 '
      done
      for recipient in '<gonza@d.es>' '<theo+x@d.es>' '<"../theo"@d.es>' '<"."@d.es>' '<""@d.es>' '<"theo/new"@d.es>' \
          '<josÉ@d.es>' '<new@d.es>'; do
          printf '%s\n' "C: RCPT TO:$recipient"
          with_status "$1" 550 5.1.1
      done
      printf '%s\n' 'C: DATA' 'S~ 354 ' 'C: text' 'C: .' 'S~ 250 '
      printf '%s\n' 'C: VRFY theo@d.es' 'S~ 250 .*<theo@d\.es>' 'C: VRFY <theo@d.es>' 'S~ 250 .*<theo@d\.es>' \
          'C: VRFY postmaster' 'S~ 250 .*<[Pp]ostmaster' 'C: VRFY gonza@d.es'
      with_status "$1" 550 5.1.1
    } | after_helo "$1"
    same $'%2E.\njos%C3%A9\npostmaster\ntheo' "$(boxes)"
    same 4 "$(files | wc -l)"
    is_stored postmaster 'text\n'
}

@test "with known-mailboxes=yes a mail goes to a box that is there, and to the postmaster" {
    both_dialects -o known-mailboxes=yes -- known
}

@test "with known-mailboxes=yes and plus-tag=yes the tag does not count" {
    mkdir -p "$MAILS"/theo/{tmp,new,cur}
    serve -o known-mailboxes=yes -o plus-tag=yes
    { printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S~ 250 ' 'C: RCPT TO:<gonza+theo@d.es>' 'S~ 550 ' 'C: RSET' 'S~ 250 '
      mail 'hello\r\n' '<Theo+lists@d.es>'
    } | after_helo usal
    is_stored theo 'hello\n'
    same theo "$(boxes)"
}

unknown() {
    { mail 'hello\r\n' '<gonza@d.es>'
      printf '%s\n' 'C: VRFY gonza@d.es' 'S~ 252 ' 'C: VRFY nobody@d.es' 'S~ 252 '
    } | after_helo "$1"
    same gonza "$(boxes)"
}

@test "by default every box is known, and VRFY makes none" { both_dialects -- unknown; }

# local_is DIALECT DOMAIN...: these are local; not_local DIALECT DOMAIN...: these are not. Lines of a script.
local_is() { printf 'C: RCPT TO:<theo@%s>\nS~ 250 \n' "${@:2}"; }
not_local() {
    local domain
    for domain in "${@:2}"; do
        echo "C: RCPT TO:<theo@$domain>"
        with_status "$1" 550 5.7.1
    done
}

domains() {
    { printf '%s\n' 'C: MAIL FROM:<a@far.away>' 'S~ 250 '
      local_is "$1" x.es X.ES y.example Y.Example
      not_local "$1" z.es x.e es x.esa sub.x.es ax.es x.es.es localhost
      printf '%s\n' 'C: RCPT TO:<postmaster>' 'S~ 250 ' 'C: RCPT TO:<@z.es:theo@x.es>' 'S~ 250 '
      printf '%s\n' 'C: DATA' 'S~ 354 ' 'C: text' 'C: .' 'S~ 250 '
    } | after_helo "$1"
    same $'postmaster\ntheo' "$(boxes)"
    is_stored theo 'text\n'
    { printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S~ 250 '
      local_is "$1" '[127.0.0.1]'
      not_local "$1" '[127.0.0.2]' '[192.0.2.1]' '[IPv6:2001:db8::1]'
    } | after_helo "$1"
}

@test "with domains set a mail to any other is refused, an address literal too but for our own" {
    both_dialects -o domain=x.es -o domain=Y.example -o errors=100 -- domains
}

@test "over IPv6 our own address literal is that of IPv6" {
    need_ipv6
    serve -o domain=x.es
    { printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S~ 250 '
      local_is usal '[IPv6:::1]' '[IPv6:0:0:0:0:0:0:0:1]' x.es
      not_local usal '[IPv6:::2]' '[IPv6:2001:db8::1]' '[192.0.2.1]'
    } | after_helo usal -a ::1
}

# takes DOMAIN, does_not_take DOMAIN: a new session has it for local, or not. For wait_until.
takes() { printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S~ 250 ' "C: RCPT TO:<c@$1>" 'S~ 250 ' | after_helo usal; }
does_not_take() { printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S~ 250 ' "C: RCPT TO:<c@$1>" 'S~ 550 ' | after_helo usal; }

@test "no domain, or an empty one at the end of the list, means that all are local" {
    serve
    takes any.where
    stop_server
    serve -o domain=x.es -o domain=
    takes any.where
    takes '[192.0.2.1]'
    stop_server
    serve -o domain=x.es -o domain= -o domain=y.es
    takes y.es
    does_not_take x.es
}

@test "SIGHUP changes the domains and the known boxes of new sessions, not those of running ones" {
    printf '%s\n' 'domain=x.es' 'domain=y.es' >settings
    serve -c settings
    takes x.es
    takes y.es
    does_not_take z.es
    open old
    say old 'S~ 220 ' 'C: HELO x' 'S~ 250 ' 'C: MAIL FROM:<a@b.es>' 'S~ 250 '
    printf '%s\n' 'domain=z.es' >settings
    kill -HUP "$SERVER_PID"
    wait_until takes z.es
    does_not_take x.es
    does_not_take y.es
    say old 'C: RCPT TO:<c@x.es>' 'S~ 250 ' 'C: RCPT TO:<c@z.es>' 'S~ 550 ' 'C: QUIT' 'S~ 221 '
    printf '%s\n' 'known-mailboxes=yes' >settings
    kill -HUP "$SERVER_PID"
    wait_until does_not_take z.es
    mkdir -p "$MAILS"/c/{tmp,new,cur}
    takes x.es
    : >settings
    rm -r "$MAILS/c"
    kill -HUP "$SERVER_PID"
    wait_until takes any.where
}

# --- before the 250, and instead of it --------------------------------------------------------------------------------

# begin NAME [OPTION...]: a session NAME that stands in the text of a mail to theo and gonza, amid a line.
begin() {
    open "$@"
    say "$1" 'S~ 220 ' 'C: EHLO c.example' 'S~ 250-' 'S~ 250-' 'S~ 250-' 'S~ 250-' 'S~ 250-' 'S~ 250 ' \
        'C: MAIL FROM:<a@b.es>' 'S~ 250 ' 'C: RCPT TO:<theo@d.es>' 'S~ 250 ' 'C: RCPT TO:<gonza@d.es>' 'S~ 250 ' \
        'C: DATA' 'S~ 354 ' 'C| half a te'
}

# coming: the one mail that is just coming in, a file in tmp/ of its first box; nothing else is there.
coming() {
    local found
    found=$(files)
    [[ $found == "$MAILS/theo/tmp/servidor."* && $found != *$'\n'* ]] || { echo "not one: $found" >&2; return 1; }
    echo "$found"
}

@test "a mail is in tmp/ of its first box while it comes in, and in new/ of all under the same name at the 250" {
    serve
    begin one
    local tmp name
    tmp=$(coming)
    same 600 "$(stat -c %a "$tmp")"
    say one 'C| {x*200000}\r\nmore\r\n' 'quiet 0.1'
    same "$tmp" "$(coming)"
    say one 'C: .' 'S: 250 OK'
    same "$MAILS/gonza/new $MAILS/theo/new" "$(files | sed 's:/[^/]*$::' | sort | paste -s -d ' ')"
    name=${tmp##*/servidor.}
    [ "$MAILS/theo/new/$name" -ef "$MAILS/gonza/new/$name" ] || fail "$name is not in new/: $(files)"
    { printf 'half a te'; head -c 200000 /dev/zero | tr '\0' x; printf '\nmore\n'; } |
        cmp - <(text_of "$MAILS/theo/new/$name")
}

@test "of a mail whose client is lost nothing is kept, over both transports" {
    serve -o read-timeout=5
    begin reset
    coming
    say reset reset
    bye reset
    wait_until nothing_kept
    begin left
    coming
    bye left
    wait_until nothing_kept
    begin half
    coming
    say half half
    wait_until nothing_kept
    bye half
    begin udp -u
    coming
    bye udp
    wait_until nothing_kept
    mail 'hello\r\n' | after_helo usal
    is_stored theo 'hello\n'
}

@test "of a mail whose client falls silent nothing is kept" {
    serve -o read-timeout=3
    begin one
    coming
    say one 'S~ 421 ' closed
    wait_until nothing_kept
    stop_server
    serve -o session-timeout=3
    begin two
    coming
    say two 'S~ 421 ' closed
    wait_until nothing_kept
}

@test "of a mail that is cut off by the end of the server nothing is kept" {
    serve
    begin tcp
    coming
    stop_server
    nothing_kept
    serve
    begin udp -u
    coming
    stop_server
    nothing_kept
}

too_big() {
    local text
    for text in '{x*65537}\r\n' '{x*400000}\r\n' '{xyz\r\n*20000}' '{x\r\n*65535}\r\n'; do
        VERDICT=$([ "$1" = usal ] && echo 552 || echo '552 5\.3\.4') mail "$text"
    done | after_helo "$1"
    nothing_kept
    mail '{x*65534}\r\n' | after_helo "$1"
    is_stored theo "$(printf 'x%.0s' {1..65534})\\n"
}

@test "of a mail that is too big nothing is kept, in both dialects" {
    both_dialects -o message-size=65536 -- too_big
    LOGS=$BATS_TEST_TMPDIR/more MAILS=$BATS_TEST_TMPDIR/more.mails
    serve -o message-size=65536
    begin one
    say one 'C| {x*500000}' 'C| \r\n.\r\n' 'S~ 552 '
    nothing_kept
    say one 'C: RCPT TO:<c@d.es>' 'S~ 500 ' 'C: QUIT' 'S~ 221 '
}

@test "RSET, HELO, EHLO, QUIT and a loss between chunks leave nothing" {
    serve
    local way
    for way in RSET 'HELO again' QUIT; do
        open one
        say one 'S~ 220 ' 'C: HELO x' 'S~ 250 ' 'C: MAIL FROM:<a@b.es>' 'S~ 250 ' 'C: RCPT TO:<theo@d.es>' 'S~ 250 ' \
            'C| BDAT 7\r\nhello\r\n' 'S: 250 OK' 'C| BDAT 0\r\n' 'S: 250 OK'
        coming
        say one "C: $way" 'S~ 2[25][01] '
        wait_until nothing_kept
        [ "$way" = QUIT ] || say one 'C: NOOP' 'S~ 250 '
        bye one
    done
    open two
    say two 'S~ 220 ' 'C: HELO x' 'S~ 250 ' 'C: MAIL FROM:<a@b.es>' 'S~ 250 ' 'C: RCPT TO:<theo@d.es>' 'S~ 250 ' \
        'C| BDAT 700\r\nhello\r\n'
    wait_until coming
    say two reset
    wait_until nothing_kept
}

@test "RSET and QUIT behind RCPT leave nothing" {
    serve
    after_helo usal <<'END'
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@d.es>\r\nRSET\r\n
S~ 250 
S~ 250 
S~ 250 
C: DATA
S~ 500 
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@d.es>\r\nQUIT\r\n
S~ 250 
S~ 250 
S~ 221 
closed
END
    nothing_kept
}

cannot_keep() {
    mkdir -p "$MAILS/gonza"
    : >"$MAILS/gonza/new"
    : >"$MAILS/file"
    { printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@d.es>\r\nRCPT TO:<gonza@d.es>\r\n' 'S~ 250 ' 'S~ 250 ' \
          'S~ 250 ' 'C: DATA' 'S~ 354 ' 'C| hello\r\n.\r\n'
      with_status "$1" 451 4.3.0
      printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<file@d.es>\r\n' 'S~ 250 ' 'S~ 250 ' 'C: DATA'
      with_status "$1" 451 4.3.0
      printf '%s\n' 'C: RCPT TO:<theo@d.es>' 'S~ 250 ' 'C: RSET' 'S~ 250 '
      mail 'again\r\n'
    } | after_helo "$1"
    same "$MAILS/file $MAILS/gonza/new $MAILS/theo/new" \
        "$(files | sed 's:/theo/new/.*:/theo/new:' | sort | paste -s -d ' ')"
    is_stored theo 'again\n'
}

@test "when one of two boxes cannot take a mail neither has it, and a box that cannot be made is told at DATA" {
    allow_stderr '^servidor: '
    both_dialects -- cannot_keep
}

# --- sync=no ----------------------------------------------------------------------------------------------------------

@test "sync=no is said once, from the settings file too, and mail is kept" {
    expect_stderr 'sync=no'
    serve -o sync=no
    for _ in 1 2 3; do mail 'hello\r\n' | after_helo usal; done
    stop_server
    same 1 "$(complaints | wc -l)"
    same 1 "$(grep -c 'sync=no' "$SERVER_ERR")"
    same 3 "$(files | wc -l)"
    echo 'sync=no' >settings
    serve -c settings
    stop_server
    same 1 "$(grep -c 'sync=no' "$SERVER_ERR")"
    serve -o sync=yes
    stop_server
    same 0 "$(complaints | wc -l)"
}

# --- what dead servers left -------------------------------------------------------------------------------------------

# A process that is no more.
dead_pid() { sh -c 'echo $$'; }

@test "at the start what dead workers left in tmp/ goes, what others may still be writing stays" {
    local host dead now=$EPOCHSECONDS
    host=$(uname -n)
    dead=$(dead_pid)
    local theirs=other.example dead_now dead_old fresh old young
    mkdir -p "$MAILS"/{theo,gonza}/{tmp,new,cur}
    cd "$MAILS" || return 1
    dead_now=("theo/tmp/servidor.$now.M1P${dead}Q1.$host" "gonza/tmp/servidor.$now.M2P${dead}Q2.$host")
    dead_old=("theo/tmp/servidor.1719330358.M3P${dead}Q3.$host" "theo/tmp/servidor.1719330358.M4P${dead}Q4.$theirs"
        "theo/tmp/1719330358.1_2.$host" gonza/tmp/anything)
    fresh=("theo/tmp/servidor.$now.M5P$$Q5.$host" "theo/tmp/servidor.$now.M6P${dead}Q6.$theirs"
        "theo/tmp/$now.P${dead}Q7.$host" "theo/new/servidor.$now.M8P${dead}Q8.$host" gonza/tmp/fresh)
    old=("theo/new/servidor.1719330358.M9P${dead}Q9.$host" theo/new/1719330358.1_3.host
        "theo/cur/1719330358.1_4.host:2,S" theo/old old)
    young=(theo/tmp/young "theo/tmp/servidor.1719330358.M10P${dead}Q10.$theirs")
    touch "${dead_now[@]}" "${fresh[@]}"
    touch -d '37 hours ago' "${dead_old[@]}" "${old[@]}"
    touch -d '35 hours ago' "${young[@]}"
    cd "$BATS_TEST_TMPDIR" || return 1
    serve
    same "$(printf '%s\n' "${fresh[@]}" "${old[@]}" "${young[@]}" | sort)" "$(files | sed "s:^$MAILS/::" | sort)"
    rm "$MAILS/gonza/tmp/fresh"
    mail 'hello\r\n' '<gonza@d.es>' | after_helo usal
    is_stored gonza 'hello\n'
}

@test "a worker that is killed leaves nothing in new/, and the next start cleans up behind it" {
    expect_stderr '^servidor: .*signal 9'
    serve
    begin one
    local tmp worker
    tmp=$(coming)
    worker=$(worker_of "$LPORT")
    kill -9 "$worker"
    wait_until gone "$worker"
    say one closed
    stop_server
    same "$tmp" "$(coming)"
    serve
    nothing_kept
}

@test "a second server with the same folder leaves the mail alone that the first is receiving" {
    serve
    begin one
    local tmp
    tmp=$(coming)
    LOGS=$BATS_TEST_TMPDIR/second
    serve
    mail 'hello\r\n' '<other@d.es>' | after_helo usal
    stop_server
    serve
    [ -e "$tmp" ]
    say one 'C| xt\r\n.\r\n' 'S: 250 OK'
    is_stored theo 'half a text\n'
    is_stored other 'hello\n'
}

# --- above the text ---------------------------------------------------------------------------------------------------

MONTHS='Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec'
DATE="(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{1,2} ($MONTHS) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}"

# head_of BOX: the lines above the text of the one mail of the box, ID and DATE for its id and date.
head_of() {
    head -n 4 "$(only_mail "$1")" | sed -E "s/ id [A-Za-z0-9]{9}(;?)\$/ id ID\\1/; s/(^\t|; )$DATE\$/\\1DATE/"
}

# headed BOX FROM WITH FOR [SENDER]: that is what stands there; FOR is empty for a mail to several.
headed() {
    local want="Return-Path: ${5:-<a@b.es>}"$'\n'"Received: from $2"$'\n\t'"by localhost (servidor) with $3 id ID"
    if [ -n "$4" ]; then want+=$'\n\t'"for $4; DATE"; else want+=$';\n\tDATE'; fi
    same "$want" "$(head_of "$1")"
}

trace() {
    local options=() ip='[127.0.0.1]'
    if [ "${2:-}" = 6 ]; then options=(-a ::1) ip='[IPv6:::1]'; fi
    { mail 'x\r\n' '<one@d.es>'
      mail 'x\r\n' '<two@d.es>' '<three@d.es>'
      SENDER='<>' mail 'x\r\n' '<four@d.es>'
      SENDER=' bare@b.es' mail 'x\r\n' 'Five@D.es'
      SENDER='<"joe smith"@B.Es> SIZE=100' mail 'x\r\n' '<"a>b"@d.es>'
      printf '%s\n' 'C: EHLO e.example'
      offers "$1"
      mail 'x\r\n' '<six@d.es>'
      SENDER='<josé@b.es> BODY=8BITMIME SMTPUTF8' mail 'x\r\n' '<ñ@españa.es>'
      mail 'x\r\n' '<seven@d.es>'
      printf '%s\n' 'C: HELO [192.0.2.1]' 'S~ 250 '
      mail 'x\r\n' '<eight@d.es>'
    } | after_helo "$1" "${options[@]}"
    headed one "c.example ($ip)" SMTP '<one@d.es>'
    headed two "c.example ($ip)" SMTP ''
    headed three "c.example ($ip)" SMTP ''
    headed four "c.example ($ip)" SMTP '<four@d.es>' '<>'
    headed five "c.example ($ip)" SMTP '<Five@D.es>' '<bare@b.es>'
    headed a%3Eb "c.example ($ip)" SMTP '<"a>b"@d.es>' '<"joe smith"@B.Es>'
    headed six "e.example ($ip)" ESMTP '<six@d.es>'
    headed %C3%B1 "e.example ($ip)" UTF8SMTP '<ñ@españa.es>' '<josé@b.es>'
    headed seven "e.example ($ip)" ESMTP '<seven@d.es>'
    headed eight "[192.0.2.1] ($ip)" SMTP '<eight@d.es>'
}

# offers DIALECT: the lines of a script for the reply to EHLO.
offers() {
    printf 'S: 250-%s\n' localhost PIPELINING 8BITMIME SMTPUTF8 CHUNKING
    [ "$1" = usal ] || echo 'S: 250-ENHANCEDSTATUSCODES'
    echo 'S~ 250 SIZE '
}

@test "Return-Path and Received stand above the text, to the octet" { both_dialects -- trace; }

trace_ipv6() { trace "$1" 6; }

@test "Received has the address of a client over IPv6" {
    need_ipv6
    both_dialects -- trace_ipv6
}

@test "Received says unknown where there was no HELO" {
    serve -d itba
    { echo 'S: 220 localhost SMTP'; mail 'x\r\n'; } | talk
    headed theo 'unknown ([127.0.0.1])' SMTP '<theo@d.es>'
}

trace_udp() {
    local options=(-u) ip='[127.0.0.1]'
    if [ "${2:-}" = 6 ]; then options+=(-a ::1) ip='[IPv6:::1]'; fi
    { mail 'x\r\n' '<one@d.es>'
      mail 'x\r\n' '<two@d.es>' '<three@d.es>'
      printf '%s\n' 'C: EHLO e.example'
      offers "$1"
      mail 'x\r\n' '<four@d.es>'
      SENDER='<josé@b.es> SMTPUTF8' mail 'x\r\n' '<ñ@d.es>'
    } | after_helo "$1" "${options[@]}"
    headed one "c.example ($ip)" 'UDP (unnumbered)' '<one@d.es>'
    headed two "c.example ($ip)" 'UDP (unnumbered)' ''
    headed four "e.example ($ip)" 'UDP (unnumbered)' '<four@d.es>'
    headed %C3%B1 "e.example ($ip)" 'UDP (unnumbered)' '<ñ@d.es>' '<josé@b.es>'
}

@test "Received tells of a mail over plain UDP that nobody numbered its lines" { both_dialects -- trace_udp; }

trace_udp_ipv6() { trace_udp "$1" 6; }

@test "Received has the address of a client of UDP over IPv6" {
    need_ipv6
    both_dialects -- trace_udp_ipv6
}

@test "Received has the name that -n gives" {
    serve -n mx.usal.es
    mail 'x\r\n' | after_helo usal
    same $'\tby mx.usal.es (servidor) with SMTP id ID' "$(head_of theo | sed -n 3p)"
}

# dated TZ: the date of Received is the hour of that zone, written as RFC 5322 has it, for one recipient and for two.
dated() {
    local from=$EPOCHSECONDS box date seconds
    LOGS=$BATS_TEST_TMPDIR/log.$1 MAILS=$BATS_TEST_TMPDIR/mails.$1
    TZ=$1 serve
    { mail 'x\r\n' '<one@d.es>'; mail 'x\r\n' '<two@d.es>' '<three@d.es>'; } | after_helo usal
    stop_server
    for box in one two; do
        date=$(sed -n '4s/.*[;\t] *\([A-Z][a-z][a-z],.*\)/\1/p' "$(only_mail "$box")")
        matches "^$DATE\$" "$date"
        seconds=$(date -d "$date" +%s)
        ((seconds >= from && seconds <= EPOCHSECONDS)) || fail "not now: $date"
        [ "$date" = "$(TZ=$1 LC_ALL=C date -d "@$seconds" '+%a, %-d %b %Y %H:%M:%S %z')" ] ||
            same "$(TZ=$1 LC_ALL=C date -d "@$seconds" '+%a, %d %b %Y %H:%M:%S %z')" "$date"
    done
}

@test "the date of Received is the local one with its numeric zone" {
    dated UTC0
    dated XYZ-5:45
    dated ABC3:30
    dated FAR-14
    dated WEST12
}

@test "the id of Received is that of the reply" {
    serve -d itba
    for i in 1 2 3 4 5; do mail 'x\r\n' "<box$i@d.es>"; done | after_helo itba
    same "$(sed -n 's/.*queued as //p' talk)" \
        "$(for i in 1 2 3 4 5; do sed -nE '3s/.* id ([A-Za-z0-9]{9})$/\1/p' "$(only_mail "box$i")"; done)"
    same 5 "$(sed -n 's/.*queued as //p' talk | sort -u | wc -l)"
}

@test "signs that mean something in a header are shown as question marks in the name of HELO" {
    serve -d itba
    { echo 'S~ 220 '
      printf '%s\n' 'C| HELO a<b>c(d)e\\f"g;h@i,j\r\n' 'S~ 250 '
      mail 'x\r\n' '<one@d.es>'
      printf '%s\n' 'C| EHLO x);,<evil@d.es>\r\n'
      offers itba
      mail 'x\r\n' '<two@d.es>'
    } | talk
    headed one 'a?b?c?d?e?f?g?h?i?j ([127.0.0.1])' SMTP '<one@d.es>'
    headed two 'x????evil?d.es? ([127.0.0.1])' ESMTP '<two@d.es>'
}

@test "no name of HELO breaks or forges a line of the header" {
    serve -d itba -o errors=1000
    local verb name i=0
    echo 'S~ 220 ' >script
    for name in 'x\rReceived: from evil' 'x\nX-Evil: 1' 'x\n\nevil' 'x\0evil' 'x\ty' 'x\x0by' 'x\ey' 'x\x7fy' 'ñ' \
        '\xff' '\xc2\x85X-Evil: 1' '\xe2\x80\xa8X-Evil:1' 'x ([127.0.0.1]) by evil' 'x\\r\\nX-Evil: 1' \
        '{h*255}' '{h*1500}' '=?utf-8?q?=0a?=' 'x\r\n\tevil'; do
        for verb in HELO EHLO; do
            i=$((i + 1))
            # What is answered to it does not matter here.
            { printf '%s\n' "C| $verb $name\\r\\nVRFY end\\r\\n" '# until 252'
              mail 'text\r\n' "<box$i@d.es>"; } >>script
        done
    done
    PYTHONPATH=$TOOLS "$PYTHON" - "$PORT" <<'END'
import sys
from channel import Tcp, octets
session = Tcp("127.0.0.1", int(sys.argv[1]))
for line in open("script", encoding="utf-8"):
    line = line.rstrip("\n")
    if line.startswith("C| "): session.send(octets(line[3:]))
    elif line.startswith("#"):
        while not session.line().startswith("252 "): pass
    else:
        got = session.line()
        assert got.startswith(line[3:6]), (line, got)
END
    same "$i" "$(boxes | wc -l)"
    "$PYTHON" - "$MAILS"/box*/new/* <<'END'
import re, sys
whole = re.compile(rb"""Return-Path: <a@b\.es>
Received: from [^][<>()";@,\\\x00-\x1f\x7f-\xff]+ \(\[127\.0\.0\.1\]\)
\tby localhost \(servidor\) with E?SMTP id \w{9}
\tfor <box\d+@d\.es>; \w{3}, \d+ \w{3} \d{4} [\d:]{8} [+-]\d{4}
text
""")
for path in sys.argv[1:]:
    with open(path, "rb") as file: mail = file.read()
    assert whole.fullmatch(mail), (path, mail)
END
}

@test "the header of a client is kept below ours, with its Return-Path and its Received" {
    serve
    local received='Received: from y\r\n\tby z; Tue, 24 Nov 2026 12:56:19 +0000\r\n'
    mail "Return-Path: <evil@x.es>\\r\\n${received}X: 1\\r\\n 2\\r\\n\\r\\ntext\\r\\n" | after_helo usal
    is_stored theo "Return-Path: <evil@x.es>\\n${received//\\r/}X: 1\\n 2\\n\\ntext\\n"
    headed theo 'c.example ([127.0.0.1])' SMTP '<theo@d.es>'
}

@test "a mail without a header, or with a broken one, is kept as it is" {
    serve
    { mail 'no header here\r\n' '<one@d.es>'
      mail '\r\ntext\r\n' '<two@d.es>'
      mail 'ñ: x\r\n:\r\n' '<three@d.es>'
      mail '' '<four@d.es>'
    } | after_helo usal
    is_stored one 'no header here\n'
    is_stored two '\ntext\n'
    is_stored three 'ñ: x\n:\n'
    is_stored four ''
}

# A text whose first line began with a blank went on with the Received above it: "; Tue, 1 Jan 2030 ..." was its date
# for whoever reads the last one, and its sender could put in any "by" and "for" too.
@test "a text that begins with a blank does not go on with our Received, however it comes" {
    serve
    { mail '\x20for <x@y.es>; Tue, 1 Jan 2030 00:00:00 +0000\r\n\r\ntext\r\n' '<one@d.es>'
      printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<two@d.es>\r\nBDAT 0\r\nBDAT 1\r\n\tBDAT 5 LAST\r\n(x)\r\n' \
          'S~ 250' 'S~ 250' 'S~ 250' 'S~ 250' 'S: 250 OK'
      mail '. dot\r\n x\r\n' '<three@d.es>'
    } | after_helo usal
    is_stored one '\n for <x@y.es>; Tue, 1 Jan 2030 00:00:00 +0000\n\ntext\n'
    is_stored two '\n\t(x)\n'
    is_stored three '\n dot\n x\n'
}

# --- loops ------------------------------------------------------------------------------------------------------------

hops() {
    local received='Received: from x by y; Tue, 24 Nov 2026 12:56:19 +0000\r\n' text
    VERDICT=$([ "$1" = usal ] && echo 554 || echo '554 5\.4\.6')
    { mail "{$received*101}\\r\\ntext\\r\\n" '<theo@d.es>' '<gonza@d.es>'
      mail "{$received*300}" '<theo@d.es>'
      mail "{RECEIVED: x\\r\\n\\ty\\r\\nX: z\\r\\n*101}\\r\\ntext\\r\\n" '<theo@d.es>'
      printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@d.es>\r\n' 'S~ 250 ' 'S~ 250 '
      # "Received: x\r\n" has 13 octets.
      printf '%s\n' 'C| BDAT 650\r\n{Received: x\r\n*50}' 'S~ 250 ' \
          'C| BDAT 663 LAST\r\n{Received: x\r\n*51}' "S~ $VERDICT "
    } | after_helo "$1"
    nothing_kept
    VERDICT=250
    { mail "{$received*100}\\r\\ntext\\r\\n" '<one@d.es>'
      mail "X: y\\r\\n\\r\\n{$received*150}" '<two@d.es>'
      mail "{Received-SPF: none\\r\\nX-Received: x\\r\\n Received: folded\\r\\n*150}\\r\\n" '<three@d.es>'
    } | after_helo "$1"
    same $'one\nthree\ntwo' "$(find "$MAILS" -type f | sed "s:^$MAILS/\(.*\)/new/.*:\1:" | sort)"
    same 100 "$(text_of "$(only_mail one)" | grep -c '^Received: from x by y')"
}

@test "more than 100 Received in a header are a loop: 554 and nothing is kept; 100, or those of a text, are none" {
    both_dialects -- hops
}

# --- octet for octet --------------------------------------------------------------------------------------------------

# What is sent, as talk.py has octets, and what is stored, as printf has them.
TEXTS=(
    ' => '
    '\r\n => \n'
    '\r\n\r\n => \n\n'
    'a\r\n => a\n'
    '..x\r\n => .x\n'
    '.x\r\n => x\n'
    '..\r\n => .\n'
    '...\r\n..\r\n => ..\n.\n'
    'a\r\n..\r\nb\r\n => a\n.\nb\n'
    'a\r\n.b\r\n => a\nb\n'
    'a.\r\n .\r\n => a.\n .\n'
    'a\nb\r\n => a\nb\n'
    'a\n.x\r\n => a\n.x\n'
    'a\n..x\r\n => a\n..x\n'
    'a\n.\nb\r\n => a\n.\nb\n'
    'a\n.\r\nb\r\n => a\n.\nb\n'
    'a\n..\r\nb\r\n => a\n..\nb\n'
    'a\r\n.\nb\r\n => a\n\nb\n'
    'a\rb\r\n => a\rb\n'
    'a\r.\rb\r\n => a\r.\rb\n'
    'a\r.\r\nb\r\n => a\r.\nb\n'
    'a\r\n.\rb\r\n => a\n\rb\n'
    'a\r\n.\r\r\nb\r\n => a\n\r\nb\n'
    'a\r\r\nb\r\n => a\r\nb\n'
    'a\r\r\r\nb\r\n => a\r\r\nb\n'
    'a\n\rb\r\n => a\n\rb\n'
    'a\n\r\nb\r\n => a\n\nb\n'
    'a\0b\r\n => a\0b\n'
    'a\0\r\n\0\r\n => a\0\n\0\n'
    'a\r\n.\0\r\nb\r\n => a\n\0\nb\n'
    'a\r\0\nb\r\n => a\r\0\nb\n'
    'a\tb  \r\n\t\r\n => a\tb  \n\t\n'
    '\xff\xfe\x80\r\n => \xff\xfe\x80\n'
    '\xef\xbb\xbfñ\r\n => \xef\xbb\xbfñ\n'
    'From me\r\n>From you\r\n => From me\n>From you\n'
    'x\r\n\x1a\x04\r\n => x\n\x1a\x04\n'
)

# texts_to PREFIX: the lines of a script that send each of TEXTS to a box of its own.
texts_to() {
    local row i=0
    for row in "${TEXTS[@]}"; do
        i=$((i + 1))
        mail "${row%% => *}" "<$1$i@d.es>"
    done
}

texts_stand() {
    local row i=0
    for row in "${TEXTS[@]}"; do
        i=$((i + 1))
        is_stored "$1$i" "${row##* => }" || fail "sent was: $row"
    done
}

@test "a text is stored as it was sent: CRLF becomes LF, stuffed dots go, all else stays" {
    serve
    texts_to box | after_helo usal
    texts_stand box
}

@test "a text is stored so wherever TCP cuts it" {
    serve
    # Each octet of a text in a segment of its own.
    texts_to box | "$PYTHON" -c '
import re, sys
for line in sys.stdin:
    if line.startswith("C| MAIL") or not line.startswith("C| "): print(line, end="")
    else:
        for one in re.findall(r"\\x..|\\.|.", line[3:-1]): print("C|", "\\x20" if one == " " else one)
' >script
    PATIENCE=60 after_helo usal <script
    texts_stand box
}

@test "lines over UDP are stored as those over TCP" {
    serve
    { printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S~ 250 ' 'C: RCPT TO:<theo@d.es>' 'S~ 250 ' 'C: DATA' 'S~ 354 '
      printf 'C| %s\n' 'Subject: x\r\n' '\r\n' '..two' '.one\n' '...' 'a\rb\r\n' 'ñ\xff' 'two\r\nin one\r\n' \
          'cut\0 behind the NUL' 'last' '.'
      echo 'S: 250 OK'
    } | after_helo usal -u
    is_stored theo 'Subject: x\n\n.two\none\n..\na\rb\nñ\xff\ntwo\nin one\ncut\nlast\n'
}

@test "all 256 octets and every pair of them are stored" {
    serve
    "$PYTHON" -c '
import sys
pairs = b"".join(bytes((a, b)) for a in range(256) for b in range(256))
sys.stdout.buffer.write(bytes(range(256)) + b"\r\n" + pairs + b"\r\n")' >text
    put data text
    keeps data text
    put bdat text 1000
    keeps bdat text
}

@test "lines of a million octets are stored whole" {
    serve -q
    "$PYTHON" -c '
import random, sys
source = random.Random(1)
for _ in range(3):
    sys.stdout.buffer.write(source.randbytes(1000000).replace(b"\r", b"").replace(b"\n", b".") + b"\r\n")' >text
    put data text
    keeps data text
    put bdat text 700001
    keeps bdat text
}

# full_size: the file text, of exactly 10,240,000 octets, with everything in it.
full_size() {
    "$PYTHON" -c '
import random, sys
source, out = random.Random(2), bytearray()
while len(out) < 10240000:
    out += source.choice((b"", b".", b"..", b"From ")) + source.randbytes(source.randint(0, 2000)) + b"\r\n"
sys.stdout.buffer.write(out[:10239998] + b"\r\n")' >text
    same 10240000 "$(stat -c %s text)"
}

@test "a mail of exactly the default limit is stored octet for octet" {
    serve -q
    full_size
    put data text
    keeps data text
    put bdat text 1000000
    keeps bdat text
    printf '\r\n' >>text
    refute put over text 2>said
    matches "AssertionError: b'552 " "$(cat said)"
    same $'bdat\ndata' "$(find "$MAILS" -type f | sed "s:^$MAILS/\(.*\)/new/.*:\1:" | sort)"
}

@test "a mail is not held in memory: 10 MB need no more of it than 1 KB" {
    serve
    "$PYTHON" - "$PORT" >said <<'END'
import re, socket, subprocess, sys
port = int(sys.argv[1])
most = {}   # what each worker ever held, in KiB, after its first small mail
def memory(client):
    peer = client.getsockname()[1]
    held = subprocess.run(["ss", "-Htnp", f"sport = :{port} and dport = :{peer}"], stdout=subprocess.PIPE, check=True)
    pid = int(re.search(rb"pid=(\d+)", held.stdout)[1])
    with open(f"/proc/{pid}/status") as file: return pid, int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1])
def session(text, chunk):
    with socket.create_connection(("127.0.0.1", port), 100) as client, client.makefile("rb") as replies:
        def say(octets, code):
            client.sendall(octets)
            line = replies.readline()
            assert line.startswith(code), line
        def envelope(): say(b"MAIL FROM:<a@b.es>\r\n", b"250"), say(b"RCPT TO:<theo@d.es>\r\n", b"250")
        say(b"", b"220"), say(b"HELO x\r\n", b"250"), envelope(), say(b"DATA\r\n", b"354")
        say(b"x" * 998 + b"\r\n.\r\n", b"250")
        pid, before = memory(client)
        before = most.setdefault(pid, before)
        envelope()
        if chunk:
            for at in range(0, len(text), chunk):
                part = text[at:at + chunk]
                say(b"BDAT %d\r\n" % len(part) + part, b"250")
            say(b"BDAT 0 LAST\r\n", b"250")
        else: say(b"DATA\r\n", b"354"), say(text + b".\r\n", b"250")
        after = memory(client)
        print("# a worker held", before, "KiB after a small mail,", after[1], "KiB after a large one")
        assert after[0] == pid and after[1] - before <= 512
lines = b"a line of seventy octets, give or take some, as there are in letters\r\n" * 145000
line = b"x" * 10000000 + b"\r\n"
for text, chunk in (lines, 0), (line, 0), (lines, 10150000), (line, 1000000): session(text, chunk)
END
    cat said >&3
    same 8 "$(files | wc -l)"
}

# --- bare-lf=reject ---------------------------------------------------------------------------------------------------

strict_lines() {
    local verdict text envelope='C| MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@d.es>\r\n'
    verdict=$([ "$1" = usal ] && echo 550 || echo '550 5\.6\.0')
    { for text in 'a\nb\r\n' '\n\r\n' 'a\rb\r\n' 'a\r\r\n' 'a\n.\nb\r\n' 'a\n.\r\nb\r\n' 'a\r\n.\nb\r\n' \
          'a\r\n.\r\r\n' 'a\r\n\nb\r\n' '{x*5000}\n{x\r\n*5000}' '\r\0\n\r\n'; do
          VERDICT=$verdict mail "$text" '<theo@d.es>' '<gonza@d.es>'
      done
      printf '%s\n' "$envelope" 'S~ 250 ' 'S~ 250 ' 'C| BDAT 3\r\na\nb' 'S~ 250 ' \
          'C| BDAT 2 LAST\r\n\r\n' "S~ $verdict "
      printf '%s\n' "$envelope" 'S~ 250 ' 'S~ 250 ' 'C| BDAT 2 LAST\r\na\r' "S~ $verdict "
      printf '%s\n' 'C: NOOP' 'S~ 250 '
    } | after_helo "$1"
    nothing_kept
    # A CRLF that comes in two pieces is whole.
    { printf '%s\n' "${envelope}DATA\\r\\n" 'S~ 250 ' 'S~ 250 ' 'S~ 354 ' 'C| a\r' 'quiet 0.1' \
          'C| \n..b\0\xff\r' 'quiet 0.1' 'C| \n.\r' 'quiet 0.1' 'C| \n' 'S~ 250 '
      printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<gonza@d.es>\r\nBDAT 2\r\na\r' 'S~ 250 ' 'S~ 250 ' 'S~ 250 ' \
          'C| BDAT 1 LAST\r\n\n' 'S~ 250 '
    } | after_helo "$1"
    is_stored theo 'a\n.b\0\xff\n'
    is_stored gonza 'a\n'
}

@test "bare-lf=reject refuses a text with a bare CR or LF at its end, and keeps nothing of it" {
    both_dialects -o bare-lf=reject -- strict_lines
}

strict_commands() {
    { printf '%s\n' 'C| NOOP\n'
      with_status "$1" 500 5.5.2
      printf '%s\n' 'C| MAIL FROM:<a@b.es>\n'
      with_status "$1" 500 5.5.2
      printf '%s\n' 'C: RCPT TO:<theo@d.es>' 'S~ 50[03] ' 'C: NOOP' 'S~ 250 '
      mail 'x\r\n'
    } | after_helo "$1"
    is_stored theo 'x\n'
}

@test "bare-lf=reject refuses a command line that ends with a bare LF" {
    both_dialects -o bare-lf=reject -- strict_commands
}

@test "bare-lf=reject takes the lines of UDP, which end with their datagrams" {
    serve -o bare-lf=reject
    { printf 'C| %s\nS~ 250 \n' 'NOOP' 'MAIL FROM:<a@b.es>' 'RCPT TO:<theo@d.es>\r\n'
      printf '%s\n' 'C| DATA' 'S~ 354 ' 'C| a' 'C| b\r\n' 'C| .' 'S~ 250 '
    } | after_helo usal -u
    is_stored theo 'a\nb\n'
}

# --- BDAT -------------------------------------------------------------------------------------------------------------

@test "chunks of any size give the text, wherever they cut it" {
    serve
    printf 'Subject: x\r\n\r\n.\r\n..two\r\n.one\r\na\nb\rc\r\r\n\0\377\r\n.\r\nQUIT\r\n\r\n' >text
    local sizes box=0
    for sizes in 1 2 3 4 5 6 7 100 '0 100' '0 0 13 0 1 0 4' '11 1 100' '12 1 0 0 1 1 1 100'; do
        box=$((box + 1))
        # shellcheck disable=SC2086 # a list
        put "box$box" text $sizes
        keeps "box$box" text || fail "chunks of $sizes"
    done
    same 12 "$(files | wc -l)"
}

bdat() {
    local queued='250 OK$' ok='250 OK$' mail='MAIL FROM:<a@b.es>\r\n'
    local chunks='BDAT 7\r\nhello\r\nBDAT 0\r\nBDAT 3\r\n.\r\nbdat 8 last\r\nNOOP\r\n\r\nNOOP\r\n'
    [ "$1" = usal ] || { ok='250 2\.0\.0 ' queued='250 2\.0\.0 Ok: queued as [A-Za-z0-9]{9}$'; }
    after_helo "$1" <<END
C| ${mail}RCPT TO:<theo@d.es>\\r\\n$chunks
S~ 250 
S~ 250 
S~ $ok
S~ $ok
S~ $ok
S~ $queued
S~ 250 
C| ${mail}RCPT TO:<gonza@d.es>\\r\\nRCPT TO:<one@d.es>\\r\\nBDAT 12\\r\\nno line end.BDAT 0 LAST\\r\\nQUIT\\r\\n
S~ 250 
S~ 250 
S~ 250 
S~ $ok
S~ $queued
S~ 221 
closed
END
    is_stored theo 'hello\n.\nNOOP\n\n'
    is_stored gonza 'no line end.'
    [ "$(only_mail gonza)" -ef "$(only_mail one)" ]
    headed theo 'c.example ([127.0.0.1])' SMTP '<theo@d.es>'
}

@test "a mail of chunks may come in one write with its MAIL and RCPT" { both_dialects -- bdat; }

@test "a mail of chunks may come one octet a segment" {
    serve
    local i session=$'MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@d.es>\r\n'
    session+=$'BDAT 7\r\nhello\r\nBDAT 0\r\nBDAT 6 LAST\r\n.\r\n.\r\nNOOP\r\n'
    { for ((i = 0; i < ${#session}; i++)); do printf 'C| \\x%02x\n' "'${session:i:1}"; done
      printf 'S: 250 OK\n%.0s' 1 2 3 4 5 6
      printf '%s\n' 'C: NOOP' 'S: 250 OK'
    } >script
    PATIENCE=60 after_helo usal <script
    is_stored theo 'hello\n.\n.\n'
}

@test "an empty mail of chunks is a mail" {
    serve
    printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@d.es>\r\nBDAT 0 LAST\r\n' 'S~ 250 ' 'S~ 250 ' 'S~ 250 ' |
        after_helo usal
    is_stored theo ''
}

@test "chunks that make a mail too big are swallowed and refused, and nothing is kept" {
    serve -o message-size=65536
    after_helo usal <<'END'
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@d.es>\r\nBDAT 65536\r\n{x*65536}
S~ 250 
S~ 250 
S~ 250 
C| BDAT 7 LAST\r\nNOOP\r\n\n
S~ 552 
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@d.es>\r\nBDAT 400000 LAST\r\n{x\r\n*133333}x
S~ 250 
S~ 250 
S~ 552 
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<gonza@d.es>\r\nBDAT 65530\r\n{x*65530}BDAT 6 LAST\r\nxxxx\r\n
S~ 250 
S~ 250 
S~ 250 
S~ 250 
C: NOOP
S~ 250 
END
    same 1 "$(files | wc -l)"
    same 65535 "$(text_of "$(only_mail gonza)" | wc -c)"
}

@test "chunks without a recipient are swallowed, and nothing is kept" {
    serve
    after_helo usal <<'END'
C| BDAT 7 LAST\r\nhello\r\n
S~ 500 
C| MAIL FROM:<a@b.es>\r\nBDAT 26 LAST\r\nRCPT TO:<theo@d.es>\r\nx\r\n\r\n
S~ 250 
S~ 500 
C: NOOP
S~ 250 
END
    nothing_kept
}

@test "a mail of chunks over plain UDP: a chunk counts the CRLF that ends each datagram" {
    serve
    after_helo usal -u <<'END'
C: MAIL FROM:<a@b.es>
S~ 250 
C: RCPT TO:<theo@d.es>
S~ 250 
C| BDAT 15\r\nSubject: bdat\n
S~ 250 
C: BDAT 9
C: 
C: hello
S~ 250 
C| BDAT 5 LAST\r\nbye\r\n
S: 250 OK
C: NOOP
S~ 250 
END
    is_stored theo 'Subject: bdat\n\nhello\nbye\n'
    headed theo 'c.example ([127.0.0.1])' 'UDP (unnumbered)' '<theo@d.es>'
}

# --- -s ---------------------------------------------------------------------------------------------------------------

@test "servidor -s keeps a mail" {
    mkdir log
    printf '%s\r\n' 'HELO c.example' 'MAIL FROM:<a@b.es>' 'RCPT TO:<theo@d.es>' 'RCPT TO:<gonza@d.es>' DATA hello \
        ..dot . QUIT |
        timeout 60 "$SERVIDOR" -s -l log -m "$MAILS" >said 2>said.err
    same '220 250 250 250 250 354 250 221' "$(cut -c 1-3 said | paste -s -d ' ')"
    same '' "$(cat said.err)"
    is_stored theo 'hello\n.dot\n'
    same 'theo 600 2' "theo $(stat -c '%a %h' "$(only_mail theo)")"
    [ "$(only_mail theo)" -ef "$(only_mail gonza)" ]
    same "Return-Path: <a@b.es>" "$(head -n 1 "$(only_mail theo)")"
    matches "^Received: from c\.example " "$(sed -n 2p "$(only_mail theo)")"
    matches $'^\tby localhost \\(servidor\\) with SMTP id [A-Za-z0-9]{9};$' "$(sed -n 3p "$(only_mail theo)")"
}

@test "servidor -s on a socket has the address of its client above the mail, and keeps nothing of half a mail" {
    mkdir log
    cat >inetd.py <<'END'
import socket, subprocess, sys
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname(), 60)
accepted, _ = listener.accept()
command = [sys.argv[1], "-s", "-l", "log", "-m", sys.argv[2], "-d", "itba"]
server = subprocess.Popen(command, stdin=accepted, stdout=accepted)
accepted.close()
client.sendall(sys.stdin.buffer.read().replace(b"\n", b"\r\n"))
client.shutdown(socket.SHUT_WR)
while client.recv(65536): pass
print(client.getsockname()[1])
sys.exit(server.wait(60))
END
    printf '%s\n' 'EHLO c.example' 'MAIL FROM:<a@b.es>' 'RCPT TO:<theo@d.es>' DATA hello . QUIT |
        "$PYTHON" inetd.py "$SERVIDOR" "$MAILS"
    headed theo 'c.example ([127.0.0.1])' ESMTP '<theo@d.es>'
    is_stored theo 'hello\n'
    printf '%s\n' 'EHLO c.example' 'MAIL FROM:<a@b.es>' 'RCPT TO:<gonza@d.es>' DATA half |
        "$PYTHON" inetd.py "$SERVIDOR" "$MAILS"
    same 1 "$(files | wc -l)"
}
