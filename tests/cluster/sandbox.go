package main

// The sandbox of a cluster with a node: new network, mount and PID namespaces.
// What kubelet, containerd and kube-proxy do to a machine (interfaces, nftables
// rules, mounts, processes) stays in there and goes with its first process;
// nothing in there has a way out to a real network. Only cgroups are the
// machine's own: they are made under /testcluster-PID and removed at the end.

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const sandboxEnv = "TESTCLUSTER_SANDBOX" // set, in the sandbox, to its cgroup's name

// sysctls that kubelet insists on. They belong to the whole machine, so kubelet
// is shown files with these values instead and changes nothing.
var kubeletSysctls = map[string]string{
	"vm/overcommit_memory": "1",
	"kernel/panic":         "10",
	"kernel/panic_on_oops": "1",
}

// runSandboxed is `up` outside the sandbox: it starts `up` inside and lets
// clients on this machine reach the addresses in there through loopback ports.
// The bytes go over the control socket in the cluster's directory, for unix
// sockets are not bound to a network namespace.
func runSandboxed(o upOptions, self string, args []string) int {
	fail := func(err error) int { fmt.Fprintln(os.Stderr, "testcluster:", err); return 1 }
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return fail(err)
	}
	removeStaleCgroups()
	cgroup := fmt.Sprintf("testcluster-%d", os.Getpid())
	defer removeCgroups(cgroup)

	// The apiserver has the same port inside and outside: one kubeconfig serves both.
	control := filepath.Join(o.dir, "run", "control.sock")
	forwards := map[string]string{}
	forward := func(target string) (int, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		if target == "" {
			target = fmt.Sprintf("127.0.0.1:%d", port)
		} else {
			forwards[target] = l.Addr().String()
		}
		go relay(l, func() (net.Conn, error) { return dialThrough(control, target) })
		return port, nil
	}
	apiPort, err := forward("")
	if err != nil {
		return fail(err)
	}
	if o.ingress.on {
		o.forwards = append(o.forwards, ingressHTTP, ingressHTTPS)
	}
	for _, target := range o.forwards {
		if _, err := forward(target); err != nil {
			return fail(err)
		}
	}
	inner := append(append([]string{"sandbox-init", o.dir, "up"}, args...), fmt.Sprintf("--apiserver-port=%d", apiPort))

	cmd := exec.Command(self, inner...)
	cmd.Env = append(os.Environ(), sandboxEnv+"="+cgroup)
	cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
		Setpgid:    true,
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fail(err)
	}
	if err := cmd.Start(); err != nil {
		return fail(fmt.Errorf("cannot make namespaces: %w", err))
	}
	sigs := make(chan os.Signal, 4)
	signal.Notify(sigs, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for s := range sigs {
			cmd.Process.Signal(s)
		}
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var r upReport
		if json.Unmarshal(lines.Bytes(), &r) == nil && r.Server != "" {
			r.SandboxPid, r.Forwards = cmd.Process.Pid, forwards
			r.IngressHTTP, r.IngressHTTPS = forwards[ingressHTTP], forwards[ingressHTTPS]
			line, _ := json.Marshal(r)
			fmt.Println(string(line))
			continue
		}
		fmt.Println(lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		return 1
	}
	return 0
}

// cmdSandboxInit is the sandbox's PID 1: DIR COMMAND ARG... It sets the
// namespaces up, runs testcluster COMMAND, reaps orphans and ends with it.
func cmdSandboxInit(args []string) int {
	if err := setUpSandbox(args[0]); err != nil {
		fmt.Fprintln(os.Stderr, "testcluster sandbox:", err)
		return 1
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testcluster sandbox:", err)
		return 1
	}
	main, err := os.StartProcess(self, append([]string{"testcluster"}, args[1:]...), &os.ProcAttr{
		Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "testcluster sandbox:", err)
		return 1
	}
	sigs := make(chan os.Signal, 4)
	signal.Notify(sigs, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for s := range sigs {
			main.Signal(s)
		}
	}()
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return 1
		}
		if pid == main.Pid {
			return ws.ExitStatus()
		}
	}
}

func setUpSandbox(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	// Paths that containerd, CNI and kubelet write to whatever their settings say.
	// What is left of them outside are the two empty folders under /var/lib.
	for _, d := range []string{"/run", "/var/lib/cni", "/var/lib/kubelet"} {
		if strings.HasPrefix(dir+"/", d+"/") {
			return fmt.Errorf("--dir must not be under %s", d)
		}
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("tmpfs", d, "tmpfs", unix.MS_NOSUID, "mode=755"); err != nil {
			return fmt.Errorf("cover %s: %w", d, err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "sysctl"), 0o700); err != nil {
		return err
	}
	for name, value := range kubeletSysctls {
		f := filepath.Join(dir, "sysctl", strings.ReplaceAll(name, "/", "."))
		if err := os.WriteFile(f, []byte(value+"\n"), 0o600); err != nil {
			return err
		}
		if err := unix.Mount(f, "/proc/sys/"+name, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("cover sysctl %s: %w", name, err)
		}
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return err
	}

	// Loopback, and a veth pair that leads nowhere: it carries the node's address
	// and the default route (some kernels have no dummy interfaces).
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "tc0"
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "tc1"}); err != nil {
		return fmt.Errorf("make veth: %w", err)
	}
	for _, n := range []string{"tc1", "tc0"} {
		l, err := netlink.LinkByName(n)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(l); err != nil {
			return err
		}
		if n != "tc0" {
			continue
		}
		addr, err := netlink.ParseAddr(nodeIP + "/32")
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(l, addr); err != nil {
			return err
		}
		_, all, _ := net.ParseCIDR("0.0.0.0/0")
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: all}); err != nil {
			return fmt.Errorf("default route: %w", err)
		}
	}
	return nil
}
