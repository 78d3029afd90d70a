//! What functions leave on the stack and in registers.

use std::hint::black_box;

/// How far down it is wiped: deeper than any command of ours goes (measured: 72 KiB of a send, 170 KiB unoptimised, and more
/// since requests have legs and a pace), and little deeper than the pages that a thread has used anyway.
const DEPTH: usize = if cfg!(debug_assertions) { 512 * 1024 } else { 128 * 1024 };

/// Overwrites what functions that have returned left on this thread's stack and in its vector registers: a value that was moved stays where it was,
/// a hash keeps its block, a compiler spills registers, and no destructor reaches any of it.
///
/// Called when a key has done its work, before a program waits for a person or a server, and at its end.
#[inline(never)]
pub fn wipe_dead_stack() {
    let mut area = [0u8; DEPTH];
    black_box(&mut area);
    wipe_registers(&mut area);
}

/// The C library copies through vector registers that little else uses (on processors with AVX-512, glibc's are ymm16 and
/// up), so what was copied last stays in them and in every dump. Copying zeros of each length that it treats in a way of its
/// own takes the same registers.
fn wipe_registers(zeros: &mut [u8; DEPTH]) {
    let (from, to) = zeros.split_at_mut(DEPTH / 2);
    for length in [4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096] {
        let length = black_box(length);
        black_box(&mut to[..length]).copy_from_slice(black_box(&from[..length]));
    }
}
