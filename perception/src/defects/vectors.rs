//! Plain code with wider vector instructions than every machine has.
#![allow(unsafe_code)]

/// Does some work, compiled once more for machines with AVX2: the same operations, hence the same bits.
///
/// What is inlined into `work` is; what is called is not.
#[inline(always)]
pub(super) fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the instructions were detected.
        return unsafe { avx2(work) };
    }
    work()
}

/// # Safety
/// The machine has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
