//! Tests of the function table.
