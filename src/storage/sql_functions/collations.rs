//! Collations, made when a statement first names one.

use crate::query::collation::Collator;

/// Tells a connection how to make a collation that it does not know.
pub(super) fn register(connection: &rusqlite::Connection) -> crate::Result<()> {
    connection.collation_needed(|connection, name| {
        // A name that is not ours stays unknown, which SQLite reports.
        let Some(collator) = Collator::from_sql_name(name) else {
            return Ok(());
        };
        if !collator.locale_known() {
            tracing::warn!(target: "query", name, "collation of an unknown locale, the root's is used");
        }
        connection.create_collation(name, move |a: &str, b: &str| collator.compare(a, b))
    })?;
    Ok(())
}
