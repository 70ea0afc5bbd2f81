//! SQLite's own care, and walks over everything that is stored.

use super::Connection;
use crate::error::{Code, Error, Result};

/// Pages given back in one step.
const RELEASE_STEP: u32 = 4_000;

/// Builds all indexes anew.
pub(crate) fn reindex(connection: &Connection) -> Result<()> {
    Ok(connection.inner.execute_batch("REINDEX")?)
}

/// Gathers statistics where they are out of date.
pub(crate) fn optimize(connection: &Connection) -> Result<()> {
    Ok(connection.inner.execute_batch("PRAGMA optimize")?)
}

/// Gathers statistics of indexes that have none, or whose tables have grown much; looks at a part of
/// each only.
pub(crate) fn optimize_indexes(connection: &Connection) -> Result<()> {
    // Checks all tables, not only those that this connection has queried.
    Ok(connection.inner.execute_batch("PRAGMA optimize=0x10002")?)
}

/// Gathers all statistics.
pub(crate) fn analyze(connection: &Connection) -> Result<()> {
    Ok(connection.inner.execute_batch("ANALYZE")?)
}

/// Gives free pages back to the file system, and cuts the log.
pub(crate) fn release_pages(connection: &Connection) -> Result<()> {
    loop {
        let free: u32 = connection
            .inner
            .pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if free == 0 {
            break;
        }
        // Each row that the pragma steps through is one page.
        let mut statement = connection
            .inner
            .prepare(&format!("PRAGMA incremental_vacuum({RELEASE_STEP})"))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        drop(rows);
        let left: u32 = connection
            .inner
            .pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if left >= free {
            break;
        }
    }
    connection.truncate_log()
}

/// What SQLite (and SQLCipher) find wrong with the file: nothing, or at most `max` texts.
pub(crate) fn check(connection: &Connection, max: usize) -> Result<Vec<String>> {
    // The file itself is to be read, not what this connection remembers of it.
    connection.truncate_log()?;
    connection.inner.execute_batch("PRAGMA shrink_memory")?;
    let mut findings = Vec::new();
    for sql in ["PRAGMA cipher_integrity_check", "PRAGMA integrity_check"] {
        let texts = (|| {
            let mut statement = connection.inner.prepare(sql)?;
            let texts = statement
                .query_map([], |row| row.get::<_, String>(0))?
                .collect::<rusqlite::Result<Vec<String>>>()?;
            Ok::<_, rusqlite::Error>(texts)
        })();
        match texts {
            Ok(texts) => findings.extend(texts.into_iter().filter(|text| text != "ok").take(max)),
            Err(error) => {
                let error = Error::from(error);
                if error.is(Code::CorruptData) || error.is(Code::NotADatabaseFile) {
                    findings.push(error.message().to_owned());
                } else {
                    return Err(error);
                }
            }
        }
    }
    Ok(findings)
}

/// The bodies of all leaves that are not current.
pub(crate) fn branch_bodies(
    connection: &Connection,
    visit: &mut impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut statement = connection
        .inner
        .prepare_cached("SELECT body FROM branch_bodies")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        visit(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
    }
    Ok(())
}
