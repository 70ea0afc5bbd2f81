//! SQL++: values, functions, collations, patterns and text analysis. No database handle, no I/O.
//!
//! Follows the query spec throughout; the section is named where a rule comes from.

pub mod collation;
pub mod functions;
pub mod pattern;
pub mod text_analysis;
pub mod value;
