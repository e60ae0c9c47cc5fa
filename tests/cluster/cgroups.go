package main

// The cgroups of a sandbox: the one part of it that is the machine's own.

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// cgroupHierarchies are the cgroup mounts: on a cgroup v2 machine just one.
func cgroupHierarchies() []string {
	const root = "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/cgroup.controllers"); err == nil {
		return []string{root}
	}
	entries, _ := os.ReadDir(root)
	var dirs []string
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, filepath.Join(root, e.Name()))
		}
	}
	return dirs
}

// makeCgroups makes the root of kubelet's cgroups, which has to exist.
func makeCgroups(name string) error {
	for _, h := range cgroupHierarchies() {
		g := filepath.Join(h, name)
		if err := os.MkdirAll(g, 0o755); err != nil {
			return err
		}
		for _, f := range []string{"cpuset.cpus", "cpuset.mems"} { // v1: empty at first
			if b, err := os.ReadFile(filepath.Join(h, f)); err == nil {
				os.WriteFile(filepath.Join(g, f), b, 0)
			}
		}
	}
	return nil
}

// removeStaleCgroups removes what a testcluster that was killed left behind.
func removeStaleCgroups() {
	for _, h := range cgroupHierarchies() {
		found, _ := filepath.Glob(filepath.Join(h, "testcluster-*"))
		for _, g := range found {
			pid := strings.TrimPrefix(filepath.Base(g), "testcluster-")
			if _, err := os.Stat("/proc/" + pid); os.IsNotExist(err) {
				removeCgroups(filepath.Base(g))
			}
		}
	}
}

// removeCgroups removes the tree under name, children first. Processes that are
// still ending keep a cgroup for a moment, so it tries for a while.
func removeCgroups(name string) {
	for try := 0; try < 50; try++ {
		left := false
		for _, h := range cgroupHierarchies() {
			var dirs []string
			filepath.WalkDir(filepath.Join(h, name), func(p string, d fs.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					dirs = append(dirs, p)
				}
				return nil
			})
			for i := len(dirs) - 1; i >= 0; i-- {
				if syscall.Rmdir(dirs[i]) != nil {
					left = true
				}
			}
		}
		if !left {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}
