//! Messages of the specification and of the captures.
