package main

// The way from nothing to a usable cluster, in order: certificates, etcd and
// kube-apiserver, kinds, controllers and scheduler, then what belongs to a node.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

type exitedEarly struct{ name, log string }

func (e *exitedEarly) Error() string { return e.name + " exited before it was ready, see " + e.log }

// await waits for a condition and notes when it came true.
type await func(what string, ok func() bool) error

// get asks the apiserver as the administrator.
type get func(path string) (status int, body string, err error)

func (c *cluster) bringUp(ctx context.Context) (*upReport, error) {
	o := c.opt
	t0 := time.Now()
	for _, d := range []string{"etcd", "run"} { // of a try that failed
		os.RemoveAll(c.path(d))
	}
	for _, d := range []string{"pki", "logs", "etcd", "run"} {
		if err := os.MkdirAll(c.path(d), 0o700); err != nil {
			return nil, err
		}
	}
	a, err := o.addresses()
	if err != nil {
		return nil, err
	}
	keys, err := c.makeKeys(a)
	if err != nil {
		return nil, err
	}
	took := map[string]float64{"pki": since(t0)}
	await := c.awaiter(ctx, t0, took)
	get := asAdmin(ctx, a.server, keys)

	if err := c.startAPI(a, keys); err != nil {
		return nil, err
	}
	if err := await("apiserver /readyz", func() bool { code, _, err := get("/readyz"); return err == nil && code == 200 }); err != nil {
		return nil, err
	}
	if err := c.applyKinds(ctx); err != nil {
		return nil, err
	}
	took["kinds"] = since(t0)
	if err := c.startControllers(keys); err != nil {
		return nil, err
	}
	// Until this ServiceAccount exists, the apiserver refuses every Pod in the
	// namespace: it is the sign that controllers work.
	if err := await("default ServiceAccount", func() bool {
		code, _, err := get("/api/v1/namespaces/default/serviceaccounts/default")
		return err == nil && code == 200
	}); err != nil {
		return nil, err
	}
	if o.node.name != "" {
		if err := c.startNode(ctx, await, get); err != nil {
			return nil, err
		}
	}
	if o.ingress.on {
		if err := c.startIngress(ctx, await); err != nil {
			return nil, err
		}
	}
	return &upReport{
		Server: a.server, Kubeconfig: c.path("admin.kubeconfig"), CAFile: keys.ca.certF,
		AdminToken: keys.token, EtcdURL: a.etcd, Dir: o.dir, AuditLog: c.path("audit.log"),
		Control: c.path("run", "control.sock"), Node: o.node.name, NodeAddress: o.nodeAddress(),
		ReadySeconds: took,
	}, nil
}

type addresses struct {
	server, etcd, peer string
	own                string // at which clients on this host find the apiserver
	apiPort            int
	hosts              []string // that the apiserver's certificate is for
}

