//! The identity store on disk (trust §8.1, §8.3, design D10).

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::Code;
use crate::tls::{ANONYMOUS_LABEL, IdentityStore, SelfSignedOptions, TlsIdentity, server_config};

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub(super) fn identity() -> TlsIdentity {
    TlsIdentity::self_signed(&SelfSignedOptions::new("label", start())).unwrap()
}

#[test]
fn the_anonymous_identity_is_made_once_and_reused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/identities");
    let first = IdentityStore::open(&path)
        .unwrap()
        .anonymous(start())
        .unwrap();
    let again = IdentityStore::open(&path)
        .unwrap()
        .anonymous(start() + DAY)
        .unwrap();
    assert_eq!(first, again);
    server_config(&again, None).unwrap();
}

#[test]
fn it_is_renewed_with_the_same_key_when_a_tenth_of_its_year_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(folder.path()).unwrap();
    let first = store.anonymous(start()).unwrap();
    let (not_before, not_after) = first.validity().unwrap();
    let tenth = not_after.duration_since(not_before).unwrap() / 10;
    assert_eq!(store.anonymous(not_after - tenth).unwrap(), first);

    let renewal = not_after - tenth + Duration::from_secs(1);
    let second = store.anonymous(renewal).unwrap();
    assert_ne!(second.certificate_der(), first.certificate_der());
    assert_eq!(second.key_der(), first.key_der());
    assert_eq!(second.validity().unwrap().1, renewal + DAY * 365);
    assert_eq!(store.anonymous(renewal + DAY).unwrap(), second);

    // Long expired, and made by a clock that ran ahead: renewed too.
    let third = store.anonymous(renewal + DAY * 5000).unwrap();
    let back = store.anonymous(start()).unwrap();
    assert_ne!(third, back);
    assert_eq!(third.key_der(), back.key_der());
}

#[test]
fn labels_are_taken_once_freed_by_deletion_and_never_paths() {
    let folder = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(folder.path()).unwrap();
    let identity = identity();
    assert_eq!(store.get("desk").unwrap(), None);
    store.put("desk", &identity).unwrap();
    assert_eq!(store.get("desk").unwrap(), Some(identity.clone()));
    let taken = store.put("desk", &identity).unwrap_err();
    let wanted = "Certificate already exists with the label";
    assert!(taken.message().contains(wanted), "{taken}");
    assert!(store.delete("desk").unwrap());
    assert!(!store.delete("desk").unwrap());
    assert!(!folder.path().join("master.key").exists());
    store.put("desk", &identity).unwrap();
    let long = "x".repeat(65);
    for label in ["", "../x", "a/b", ".hidden", "a b", "ü", &long] {
        assert!(store.put(label, &identity).is_err(), "{label:?}");
        assert!(store.get(label).is_err(), "{label:?}");
        assert!(store.delete(label).is_err(), "{label:?}");
    }
}

#[test]
fn a_changed_exchanged_or_orphaned_file_is_an_error_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(folder.path()).unwrap();
    store.anonymous(start()).unwrap();
    let file = folder.path().join(format!("{ANONYMOUS_LABEL}.id"));
    let good = std::fs::read(&file).unwrap();
    for index in [0, 4, 5, 20, good.len() - 1] {
        let mut bad = good.clone();
        bad[index] ^= 1;
        std::fs::write(&file, &bad).unwrap();
        let error = store.anonymous(start()).unwrap_err();
        assert!(error.message().contains("settee-anonymous.id"), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), bad);
    }
    for length in (0..good.len()).step_by(97) {
        std::fs::write(&file, &good[..length]).unwrap();
        assert!(store.anonymous(start()).is_err(), "{length} bytes");
    }
    // Under another label it does not open.
    std::fs::write(&file, &good).unwrap();
    std::fs::rename(&file, folder.path().join("other.id")).unwrap();
    assert!(store.get("other").unwrap_err().is(Code::CorruptData));
    // Nor with another or no master key.
    std::fs::rename(folder.path().join("other.id"), &file).unwrap();
    std::fs::write(folder.path().join("master.key"), [7; 32]).unwrap();
    assert!(store.anonymous(start()).unwrap_err().is(Code::CorruptData));
    std::fs::write(folder.path().join("master.key"), [7; 31]).unwrap();
    assert!(store.anonymous(start()).unwrap_err().is(Code::CorruptData));
    std::fs::remove_file(folder.path().join("master.key")).unwrap();
    assert!(store.anonymous(start()).unwrap_err().is(Code::CorruptData));
}

