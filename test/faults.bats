#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# What fails while a mail is kept: every step of it, with the diagnostic build, whose probes fail on demand; and real
# full disks, lost folders and lost permissions with the usual one. A mail that cannot be kept is refused with 451, or
# 452 when room is what lacks; nothing of it is left, nobody else notices, and the next mail is kept.
#
# A test is a script for tools/talks.py, which { ... } | play runs: the functions send, begin, finish, arm, was_hit,
# clean and lines print parts of it, and "sh COMMAND" in it is a command that must succeed.

load helper

local_setup() {
    USUAL=$SERVIDOR
    SERVIDOR=$FAULTS
    [ -x "$SERVIDOR" ] || fail "no .build/faults/servidor: make faults builds it"
}

local_teardown() { ! mountpoint -q "$BATS_TEST_TMPDIR/mails" || umount -l "$BATS_TEST_TMPDIR/mails"; }

# --- mails, as they are sent and as they are kept ---------------------------------------------------------------------

# play: runs the script.
play() {
    "$PYTHON" "$TOOLS/talks.py" "$PORT" >played 2>&1 3>&- 4>&- || { tail -n 20 played | cut -c 1-300; return 1; }
}

lines() { printf '%s\n' "$@"; }

envelope() {
    lines 'C: MAIL FROM:<a@b.es>' 'S~ 250'
    local box
    for box; do lines "C: RCPT TO:<$box@d.es>" 'S~ 250'; done
}

# begin SESSION BOX..., finish SESSION SUBJECT REPLY: a mail by DATA, in two parts. Its end gets REPLY, a regular
# expression.
begin() { lines "session $1"; envelope "${@:2}"; lines 'C: DATA' 'S~ 354'; }
finish() { lines "session $1" "C| Subject: $2\\r\\n\\r\\nfirst\\r\\n..dot\\r\\nlast\\r\\n.\\r\\n" "S~ $3"; }

# send SESSION WAY SUBJECT REPLY BOX...: a mail by DATA or by BDAT, as WAY says; if WAY is refused-data, DATA itself
# gets REPLY.
send() {
    local session=$1 way=$2 subject=$3 reply=$4 size=$((32 + ${#3}))
    shift 4
    case $way in
    data) begin "$session" "$@"; finish "$session" "$subject" "$reply" ;;
    refused-data) lines "session $session"; envelope "$@"; lines 'C: DATA' "S~ $reply" ;;
    bdat)
        lines "session $session"
        envelope "$@"
        lines "C| BDAT $size LAST\\r\\nSubject: $subject\\r\\n\\r\\nfirst\\r\\n.dot\\r\\nlast\\r\\n" "S~ $reply"
        ;;
    esac
    [ "$reply" = 250 ] || lines 'C: RSET' 'S~ 250'
}

# stored: "BOX SUBJECT" for each file in any new/, sorted; a file that is not the whole mail is called damaged.
stored() {
    find mails -path '*/new/*' -exec awk '
        function subject(path,    line, count, all, name) {
            while ((getline line <path) > 0) {
                if (++count == 1 && line != "Return-Path: <a@b.es>") all = "no Return-Path"
                if (line ~ /^Subject: /) { name = substr(line, 10); all = all "|" }
                else if (name != "") all = all line "|"
            }
            return name (all == "||first|.dot|last|" ? "" : " (damaged)")
        }
        BEGIN { for (i = 1; i < ARGC; i++) { split(ARGV[i], part, "/"); print part[2], subject(ARGV[i]) } }' {} + | sort
}

# holds SUBJECT... -- BOX...: these mails are in each of these boxes once, and nothing else is in any new/ or tmp/.
holds() {
    local subjects=() subject box
    while [ "$1" != -- ]; do subjects+=("$1"); shift; done
    shift
    same "$(for box; do for subject in "${subjects[@]}"; do echo "$box $subject"; done; done | sort)" "$(stored)"
    nothing_in_tmp
}

nothing_in_tmp() { same "" "$(find mails -path '*/tmp/*')"; }

# clean: part of a script, nothing is in any tmp/.
clean() { lines 'sh test -z "$(find mails -path "*/tmp/*" | tee /dev/stderr)"'; }

# --- the probes -------------------------------------------------------------------------------------------------------

