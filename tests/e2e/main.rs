//! The program as a person runs it: real processes, real files, real connections.
//!
//! Every test has a home of its own (`home`) and talks to servers of its own; nothing of the real user is touched, and
//! nothing leaves the machine.
#![cfg(unix)]

mod authentication;
mod aws;
mod azure;
mod browser;
mod capture;
mod certificates;
mod concurrency;
#[cfg(target_os = "linux")]
mod crash;
mod delays;
mod demo;
mod doctor;
mod explain;
mod hashicorp;
mod home;
mod hostile;
mod injection;
mod keychain;
mod leaks;
mod links;
mod literals;
mod malice;
mod masking;
mod moving;
mod moving_out;
mod onepassword;
mod parity;
mod permissions;
mod pins;
mod prompts;
mod proxies;
mod redirect_matrix;
mod redirects;
mod rollback;
mod sockets;
mod spellings;
mod stage;
mod tampering;
mod tls;
mod together;
mod trust;
mod unresolved;
mod url_parsers;
mod ways_in;
