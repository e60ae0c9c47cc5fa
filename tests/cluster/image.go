package main

// `testcluster image --dockerfile Dockerfile --target operator --binaries DIR
// --name localhost/x:test --out x.tar` makes the image that the last stage of a
// target describes, as an OCI archive, without an engine: see dockerfile.go.
// Load it with `up --image x.tar`.

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

type image struct {
	name   string
	files  []imageFile
	config imageConfig
}

type imageFile struct {
	from string // on this machine
	to   string // absolute path in the image
	mode int64
}

// imageConfig is `config` of an OCI image configuration.
type imageConfig struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
}

func cmdImage(args []string) int {
	fs := flag.NewFlagSet("image", flag.ExitOnError)
	dockerfile := fs.String("dockerfile", "Dockerfile", "the Dockerfile")
	target := fs.String("target", "", "stage that describes the image (required)")
	binaries := fs.String("binaries", "", "folder with the files that the stage copies (required)")
	name := fs.String("name", "", "image reference, for example localhost/app:test (required)")
	out := fs.String("out", "", "archive to write (required)")
	fs.Parse(args)
	if *name == "" || *out == "" || *target == "" || *binaries == "" || fs.NArg() > 0 {
		fs.Usage()
		return 2
	}
	img, err := imageOf(*dockerfile, *target, *binaries)
	if err == nil {
		img.name = *name
		// Whole or not at all, also beside another that does the same.
		temporary := fmt.Sprintf("%s.%d.tmp", *out, os.Getpid())
		if err = img.write(temporary); err == nil {
			err = os.Rename(temporary, *out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testcluster image:", err)
		return 1
	}
	return 0
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func (i *image) write(out string) error {
	layer, err := i.layer()
	if err != nil {
		return err
	}
	var blobs []tarFile
	add := func(mediaType string, b []byte) descriptor {
		sum := sha256.Sum256(b)
		h := hex.EncodeToString(sum[:])
		blobs = append(blobs, tarFile{"blobs/sha256/" + h, 0o644, b})
		return descriptor{MediaType: mediaType, Digest: "sha256:" + h, Size: len(b)}
	}
	addJSON := func(mediaType string, v any) descriptor {
		b, _ := json.Marshal(v)
		return add(mediaType, b)
	}
	// Uncompressed: its digest is also its diff ID.
	l := add("application/vnd.oci.image.layer.v1.tar", layer)
	config := addJSON("application/vnd.oci.image.config.v1+json", map[string]any{
		"created": time.Unix(0, 0).UTC(), "architecture": runtime.GOARCH, "os": "linux",
		"config": i.config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{l.Digest}},
	})
	manifest := addJSON("application/vnd.oci.image.manifest.v1+json", map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": config, "layers": []descriptor{l},
	})
	manifest.Annotations = map[string]string{"io.containerd.image.name": i.name, "org.opencontainers.image.ref.name": i.name}
	index, _ := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []descriptor{manifest},
	})
	archive, err := tarOf(append([]tarFile{
		{"oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{"index.json", 0o644, index},
	}, blobs...))
	if err != nil {
		return err
	}
	return os.WriteFile(out, archive, 0o644)
}

func (i *image) layer() ([]byte, error) {
	var files []tarFile
	for _, f := range i.files {
		content, err := os.ReadFile(f.from)
		if err != nil {
			return nil, err
		}
		files = append(files, tarFile{strings.TrimPrefix(f.to, "/"), f.mode, content})
	}
	return tarOf(files)
}

type tarFile struct {
	name    string
	mode    int64
	content []byte
}

func tarOf(files []tarFile) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
