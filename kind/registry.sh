#!/bin/sh
# Starts a registry beside the kind cluster and puts images of this machine's Docker into it, for use without internet.
set -eu
if [ $# -eq 0 ]; then
  echo "usage: registry.sh IMAGE..., such as registry.sh alpine:3.19" >&2
  exit 2
fi
docker inspect registry.local >/dev/null 2>&1 ||
  docker run --detach --name registry.local --network kind --publish 127.0.0.1:5000:5000 registry:2
for image; do
  docker tag "$image" "localhost:5000/$image"
  docker push "localhost:5000/$image"
  echo "registry.local:5000/$image"
done
