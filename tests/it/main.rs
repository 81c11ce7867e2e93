//! The one integration binary: whole features through public doors, and rules about the sources.
#![cfg(test)]

mod data_files;
mod debate;
mod gateway;
mod layers;
mod store_contract;
mod support;
