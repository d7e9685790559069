# shellcheck shell=bash disable=SC2016,SC2154 # quotes are for awk; round is set there
# The mails of tortura.sh: makes them, and judges what became of them. Needs what that has in SEED, round and the
# working folder.

# A mail's text is "BEGIN ID LINES WIDTH", so many numbered lines, and "END ID LINES".
MAIL='
function line(id, number, width,    letters) {
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
    return number " " id " " substr(letters, number % 16 + 1, width)
}
# The generator is written here, so that a seed means the same to every awk.
function step() { state = (state * 16807) % 2147483647 }
function stir(number) { state = (state % 65521 * 32003 + number * 7919 + 1) % 2147483646 + 1; step() }
function seed_with(a, b, c, d) { state = 1; stir(a); stir(b); stir(c); stir(d) }
function between(low, high) { step(); return low + int(state / 2147483647 * (high - low + 1)) }
'

# make_mails SENDER FIRST: the order files orders.SENDER.COUNT of ten mails; prints "COUNT ID BOX..." for each. One in
# 16 mails is long, one in two ends its dialogue without QUIT: the 250 is the last that the client hears then.
make_mails() {
    awk -v seed="$SEED" -v round="$round" -v sender="$1" -v first="$2" "$MAIL"'
        function make(count,    id, file, list, name, other, i, lines, width) {
            seed_with(seed, round, sender, count)
            id = "r" round ".s" sender ".m" count
            file = "orders." sender "." count
            print "HELO tortura.example\nMAIL FROM:<tortura@mail.example>" >file
            other = between(1, 4)
            list = count " " id
            for (i = between(0, 2); i >= 0; i--) {
                name = box[(other + i) % 4 + 1]
                list = list " " name
                print "RCPT TO:<" name "@mail.example>" >file
            }
            lines = between(12, 80) * (between(1, 16) == 1 ? 40 : 1)
            width = between(0, 42)
            print "DATA\nSubject: " id "\n\nBEGIN", id, lines, width >file
            for (i = 1; i <= lines; i++) print line(id, i, width) >file
            print "END", id, lines "\n." >file
            if (between(0, 1)) print "QUIT" >file
            close(file)
            print list
        }
        BEGIN {
            split("uno dos tres cuatro", box)
            while (made++ < 10) make(first++)
        }'
}

# --- verdicts ---------------------------------------------------------------------------------------------------------

# stored_mails: each file in any new/.
stored_mails() { find mails -path '*/new/*' -type f; }

# look_at: "ID BOX VERDICT" for each file named in the input, the verdict is whole or says what is wrong. One that is
# taken back meanwhile, as after an error, has none.
look_at() {
    xargs -r wc -c 2>/dev/null | awk "$MAIL"'
        function verdict(path,    text, got, field, count, octets, stage, lines, width, first) {
            id = "-"
            first = stage = ""
            count = octets = lines = width = 0
            while ((got = (getline text <path)) > 0) {
                octets += length(text) + 1
                if (first == "") first = text
                if (stage == "" && text ~ /^BEGIN /) {
                    split(text, field, " ")
                    id = field[2]; lines = field[3]; width = field[4]
                    stage = "text"
                } else if (stage == "text" && count < lines) {
                    if (text != line(id, ++count, width)) stage = "line " count " is wrong"
                } else if (stage == "text") {
                    stage = text == "END " id " " lines ? "end" : "no end mark"
                } else if (stage == "end") {
                    stage = "text behind the end mark"
                }
            }
            close(path)
            if (got < 0) return ""
            if (first != "Return-Path: <tortura@mail.example>") return "its first line is " first
            if (stage == "") return "no begin mark"
            if (stage == "text") return "cut behind line " count
            if (stage != "end") return stage
            if (octets != size) return "the last line is cut"
            return "whole"
        }
        $2 ~ /\/new\// {
            size = $1
            text = verdict($2)
            split($2, part, "/")
            if (text != "") print id, part[2], text
        }'
}

# watcher: what look_at says of each mail, soon after it has come to new/, is in the file glimpsed when quiet is there.
watcher() {
    local last=no
    : >seen
    while [ "$last" = no ]; do
        [ ! -e quiet ] || last=yes
        stored_mails | sort >there
        comm -13 seen there | look_at >>glimpsed
        mv there seen
        sleep 0.05
    done
}

# judge: what is wrong with the mails that are stored, a line each, and last "ACKNOWLEDGED FILES UNACKNOWLEDGED MAILS
# LOST DAMAGED": the acknowledged mails; the files in new/, and those of mails that were not; the mails that these are.
judge() {
    for list in sent acknowledged; do
        cat "$list".* 2>/dev/null | sed "s/^/$list /"
    done | cat - <(sed 's/^/glimpsed /' glimpsed) | awk '
        FILENAME != "-" {
            mail = $1
            file = $1 " " $2
            $1 = $2 = ""
            sub(/^ */, "")
            found[file]++
            verdict[file] = $0
            if (!(mail in is_mail)) mails++
            is_mail[mail] = 1
            next
        }
        $1 == "sent" { for (i = 3; i <= NF; i++) sent[$2 " " $i] = 1 }
        $1 == "glimpsed" {
            file = $2 " " $3
            $1 = $2 = $3 = ""
            sub(/^ */, "")
            if ($0 != "whole") glimpse[file] = $0
        }
        $1 == "acknowledged" {
            acknowledged++
            missing = ""
            for (i = 3; i <= NF; i++) {
                due[$2 " " $i] = 1
                if (!(($2 " " $i) in found)) missing = missing " " $i
            }
            if (missing != "") { lost++; print "lost: " $2 " is not in" missing }
        }
        END {
            for (file in found) {
                kept += found[file]
                if (!(file in due)) extra += found[file]
                why = ""
                if (verdict[file] != "whole") why = verdict[file]
                else if (!(file in sent)) why = "nobody sent it there in this round"
                else if (found[file] > 1) why = found[file] " times there"
                if (why == "" && file in glimpse) why = glimpse[file] ", while the senders worked"
                delete glimpse[file]
                if (why != "") { damaged++; print "damaged: " file ": " why }
            }
            for (file in glimpse) { damaged++; print "damaged: " file ": " glimpse[file] ", and later gone" }
            print acknowledged + 0, kept + 0, extra + 0, mails + 0, lost + 0, damaged + 0
        }' stored -
}
