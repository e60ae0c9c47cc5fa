//! What is done on a connection: a transaction, or single statements.
//!
//! A connection goes back to the pool only when what was begun on it has ended in order; otherwise it is
//! thrown away, never used again.

use deadpool_postgres::Object;
use tokio_postgres::{Client, IsolationLevel, Row};

use super::sql::Value;
use super::trouble::Trouble;

/// A connection out of the pool. It goes back there only when what was begun on it has ended in order.
pub(in crate::store::postgres) struct Connection {
    object: Option<Object>,
    /// Something was begun and has not ended in order.
    begun: bool,
}

impl Connection {
    /// Nothing is begun on it.
    pub(super) fn new(object: Object) -> Self {
        Self { object: Some(object), begun: false }
    }

    /// Begins a transaction that writes.
    pub(in crate::store::postgres) async fn begin(&mut self) -> Result<Tx<'_>, Trouble> {
        self.start(IsolationLevel::ReadCommitted, false).await
    }

    /// Begins a transaction that reads, and sees all of it as at one moment.
    pub(in crate::store::postgres) async fn look(&mut self) -> Result<Tx<'_>, Trouble> {
        self.start(IsolationLevel::RepeatableRead, true).await
    }

    async fn start(&mut self, level: IsolationLevel, read_only: bool) -> Result<Tx<'_>, Trouble> {
        let Self { object, begun } = self;
        let client: &mut Client = object.as_mut().ok_or_else(gone)?;
        *begun = true;
        let transaction =
            client.build_transaction().isolation_level(level).read_only(read_only).start().await?;
        Ok(Tx { transaction, begun })
    }

    /// For single statements, each of them a transaction; [`Alone::end`] says that they ended in order.
    pub(in crate::store::postgres) fn alone(&mut self) -> Result<Alone<'_>, Trouble> {
        let Self { object, begun } = self;
        let client: &Client = object.as_ref().ok_or_else(gone)?;
        *begun = true;
        Ok(Alone { client, begun })
    }
}

/// A connection for single statements. Dropped without [`Alone::end`] it is thrown away.
pub(in crate::store::postgres) struct Alone<'a> {
    client: &'a Client,
    begun: &'a mut bool,
}

impl std::ops::Deref for Alone<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client
    }
}

impl Alone<'_> {
    /// All of it was answered.
    pub(in crate::store::postgres) fn end(self) {
        *self.begun = false;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let (true, Some(object)) = (self.begun, self.object.take()) {
            drop(Object::take(object));
        }
    }
}

fn gone() -> Trouble {
    Trouble::Pool("the connection was lost".to_owned())
}

/// A transaction. Dropped without [`Tx::commit`] or [`Tx::undo`] its connection is thrown away.
pub(in crate::store::postgres) struct Tx<'a> {
    transaction: tokio_postgres::Transaction<'a>,
    begun: &'a mut bool,
}

impl<'a> std::ops::Deref for Tx<'a> {
    type Target = tokio_postgres::Transaction<'a>;

    fn deref(&self) -> &Self::Target {
        &self.transaction
    }
}

impl Tx<'_> {
    /// Ok: it stays. An error: it may stay or not, where the connection was lost on the way.
    pub(in crate::store::postgres) async fn commit(self) -> Result<(), Trouble> {
        self.transaction.commit().await?;
        *self.begun = false;
        Ok(())
    }

    /// Sends the last statements together with the commit: what they lock is held for no round trip.
    /// The rows of each; where one fails nothing is done.
    pub(in crate::store::postgres) async fn commit_with(
        self,
        statements: &[(&str, &[Value<'_>])],
    ) -> Result<Vec<Vec<Row>>, Trouble> {
        let transaction = &self.transaction;
        // They are sent in this order, because each is sent when it is first polled.
        let work = statements.iter().map(|(statement, values)| transaction.query_typed(statement, values));
        let commit = transaction.client().batch_execute("COMMIT");
        let (done, committed) =
            futures_util::future::join(futures_util::future::join_all(work), commit).await;
        // A commit after an error is a rollback, and no error itself.
        let rows = done.into_iter().collect::<Result<Vec<_>, _>>()?;
        committed?;
        // It has ended: the rollback that dropping it would send is not needed.
        std::mem::forget(self.transaction);
        *self.begun = false;
        Ok(rows)
    }

    /// Undoes it.
    pub(in crate::store::postgres) async fn undo(self) -> Result<(), Trouble> {
        self.transaction.rollback().await?;
        *self.begun = false;
        Ok(())
    }
}
