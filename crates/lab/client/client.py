"""A Mastodon client for demo and tests: does with a real client library what a person's app does.

Every call prints one line of JSON. Secrets come on standard input, never as arguments.
Names are resolved as told (`--resolve name=address[:port]`), so that nothing on the machine has to change.
"""

import argparse
import json
import re
import socket
import sys
import time
from urllib.parse import parse_qs, urljoin, urlparse

import requests
from mastodon import Mastodon, MastodonError
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

REDIRECT = "https://app.invalid/done"
SCOPES = ["read", "write", "follow"]


def resolve_as_told(pairs):
    """Sends the named hosts to the given addresses; all other names resolve as usual."""
    told = dict(pair.split("=", 1) for pair in pairs)
    usual = socket.getaddrinfo

    def getaddrinfo(host, port, *rest, **kinds):
        if host in told:
            address, _, other = told[host].partition(":")
            return usual(address, int(other) if other else port, *rest, **kinds)
        return usual(host, port, *rest, **kinds)

    socket.getaddrinfo = getaddrinfo


def connection(args):
    """A session that trusts what it is told to trust: the environment's authorities and proxies would win otherwise.

    A request that was not answered is sent again: while the local ingress changes its routes, Go's HTTP server closes
    connections whose request it has not taken up yet.
    """
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=Retry(total=5, status=0, allowed_methods=None, backoff_factor=0.1)))
    session.trust_env = False
    session.verify = args.ca or True
    return session


def client(args, **more):
    session = connection(args)
    if args.host_header:
        session.headers["Host"] = args.host_header
        session.headers["X-Forwarded-Proto"] = "https"
    return Mastodon(
        api_base_url=args.base, session=session, request_timeout=20, version_check_mode="none", ratelimit_method="throw", **more
    )


def login(args):
    """Registers an app, fills in the server's authorize form as a browser would, and trades the code for a token."""
    password = sys.stdin.readline().rstrip("\n")
    session = connection(args)
    app, secret = Mastodon.create_app(
        "Steppe demo", scopes=SCOPES, redirect_uris=REDIRECT, api_base_url=args.base, session=session, request_timeout=20
    )
    app_client = client(args, client_id=app, client_secret=secret)
    form_url = app_client.auth_request_url(redirect_uris=REDIRECT, scopes=SCOPES)
    page = session.get(form_url, timeout=20)
    page.raise_for_status()
    action = re.search(r'<form[^>]*action="([^"]+)"', page.text).group(1)
    fields = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text))
    answer = session.post(
        urljoin(args.base, urlparse(action).path),
        data={**fields, "login": args.handle, "passwd": password},
        allow_redirects=False,
        timeout=20,
    )
    code = parse_qs(urlparse(answer.headers.get("Location", "")).query).get("code")
    if not code:
        said = re.sub(r"<[^>]*>|\s+", " ", answer.text).strip()[:200]
        sys.exit(f"the server did not accept the log-in (wrong handle or password): {answer.status_code} {said}")
    token = app_client.log_in(code=code[0], redirect_uri=REDIRECT, scopes=SCOPES)
    return {"token": token, "account": client(args, access_token=token).account_verify_credentials().acct}


def with_token(args):
    return client(args, access_token=sys.stdin.readline().rstrip("\n"))


def verify(args):
    account = with_token(args).account_verify_credentials()
    return {"account": account.acct, "posts": account.statuses_count}


def post(args):
    status = with_token(args).status_post(args.text)
    return {"id": str(status.id), "url": status.url}


def home(args):
    """The texts of the home timeline; with `--await`, as soon as one contains the given text."""
    api = with_token(args)
    deadline = time.monotonic() + args.limit
    while True:
        texts = [status.content for status in api.timeline_home(limit=40)]
        if not args.await_text or any(args.await_text in text for text in texts):
            return {"texts": texts}
        if time.monotonic() > deadline:
            sys.exit(f"no post with {args.await_text!r} arrived within {args.limit} s; the timeline has {len(texts)}")
        time.sleep(0.2)


def upload(args):
    """Uploads a picture, posts it and fetches it back from the address the server gives."""
    api = with_token(args)
    media = api.media_post(args.file, description="a picture")
    status = api.status_post("a picture", media_ids=[media])
    url = status.media_attachments[0].url
    answer = connection(args).get(url, timeout=20)
    answer.raise_for_status()
    with open(args.file, "rb") as file:
        same = file.read() == answer.content
    return {"url": url, "same": same}


def find(args):
    """The server's id of an account elsewhere."""
    accounts = with_token(args).search_v2(args.account, resolve=True).accounts
    if not accounts:
        sys.exit(f"{args.account} was not found")
    return {"id": str(accounts[0].id)}


def follow(args):
    relation = with_token(args).account_follow(args.id)
    return {"following": relation.following, "requested": relation.requested}


def relation(args):
    """How the token's account stands to another one, which the server knows already."""
    [found] = with_token(args).account_relationships(args.id)
    return {"following": found.following, "followed_by": found.followed_by}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True)
    parser.add_argument("--ca")
    parser.add_argument("--resolve", action="append", default=[])
    parser.add_argument("--host-header")
    calls = parser.add_subparsers(required=True)
    call = calls.add_parser("login")
    call.add_argument("--handle", required=True)
    call.set_defaults(run=login)
    calls.add_parser("verify").set_defaults(run=verify)
    call = calls.add_parser("post")
    call.add_argument("--text", required=True)
    call.set_defaults(run=post)
    call = calls.add_parser("home")
    call.add_argument("--await", dest="await_text")
    call.add_argument("--limit", type=float, default=30)
    call.set_defaults(run=home)
    call = calls.add_parser("upload")
    call.add_argument("--file", required=True)
    call.set_defaults(run=upload)
    call = calls.add_parser("find")
    call.add_argument("--account", required=True)
    call.set_defaults(run=find)
    for name, run in [("follow", follow), ("relation", relation)]:
        call = calls.add_parser(name)
        call.add_argument("--id", required=True)
        call.set_defaults(run=run)
    args = parser.parse_args()
    resolve_as_told(args.resolve)
    try:
        print(json.dumps(args.run(args)))
    except (MastodonError, requests.RequestException) as error:
        sys.exit(f"{args.base}: {error}")


if __name__ == "__main__":
    main()
