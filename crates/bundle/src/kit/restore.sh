#!/bin/sh
# Brings the server @HOSTNAME@ (@FLAVOUR@ @VERSION@) back to life from this bundle, on any machine.
#
# Needs: age, openssl (3 or newer), sha256sum, tar, gzip, sed. On Debian: apt install age openssl
# Safe to run again: what is done is not done twice, and nothing is ever overwritten in a folder that is not its own.
set -eu
umask 077

usage() {
	cat <<'EOF'
usage: sh restore.sh [-k KEY.pem | -K KEYID] -i KEYFILE -t TARGET [-a ADDRESS] [-p PORT] [-u USER]
       sh restore.sh [-k KEY.pem | -K KEYID] -n

  -i KEYFILE   age identity that opens the bundle (AGE-SECRET-KEY-1...); may be protected by a passphrase
  -t TARGET    new or empty folder for the data
  -k KEY.pem   public key of whom the bundle must be signed by
  -K KEYID     or the id of that key; without -k and -K damage is noticed, but not a forged bundle
  -a ADDRESS   address that the server listens on (127.0.0.1)
  -p PORT      port that the server listens on (8001)
  -u USER      give the data to this user (needs root)
  -n           only check signature and parts
EOF
	exit 2
}

say() { printf '%s\n' "$*"; }
die() {
	printf 'restore.sh: %s\n' "$*" >&2
	exit 1
}

keyfile='' target='' key='' keyid='' address=127.0.0.1 port=8001 user='' only_check=''
while getopts i:t:k:K:a:p:u:n option; do
	case $option in
	i) keyfile=$OPTARG ;;
	t) target=$OPTARG ;;
	k) key=$OPTARG ;;
	K) keyid=$OPTARG ;;
	a) address=$OPTARG ;;
	p) port=$OPTARG ;;
	u) user=$OPTARG ;;
	n) only_check=yes ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || usage
[ -n "$only_check" ] || [ -n "$keyfile" -a -n "$target" ] || usage
case $address in '' | *[!0-9A-Za-z.:_-]*) die "the address '$address' is not one" ;; esac
case $port in '' | *[!0-9]*) die "the port '$port' is no number" ;; esac
for tool in openssl sha256sum sed grep cut ${only_check:-age tar gzip}; do
	[ "$tool" = yes ] || command -v "$tool" >/dev/null || die "'$tool' is missing: on Debian, apt install age openssl coreutils tar gzip sed grep"
done

# Paths that were given are relative to where we were called, the bundle is where this script is.
absolute() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac; }
[ -z "$key" ] || key=$(absolute "$key")
[ -z "$keyfile" ] || keyfile=$(absolute "$keyfile")
[ -z "$target" ] || target=$(absolute "$target")
cd "$(dirname "$0")" || die "the bundle's folder cannot be entered"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# 1. Who signed this, and is it still what was signed?
for file in manifest.json manifest.sig; do
	[ -f $file ] || die "$file is missing: this is no complete bundle"
done
sed -n 's/^  "signing":{"algorithm":"ed25519","key_id":"\([0-9a-f]*\)","public_key":"\([A-Za-z0-9+\/=]*\)"},\{0,1\}$/\1 \2/p' manifest.json >"$work/signing"
read -r named_id named_key <"$work/signing" || die "manifest.json names no signing key: it is damaged"
printf -- '-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n' "$named_key" >"$work/named.pem"
id_of() { openssl pkey -pubin -in "$1" -outform DER 2>/dev/null | sha256sum | cut -c1-32; }
[ "$(id_of "$work/named.pem")" = "$named_id" ] || die "the signing key in manifest.json is damaged"
if [ -n "$key" ]; then
	[ -r "$key" ] || die "the public key '$key' cannot be read"
	[ "$(id_of "$key")" = "$named_id" ] || die "the bundle is signed by key $named_id, but '$key' is key $(id_of "$key")"
fi
if [ -n "$keyid" ] && [ "$keyid" != "$named_id" ]; then
	die "the bundle is signed by key $named_id, expected was $keyid"
fi
openssl pkeyutl -verify -pubin -inkey "$work/named.pem" -rawin -in manifest.json -sigfile manifest.sig >/dev/null 2>&1 ||
	die "the signature is wrong: manifest.json or manifest.sig was changed. Get the bundle again."
if [ -n "$key$keyid" ]; then
	say "signature: good, by the expected key $named_id"
else
	say "signature: good, by key $named_id, which you did not ask for: compare it with the one your host publishes (-K)"
fi
grep -q '^  "format":"steppe-bundle",$' manifest.json || die "this is no steppe-bundle"
grep -q '^  "version":"1\.[0-9]*"$' manifest.json || die "this bundle has a format version that this script does not know"

# 2. Is everything there, and unchanged? In a manifest each object stands on a line of its own.
sed -n 's/^ *{"name":"\([A-Za-z0-9._\/-]*\)","sha256":"\([0-9a-f]\{64\}\)","size":[0-9]*},\{0,1\}$/\2  \1/p' manifest.json >"$work/sums"
sha256sum -c --strict --quiet "$work/sums" >"$work/wrong" 2>&1 || {
	sed 's/^/  /' "$work/wrong" >&2
	die "something is missing or was changed, see above. Get these files again."
}
say "content: all $(grep -c '' "$work/sums") files are there and unchanged"
[ -z "$only_check" ] || exit 0

# 3. The key.
[ -r "$keyfile" ] || die "the key file '$keyfile' cannot be read"
if [ "$(head -c 19 "$keyfile" | tr -d '\0')" = 'age-encryption.org/' ] || grep -q '^-----BEGIN AGE ENCRYPTED FILE-----' "$keyfile"; then
	age -d "$keyfile" >"$work/identity" || die "the key file could not be opened: wrong passphrase?"
	keyfile=$work/identity
fi

# 4. The data. A note in the target says which segments are there already.
note=$target/.steppe-restore
digest=$(sha256sum <manifest.json | cut -d' ' -f1)
mkdir -p "$target" || die "'$target' cannot be made"
if [ -f "$note" ]; then
	[ "$(head -n 1 "$note")" = "$digest" ] || die "'$target' holds the beginning of another bundle: name another folder"
	say "going on with '$target', where $(($(grep -c '' "$note") - 1)) segments are there already"
elif [ -n "$(ls -A "$target" | grep -v '^lost+found$' || true)" ]; then
	die "'$target' is not empty: name a new folder. Nothing was changed."
else
	say "$digest" >"$note"
fi
sed -n 's/^[0-9a-f]*  \(segment-[0-9]*\)\/.*$/\1/p' "$work/sums" | uniq >"$work/segments"
while read -r segment; do
	grep -qx "$segment" "$note" && continue
	grep "  $segment/" "$work/sums" | cut -c67- >"$work/parts"
	rm -f "$work/failed"
	{
		while read -r part; do cat "$part"; done <"$work/parts" | age -d -i "$keyfile" || : >"$work/failed"
	} | tar -xzpf - --no-same-owner -C "$target" || : >"$work/failed"
	[ ! -e "$work/failed" ] || die "$segment could not be restored, see above. Wrong key, or no room? Run the same again to go on."
	say "$segment" >>"$note"
	say "restored: $segment"
done <"$work/segments"

@STEPS@
