//! What running costs this process: CPU time and memory, as the kernel counts them.

use rustix::time::{ClockId, clock_gettime};

/// CPU time of all threads so far, user and system, in nanoseconds. What others run on the machine
/// does not count, though it makes caches colder.
pub fn cpu() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Resident memory now and at most since the last [`forget_peak`], in KiB, from `proc(5)`.
pub fn resident() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
        number.unwrap_or(0)
    };
    (value("VmRSS:"), value("VmHWM:"))
}

/// Lets the peak of resident memory begin anew. Whether the kernel can do that.
pub fn forget_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_and_memory_count() {
        let before = cpu();
        let text: Vec<u8> = (0..20_000_000_u32).map(|number| number as u8).collect();
        assert!(std::hint::black_box(&text).len() > 1 && cpu() > before);
        let (now, most) = resident();
        assert!(now > 20_000_000 / 1024 && most >= now, "{now} {most}");
    }
}
