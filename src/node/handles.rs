//! Open databases by the names that JavaScript uses for them (API §2.2, §2.3).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use super::batch::Batch;
use super::{lock, shown};
use crate::database::Database;
use crate::error::{Code, Error, Result};

/// Characters after the name and its underscore in a unique name.
const SUFFIX_LEN: usize = 21;

/// A handle that `database_Open` gave out.
#[derive(Debug)]
pub(super) struct OpenDatabase {
    /// `<name>_<21 random characters>`.
    pub(super) unique_name: String,
    /// The database's own name.
    pub(super) name: String,
    /// The engine's handle.
    pub(super) database: Database,
    /// The transaction that is being gathered, if there is one.
    pub(super) batch: Mutex<Option<Batch>>,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<String, Arc<OpenDatabase>>,
    /// Unique names by plain name, in the order of opening.
    by_name: HashMap<String, Vec<String>>,
    /// Plain and unique names that were open once.
    seen: HashSet<String>,
}

/// All open databases of the process.
#[derive(Debug, Default)]
pub(super) struct Handles(Mutex<State>);

impl Handles {
    /// Gives a database a unique name.
    ///
    /// # Errors
    /// `UnexpectedError` when the system has no random numbers.
    pub(super) fn add(&self, database: Database) -> Result<Arc<OpenDatabase>> {
        let name = database.name().to_owned();
        let entry = Arc::new(OpenDatabase {
            unique_name: format!("{name}_{}", random_suffix()?),
            name: name.clone(),
            database,
            batch: Mutex::default(),
        });
        let mut state = lock(&self.0);
        let unique_name = &entry.unique_name;
        state.open.insert(unique_name.clone(), Arc::clone(&entry));
        state.seen.insert(unique_name.clone());
        state.seen.insert(name.clone());
        state
            .by_name
            .entry(name)
            .or_default()
            .push(unique_name.clone());
        Ok(entry)
    }

    /// The open database called so: a unique name, or a plain name, which means the handle of that
    /// name that was opened last and is still open.
    ///
    /// # Errors
    /// `NotOpen`.
    pub(super) fn get(&self, name: &str) -> Result<Arc<OpenDatabase>> {
        let state = lock(&self.0);
        state
            .open
            .get(name)
            .or_else(|| state.open.get(state.by_name.get(name)?.last()?))
            .map(Arc::clone)
            .ok_or_else(|| {
                let what = if state.seen.contains(name) {
                    "is closed"
                } else {
                    "is not open"
                };
                Error::lite(Code::NotOpen, format!("database {:?} {what}", shown(name)))
            })
    }

    /// Whether the name was ever open.
    pub(super) fn was_open(&self, name: &str) -> bool {
        lock(&self.0).seen.contains(name)
    }

    /// Forgets a handle.
    pub(super) fn remove(&self, entry: &OpenDatabase) {
        let mut state = lock(&self.0);
        state.open.remove(&entry.unique_name);
        if let Some(handles) = state.by_name.get_mut(&entry.name) {
            handles.retain(|unique_name| *unique_name != entry.unique_name);
            if handles.is_empty() {
                state.by_name.remove(&entry.name);
            }
        }
    }
}

fn random_suffix() -> Result<String> {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut suffix = String::with_capacity(SUFFIX_LEN);
    let mut bytes = [0_u8; 64];
    while suffix.len() < SUFFIX_LEN {
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::lite(Code::UnexpectedError, format!("no random numbers: {error}"))
        })?;
        // Values past a multiple of 62 would favour the first characters.
        let fair = bytes.iter().filter(|&&byte| byte < 248);
        let wanted = SUFFIX_LEN - suffix.len();
        suffix.extend(
            fair.take(wanted)
                .map(|byte| char::from(ALPHABET[usize::from(byte % 62)])),
        );
    }
    Ok(suffix)
}
