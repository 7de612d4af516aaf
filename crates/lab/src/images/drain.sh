#!/bin/sh
# steppe-drain DIR LIMIT_SECONDS: waits until the snac that serves DIR has nothing left to deliver, at most so long.
#
# snac keeps deliveries in memory only, and loses them when it is killed: a stop waits for them first and says how many
# were cut. Run it in the container of the server (snac state reads the daemon's shared memory), as its preStop hook.
# The outcome, {"pending":N,"drainedAt":SECONDS}, is left in DIR/.steppe-drain.json and, where it can be written, in the
# container's termination message. "pending" is null when the daemon does not answer. The exit status is always 0: a
# stop goes on whatever is left.
set -u
dir=$1
limit=$2

pending() {
    snac state "$dir" 2>/dev/null | sed -n 's/^job fifo size (cur): *\([0-9][0-9]*\).*/\1/p' | head -n 1
}

end=$(($(date +%s) + limit))
left=$(pending)
while [ -n "$left" ] && [ "$left" -gt 0 ] && [ "$(date +%s)" -lt "$end" ]; do
    sleep 0.2
    left=$(pending)
done

outcome="{\"pending\":${left:-null},\"drainedAt\":$(date +%s)}"
echo "$outcome" >"$dir/.steppe-drain.json.new" && mv "$dir/.steppe-drain.json.new" "$dir/.steppe-drain.json"
if [ -w /dev/termination-log ]; then
    echo "$outcome" >/dev/termination-log
fi
exit 0
