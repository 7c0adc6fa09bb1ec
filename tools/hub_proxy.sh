#!/bin/sh
# Installs JupyterHub's proxy by npm into build/, for the tests with a real Hub, where it is missing.

set -eu

PROXY=5.3.0
NAME='hub proxy'
. tools/installing.sh

get_proxy() { from_npm build/hub-proxy configurable-http-proxy "$PROXY" node; }

obtain get_proxy none
