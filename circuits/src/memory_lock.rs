//! Keeping secrets out of swap.

/// A buffer's memory, kept from being swapped out as long as this lives and the system allows it.
///
/// Whole pages are locked. Where two buffers share a page, it is let go with the first of them: lock what
/// is large, and drop the lock before the buffer.
#[derive(Default)]
pub struct MemoryLock {
    #[cfg(unix)]
    guard: Option<region::LockGuard>,
}

impl MemoryLock {
    /// Locks the memory that a buffer has room for; without effect where the system forbids it (a limit
    /// of locked memory, as `ulimit -l` tells it) or has no such thing.
    pub fn new<T>(buffer: &Vec<T>) -> Self {
        #[cfg(unix)]
        {
            let bytes = buffer.capacity() * size_of::<T>();
            let guard = (bytes > 0).then(|| region::lock(buffer.as_ptr(), bytes).ok()).flatten();
            Self { guard }
        }
        #[cfg(not(unix))]
        {
            let _ = buffer;
            Self::default()
        }
    }

    /// Whether the memory is locked.
    pub fn holds(&self) -> bool {
        #[cfg(unix)]
        return self.guard.is_some();
        #[cfg(not(unix))]
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn locked_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    #[test]
    fn memory_is_locked_as_long_as_the_lock_lives() {
        let buffer: Vec<u64> = Vec::with_capacity(8 * 1_024);
        let before = locked_kib();
        let lock = MemoryLock::new(&buffer);
        if !lock.holds() {
            eprintln!("this system locks no memory: nothing to see");
            return;
        }
        assert!(locked_kib() >= before + 64);
        drop(lock);
        assert_eq!(locked_kib(), before);
        assert!(!MemoryLock::new(&Vec::<u64>::new()).holds());
    }
}
