{{- /* The chart's name in names of objects. */ -}}
{{- define "damselfly.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* First part of all names: the release's name where it says what it is, as with Dragonfly's chart. */ -}}
{{- define "damselfly.fullname" -}}
{{- $name := include "damselfly.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if or (contains $name .Release.Name) (contains "dragonfly" .Release.Name) -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "damselfly.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- /* The name of a component's objects: dict "root" $ "c" .Values.manager. */ -}}
{{- define "damselfly.object" -}}
{{- if .c.fullnameOverride -}}
{{- .c.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" (include "damselfly.fullname" .root) (default .c.name .c.nameOverride) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* What the pods of a component are found by: dict "root" $ "component" "manager". As in Dragonfly's chart. */ -}}
{{- define "damselfly.selector" -}}
app: {{ include "damselfly.fullname" .root }}
release: {{ .root.Release.Name }}
component: {{ .component }}
{{- end -}}

{{- define "damselfly.labels" -}}
{{ include "damselfly.selector" . }}
heritage: {{ .root.Release.Service }}
app.kubernetes.io/name: {{ include "damselfly.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* metadata of an object: dict "root" $ "c" .Values.manager "component" "manager" "suffix" "-metrics" "labels" {} "annotations" {}. */ -}}
{{- define "damselfly.metadata" -}}
name: {{ include "damselfly.object" . }}{{ default "" .suffix }}
namespace: {{ include "damselfly.namespace" .root }}
labels:
  {{- include "damselfly.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* The reference of an image: dict "root" $ "image" .Values.manager.image. */ -}}
{{- define "damselfly.image" -}}
{{- $registry := default .image.registry .root.Values.global.imageRegistry -}}
{{- $name := .image.repository -}}
{{- if $registry }}{{ $name = printf "%s/%s" $registry $name }}{{ end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .root.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "damselfly.host" -}}
{{- printf "%s.%s.svc.%s" (include "damselfly.object" .) (include "damselfly.namespace" .root) .root.Values.clusterDomain -}}
{{- end -}}

{{- /* host:port of the manager, of this release or elsewhere; empty where there is none. */ -}}
{{- define "damselfly.managerAddress" -}}
{{- if .Values.manager.enable -}}
{{- printf "%s:%d" (include "damselfly.host" (dict "root" . "c" .Values.manager)) (int .Values.manager.grpcPort) -}}
{{- else if .Values.externalManager.host -}}
{{- printf "%s:%d" .Values.externalManager.host (int .Values.externalManager.grpcPort) -}}
{{- end -}}
{{- end -}}
