//! What the verifiers accept, in memory and in real handshakes; what the store does on disk.

#[cfg(feature = "key-store")]
mod key_keeper;
mod pkcs12;
mod store;
mod verifier;
