//! Checkpoints of both roles (wire spec §4), numbers of remotes, and the cookies of servers (§1.6).

use super::transaction::{ReadTx, WriteTx};
use crate::error::{Error, Result};
use crate::model::replication::RemoteId;
use crate::storage::checkpoint_store;

/// Key in the table `info`.
const COOKIES: &str = "cookies";

impl ReadTx<'_> {
    /// The checkpoint that this (active) side stored under `client_id`: JSON text.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn local_checkpoint(&self, client_id: &str) -> Result<Option<Vec<u8>>> {
        checkpoint_store::local(self.connection, client_id)
    }

    /// The cookies that servers set for this database's replicators: JSON text.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn cookies(&self) -> Result<Option<Vec<u8>>> {
        checkpoint_store::info(self.connection, COOKIES)
    }

    /// The checkpoint that a client stored here, with its revision (wire §3.3).
    ///
    /// # Errors
    /// Those of the disk.
    pub fn peer_checkpoint(&self, client_id: &str) -> Result<Option<(String, Vec<u8>)>> {
        checkpoint_store::peer(self.connection, client_id)
    }
}

impl WriteTx<'_> {
    /// Stores the checkpoint of the active side.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn save_local_checkpoint(&mut self, client_id: &str, body: &[u8]) -> Result<()> {
        checkpoint_store::save_local(self.connection, client_id, body)
    }

    /// Stores what [`ReadTx::cookies`] gives.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn save_cookies(&mut self, json: &[u8]) -> Result<()> {
        checkpoint_store::set_info(self.connection, COOKIES, json)
    }

    /// Stores a client's checkpoint if `rev` is the revision that is stored, empty for none
    /// (wire §3.4). Answers with the new revision, `N-cc`.
    ///
    /// # Errors
    /// HTTP 409 when `rev` is another one.
    pub fn set_peer_checkpoint(
        &mut self,
        client_id: &str,
        rev: &str,
        body: &[u8],
    ) -> Result<String> {
        let stored = self
            .peer_checkpoint(client_id)?
            .map(|(rev, _)| rev)
            .unwrap_or_default();
        if stored != rev {
            return Err(Error::http(409, "revision ID mismatch"));
        }
        let generation: u64 = rev
            .split_once('-')
            .and_then(|(generation, _)| generation.parse().ok())
            .unwrap_or(0);
        let new = format!("{}-cc", generation.saturating_add(1));
        checkpoint_store::save_peer(self.connection, client_id, &new, body)?;
        Ok(new)
    }

    /// The number of a remote, made when the remote is new.
    pub(super) fn remote_id(&mut self, key: &str) -> Result<RemoteId> {
        let found = checkpoint_store::remote(self.connection, key)?;
        let id = match found {
            Some(id) => id,
            None => checkpoint_store::add_remote(self.connection, key)?,
        };
        Ok(RemoteId(id))
    }
}
