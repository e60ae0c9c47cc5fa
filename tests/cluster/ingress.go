package main

// A real ingress controller in the sandbox: Contour tells Envoy what to serve.
// Ingresses of class contour and HTTPRoutes of the Gateway gateway/contour are
// reached on ports 8080 (HTTP) and 8443 (HTTPS) of the node, which `up` forwards
// to loopback ports that the report names.

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

const (
	ingressHTTP  = "127.0.0.1:8080"
	ingressHTTPS = "127.0.0.1:8443"
)

type ingressOptions struct {
	on   bool
	bin  string // folder with contour and envoy
	crds string // folder with contour.yaml and gateway-api.yaml
}

// Contour serves a listener of port P of its Gateway on port P + 8000.
const ingressYAML = `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: contour}
spec: {controller: projectcontour.io/ingress-controller}
---
apiVersion: v1
kind: Namespace
metadata: {name: gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: contour}
spec: {controllerName: projectcontour.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: contour, namespace: gateway}
spec:
  gatewayClassName: contour
  listeners:
  - {name: http, protocol: HTTP, port: 80, allowedRoutes: {namespaces: {from: All}}}
---
`

const contourYAML = `gateway:
  gatewayRef: {namespace: gateway, name: contour}
`

func (i ingressOptions) check() error {
	if !i.on {
		return nil
	}
	var missing error
	for _, f := range []string{
		filepath.Join(i.bin, "contour"), filepath.Join(i.bin, "envoy"),
		filepath.Join(i.crds, "contour.yaml"), filepath.Join(i.crds, "gateway-api.yaml"),
	} {
		if _, err := os.Stat(f); err != nil {
			missing = errors.Join(missing, fmt.Errorf("the ingress needs %w", err))
		}
	}
	return missing
}

// startIngress starts Contour and Envoy and waits until Envoy has its first
// configuration. It has no listener yet: that comes with the first route.
func (c *cluster) startIngress(ctx context.Context, await await) error {
	i := c.opt.ingress
	bootstrap, admin := c.path("envoy.json"), c.path("run", "envoy.sock")
	if err := c.write("contour.yaml", contourYAML); err != nil {
		return err
	}
	if _, err := c.start("contour", filepath.Join(i.bin, "contour"), "serve",
		"--insecure", "--no-incluster", "--kubeconfig="+c.path("contour.kubeconfig"), "--config-path="+c.path("contour.yaml"),
		"--disable-leader-election", "--ingress-class-name=contour", "--ingress-status-address="+nodeIP,
		"--xds-address=127.0.0.1", "--xds-port=8001", "--http-address=127.0.0.1", "--health-address=127.0.0.1", "--stats-address=127.0.0.1",
		"--envoy-service-http-address=127.0.0.1", "--envoy-service-http-port=8080",
		"--envoy-service-https-address=127.0.0.1", "--envoy-service-https-port=8443",
		"--kubernetes-client-qps=200", "--kubernetes-client-burst=400"); err != nil {
		return err
	}
	if err := c.tool(ctx, filepath.Join(i.bin, "contour"), "bootstrap", bootstrap,
		"--xds-address=127.0.0.1", "--xds-port=8001", "--admin-address="+admin); err != nil {
		return err
	}
	if _, err := c.start("envoy", filepath.Join(i.bin, "envoy"), "-c", bootstrap,
		"--service-cluster", "contour", "--service-node", "envoy-1", "--concurrency", "1", "--disable-hot-restart"); err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", admin) },
	}}
	return await("ingress", func() bool {
		resp, err := client.Get("http://envoy/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}