# start_faulty [OPTION...]: the diagnostic build, which looks at the file fault.
start_faulty() { SERVIDOR_FAULT=$PWD/fault start_server -m "$PWD/mails" "$@"; }

# arm PROBE ACTION: the next process that comes to PROBE does this there. was_hit: one did.
arm() { lines "sh echo $1 $2 >fault.new && mv fault.new fault"; }
was_hit() { lines 'sh ! cat fault 2>/dev/null'; }

# told ERRNO: the reply that it gets.
told() {
    case $1 in
    ENOSPC | EDQUOT) echo '452 4\.3\.1 ' ;;
    *) echo '451 4\.3\.0 ' ;;
    esac
}

# refusals_told ERROR: the server says on stderr, now and then, that it refuses mail; such lines name the mail folder.
refusals_told() {
    expect_stderr "^servidor: .*/mails: $1: mail is refused for now\$"
    allow_stderr '^servidor: .*/mails: [A-Z][a-z/ -]+: mail is refused for now$'
}

# For a script: the worker of the session.
WORKER='ss -Htnp dport = :$LPORT and sport != :$LPORT | grep -o "pid=[0-9]*" | cut -d = -f 2'

# descriptors FILE: part of a script, how many the worker of the session has goes to FILE.
descriptors() { lines "sh ls /proc/\$($WORKER)/fd | wc -l >$1"; }

# What is tried: all, and a few where a step is tried in one more way.
ERRNOS='EIO ENOSPC EACCES EMFILE ENOMEM EDQUOT EROFS'
FEW='EIO EDQUOT'

# each_errno PROBE WAY BOX...: whatever PROBE fails with, the mail is refused and nothing of it is left; the same
# session and another one then deliver, and no descriptor stays open.
each_errno() {
    local probe=$1 way=$2 errno kept=(before)
    shift 2
    refusals_told 'Input/output error'
    start_faulty -d itba
    {
        send hit data before 250 "$@"
        descriptors first
        for errno in $ERRNOS; do
            arm "$probe" "$errno"
            send hit "$way" "$errno" "$(told "$errno")" "$@"
            was_hit
            clean
            send hit data "$errno.same" 250 "$@"
            send other data "$errno.other" 250 "$@"
        done
        lines 'session hit'
        descriptors last
    } | play
    for errno in $ERRNOS; do kept+=("$errno.same" "$errno.other"); done
    holds "${kept[@]}" -- "$@"
    [ "$(cat first)" -gt 2 ]
    same "$(cat first)" "$(cat last)"
}

@test "spool-open: DATA is refused" { each_errno spool-open refused-data one; }
@test "spool-open: BDAT is refused" { ERRNOS=$FEW each_errno spool-open bdat one two; }
@test "spool-write" { each_errno spool-write data one; }
@test "spool-write, BDAT" { ERRNOS=$FEW each_errno spool-write bdat one; }
@test "spool-sync" { each_errno spool-sync data one; }
@test "spool-sync, BDAT and two recipients" { ERRNOS=$FEW each_errno spool-sync bdat one two; }
@test "spool-close" { each_errno spool-close data one; }
@test "link: the first of three recipients" { each_errno link data one two three; }
@test "link-next: a further recipient, the links before it are undone" { each_errno link-next data one two three; }
@test "link-next, BDAT" { ERRNOS=$FEW each_errno link-next bdat one two; }
@test "folder-open: the links are undone" { each_errno folder-open data one two; }
@test "folder-sync: the links are undone" { each_errno folder-sync data one two three; }
@test "folder-sync, BDAT and one recipient" { ERRNOS=$FEW each_errno folder-sync bdat one; }

# new_box PROBE: what comes to pass only when a box is made, here for the second recipient's box too.
new_box() {
    local errno want=()
    refusals_told 'Input/output error'
    start_faulty -d itba
    for errno in $ERRNOS; do
        want+=("first.${errno,,} same" "first.${errno,,} other" "second.${errno,,} other")
        arm "$1" "$errno"
        send hit bdat never "$(told "$errno")" "first.${errno,,}"
        was_hit
        clean
        send hit bdat same 250 "first.${errno,,}"
        arm "$1" "$errno"
        send hit bdat never "$(told "$errno")" "first.${errno,,}" "second.${errno,,}"
        was_hit
        clean
        send other data other 250 "first.${errno,,}" "second.${errno,,}"
    done >script
    play <script
    same "$(lines "${want[@]}" | sort)" "$(stored)"
}

