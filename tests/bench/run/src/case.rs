//! What is measured.

/// A size of request and a number of connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) events: u32,
    pub(crate) connections: u32,
}

impl Case {
    pub(crate) fn all() -> Vec<Self> {
        let sizes = [1, 100];
        sizes
            .into_iter()
            .flat_map(|events| [16, 128].map(|connections| Self { events, connections }))
            .collect()
    }

    pub(crate) fn name(&self) -> String {
        let plural = if self.events == 1 { "event" } else { "events" };
        format!("ingest_{}_{plural}_{}_connections", self.events, self.connections)
    }
}
