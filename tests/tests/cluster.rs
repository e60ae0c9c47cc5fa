//! The cluster that other tests stand on, and the images: that they are what they say.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tests::cluster::{Cluster, Image, Options, images};
use tests::{Receiver, SECRET, eventually, hubspot_headers, post};

const RESTRICTED: &[(&str, &str)] = &[("pod-security.kubernetes.io/enforce", "restricted")];

#[test]
fn the_control_plane_answers() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let version: Value = serde_json::from_str(&cluster.kubectl(&["version", "-o", "json"]).ok()).unwrap();
    assert_eq!(version["serverVersion"]["gitVersion"], "v1.37.2");
    assert_eq!(cluster.kubectl(&["get", "--raw", "/readyz"]).ok(), "ok");
    assert!(cluster.helm(&["version", "--short"]).ok().starts_with("v4."));
}

#[test]
fn restricted_pod_security_refuses_a_privileged_pod() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let namespace = cluster.namespace(RESTRICTED);
    let pod = |security: Value| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace},
            "spec": {"containers": [{"name": "c", "image": "localhost/x:1", "securityContext": security}]}})
        .to_string()
    };
    let refusal = cluster.try_apply(&pod(json!({"privileged": true}))).refused();
    assert!(refusal.contains("violates PodSecurity \"restricted:latest\""), "{refusal}");
    cluster.apply(&pod(restricted()));
    // The same Pod where nothing is said: it is the label that refuses.
    let open = cluster.namespace(&[]);
    let privileged = pod(json!({"privileged": true})).replace(&namespace, &open);
    cluster.apply(&privileged);
}

#[test]
fn the_audit_log_names_the_user_and_the_code_of_a_forbidden_request() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let namespace = cluster.namespace(&[]);
    let user = format!("system:serviceaccount:{namespace}:default");
    let refusal = cluster.kubectl(&["get", "secrets", "-n", &namespace, "--as", &user]).refused();
    assert!(refusal.contains("is forbidden"), "{refusal}");

    // Asked for with a token of its own, not as the administrator in disguise.
    let token = cluster.kubectl(&["create", "token", "default", "-n", &namespace]).ok();
    let refused = cluster.kubectl(&[
        "--kubeconfig=/dev/null",
        "--server",
        cluster.server(),
        "--insecure-skip-tls-verify",
        "--token",
        token.trim(),
        "get",
        "pods",
        "-n",
        &namespace,
    ]);
    assert!(refused.refused().contains("is forbidden"));
    let log = cluster.audit_log();
    let line = log
        .iter()
        .find(|event| event.user == user && event.resource == "pods")
        .expect("a line of the forbidden request");
    assert_eq!((line.verb.as_str(), line.code), ("list", 403));
    assert_eq!(line.namespace, namespace);
    assert!(log.iter().any(|event| event.user == "testcluster-admin" && event.code == 201));
}

#[test]
fn what_is_owned_goes_with_its_owner() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let namespace = cluster.namespace(&[]);
    let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}});
    cluster.apply(&map("owner").to_string());
    let owner = cluster.get(&namespace, "configmap", "owner").unwrap();
    let mut owned = map("owned");
    owned["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}]);
    cluster.apply(&owned.to_string());
    cluster.kubectl(&["delete", "configmap", "owner", "-n", &namespace]).ok();
    cluster.wait_until(60, "the owned object goes", || {
        cluster.get(&namespace, "configmap", "owned").is_none().then_some(())
    });
}

#[test]
fn a_stopped_api_server_starts_again_with_what_it_had() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    let namespace = cluster.namespace(&[]);
    cluster.stop_program("kube-apiserver");
    assert!(!cluster.kubectl(&["get", "--raw", "/readyz"]).success);
    cluster.start_program("kube-apiserver");
    cluster.wait_until(60, "the API server answers", || {
        cluster.kubectl(&["get", "namespace", &namespace]).success.then_some(())
    });
}

