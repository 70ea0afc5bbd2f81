//! The Rust sample of the README, line for line; a jest test compares the two. A program of its own,
//! because the sample names a folder relative to where it runs.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

#[rustfmt::skip]
fn sample() -> settee::Result<()> {
    use settee::database::{Concurrency, Database, DatabaseOptions};
    use settee::model::{CollectionSpec, DocId};

    let database = Database::open("recipes", &DatabaseOptions::in_directory("kitchen"))?;
    let dishes = CollectionSpec::new("_default", "dishes")?;
    let soup = DocId::parse("soup")?;
    database.write(|tx| {
        tx.create_collection(&dishes)?;
        tx.save(&dishes, Some(soup.clone()), br#"{"name":"Tomato soup"}"#, vec![], Concurrency::LastWriteWins)
    })?;
    let found = database.read(|tx| tx.document(&dishes, &soup))?;
    assert!(found.is_some());
    database.delete()
}

#[test]
fn the_sample_of_the_readme_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::env::set_current_dir(folder.path()).unwrap();
    sample().unwrap();
}