func (o *upOptions) addresses() (addresses, error) {
	var a addresses
	ports, err := freePorts(o.bind, 3)
	if err != nil {
		return a, err
	}
	a.apiPort = ports[2]
	if o.apiPort != 0 {
		a.apiPort = o.apiPort
	}
	a.own = o.bind
	if net.ParseIP(a.own).IsUnspecified() {
		a.own = "127.0.0.1"
	}
	a.etcd, a.peer = fmt.Sprintf("http://127.0.0.1:%d", ports[0]), fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	a.server = fmt.Sprintf("https://%s:%d", a.own, a.apiPort)
	// The first address of the Service range is the kubernetes Service's own.
	ip, _, err := net.ParseCIDR(o.serviceCIDR)
	if err != nil {
		return a, err
	}
	ip = ip.To4()
	ip[3]++
	a.hosts = []string{"127.0.0.1", "localhost", a.own, ip.String(), "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
	if o.advertise != "" {
		a.hosts = append(a.hosts, o.advertise)
	}
	return a, nil
}

// startAPI starts etcd and kube-apiserver together: the apiserver waits for etcd.
func (c *cluster) startAPI(a addresses, k *keys) error {
	if _, err := c.start("etcd", "", "--name=default", "--data-dir="+c.path("etcd"),
		"--listen-client-urls="+a.etcd, "--advertise-client-urls="+a.etcd,
		"--listen-peer-urls="+a.peer, "--initial-advertise-peer-urls="+a.peer,
		"--initial-cluster=default="+a.peer,
		"--unsafe-no-fsync", "--log-level=warn"); err != nil {
		return err
	}
	args := []string{
		"--etcd-servers=" + a.etcd,
		"--bind-address=" + c.opt.bind, fmt.Sprintf("--secure-port=%d", a.apiPort),
		"--tls-cert-file=" + k.serving.certF, "--tls-private-key-file=" + k.serving.keyF,
		"--client-ca-file=" + k.ca.certF, "--token-auth-file=" + c.path("pki", "tokens.csv"),
		"--authorization-mode=Node,RBAC",
		// PodSecurity is among the plugins that are on by default; namespaces choose by label.
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--service-cluster-ip-range=" + c.opt.serviceCIDR,
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + k.serviceAccount.certF, "--service-account-signing-key-file=" + k.serviceAccount.keyF,
		"--kubelet-client-certificate=" + k.toKubelet.certF, "--kubelet-client-key=" + k.toKubelet.keyF,
		"--kubelet-certificate-authority=" + k.ca.certF,
		"--kubelet-preferred-address-types=InternalIP,Hostname",
		"--requestheader-client-ca-file=" + k.frontCA.certF, "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + k.front.certF, "--proxy-client-key-file=" + k.front.keyF,
		"--profiling=false",
	}
	if c.opt.advertise != "" {
		args = append(args, "--advertise-address="+c.opt.advertise)
	} else {
		// A loopback address is not a valid endpoint of the kubernetes Service.
		args = append(args, "--advertise-address="+a.own, "--endpoint-reconciler-type=none")
	}
	audit, err := c.auditArgs()
	if err != nil {
		return err
	}
	_, err = c.start("kube-apiserver", "", append(append(args, audit...), c.opt.apiserverArg...)...)
	return err
}

// applyKinds applies CRDs before the controllers start: the garbage collector
// learns of new kinds only every 30 s, but knows from its start those that are
// there by then. Then the objects that the tests count on.
func (c *cluster) applyKinds(ctx context.Context) error {
	crds := append(multiFlag{}, c.opt.crds...)
	objects := storageClassYAML
	if c.opt.ingress.on {
		crds = append(crds, filepath.Join(c.opt.ingress.crds, "contour.yaml"))
		objects += ingressYAML
	}
	if c.opt.ingress.on || c.opt.gatewayAPI {
		crds = append(crds, filepath.Join(c.opt.ingress.crds, "gateway-api.yaml"))
	}
	kubectl := func(args ...string) error {
		return c.tool(ctx, c.self, append([]string{"kubectl", "--kubeconfig=" + c.path("admin.kubeconfig")}, args...)...)
	}
	if len(crds) > 0 {
		var files []string
		for _, f := range crds {
			files = append(files, "-f", f)
		}
		if err := kubectl(append([]string{"apply", "--server-side"}, files...)...); err != nil {
			return err
		}
		if err := kubectl(append([]string{"wait", "--for=condition=Established", "--timeout=30s"}, files...)...); err != nil {
			return err
		}
	}
	if err := c.write("objects.yaml", objects); err != nil {
		return err
	}
	return kubectl("apply", "--server-side", "-f", c.path("objects.yaml"))
}

// startControllers: no leader election and no serving port, one of each is enough.
func (c *cluster) startControllers(k *keys) error {
	if _, err := c.start("kube-controller-manager", "", append([]string{
		"--kubeconfig=" + c.path("controller-manager.kubeconfig"),
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + k.serviceAccount.keyF, "--root-ca-file=" + k.ca.certF,
		"--cluster-signing-cert-file=" + k.ca.certF, "--cluster-signing-key-file=" + k.ca.keyF,
		"--leader-elect=false", "--secure-port=0", "--profiling=false",
		// The default of 20 requests a second makes the start 5 s longer.
		"--kube-api-qps=500", "--kube-api-burst=1000",
		"--flex-volume-plugin-dir=" + c.path("flexvolume"),
	}, c.opt.kcmArg...)...); err != nil {
		return err
	}
	_, err := c.start("kube-scheduler", "",
		"--kubeconfig="+c.path("scheduler.kubeconfig"),
		"--leader-elect=false", "--secure-port=0", "--profiling=false")
	return err
}

// tool runs a program to its end.
func (c *cluster) tool(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return nil
}

func (c *cluster) awaiter(ctx context.Context, t0 time.Time, took map[string]float64) await {
	deadline := t0.Add(c.opt.timeout)
	return func(what string, ok func() bool) error {
		for {
			if ok() {
				took[what] = since(t0)
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case ch := <-c.died:
				return &exitedEarly{ch.name, c.path("logs", ch.name+".log")}
			case <-time.After(50 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s: not so after %v, see %s", what, c.opt.timeout, c.path("logs"))
			}
		}
	}
}

func asAdmin(ctx context.Context, server string, k *keys) get {
	pool := x509.NewCertPool()
	pool.AddCert(k.ca.cert)
	client := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}},
	}
	return func(p string) (int, string, error) {
		req, err := http.NewRequestWithContext(ctx, "GET", server+p, nil)
		if err != nil {
			return 0, "", err
		}
		req.Header.Set("Authorization", "Bearer "+k.token)
		resp, err := client.Do(req)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), errors.Join(err)
	}
}

func since(t time.Time) float64 { return float64(time.Since(t).Milliseconds()) / 1000 }