#[test]
fn the_listener_runs_restricted_and_answers_through_service_and_ingress() {
    let Some(cluster) = Cluster::with_node(&Options::whole()) else { return };
    let namespace = cluster.namespace(RESTRICTED);
    let receiver = Receiver::start();
    let exposed = cluster.expose(receiver.address);
    let url = format!("https://hooks.example.com/{namespace}/contacts");
    cluster.apply(&listener(&namespace, &url, &format!("http://{}/", exposed.address)));
    cluster.wait_ready(&namespace, "app=listener", 90);

    // The claim was given a volume, and the volume to the Pod's group.
    let claim = cluster.get(&namespace, "persistentvolumeclaim", "data").unwrap();
    assert_eq!(claim["status"]["phase"], "Bound");
    assert_eq!(claim["spec"]["storageClassName"], "standard");

    let service = cluster.get(&namespace, "service", "listener").unwrap();
    let service = cluster.forward(&format!("{}:80", service["spec"]["clusterIP"].as_str().unwrap()));
    let target = format!("/{namespace}/contacts");
    let event =
        |id: u32| format!(r#"{{"eventId":{id},"subscriptionType":"contact.creation","objectId":{id}}}"#);
    let body = |id: u32| format!("[{}]", event(id));
    let headers = |body: &str| hubspot_headers(SECRET, &url, body.as_bytes());
    // kube-proxy is a moment behind a Pod that just became Ready.
    let answer = eventually(30, "an answer through the Service", || {
        post(service.address, &target, &headers(&body(1)), body(1).as_bytes()).ok()
    });
    assert_eq!(answer.status, 204, "{}", answer.text());
    let answer = eventually(30, "an answer through the ingress", || {
        let body = body(2);
        let answer = through_ingress(cluster, &target, &headers(&body), &body)?;
        // Before the route is there it is 404, before the endpoint is known 503.
        (!matches!(answer.status, 404 | 503)).then_some(answer)
    });
    assert_eq!(answer.status, 204, "{}", answer.text());
    let unsigned = through_ingress(cluster, &target, &[], "[]").expect("an answer");
    assert_eq!(unsigned.status, 401);

    // Both came out again, at a server outside of the cluster.
    let mut events = eventually(30, "both events at the destination", || {
        let records = receiver.records();
        (records.len() >= 2).then_some(records)
    });
    events.sort();
    assert_eq!(events, [event(1), event(2)]);

    // The volume goes with its claim.
    let volume = claim["spec"]["volumeName"].as_str().unwrap();
    cluster.kubectl(&["delete", "namespace", &namespace, "--wait=false"]).ok();
    cluster.wait_until(120, "the volume goes with its claim", || {
        (!cluster.kubectl(&["get", "persistentvolume", volume]).success).then_some(())
    });
}

#[test]
fn the_operator_image_starts_without_a_library_of_the_system() {
    let Some(cluster) = Cluster::with_node(&Options::whole()) else { return };
    let namespace = cluster.namespace(RESTRICTED);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "crd", "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "operator", "image": "localhost/hubspot-listener-operator:test",
                "imagePullPolicy": "Never", "args": ["crd"], "securityContext": restricted()}]}});
    cluster.apply(&pod.to_string());
    let state = cluster.wait_until(60, "the operator's end", || {
        let pod = cluster.get(&namespace, "pod", "crd")?;
        let state = pod["status"]["containerStatuses"][0]["state"]["terminated"].clone();
        (!state.is_null()).then_some(state)
    });
    let log = cluster.kubectl(&["logs", "crd", "-n", &namespace]).ok();
    assert_eq!(state["exitCode"], 0, "{state} {log}");
    assert!(log.contains("name: hubspotlisteners.hubspot-listener.dev"), "{log}");
}

#[test]
fn both_images_are_under_30_mb_and_what_the_dockerfile_says() {
    if Cluster::control_plane().is_none() {
        return;
    }
    let dockerfile = std::fs::read_to_string(Path::new("../Dockerfile")).unwrap();
    for image in images().unwrap() {
        let size = std::fs::metadata(&image.archive).unwrap().len();
        assert!(size < 30_000_000, "{}: {size} bytes", image.target);
        let stage = stage(&dockerfile, image.target);
        let (config, files) = contents(&image);
        let one = |verb: &str| stage.get(verb).map(|all| all.join(" ")).unwrap_or_default();
        assert_eq!(config["User"], one("USER").as_str());
        assert_eq!(config["User"], "65532:65532");
        assert_eq!(config["WorkingDir"], one("WORKDIR").as_str());
        assert_eq!(config["Entrypoint"], serde_json::from_str::<Value>(&one("ENTRYPOINT")).unwrap());
        assert_eq!(config["Cmd"], serde_json::from_str::<Value>(&one("CMD")).unwrap());
        let ports: BTreeMap<_, _> =
            one("EXPOSE").split(' ').map(|port| (format!("{port}/tcp"), json!({}))).collect();
        assert_eq!(config["ExposedPorts"], json!(ports));
        let labels: BTreeMap<_, _> = one("LABEL")
            .split("\" ")
            .map(|pair| pair.split_once("=\"").expect("KEY=\"VALUE\""))
            .map(|(key, value)| (key.trim().to_owned(), value.trim_end_matches('"').to_owned()))
            .collect();
        assert_eq!(config["Labels"], json!(labels));
        let copied: Vec<_> =
            stage["COPY"].iter().filter_map(|copy| copy.rsplit(' ').next()?.strip_prefix('/')).collect();
        assert_eq!(files, copied, "{}: nothing but what is copied", image.target);
    }
}

