//! Buffers that are used again: a network's features are tens of megabytes, and memory that is new from the system each time costs a
//! fifth of the whole.

use std::cell::RefCell;

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor};

/// Kept by a thread, at most.
const KEPT: usize = 6;

thread_local! {
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// `len` numbers, any.
pub(super) fn take(len: usize) -> Vec<f32> {
    let mut buffer = FREE.with_borrow_mut(|free| {
        let fitting = (0..free.len()).filter(|i| free[*i].capacity() >= len);
        fitting.min_by_key(|i| free[*i].capacity()).map(|i| free.swap_remove(i)).unwrap_or_default()
    });
    buffer.resize(len, 0.0);
    buffer
}

/// Gives a buffer back; of too many the smallest goes.
pub(super) fn give(buffer: Vec<f32>) {
    FREE.with_borrow_mut(|free| {
        free.push(buffer);
        if free.len() > KEPT {
            free.sort_unstable_by_key(|b| std::cmp::Reverse(b.capacity()));
            free.truncate(KEPT);
        }
    });
}

/// Gives back what a tensor holds, which nothing else may look at any more.
///
/// # Errors
/// When candle cannot reach its numbers.
pub(super) fn recycle(tensor: &Tensor) -> Result<()> {
    tensor.inplace_op1(&Recycle)
}

struct Recycle;

impl InplaceOp1 for Recycle {
    fn name(&self) -> &'static str {
        "recycle"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> Result<()> {
        if let CpuStorage::F32(values) = storage {
            give(std::mem::take(values));
        }
        Ok(())
    }
}
