{{- /*
Values of older charts and of Dragonfly's, translated to those of today in place. Every template begins with it; a
second time there is nothing left to do. What cannot be translated is refused with the name of today.
*/ -}}
{{- define "damselfly.start" -}}
{{- include "damselfly.oldTables" . -}}
{{- include "damselfly.oldContainerRuntime" . -}}
{{- range $name := list "manager" "scheduler" "seedClient" "client" -}}
{{- include "damselfly.oldImage" (dict "root" $ "name" $name "holder" (get $.Values $name)) -}}
{{- end -}}
{{- include "damselfly.oldImage" (dict "root" $ "name" "client.dfinit" "holder" .Values.client.dfinit) -}}
{{- range $name := list "seedClient" "client" -}}
{{- include "damselfly.oldPeerConfig" (dict "name" $name "holder" (get $.Values $name)) -}}
{{- end -}}
{{- include "damselfly.passwords" . -}}
{{- include "damselfly.check" . -}}
{{- end -}}

{{- define "damselfly.oldTables" -}}
{{- $v := .Values -}}
{{- range $old, $today := dict "dfdaemon" "client" "seedPeer" "seedClient" -}}
{{- $table := get $v $old -}}
{{- if $table -}}
{{- $known := keys (get $v $today) -}}
{{- range $key, $_ := $table -}}
{{- if not (has $key (concat $known (list "tag" "pullPolicy" "image"))) -}}
{{- if $_ -}}
{{- fail (printf "\n\n%s.%s is a value of older charts: look for its successor below %s in the values of this chart\n" $old $key $today) -}}
{{- end -}}
{{- $_ := unset $table $key -}}
{{- end -}}
{{- end -}}
{{- $image := get $table "image" -}}
{{- if and $image (kindIs "string" $image) -}}{{- $_ := unset $table "image" -}}{{- end -}}
{{- $tag := get $table "tag" -}}{{- $policy := get $table "pullPolicy" -}}
{{- $_ := unset $table "tag" -}}{{- $_ := unset $table "pullPolicy" -}}
{{- $_ := set $v $today (mergeOverwrite (get $v $today) $table) -}}
{{- if and $image (kindIs "string" $image) -}}{{- $_ := set (get $v $today) "oldImage" (dict "image" $image "tag" $tag "pullPolicy" $policy) -}}{{- end -}}
{{- end -}}
{{- $_ := unset $v $old -}}
{{- end -}}
{{- range $gone := list "trainer" "triton" "injector" -}}
{{- if get (default (dict) (get $v $gone)) "enable" -}}
{{- fail (printf "\n\n%s.enable: there is no %s in this chart; set it to false\n" $gone $gone) -}}
{{- end -}}
{{- end -}}
{{- if get (default (dict) $v.cdn) "enable" -}}
{{- fail "\n\ncdn is of charts before seed peers: write seedClient instead\n" -}}
{{- end -}}
{{- end -}}

{{- /* containerRuntime of older charts switched on what dfinit does today. */ -}}
{{- define "damselfly.oldContainerRuntime" -}}
{{- $old := .Values.containerRuntime -}}
{{- if $old -}}
{{- $runtimes := dict -}}
{{- $containerd := default (dict) $old.containerd -}}
{{- if $containerd.enable -}}
{{- range $key := list "injectRegistryCredencials" "configPathDir" "configFileName" -}}{{- end -}}
{{- if dig "injectRegistryCredencials" "enable" false $containerd -}}
{{- fail "\n\ncontainerRuntime.containerd.injectRegistryCredencials is gone: nodes use their own credentials, which the mirror passes on; set enable to false\n" -}}
{{- end -}}
{{- $registries := list -}}
{{- range default (list) $containerd.registries -}}
{{- $registries = append $registries (dict "hostNamespace" (include "damselfly.registryName" .) "serverAddr" .) -}}
{{- end -}}
{{- $path := printf "%s/%s" (default "/etc/containerd" $containerd.configPathDir | trimSuffix "/") (default "config.toml" $containerd.configFileName) -}}
{{- $_ := set $runtimes "containerd" (dict "configPath" $path "proxyAllRegistries" (empty $registries) "registries" $registries) -}}
{{- end -}}
{{- $crio := default (dict) $old.crio -}}
{{- if $crio.enable -}}
{{- $registries := list -}}
{{- range default (list) $crio.registries -}}
{{- $host := regexReplaceAll "^https?://" . "" | trimSuffix "/" -}}
{{- $registries = append $registries (dict "prefix" (include "damselfly.registryName" .) "location" $host) -}}
{{- end -}}
{{- $_ := set $runtimes "crio" (dict "registries" $registries) -}}
{{- end -}}
{{- if dig "docker" "enable" false $old -}}
{{- fail "\n\ncontainerRuntime.docker is client.dfinit.config.containerRuntime.docker today, with client.dfinit.enable: true; see docs/config/dfinit.md for its keys\n" -}}
{{- end -}}
{{- range $key := list "initContainerImage" "extraInitContainers" -}}
{{- if get $old $key -}}
{{- fail (printf "\n\ncontainerRuntime.%s is gone: write client.dfinit.image for the image that edits nodes\n" $key) -}}
{{- end -}}
{{- end -}}
{{- if $runtimes -}}
{{- $_ := set .Values.client.dfinit "enable" true -}}
{{- $config := deepCopy (default (dict) .Values.client.dfinit.config) -}}
{{- $_ := set .Values.client.dfinit "config" (mergeOverwrite (dict "containerRuntime" $runtimes) $config) -}}
{{- end -}}
{{- end -}}
{{- $_ := unset .Values "containerRuntime" -}}
{{- end -}}