/// What the Pod Security level `restricted` asks of a container, and a root that cannot be written.
fn restricted() -> Value {
    json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}})
}

fn through_ingress(
    cluster: &Cluster,
    target: &str,
    headers: &[(String, String)],
    body: &str,
) -> Option<tests::Answer> {
    let mut request = format!("POST {target} HTTP/1.1\r\nhost: hooks.example.com\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    tests::send_raw(cluster.ingress(), request.as_bytes()).ok()
}

/// A listener as the operator would make it, by hand.
fn listener(namespace: &str, url: &str, destination: &str) -> String {
    let configuration = json!({
        "version": "v1", "namespace": namespace, "name": "contacts", "publicUrl": url,
        "spec": {
            "displayName": "Contacts",
            "clientSecrets": [{"name": "hubspot-app", "key": "clientSecret"}],
            "page": {"size": 20, "lingerMilliseconds": 0},
            "destinations": [{"name": "warehouse", "http": {"url": destination}}],
        },
    });
    let meta = |name: &str| json!({"name": name, "namespace": namespace});
    let labels = json!({"app": "listener"});
    let probe = json!({"httpGet": {"path": "/readyz", "port": 9090}, "periodSeconds": 1});
    let pod = json!({
        "automountServiceAccountToken": false,
        "securityContext": {"runAsNonRoot": true, "fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "listener", "image": "localhost/hubspot-listener:test", "imagePullPolicy": "Never",
            "args": ["serve", "--config", "/etc/listener/configuration/configuration.json"],
            "securityContext": restricted(), "readinessProbe": probe,
            "volumeMounts": [
                {"name": "configuration", "mountPath": "/etc/listener/configuration"},
                {"name": "secret", "mountPath": "/etc/listener/secrets/hubspot-app"},
                {"name": "data", "mountPath": "/data"},
            ],
        }],
        "volumes": [
            {"name": "configuration", "configMap": {"name": "listener"}},
            {"name": "secret", "secret": {"secretName": "hubspot-app"}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        ],
    });
    let rule = json!({"host": "hooks.example.com", "http": {"paths": [{
        "path": format!("/{namespace}/contacts"), "pathType": "Exact",
        "backend": {"service": {"name": "listener", "port": {"number": 80}}},
    }]}});
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("listener"),
            "data": {"configuration.json": configuration.to_string()}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta("hubspot-app"),
            "stringData": {"clientSecret": SECRET}},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta("data"),
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("listener"),
            "spec": {"selector": {"matchLabels": labels}, "strategy": {"type": "Recreate"},
                "template": {"metadata": {"labels": labels}, "spec": pod}}},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta("listener"),
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta("listener"),
            "spec": {"ingressClassName": "contour", "rules": [rule]}},
    ]})
    .to_string()
}

/// The instructions of a stage, read here a second time: by verb, in order.
fn stage(dockerfile: &str, target: &str) -> BTreeMap<String, Vec<String>> {
    let joined = dockerfile.replace("\\\n", " ");
    let begin = format!("FROM scratch AS {target}");
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let lines = joined.lines().skip_while(|line| *line != begin).skip(1);
    for line in lines.take_while(|line| !line.starts_with("FROM ")) {
        if let Some((verb, rest)) = line.split_once(' ').filter(|_| !line.starts_with('#')) {
            found.entry(verb.to_owned()).or_default().push(rest.trim().to_owned());
        }
    }
    assert!(!found.is_empty(), "no stage {target}");
    found
}

/// The `config` of an image, and the paths in its one layer: read by tar, not by what wrote them.
fn contents(image: &Image) -> (Value, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new("tar").args(arguments).output().unwrap();
        assert!(output.status.success(), "tar {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["-xf", image.archive.to_str().unwrap(), "-C", folder.path().to_str().unwrap()]);
    let json = |path: &str| -> Value {
        serde_json::from_slice(&std::fs::read(folder.path().join(path)).unwrap()).unwrap()
    };
    let blob =
        |descriptor: &Value| format!("blobs/{}", descriptor["digest"].as_str().unwrap().replace(':', "/"));
    let index = json("index.json");
    assert_eq!(index["manifests"][0]["annotations"]["io.containerd.image.name"], image.name);
    let manifest = json(&blob(&index["manifests"][0]));
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    let layer = folder.path().join(blob(&manifest["layers"][0]));
    let files = run(&["-tf", layer.to_str().unwrap()]).lines().map(str::to_owned).collect();
    (json(&blob(&manifest["config"]))["config"].clone(), files)
}
