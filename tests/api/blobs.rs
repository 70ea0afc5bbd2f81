//! Blobs (design D6).

use std::fs;
use std::io::{Read, Seek, SeekFrom};

use settee::error::Code;
use settee::model::BlobDigest;

use super::support::{Fixture, default, doc_id};

fn content(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|i| ((i * 7 + seed) % 253) as u8).collect()
}

fn write(fixture: &Fixture, content: &[u8]) -> BlobDigest {
    let mut writer = fixture.database.blob_writer().unwrap();
    for piece in content.chunks(30_000) {
        writer.write(piece).unwrap();
    }
    let (digest, length) = writer
        .finish(Some(&BlobDigest::of(content)), Some(content.len() as u64))
        .unwrap();
    assert_eq!(length, content.len() as u64);
    digest
}

fn read(fixture: &Fixture, digest: &BlobDigest) -> Option<Vec<u8>> {
    let mut reader = fixture.database.blob_reader(digest).unwrap()?;
    let mut content = Vec::new();
    reader.read_to_end(&mut content).unwrap();
    assert_eq!(reader.len(), content.len() as u64);
    Some(content)
}

#[test]
fn blobs_of_every_size_come_back() {
    let mut fixture = Fixture::new();
    let sizes = [0, 1, 65_536, 65_537, 1_000_000];
    let digests: Vec<_> = sizes
        .iter()
        .map(|&size| write(&fixture, &content(size, 1)))
        .collect();
    fixture.reopen();
    for (digest, size) in digests.iter().zip(sizes) {
        assert_eq!(read(&fixture, digest).unwrap(), content(size, 1), "{size}");
    }
    let mut reader = fixture.database.blob_reader(&digests[4]).unwrap().unwrap();
    reader.seek(SeekFrom::Start(999_990)).unwrap();
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, &content(1_000_000, 1)[999_990..]);
    let missing = BlobDigest::of(b"never stored");
    assert!(read(&fixture, &missing).is_none());
    let found = fixture
        .database
        .has_blobs(&[digests[0], missing, digests[4]]);
    assert_eq!(found.unwrap(), [true, false, true]);
}

#[test]
fn a_whole_blob_is_stored_and_read_whatever_its_size_and_the_pieces_it_comes_in() {
    const KIB: usize = 1024;
    let fixture = Fixture::new();
    for size in [
        0,
        1,
        64 * KIB,
        64 * KIB + 1,
        1024 * KIB - 1,
        1024 * KIB,
        1024 * KIB + 1,
        9_000_000,
        // Above the size from which memory is the system's own.
        33 * KIB * KIB + 5,
    ] {
        let content = content(size, size % 7);
        let digest = BlobDigest::of(&content);
        let mut rest = content.as_slice();
        let stored = fixture
            .database
            .store_blob_from(|buffer| Ok(rest.read(buffer)?))
            .unwrap();
        assert_eq!(stored, (digest, size as u64));
        let whole = fixture.database.blob_reader(&digest).unwrap().unwrap();
        assert!(whole.read_all().unwrap() == content, "{size}");
        let mut reader = fixture.database.blob_reader(&digest).unwrap().unwrap();
        for (offset, count) in [
            (0, 1),
            (7, 70_000),
            (size / 2, size),
            (size, 1),
            (size + 9, 9),
        ] {
            let part = reader.read_part(offset as u64, count as u64).unwrap();
            let start = offset.min(size);
            assert!(
                part == content[start..size.min(start + count)],
                "{size} {offset}"
            );
        }

        // The same from a source that gives little at a time, by another name.
        let mut other = content;
        other.push(1);
        let mut rest = other.as_slice();
        let stored = fixture.database.store_blob_from(|buffer| {
            let limit = buffer.len().min(100_003);
            Ok(rest.read(&mut buffer[..limit])?)
        });
        assert_eq!(
            stored.unwrap(),
            (BlobDigest::of(&other), other.len() as u64)
        );
        assert!(read(&fixture, &BlobDigest::of(&other)).unwrap() == other);
    }
}

