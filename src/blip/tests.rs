//! Vectors and behaviours of a whole connection.

mod flow;
mod limits;
mod pair;
mod random;
mod vectors;
