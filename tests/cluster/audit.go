package main

// The audit log: DIR/audit.log has a JSON line for every request with its user,
// verb, object and answer, so that tests can say who called what and what was
// forbidden. Bodies are left out: Secrets stay out of the log.

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

// auditArgs writes the policy and gives the flags of kube-apiserver. The log is
// written before the answer goes out, so whoever has an answer finds its line.
func (c *cluster) auditArgs() ([]string, error) {
	if err := c.write("audit-policy.yaml", auditPolicy); err != nil {
		return nil, err
	}
	return []string{
		"--audit-policy-file=" + c.path("audit-policy.yaml"),
		"--audit-log-path=" + c.path("audit.log"),
		"--audit-log-format=json",
		"--audit-log-mode=blocking",
		"--audit-log-maxsize=4096", // MB: never moved away while a test reads it
	}, nil
}
