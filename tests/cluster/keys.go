package main

// Who there is in a cluster: certificates and kubeconfigs of its programs and
// of the administrator.

import (
	"crypto/x509/pkix"
	"errors"
	"os"
)

type keys struct {
	ca, frontCA, serving, toKubelet, front, serviceAccount *keyPair
	token                                                  string // of the administrator
}

func (c *cluster) makeKeys(a addresses) (*keys, error) {
	var failed error
	mk := func(name, cn, org string, ca *keyPair, hosts ...string) *keyPair {
		subject := pkix.Name{CommonName: cn}
		if org != "" {
			subject.Organization = []string{org}
		}
		if failed != nil {
			return nil
		}
		pair, err := issue(c.path("pki"), name, subject, hosts, ca)
		failed = errors.Join(failed, err)
		return pair
	}
	const admins = "system:masters"
	k := &keys{
		ca:      mk("ca", "testcluster-ca", "", nil),
		frontCA: mk("front-proxy-ca", "testcluster-front-proxy-ca", "", nil),
	}
	k.serving = mk("apiserver", "kube-apiserver", "", k.ca, a.hosts...)
	k.toKubelet = mk("apiserver-kubelet-client", "kube-apiserver-kubelet-client", admins, k.ca)
	k.front = mk("front-proxy-client", "front-proxy-client", "", k.frontCA)
	k.serviceAccount = mk("service-account", "service-account", "", k.ca) // only its key pair is used

	clients := map[string]*keyPair{
		"admin":              mk("admin", "testcluster-admin", admins, k.ca),
		"controller-manager": mk("controller-manager", "system:kube-controller-manager", "", k.ca),
		"scheduler":          mk("scheduler", "system:kube-scheduler", "", k.ca),
	}
	if node := c.opt.node.name; node != "" {
		clients["kubelet"] = mk("kubelet", "system:node:"+node, "system:nodes", k.ca)
		clients["kube-proxy"] = mk("kube-proxy", "system:kube-proxy", "", k.ca)
		clients["volumes"] = mk("volumes", "testcluster-volumes", admins, k.ca)
		mk("kubelet-server", "system:node:"+node, "system:nodes", k.ca, append(a.hosts, node)...)
	}
	if c.opt.ingress.on {
		clients["contour"] = mk("contour", "testcluster-contour", admins, k.ca)
	}
	if failed != nil {
		return nil, failed
	}
	for name, pair := range clients {
		if err := kubeconfig(c.path(name+".kubeconfig"), a.server, k.ca, pair); err != nil {
			return nil, err
		}
	}
	// A second way in for clients without certificates: a static bearer token.
	token, err := randomToken()
	if err != nil {
		return nil, err
	}
	k.token = token
	return k, os.WriteFile(c.path("pki", "tokens.csv"), []byte(token+",testcluster-token-admin,testcluster-token-admin,"+admins+"\n"), 0o600)
}
