# 5. snac: where it listens. Nothing else is changed.
server=$target/server.json
[ -f "$server" ] || die "'$server' is missing: this is no snac"
replace() { # NAME PATTERN VALUE
	[ "$(grep -o "\"$1\"[[:space:]]*:[[:space:]]*$2" "$server" | grep -c '')" = 1 ] ||
		die "'$server' does not have exactly one \"$1\": set it to $3 by hand, remove '$note', and you are done"
	sed "s/\"$1\"[[:space:]]*:[[:space:]]*$2/\"$1\": $3/" "$server" >"$work/server.json"
	# Written into the file that is there, so that its permissions stay.
	cat "$work/server.json" >"$server"
}
replace address '"[^"]*"' "\"$address\""
replace port '[0-9][0-9.]*' "$port"
rm -f "$note"
if [ -n "$user" ]; then
	chown -R "$user" "$target" || die "the data could not be given to '$user'"
fi

cat <<EOF

Done: @HOSTNAME@ is in $target.

Start it, as the user that owns the data (Debian 13: apt install snac2):
    snac httpd '$target'
The data is of snac @VERSION@. A newer snac may first ask for: snac upgrade '$target'

Then lead https://@HOSTNAME@ to it. For example, with Caddy, the whole Caddyfile is:
    @HOSTNAME@ {
        reverse_proxy $address:$port
    }
and in DNS, point @HOSTNAME@ (A and AAAA) to this machine. The old server must not run any more: two servers with
the same keys would answer for each other. People, posts, followers, log-ins and apps go on as they were.

With Docker instead: put the data into ./data next to compose.yaml (sh restore.sh ... -t data -a 0.0.0.0 -u 1000:1000),
then: docker compose up -d
EOF
