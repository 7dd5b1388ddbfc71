{{- define "kiwi.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "kiwi.labels" -}}
app.kubernetes.io/name: kiwi
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "kiwi.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "kiwi.containerSecurity" -}}
runAsNonRoot: true
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "kiwi.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* The variables of the ConfigMap: what the values set, and what the chart alone knows. */}}
{{- define "kiwi.settings" -}}
{{- range $name, $value := .Values.settings }}
KIWI_{{ upper $name }}: {{ if kindIs "string" $value }}{{ quote $value }}{{ else }}{{ toJson $value | quote }}{{ end }}
{{- end }}
KIWI_API_BIND: 0.0.0.0:8000
KIWI_API_URL: http://kiwi-api.{{ .Release.Namespace }}
KIWI_RUNTIME: kubernetes
KIWI_IMAGE: {{ include "kiwi.image" . | quote }}
KIWI_NAMESPACE: {{ .Release.Namespace }}
KIWI_SCRATCH_DIR: /tmp
{{- end }}

{{/* A database address by role, as a reference: no manifest holds a password. */}}
{{- define "kiwi.databaseUrl" -}}
name: KIWI_DATABASE_URL
valueFrom: {secretKeyRef: {name: kiwi-database, key: {{ . }}}}
{{- end }}
