//! Clock, timer and limits that the mock upstream and the load client share.
//!
//! tokio's own timers tick in whole milliseconds, which is coarser than what is measured here;
//! a timerfd wakes within about a tenth of one.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::getrlimit;
use rustix::process::setrlimit;
use rustix::time::ClockId;
use rustix::time::Itimerspec;
use rustix::time::TimerfdClockId;
use rustix::time::TimerfdFlags;
use rustix::time::TimerfdTimerFlags;
use rustix::time::Timespec;
use rustix::time::clock_gettime;
use rustix::time::timerfd_create;
use rustix::time::timerfd_settime;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// CLOCK_MONOTONIC in microseconds: the same clock in every process of the machine.
pub fn now_us() -> u64 {
    let t = clock_gettime(ClockId::Monotonic);
    t.tv_sec as u64 * 1_000_000 + t.tv_nsec as u64 / 1_000
}

/// A one-shot timer on an absolute CLOCK_MONOTONIC deadline.
pub struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    /// A timer that is not set.
    ///
    /// # Errors
    /// When the process may open no more files.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "what takes its place is unsafe, and an OwnedFd stays open until it is dropped"
        )]
        let fd = AsyncFd::new(fd)?;
        Ok(Self(fd))
    }

    /// Waits until then; not at all when that is past.
    ///
    /// # Errors
    /// When the system refuses the timer.
    pub async fn until(&self, deadline_us: u64) -> io::Result<()> {
        if deadline_us <= now_us() {
            return Ok(());
        }
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let at = Timespec {
            tv_sec: (deadline_us / 1_000_000) as _,
            tv_nsec: (deadline_us % 1_000_000 * 1_000) as _,
        };
        let spec = Itimerspec {
            it_interval: zero,
            it_value: at,
        };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::ABSTIME, &spec)?;
        let read = |fd: &OwnedFd| Ok(rustix::io::read(fd, &mut [0u8; 8])?);
        self.0.async_io(Interest::READABLE, read).await?;
        Ok(())
    }
}

/// Sleeps until `deadline_us` with a timer of its own.
///
/// # Errors
/// As [`Timer`].
pub async fn sleep_until(deadline_us: u64) -> io::Result<()> {
    Timer::new()?.until(deadline_us).await
}

/// Raises the soft limit of open files to the hard one.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    );
}
