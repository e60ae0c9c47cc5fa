package main

// `testcluster provision-volumes`: a small provisioner of local volumes, so that
// claims of the class "standard" work as on a real cluster. A claim gets a
// directory on the node once the scheduler has chosen a place for its first Pod
// (WaitForFirstConsumer), and the directory goes with the claim (Delete).
//
// The directories belong to root with mode 0755, as a fresh file system does: a
// Pod that runs as somebody else must ask for them with fsGroup. Requested sizes
// are not enforced.

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	storageClass     = "standard"
	storageDriver    = "testcluster.hubspot-listener.dev/local"
	provisionedBy    = "pv.kubernetes.io/provisioned-by"
	selectedNode     = "volume.kubernetes.io/selected-node"
	storageClassYAML = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: ` + storageClass + `
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: ` + storageDriver + `
volumeBindingMode: WaitForFirstConsumer
reclaimPolicy: Delete
---
`
)

type provisioner struct {
	client kubernetes.Interface
	dir    string // one directory a volume in here
	queue  chan func(context.Context) error
}

func cmdProvisionVolumes(args []string) int {
	fs := flag.NewFlagSet("provision-volumes", flag.ExitOnError)
	config := fs.String("kubeconfig", "", "kubeconfig (required)")
	dir := fs.String("dir", "", "folder of the volumes (required)")
	fs.Parse(args)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := provisionVolumes(ctx, *config, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "testcluster provision-volumes:", err)
		return 1
	}
	return 0
}

func provisionVolumes(ctx context.Context, config, dir string) error {
	rest, err := clientcmd.BuildConfigFromFlags("", config)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	p := &provisioner{client: client, dir: dir, queue: make(chan func(context.Context) error, 1024)}
	factory := informers.NewSharedInformerFactory(client, 30*time.Second) // what failed is tried again then
	handle := func(take func(any)) cache.ResourceEventHandler {
		return cache.ResourceEventHandlerFuncs{AddFunc: take, UpdateFunc: func(_, now any) { take(now) }}
	}
	claims, volumes := factory.Core().V1().PersistentVolumeClaims(), factory.Core().V1().PersistentVolumes()
	claims.Informer().AddEventHandler(handle(func(o any) {
		claim := o.(*core.PersistentVolumeClaim)
		p.queue <- func(ctx context.Context) error { return p.make(ctx, claim) }
	}))
	volumes.Informer().AddEventHandler(handle(func(o any) {
		volume := o.(*core.PersistentVolume)
		p.queue <- func(ctx context.Context) error { return p.remove(ctx, volume) }
	}))
	factory.Start(ctx.Done())
	for {
		select {
		case <-ctx.Done():
			return nil
		case work := <-p.queue:
			if err := work(ctx); err != nil && !errors.Is(err, context.Canceled) {
				fmt.Fprintln(os.Stderr, "testcluster provision-volumes:", err)
			}
		}
	}
}

// make makes the volume of a claim that waits for one on a chosen node.
func (p *provisioner) make(ctx context.Context, claim *core.PersistentVolumeClaim) error {
	node := claim.Annotations[selectedNode]
	class := claim.Spec.StorageClassName
	if node == "" || class == nil || *class != storageClass || claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil {
		return nil
	}
	name := "pvc-" + string(claim.UID)
	dir := filepath.Join(p.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
		return err
	}
	mode := core.PersistentVolumeFilesystem
	_, err := p.client.CoreV1().PersistentVolumes().Create(ctx, &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: storageDriver}},
		Spec: core.PersistentVolumeSpec{
			Capacity:                      core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			AccessModes:                   claim.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: core.PersistentVolumeReclaimDelete,
			StorageClassName:              storageClass,
			VolumeMode:                    &mode,
			// Local, not hostPath: kubelet gives local volumes to the Pod's fsGroup.
			PersistentVolumeSource: core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: dir}},
			ClaimRef: &core.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion,
			},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{{
				MatchExpressions: []core.NodeSelectorRequirement{{
					Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{node},
				}},
			}}}},
		},
	}, meta.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// remove removes a volume whose claim is gone.
func (p *provisioner) remove(ctx context.Context, volume *core.PersistentVolume) error {
	if volume.Annotations[provisionedBy] != storageDriver || volume.Status.Phase != core.VolumeReleased ||
		volume.Spec.PersistentVolumeReclaimPolicy != core.PersistentVolumeReclaimDelete {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(p.dir, volume.Name)); err != nil {
		return err
	}
	err := p.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
