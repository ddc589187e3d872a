{{- /* The container of a peer, of a node or a seed: dict "root" $ "c" … "component" … "file" "…" "container" "client". */ -}}
{{- define "damselfly.peerContainer" -}}
{{- $config := .file | fromYaml -}}
{{- $c := .c -}}
{{- $host := dig "host" (dict) $config -}}
- name: {{ .container }}
  {{- include "damselfly.container" . | nindent 2 }}
  {{- if not $c.existingConfigSecret }}
  args:
    {{- if dig "topology" "enable" false $c }}
    - --config=/run/damselfly/dfdaemon.yaml
    {{- end }}
    {{- if not (get $host "ip") }}
    - --set=host.ip=$(POD_IP)
    {{- end }}
    {{- if not (get $host "hostname") }}
    - --set=host.hostname=$({{ ternary "POD_NAME" "NODE_NAME" (eq .container "seed-client") }})
    {{- end }}
  {{- end }}
  env:
    {{- include "damselfly.podEnv" . | nindent 4 }}
  ports:
    {{- range $port := list (list "upload" "upload" "port" 4000) (list "http-proxy" "proxy" "port" 4001) (list "http-metrics" "metrics" "port" 4002) (list "health" "health" "port" 4003) (list "stats" "stats" "port" 4004) (list "tcp" "storage" "tcpPort" 4005) }}
    {{- $number := include "damselfly.peerPort" (dict "config" $config "table" (index $port 1) "key" (index $port 2) "default" (index $port 3)) }}
    - name: {{ index $port 0 }}
      containerPort: {{ $number }}
      {{- if and (eq $.container "client") (not $c.hostNetwork) (eq (index $port 0) "http-proxy") }}
      hostPort: {{ $number }}
      hostIP: 127.0.0.1
      {{- end }}
    {{- end }}
  {{- include "damselfly.probes" (dict "c" $c "ask" (dict "httpGet" (dict "path" "/healthy" "port" "health"))) | nindent 2 }}
  volumeMounts:
    - {name: config, mountPath: /etc/dragonfly, readOnly: true}
    - {name: storage, mountPath: /var/lib/dragonfly, subPath: content}
    - {name: storage, mountPath: /var/cache/dragonfly, subPath: cache}
    - {name: socket, mountPath: /var/run/dragonfly}
    - {name: tmp, mountPath: /tmp}
    {{- if dig "topology" "enable" false $c }}
    - {name: run, mountPath: /run/damselfly}
    {{- end }}
    {{- range $c.extraVolumeMounts }}
    {{- /* Charts of Dragonfly mount these two here; ours does so by itself. */}}
    {{- if not (has .name (list "storage" "logs")) }}
    - {{ toYaml . | nindent 6 | trim }}
    {{- end }}
    {{- end }}
{{- end -}}

{{- /* Volumes of somebody's values, but for the two that Dragonfly's charts name there. */ -}}
{{- define "damselfly.peerExtraVolumes" -}}
{{- range .c.extraVolumes }}
{{- if not (has .name (list "storage" "logs")) }}
- {{ toYaml . | nindent 2 | trim }}
{{- end }}
{{- end }}
{{- end -}}
