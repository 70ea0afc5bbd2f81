//! The SQL of one collection's table: rows in, rows out. What a row means is decided above.

use rusqlite::{OptionalExtension as _, named_params};

use super::{Connection, schema};
use crate::error::{Code, Error, Result};
use crate::model::{CollectionSpec, DocId, RevId};

/// Bits of the column `flags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(pub(crate) u32);

impl Flags {
    /// The current revision is a tombstone.
    pub(crate) const DELETED: u32 = 1;
    /// The tree has more than one leaf.
    pub(crate) const CONFLICTED: u32 = 2;
    /// The body of the current revision, or of a branch, refers to blobs.
    pub(crate) const HAS_BLOBS: u32 = 4;
    /// The body of a former revision is kept, as a base of deltas.
    pub(crate) const HAS_BASE: u32 = 8;

    /// Whether the current revision is a tombstone.
    pub(crate) fn is_deleted(self) -> bool {
        self.0 & Self::DELETED != 0
    }

    /// Whether the tree has more than one leaf.
    pub(crate) fn is_conflicted(self) -> bool {
        self.0 & Self::CONFLICTED != 0
    }

    /// Whether the body of a former revision is kept.
    pub(crate) fn has_base(self) -> bool {
        self.0 & Self::HAS_BASE != 0
    }

    /// Whether any body but that of the current revision is here.
    pub(crate) fn has_other_bodies(self) -> bool {
        self.0 & (Self::CONFLICTED | Self::HAS_BASE) != 0
    }

    /// Whether a body refers to blobs.
    pub(crate) fn has_blobs(self) -> bool {
        self.0 & Self::HAS_BLOBS != 0
    }
}

/// A row without its body.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// Place in the change feed, and the row's key.
    pub(crate) sequence: u64,
    /// State of the current revision.
    pub(crate) flags: Flags,
    /// The current revision.
    pub(crate) rev_id: RevId,
    /// The encoded revision tree; `None` when the current revision is all there is.
    pub(crate) tree: Option<Vec<u8>>,
}

/// What a row becomes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewRow<'a> {
    /// Place in the change feed.
    pub(crate) sequence: u64,
    /// State of the current revision.
    pub(crate) flags: Flags,
    /// The current revision.
    pub(crate) rev_id: &'a RevId,
    /// The encoded revision tree, see [`Head::tree`].
    pub(crate) tree: Option<&'a [u8]>,
    /// JSONB of the current revision.
    pub(crate) body: &'a [u8],
}

/// One row of the change feed.
#[derive(Clone, Debug)]
pub(crate) struct FeedRow {
    /// Whose row.
    pub(crate) doc_id: DocId,
    /// The row.
    pub(crate) head: Head,
    /// Length of the stored body in bytes.
    pub(crate) body_size: u64,
}

/// The statements of one collection, written once.
#[derive(Debug)]
pub(crate) struct DocumentTable {
    id: i64,
    insert: String,
    head: String,
    document: String,
    body: String,
    replace: String,
    set_tree: String,
    delete: String,
    feed: String,
    feed_of_one: String,
    count: String,
    count_deleted: String,
    last_sequence: String,
}