{{- /* How image names write the registry at a URL. */ -}}
{{- define "damselfly.registryName" -}}
{{- $host := regexReplaceAll "^https?://" . "" | trimSuffix "/" -}}
{{- if has $host (list "index.docker.io" "registry-1.docker.io") -}}docker.io{{- else -}}{{ $host }}{{- end -}}
{{- end -}}

{{- /* image and tag as texts; and Dragonfly's images, which are other programs than these templates are for. */ -}}
{{- define "damselfly.oldImage" -}}
{{- $holder := .holder -}}
{{- $old := get $holder "oldImage" -}}
{{- if kindIs "string" $holder.image -}}
{{- $old = dict "image" $holder.image -}}
{{- end -}}
{{- $default := get (dict "manager" "manager" "scheduler" "scheduler" "seedClient" "client" "client" "client" "client.dfinit" "dfinit") .name -}}
{{- if $old -}}
{{- $image := dict "registry" "docker.io" "repository" $old.image "tag" (default (default "" (get $holder "tag")) $old.tag) "digest" "" "pullPolicy" (default (default "IfNotPresent" (get $holder "pullPolicy")) $old.pullPolicy) "pullSecrets" list -}}
{{- if gt (len (splitList "/" $old.image)) 2 -}}{{- $_ := set $image "registry" "" -}}{{- end -}}
{{- $_ := set $holder "image" $image -}}
{{- $_ := unset $holder "oldImage" -}}
{{- else if or (get $holder "tag") (get $holder "pullPolicy") -}}
{{- fail (printf "\n\n%s.tag and %s.pullPolicy belong to image as a text; write %s.image.tag and %s.image.pullPolicy\n" .name .name .name .name) -}}
{{- end -}}
{{- $_ := unset $holder "tag" -}}{{- $_ := unset $holder "pullPolicy" -}}
{{- if hasPrefix "dragonflyoss/" (regexReplaceAll "^docker\\.io/" $holder.image.repository "") -}}
{{- $notes := default (dict) .root.Values.translated -}}
{{- $_ := set $notes (printf "%s.image" .name) (printf "%s:%s is a program of Dragonfly's; damselfly/%s is used instead" $holder.image.repository $holder.image.tag $default) -}}
{{- $_ := set .root.Values "translated" $notes -}}
{{- $_ := set $holder.image "registry" "docker.io" -}}
{{- $_ := set $holder.image "repository" (printf "damselfly/%s" $default) -}}
{{- $_ := set $holder.image "tag" "" -}}{{- $_ := set $holder.image "digest" "" -}}
{{- end -}}
{{- end -}}

{{- /* Keys of peers that older charts wrote. */ -}}
{{- define "damselfly.oldPeerConfig" -}}
{{- $name := .name -}}
{{- $config := default (dict) .holder.config -}}
{{- $manager := default (dict) $config.manager -}}
{{- if hasKey $manager "addrs" -}}
{{- if gt (len $manager.addrs) 1 -}}
{{- fail (printf "\n\n%s.config.manager.addrs: one manager is asked; write %s.config.manager.addr with a name that leads to all of them\n" $name $name) -}}
{{- end -}}
{{- range $manager.addrs -}}{{- $_ := set $manager "addr" . -}}{{- end -}}
{{- $_ := unset $manager "addrs" -}}
{{- end -}}
{{- if hasKey $config "pprofPort" -}}
{{- if gt (int $config.pprofPort) 0 -}}
{{- $_ := set $config "stats" (mergeOverwrite (default (dict) $config.stats) (dict "server" (dict "port" $config.pprofPort))) -}}
{{- end -}}
{{- $_ := unset $config "pprofPort" -}}
{{- end -}}
{{- $old := dig "scheduler" "manager" (dict) $config -}}
{{- if $old -}}
{{- $rest := omit $old "enable" "netAddrs" "seedPeer" "refreshInterval" -}}
{{- if $rest -}}{{- include "damselfly.refuseOldKey" (list $name (printf "scheduler.manager.%s" (keys $rest | first))) -}}{{- end -}}
{{- if gt (len (default (list) $old.netAddrs)) 1 -}}
{{- fail (printf "\n\n%s.config.scheduler.manager.netAddrs: one manager is asked; write %s.config.manager.addr with a name that leads to all of them\n" $name $name) -}}
{{- end -}}
{{- range $old.netAddrs -}}{{- $_ := set $config "manager" (dict "addr" (printf "http://%s" .addr)) -}}{{- end -}}
{{- with $old.refreshInterval -}}{{- $_ := set $config "dynconfig" (dict "refreshInterval" .) -}}{{- end -}}
{{- with $old.seedPeer -}}
{{- $rest := omit . "enable" "type" "clusterID" "keepAlive" -}}
{{- if $rest -}}{{- include "damselfly.refuseOldKey" (list $name (printf "scheduler.manager.seedPeer.%s" (keys $rest | first))) -}}{{- end -}}
{{- $_ := set $config "seedPeer" (pick . "enable" "type" "clusterID") -}}
{{- end -}}
{{- $_ := unset $config.scheduler "manager" -}}
{{- end -}}
{{- $today := splitList " " (include "damselfly.peerTables" .) -}}
{{- range $key, $_ := $config -}}
{{- if not (has $key $today) -}}{{- include "damselfly.refuseOldKey" (list $name $key) -}}{{- end -}}
{{- end -}}
{{- $_ := set .holder "config" $config -}}
{{- end -}}

