//! The same code for the processor that it runs on.
//!
//! The loop is compiled once for any processor of its architecture and once for those with the
//! instructions of the last decade; which is run is chosen when a worker is made. So is each pass
//! over a burst, as a function of its own: within one that is too large, compilers run out of
//! registers, and passes are where each of them counts. Also its cycle counter.

#![expect(
    unsafe_code,
    reason = "calls of code that needs certain instructions, once they are known to be there; a \
              register that is read"
)]

/// What the processor is known to have. Cannot be made for what it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// What the compiler was told.
    Portable,
    /// x86-64-v3: AVX2, BMI, MOVBE (Haswell of 2013, Excavator of 2015).
    #[cfg(target_arch = "x86_64")]
    V3,
}

impl Cpu {
    /// Code for any processor.
    pub const PORTABLE: Cpu = Cpu(Level::Portable);

    /// What this processor has.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let v3 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("movbe")
                && is_x86_feature_detected!("popcnt")
                && is_x86_feature_detected!("sse4.2");
            if v3 {
                return Cpu(Level::V3);
            }
        }
        Self::PORTABLE
    }

    /// The name of what is used, as compilers call it.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Level::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Level::V3 => "x86-64-v3",
        }
    }

    /// Does `work`, and all that is inlined there, compiled for this processor.
    #[inline(always)]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        match self.0 {
            Level::Portable => work.work(),
            #[cfg(target_arch = "x86_64")]
            Level::V3 => {
                // By its address, of which the compiler is told nothing: it would inline it else,
                // whatever is said there.
                let v3: unsafe fn(W) -> W::Output = std::hint::black_box(v3::<W>);
                // SAFETY: the level is made only where all of these features were detected.
                unsafe { v3(work) }
            }
        }
    }

    /// It has AVX2.
    pub(crate) const fn has_avx2(self) -> bool {
        !matches!(self.0, Level::Portable)
    }
}

/// The processor's cycle counter, which goes at a steady rate from some moment in the past: of x86-64
/// the time-stamp counter, of aarch64 the virtual timer, which is slower than cycles are. Always 0
/// elsewhere. Another core may be a little behind.
///
/// It costs some tens of cycles, and is no system call.
#[inline(always)]
pub fn ticks() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        // SAFETY: every x86-64 has this instruction, and it has no other preconditions.
        unsafe { std::arch::x86_64::_rdtsc() }
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    {
        let ticks: u64;
        // SAFETY: it reads a register into another, and Linux lets all programs read this one.
        unsafe {
            std::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack));
        }
        ticks
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    {
        0
    }
}

/// What is compiled for a processor. Not a closure, which could not be told to be inlined.
pub(crate) trait Work {
    /// What comes of it.
    type Output;

    /// Does it. To be inlined always.
    fn work(self) -> Self::Output;
}

/// Compiled with more instructions; `work` is inlined here, and so is what is inlined there. This
/// itself is never inlined.
///
/// # Safety
///
/// The processor has all these features.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,fma,lzcnt,movbe,popcnt,sse4.2")]
#[inline(never)]
unsafe fn v3<W: Work>(work: W) -> W::Output {
    work.work()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Add<'a>(&'a mut u32);

    impl Work for Add<'_> {
        type Output = u32;

        #[inline(always)]
        fn work(self) -> u32 {
            *self.0 += 1;
            *self.0
        }
    }

    #[test]
    fn work_is_done_once_wherever_it_is() {
        let mut count = 0;
        assert_eq!(Cpu::PORTABLE.run(Add(&mut count)), 1);
        assert_eq!(Cpu::detect().run(Add(&mut count)), 2);
        assert!(!Cpu::PORTABLE.has_avx2());
    }

    #[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
    #[test]
    fn ticks_go_on() {
        let began = ticks();
        while ticks() == began {}
        assert!(ticks() > began);
    }
}
