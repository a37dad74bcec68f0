{{- define "common.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .Values.name }}
  labels: {from: {{ .Template.BasePath | quote }}}
spec:
  ports: [{port: 80}]
{{- end -}}
