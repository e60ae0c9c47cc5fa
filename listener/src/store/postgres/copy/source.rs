//! A schema that is copied. What a listener has left is read as the neutral rows want it: rows that are
//! to be added up are, messages that stand there twice are one. A page that is leased stays so; an embedded
//! store takes it back when it is opened.

use secrecy::SecretString;

use super::rows::{self, State};
use super::session::{Missing, Session};
use super::{counters, is_half};
use crate::store::StoreError;
use crate::store::copy::{Each, Row, Rows, Table, Value, refusal};
use crate::store::postgres::desk::bulk::PLAN_MS;
use crate::store::postgres::sql::int;
use crate::store::postgres::trouble::Trouble;

/// A schema that is read.
pub(in crate::store) struct Source {
    session: Session,
    name: String,
}

impl Source {
    /// Brings the schema, which must be there, to this version, and takes its lock. Blocks.
    pub(in crate::store) fn open(
        url: &SecretString,
        namespace: &str,
        listener: &str,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let session = Session::open(url, namespace, listener, Missing::Refuse)?;
        let name = session.handle.block_on(can_be_copied(&session, now_ms))?;
        Ok(Self { session, name })
    }
}

/// Refuses what would not be whole elsewhere; the name of the store.
async fn can_be_copied(session: &Session, now_ms: i64) -> Result<String, StoreError> {
    let Session { client, schema, .. } = session;
    let place = format!("the schema {schema}");
    if is_half(client).await? {
        return Err(refusal::half(&place, &session.remedy()));
    }
    let planned = now_ms.saturating_sub(PLAN_MS);
    let replays = client.query_typed_one(refusal::REPLAYS, &[int(&planned)]).await.map_err(Trouble::from)?;
    refusal::replays(&place, replays.try_get(0).map_err(Trouble::from)?)?;
    let meta = client.query_typed_one("SELECT name FROM meta", &[]).await.map_err(Trouble::from)?;
    Ok(meta.try_get(0).map_err(Trouble::from)?)
}

impl Rows for Source {
    fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let Session { handle, client, .. } = &self.session;
        Ok(handle.block_on(rows::count(client, table, State::Worked))?)
    }

    fn rows(&mut self, table: &Table, after: Option<&[Value]>, each: Each<'_>) -> Result<(), StoreError> {
        let Session { handle, client, .. } = &self.session;
        handle.block_on(rows::read(client, (table, State::Worked), after, each))
    }

    fn counters(&mut self) -> Result<Row, StoreError> {
        let Session { handle, client, .. } = &self.session;
        Ok(handle.block_on(counters::read(client, State::Worked))?)
    }
}

impl crate::store::copy::Source for Source {
    fn name(&self) -> &str {
        &self.name
    }

    fn end(self) -> Result<(), StoreError> {
        self.session.handle.block_on(self.session.release());
        Ok(())
    }
}
