//! Tests of the pattern language and its bounds.
