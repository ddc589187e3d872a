#!/bin/sh
# Uninstalls both, which leaves the nodes as they were, and removes the kind cluster.
set -eu
helm uninstall dragonfly --namespace cluster-b --wait --timeout 5m
helm uninstall dragonfly --namespace cluster-a --wait --timeout 5m
kind delete cluster --name damselfly
docker rm --force registry.local 2>/dev/null || true
