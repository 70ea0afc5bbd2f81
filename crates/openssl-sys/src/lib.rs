//! Stands in for the crate of this name, of which SQLCipher needs no more than a libcrypto to call and its
//! headers (ADR 012). They are those of AWS-LC, which TLS has brought already.

extern crate aws_lc_sys as _;
