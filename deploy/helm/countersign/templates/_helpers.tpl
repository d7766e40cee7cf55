{{- define "countersign.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end -}}
{{- end }}

{{- define "countersign.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "countersign.labels" -}}
{{ include "countersign.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "countersign.classification" -}}
{{- .Values.classification.existingConfigMap | default (printf "%s-classification" (include "countersign.name" .)) -}}
{{- end }}

{{/* What the chart knows better than whoever writes `config`: where things are in the pod. */}}
{{- define "countersign.config" -}}
{{- $audit := merge (dict "dir" "/var/lib/countersign/audit") (.Values.config.audit | default dict) -}}
{{- $http := merge (dict "listen" "0.0.0.0:6480") (.Values.config.http | default dict) -}}
{{- $own := dict "listen" "0.0.0.0:6432" "http" $http "classification" "/etc/countersign/classification" "audit" $audit -}}
{{- if .Values.tls.secretName -}}
{{- $files := dict "cert" "/etc/countersign/tls/tls.crt" "key" "/etc/countersign/tls/tls.key" "required" .Values.tls.required -}}
{{- $own = set $own "tls" (merge $files (.Values.config.tls | default dict)) -}}
{{- end -}}
{{- toYaml (merge $own (deepCopy .Values.config)) -}}
{{- end }}