#[test]
fn a_source_that_fails_is_told_and_leaves_nothing() {
    let fixture = Fixture::new();
    for fails_at in [0, 100_000, 5_000_000] {
        let mut given = 0;
        let stored = fixture.database.store_blob_from(|buffer| {
            if given >= fails_at {
                return Err(settee::Error::lite(Code::IoError, "for the test"));
            }
            given += buffer.len();
            Ok(buffer.len())
        });
        assert_eq!(stored.unwrap_err().message(), "for the test");
    }
    let folder = fixture.database.path().join("Attachments");
    let left = fs::read_dir(folder).map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

#[test]
fn only_large_blobs_are_files_and_equal_ones_are_one() {
    let fixture = Fixture::new();
    write(&fixture, &content(65_536, 2));
    let large = write(&fixture, &content(65_537, 2));
    assert_eq!(write(&fixture, &content(65_537, 2)), large);
    let files: Vec<_> = fs::read_dir(fixture.database.path().join("Attachments"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, [large.to_hex()]);
}

#[test]
fn content_that_is_not_what_was_promised_is_thrown_away() {
    let fixture = Fixture::new();
    for size in [10, 100_000] {
        let bytes = content(size, 3);
        let mut writer = fixture.database.blob_writer().unwrap();
        writer.write(&bytes).unwrap();
        let error = writer
            .finish(Some(&BlobDigest::of(b"other")), None)
            .unwrap_err();
        assert!(error.is(Code::CorruptData));
        let mut writer = fixture.database.blob_writer().unwrap();
        writer.write(&bytes).unwrap();
        assert!(writer.finish(None, Some(size as u64 + 1)).is_err());
        let mut dropped = fixture.database.blob_writer().unwrap();
        dropped.write(&bytes).unwrap();
        drop(dropped);
        assert!(read(&fixture, &BlobDigest::of(&bytes)).is_none());
    }
    let attachments = fixture.database.path().join("Attachments");
    assert_eq!(fs::read_dir(attachments).unwrap().count(), 0);
}

#[test]
fn half_written_files_of_a_killed_process_go_on_opening() {
    let mut fixture = Fixture::new();
    write(&fixture, &content(70_000, 4));
    let stale = fixture.database.path().join("Attachments/tmp-stale");
    fs::write(&stale, b"half").unwrap();
    fixture.reopen();
    assert!(!stale.exists());
}

#[test]
fn a_document_can_be_saved_with_its_small_blob_in_one_call() {
    let fixture = Fixture::new();
    fixture
        .database
        .write(|tx| {
            let digest = tx.put_small_blob(b"hello blob")?;
            tx.save(
                &default(),
                Some(doc_id("a")),
                br#"{"n":1}"#,
                vec![("photo".into(), digest, 10, "text/plain".into())],
                Default::default(),
            )
        })
        .unwrap();
    assert_eq!(
        fixture.body("a").unwrap(),
        r#"{"n":1,"photo":{"@type":"blob","content_type":"text/plain","digest":"sha1-c2XTGPrFT86b4bdd8Xo4E/Zpuww=","length":10}}"#
    );
    let digest = BlobDigest::of(b"hello blob");
    assert_eq!(read(&fixture, &digest).unwrap(), b"hello blob");
    let too_long = fixture
        .database
        .write(|tx| tx.put_small_blob(&content(65_537, 0)));
    assert!(too_long.unwrap_err().is(Code::InvalidParameter));
}

#[test]
fn blobs_are_saved_to_files_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    for key in [None, Some("open sesame")] {
        let fixture = Fixture::with_key(key);
        let target = directory.path().join("target");
        for length in [1_000_000, 0, 65_536, 100] {
            let content = content(length, 3);
            let digest = write(&fixture, &content);
            let reader = || fixture.database.blob_reader(&digest).unwrap().unwrap();
            reader().save_to(&target).unwrap();
            assert_eq!(fs::read(&target).unwrap(), content);
            let mut moved = reader();
            moved.seek(SeekFrom::End(0)).unwrap();
            moved.save_to(&target).unwrap();
            assert_eq!(
                fs::read(&target).unwrap(),
                content,
                "from wherever reading was"
            );

            let folder = directory.path().join("folder");
            fs::create_dir_all(folder.join("not empty")).unwrap();
            for (path, code) in [
                (folder.clone(), Code::CantOpenFile),
                (directory.path().join("absent/file"), Code::CantOpenFile),
                (directory.path().join(".."), Code::InvalidParameter),
            ] {
                let error = reader().save_to(&path).unwrap_err();
                assert!(error.is(code), "{error}");
                assert!(
                    error.message().contains(&*path.to_string_lossy()),
                    "{error}"
                );
            }
            assert_eq!(fs::read(&target).unwrap(), content);
        }
        let names: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }
}

#[test]
fn a_damaged_blob_replaces_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = Fixture::with_key(Some("open sesame"));
    let digest = write(&fixture, &content(300_000, 4));
    let attachments = fixture.directory.path().join("db.cblite2/Attachments");
    let blob = fs::read_dir(attachments).unwrap().next().unwrap().unwrap();
    let mut sealed = fs::read(blob.path()).unwrap();
    sealed[250_000] ^= 1;
    fs::write(blob.path(), sealed).unwrap();
    let target = directory.path().join("target");
    fs::write(&target, "before").unwrap();
    let reader = fixture.database.blob_reader(&digest).unwrap().unwrap();
    let error = reader.save_to(&target).unwrap_err();
    assert!(error.is(Code::IoError), "{error}");
    assert!(error.message().contains("damaged"), "{error}");
    assert_eq!(fs::read(&target).unwrap(), b"before");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}
