//! What a server must be before anything is acknowledged on its word.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

/// The oldest version that is known to work.
const OLDEST: i32 = 140_000;

/// What a server says of itself, to this user in this database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    version: i32,
    version_text: String,
    synchronous_commit: String,
    fsync: String,
    full_page_writes: String,
    encoding: String,
    standby: bool,
    read_only: String,
}

/// Asks the server; one round trip.
pub(super) async fn look(client: &Client) -> Result<Server, Error> {
    const QUERY: &str = "SELECT current_setting('server_version_num')::int4, current_setting('server_version'), \
        current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes'), \
        current_setting('server_encoding'), pg_is_in_recovery(), current_setting('default_transaction_read_only') \
        WHERE $1";
    let row = client.query_typed_one(QUERY, &[(&true, Type::BOOL)]).await?;
    Ok(Server {
        version: row.try_get(0)?,
        version_text: row.try_get(1)?,
        synchronous_commit: row.try_get(2)?,
        fsync: row.try_get(3)?,
        full_page_writes: row.try_get(4)?,
        encoding: row.try_get(5)?,
        standby: row.try_get(6)?,
        read_only: row.try_get(7)?,
    })
}

impl Server {
    /// Why it cannot be used, with the remedy.
    pub(super) fn refuse(&self) -> Result<(), String> {
        type Check = fn(&Server) -> Option<String>;
        const CHECKS: [Check; 7] =
            [version, standby, read_only, synchronous_commit, fsync, full_page_writes, encoding];
        CHECKS.iter().find_map(|check| check(self)).map_or(Ok(()), Err)
    }

    /// Its version, for people.
    pub(super) fn version(&self) -> &str {
        &self.version_text
    }
}

fn version(server: &Server) -> Option<String> {
    let text = &server.version_text;
    (server.version < OLDEST).then(|| format!("the server is PostgreSQL {text}; use 14 or a later one"))
}

fn standby(server: &Server) -> Option<String> {
    server.standby.then(|| {
        "the server is a standby, which takes no writes; let the URL name the primary, or name all hosts \
         and add target_session_attrs=read-write"
            .to_owned()
    })
}

fn read_only(server: &Server) -> Option<String> {
    (server.read_only == "on").then(|| {
        "transactions of this user are read only (default_transaction_read_only); use a user that may write".to_owned()
    })
}

fn synchronous_commit(server: &Server) -> Option<String> {
    (server.synchronous_commit == "off").then(|| {
        "synchronous_commit is off, so that a crash of the server would lose deliveries that were acknowledged; \
         set it to on, for this user alone with: ALTER ROLE <user> SET synchronous_commit = on"
            .to_owned()
    })
}

fn fsync(server: &Server) -> Option<String> {
    (server.fsync == "off").then(|| {
        "fsync is off, so that a power cut would lose or damage what was acknowledged; set fsync = on in \
         postgresql.conf and reload the server"
            .to_owned()
    })
}

fn full_page_writes(server: &Server) -> Option<String> {
    (server.full_page_writes == "off").then(|| {
        "full_page_writes is off, so that a power cut can damage the tables; set full_page_writes = on in \
         postgresql.conf and reload the server"
            .to_owned()
    })
}

fn encoding(server: &Server) -> Option<String> {
    let encoding = &server.encoding;
    (encoding != "UTF8").then(|| {
        format!("the database has the encoding {encoding}; make one with: CREATE DATABASE <name> ENCODING 'UTF8' TEMPLATE template0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Server {
        Server {
            version: 150_004,
            version_text: "15.4".to_owned(),
            synchronous_commit: "on".to_owned(),
            fsync: "on".to_owned(),
            full_page_writes: "on".to_owned(),
            encoding: "UTF8".to_owned(),
            standby: false,
            read_only: "off".to_owned(),
        }
    }

    #[test]
    fn a_server_that_would_lose_what_it_acknowledged_is_refused_with_the_remedy() {
        assert_eq!(good().refuse(), Ok(()));
        for level in ["local", "remote_write", "remote_apply"] {
            assert_eq!(Server { synchronous_commit: level.to_owned(), ..good() }.refuse(), Ok(()));
        }
        let off = || "off".to_owned();
        for (server, words) in [
            (Server { version: 130_012, version_text: "13.12".to_owned(), ..good() }, "14 or a later"),
            (Server { standby: true, ..good() }, "primary"),
            (Server { read_only: "on".to_owned(), ..good() }, "may write"),
            (Server { synchronous_commit: off(), ..good() }, "ALTER ROLE"),
            (Server { fsync: off(), ..good() }, "fsync = on"),
            (Server { full_page_writes: off(), ..good() }, "full_page_writes = on"),
            (Server { encoding: "LATIN1".to_owned(), ..good() }, "ENCODING 'UTF8'"),
        ] {
            let refused = server.refuse().unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