@test "folder-make: a new box" { new_box folder-make; }
@test "parent-sync: a new box" { new_box parent-sync; }

# kept_anyhow PROBE ERRNO...: that PROBE fails does not matter to the mail.
kept_anyhow() {
    local probe=$1 errno
    shift
    start_faulty -d itba
    for errno; do
        arm "$probe" "$errno"
        send hit data "$errno" 250 one two
        was_hit
    done | play
}

@test "folder-lock: without it a mail is kept, only that no fsync is shared then" {
    kept_anyhow folder-lock EIO ENOSPC EACCES EMFILE
    holds EIO ENOSPC EACCES EMFILE -- one two
}

@test "spool-unlink: the mail is kept, it is acknowledged, and the next start sweeps" {
    kept_anyhow spool-unlink EIO EACCES EROFS
    same 3 "$(find mails -path '*/tmp/*' | wc -l)"
    stop_server
    start_faulty
    holds EIO EACCES EROFS -- one two
}

# What POSIX lets a signal interrupt: open, write, fsync, close, fcntl.
interrupted() {
    local probe
    start_faulty -d itba
    for probe; do
        arm "$probe" EINTR
        send hit bdat "$probe" 250 "$probe.one" "$probe.two"
        was_hit
    done | play
    same "$(for probe; do lines "$probe.one $probe" "$probe.two $probe"; done | sort)" "$(stored)"
    nothing_in_tmp
}

@test "EINTR while the spool file is made is no error" { interrupted spool-write spool-sync spool-open spool-close; }
@test "EINTR while folders are synced is no error" { interrupted folder-lock folder-sync parent-sync folder-open; }

