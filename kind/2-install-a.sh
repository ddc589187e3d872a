#!/bin/sh
# Installs cluster A with the manager, and opens its console at http://localhost:8080. Arguments go to helm.
set -eu
cd "$(dirname "$0")"
helm upgrade --install dragonfly ../charts/damselfly --namespace cluster-a --create-namespace \
  --values cluster-a.yaml --wait --timeout 5m "$@"
kubectl apply --filename manager-rest-svc.yaml
echo "http://localhost:8080 as root with the password $(
  kubectl --namespace cluster-a get secret dragonfly-manager-root --output 'jsonpath={.data.password}' | base64 -d)"
