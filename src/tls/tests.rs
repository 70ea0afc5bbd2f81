//! What the verifiers accept, in memory and in real handshakes; what the store does on disk.

mod pkcs12;
mod store;
mod verifier;
