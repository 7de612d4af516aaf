{{/* Labels of an object; call with the component's name. */}}
{{- define "steppe.labels" -}}
app.kubernetes.io/name: steppe-control-plane
app.kubernetes.io/component: {{ . }}
app.kubernetes.io/part-of: steppe
{{- end }}

{{/* What a component's pods are selected by. Never changes: a Deployment's selector is immutable. */}}
{{- define "steppe.selector" -}}
app.kubernetes.io/name: steppe-control-plane
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* Name, place and labels of an object; call with a list: the root, the object's name, the component. */}}
{{- define "steppe.metadata" -}}
name: {{ index . 1 }}
namespace: {{ (index . 0).Values.namespace }}
labels:
  {{- include "steppe.labels" (index . 2) | nindent 2 }}
{{- end }}

{{/* What the pods of all programs have in common. None asks the API server of the cluster that it runs in for anything. */}}
{{- define "steppe.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{/* Replicas of one program should not fall with one node. */}}
{{- define "steppe.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "steppe.selector" . | nindent 8 }}
{{- end }}

{{- define "steppe.container" -}}
image: {{ .Values.images.steppe }}
imagePullPolicy: {{ .Values.images.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* The database, which all programs need; the migration needs nothing else. */}}
{{- define "steppe.databaseEnv" -}}
- { name: DATABASE_URL, value: {{ .Values.database.url | quote }} }
- { name: STEPPE_DATABASE_PASSWORD_FILE, value: /etc/steppe/database/password }
- { name: RUST_LOG, value: {{ .Values.log | quote }} }
{{- end }}

{{- define "steppe.databaseMounts" -}}
- { name: database, mountPath: /etc/steppe/database, readOnly: true }
{{- if .Values.database.authority }}
- { name: authority, mountPath: /etc/steppe/authority, readOnly: true }
{{- end }}
{{- end }}

{{- define "steppe.databaseVolumes" -}}
- name: database
  secret: { secretName: {{ .Values.secrets.database }}, defaultMode: 0440 }
{{- with .Values.database.authority }}
- name: authority
  configMap: { name: {{ . }} }
{{- end }}
{{- end }}

{{/* What server and worker are told alike. */}}
{{- define "steppe.commonEnv" -}}
{{ include "steppe.databaseEnv" . }}
- { name: STEPPE_KEY_FILE, value: /etc/steppe/key/key.txt }
- { name: STEPPE_CELLS_DIR, value: /etc/steppe/cells }
- { name: STEPPE_URL, value: {{ .Values.url | quote }} }
- { name: STEPPE_STAFF_URL, value: {{ .Values.staff.url | quote }} }
- { name: STEPPE_UNDO_DAYS, value: {{ .Values.undoDays | quote }} }
{{- with .Values.mail.from }}
- { name: STEPPE_MAIL_FROM, value: {{ . | quote }} }
{{- end }}
{{- with .Values.support }}
- { name: STEPPE_SUPPORT, value: {{ . | quote }} }
{{- end }}
{{- with .Values.operator }}
- { name: STEPPE_OPERATOR, value: {{ . | quote }} }
{{- end }}
{{- end }}

{{- define "steppe.commonMounts" -}}
{{ include "steppe.databaseMounts" . }}
- { name: key, mountPath: /etc/steppe/key, readOnly: true }
- { name: cells, mountPath: /etc/steppe/cells, readOnly: true }
{{- end }}

{{- define "steppe.commonVolumes" -}}
{{ include "steppe.databaseVolumes" . }}
- name: key
  secret: { secretName: {{ .Values.secrets.key }}, defaultMode: 0440 }
{{- end }}

{{/* The files that open a cell's object store, as a source of the volume with all cells. */}}
{{- define "steppe.store" -}}
- secret:
    name: {{ .store }}
    items:
      - { key: store.toml, path: {{ .name }}/store.toml }
      - { key: access-key, path: {{ .name }}/access-key }
      - { key: secret-key, path: {{ .name }}/secret-key }
{{- end }}

{{/* Peers of a network policy: a namespace, addresses, or both. */}}
{{- define "steppe.peers" -}}
{{- with .namespace }}
- namespaceSelector:
    matchLabels: { kubernetes.io/metadata.name: {{ . }} }
{{- end }}
{{- range .cidrs }}
- ipBlock: { cidr: {{ . | quote }} }
{{- end }}
{{- end }}

{{/* A way out to one destination. */}}
{{- define "steppe.egress" -}}
- to:
    {{- include "steppe.peers" . | trim | nindent 4 }}
  ports:
    - { protocol: TCP, port: {{ .port }} }
{{- end }}

{{/* What every program must reach: names and the database. */}}
{{- define "steppe.commonEgress" -}}
- to:
    {{- include "steppe.peers" .Values.dns | trim | nindent 4 }}
  ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
{{ include "steppe.egress" .Values.database.to }}
{{- end }}
