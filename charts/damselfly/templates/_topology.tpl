{{- /* Writes the file of a peer anew with the place of its node. The account's token goes to this container alone. */ -}}
{{- define "damselfly.topologyContainer" -}}
- name: topology
  image: {{ include "damselfly.image" (dict "root" .root "image" .c.image) }}
  imagePullPolicy: {{ .c.image.pullPolicy }}
  command:
    - /usr/bin/dfctl
    - kubernetes
    - place
    - --server=https://kubernetes.default.svc.{{ .root.Values.clusterDomain }}
    - --node=$(NODE_NAME)
    - --config=/etc/dragonfly/dfdaemon.yaml
    - --output=/run/damselfly/dfdaemon.yaml
  env:
    - name: NODE_NAME
      valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
  {{- with .c.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    - {name: config, mountPath: /etc/dragonfly, readOnly: true}
    - {name: run, mountPath: /run/damselfly}
    - {name: tmp, mountPath: /tmp}
    - {name: token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end -}}

{{- /* What Kubernetes mounts of a service account by itself, for the one container that asks the API server. */ -}}
{{- define "damselfly.tokenVolume" -}}
- name: token
  projected:
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3600}
      - configMap:
          name: kube-root-ca.crt
          items: [{key: ca.crt, path: ca.crt}]
{{- end -}}