impl DocumentTable {
    /// The table of collection number `id`.
    pub(crate) fn new(id: i64) -> Self {
        let table = format!("docs_{id}");
        Self {
            id,
            insert: format!(
                "INSERT INTO {table} (sequence, id, flags, rev_id, tree, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING"
            ),
            head: format!("SELECT sequence, flags, rev_id, tree FROM {table} WHERE id = ?1"),
            document: format!("SELECT sequence, flags, rev_id, body FROM {table} WHERE id = ?1"),
            body: format!("SELECT body FROM {table} WHERE sequence = ?1"),
            replace: format!(
                "UPDATE {table} SET sequence = :new, flags = :flags, rev_id = :rev_id, tree = :tree,
                 body = :body, expiration = CASE WHEN :flags & 1 THEN NULL ELSE expiration END
                 WHERE sequence = :old"
            ),
            set_tree: format!("UPDATE {table} SET tree = ?2 WHERE sequence = ?1"),
            delete: format!("DELETE FROM {table} WHERE sequence = ?1"),
            feed: format!(
                "SELECT sequence, flags, rev_id, tree, id, length(body) FROM {table}
                 WHERE sequence > ?1 ORDER BY sequence LIMIT ?2"
            ),
            feed_of_one: format!(
                "SELECT sequence, flags, rev_id, tree, id, length(body) FROM {table}
                 WHERE id = ?1 AND sequence > ?2"
            ),
            count: format!("SELECT count(*) FROM {table}"),
            count_deleted: format!("SELECT count(*) FROM {table} WHERE flags & 1"),
            last_sequence: format!(
                "SELECT max(last_sequence, (SELECT ifnull(max(sequence), 0) FROM {table}))
                 FROM collections WHERE id = ?1"
            ),
        }
    }

    /// Number of the collection.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// Adds a row; false when the document has one already.
    pub(crate) fn insert(
        &self,
        connection: &Connection,
        doc_id: &DocId,
        row: NewRow<'_>,
    ) -> Result<bool> {
        let mut statement = connection.inner.prepare_cached(&self.insert)?;
        let added = statement.execute((
            to_sql(row.sequence),
            doc_id.as_str(),
            row.flags.0,
            row.rev_id.as_str(),
            row.tree,
            row.body,
        ))?;
        Ok(added == 1)
    }

    /// The row of a document, without its body.
    pub(crate) fn head(&self, connection: &Connection, doc_id: &DocId) -> Result<Option<Head>> {
        let mut statement = connection.inner.prepare_cached(&self.head)?;
        let mut rows = statement.query([doc_id.as_str()])?;
        rows.next()?.map(read_head).transpose()
    }

    /// Sequence, flags, current revision and body of a document.
    pub(crate) fn document<T>(
        &self,
        connection: &Connection,
        doc_id: &DocId,
        read: impl FnOnce(u64, Flags, RevId, &[u8]) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = connection.inner.prepare_cached(&self.document)?;
        let mut rows = statement.query([doc_id.as_str()])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let body = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        read(
            from_sql(row.get(0)?)?,
            Flags(row.get(1)?),
            stored_rev_id(row, 2)?,
            body,
        )
        .map(Some)
    }

    /// The body of the row with this sequence.
    pub(crate) fn body(&self, connection: &Connection, sequence: u64) -> Result<Vec<u8>> {
        let mut statement = connection.inner.prepare_cached(&self.body)?;
        Ok(statement.query_row([to_sql(sequence)], |row| row.get(0))?)
    }

    /// Gives the row with sequence `old` a new sequence and a new current revision.
    pub(crate) fn replace(&self, connection: &Connection, old: u64, row: NewRow<'_>) -> Result<()> {
        let mut statement = connection.inner.prepare_cached(&self.replace)?;
        statement.execute(named_params! {
            ":new": to_sql(row.sequence),
            ":flags": row.flags.0,
            ":rev_id": row.rev_id.as_str(),
            ":tree": row.tree,
            ":body": row.body,
            ":old": to_sql(old),
        })?;
        Ok(())
    }

    /// Changes only the tree of a row; this is no change of the document.
    pub(crate) fn set_tree(
        &self,
        connection: &Connection,
        sequence: u64,
        tree: Option<&[u8]>,
    ) -> Result<()> {
        let mut statement = connection.inner.prepare_cached(&self.set_tree)?;
        statement.execute((to_sql(sequence), tree))?;
        Ok(())
    }

    /// Changes the tree and the flags of a row: leaves came or went, the current one is the same.
    pub(crate) fn set_branches(
        &self,
        connection: &Connection,
        sequence: u64,
        flags: Flags,
        tree: Option<&[u8]>,
    ) -> Result<()> {
        connection
            .inner
            .prepare_cached(&format!(
                "UPDATE docs_{} SET flags = ?2, tree = ?3 WHERE sequence = ?1",
                self.id
            ))?
            .execute((to_sql(sequence), flags.0, tree))?;
        Ok(())
    }

