{{/*
Every right of the operator, each with its reason. docs/security.md is made from this file, and a test proves
both that each rule has a reason and that the page is current.

In the namespaces of the listeners: a ClusterRole, or with `watchNamespace` a Role there.
*/}}
{{- define "hubspot-listener.permissions" -}}
# The listeners themselves: what they ask for. It never changes them, unless `settings.allowFromPage` lets it.
- apiGroups: [hubspot-listener.dev]
  resources: [hubspotlisteners]
  verbs: [list, watch]
# Their URL, conditions and counters.
- apiGroups: [hubspot-listener.dev]
  resources: [hubspotlisteners/status]
  verbs: [patch]
# Whether a Secret and its keys are there, and when they change. RBAC knows no right to names of keys alone.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch]
# Shared settings are read to check them; each listener's configuration file is a ConfigMap.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch]
# Pods need a Service and a ServiceAccount without a token. They go with their listener, by owner references.
- apiGroups: [""]
  resources: [services, serviceaccounts]
  verbs: [list, watch, create, patch]
# The pods of a listener.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list, watch, create, patch]
# The claim of an embedded store. Never deleted by the operator: it goes with its listener, by owner reference.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [list, watch, create, patch]
# The way in from outside, and who may reach the pods; deleted when the manifest or the chart no longer wants them.
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: [list, watch, create, patch, delete]
# The way in where the manifest names a Gateway.
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [list, watch, create, patch, delete]
# A drain leaves one pod of a listener with several.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch, create, patch, delete]
# As many pods as the load asks for, where the manifest wants that; deleted when it no longer does.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch, create, patch, delete]
# Where the pods are, to ask them for their counters. Never to change one.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# What `kubectl describe hubspotlistener` shows when a condition changes.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* With `settings.allowFromPage`, beside the first. */}}
{{- define "hubspot-listener.savePermissions" -}}
# Saves `spec.settings` when an admin of a listener's web page asks for it. RBAC knows no right to one field.
- apiGroups: [hubspot-listener.dev]
  resources: [hubspotlisteners]
  verbs: [patch]
{{- end -}}

{{/* Of the console, under a ServiceAccount of its own, where the operator has the first. */}}
{{- define "hubspot-listener.consolePermissions" -}}
# What the page shows: name, URL, conditions and counters of each listener. No Secrets, no pods, no change.
- apiGroups: [hubspot-listener.dev]
  resources: [hubspotlisteners]
  verbs: [list, watch]
{{- end -}}

{{/* In the namespace of the release: a Role. */}}
{{- define "hubspot-listener.leasePermissions" -}}
# The first operator makes the lease. RBAC cannot tie a creation to a name.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
# One operator leads; the others see whether it still does.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "hubspot-listener.fullname" . }}]
  verbs: [get, update]
{{- end -}}
