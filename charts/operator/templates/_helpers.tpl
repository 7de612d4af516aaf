{{/* The fixed names that both programs know (crates/crd/src/labels.rs). */}}
{{- define "steppe.system" -}}steppe-system{{- end }}
{{- define "steppe.inbox" -}}steppe-inbox{{- end }}
{{- define "steppe.operatorUser" -}}system:serviceaccount:steppe-system:steppe-operator{{- end }}
{{- define "steppe.purgerUser" -}}system:serviceaccount:steppe-system:steppe-purger{{- end }}

{{/* Labels of an object; call with the component's name. */}}
{{- define "steppe.labels" -}}
app.kubernetes.io/name: steppe
app.kubernetes.io/component: {{ . }}
app.kubernetes.io/part-of: steppe
{{- end }}

{{/* What a component's pods are selected by. Never changes: a Deployment's selector is immutable. */}}
{{- define "steppe.selector" -}}
app.kubernetes.io/name: steppe
app.kubernetes.io/component: {{ . }}
{{- end }}

{{- define "steppe.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "steppe.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "steppe.pull" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Two replicas of one program should not fall with one node. */}}
{{- define "steppe.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "steppe.selector" . | nindent 8 }}
{{- end }}

{{/* The binding of a policy to the whole cluster; call with the policy's name. */}}
{{- define "steppe.policyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ . }}
  labels:
    {{- include "steppe.labels" "policy" | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep
spec:
  policyName: {{ . }}
  validationActions: [Deny]
{{- end }}

{{/* Metadata of a policy; call with its name. */}}
{{- define "steppe.policyMetadata" -}}
name: {{ . }}
labels:
  {{- include "steppe.labels" "policy" | nindent 2 }}
annotations:
  helm.sh/resource-policy: keep
{{- end }}