    /// Removes a row.
    pub(crate) fn delete(&self, connection: &Connection, sequence: u64) -> Result<()> {
        let mut statement = connection.inner.prepare_cached(&self.delete)?;
        statement.execute([to_sql(sequence)])?;
        Ok(())
    }

    /// Rows after sequence `after`, in order, at most `limit`.
    pub(crate) fn feed(
        &self,
        connection: &Connection,
        after: u64,
        limit: usize,
    ) -> Result<Vec<FeedRow>> {
        let mut statement = connection.inner.prepare_cached(&self.feed)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query((to_sql(after), limit))?;
        let mut feed = Vec::new();
        while let Some(row) = rows.next()? {
            feed.push(read_feed_row(row)?);
        }
        Ok(feed)
    }

    /// The row of one document, if it stands after sequence `after`.
    pub(crate) fn feed_of_one(
        &self,
        connection: &Connection,
        doc_id: &DocId,
        after: u64,
    ) -> Result<Option<FeedRow>> {
        let mut statement = connection.inner.prepare_cached(&self.feed_of_one)?;
        let mut rows = statement.query((doc_id.as_str(), to_sql(after)))?;
        rows.next()?.map(read_feed_row).transpose()
    }

    /// Documents whose current revision is no tombstone.
    pub(crate) fn count(&self, connection: &Connection) -> Result<u64> {
        let all: i64 = connection
            .inner
            .prepare_cached(&self.count)?
            .query_row([], |row| row.get(0))?;
        let deleted: i64 = connection
            .inner
            .prepare_cached(&self.count_deleted)?
            .query_row([], |row| row.get(0))?;
        from_sql(all - deleted)
    }

    /// The highest sequence ever given out.
    pub(crate) fn last_sequence(&self, connection: &Connection) -> Result<u64> {
        let mut statement = connection.inner.prepare_cached(&self.last_sequence)?;
        from_sql(statement.query_row([self.id], |row| row.get(0))?)
    }

    /// Remembers the highest sequence apart from the rows, before the row that holds it goes.
    pub(crate) fn keep_last_sequence(&self, connection: &Connection, sequence: u64) -> Result<()> {
        connection
            .inner
            .prepare_cached(
                "UPDATE collections SET last_sequence = max(last_sequence, ?2) WHERE id = ?1",
            )?
            .execute((self.id, to_sql(sequence)))?;
        Ok(())
    }

    /// When a live document expires, in milliseconds since 1970.
    pub(crate) fn expiration(
        &self,
        connection: &Connection,
        doc_id: &DocId,
    ) -> Result<Option<i64>> {
        let mut statement = connection.inner.prepare_cached(&format!(
            "SELECT expiration FROM docs_{} WHERE id = ?1",
            self.id
        ))?;
        let found = statement
            .query_row([doc_id.as_str()], |row| row.get(0))
            .optional()?;
        Ok(found.flatten())
    }

    /// Sets when the row's document expires.
    pub(crate) fn set_expiration(
        &self,
        connection: &Connection,
        sequence: u64,
        expiration: Option<i64>,
    ) -> Result<()> {
        connection
            .inner
            .prepare_cached(&format!(
                "UPDATE docs_{} SET expiration = ?2 WHERE sequence = ?1",
                self.id
            ))?
            .execute((to_sql(sequence), expiration))?;
        Ok(())
    }

