#!/usr/bin/env bash
# Drives the demo's services with curl.
# usage: requests.sh FRONT_PORT
set -euo pipefail

front=http://127.0.0.1:${1:?usage: requests.sh FRONT_PORT}

request() { # what, path
  curl --silent --show-error --max-time 20 --output /dev/null \
    --write-out "$(printf '%-52s' "$1")%{http_code}\n" "$front$2"
}

request 'a purchase (nginx > shop > redis, prices, postgres)' '/checkout?item=lamp'
request 'a bundle (prices asks shop back)' '/checkout?item=bundle'
request 'a slow price' '/checkout?item=slow'
request 'a broken price (500 all the way up)' '/checkout?item=broken'
