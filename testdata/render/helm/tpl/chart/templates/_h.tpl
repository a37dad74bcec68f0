{{- define "tpl.note" -}}from {{ .Chart.Name | upper }}{{- end -}}
{{- define "tpl.tree" -}}
{{- $n := int .n -}}
{{- if gt $n 0 -}}
l{{ $n }}{{ include "tpl.tree" (dict "n" (sub $n 1)) }}
{{- end -}}
{{- end -}}
