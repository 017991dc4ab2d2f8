//! stub

pub mod pages;
