{{- /* The service before a component: dict "root" $ "c" … "component" … "ports" [[name, port], …]. */ -}}
{{- define "damselfly.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "damselfly.metadata" (merge (dict "labels" .c.service.labels "annotations" .c.service.annotations) .) | nindent 2 }}
spec:
  type: {{ .c.service.type }}
  {{- with .c.service.clusterIP }}
  clusterIP: {{ . }}
  {{- end }}
  selector:
    {{- include "damselfly.selector" . | nindent 4 }}
  ports:
    {{- range $i, $port := .ports }}
    - name: {{ index $port 0 }}
      port: {{ index $port 1 }}
      targetPort: {{ index $port 0 }}
      {{- if and (eq $i 0) (has $.c.service.type (list "NodePort" "LoadBalancer")) $.c.service.nodePort }}
      nodePort: {{ int $.c.service.nodePort }}
      {{- end }}
    {{- end }}
{{- end -}}

{{- /* What collects the metrics of a component: dict "root" $ "c" … "component" … "port" 8000. */ -}}
{{- define "damselfly.metricsObjects" -}}
{{- $metrics := .c.metrics }}
{{- if $metrics.enable }}
apiVersion: v1
kind: Service
metadata:
  {{- include "damselfly.metadata" (merge (dict "suffix" "-metrics" "labels" (merge (dict "metrics" "true") (default (dict) $metrics.service.labels)) "annotations" $metrics.service.annotations) .) | nindent 2 }}
spec:
  type: {{ $metrics.service.type }}
  selector:
    {{- include "damselfly.selector" . | nindent 4 }}
  ports:
    - name: http-metrics
      port: {{ .port }}
      targetPort: http-metrics
{{- if $metrics.serviceMonitor.enable }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "damselfly.metadata" (merge (dict "labels" $metrics.serviceMonitor.additionalLabels) .) | nindent 2 }}
spec:
  endpoints:
    - port: http-metrics
      path: /metrics
      interval: {{ $metrics.serviceMonitor.interval }}
      scrapeTimeout: {{ $metrics.serviceMonitor.scrapeTimeout }}
  namespaceSelector:
    matchNames: [{{ include "damselfly.namespace" .root }}]
  selector:
    matchLabels:
      {{- include "damselfly.selector" . | nindent 6 }}
      metrics: "true"
{{- end }}
{{- if $metrics.prometheusRule.enable }}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  {{- include "damselfly.metadata" (merge (dict "labels" $metrics.prometheusRule.additionalLabels) .) | nindent 2 }}
spec:
  groups:
    - name: {{ include "damselfly.object" . }}
      rules:
        {{- toYaml $metrics.prometheusRule.rules | nindent 8 }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Who may be away, and what may be reached: dict "root" $ "c" … "component" … "open" [8080, …]. */ -}}
{{- define "damselfly.guards" -}}
{{- $budget := .c.podDisruptionBudget }}
{{- if and $budget $budget.enable (gt (int .c.replicas) 1) }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "damselfly.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ if kindIs "string" $budget.maxUnavailable }}{{ $budget.maxUnavailable }}{{ else }}{{ int $budget.maxUnavailable }}{{ end }}
  selector:
    matchLabels:
      {{- include "damselfly.selector" . | nindent 6 }}
---
{{- end }}
{{- if and .root.Values.networkPolicy.enable (not .c.hostNetwork) }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "damselfly.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "damselfly.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports:
        {{- range .open }}
        - port: {{ . }}
        {{- end }}
{{- end }}
{{- end -}}
