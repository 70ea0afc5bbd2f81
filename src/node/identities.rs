//! TLS identities by label (API §15.9). Private keys never cross into JavaScript.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::args::Args;
use super::lock;
use super::message::Outcome;
use super::runtime::Runtime;
use crate::error::{Error, Result};
use crate::listener::default_identity_folder;
use crate::tls::{CertificateFacts, IdentityOptions, IdentityStore, TlsIdentity};

/// What the label of an identity in memory begins with; no stored one can.
const IN_MEMORY: char = '~';
/// Most identities in memory.
const MAX_IN_MEMORY: usize = 1_000;

/// Identities that were made without a label: they live as long as the process.
#[derive(Debug, Default)]
pub(super) struct Identities(Mutex<HashMap<String, TlsIdentity>>);

impl Identities {
    fn put(&self, identity: TlsIdentity) -> Result<String> {
        let mut identities = lock(&self.0);
        if identities.len() >= MAX_IN_MEMORY {
            return Err(Error::invalid(format!(
                "there are {MAX_IN_MEMORY} TLS identities without a label already; delete some"
            )));
        }
        let label = format!("{IN_MEMORY}{}", uuid::Uuid::new_v4());
        identities.insert(label.clone(), identity);
        Ok(label)
    }
}

/// The identity of a label, from memory or from the store.
///
/// # Errors
/// `NotFound`; `InvalidParameter` when its time is over or has not come; those of the store.
pub(super) fn find(runtime: &Runtime, label: &str) -> Result<TlsIdentity> {
    let identity = if label.starts_with(IN_MEMORY) {
        lock(&runtime.identities.0).get(label).cloned()
    } else {
        open()?.get(label)?
    };
    let identity = identity.ok_or_else(|| {
        Error::not_found(format!("there is no TLS identity with the label {label:?}"))
    })?;
    identity.check_dates(now())?;
    Ok(identity)
}

/// Takes an identity in memory out of `{mode: 'stored', label}`; `None` for any other config.
pub(super) fn in_memory(runtime: &Runtime, config: &Value) -> Result<Option<TlsIdentity>> {
    let is_stored = config.get("mode").and_then(Value::as_str) == Some("stored");
    match config.get("label").and_then(Value::as_str) {
        Some(label) if is_stored && label.starts_with(IN_MEMORY) => find(runtime, label).map(Some),
        _ => Ok(None),
    }
}

/// The identity that a `tlsIdentityConfig` describes: made, imported or fetched.
pub(super) fn from_config(runtime: &Runtime, config: &Value) -> Result<TlsIdentity> {
    match in_memory(runtime, config)? {
        Some(identity) => Ok(identity),
        None => open()?.make(&IdentityOptions::from_json(config)?, now()),
    }
}

/// `[facts]` of a chain, leaf first.
pub(super) fn certificates(chain: &[Vec<u8>]) -> Result<Value> {
    let facts = chain.iter().map(|der| CertificateFacts::read(der));
    let facts = facts.collect::<Result<Vec<_>>>()?;
    serde_json::to_value(facts).map_err(|error| Error::invalid(error.to_string()))
}

/// `{label, certificates}`.
fn described(label: &str, identity: &TlsIdentity) -> Result<Outcome> {
    let certificates = certificates(identity.chain_der())?;
    let payload = json!({"label": label, "certificates": certificates});
    Ok(Outcome::Json(payload.to_string()))
}

/// `tlsIdentity_Create {label?, attributes, expiration?, usage?}` → `{label, certificates}`.
pub(super) fn create(args: &Args<'_>) -> Result<Outcome> {
    make(args, "selfSigned")
}

/// `tlsIdentity_Import {label?, certBase64, password?}` → `{label, certificates}`.
pub(super) fn import(args: &Args<'_>) -> Result<Outcome> {
    make(args, "imported")
}

fn make(args: &Args<'_>, mode: &str) -> Result<Outcome> {
    let mut config = args.value().clone();
    if let Some(fields) = config.as_object_mut() {
        fields.insert("mode".into(), mode.into());
    }
    let options = IdentityOptions::from_json(&config)?;
    let identity = open()?.make(&options, now())?;
    match options.label() {
        Some(label) => described(label, &identity),
        None => described(&args.runtime.identities.put(identity.clone())?, &identity),
    }
}

/// `tlsIdentity_Get {label}` → `{label, certificates}`, or nothing when there is none.
pub(super) fn get(args: &Args<'_>) -> Result<Outcome> {
    let label = args.text("label")?;
    let identity = if label.starts_with(IN_MEMORY) {
        lock(&args.runtime.identities.0).get(label).cloned()
    } else {
        open()?.get(label)?
    };
    match identity {
        Some(identity) => described(label, &identity),
        None => Ok(Outcome::Nothing),
    }
}

/// `tlsIdentity_Delete {label}`, also `URLEndpointListener_deleteIdentity`: an unknown label is no
/// error.
pub(super) fn delete(args: &Args<'_>) -> Result<Outcome> {
    let label = args.text("label")?;
    if label.starts_with(IN_MEMORY) {
        lock(&args.runtime.identities.0).remove(label);
    } else if default_identity_folder()?.is_dir() {
        open()?.delete(label)?;
    }
    Ok(Outcome::Nothing)
}

/// `tlsIdentity_List` → `{labels}`, those that are stored.
pub(super) fn list(_: &Args<'_>) -> Result<Outcome> {
    let labels = if default_identity_folder()?.is_dir() {
        open()?.labels()?
    } else {
        Vec::new()
    };
    Ok(Outcome::Json(json!({"labels": labels}).to_string()))
}

/// `tlsIdentity_GetProtection` → `{protection, keeper}`.
pub(super) fn protection(_: &Args<'_>) -> Result<Outcome> {
    let protection = open()?.protection()?;
    let payload = json!({"protection": protection.class(), "keeper": protection.keeper()});
    Ok(Outcome::Json(payload.to_string()))
}

fn open() -> Result<IdentityStore> {
    IdentityStore::open(&default_identity_folder()?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the binding is where an application's time comes from"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
