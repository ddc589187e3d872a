#!/bin/sh
# Makes cluster 2 in the manager, for peers of the data centre cluster-2; the console's Clusters page does the same.
set -eu
manager=${MANAGER:-http://localhost:8080}
password=$(kubectl --namespace cluster-a get secret dragonfly-manager-root --output 'jsonpath={.data.password}' | base64 -d)
token=$(curl --silent --show-error --fail-with-body "$manager/api/v1/users/signin" --header 'content-type: application/json' \
  --data "{\"name\":\"root\",\"password\":\"$password\"}" | sed -E 's/.*"token":"([^"]*)".*/\1/')
curl --silent --show-error --fail-with-body "$manager/api/v1/clusters" --header "authorization: Bearer $token" \
  --header 'content-type: application/json' --data '{
    "name": "cluster-2",
    "scopes": {"idc": "cluster-2"},
    "scheduler_cluster_config": {"candidate_parent_limit": 4, "filter_parent_limit": 15, "job_rate_limit": 10},
    "seed_peer_cluster_config": {"load_limit": 2000},
    "peer_cluster_config": {"load_limit": 200},
    "is_default": false
  }'
echo
