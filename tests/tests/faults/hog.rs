//! Somebody who takes every connection that a database has.

use std::time::{Duration, Instant};

use postgres_server::Server;
use tokio_postgres::{Client, NoTls};

/// Holds every connection until it is dropped.
pub struct Hog {
    // Dropped first: closes them.
    _clients: Vec<Client>,
    _runtime: tokio::runtime::Runtime,
}

impl Hog {
    /// Ends everybody else's connections again and again and takes their places, until none is left.
    pub fn take_all(server: &Server) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let url = format!("{}?application_name=hog", server.url("postgres"));
        let clients = runtime.block_on(take_all(&url));
        Self { _clients: clients, _runtime: runtime }
    }
}

async fn take_all(url: &str) -> Vec<Client> {
    const END_OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                              WHERE backend_type = 'client backend' AND application_name <> 'hog'";
    let mut clients = vec![connect(url).await.expect("the first connection")];
    let begin = Instant::now();
    loop {
        while let Ok(client) = connect(url).await {
            clients.push(client);
        }
        if clients[0].query(END_OTHERS, &[]).await.expect("the superuser may").is_empty() {
            return clients;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "others hold their connections");
    }
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
