//! Commands that are killed at every step and at any moment, and disks that fail: what was acknowledged is there, the
//! rest is wholly there or wholly not, and the next command works.

mod action;
mod contents;
mod full_disk;
mod kills;
mod sending;
mod trial;
mod ways_in;