@test "a short write of the spool file: the mail is whole" {
    start_faulty
    {
        arm spool-write SHORT; send hit data short 250 one two; was_hit
        arm spool-write SHORT; send hit bdat short.bdat 250 one two; was_hit
    } | play
    holds short short.bdat -- one two
    # And a long one, which is written in many parts.
    {
        arm spool-write SHORT
        begin hit long
        lines 'C| {0123456789*30000}\r\n{abcdefghij*30000}\r\n.\r\n' 'S: 250 OK'
        was_hit
    } | play
    "$PYTHON" -c 'print("0123456789" * 30000); print("abcdefghij" * 30000)' >want
    tail -n 2 mails/long/new/* | cmp - want
}

@test "the reply to DATA tells that the spool file cannot be opened, and DATA may come again" {
    refusals_told 'Too many open files'
    start_faulty
    {
        arm spool-open EMFILE
        lines 'session hit'
        envelope one
        lines 'C: DATA' 'S~ 451 '
        was_hit
        lines 'C: DATA' 'S~ 354'
        finish hit again 250
    } | play
    holds again -- one
}

@test "a failure in a chunk sticks until the last one, and the mail is not kept" {
    refusals_told 'Input/output error'
    start_faulty -d itba
    {
        arm spool-write EIO
        lines 'session hit'
        envelope one
        # The octets may be written when the chunk comes or later: the last reply tells it at the latest.
        lines 'C| BDAT 6\r\ntext\r\n' 'S~ (250|451) ' 'C| BDAT 6 LAST\r\nmore\r\n' 'S~ (451|503) ' 'C: RSET' 'S~ 250'
        was_hit
        clean
        send hit bdat after 250 one
    } | play
    holds after -- one
}

@test "the usal dialect tells faults in its own words" {
    refusals_told 'Input/output error'
    start_faulty
    local probe
    for probe in spool-write spool-sync link folder-sync; do
        arm "$probe" EIO; send hit data never '451 [A-Z]' one; was_hit
        arm "$probe" ENOSPC; send hit bdat never '452 [A-Z]' one; was_hit
    done >script
    { arm spool-open ENOSPC; send hit refused-data never '452 [A-Z]' one; was_hit; } >>script
    play <script
    holds --
}

@test "a fault over UDP is told as over TCP" {
    refusals_told 'Input/output error'
    start_faulty -d itba
    {
        lines 'session hit udp'
        arm spool-sync EIO; send hit data never '451 4\.3\.0 ' one; was_hit
        arm folder-sync ENOSPC; send hit data never '452 4\.3\.1 ' one; was_hit
        clean
        send hit data after 250 one
        lines 'C: QUIT' 'S~ 221'
    } | play
    holds after -- one
}

# used_up: the fault was hit, or the senders are through. It looks more often than wait_until, before most mails are by.
used_up() { until [ ! -e fault ] || [ -e through ]; do read -rt 0.002 <>nap || :; done; }

@test "20 senders under fault after fault: what is refused is nowhere, what is acknowledged is there" {
    refusals_told 'Input/output error'
    start_faulty
    local probe hits=0
    mkfifo nap
    { "$PYTHON" "$TOOLS/senders.py" "$PORT" "$PWD/mails" one two >sent; echo $? >through; } 3>&- 4>&- &
    until [ -e through ]; do
        for probe in spool-open spool-write spool-sync spool-close link link-next folder-open folder-sync; do
            echo "$probe EIO" >fault.new
            mv fault.new fault
            used_up
            [ -e fault ] || ((hits += 1))
        done
    done
    wait $!
    [ "$(cat through)" = 0 ] || { cat sent; return 1; }
    echo "# $hits faults: $(cat sent)" >&3
    ((hits >= 3))
    # A folder's fsync that fails may refuse several mails, and one mail may meet three faults: what a link that fails has
    # to be undone for is synced as well, folder by folder.
    matches '^([0-9]+) acknowledged, ([0-9]+) refused, 0 broken$' "$(cat sent)"
    ((3 * BASH_REMATCH[2] >= hits && BASH_REMATCH[1] + BASH_REMATCH[2] == 200))
}

@test "the usual build has no probes" {
    SERVIDOR=$USUAL
    start_faulty
    local probe
    for probe in spool-open spool-write spool-sync link folder-sync reply-kept; do
        arm "$probe" EIO
        send hit data "$probe" 250 one
        lines 'sh test -e fault'
    done | play
    holds spool-open spool-write spool-sync link folder-sync reply-kept -- one
}

# --- death at a probe -------------------------------------------------------------------------------------------------

# without_reply: the script but for its last line, behind which the session ends without one.
without_reply() { sed '$d'; lines closed; }

# killed_at WAY BOXES PROBE...: at each PROBE a worker is killed with a mail to one, two and three, all new; the mail is
# then in BOXES, whole and once, or in any of the three if BOXES is ?. Nobody else notices; the next start sweeps.
killed_at() {
    local way=$1 boxes=$2 probe want
    shift 2
    expect_stderr '^servidor: TCP worker [0-9]+ ended by signal 9'
    start_faulty
    {
        send other data before 250 other
        for probe; do
            begin other other
            arm "$probe" KILL
            send "$probe" "$way" dead 250 "$probe".{one,two,three} | without_reply
            was_hit
            finish other "$probe" 250
        done
    } | play
    want=$({ for probe in before "$@"; do echo "other $probe"; done
             if [ "$boxes" = '?' ]; then stored | grep -E '^[a-z-]+\.(one|two|three) dead$' | uniq
             else for probe; do for box in $boxes; do echo "$probe.$box dead"; done; done; fi; } | sort)
    same "$want" "$(stored)"
    for probe; do send new data after 250 "$probe".{one,two,three}; done | play
    stop_server
    start_faulty
    nothing_in_tmp
    same "$({ lines "$want"; for probe; do lines "$probe".{one,two,three}' after'; done; } | sort)" "$(stored)"
}

@test "KILL before the first link: the mail is nowhere" {
    killed_at bdat '' spool-open spool-write spool-sync spool-close link
}

@test "KILL before the second link: the mail is in the first box" { killed_at data 'one' link-next; }

@test "KILL behind the last link: the mail is in all boxes" {
    killed_at data 'one two three' folder-lock folder-open folder-sync spool-unlink reply-kept
}

@test "KILL while a box is made: the mail is in any box, and the box is usable" {
    killed_at bdat '?' folder-make parent-sync
}

@test "KILL before the 250 is said, and of the whole server then: the mail is there, and once" {
    allow_stderr '^servidor: TCP worker [0-9]+ ended by signal 9'
    start_faulty
    {
        send first data before 250 one two
        arm reply-kept KILL
        send dead data dead 250 one two | without_reply
        was_hit
    } | play
    kill_server KILL
    wait_until only_left
    start_faulty
    holds before dead -- one two
}

# --- full disks -------------------------------------------------------------------------------------------------------

# small_disk OPTIONS: the mail folder is a file system of its own, of this size.
small_disk() {
    need_root "mounting a small file system"
    SERVIDOR=$USUAL
    mkdir mails
    mount -t tmpfs -o "$1" tmpfs mails
}

# filled_up REPLY: two mails that are too much for the disk, and others that are not.
filled_up() {
    lines 'sh df --output=used mails >used'
    begin full one
    lines 'C| Subject: big\r\n\r\n{0123456789*60000}\r\n.\r\n' "S~ $1"
    clean
    lines 'sh df --output=used mails | diff used -'
    envelope one
    lines 'C| BDAT 600000 LAST\r\n{0123456789*60000}' "S~ $1"
    clean
    lines 'sh df --output=used mails | diff used -'
    send full data after 250 one two
}

@test "a disk that fills up while a mail comes in: 452, nothing is left, and smaller mails are kept" {
    small_disk size=400k
    refusals_told 'No space left on device'
    start_server -d itba -m "$PWD/mails"
    { send full data before 250 one two; filled_up '452 4\.3\.1 '; } | play
    holds before after -- one two
}

@test "a disk that fills up is told in the usal dialect too" {
    small_disk size=400k
    refusals_told 'No space left on device'
    start_server -m "$PWD/mails"
    { send full data before 250 one two; filled_up '452 [A-Z]'; } | play
    holds before after -- one two
}

@test "MAIL SIZE= over the free space: 452, and under it 250" {
    small_disk size=400k
    allow_stderr '^servidor: .*/mails: No space left on device: mail is refused for now$'
    start_server -d itba -m "$PWD/mails"
    {
        lines 'session full' 'C: MAIL FROM:<a@b.es> SIZE=5000000' 'S~ 452 4\.3\.1 ' 'C: RCPT TO:<one@d.es>' 'S~ 503 '
        lines 'C: MAIL FROM:<a@b.es> SIZE=100000' 'S~ 250' 'C: RSET' 'S~ 250'
        lines 'sh head -c 350000 /dev/zero >mails/ballast'
        lines 'C: MAIL FROM:<a@b.es> SIZE=100000' 'S~ 452 4\.3\.1 ' 'sh rm mails/ballast'
        lines 'C: MAIL FROM:<a@b.es> SIZE=100000' 'S~ 250' 'C: RCPT TO:<one@d.es>' 'S~ 250' 'C: DATA' 'S~ 354'
        finish full sized 250
    } | play
    holds sized -- one
    LOGS=$PWD/log.usal
    start_server -m "$PWD/mails"
    lines 'session full' 'C: MAIL FROM:<a@b.es> SIZE=5000000' 'S~ 452 [A-Z]' | play
}