    /// Documents whose time has come, earliest first.
    pub(crate) fn expired(
        &self,
        connection: &Connection,
        now: i64,
        limit: usize,
    ) -> Result<Vec<DocId>> {
        let mut statement = connection.inner.prepare_cached(&format!(
            "SELECT id FROM docs_{} WHERE expiration IS NOT NULL AND expiration <= ?1
             ORDER BY expiration LIMIT ?2",
            self.id
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query((now, limit))?;
        let mut expired = Vec::new();
        while let Some(row) = rows.next()? {
            expired.push(DocId::parse(row.get::<_, String>(0)?)?);
        }
        Ok(expired)
    }

    /// The earliest time at which a document expires.
    pub(crate) fn next_expiration(&self, connection: &Connection) -> Result<Option<i64>> {
        let mut statement = connection.inner.prepare_cached(&format!(
            "SELECT min(expiration) FROM docs_{} WHERE expiration IS NOT NULL",
            self.id
        ))?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// The bodies with blobs that came after sequence `after`.
    pub(crate) fn bodies_with_blobs(
        &self,
        connection: &Connection,
        after: u64,
        visit: &mut impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut statement = connection.inner.prepare(&format!(
            "SELECT body FROM docs_{} WHERE sequence > ?1 AND flags & {}",
            self.id,
            Flags::HAS_BLOBS
        ))?;
        let mut rows = statement.query([to_sql(after)])?;
        while let Some(row) = rows.next()? {
            visit(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
        }
        Ok(())
    }

    /// Every row with its body, or why it cannot be read.
    pub(crate) fn all(
        &self,
        connection: &Connection,
        mut visit: impl FnMut(&str, Result<(Head, &[u8])>),
    ) -> Result<()> {
        let mut statement = connection.inner.prepare(&format!(
            "SELECT sequence, flags, rev_id, tree, id, body FROM docs_{}",
            self.id
        ))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = row.get_ref(4)?.as_str().unwrap_or("(unreadable)");
            let read = || {
                DocId::parse(id)?;
                let body = row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?;
                Ok((read_head(row)?, body))
            };
            visit(id, read());
        }
        Ok(())
    }

    /// The body of a revision that is not current: a leaf in conflict, or the base of deltas.
    pub(crate) fn branch_body(
        &self,
        connection: &Connection,
        doc_id: &DocId,
        rev_id: &RevId,
    ) -> Result<Option<Vec<u8>>> {
        Ok(connection
            .inner
            .prepare_cached(
                "SELECT body FROM branch_bodies WHERE collection = ?1 AND doc_id = ?2 AND rev_id = ?3",
            )?
            .query_row((self.id, doc_id.as_str(), rev_id.as_str()), |row| row.get(0))
            .optional()?)
    }

    /// The revisions of a document, other than the current one, whose bodies are here.
    pub(crate) fn branch_revisions(
        &self,
        connection: &Connection,
        doc_id: &DocId,
    ) -> Result<Vec<RevId>> {
        let mut statement = connection.inner.prepare_cached(
            "SELECT rev_id FROM branch_bodies WHERE collection = ?1 AND doc_id = ?2",
        )?;
        let mut rows = statement.query((self.id, doc_id.as_str()))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(stored_rev_id(row, 0)?);
        }
        Ok(found)
    }

    /// Copies the body of a row to those that stay when it is replaced, if it has `min_len` bytes.
    pub(crate) fn keep_body(
        &self,
        connection: &Connection,
        sequence: u64,
        min_len: usize,
    ) -> Result<bool> {
        let min_len = i64::try_from(min_len).unwrap_or(i64::MAX);
        let kept = connection
            .inner
            .prepare_cached(&format!(
                "INSERT OR REPLACE INTO branch_bodies (collection, doc_id, rev_id, body)
                 SELECT ?1, id, rev_id, body FROM docs_{} WHERE sequence = ?2 AND length(body) >= ?3",
                self.id
            ))?
            .execute((self.id, to_sql(sequence), min_len))?;
        Ok(kept == 1)
    }

    /// The documents with leaves in conflict.
    pub(crate) fn conflicted(&self, connection: &Connection) -> Result<Vec<DocId>> {
        let mut statement = connection.inner.prepare_cached(&format!(
            "SELECT DISTINCT doc_id FROM branch_bodies JOIN docs_{} ON id = doc_id
             WHERE collection = ?1 AND flags & {} != 0 ORDER BY doc_id",
            self.id,
            Flags::CONFLICTED
        ))?;
        let mut rows = statement.query([self.id])?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next()? {
            ids.push(DocId::parse(row.get::<_, String>(0)?)?);
        }
        Ok(ids)
    }

    /// Keeps the body of a leaf that is not current.
    pub(crate) fn put_branch_body(
        &self,
        connection: &Connection,
        doc_id: &DocId,
        rev_id: &RevId,
        body: &[u8],
    ) -> Result<()> {
        connection
            .inner
            .prepare_cached(
                "INSERT INTO branch_bodies (collection, doc_id, rev_id, body)
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET body = excluded.body",
            )?
            .execute((self.id, doc_id.as_str(), rev_id.as_str(), body))?;
        Ok(())
    }

    /// Removes the body of a revision that is no leaf any more, or current now.
    pub(crate) fn delete_branch_body(
        &self,
        connection: &Connection,
        doc_id: &DocId,
        rev_id: &RevId,
    ) -> Result<()> {
        connection
            .inner
            .prepare_cached(
                "DELETE FROM branch_bodies WHERE collection = ?1 AND doc_id = ?2 AND rev_id = ?3",
            )?
            .execute((self.id, doc_id.as_str(), rev_id.as_str()))?;
        Ok(())
    }

    /// Removes the bodies of all leaves of a document that are not current.
    pub(crate) fn delete_branch_bodies(
        &self,
        connection: &Connection,
        doc_id: &DocId,
    ) -> Result<()> {
        connection
            .inner
            .prepare_cached("DELETE FROM branch_bodies WHERE collection = ?1 AND doc_id = ?2")?
            .execute((self.id, doc_id.as_str()))?;
        Ok(())
    }
}

/// All collections of the database.
pub(crate) fn collections(connection: &Connection) -> Result<Vec<(i64, CollectionSpec)>> {
    let mut statement = connection
        .inner
        .prepare_cached("SELECT id, scope, name FROM collections")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (scope, name): (String, String) = (row.get(1)?, row.get(2)?);
        found.push((row.get(0)?, CollectionSpec::new(scope, name)?));
    }
    Ok(found)
}

/// Makes a collection and answers with its number.
pub(crate) fn create_collection(connection: &Connection, spec: &CollectionSpec) -> Result<i64> {
    connection.inner.execute(
        "INSERT INTO collections (scope, name) VALUES (?1, ?2)",
        (spec.scope(), spec.name()),
    )?;
    let id = connection.inner.last_insert_rowid();
    schema::create_collection_table(&connection.inner, id)?;
    Ok(id)
}

/// Removes a collection with all that is in it.
pub(crate) fn delete_collection(connection: &Connection, id: i64) -> Result<()> {
    connection
        .inner
        .execute("DELETE FROM branch_bodies WHERE collection = ?1", [id])?;
    connection
        .inner
        .execute("DELETE FROM collections WHERE id = ?1", [id])?;
    connection
        .inner
        .execute_batch(&format!("DROP TABLE docs_{id}"))?;
    Ok(())
}

fn read_head(row: &rusqlite::Row<'_>) -> Result<Head> {
    Ok(Head {
        sequence: from_sql(row.get(0)?)?,
        flags: Flags(row.get(1)?),
        rev_id: stored_rev_id(row, 2)?,
        tree: row.get(3)?,
    })
}

fn read_feed_row(row: &rusqlite::Row<'_>) -> Result<FeedRow> {
    let id = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(FeedRow {
        doc_id: DocId::parse(id)?,
        head: read_head(row)?,
        body_size: from_sql(row.get(5)?)?,
    })
}

fn stored_rev_id(row: &rusqlite::Row<'_>, column: usize) -> Result<RevId> {
    RevId::parse(
        row.get_ref(column)?
            .as_str()
            .map_err(rusqlite::Error::from)?,
    )
}

/// SQLite's integers are signed; a collection does not live to see 2⁶³ changes.
fn to_sql(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> Result<u64> {
    u64::try_from(number)
        .map_err(|_| Error::lite(Code::CorruptData, format!("database: bad number {number}")))
}
