#!/bin/sh
# Installs cluster B, which joins the manager of A. Arguments go to helm.
set -eu
cd "$(dirname "$0")"
helm upgrade --install dragonfly ../charts/damselfly --namespace cluster-b --create-namespace \
  --values cluster-b.yaml --wait --timeout 5m "$@"
