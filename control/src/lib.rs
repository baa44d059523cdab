//! The control plane of overpath.
