#!/bin/sh
# Makes the kind cluster and loads our images into it.
set -eu
cd "$(dirname "$0")"
kind create cluster --name damselfly --config kind-config.yaml
for archive in ../dist/images/*-linux-"$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')".tar; do
  kind load image-archive --name damselfly "$archive"
done