#[test]
fn the_key_is_not_in_the_file_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(folder.path()).unwrap();
    let identity = store.anonymous(start()).unwrap();
    let content = std::fs::read(folder.path().join("settee-anonymous.id")).unwrap();
    for secret in [identity.key_der(), identity.certificate_der()] {
        let part = &secret[secret.len() / 2..][..16];
        assert!(!content.windows(16).any(|window| window == part));
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn files_are_the_owners_alone_whatever_the_umask_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identities");
        IdentityStore::open(&path)
            .unwrap()
            .anonymous(start())
            .unwrap();
        assert_eq!(mode(&path), 0o700);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        assert_eq!(names, [".lock", "master.key", "settee-anonymous.id"]);
    }

    #[test]
    fn what_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = IdentityStore::open(folder.path()).unwrap();
        store.anonymous(start()).unwrap();
        for name in ["settee-anonymous.id", "master.key", ".lock"] {
            let file = folder.path().join(name);
            for bad in [0o640, 0o604, 0o660] {
                std::fs::set_permissions(&file, Permissions::from_mode(bad)).unwrap();
                let error = store.anonymous(start()).unwrap_err();
                assert!(error.is(Code::CantOpenFile), "{error}");
                assert!(error.message().contains(&format!("{bad:04o}")), "{error}");
            }
            std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        }
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o775)).unwrap();
        assert!(
            IdentityStore::open(folder.path())
                .unwrap_err()
                .is(Code::CantOpenFile)
        );
    }

    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let store = IdentityStore::open(&folder.path().join("real")).unwrap();
        store.anonymous(start()).unwrap();
        let file = folder.path().join("real/settee-anonymous.id");
        let elsewhere = folder.path().join("elsewhere");
        std::fs::rename(&file, &elsewhere).unwrap();
        symlink(&elsewhere, &file).unwrap();
        assert!(store.anonymous(start()).unwrap_err().is(Code::CantOpenFile));
        let link = folder.path().join("link");
        symlink(folder.path().join("real"), &link).unwrap();
        assert!(
            IdentityStore::open(&link)
                .unwrap_err()
                .is(Code::CantOpenFile)
        );
    }
}

/// Not a test by itself: the other process of the next one.
#[test]
fn racing_process() {
    if let Ok(folder) = std::env::var("SETTEE_TEST_RACE") {
        IdentityStore::open(Path::new(&folder))
            .unwrap()
            .anonymous(start())
            .unwrap();
    }
}

#[test]
fn two_processes_that_race_make_one_identity() {
    let folder = tempfile::tempdir().unwrap();
    let race = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tls::tests::store::racing_process"])
            .env("SETTEE_TEST_RACE", folder.path())
            .output()
            .unwrap()
    };
    let (ours, theirs) = std::thread::scope(|scope| {
        let others: Vec<_> = (0..3).map(|_| scope.spawn(race)).collect();
        let ours = IdentityStore::open(folder.path())
            .unwrap()
            .anonymous(start())
            .unwrap();
        let theirs: Vec<_> = others.into_iter().map(|t| t.join().unwrap()).collect();
        (ours, theirs)
    });
    for output in theirs {
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}"
        );
    }
    let kept = IdentityStore::open(folder.path())
        .unwrap()
        .anonymous(start())
        .unwrap();
    assert_eq!(ours, kept);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}