@test "a disk without room for one more file: DATA gets 452, until there is room" {
    small_disk nr_inodes=40
    refusals_told 'No space left on device'
    start_server -d itba -m "$PWD/mails"
    {
        send full data before 250 one
        lines 'sh i=0; while touch mails/ballast$i; do i=$((i + 1)); done; test $i -gt 5'
        send full refused-data never '452 4\.3\.1 ' one
        send full bdat never '452 4\.3\.1 ' one
        clean
        lines 'sh rm mails/ballast*'
        send full data after 250 one
    } | play
    holds before after -- one
}

@test "a disk that is made read-only: 451, until it is not" {
    small_disk size=400k
    refusals_told 'Read-only file system'
    start_server -d itba -m "$PWD/mails"
    {
        send hit data before 250 one
        lines 'sh mount -o remount,ro mails'
        send hit refused-data never '451 4\.3\.0 ' one
        send hit bdat never '451 4\.3\.0 ' other
        lines 'sh mount -o remount,rw mails'
        send hit data after 250 one
    } | play
    holds before after -- one
}

# --- lost folders and permissions -------------------------------------------------------------------------------------

@test "what is removed under the running server is made again" {
    SERVIDOR=$USUAL
    start_server -d itba -m "$PWD/mails"
    local lost part
    {
        send hit data before 250 one two
        for lost in mails/one/{tmp,cur,new} mails/two/new mails/one mails/two mails; do
            lines "sh rm -r $lost"
            send hit data "$lost" 250 one two
            lines "sh test \"\$(grep -l '^Subject: $lost\$' mails/*/new/* | cut -d / -f 2 | xargs)\" = 'one two'"
            clean
            for part in one/tmp one/new two/new; do lines "sh test \$(stat -c %a mails/$part) = 700"; done
        done
    } | play
    holds mails -- one two
}

