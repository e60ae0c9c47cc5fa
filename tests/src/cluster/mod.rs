//! A real Kubernetes cluster for tests: see `tests/cluster/README.md`.
//!
//! One cluster serves all tests of a binary and each test has a namespace of its own. The
//! process behind it ends when the test process does, however that ends.
//!
//! ```no_run
//! # use tests::cluster::{Cluster, Options};
//! let Some(cluster) = Cluster::control_plane() else { return };
//! let namespace = cluster.namespace(&[("pod-security.kubernetes.io/enforce", "restricted")]);
//! cluster.apply(&format!(
//!     "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: {namespace}}}"
//! ));
//! ```
//!
//! Where a cluster cannot run there is none: the test says so and does nothing. In CI
//! (`CI` is set) it fails instead.

mod audit;
mod images;
mod kubectl;
mod process;
mod reach;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use audit::AuditEvent;
pub use images::{Image, images};
pub use kubectl::Output;
pub use reach::{Exposed, Forward};

use process::Process;

/// What a cluster has beside its control plane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// A real node that runs Pods, volumes and Services; needs root.
    pub node: bool,
    /// Contour and Envoy: Ingresses of class `contour` and the Gateway `gateway/contour`.
    pub ingress: bool,
    /// The project's images, as [`Image::name`] names them.
    pub images: bool,
    /// The kinds of the Gateway API; always there with `ingress`.
    pub gateway_api: bool,
    /// Files of CRDs that are there before the controllers start.
    pub crds: Vec<PathBuf>,
}

impl Options {
    /// A node with the project's images and an ingress.
    pub fn whole() -> Self {
        Self { node: true, ingress: true, images: true, ..Self::default() }
    }
}

/// A running cluster; it ends with the value.
pub struct Cluster {
    process: Process,
    options: Options,
}

impl Cluster {
    /// The control plane that this test binary shares; none where it cannot run.
    pub fn control_plane() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&Options::default())).as_ref()
    }

    /// The cluster with a node that this test binary shares; none where it cannot run.
    ///
    /// # Panics
    ///
    /// Where the binary has one with other options.
    pub fn with_node(options: &Options) -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        let options = Options { node: true, ..options.clone() };
        let shared = SHARED.get_or_init(|| Self::start(&options)).as_ref();
        if let Some(cluster) = shared {
            assert_eq!(cluster.options, options, "one test binary shares one cluster with a node");
        }
        shared
    }

    /// A cluster of one's own, for a test that breaks it; none where it cannot run.
    pub fn start(options: &Options) -> Option<Self> {
        match Process::start(options) {
            Ok(process) => Some(Self { process, options: options.clone() }),
            Err(reason) if std::env::var_os("CI").is_some() => panic!("no cluster for tests: {reason}"),
            Err(reason) => {
                eprintln!("\n!!! SKIPPED, no cluster for tests: {reason}\n");
                None
            }
        }
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.process.report.kubeconfig
    }

    /// `https://127.0.0.1:PORT`
    pub fn server(&self) -> &str {
        &self.process.report.server
    }

    /// The administrator's bearer token.
    pub fn admin_token(&self) -> &str {
        &self.process.report.admin_token
    }

    /// Name of the node.
    pub fn node(&self) -> &str {
        &self.process.report.node
    }

    /// Address of the node as Pods see it.
    pub fn node_address(&self) -> &str {
        &self.process.report.node_address
    }

    /// The last lines of one program's log, for example `kubelet`.
    pub fn log(&self, program: &str) -> String {
        process::tail(&self.process.report.dir.join("logs").join(format!("{program}.log")))
    }

    /// Ends one program, for example `kube-apiserver`; the rest goes on.
    pub fn stop_program(&self, program: &str) {
        self.control(&format!("stop {program}"));
    }

    /// Starts a stopped program again as it was.
    pub fn start_program(&self, program: &str) {
        self.control(&format!("start {program}"));
    }
}

/// The project's root.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace")
}
