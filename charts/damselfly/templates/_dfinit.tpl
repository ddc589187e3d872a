{{- /* What edits the container runtime of a node, and what has it restarted: dict "root" $ "args" ["apply"] "mayRestart" true. */ -}}
{{- define "damselfly.dfinitContainers" -}}
{{- $c := .root.Values.client.dfinit -}}
- name: dfinit
  image: {{ include "damselfly.image" (dict "root" .root "image" $c.image) }}
  imagePullPolicy: {{ $c.image.pullPolicy }}
  args: [{{ range .args }}{{ . }}, {{ end }}--config, /etc/dragonfly/dfinit.yaml, --root, /host, --restart-file, /run/damselfly/restart]
  {{- include "damselfly.nodeRights" (list "CHOWN" "DAC_OVERRIDE" "FOWNER") | nindent 2 }}
  resources:
    {{- toYaml $c.resources | nindent 4 }}
  volumeMounts:
    - {name: dfinit, mountPath: /etc/dragonfly, readOnly: true}
    - {name: host, mountPath: /host}
    - {name: run, mountPath: /run/damselfly}
{{- if .mayRestart }}
- name: restart-container-runtime
  image: {{ include "damselfly.image" (dict "root" .root "image" $c.image) }}
  imagePullPolicy: {{ $c.image.pullPolicy }}
  # Only what dfinit says has to be restarted; systemd does it, and nobody waits, for this pod may be in its way.
  command:
    - /bin/sh
    - -c
    - |
      while read -r verb unit; do
        echo "The configuration of $unit was changed: $verb"
        chroot /host systemctl --no-block "$verb" "$unit" ||
          echo "Cannot $verb $unit by systemctl: until somebody does, this node pulls as before" | tee -a /dev/termination-log
      done </run/damselfly/restart
  {{- include "damselfly.nodeRights" (list "DAC_OVERRIDE" "SYS_CHROOT") | nindent 2 }}
  resources:
    {{- toYaml $c.resources | nindent 4 }}
  volumeMounts:
    - {name: host, mountPath: /host}
    - {name: run, mountPath: /run/damselfly, readOnly: true}
{{- end }}
{{- end -}}

{{- /* Rights of a container that writes files of the node: not privileged, but let through by SELinux. */ -}}
{{- define "damselfly.nodeRights" -}}
securityContext:
  runAsUser: 0
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  seLinuxOptions: {type: spc_t}
  capabilities:
    drop: [ALL]
    add: [{{ join ", " . }}]
{{- end -}}