@test "what is removed while a mail comes in: no 250 for what is not there" {
    SERVIDOR=$USUAL
    refusals_told 'No such file or directory'
    start_server -d itba -m "$PWD/mails"
    {
        send hit data before 250 one two
        begin hit one two
        lines 'sh rm -r mails/one/tmp'
        finish hit never '451 4\.3\.0 '
        begin hit one two
        lines 'sh rm -r mails/one'
        finish hit never '451 4\.3\.0 '
        begin hit one two
        lines 'sh rm -r mails'
        finish hit never '451 4\.3\.0 '
        send hit data after 250 one two
    } | play
    holds after -- one two
}

@test "new/ and a further box are removed while a mail comes in: they are made again, and the mail is there" {
    SERVIDOR=$USUAL
    start_server -d itba -m "$PWD/mails"
    {
        send hit data before 250 one two
        begin hit one two
        lines 'sh rm -r mails/one/new mails/two'
        finish hit late 250
    } | play
    holds late -- one two
}

@test "a file where a folder should be: 451, and nothing of the mail in the other boxes" {
    SERVIDOR=$USUAL
    refusals_told 'Not a directory'
    start_server -d itba -m "$PWD/mails"
    local part way
    {
        send hit data before 250 one two
        for part in two/new:data two:data one/new:data one/tmp:refused-data one:refused-data; do
            way=${part#*:} part=${part%:*}
            lines "sh mv mails/$part aside && : >mails/$part"
            send hit "$way" never '451 4\.3\.0 ' one two
            lines "sh test ! -s mails/$part && rm mails/$part && mv aside mails/$part"
            clean
            send hit data "$part" 250 one two
        done
    } | play
    holds before two/new two one/new one/tmp one -- one two
}

@test "permissions that are lost: 451, until they are back" {
    need_root "a process that is bound by permissions"
    SERVIDOR=$USUAL
    refusals_told 'Permission denied'
    RUN_IN=(setpriv '--bounding-set=-dac_override,-dac_read_search')
    start_server -d itba -m "$PWD/mails"
    RUN_IN=()
    local part way
    {
        send hit data before 250 one two
        for part in one/tmp:refused-data one:refused-data one/new:data two/new:data two:data; do
            way=${part#*:} part=${part%:*}
            lines "sh chmod 0 mails/$part"
            send hit "$way" never '451 4\.3\.0 ' one two
            lines "sh chmod 700 mails/$part"
            clean
            send hit bdat "$part" 250 one two
        done
        lines 'sh chmod 500 mails'
        send hit bdat never '451 4\.3\.0 ' one fresh
        send hit refused-data never '451 4\.3\.0 ' fresh
        send hit data old 250 one two
        lines 'sh chmod 700 mails'
    } | play
    holds before one/tmp one one/new two/new two old -- one two
    send hit data new 250 fresh | play
    stored | grep -qx 'fresh new'
}

# limit OPTION: part of a script, a limit of the system for the worker of the session.
limit() { lines "sh prlimit --pid \$($WORKER) $1"; }

@test "no descriptor left in a worker: 451, until there is one" {
    SERVIDOR=$USUAL
    refusals_told 'Too many open files'
    start_server -d itba -m "$PWD/mails"
    {
        send hit data before 250 one
        limit --nofile=3:1024
        send hit refused-data never '451 4\.3\.0 ' one
        send hit bdat never '451 4\.3\.0 ' one
        limit --nofile=1024:1024
        send hit data after 250 one
    } | play
    holds before after -- one
}

@test "a limit of the size of files: 451 and no death by SIGXFSZ, and smaller mails are kept" {
    SERVIDOR=$USUAL
    refusals_told 'File too large'
    start_server -q -d itba -m "$PWD/mails"
    {
        send hit data before 250 one
        limit --fsize=100000
        begin hit one
        lines 'C| {0123456789*60000}\r\n.\r\n' 'S~ 451 4\.3\.0 '
        clean
        send hit data after 250 one
    } | play
    holds before after -- one
}