{{- define "damselfly.refuseOldKey" -}}
{{- fail (printf "\n\n%s.config.%s is a key of older peers: write the config into a file, let `damselfly config convert` say what became of its keys, and write those as %s.config\n" (index . 0) (index . 1) (index . 0)) -}}
{{- end -}}

{{- /* Passwords that nobody wrote: those of the last time, or new ones by chance. */ -}}
{{- define "damselfly.passwords" -}}
{{- $root := . -}}
{{- $v := .Values -}}
{{- include "damselfly.password" (dict "root" $root "holder" $v.mysql.auth "key" "password" "secret" "mysql" "secretKey" "mysql-password") -}}
{{- include "damselfly.password" (dict "root" $root "holder" $v.mysql.auth "key" "rootPassword" "secret" "mysql" "secretKey" "mysql-root-password") -}}
{{- if $v.redis.auth.enabled -}}
{{- include "damselfly.password" (dict "root" $root "holder" $v.redis.auth "key" "password" "secret" "redis" "secretKey" "redis-password") -}}
{{- end -}}
{{- $_ := set $v.manager "initialRootPassword" (default (dict) $v.manager.initialRootPassword) -}}
{{- include "damselfly.password" (dict "root" $root "holder" $v.manager.initialRootPassword "key" "value" "secret" "manager-root" "secretKey" "password") -}}
{{- end -}}

{{- define "damselfly.password" -}}
{{- if not (get .holder .key) -}}
{{- $name := printf "%s-%s" (include "damselfly.fullname" .root) .secret -}}
{{- $kept := lookup "v1" "Secret" (include "damselfly.namespace" .root) $name -}}
{{- $old := dig "data" .secretKey "" (default (dict) $kept) -}}
{{- $_ := set .holder .key (ternary ($old | b64dec) (randAlphaNum 24) (ne $old "")) -}}
{{- end -}}
{{- end -}}

{{- /* What no component could notice by itself. */ -}}
{{- define "damselfly.check" -}}
{{- $v := .Values -}}
{{- $database := or $v.mysql.enable $v.externalMysql.host (dig "database" "type" "" (default (dict) $v.manager.config)) (dig "database" "mysql" "" (default (dict) $v.manager.config)) -}}
{{- if and $v.manager.enable (gt (int $v.manager.replicas) 1) (not $database) (not $v.manager.existingConfigSecret) -}}
{{- fail "\n\nmanager.replicas: several managers share a database: set mysql.enable, or externalMysql.host, or replicas: 1 for SQLite\n" -}}
{{- end -}}
{{- range list (list "manager" "server.rest.addr" "manager.restPort") (list "manager" "server.grpc.port" "manager.grpcPort") (list "scheduler" "server.port" "scheduler.containerPort") (list "manager" "metrics.addr" "nothing, the port is 8000") (list "scheduler" "metrics.addr" "nothing, the port is 8000") -}}
{{- $at := default (dict) (get (get $v (index . 0)) "config") -}}
{{- range splitList "." (index . 1) -}}{{- $at = ternary (get (ternary $at (dict) (kindIs "map" $at)) .) nil (kindIs "map" $at) -}}{{- end -}}
{{- if $at -}}{{- fail (printf "\n\n%s.config.%s: the chart makes services for this port; write %s instead\n" (index . 0) (index . 1) (index . 2)) -}}{{- end -}}
{{- end -}}
{{- $used := include "damselfly.managerAddress" . -}}
{{- range $name := list "scheduler" "seedClient" "client" -}}
{{- $c := get $v $name -}}
{{- if and $c.enable (not $used) (not $c.existingConfigSecret) (not (dig "manager" "addr" "" (default (dict) $c.config))) -}}
{{- fail (printf "\n\nmanager.enable is false and nobody says where there is a manager: set externalManager.host, or %s.config.manager.addr\n" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
