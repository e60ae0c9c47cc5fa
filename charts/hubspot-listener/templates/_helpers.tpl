{{/* Name of the operator, a label. Not "hubspot-listener": that is what listeners' pods are called. */}}
{{- define "hubspot-listener.name" -}}
{{- .Values.nameOverride | default "hubspot-listener-operator" | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of the operator's objects. 53 characters: a pod's name adds ten. */}}
{{- define "hubspot-listener.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "hubspot-listener.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else if eq .Release.Name .Chart.Name -}}
{{- $name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "hubspot-listener.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "hubspot-listener.fullname" .) -}}
{{- end -}}

{{/* What selects the operator's pods; never changes between versions. */}}
{{- define "hubspot-listener.selectorLabels" -}}
app.kubernetes.io/name: {{ include "hubspot-listener.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hubspot-listener.labels" -}}
{{ include "hubspot-listener.selectorLabels" . }}
app.kubernetes.io/component: operator
{{ include "hubspot-listener.commonLabels" . }}
{{- end -}}

{{- define "hubspot-listener.commonLabels" -}}
app.kubernetes.io/part-of: hubspot-listener
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Name of the console's objects. 53 characters, as above. */}}
{{- define "hubspot-listener.consoleName" -}}
{{- printf "%s-console" (include "hubspot-listener.fullname" . | trunc 45 | trimSuffix "-") -}}
{{- end -}}

{{/* What selects the console's pods: a name of its own, so that no selector of the operator finds them. */}}
{{- define "hubspot-listener.consoleSelectorLabels" -}}
app.kubernetes.io/name: {{ printf "%s-console" (include "hubspot-listener.name" . | trunc 45 | trimSuffix "-") }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hubspot-listener.consoleLabels" -}}
{{ include "hubspot-listener.consoleSelectorLabels" . }}
app.kubernetes.io/component: console
{{ include "hubspot-listener.commonLabels" . }}
{{- end -}}

{{/* What the operator puts on all that it makes for a listener. */}}
{{- define "hubspot-listener.listenerLabels" -}}
app.kubernetes.io/name: hubspot-listener
app.kubernetes.io/managed-by: hubspot-listener-operator
{{- end -}}

{{/* Reference of an image: repository and digest, or repository and tag. Takes (dict "image" .. "root" $). */}}
{{- define "hubspot-listener.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}
