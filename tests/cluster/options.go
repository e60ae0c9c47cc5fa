package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

type upOptions struct {
	dir          string
	removeDir    bool
	bind         string // address that kube-apiserver listens on
	advertise    string // address for the "kubernetes" Service's endpoint; empty: none
	serviceCIDR  string
	node         nodeOptions // node.name empty: a control plane alone
	ingress      ingressOptions
	gatewayAPI   bool
	apiPort      int       // 0: any free one
	forwards     multiFlag // addresses in the sandbox to reach from outside
	stdinEOF     bool
	timeout      time.Duration
	crds         multiFlag
	apiserverArg multiFlag
	kcmArg       multiFlag
}

type multiFlag []string

func (m *multiFlag) String() string     { return strings.Join(*m, " ") }
func (m *multiFlag) Set(s string) error { *m = append(*m, s); return nil }

// upReport is the JSON line that `up` prints once the cluster is usable.
type upReport struct {
	Server       string             `json:"server"`
	Kubeconfig   string             `json:"kubeconfig"`
	CAFile       string             `json:"caFile"`
	AdminToken   string             `json:"adminToken"`
	EtcdURL      string             `json:"etcdURL"`
	Dir          string             `json:"dir"`
	AuditLog     string             `json:"auditLog"`
	Control      string             `json:"control"`              // unix socket, see control.go
	Node         string             `json:"node,omitempty"`       // its name
	NodeAddress  string             `json:"nodeAddress"`          // as Pods see it
	SandboxPid   int                `json:"sandboxPid,omitempty"` // for nsenter -t PID -n -m -p
	Forwards     map[string]string  `json:"forwards,omitempty"`   // address in the sandbox: loopback address here
	IngressHTTP  string             `json:"ingressHTTP,omitempty"`
	IngressHTTPS string             `json:"ingressHTTPS,omitempty"`
	ReadySeconds map[string]float64 `json:"readySeconds"`
}

func (o *upOptions) nodeAddress() string {
	if o.node.name == "" {
		return "127.0.0.1"
	}
	return nodeIP
}

func parseUp(args []string, self string) (upOptions, error) {
	var o upOptions
	fs := flag.NewFlagSet("up", flag.ExitOnError)
	fs.StringVar(&o.dir, "dir", "", "directory of this cluster, made if absent (required)")
	fs.BoolVar(&o.removeDir, "remove-dir", false, "remove the directory after a stop that was asked for")
	fs.StringVar(&o.bind, "bind", "127.0.0.1", "address that kube-apiserver listens on (etcd always listens on 127.0.0.1)")
	fs.StringVar(&o.serviceCIDR, "service-cidr", "10.96.0.0/16", "Service ClusterIPs")
	fs.StringVar(&o.node.name, "node", "", "also run one real node of this name, all in namespaces of its own (needs root)")
	fs.StringVar(&o.node.containerd, "containerd-bin", "", "folder of containerd, containerd-shim-runc-v2 and ctr (default: where testcluster is)")
	fs.StringVar(&o.node.runc, "runc", "", "runc (default: the one in PATH)")
	fs.StringVar(&o.node.cni, "cni-bin", "/usr/lib/cni", "folder of the CNI plugins")
	fs.StringVar(&o.node.pause, "pause", "", "static pause binary (default: where testcluster is)")
	fs.Var(&o.node.images, "image", "image archive to load into the node, may be repeated")
	fs.BoolVar(&o.ingress.on, "ingress", false, "with a node: Contour and Envoy serve Ingresses of class contour and the Gateway gateway/contour")
	fs.StringVar(&o.ingress.bin, "ingress-bin", "", "folder of contour and envoy (default: where testcluster is)")
	fs.StringVar(&o.ingress.crds, "ingress-crds", "", "folder of contour.yaml and gateway-api.yaml (default: crds beside testcluster)")
	fs.BoolVar(&o.gatewayAPI, "gateway-api", false, "serve the kinds of the Gateway API (always so with --ingress)")
	fs.Var(&o.forwards, "forward", "with a node: an address in the sandbox, as 127.0.0.1:8080, to reach from outside, may be repeated; the report says where")
	fs.IntVar(&o.apiPort, "apiserver-port", 0, "port of kube-apiserver (default: a free one)")
	fs.BoolVar(&o.stdinEOF, "exit-on-stdin-eof", false, "stop when stdin closes")
	fs.DurationVar(&o.timeout, "timeout", 120*time.Second, "give up if not ready by then")
	fs.Var(&o.crds, "crds", "file or folder of CustomResourceDefinitions to apply before the controllers start, may be repeated")
	fs.Var(&o.apiserverArg, "apiserver-arg", "more kube-apiserver flags, one each time")
	fs.Var(&o.kcmArg, "controller-manager-arg", "more kube-controller-manager flags, one each time")
	fs.Parse(args)
	if o.dir == "" {
		return o, fmt.Errorf("up needs --dir")
	}
	if o.node.name == "" && (o.ingress.on || len(o.node.images) > 0 || len(o.forwards) > 0) {
		return o, fmt.Errorf("--ingress, --image and --forward need --node")
	}
	for _, path := range append([]*string{&o.dir}, o.crdPaths()...) {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return o, err
		}
		*path = abs
	}
	home := filepath.Dir(self)
	if o.ingress.bin == "" {
		o.ingress.bin = home
	}
	if o.ingress.crds == "" {
		o.ingress.crds = filepath.Join(home, "crds")
	}
	return o, nil
}

func (o *upOptions) crdPaths() []*string {
	var paths []*string
	for i := range o.crds {
		paths = append(paths, &o.crds[i])
	}
	return paths
}
