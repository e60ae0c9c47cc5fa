package main

// The one node of `testcluster up --node NAME`: containerd, kubelet and kube-proxy
// in the sandbox, with images that come from local archives only.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	nodeIP     = "10.10.0.1"     // of the node, and of the apiserver for Pods
	podCIDR    = "10.244.0.0/24" // of its Pods
	pauseImage = "localhost/pause:1"
	sinkImage  = "localhost/sink:1"
)

type nodeOptions struct {
	name       string
	containerd string // folder with containerd, containerd-shim-runc-v2 and ctr
	runc       string
	cni        string // folder with the CNI plugins ptp, host-local and loopback
	pause      string // static pause binary
	images     multiFlag
}

// defaults fills in what was not given and checks that all is there.
func (n *nodeOptions) defaults(self string) error {
	if n.containerd == "" {
		n.containerd = filepath.Dir(self)
	}
	if n.pause == "" {
		n.pause = filepath.Join(filepath.Dir(self), "pause")
	}
	if n.runc == "" {
		n.runc, _ = exec.LookPath("runc")
	}
	n.containerd, _ = filepath.Abs(n.containerd)
	need := []string{n.runc, n.pause}
	for _, b := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		need = append(need, filepath.Join(n.containerd, b))
	}
	for _, b := range []string{"ptp", "host-local", "loopback"} {
		need = append(need, filepath.Join(n.cni, b))
	}
	var missing error
	for _, f := range append(need, n.images...) {
		if _, err := os.Stat(f); err != nil {
			missing = errors.Join(missing, fmt.Errorf("the node needs %q: %w", f, err))
		}
	}
	if _, err := exec.LookPath("nft"); err != nil {
		missing = errors.Join(missing, fmt.Errorf("the node needs nft: %w", err))
	}
	return missing
}

// startNode starts the node's programs and waits until it is Ready.
func (c *cluster) startNode(ctx context.Context, await await, get get) error {
	n := c.opt.node
	cgroup := os.Getenv(sandboxEnv)
	if err := makeCgroups(cgroup); err != nil {
		return err
	}
	for _, d := range []string{"containerd", "cni", "kubelet", "run"} {
		if err := os.MkdirAll(c.path(d), 0o700); err != nil {
			return err
		}
	}
	sock := c.path("run", "containerd.sock")
	if err := c.write("containerd.toml", fmt.Sprintf(`version = 3
root = %[1]q
state = %[2]q
[grpc]
  address = %[3]q
[ttrpc]
  address = "%[3]s.ttrpc"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = %[4]q
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true # this machine may lack CAP_SYS_RESOURCE
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [%[5]q]
    conf_dir = %[6]q
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    runtime_path = %[7]q
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = %[8]q
      SystemdCgroup = false
`, c.path("containerd", "root"), c.path("containerd", "state"), sock, pauseImage,
		n.cni, c.path("cni"), filepath.Join(n.containerd, "containerd-shim-runc-v2"), n.runc)); err != nil {
		return err
	}
	// ptp, not bridge: every packet between Pods passes the node's routing, so
	// Service addresses work from Pods too, whatever br_netfilter does.
	if err := c.write("cni/10-testcluster.conflist", fmt.Sprintf(`{"cniVersion":"1.0.0","name":"testcluster","plugins":[
{"type":"ptp","ipMasq":false,"ipam":{"type":"host-local","ranges":[[{"subnet":%q}]],"routes":[{"dst":"0.0.0.0/0"}],"dataDir":%q}}]}
`, podCIDR, c.path("cni-ipam"))); err != nil {
		return err
	}
	if _, err := c.start("containerd", filepath.Join(n.containerd, "containerd"), "--config", c.path("containerd.toml")); err != nil {
		return err
	}
	ctr := func(args ...string) error {
		return c.tool(ctx, filepath.Join(n.containerd, "ctr"), append([]string{"-a", sock, "-n", "k8s.io"}, args...)...)
	}
	if err := await("containerd", func() bool {
		_, err := os.Stat(sock)
		return err == nil && ctr("version") == nil
	}); err != nil {
		return err
	}
	pause := image{name: pauseImage, files: []imageFile{{from: n.pause, to: "/pause", mode: 0o755}}}
	pause.config.Entrypoint = []string{"/pause"}
	if err := pause.write(c.path("pause.tar")); err != nil {
		return err
	}
	// A destination for tests; where the pause program is, or it is not offered.
	archives := []string{c.path("pause.tar")}
	if program := filepath.Join(filepath.Dir(n.pause), "sink"); exists(program) {
		sink := image{name: sinkImage, files: []imageFile{{from: program, to: "/sink", mode: 0o755}}}
		sink.config.Entrypoint = []string{"/sink"}
		sink.config.User = "65532:65532"
		if err := sink.write(c.path("sink.tar")); err != nil {
			return err
		}
		archives = append(archives, c.path("sink.tar"))
	}
	for _, tar := range append(archives, n.images...) {
		if err := ctr("images", "import", "--snapshotter", "overlayfs", tar); err != nil {
			return err
		}
	}

	if err := c.write("kubelet.yaml", fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false # cgroup v1 machines are refused by default since 1.35
cgroupDriver: cgroupfs
cgroupRoot: /%[1]s
failSwapOn: false
address: 0.0.0.0
containerRuntimeEndpoint: unix://%[2]s
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %[3]s}}
authorization: {mode: Webhook}
tlsCertFile: %[4]s
tlsPrivateKeyFile: %[5]s
clusterDomain: cluster.local
resolvConf: ""
podLogsDir: %[6]s
volumePluginDir: %[7]s
enforceNodeAllocatable: []
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 1Mi, nodefs.available: 0%%, imagefs.available: 0%%, nodefs.inodesFree: 0%%}
readOnlyPort: 0
syncFrequency: 10s # a changed ConfigMap or Secret reaches its mount sooner
`, cgroup, sock, c.path("pki", "ca.crt"), c.path("pki", "kubelet-server.crt"), c.path("pki", "kubelet-server.key"), c.path("podlogs"), c.path("flexvolume"))); err != nil {
		return err
	}
	if _, err := c.start("kubelet", "", "--config="+c.path("kubelet.yaml"), "--kubeconfig="+c.path("kubelet.kubeconfig"),
		"--hostname-override="+n.name, "--node-ip="+nodeIP, "--root-dir="+c.path("kubelet")); err != nil {
		return err
	}
	// kube-proxy needs the program nft, from Debian's nftables, in PATH.
	if err := c.write("kube-proxy.yaml", fmt.Sprintf(`apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: %s}
hostnameOverride: %s
clusterCIDR: %s
bindAddress: 0.0.0.0
conntrack: {maxPerCore: 0, min: 0}
`, c.path("kube-proxy.kubeconfig"), n.name, podCIDR)); err != nil {
		return err
	}
	if _, err := c.start("kube-proxy", "", "--config="+c.path("kube-proxy.yaml")); err != nil {
		return err
	}
	if _, err := c.start("provision-volumes", "", "--kubeconfig="+c.path("volumes.kubeconfig"), "--dir="+c.path("volumes")); err != nil {
		return err
	}
	return await("node Ready", func() bool {
		code, body, err := get("/api/v1/nodes/" + n.name)
		if err != nil || code != 200 {
			return false
		}
		var node struct {
			Status struct {
				Conditions []struct{ Type, Status string }
			}
		}
		json.Unmarshal([]byte(body), &node)
		for _, cond := range node.Status.Conditions {
			if cond.Type == "Ready" {
				return cond.Status == "True"
			}
		}
		return false
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
