//! The lab of the end-to-end tests.
