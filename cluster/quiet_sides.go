package cluster

import "github.com/fairtide-dev/fairtide/model"

// injectorAnnotations ask cert-manager's injector to write a CA bundle into the
// object. What Git writes there is a placeholder.
var injectorAnnotations = []string{
	"cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret", "cert-manager.io/inject-apiserver-ca",
}

// dropInjected removes from both sides of a comparison what somebody else
// writes into the object as a matter of course: the CA bundles of an injector
// that the object asks for, and where Git is silent the token Secrets of a
// ServiceAccount and the health check port of a Service.
func dropInjected(id model.ObjectID, rendered map[string]any, sides ...map[string]any) {
	injected := false
	for _, side := range append(sides, rendered) {
		annotations := mapAt(side, "metadata", "annotations")
		for _, key := range injectorAnnotations {
			injected = injected || annotations[key] != nil
		}
	}
	for _, side := range sides {
		if injected {
			dropBundles(id, side)
		}
	}
	switch {
	case id.Group == "" && id.Kind == "ServiceAccount" && rendered["secrets"] == nil:
		dropEqual(sides, "secrets")
	case id.Group == "" && id.Kind == "Service" && mapAt(rendered, "spec")["healthCheckNodePort"] == nil:
		var specs []map[string]any
		for _, side := range sides {
			specs = append(specs, mapAt(side, "spec"))
		}
		dropEqual(specs, "healthCheckNodePort")
	}
}

// dropEqual removes a value that all sides have alike. One that applying alters,
// as it does where Git had it once, stays: no difference may go unseen.
func dropEqual(sides []map[string]any, key string) {
	for _, side := range sides {
		if !equalValues(side[key], sides[0][key]) {
			return
		}
	}
	for _, side := range sides {
		delete(side, key)
	}
}

// dropBundles removes the CA bundles from where an injector writes them.
func dropBundles(id model.ObjectID, side map[string]any) {
	switch {
	case groupKind(id) == crdKind:
		delete(mapAt(side, "spec", "conversion", "webhook", "clientConfig"), "caBundle")
	case id.Group == "apiregistration.k8s.io" && id.Kind == "APIService":
		delete(mapAt(side, "spec"), "caBundle")
	case id.Group == "admissionregistration.k8s.io":
		for _, w := range sliceAt(side, "webhooks") {
			webhook, _ := w.(map[string]any)
			delete(mapAt(webhook, "clientConfig"), "caBundle")
		}
	}
}
