// testcluster: a real Kubernetes cluster as one binary, for tests. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata" // CronJob time zones, as in upstream kube-apiserver

	"go.etcd.io/etcd/server/v3/etcdmain"

	_ "k8s.io/client-go/plugin/pkg/client/auth"           // kubectl auth plugins
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // build-info metric

	helm "helm.sh/helm/v4/pkg/cmd"
	helmkube "helm.sh/helm/v4/pkg/kube"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

const usage = "usage: testcluster up|image|provision-volumes|etcd|kube-apiserver|kube-controller-manager|" +
	"kube-scheduler|kubelet|kube-proxy|kubectl|helm ARGS..."

func main() {
	// By the name of a link (kubectl, helm), else by the first argument.
	if run(filepath.Base(os.Args[0])) {
		return
	}
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	os.Args = os.Args[1:]
	if !run(os.Args[0]) {
		fmt.Fprintf(os.Stderr, "testcluster: unknown command %q\n%s\n", os.Args[0], usage)
		os.Exit(2)
	}
}

func run(name string) bool {
	switch name {
	case "up":
		os.Exit(cmdUp(os.Args[1:]))
	case "sandbox-init":
		os.Exit(cmdSandboxInit(os.Args[1:]))
	case "image":
		os.Exit(cmdImage(os.Args[1:]))
	case "provision-volumes":
		os.Exit(cmdProvisionVolumes(os.Args[1:]))
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "kubelet":
		os.Exit(cli.Run(kubelet.NewKubeletCommand(context.Background())))
	case "kube-proxy":
		os.Exit(cli.Run(proxy.NewProxyCommand()))
	case "kubectl":
		logs.GlogSetter(kubectl.GetLogVerbosity(os.Args)) //nolint:errcheck
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err)
		}
	case "helm":
		runHelm()
	default:
		return false
	}
	return true
}

func runHelm() {
	helmkube.ManagedFieldsManager = "helm"
	cmd, err := helm.NewRootCmd(os.Stdout, os.Args[1:], helm.SetupLogging)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
	if err := cmd.Execute(); err != nil {
		var ce helm.CommandError
		if errors.As(err, &ce) {
			os.Exit(ce.ExitCode)
		}
		os.Exit(1)
	}
}
