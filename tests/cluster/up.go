package main

// `testcluster up`: starts one cluster on free loopback ports, says where it is
// in one JSON line on stdout, and takes it down when told to: on SIGTERM or
// SIGINT, or (with --exit-on-stdin-eof) when its stdin closes, which also
// happens when the test process that holds the other end of the pipe dies.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func cmdUp(args []string) int {
	runtime.LockOSThread() // for PDEATHSIG of the sandbox, see spawn
	fail := func(err error) int { fmt.Fprintln(os.Stderr, "testcluster:", err); return 1 }
	self, err := os.Executable()
	if err != nil {
		return fail(err)
	}
	o, err := parseUp(args, self)
	if err != nil {
		fail(err)
		return 2
	}
	inSandbox := os.Getenv(sandboxEnv) != ""
	if o.node.name != "" {
		if err := errors.Join(o.node.defaults(self), o.ingress.check()); err != nil {
			return fail(err)
		}
		if !inSandbox {
			return finish(o, runSandboxed(o, self, args))
		}
		o.bind, o.advertise = "0.0.0.0", nodeIP
	}
	code := runCluster(o, self)
	if inSandbox { // the process outside tidies up, for it ends last
		return code
	}
	return finish(o, code)
}

// finish removes the directory of a cluster that ended as it was told to.
func finish(o upOptions, code int) int {
	if code == 0 && o.removeDir {
		if err := os.RemoveAll(o.dir); err != nil {
			fmt.Fprintln(os.Stderr, "testcluster:", err)
		}
	}
	return code
}

func runCluster(o upOptions, self string) int {
	fail := func(err error) int { fmt.Fprintln(os.Stderr, "testcluster:", err); return 1 }
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if o.stdinEOF {
		go func() { io.Copy(io.Discard, os.Stdin); cancel() }()
	}
	forkForever()

	// Another process may take a port between our look and the child's bind;
	// then the child exits at once and everything is tried again.
	for try := 1; ; try++ {
		c := &cluster{opt: o, self: self, died: make(chan *child, 16)}
		report, err := c.bringUp(ctx)
		if err == nil {
			err = c.serveControl(report.Control)
		}
		if err == nil {
			line, _ := json.Marshal(report)
			fmt.Println(string(line))
			code := 0
			select {
			case <-ctx.Done():
			case ch := <-c.died:
				fmt.Fprintf(os.Stderr, "testcluster: %s ended by itself (%v), see %s\n", ch.name, ch.cmd.ProcessState, c.path("logs", ch.name+".log"))
				code = 1
			}
			c.stop(2 * time.Second)
			return code
		}
		c.stop(time.Second)
		if ctx.Err() != nil {
			return 0
		}
		var busy *exitedEarly
		if errors.As(err, &busy) && try < 3 {
			fmt.Fprintf(os.Stderr, "testcluster: %v; trying again\n", err)
			continue
		}
		return fail(err)
	}
}
