//! Vectors and behaviours of a whole connection.
