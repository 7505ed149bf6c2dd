{{- define "tidemark.labels" -}}
{{ include "tidemark.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "tidemark.selector" -}}
app.kubernetes.io/name: tidemark
app.kubernetes.io/component: controller
{{- end }}

{{- define "tidemark.image" -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}

{{- define "tidemark.subject" -}}
- kind: ServiceAccount
  name: tidemark
  namespace: {{ .Release.Namespace }}
{{- end }}
