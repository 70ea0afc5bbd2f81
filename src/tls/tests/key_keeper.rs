//! Who keeps the master key (trust §8.3), with key stores of all moods. The system's own one is
//! asked in `__test__/key-store.spec.ts`.

use std::any::Any;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Entry, Error as KeyringError, Result, mock};

use super::store::{DAY, identity, start};
use crate::error::Code;
use crate::tls::key_store::keyring::{Keyring, Opened};
use crate::tls::key_store::{SYSTEM_STORE, SystemStore};
use crate::tls::{ANONYMOUS_LABEL, IdentityStore, Protection};

/// What a store does with a secret that it is to keep.
type Mood = fn(&Entry, &[u8]) -> Result<()>;

/// keyring-core's own store in memory, except for how it takes secrets.
struct MoodyStore {
    memory: Arc<mock::Store>,
    mood: Mood,
}

impl CredentialStoreApi for MoodyStore {
    fn vendor(&self) -> String {
        "test".into()
    }

    fn id(&self) -> String {
        "moody".into()
    }

    fn build(
        &self,
        service: &str,
        user: &str,
        _modifiers: Option<&HashMap<&str, &str>>,
    ) -> Result<Entry> {
        let entry = self.memory.build(service, user, None)?;
        let mood = self.mood;
        Ok(Entry::new_with_credential(Arc::new(Moody { entry, mood })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Moody {
    entry: Entry,
    mood: Mood,
}

impl CredentialApi for Moody {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        (self.mood)(&self.entry, secret)
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.entry.get_secret()
    }

    fn delete_credential(&self) -> Result<()> {
        self.entry.delete_credential()
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn works(entry: &Entry, secret: &[u8]) -> Result<()> {
    entry.set_secret(secret)
}

/// Long enough for a store in memory on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A store with this memory and mood.
fn system(memory: &Arc<mock::Store>, mood: Mood, patience: Duration) -> SystemStore {
    let memory = Arc::clone(memory);
    let open = move || {
        let memory = Arc::clone(&memory);
        Ok(Opened::new(Arc::new(MoodyStore { memory, mood }), ()))
    };
    Ok(Arc::new(Keyring::new(open, patience)))
}

fn open(folder: &Path, memory: &Arc<mock::Store>) -> IdentityStore {
    IdentityStore::open_with(folder, system(memory, works, PATIENCE)).unwrap()
}

/// A store that cannot be reached.
fn closed() -> SystemStore {
    let open = || Err(KeyringError::NoStorageAccess("it is locked".into()));
    Ok(Arc::new(Keyring::new(open, PATIENCE)))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The entry to which a folder's `master.name` leads.
fn entry(folder: &Path, memory: &mock::Store) -> Entry {
    let name = fs::read_to_string(folder.join("master.name")).unwrap();
    memory.build("settee", &name, None).unwrap()
}

/// How many secrets it has.
fn count(memory: &mock::Store) -> usize {
    let mut credentials = memory.inner.lock().unwrap();
    let credentials = credentials.get_mut();
    let has_secret = |credential: &&Arc<mock::Cred>| {
        let data = credential.inner.lock().unwrap();
        data.borrow().secret.is_some()
    };
    credentials.iter().filter(has_secret).count()
}

#[test]
fn the_systems_store_keeps_the_key_and_the_folder_only_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let memory = mock::Store::new().unwrap();
    let store = open(folder.path(), &memory);
    // What would be used.
    assert_eq!(store.protection().unwrap(), Protection::SystemStore);
    assert_eq!(count(&memory), 0);

    let made = store.anonymous(start()).unwrap();
    let wanted = [".lock", "master.name", "settee-anonymous.id"];
    assert_eq!(names(folder.path()), wanted);
    let protection = store.protection().unwrap();
    assert_eq!(
        (protection.class(), protection.keeper()),
        ("strong", SYSTEM_STORE)
    );
    assert_eq!(count(&memory), 1);
    // 32 bytes as text.
    let secret = entry(folder.path(), &memory).get_password().unwrap();
    assert_eq!(secret.len(), 44);

    // A later start, and another identity under the same key.
    let later = open(folder.path(), &memory);
    assert_eq!(later.anonymous(start() + DAY).unwrap(), made);
    later.put("desk", &identity()).unwrap();
    assert_eq!(count(&memory), 1);
    assert!(later.delete(ANONYMOUS_LABEL).unwrap());
    assert_eq!(count(&memory), 1);
    assert!(later.get("desk").unwrap().is_some());
    // With the last one goes the key.
    assert!(later.delete("desk").unwrap());
    assert_eq!(count(&memory), 0);
    assert_eq!(names(folder.path()), [".lock"]);
}

#[test]
fn folders_have_keys_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let memory = mock::Store::new().unwrap();
    let (first, second) = (folder.path().join("a"), folder.path().join("b"));
    open(&first, &memory).put("x", &identity()).unwrap();
    open(&second, &memory).put("x", &identity()).unwrap();
    assert_eq!(count(&memory), 2);
    fs::copy(first.join("x.id"), second.join("x.id")).unwrap();
    let error = open(&second, &memory).get("x").unwrap_err();
    assert!(error.is(Code::CorruptData), "{error}");
}

#[test]
fn a_store_that_does_not_keep_what_it_gets_is_not_used() {
    let memory = mock::Store::new().unwrap();
    let moods: [(&str, Mood); 3] = [
        ("refuses", |_, _| {
            Err(KeyringError::NoStorageAccess("it is locked".into()))
        }),
        ("loses", |_, _| Ok(())),
        ("changes", |entry, secret| entry.set_secret(&secret[1..])),
    ];
    for (what, mood) in moods {
        let folder = tempfile::tempdir().unwrap();
        let system = system(&memory, mood, PATIENCE);
        let store = IdentityStore::open_with(folder.path(), system).unwrap();
        store.put("desk", &identity()).unwrap();
        let protection = store.protection().unwrap();
        assert_eq!(protection, Protection::OwnerOnlyFile, "{what}");
        let wanted = [".lock", "desk.id", "master.key"];
        assert_eq!(names(folder.path()), wanted, "{what}");
        assert_eq!(count(&memory), 0, "{what}");
        // It stays so when the store has come to its senses.
        let later = open(folder.path(), &memory);
        assert_eq!(later.get("desk").unwrap(), store.get("desk").unwrap());
        later.put("other", &identity()).unwrap();
        assert_eq!(later.protection().unwrap(), Protection::OwnerOnlyFile);
        assert_eq!(count(&memory), 0, "{what}");
    }
    let folder = tempfile::tempdir().unwrap();
    let store = IdentityStore::open_with(folder.path(), closed()).unwrap();
    assert_eq!(store.protection().unwrap(), Protection::OwnerOnlyFile);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "measures")]
fn a_store_that_hangs_costs_the_time_limit_once_and_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let memory = mock::Store::new().unwrap();
    let hangs: Mood = |entry, secret| {
        std::thread::sleep(Duration::from_millis(500));
        entry.set_secret(secret)
    };
    let system = system(&memory, hangs, Duration::from_millis(50));
    let store = IdentityStore::open_with(folder.path(), system).unwrap();
    let identity = identity();
    let before = Instant::now();
    store.put("desk", &identity).unwrap();
    let took = before.elapsed();
    assert!(took < Duration::from_millis(400), "{took:?}");
    assert_eq!(store.protection().unwrap(), Protection::OwnerOnlyFile);
    let wanted = [".lock", "desk.id", "master.key"];
    assert_eq!(names(folder.path()), wanted);
    // It takes the key in the end; then it is taken back. Its thread holds the memory until then.
    let deadline = before + Duration::from_secs(20);
    while Arc::strong_count(&memory) > 2 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(before.elapsed() > Duration::from_millis(400));
    assert_eq!(count(&memory), 0);
}

#[test]
fn a_key_that_is_gone_is_an_error_that_says_what_to_do_and_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let memory = mock::Store::new().unwrap();
    let store = open(folder.path(), &memory);
    store.anonymous(start()).unwrap();
    let before = fs::read(folder.path().join("settee-anonymous.id")).unwrap();
    entry(folder.path(), &memory).delete_credential().unwrap();
    for error in [
        store.anonymous(start()).unwrap_err(),
        store.get(ANONYMOUS_LABEL).unwrap_err(),
        store.put("other", &identity()).unwrap_err(),
    ] {
        assert!(error.is(Code::CorruptData), "{error}");
        let (name, text) = (
            fs::read_to_string(folder.path().join("master.name")),
            error.message(),
        );
        for part in [
            SYSTEM_STORE,
            &name.unwrap(),
            "deleted",
            "delete the identities",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
    let after = fs::read(folder.path().join("settee-anonymous.id")).unwrap();
    assert_eq!(before, after);
    assert_eq!(count(&memory), 0);
    // Which key it was is still known.
    assert_eq!(store.protection().unwrap(), Protection::SystemStore);
    // Deleting them is the way out.
    assert!(store.delete(ANONYMOUS_LABEL).unwrap());
    store.anonymous(start()).unwrap();
    assert_eq!(store.protection().unwrap(), Protection::SystemStore);
    assert_eq!(count(&memory), 1);
}

#[test]
fn a_store_that_cannot_be_asked_is_an_error_until_it_can_or_the_identities_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let memory = mock::Store::new().unwrap();
    open(folder.path(), &memory)
        .put("desk", &identity())
        .unwrap();
    for (system, why) in [
        (closed(), "it is locked"),
        (
            Err("there is no D-Bus session"),
            "there is no D-Bus session",
        ),
    ] {
        let store = IdentityStore::open_with(folder.path(), system).unwrap();
        for error in [
            store.get("desk").unwrap_err(),
            store.put("other", &identity()).unwrap_err(),
        ] {
            assert!(error.is(Code::CantOpenFile), "{error}");
            for part in [SYSTEM_STORE, why, "Unlock", "delete the identities"] {
                assert!(error.message().contains(part), "{error}");
            }
        }
        assert_eq!(store.protection().unwrap(), Protection::SystemStore);
        assert_eq!(store.labels().unwrap(), ["desk"]);
    }
    assert!(open(folder.path(), &memory).get("desk").unwrap().is_some());

    let store = IdentityStore::open_with(folder.path(), closed()).unwrap();
    assert!(store.delete("desk").unwrap());
    assert_eq!(names(folder.path()), [".lock"]);
    store.put("desk", &identity()).unwrap();
    assert_eq!(store.protection().unwrap(), Protection::OwnerOnlyFile);
}

#[test]
fn a_folder_with_a_key_in_a_file_goes_on_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let memory = mock::Store::new().unwrap();
    let without = IdentityStore::open_with(folder.path(), Err("there is none")).unwrap();
    without.put("desk", &identity()).unwrap();
    let store = open(folder.path(), &memory);
    assert_eq!(store.get("desk").unwrap(), without.get("desk").unwrap());
    store.put("other", &identity()).unwrap();
    assert_eq!(store.protection().unwrap(), Protection::OwnerOnlyFile);
    assert_eq!(count(&memory), 0);
    // A new beginning is made with the store.
    store.delete("desk").unwrap();
    store.delete("other").unwrap();
    store.put("desk", &identity()).unwrap();
    assert_eq!(store.protection().unwrap(), Protection::SystemStore);
}

#[test]
fn a_start_that_was_interrupted_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let memory = mock::Store::new().unwrap();
    let store = open(folder.path(), &memory);
    store.put("desk", &identity()).unwrap();
    let name = folder.path().join("master.name");
    let old = fs::read(&name).unwrap();
    // As after a crash between the name and the key: nothing is sealed with it.
    fs::remove_file(folder.path().join("desk.id")).unwrap();
    entry(folder.path(), &memory).delete_credential().unwrap();
    store.put("desk", &identity()).unwrap();
    assert_ne!(fs::read(&name).unwrap(), old);
    assert_eq!(count(&memory), 1);
    assert!(open(folder.path(), &memory).get("desk").unwrap().is_some());
}

#[test]
fn a_damaged_name_or_key_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let memory = mock::Store::new().unwrap();
    let store = open(folder.path(), &memory);
    store.put("desk", &identity()).unwrap();
    entry(folder.path(), &memory).set_password("short").unwrap();
    let error = store.get("desk").unwrap_err();
    assert!(error.message().contains("no key of 32 bytes"), "{error}");
    let name = folder.path().join("master.name");
    for bad in [&b""[..], b"../../x", &[b'g'; 32], &[0xff; 32], &[b'a'; 33]] {
        fs::write(&name, bad).unwrap();
        for error in [
            store.get("desk").unwrap_err(),
            store.protection().unwrap_err(),
        ] {
            assert!(error.is(Code::CorruptData), "{error}");
            assert!(error.message().contains("master.name"), "{error}");
        }
    }
    assert!(store.delete("desk").unwrap());
    assert_eq!(names(folder.path()), [".lock"]);
}

#[test]
fn threads_that_race_make_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let memory = mock::Store::new().unwrap();
    let race = || open(folder.path(), &memory).anonymous(start()).unwrap();
    let identities = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(race)).collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap());
        joined.collect::<Vec<_>>()
    });
    assert!(identities.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(count(&memory), 1);
}
