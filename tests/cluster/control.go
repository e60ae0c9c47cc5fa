package main

// The control socket of a cluster, DIR/run/control.sock: how tests outside a
// sandbox reach what is in it, and how they break it. One request a connection,
// one line; the answer is one line, "ok ..." or "error ...".
//
//	dial ADDRESS     after "ok" the connection is one to ADDRESS, as seen from the node
//	listen SOCKET    "ok ADDRESS": connections to ADDRESS go to the unix socket SOCKET,
//	                 as long as this connection stays open
//	stop PROGRAM     ends one program of the cluster, for example kube-apiserver
//	start PROGRAM    starts it again as it was

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

func (c *cluster) serveControl(socket string) error {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if err := c.control(conn.(*net.UnixConn)); err != nil {
					fmt.Fprintln(conn, "error", err)
				}
			}()
		}
	}()
	return nil
}

func (c *cluster) control(conn *net.UnixConn) error {
	// Byte by byte: what follows the line belongs to the other side of a dial.
	line, err := readLine(conn)
	if err != nil {
		return err
	}
	verb, arg, _ := strings.Cut(line, " ")
	switch verb {
	case "dial":
		target, err := net.DialTimeout("tcp", arg, 5*time.Second)
		if err != nil {
			return err
		}
		fmt.Fprintln(conn, "ok")
		pump(conn, target)
		return nil
	case "listen":
		l, err := net.Listen("tcp", net.JoinHostPort(c.opt.nodeAddress(), "0"))
		if err != nil {
			return err
		}
		defer l.Close()
		go relay(l, func() (net.Conn, error) { return net.Dial("unix", arg) })
		fmt.Fprintln(conn, "ok", l.Addr())
		io.Copy(io.Discard, conn)
		return nil
	case "stop":
		ch, err := c.find(arg)
		if err != nil {
			return err
		}
		c.end(ch, 5*time.Second)
		fmt.Fprintln(conn, "ok")
		return nil
	case "start":
		ch, err := c.find(arg)
		if err != nil {
			return err
		}
		if ch.running() {
			return fmt.Errorf("%s is running", arg)
		}
		if err := c.spawn(ch); err != nil {
			return err
		}
		fmt.Fprintln(conn, "ok")
		return nil
	}
	return fmt.Errorf("unknown request %q", verb)
}

func readLine(r io.Reader) (string, error) {
	var line []byte
	b := make([]byte, 1)
	for len(line) < 4096 {
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
	return "", bufio.ErrTooLong
}

// dialThrough opens a connection to target as seen behind the control socket.
func dialThrough(socket, target string) (net.Conn, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(conn, "dial", target)
	answer, err := readLine(conn)
	if err == nil && answer != "ok" {
		err = fmt.Errorf("%s: %s", target, answer)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// relay takes connections and copies bytes both ways to what dial gives.
func relay(l net.Listener, dial func() (net.Conn, error)) {
	for {
		a, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			b, err := dial()
			if err != nil {
				a.Close()
				return
			}
			pump(a, b)
		}()
	}
}

// pump copies both ways until both sides have ended, and passes on a side's end alone.
func pump(a, b net.Conn) {
	defer a.Close()
	defer b.Close()
	done := make(chan struct{}, 2)
	copyHalf := func(to, from net.Conn) {
		_, err := io.Copy(to, from)
		half, ok := to.(interface{ CloseWrite() error })
		if err != nil || !ok || half.CloseWrite() != nil {
			a.Close()
			b.Close()
		}
		done <- struct{}{}
	}
	go copyHalf(a, b)
	go copyHalf(b, a)
	<-done
	<-done
}
