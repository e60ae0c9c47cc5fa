package main

// The programs of a cluster as child processes.

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

type child struct {
	name, program string
	args          []string
	cmd           *exec.Cmd
	done          chan struct{} // closed when the process has been reaped
	expected      bool          // it was told to end: see control.go
}

type cluster struct {
	opt  upOptions
	self string
	died chan *child // those that ended without having been told to

	// Guards what control.go changes while the cluster runs.
	mu       sync.Mutex
	children []*child
}

func (c *cluster) path(p ...string) string {
	return filepath.Join(append([]string{c.opt.dir}, p...)...)
}

func (c *cluster) write(name, text string) error {
	return os.WriteFile(c.path(name), []byte(text), 0o600)
}

// start runs a program, this same binary if none is named, as one component of
// the cluster, with its output in logs/NAME.log.
func (c *cluster) start(name, program string, args ...string) (*child, error) {
	if program == "" {
		program, args = c.self, append([]string{name}, args...)
	}
	ch := &child{name: name, program: program, args: args}
	if err := c.spawn(ch); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.children = append(c.children, ch)
	return ch, nil
}

// spawn starts the process. It dies with the supervisor (PDEATHSIG), so a
// SIGKILLed supervisor leaves nothing behind. PDEATHSIG is bound to the thread
// that forks, so every fork happens on the one that main is locked to.
func (c *cluster) spawn(ch *child) error {
	log, err := os.OpenFile(c.path("logs", ch.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(ch.program, ch.args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = c.opt.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := onForkThread(cmd.Start); err != nil {
		return err
	}
	done := make(chan struct{})
	ch.cmd, ch.done, ch.expected = cmd, done, false
	go func() {
		cmd.Wait()
		c.mu.Lock()
		expected := ch.expected
		c.mu.Unlock()
		close(done)
		if !expected {
			c.died <- ch
		}
	}()
	return nil
}

// end tells one process to end and kills it after the grace.
func (c *cluster) end(ch *child, grace time.Duration) {
	c.mu.Lock()
	ch.expected = true
	done := ch.done
	c.mu.Unlock()
	ch.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(grace):
		ch.cmd.Process.Kill()
		<-done
	}
}

// stop ends the children, last started first. A test cluster's data is thrown
// away, so after a short grace they are killed.
func (c *cluster) stop(grace time.Duration) {
	c.mu.Lock()
	children := c.children
	c.children = nil
	c.mu.Unlock()
	for i := len(children) - 1; i >= 0; i-- {
		c.end(children[i], grace)
	}
}

func (c *cluster) find(name string) (*child, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.children {
		if ch.name == name {
			return ch, nil
		}
	}
	return nil, fmt.Errorf("no part of this cluster is called %q", name)
}

func (ch *child) running() bool {
	select {
	case <-ch.done:
		return false
	default:
		return true
	}
}

var forks = make(chan func())

// forkForever serves onForkThread on a thread that lives as long as the process.
func forkForever() {
	go func() {
		runtime.LockOSThread()
		for f := range forks {
			f()
		}
	}()
}

func onForkThread(f func() error) error {
	result := make(chan error)
	forks <- func() { result <- f() }
	return <-result
}

// freePorts asks the kernel for n ports free now on addr, all held until all
// are known, so that they differ.
func freePorts(addr string, n int) ([]int, error) {
	var ports []int
	for i := 0; i < n; i++ {
		l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
