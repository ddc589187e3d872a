{{- /* What the pods of all components have alike. dict "root" $ "c" .Values.manager "component" "manager". */ -}}

{{- define "damselfly.podMetadata" -}}
labels:
  {{- include "damselfly.labels" . | nindent 2 }}
  {{- with .c.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ .file | sha256sum }}
  {{- with .c.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "damselfly.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with concat (default (list) .root.Values.global.imagePullSecrets) (default (list) .c.image.pullSecrets) }}
imagePullSecrets:
  {{- range . }}
  - {{ ternary (dict "name" .) . (kindIs "string" .) | toYaml }}
  {{- end }}
{{- end }}
{{- if .c.hostNetwork }}
hostNetwork: true
dnsPolicy: ClusterFirstWithHostNet
{{- end }}
{{- with .c.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .c.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ int . }}
{{- end }}
{{- $nodes := merge (dict) (default (dict) .c.nodeSelector) (default (dict) .root.Values.global.nodeSelector) }}
{{- with $nodes }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $key := list "tolerations" "affinity" "topologySpreadConstraints" "hostAliases" }}
{{- with get $.c $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Rights of a pod; in a folder of a node only root may write. */ -}}
{{- define "damselfly.podSecurity" -}}
{{- $context := .c.podSecurityContext -}}
{{- if dig "persistence" "hostPath" (dict) .c -}}
{{- $context = merge (dict "runAsNonRoot" false "runAsUser" 0 "runAsGroup" 0) (omit $context "fsGroup") -}}
{{- end -}}
{{- with $context }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "damselfly.container" -}}
image: {{ include "damselfly.image" (dict "root" .root "image" .c.image) }}
imagePullPolicy: {{ .c.image.pullPolicy }}
{{- with .c.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .c.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Its probes, which all ask the same: dict "c" .Values.manager "ask" {httpGet: {…}}. */ -}}
{{- define "damselfly.probes" -}}
{{- range $name := list "startupProbe" "livenessProbe" "readinessProbe" }}
{{- $probe := default (dict) (get $.c $name) }}
{{- if ne (get $probe "enable" | toString) "false" }}
{{ $name }}:
  {{- toYaml (merge (dict) (omit $probe "enable") $.ask) | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "damselfly.podEnv" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
- name: NODE_NAME
  valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
{{- with .c.extraEnvVars }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The Secret with a component's file. */ -}}
{{- define "damselfly.configSecret" -}}
{{- default (include "damselfly.object" .) .c.existingConfigSecret -}}
{{- end -}}

{{- define "damselfly.secretOfFile" -}}
{{- if not .c.existingConfigSecret -}}
apiVersion: v1
kind: Secret
metadata:
  {{- include "damselfly.metadata" . | nindent 2 }}
stringData:
  {{ .name }}: |
    {{- .file | nindent 4 }}
{{- end -}}
{{- end -}}

{{- /* A claim for what is kept: dict "root" $ "persistence" {}. */ -}}
{{- define "damselfly.claimSpec" -}}
accessModes:
  {{- toYaml .persistence.accessModes | nindent 2 }}
resources:
  requests:
    storage: {{ .persistence.size }}
{{- with default .root.Values.global.storageClass .persistence.storageClass }}
storageClassName: {{ ternary "" . (eq . "-") | quote }}
{{- end }}
{{- end -}}
