{{- define "zookeeper.labels" -}}
app.kubernetes.io/name: zookeeper
app.kubernetes.io/part-of: kiwi
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "zookeeper.configuration" -}}
dataDir=/data
clientPort=2181
# Ticks of half a second admit sessions of 1 to 60 seconds, so that a dead holder's lock is free soon.
tickTime=500
minSessionTimeout=1000
maxSessionTimeout=60000
initLimit=40
syncLimit=20
maxClientCnxns=500
autopurge.snapRetainCount=3
autopurge.purgeInterval=1
admin.enableServer=false
standaloneEnabled=false
quorumListenOnAllIPs=true
4lw.commands.whitelist=srvr,ruok
{{- range $member := until (int .Values.members) }}
server.{{ add1 $member }}=zookeeper-{{ $member }}.zookeeper-members.{{ $.Release.Namespace }}.svc:2888:3888
{{- end }}
{{- end }}

{{/* Asks the member itself one of its four-letter words: bash is in every image, nc is not. */}}
{{- define "zookeeper.ask" -}}
exec:
  command: [bash, -c, 'exec 3<>/dev/tcp/127.0.0.1/2181; printf {{ .word }} >&3; timeout 3 grep -q "{{ .answer }}" <&3']
timeoutSeconds: 5
{{- end }}
