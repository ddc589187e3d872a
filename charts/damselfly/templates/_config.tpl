{{- /* The files of the components: what the chart knows of its own values, and over it what `config` says. */ -}}

{{- define "damselfly.tracing" -}}
{{- if .Values.jaeger.enable -}}
tracing:
  protocol: grpc
  endpoint: {{ include "damselfly.fullname" . }}-jaeger-collector.{{ include "damselfly.namespace" . }}.svc.{{ .Values.clusterDomain }}:4317
{{- end -}}
{{- end -}}

{{- /* What is written of Redis, here or elsewhere, as manager and scheduler take it; empty without one. */ -}}
{{- define "damselfly.redis" -}}
{{- $v := .Values -}}
{{- if $v.redis.enable -}}
addrs: [{{ include "damselfly.fullname" . }}-redis-master.{{ include "damselfly.namespace" . }}.svc.{{ $v.clusterDomain }}:6379]
{{- if $v.redis.auth.enabled }}
password: {{ $v.redis.auth.password | quote }}
{{- end }}
{{- else if $v.externalRedis.addrs -}}
{{- $known := pick $v.externalRedis "addrs" "masterName" "username" "password" "sentinelUsername" "sentinelPassword" "db" "brokerDB" "backendDB" -}}
{{- if $v.externalRedis.tls }}{{- $_ := set $known "tls" $v.externalRedis.tls }}{{- end -}}
{{- toYaml $known }}
{{- end -}}
{{- end -}}

{{- /* A component's own file wins over what is around it: dict "base" {} "config" {}. */ -}}
{{- define "damselfly.merged" -}}
{{- mergeOverwrite .base (deepCopy (default (dict) .config)) | toYaml -}}
{{- end -}}

{{- define "damselfly.managerConfig" -}}
{{- $v := .Values -}}
{{- $server := dict "grpc" (dict "port" (int $v.manager.grpcPort)) "rest" (dict "addr" (printf ":%d" (int $v.manager.restPort))) -}}
{{- $base := dict "server" $server "metrics" (dict "enable" $v.manager.metrics.enable "addr" ":8000") -}}
{{- $database := dict -}}
{{- if $v.mysql.enable -}}
{{- $host := printf "%s-mysql.%s.svc.%s" (include "damselfly.fullname" .) (include "damselfly.namespace" .) $v.clusterDomain -}}
{{- $_ := set $database "type" "mysql" -}}
{{- $_ := set $database "mysql" (dict "user" $v.mysql.auth.username "password" $v.mysql.auth.password "host" $host "port" 3306 "dbname" $v.mysql.auth.database "migrate" $v.mysql.migrate) -}}
{{- else if $v.externalMysql.host -}}
{{- $e := $v.externalMysql -}}
{{- $_ := set $database "type" "mysql" -}}
{{- $_ := set $database "mysql" (dict "user" $e.username "password" $e.password "host" $e.host "port" (int $e.port) "dbname" $e.database "migrate" $e.migrate) -}}
{{- end -}}
{{- with include "damselfly.redis" . | fromYaml -}}{{- $_ := set $database "redis" . -}}{{- end -}}
{{- if $database -}}{{- $_ := set $base "database" $database -}}{{- end -}}
{{- $base = mergeOverwrite $base (include "damselfly.tracing" . | fromYaml) -}}
{{- include "damselfly.merged" (dict "base" $base "config" $v.manager.config) -}}
{{- end -}}

{{- define "damselfly.schedulerConfig" -}}
{{- $v := .Values -}}
{{- $metrics := dict "enable" $v.scheduler.metrics.enable "addr" ":8000" "enableHost" $v.scheduler.metrics.enableHost -}}
{{- $base := dict "server" (dict "port" (int $v.scheduler.containerPort)) "metrics" $metrics -}}
{{- with include "damselfly.managerAddress" . -}}{{- $_ := set $base "manager" (dict "addr" .) -}}{{- end -}}
{{- with omit (include "damselfly.redis" . | fromYaml) "db" -}}{{- $_ := set $base "database" (dict "redis" .) -}}{{- end -}}
{{- $base = mergeOverwrite $base (include "damselfly.tracing" . | fromYaml) -}}
{{- include "damselfly.merged" (dict "base" $base "config" $v.scheduler.config) -}}
{{- end -}}

{{- define "damselfly.peerBase" -}}
{{- with include "damselfly.managerAddress" . }}
manager:
  addr: http://{{ . }}
{{- end }}
{{ include "damselfly.tracing" . }}
{{- end -}}

{{- /* Seed peers are those of the schedulers beside them, wherever a scope of the manager would send them. */ -}}
{{- define "damselfly.seedClientConfig" -}}
{{- $base := include "damselfly.peerBase" . | fromYaml -}}
{{- $_ := set $base "seedPeer" (dict "enable" true) -}}
{{- $cluster := dig "manager" "schedulerClusterID" 1 (default (dict) .Values.scheduler.config) -}}
{{- if .Values.scheduler.enable -}}{{- $_ := set $base "host" (dict "schedulerClusterID" (int $cluster)) -}}{{- end -}}
{{- include "damselfly.merged" (dict "base" $base "config" .Values.seedClient.config) -}}
{{- end -}}

{{- /* In a network of its own, the mirror's port of the node leads to the pod's address. */ -}}
{{- define "damselfly.clientConfig" -}}
{{- $base := include "damselfly.peerBase" . | fromYaml -}}
{{- if not .Values.client.hostNetwork -}}{{- $_ := set $base "proxy" (dict "server" (dict "ip" "0.0.0.0")) -}}{{- end -}}
{{- include "damselfly.merged" (dict "base" $base "config" .Values.client.config) -}}
{{- end -}}

{{- /* dfinit.yaml; without a runtime it is containerd. The mirror is asked at the port that the client listens on. */ -}}
{{- define "damselfly.dfinitConfig" -}}
{{- $port := dig "proxy" "server" "port" 4001 (default (dict) .Values.client.config) -}}
{{- $base := dict "proxy" (dict "addr" (printf "http://127.0.0.1:%d" (int $port))) -}}
{{- $config := mergeOverwrite $base (deepCopy (default (dict) .Values.client.dfinit.config)) -}}
{{- $runtimes := dict -}}
{{- range $name, $runtime := default (dict) $config.containerRuntime -}}
{{- if not (kindIs "invalid" $runtime) -}}{{- $_ := set $runtimes $name $runtime -}}{{- end -}}
{{- end -}}
{{- if not $runtimes -}}{{- $_ := set $runtimes "containerd" dict -}}{{- end -}}
{{- $_ := set $config "containerRuntime" $runtimes -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* The port that a file of a peer names: dict "config" {} "table" "upload" "key" "port" "default" 4000. */ -}}
{{- define "damselfly.peerPort" -}}
{{- $server := dig .table "server" (dict) (default (dict) .config) -}}
{{- int (default .default (get $server .key)) -}}
{{- end -}}
