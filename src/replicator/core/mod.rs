//! The decisions of one connection, sans-IO.

pub mod effects;
